"""The events of a run as series to draw: filled by one thread, read by another."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.events import FINAL, Event

LOSSES = ("box", "cls", "dfl")
METRICS = ("precision", "recall", "map50", "map50_95", "lr")
USAGE = ("cpu", "gpu", "memory", "process", "gpu_memory")
MOST_MESSAGES = 500


@dataclass(frozen=True)
class Snapshot:
    """How far a run is, at one moment.

    Attributes:
        started: The event of the start, empty before it.
        batch: The last batch's event.
        epoch: The last epoch's event.
        final: The final event, empty while it goes on.
        message: The last message's event.
    """

    started: Mapping[str, Any] = field(default_factory=dict)
    batch: Mapping[str, Any] = field(default_factory=dict)
    epoch: Mapping[str, Any] = field(default_factory=dict)
    final: Mapping[str, Any] = field(default_factory=dict)
    message: Mapping[str, Any] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """Epochs asked for, 0 before it is known; a resumed run may have been told otherwise since its start."""
        return int({**self.started, **self.epoch, **self.batch}.get("epochs", 0))

    @property
    def batches(self) -> int:
        """Batches of an epoch, 0 before it is known."""
        return int({**self.started, **self.epoch, **self.batch}.get("batches", 0))

    @property
    def ended(self) -> bool:
        """Whether the training has said that it is over."""
        return bool(self.final)


class RunSeries:
    """Series of a run by name, as its events have them.

    Names are `lr`, `map50`, …, and `train/box`, `val/cls`, `train/total` for losses. Values that an event lacks are
    NaN. `batches` holds (epochs done, total loss) of every reported batch.

    Attributes:
        version: Grows with every epoch, and when the run was resumed.
        batch_version: Grows with every batch.
        usage_version: Grows with every look at the machine.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clear()
        self.version = 0
        self.batch_version = 0
        self.usage_version = 0

    def _clear(self) -> None:
        self._epochs: list[float] = []
        self._values: dict[str, list[float]] = {}
        self._batch_x: list[float] = []
        self._batch_loss: list[float] = []
        self._messages: list[Event] = []
        self._usage_x: list[float] = []
        self._usage: dict[str, list[float]] = {name: [] for name in USAGE}
        self._snapshot = Snapshot()

    def add(self, events: Iterable[Event], restarted: bool = False) -> None:
        """Take events in their order; after a restart nothing from before counts."""
        with self._lock:
            if restarted:
                self._clear()
                self.version += 1
                self.batch_version += 1
            for event in events:
                self._add(event)

    def curve(self, name: str) -> tuple[list[float], list[float]]:
        """Return copies of the epochs and the values of a series; empty where there is none."""
        with self._lock:
            values = self._values.get(name, [])
            return self._epochs[: len(values)], list(values)

    def batches(self) -> tuple[list[float], list[float]]:
        """Return copies of the epochs done, fractions counting, and the total loss of the reported batches."""
        with self._lock:
            return list(self._batch_x), list(self._batch_loss)

    def usage(self, name: str) -> tuple[list[float], list[float]]:
        """Return copies of the epochs done, fractions counting, and a figure of the machine's usage, of `USAGE`."""
        with self._lock:
            return list(self._usage_x), list(self._usage[name])

    def messages(self) -> list[Event]:
        """Return the last messages."""
        with self._lock:
            return list(self._messages)

    @property
    def points(self) -> int:
        """How many points its longest series has."""
        return max(len(self._epochs), len(self._batch_x))

    @property
    def snapshot(self) -> Snapshot:
        """How far the run is."""
        return self._snapshot

    def _add(self, event: Event) -> None:
        kind = event["event"]
        known = vars(self._snapshot)
        if kind == "epoch":
            self._add_epoch(event)
        elif kind == "batch":
            self._add_batch(event)
        elif kind == "usage":
            self._add_usage(event)
        elif kind == "message":
            self._messages = [*self._messages[-MOST_MESSAGES + 1 :], event]
        if kind in FINAL:
            self._snapshot = Snapshot(**{**known, "final": event})
        elif kind in known:
            self._snapshot = Snapshot(**{**known, kind: event})

    def _add_epoch(self, event: Event) -> None:
        self._epochs.append(float(event["epoch"]))
        for name in METRICS:
            self._append(name, event.get(name))
        for split in ("train", "val"):
            losses = event.get(split) or {}
            parts = [losses.get(name) for name in LOSSES]
            for name, value in zip(LOSSES, parts, strict=True):
                self._append(f"{split}/{name}", value)
            known = [value for value in parts if value is not None]
            self._append(f"{split}/total", sum(known) if len(known) == len(parts) else None)
        self.version += 1

    def _add_usage(self, event: Event) -> None:
        self._usage_x.append(float(event["epoch"]))
        for name, values in self._usage.items():
            value = event.get(name)
            values.append(float(value) if isinstance(value, (int, float)) else float("nan"))
        self.usage_version += 1

    def _append(self, name: str, value: Any) -> None:
        number = float(value) if isinstance(value, (int, float)) else float("nan")
        self._values.setdefault(name, []).append(number)

    def _add_batch(self, event: Event) -> None:
        batches = float(event.get("batches") or self._snapshot.started.get("batches") or 0)
        losses = [value for value in (event.get("losses") or {}).values() if value is not None]
        if batches and losses:
            self._batch_x.append(float(event["epoch"]) - 1 + float(event["batch"]) / batches)
            self._batch_loss.append(float(sum(losses)))
        self.batch_version += 1
