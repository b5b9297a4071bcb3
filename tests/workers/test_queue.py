"""The keeper: trains what waits, one after the other, and outlives whoever started it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.run_queue import RunQueue
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig
from app.workers.queue import enqueue, start_keeper
from app.workers.training import end_training

pytestmark = pytest.mark.window  # no time is measured, no process of another test is counted


def until(condition: Callable[[], bool], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def new_run(workspace: Path, name: str) -> RunFolder:
    run = Workspace(workspace).new_run(name)
    run.write_config(TrainConfig("format: 1\nbase: yolov5n\n", "/nowhere/data.yaml", name=name, epochs=3))
    return run


@pytest.mark.timeout(240)
def test_the_queue_goes_on_after_failures_and_its_keeper_leaves(workspace: Path) -> None:
    first, second = new_run(workspace, "first"), new_run(workspace, "second")
    queue = RunQueue(Workspace(workspace))
    keeper = enqueue(queue, ["first", "gone", "second"], awake=False).keeper
    assert keeper is not None
    if hasattr(os, "getsid"):
        assert os.getsid(keeper.pid) == keeper.pid != os.getsid(0)
    until(lambda: first.state().status == "failed")
    assert "/nowhere" in first.state().reason
    assert second.state().status in ("waiting", "running", "failed")
    until(lambda: second.state().status == "failed")
    assert second.log_path.is_file()
    until(lambda: queue.read().keeper is None)
    assert queue.read().names == ()
    until(lambda: not queue.read().kept)
    assert first.process() is None
    assert second.process() is None


@pytest.mark.timeout(120)
def test_a_training_that_is_killed_leaves_the_others_their_turn(workspace: Path) -> None:
    run = new_run(workspace, "killed")
    queue = RunQueue(Workspace(workspace))
    queue.hold(True)
    assert enqueue(queue, ["killed"]).keeper is None  # held: nothing begins
    assert run.state().status == "waiting"
    queue.hold(False)
    start_keeper(queue, awake=False)
    until(lambda: run.process() is not None)
    end_training(run)
    until(lambda: queue.read().keeper is None)
    assert run.state().status in ("failed", "lost")
