"""Converts the chosen detectors in the background, before anybody presses Play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Slot

from app.ui.pages.compare_session import IDLE, CompareSession
from app.ui.tasks import Task, Tasks
from app.workers.job import EngineJob

_NICE = 15
_MOST_NAMES = 6


def class_words(classes: Mapping[str, Sequence[Any]]) -> str:
    """Say by which names the boxes of two detectors are matched, and which names look as if they meant the same."""
    translate = QCoreApplication.translate
    if classes["alike"]:
        pairs = "; ".join(f"{a} – {b}" for a, b in classes["alike"][:_MOST_NAMES])
        words = translate("Preparation", "Boxes are matched by equal names. These are not: {pairs}.")
        return words.format(pairs=pairs)
    if not classes["shared"]:
        return translate("Preparation", "They share no name: no box can agree.")
    shared = ", ".join(map(str, classes["shared"][:_MOST_NAMES]))
    if len(classes["shared"]) > _MOST_NAMES:
        shared += ", …"
    return translate("Preparation", "Boxes are matched by the names that both know: {names}.").format(
        names=shared
    )


class Preparation(QObject):
    """One job at a time, in the tray, for what was chosen last; a comparison that starts waits for what it makes."""

    def __init__(self, tasks: Tasks, session: CompareSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._session = session
        self._task: Task | None = None
        self._asked: tuple[str, ...] = ()

    def begin(self) -> None:
        """Make ready what a person has chosen, unless the comparison runs, and so does it itself."""
        setup = self._session.setup
        asked = (setup.a, setup.b, setup.runtime, setup.precision, setup.device)
        if self._session.running or self._session.state != IDLE or asked == self._asked:
            return
        self._asked = asked
        self.cancel()
        weights = [side for side in (setup.a, setup.b) if side]
        about = {"runtime": setup.runtime, "precision": setup.precision, "device": setup.device}
        job = EngineJob("detectors.prepare", {"weights": weights, **about}, nice=_NICE)
        task = self._tasks.add(lambda: self.tr("Preparing the detectors"), job.cancel)
        task.problem.connect(self._on_task_problem)
        task.ended.connect(self._on_task_ended)
        self._task = task
        task.adopt(job)
        job.start()

    def cancel(self) -> None:
        """Give up what is being made ready."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    @Slot()
    def _on_task_problem(self) -> None:
        # Play says what is wrong, with what can be done; here nobody has asked for anything yet.
        self._asked = ()

    @Slot()
    def _on_task_ended(self) -> None:
        if self._task is self.sender():
            self._task = None
