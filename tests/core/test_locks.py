"""A lock that one process alone holds, and that nobody holds for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.core.locks import HeldError, holding

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys, time
from pathlib import Path
from app.core.locks import HeldError, holding
time.sleep(max(float(sys.argv[2]) - time.time(), 0))
try:
    with holding(Path(sys.argv[1])) as held:
        print("held" if held else "unlocked", flush=True)
        sys.stdin.read()
except HeldError as problem:
    print("refused", problem.holder.pid if problem.holder else "", flush=True)
"""


def child(path: Path, at: float = 0.0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(path), str(at)]
    return subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, text=True)


def test_of_several_at_the_same_moment_one_gets_it(tmp_path: Path) -> None:
    at = time.time() + 1.0
    children = [child(tmp_path / "lock", at) for _ in range(4)]
    said = [process.stdout.readline().split() for process in children if process.stdout]
    winner = next(process for process, words in zip(children, said, strict=True) if words == ["held"])
    refused = [words for words in said if words[0] == "refused"]
    assert len(refused) == 3
    assert {word for words in refused for word in words[1:]} <= {str(winner.pid)}
    for process in children:
        process.communicate(timeout=10)
    assert not (tmp_path / "lock").exists()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = child(path)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    with pytest.raises(HeldError) as refused, holding(path):
        pytest.fail("two at once")
    assert refused.value.holder is not None
    assert refused.value.holder.pid == process.pid
    process.kill()
    process.communicate(timeout=10)
    assert path.exists()
    with holding(path) as held:
        assert held
        assert str(os.getpid()) in path.read_text()
    assert not path.exists()


def test_where_nothing_can_be_written_nothing_is_locked(tmp_path: Path) -> None:
    with holding(tmp_path / "nowhere" / "lock") as held:
        assert not held
