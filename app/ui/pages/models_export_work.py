"""Exports one after another: what is ordered, how far it is, and how each ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Signal, Slot

from app.core.errors import AppError
from app.core.export_formats import FORMATS
from app.ui.calls import calling
from app.ui.tasks import CANCELLED, Task, Tasks
from app.workers.job import EngineJob


@dataclass(frozen=True)
class Order:
    """One model in one format.

    Attributes:
        weights: A checkpoint.
        name: What people call the model.
        format: One of `FORMATS`.
        precision: Of the stored weights.
        size: Input (height, width) in pixels, or None for that which it was trained at.
        dynamic: Whether any size shall do.
        bundle: Whether a script that runs it alone is added.
        data: Data set that INT8 is calibrated with; empty for the run's own.
        folder: Where it is written.
    """

    weights: Path
    name: str
    format: str
    precision: str
    size: tuple[int, int] | None
    dynamic: bool
    bundle: bool
    data: str
    folder: Path

    def request(self) -> dict[str, Any]:
        """Return what the engine is asked."""
        return {
            "weights": str(self.weights),
            "format": self.format,
            "precision": self.precision,
            "imgsz": list(self.size) if self.size else None,
            "dynamic": self.dynamic,
            "bundle": self.bundle,
            "data": self.data,
            "folder": str(self.folder),
        }

    def title(self) -> str:
        """Return what the task is called."""
        words = QCoreApplication.translate("ModelsPage", "Exporting {name} to {format}")
        return words.format(name=self.name, format=FORMATS[self.format].title)


@dataclass(frozen=True)
class Outcome:
    """How one export ended: with a result, with a problem, or cancelled."""

    order: Order
    result: Mapping[str, Any] | None = None
    problem: AppError | None = None

    @property
    def cancelled(self) -> bool:
        """Whether a person ended it."""
        return self.result is None and self.problem is None


class ExportQueue(QObject):
    """Runs orders one after another as tasks of the tray."""

    changed = Signal()
    """Something began, went on or ended."""
    ended = Signal(object)
    """An `Outcome`."""

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._waiting: list[Order] = []
        self._order: Order | None = None
        self._task: Task | None = None
        self._result: Mapping[str, Any] | None = None
        self._problem: AppError | None = None

    @property
    def task(self) -> Task | None:
        """What runs now."""
        return self._task

    def start(self, orders: Sequence[Order]) -> None:
        """Queue orders."""
        self._waiting += orders
        if self._task is None:
            self._next()

    def cancel(self) -> None:
        """End what runs, and forget what waits."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def _next(self) -> None:
        if self._waiting:
            order = self._waiting.pop(0)
            self._order, self._result, self._problem = order, None, None
            job = EngineJob("export", order.request())
            job.done.connect(self._on_job_done)
            job.failed.connect(self._on_job_failed)
            task = self._tasks.start(order.title, job)
            task.changed.connect(self.changed)
            task.ended.connect(calling(self._finish, task))
            self._task = task
        self.changed.emit()

    @Slot(dict)
    def _on_job_done(self, result: dict[str, Any]) -> None:
        self._result = result

    @Slot(object)
    def _on_job_failed(self, problem: AppError) -> None:
        self._problem = problem

    def _finish(self, task: Task) -> None:
        assert self._order is not None
        self._task = None
        if task.state == CANCELLED:
            self._waiting.clear()
            outcome = Outcome(self._order)
        else:
            outcome = Outcome(self._order, self._result, self._problem)
        self.ended.emit(outcome)
        self._next()
