"""The tray shows what runs, how far it is, and ends it."""

from __future__ import annotations

import threading
import time

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QThread, Signal
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.core.errors import AppError
from app.ui.application import Studio
from app.ui.tasks import CANCELLED, DONE, FAILED


class Counting(QThread):
    """Counts in a thread until it is told to stop, has counted enough, or fails."""

    progressed = Signal(float, str)
    done = Signal(dict)
    failed = Signal(object)

    def __init__(self, steps: int, failing: bool = False, last_breath_s: float = 0.0) -> None:
        super().__init__()
        self._last_breath_s = last_breath_s
        self._steps = steps
        self._failing = failing
        self.stopped = threading.Event()

    def cancel(self) -> None:
        self.stopped.set()

    def run(self) -> None:
        for step in range(self._steps):
            if self.stopped.wait(0.005):
                time.sleep(self._last_breath_s)
                return
            self.progressed.emit((step + 1) / self._steps, f"step {step + 1}")
        if self._failing:
            self.failed.emit(AppError("It broke.", "Mend it."))
        else:
            self.done.emit({"steps": self._steps})


@pytest.fixture
def shown(studio: Studio, qtbot: QtBot) -> Studio:
    with qtbot.waitExposed(studio.window):
        studio.window.start()
    return studio


def test_a_job_shows_its_progress_and_leaves(shown: Studio, qtbot: QtBot) -> None:
    task = shown.services.tasks.start("Counting", Counting(40))
    seen: list[float] = []
    states: list[str] = []
    task.changed.connect(lambda: seen.append(task.fraction))
    task.ended.connect(lambda: states.append(task.state))
    cell = next(iter(shown.window.tray._cells.values()))
    assert cell.isVisible()
    assert cell.title.text() == "Counting"
    qtbot.waitUntil(lambda: cell.bar.value() > 300)
    assert cell.text.text().startswith("step ")
    qtbot.waitUntil(lambda: states == [DONE], timeout=5000)
    assert seen[-1] == 1.0
    assert shown.services.tasks.running == ()
    assert shown.window.tray.findChild(QLabel).isVisible()


def test_a_failure_is_told_once(shown: Studio, qtbot: QtBot) -> None:
    task = shown.services.tasks.start("Counting", Counting(2, failing=True))
    states: list[str] = []
    task.ended.connect(lambda: states.append(task.state))
    qtbot.waitUntil(lambda: states == [FAILED], timeout=5000)
    assert [note.message.text for note in shown.window.notes.notes] == ["It broke."]
    assert shown.window.notes.notes[0].message.hint == "Mend it."


def test_the_cross_ends_the_job(shown: Studio, qtbot: QtBot) -> None:
    job = Counting(100_000)
    task = shown.services.tasks.start("Counting", job)
    states: list[str] = []
    task.ended.connect(lambda: states.append(task.state))
    cell = next(iter(shown.window.tray._cells.values()))
    assert "Counting" in cell.cross.accessibleName()
    qtbot.mouseClick(cell.cross, Qt.MouseButton.LeftButton)
    assert not cell.cross.isVisible()
    qtbot.waitUntil(lambda: states == [CANCELLED], timeout=5000)
    assert not shown.window.notes.notes


def test_many_tasks_are_counted(shown: Studio, qtbot: QtBot) -> None:
    tasks = [shown.services.tasks.add(f"Task {number}") for number in range(5)]
    visible = [cell for cell in shown.window.tray._cells.values() if cell.isVisible()]
    assert len(visible) == 3
    assert shown.window.tray._rest.text() == "and 2 more"
    tasks[0].end()
    assert shown.window.tray._rest.text() == "and 1 more"
    for task in tasks[1:]:
        task.end()
    assert shown.window.tray._rest.text() == "Nothing running"


def test_unknown_progress_is_shown_as_busy(shown: Studio) -> None:
    task = shown.services.tasks.add("Waiting")
    bar = next(iter(shown.window.tray._cells.values())).bar
    assert (bar.minimum(), bar.maximum()) == (0, 0)
    task.progress(0.5, "half")
    assert bar.value() == 500
    task.end()


def test_cancel_all_waits_for_every_thread(shown: Studio) -> None:
    jobs = [Counting(100_000, last_breath_s=0.3) for _ in range(3)]
    for job in jobs:
        shown.services.tasks.start("Counting", job)
    shown.services.tasks.cancel_all()
    assert all(job.isFinished() for job in jobs)
    QCoreApplication.processEvents()
    assert shown.services.tasks.running == ()


def test_a_task_speaks_the_language_of_the_window(shown: Studio) -> None:
    said = {"word": "Counting"}
    shown.services.tasks.add(lambda: said["word"])
    cell = next(iter(shown.window.tray._cells.values()))
    assert cell.title.text() == "Counting"
    said["word"] = "计数"
    QCoreApplication.sendEvent(cell, QEvent(QEvent.Type.LanguageChange))
    assert (cell.title.text(), cell.bar.accessibleName()) == ("计数", "计数")
    assert "计数" in cell.cross.toolTip()
