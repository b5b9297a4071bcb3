"""What the Design page lets the engine measure: a table or forms in the background, the open design, the roof."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.design import Design, dump_design
from app.core.latency import Setting
from app.core.latency_measurement import Measurement
from app.core.text import duration
from app.ui.pages.design_latency_forms import Trial, waiting_words
from app.ui.tasks import Task, Tasks, Title
from app.workers.job import EngineJob

Shape = tuple[int, int]

DESIGN, TABLE, FORMS, ROOF = "latency", "latency.table", "latency.forms", "latency.roof"
"""The jobs."""

_BACKGROUND = (TABLE, FORMS)
"""Those that give way to the open design, and go on behind it."""


@dataclass(frozen=True)
class Wish:
    """On what to measure; "auto" leaves it to the engine, and so does None."""

    runtime: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    threads: int | None = None
    batch: int = 1

    @classmethod
    def of(cls, setting: Setting) -> Wish:
        """Return the wish for what was measured before."""
        return cls(setting.runtime, setting.precision, setting.device, setting.threads, setting.batch)

    def request(self, design: Design, shape: Shape, **more: object) -> dict[str, Any]:
        """Return the request of a job."""
        height, width = shape
        wish = {name: getattr(self, name) for name in ("runtime", "precision", "device", "threads", "batch")}
        return {
            **wish,
            "design": dump_design(design),
            "imgsz": height if height == width else [height, width],
            **more,
        }


@dataclass(frozen=True)
class Filling:
    """How far a table is.

    Attributes:
        done, total: measured models, and all that are planned; 0 of 0 before the first word.
        left_s: seconds that are left; None while nobody knows.
        waiting: what it waits for: "training", "comparison", "measurement" or "programs"; "" for nothing.
    """

    done: int = 0
    total: int = 0
    left_s: float | None = None
    waiting: str = ""


class _Clock:
    """Tells how long the rest takes from how long the models took so far; waiting does not count."""

    def __init__(self) -> None:
        self._begin: tuple[float, int] | None = None
        self._waiting_since: float | None = None

    def left(self, done: int, total: int, waiting: bool) -> float | None:
        """Return the seconds left after an event."""
        now = time.monotonic()
        if self._begin is None:
            self._begin = now, done
        if self._waiting_since is not None:
            self._begin = self._begin[0] + now - self._waiting_since, self._begin[1]
            self._waiting_since = None
        if waiting:
            self._waiting_since = now
        since, first = self._begin
        return (now - since) / (done - first) * (total - done) if done > first else None


class LatencyJobs(QObject):
    """Starts the jobs, one of each sort at a time. A measurement that the user asks for goes before the table."""

    changed = Signal()
    """What runs, or how far it is."""
    figures_came = Signal(str)
    """A file of the cache holds more figures than before."""
    measured = Signal(object, object)
    """The design that was measured, and its `Measurement`."""
    roof_came = Signal()
    """The roof of a setting was measured."""
    filled = Signal()
    """A table is complete."""
    forms_came = Signal(object, object)
    """All forms were tried: the `Setting`, and the rows of all results."""

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._running: dict[str, Task] = {}
        self._next: dict[str, Callable[[], None]] = {}
        self._again: dict[str, Callable[[], None]] = {}
        self._clock = _Clock()
        self.filling: Filling | None = None
        self.trial: Trial | None = None
        self._broken_off: Trial | None = None

    @property
    def is_measuring(self) -> bool:
        """Whether the open design is being measured, or will be at once."""
        return DESIGN in self._running or DESIGN in self._next

    @property
    def is_measuring_roof(self) -> bool:
        """Whether the machine's roof is being measured."""
        return ROOF in self._running

    def fill(self, design: Design, shape: Shape, wish: Wish) -> None:
        """Measure what a table of this base model needs and does not have."""
        if self.filling is not None:
            return
        job = EngineJob(TABLE, wish.request(design, shape))
        self.filling, self._clock = Filling(), _Clock()
        self._again[TABLE] = lambda: self.fill(design, shape, wish)
        job.event_received.connect(self._on_filling_event)
        job.done.connect(self._on_filling_done)
        self._start(TABLE, lambda: self.tr("Measuring this machine"), job)

    def try_forms(self, design: Design, shape: Shape, wish: Wish, trial: Trial | None = None) -> None:
        """Measure the equivalent forms of every block kind, and keep the fastest.

        Args:
            design: names the base model.
            shape: height and width of its input.
            wish: on what to measure.
            trial: one that was broken off; it goes on there.
        """
        if self.trial is not None:
            return
        self.trial = trial or Trial()
        known = [row["swap"] for row in self.trial.rows]
        job = EngineJob(FORMS, wish.request(design, shape, known=known))
        self._again[FORMS] = lambda: self.try_forms(design, shape, wish, self._broken_off)
        job.event_received.connect(self._on_trial_event)
        job.done.connect(self._on_trial_done)
        self._start(FORMS, lambda: self.tr("Trying equivalent forms"), job)

    def stop(self) -> None:
        """Call off what is measured; the figures of a table so far stay, and the next time goes on there."""
        self._next.clear()
        for name in (DESIGN, *_BACKGROUND):
            if name in self._running:
                self._running[name].cancel()

    def close(self) -> None:
        """Begin nothing more; the Studio is closing."""
        self._next.clear()

    def measure(self, design: Design, shape: Shape, wish: Wish) -> None:
        """Measure a design now; what runs in the background pauses meanwhile."""
        if self.is_measuring:
            return
        paused = [name for name in _BACKGROUND if name in self._running]
        if not paused:
            self._measure(design, shape, wish)
            return
        self._next[DESIGN] = lambda: self._measure(design, shape, wish)
        for name in paused:
            self._next[name] = self._again[name]
            self._running[name].cancel()
        self.changed.emit()

    def _measure(self, design: Design, shape: Shape, wish: Wish) -> None:
        job = EngineJob(DESIGN, wish.request(design, shape, patience_s=0.0))
        job.done.connect(lambda result: self._on_measuring_done(design, result))
        self._start(DESIGN, lambda: self.tr("Measuring this design"), job)

    def roof(self, design: Design, shape: Shape, wish: Wish) -> None:
        """Measure what memory and arithmetic can do at best."""
        if self.is_measuring_roof:
            return
        job = EngineJob(ROOF, wish.request(design, shape))
        job.done.connect(lambda _result: self.roof_came.emit())
        self._start(ROOF, lambda: self.tr("Measuring memory and arithmetic"), job)

    def _start(self, name: str, title: Title, job: EngineJob) -> None:
        task = self._tasks.start(title, job)
        self._running[name] = task
        task.ended.connect(lambda: self._on_task_ended(name))
        self.changed.emit()

    def _on_task_ended(self, name: str) -> None:
        self._running.pop(name, None)
        if name == TABLE:
            self.filling = None
        elif name == FORMS:
            self._broken_off, self.trial = self.trial, None
        if not any(one in self._running for one in (DESIGN, *_BACKGROUND)):
            waiting = (DESIGN,) if DESIGN in self._next else _BACKGROUND
            for begin in [self._next.pop(one) for one in waiting if one in self._next]:
                begin()
        self.changed.emit()

    def _on_filling_event(self, event: Mapping[str, Any]) -> None:
        if event.get("event") != "latency":
            return
        done, total = int(event["done"]), int(event["total"])
        waiting = str(event["waiting"] or "")
        before = self.filling or Filling()
        left = self._clock.left(done, total, bool(waiting))
        self.filling = Filling(done, total, left, waiting)
        task = self._running.get(TABLE)
        if task is not None:
            task.progress(done / max(total, 1), self.filling_words(self.filling))
        if done != before.done or not before.total:
            self.figures_came.emit(str(event["file"]))
        self.changed.emit()

    def filling_words(self, filling: Filling) -> str:
        """Return how far a table is, translated."""
        if not filling.total:
            return self.tr("Building the first model")
        words = self.tr("{done} of {total} models measured")
        if filling.waiting:
            return waiting_words(filling.waiting)
        if filling.left_s is not None:
            words = self.tr("{done} of {total} models measured, {left} left")
        left = duration(filling.left_s or 0.0)
        return words.format(done=filling.done, total=filling.total, left=left)

    def _on_filling_done(self, result: Mapping[str, Any]) -> None:
        self.figures_came.emit(str(result["file"]))
        self.filled.emit()

    def _on_trial_event(self, event: Mapping[str, Any]) -> None:
        if self.trial is None:
            return
        trial = self.trial = self.trial.after(event)
        task = self._running.get(FORMS)
        if task is not None:
            task.progress(trial.done / max(trial.total, 1), trial.words)
        self.changed.emit()

    def _on_trial_done(self, result: Mapping[str, Any]) -> None:
        if self.trial is not None:
            self.forms_came.emit(Setting(**result["setting"]), self.trial.rows)

    def _on_measuring_done(self, design: Design, result: Mapping[str, Any]) -> None:
        self.measured.emit(design, Measurement.from_json(result))
