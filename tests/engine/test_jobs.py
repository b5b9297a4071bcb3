"""Engine processes step back behind the window."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os
from pathlib import Path
from app.engine.jobs import lower_priority
lower_priority()
group = Path("/proc/self/autogroup")
print(os.nice(0), group.read_text() if group.exists() else "")
"""


def _levels(level: int, own_session: bool) -> tuple[int, int | None]:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "DEPTHWISE_STUDIO_NICE": str(level)},
        start_new_session=own_session,
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    group = re.search(r"nice (-?\d+)", done)
    return int(done.split()[0]), int(group[1]) if group else None


@pytest.mark.skipif(not hasattr(os, "nice"), reason="nice levels are of POSIX")
def test_an_engine_process_is_nice_beyond_its_session() -> None:
    level, group = _levels(10, own_session=True)
    assert level >= 10
    if group is not None and os.access("/proc/self/autogroup", os.W_OK):
        assert group == 10


@pytest.mark.skipif(not hasattr(os, "nice"), reason="nice levels are of POSIX")
def test_the_callers_session_keeps_its_level() -> None:
    here = Path("/proc/self/autogroup")
    before = here.read_text() if here.exists() else ""
    _levels(10, own_session=False)
    assert (here.read_text() if here.exists() else "") == before
