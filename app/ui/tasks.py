"""What is running in the background: its progress, and the way to end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from app.core.errors import AppError
from app.ui.messages import Messages

RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"

Title = str | Callable[[], str]
"""A title, or what makes it in the language that the window speaks when it is shown; it may outlive a dialog."""


class Task(QObject):
    """One piece of work in the tray.

    Attributes:
        fraction: 0 to 1, or negative while unknown.
        text: What it is doing just now.
        state: ``running``, ``done``, ``failed`` or ``cancelled``.
    """

    changed = Signal()
    ended = Signal()
    problem = Signal(object)
    """The ``AppError`` of a job that failed."""

    def __init__(
        self, title: Title, cancel: Callable[[], None] | None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._title = title
        self.fraction = -1.0
        self.text = ""
        self.state = RUNNING
        self._cancel = cancel
        self._job: QThread | None = None

    @property
    def title(self) -> str:
        """What it is, in the window's language."""
        return self._title if isinstance(self._title, str) else self._title()

    @property
    def can_cancel(self) -> bool:
        """Whether there is a way to end it."""
        return self._cancel is not None and self.state == RUNNING

    @Slot(float, str)
    def progress(self, fraction: float, text: str = "") -> None:
        """Tell how far it is; a negative fraction means that nobody knows."""
        self.fraction, self.text = fraction, text
        self.changed.emit()

    def cancel(self) -> None:
        """Ask the work to end."""
        if self._cancel is not None and self.state == RUNNING:
            self.state = CANCELLED
            self._cancel()
            self.changed.emit()

    def end(self, state: str = DONE) -> None:
        """Take it out of the tray; a cancelled task stays cancelled."""
        if self.state == RUNNING:
            self.state = state
        self.changed.emit()
        self.ended.emit()

    def adopt(self, job: Any) -> None:
        """Follow a job: its progress, its failure, its end. The job lives until its thread has ended."""
        self._job = job
        job.progressed.connect(self.progress)
        job.failed.connect(self._on_job_failed)
        job.finished.connect(self._on_job_finished)

    def wait(self, timeout_ms: int) -> None:
        """Wait until the job's thread has ended."""
        if self._job is not None:
            self._job.wait(timeout_ms)

    @Slot(object)
    def _on_job_failed(self, problem: AppError) -> None:
        if self.state == RUNNING:
            self.state = FAILED
            self.problem.emit(problem)

    @Slot()
    def _on_job_finished(self) -> None:
        if self._job is not None:
            self._job.wait()
            self._job.deleteLater()
            self._job = None
        self.end()


class Tasks(QObject):
    """The list of running tasks. Every job given to it lives until its thread has ended."""

    added = Signal(object)
    ended = Signal(object)
    changed = Signal()

    def __init__(self, messages: Messages, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._messages = messages
        self._tasks: list[Task] = []

    @property
    def running(self) -> tuple[Task, ...]:
        """The tasks in the order they started."""
        return tuple(self._tasks)

    def add(self, title: Title, cancel: Callable[[], None] | None = None) -> Task:
        """Put a task into the tray that its owner reports on with ``progress`` and ``end``."""
        task = Task(title, cancel, self)
        self._tasks.append(task)
        task.changed.connect(self.changed)
        task.ended.connect(lambda: self._remove(task))
        self.added.emit(task)
        self.changed.emit()
        return task

    def start(self, title: Title, job: Any) -> Task:
        """Start a job of ``app.workers`` and show it until it ends.

        A failure is told to the user here; results go to whoever is connected to ``job.done``.

        Args:
            title: What the job is.
            job: A thread with ``progressed(float, str)``, ``done(dict)``, ``failed(AppError)``, ``cancel()``.
        """
        task = self.add(title, job.cancel)
        task.problem.connect(self._messages.error)
        task.adopt(job)
        job.start()
        return task

    def cancel_all(self, timeout_ms: int = 5000) -> None:
        """End every task and wait for the threads of their jobs."""
        for task in list(self._tasks):
            task.cancel()
        for task in list(self._tasks):
            task.wait(timeout_ms)

    def _remove(self, task: Task) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
            self.ended.emit(task)
            self.changed.emit()
            task.deleteLater()
