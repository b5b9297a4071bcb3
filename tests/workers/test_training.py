"""The thread that follows a run, and the process that outlives it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.core.events import encode_event
from app.core.run_state import RunState
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig
from app.workers.training import TrainingWorker, end_training


@pytest.fixture
def run(workspace: Path) -> RunFolder:
    folder = Workspace(workspace).new_run("one")
    folder.write_config(TrainConfig("format: 1\nbase: yolov5n\n", "/nowhere/data.yaml", name="one", epochs=3))
    return folder


def events(count: int) -> list[dict[str, object]]:
    started = {"t": 0.0, "event": "started", "epochs": 3, "batches": 10_000}
    return [
        started,
        *({"t": 1.0, "event": "batch", "epoch": 1, "batch": n, "losses": {}} for n in range(count)),
    ]


def write(run: RunFolder, new: list[dict[str, object]]) -> None:
    with run.events_path.open("ab") as stream:
        stream.write(b"".join(encode_event(event) for event in new))


def test_a_run_that_is_over_is_read_once(run: RunFolder, qtbot: QtBot) -> None:
    write(run, [*events(5), {"t": 9.0, "event": "finished"}])
    worker = TrainingWorker(run)
    with qtbot.waitSignal(worker.state_changed, timeout=10_000) as told:
        worker.start()
    state: RunState = told.args[0]
    assert state.status == "finished"
    assert worker.series.snapshot.ended
    assert worker.wait(2000)


def test_signals_come_at_most_ten_times_a_second(run: RunFolder, qtbot: QtBot) -> None:
    run.claim()
    write(run, events(0))
    worker = TrainingWorker(run)
    counts: list[int] = []
    worker.events_received.connect(counts.append)
    worker.start()
    begun = time.monotonic()
    while time.monotonic() - begun < 1.5:
        write(run, events(20)[1:])
        qtbot.wait(10)
    worker.close()
    qtbot.wait(50)
    assert sum(counts) > 200
    assert len(counts) <= 1.5 * 10 + 3


def test_a_process_that_disappears_is_told(run: RunFolder, qtbot: QtBot) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        run.claim(process.pid)
        write(run, events(3))
        worker = TrainingWorker(run)
        worker.start()
        qtbot.waitUntil(lambda: bool(worker.series.snapshot.batch))
        with qtbot.waitSignal(worker.state_changed, timeout=15_000) as told:
            end_training(run)
    assert told.args[0].status == "lost"
    worker.close()


def test_nothing_of_the_engine_is_imported() -> None:
    code = "import sys, app.workers.training; print([m for m in ('torch', 'cv2', 'app.engine') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
