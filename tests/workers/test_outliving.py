"""A Studio that is killed: the training it asked for goes on, and is found again."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app.core.run_queue import RunQueue
from app.core.runs import Workspace
from app.core.train_config import TrainConfig
from app.workers.training import TrainingWorker

pytestmark = pytest.mark.window  # no time is measured, no process of another test is counted

ROOT = Path(__file__).resolve().parents[2]
STUDIO = """
import sys, time
from pathlib import Path
from app.core.run_queue import RunQueue
from app.core.runs import Workspace
from app.workers.queue import enqueue
enqueue(RunQueue(Workspace(Path(sys.argv[1]))), ["outliving"], awake=False)
time.sleep(600)
"""


def until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def some_data(folder: Path) -> Path:
    """Six pictures of noise with a box each."""
    dice = random.Random(0)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for number in range(3):
            picture = Image.frombytes("RGB", (64, 64), dice.randbytes(64 * 64 * 3))
            picture.save(folder / "images" / split / f"{split}{number}.png")
            (folder / "labels" / split / f"{split}{number}.txt").write_text("0 0.5 0.5 0.4 0.4\n")
    (folder / "data.yaml").write_text("path: .\ntrain: images/train\nval: images/val\nnames: [noise]\n")
    return folder / "data.yaml"


@pytest.mark.timeout(300)
def test_a_training_outlives_the_studio_and_is_found_again(
    workspace: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    run = Workspace(workspace).new_run("outliving")
    more = {"name": "outliving", "epochs": 500, "imgsz": 64, "batch": 3, "device": "cpu"}
    run.write_config(TrainConfig("format: 1\nbase: yolov5n\n", str(some_data(tmp_path / "data")), **more))  # type: ignore[arg-type]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", STUDIO, str(workspace)], env=environment) as studio:
        until(lambda: run.state().epoch >= 1, 120)
        studio.kill()
    state = run.state()
    identity = run.process()
    assert state.live
    assert identity is not None
    assert state.pid == identity.pid
    process = psutil.Process(identity.pid)
    assert process.create_time() == pytest.approx(identity.started, abs=0.1)
    assert process.status() != psutil.STATUS_ZOMBIE
    worker = TrainingWorker(run)  # as a Studio that is opened again follows it
    worker.start()
    until(lambda: run.state().epoch > state.epoch + 1, 60)
    qtbot.waitUntil(lambda: bool(worker.series.snapshot.epoch), timeout=10_000)
    run.request("stop_after_epoch")
    with qtbot.waitSignal(worker.state_changed, timeout=60_000) as told:
        pass
    worker.close()
    assert told.args[0].status == "stopped"
    process.wait(30)
    until(lambda: not RunQueue(Workspace(workspace)).read().kept, 30)
    assert run.process() is None
