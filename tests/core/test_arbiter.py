"""Trainings, comparisons and measurements tell each other apart, whatever dies in between."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core import arbiter
from app.core.arbiter import COMPARISON, TRAINING, Activity, Claim, active, measuring, others

pytestmark = pytest.mark.alone  # times, or counts processes

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys
from app.core.arbiter import active
with active(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def training() -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the machine for a training."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, TRAINING], cwd=ROOT, stdin=-1, stdout=-1, text=True
    )
    assert child.stdin
    assert child.stdout
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


def test_nobody_is_there_at_first() -> None:
    assert others() == ()
    with measuring() as turn:
        assert turn.disturbance() is None


def test_what_this_process_does_does_not_disturb_itself() -> None:
    with active(TRAINING):
        assert others() == ()
        assert len(list(arbiter.folder().glob("*.json"))) == 1
    assert list(arbiter.folder().glob("*.json")) == []


def test_another_process_is_seen_until_it_lets_go(training: subprocess.Popen[str]) -> None:
    assert [activity.kind for activity in others()] == [TRAINING]
    assert training.stdin
    training.stdin.close()
    training.wait(10)
    assert others() == ()


def test_a_process_that_was_killed_does_not_count(training: subprocess.Popen[str]) -> None:
    training.kill()
    training.wait(10)
    assert len(list(arbiter.folder().glob("*.json"))) == 1
    assert others() == ()
    assert list(arbiter.folder().glob("*.json")) == []


def test_a_measurement_waits_for_a_training(training: subprocess.Popen[str]) -> None:
    seen: list[Activity] = []
    end = threading.Timer(0.7, training.kill)
    end.start()
    begin = time.monotonic()
    with measuring(waiting=seen.append) as turn:
        assert time.monotonic() - begin > 0.3
        assert turn.disturbance() is None
    end.join()
    assert [activity.kind for activity in seen] == [TRAINING]


def test_patience_ends_and_cancelling_is_heard(training: subprocess.Popen[str]) -> None:
    begin = time.monotonic()
    with measuring(patience_s=0) as turn:
        assert turn.disturbance() is not None
    with measuring(cancelled=lambda: True) as turn:
        assert not turn.wait()
    assert time.monotonic() - begin < 0.5


def test_of_two_measurements_the_older_goes_first() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, "measurement"], cwd=ROOT, stdin=-1, stdout=-1, text=True
    )
    assert child.stdin
    assert child.stdout
    child.stdout.readline()
    try:
        assert arbiter.disturbance(time.time()) is not None
        assert arbiter.disturbance(others()[0].since - 1) is None
    finally:
        child.stdin.close()
        child.wait(10)
        child.stdout.close()


def test_a_paused_comparison_frees_the_machine() -> None:
    claim = Claim(COMPARISON)
    claim.hold()
    claim.hold()
    assert len(list(arbiter.folder().glob("*.json"))) == 1
    claim.release()
    claim.release()
    assert list(arbiter.folder().glob("*.json")) == []
    claim.hold()
    assert len(list(arbiter.folder().glob("*.json"))) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "training"}', json.dumps({"process": 3})])
def test_broken_files_are_ignored(text: str) -> None:
    arbiter.folder().mkdir(parents=True)
    (arbiter.folder() / "1-training-0.json").write_text(text)
    assert others() == ()


def test_a_cache_that_cannot_be_written_does_not_stop_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "file" / "cache"))
    with active(TRAINING):
        assert others() == ()
