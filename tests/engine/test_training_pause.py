"""A paused training keeps what it has and takes no processor time; the pause counts for nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from app.core.runs import RunFolder
from app.engine.train_events import Recorder
from app.engine.train_pause import lie_still
from tests.engine.tiny_runs import ROOT, new_run, until


def test_a_pause_takes_no_processor_time_and_counts_for_nothing(few_cells: Path, workspace: Path) -> None:
    run = new_run(workspace, "still", few_cells)
    told: list[str] = []
    recorder = Recorder(run, lambda event: told.append(event["event"]))
    run.request("pause")
    slept: list[float] = []
    thread = threading.Thread(target=lambda: slept.append(lie_still(recorder, run.requested, 2, 3)))
    before = recorder.seconds
    thread.start()
    until(lambda: told == ["paused"], 5)
    used = psutil.Process().cpu_times()
    time.sleep(2.0)
    now = psutil.Process().cpu_times()
    assert now.user + now.system - used.user - used.system < 0.2
    run.continue_()
    thread.join(5)
    assert told == ["paused", "continued"]
    assert slept[0] > 2.0
    assert recorder.seconds - before < 1.0
    recorder.close()
    paused, continued = run.events()
    assert (paused["epoch"], paused["batch"]) == (2, 3)
    assert continued["seconds"] == pytest.approx(slept[0], abs=0.01)
    assert continued["t"] - paused["t"] < 0.5


@pytest.mark.timeout(300)
def test_a_training_pauses_goes_on_and_stops_while_it_lies_still(few_cells: Path, workspace: Path) -> None:
    run = new_run(workspace, "paused", few_cells, epochs=500)
    worker = threading.Thread(target=_train, args=(run,))
    worker.start()
    try:
        until(lambda: run.state().epoch >= 1, 120)
        run.request("pause")
        until(lambda: run.state().paused, 60)
        size = run.events_path.stat().st_size
        time.sleep(1.0)
        assert run.events_path.stat().st_size == size
        here = run.state()
        run.continue_()
        until(lambda: not run.state().paused and run.state().epoch > here.epoch, 60)
        run.request("pause")
        until(lambda: run.state().paused, 60)
    finally:
        run.request("stop_now")
        worker.join(60)
    assert run.state().status == "stopped"
    kinds = [event["event"] for event in run.events() if event["event"] in ("paused", "continued")]
    assert kinds == ["paused", "continued"] * 2
    moments = [event["t"] for event in run.events()]
    assert moments == sorted(moments)


def _train(run: RunFolder) -> None:
    command = [sys.executable, "-m", "tests.engine.train_child", str(run.path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, env=environment, cwd=run.path, capture_output=True, timeout=250, check=False)
