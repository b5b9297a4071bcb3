"""A stream's server is killed, frozen and restarted in the midst of a comparison."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.engine.outages import BACK_S, NOTICED_S, endure

pytestmark = pytest.mark.alone  # times, and counts processes


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that freezes a process")
def test_a_comparison_survives_five_outages_of_its_stream(
    standard: Path, lightweight: Path, tmp_path: Path
) -> None:
    choice = {"runtime": "openvino", "precision": "f32", "device": "cpu"}
    request = {"a": str(standard), "b": str(lightweight), "ring": str(tmp_path / "ring"), **choice}
    outages = endure(request, 5)
    assert [outage.kind for outage in outages] == ["killed", "frozen", "killed", "frozen", "killed"]
    assert max(outage.noticed_s for outage in outages) <= NOTICED_S
    assert max(outage.back_s for outage in outages) <= BACK_S
