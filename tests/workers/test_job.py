"""EngineJob against real child processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.core.errors import AppError
from app.workers import job
from app.workers.job import EngineJob

FORGETFUL = """
import time
from PySide6.QtCore import QCoreApplication, QTimer
from app.workers import job, lasting

class Slow(job.EngineJob):
    def _conclude(self, *arguments):
        super()._conclude(*arguments)
        time.sleep(0.2)

class Owner:
    def __init__(self):
        self.job = Slow("no-such-job")
        self.job.failed.connect(self.forget)
        self.job.start()
    def forget(self, _error):
        self.job = None

app = QCoreApplication([])
owners = [Owner() for _ in range(3)]
timer = QTimer()
timer.timeout.connect(lambda: None if lasting._running else app.quit())
timer.start(20)
app.exec()
print(all(owner.job is None for owner in owners))
"""


def engines() -> list[list[str]]:
    """Command lines of the engine processes below this one."""
    children = psutil.Process(os.getpid()).children(recursive=True)
    lines = [child.cmdline() for child in children if child.is_running()]
    return [line for line in lines if "--engine" in line]


def test_result_arrives(qtbot: QtBot, bccd_yaml: object) -> None:
    job = EngineJob("dataset.check", {"data": str(bccd_yaml)})
    with qtbot.waitSignal(job.done, timeout=60_000) as blocker:
        job.start()
    assert blocker.args[0]["images"] == {"train": 205, "val": 87, "test": 72}
    job.wait()
    assert not engines()


def test_unknown_job_fails_with_words(qtbot: QtBot) -> None:
    job = EngineJob("no-such-job")
    with qtbot.waitSignal(job.failed, timeout=30_000) as blocker:
        job.start()
    error = blocker.args[0]
    assert isinstance(error, AppError)
    assert "no-such-job" in error.message
    job.wait()


@pytest.mark.parametrize("moment_ms", [0, 400])
def test_cancel_ends_the_child(qtbot: QtBot, moment_ms: int, tmp_path: Path) -> None:
    job = EngineJob("sample", {"folder": str(tmp_path), "train": 20_000})
    job.start()
    qtbot.wait(moment_ms)
    if job.isFinished():
        pytest.fail("the job ended before it could be cancelled")
    with qtbot.waitSignal(job.was_cancelled, timeout=10_000):
        job.cancel()
    assert job.wait(5_000)
    assert not engines()


def test_a_job_that_is_cancelled_while_its_child_starts_ends_it_too(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child hears nothing: it has to be killed."""
    deaf = [sys.executable, "-c", "import time; time.sleep(60)"]

    def start(_job: str, _nice: int) -> subprocess.Popen[str]:
        process = subprocess.Popen(deaf, stdin=-1, stdout=-1, stderr=-1, text=True)
        found.cancel()
        time.sleep(0.1)  # the thread that was to end it has found no child
        return process

    monkeypatch.setattr(job, "start_engine", start)
    monkeypatch.setattr(job, "GRACE_S", 0.2)
    found = EngineJob("dataset.check")
    with qtbot.waitSignal(found.was_cancelled, timeout=10_000):
        found.start()
    found.wait()


def test_an_owner_may_forget_its_job_before_the_thread_ends() -> None:
    """Qt ends the whole program when a thread's object goes within the thread itself."""
    done = subprocess.run([sys.executable, "-c", FORGETFUL], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
