"""One question to the engine at a time: a newer one takes the place of the older one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.core.errors import AppError
from app.workers.job import EngineJob

_NICE = 5
"""Somebody waits for the answer, but the window goes first."""

DELAY_MS = 200
"""Time that a question waits for a better one, while somebody types."""


class Question(QObject):
    """Asks a job of the engine, each time in a process of its own, and cancels what nobody waits for any more."""

    answered = Signal(dict)
    told = Signal(dict)
    """An event on the way to the answer."""
    refused = Signal(object)
    """The ``AppError`` of a question that has no answer."""
    busy_changed = Signal(bool)

    def __init__(self, job: str, parent: QObject | None = None, delay_ms: int = DELAY_MS) -> None:
        super().__init__(parent)
        self._name = job
        self._job: EngineJob | None = None
        self._alive: list[EngineJob] = []
        self._next: dict[str, Any] | None = None
        self._busy = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(delay_ms)
        self._timer.timeout.connect(self._start)

    @property
    def busy(self) -> bool:
        """Whether an answer is to be expected."""
        return self._busy

    def ask(self, request: Mapping[str, Any]) -> None:
        """Ask soon; what was asked before gets no answer."""
        self._cancel()
        self._next = dict(request)
        self._timer.start()
        self._tell_busy(True)

    def drop(self) -> None:
        """Ask nothing."""
        self._timer.stop()
        self._next = None
        self._cancel()
        self._tell_busy(False)

    def close(self) -> None:
        """Wait until every process is gone."""
        self.drop()
        for job in list(self._alive):
            job.close()

    def _cancel(self) -> None:
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    @Slot()
    def _start(self) -> None:
        request, self._next = self._next, None
        if request is None:
            return
        job = self._job = EngineJob(self._name, request, nice=_NICE)
        self._alive.append(job)
        job.done.connect(self._on_job_done)
        job.failed.connect(self._on_job_failed)
        job.event_received.connect(self._on_job_event_received)
        job.finished.connect(self._on_job_finished)
        job.start()

    @Slot(dict)
    def _on_job_done(self, result: dict[str, Any]) -> None:
        if self.sender() is self._job:
            self._job = None
            self._tell_busy(False)
            self.answered.emit(result)

    @Slot(object)
    def _on_job_failed(self, problem: AppError) -> None:
        if self.sender() is self._job:
            self._job = None
            self._tell_busy(False)
            self.refused.emit(problem)

    @Slot(dict)
    def _on_job_event_received(self, event: dict[str, Any]) -> None:
        if self.sender() is self._job:
            self.told.emit(event)

    @Slot()
    def _on_job_finished(self) -> None:
        job = self.sender()
        if isinstance(job, EngineJob) and job in self._alive:
            self._alive.remove(job)
            job.wait()
            job.deleteLater()

    def _tell_busy(self, busy: bool) -> None:
        if busy != self._busy:
            self._busy = busy
            self.busy_changed.emit(busy)
