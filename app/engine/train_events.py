"""What a training tells the world: events.jsonl, metrics.csv, and whoever listens."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from app.core.events import Event, EventLog, encode_event, read_events, read_first
from app.core.files import write_bytes, write_text
from app.core.runs import RunFolder
from app.core.text import filled, value_to_json

Emit = Callable[[Event], None]

_RESERVE = ".reserve"
_RESERVED_BYTES = 64 * 1024
_FASTEST_S = 0.1
_SLOWEST_S = 2.0
_PATIENT_AFTER_S = 1000.0


class Recorder:
    """Writes the events of one run, and the table of its epochs.

    Batches are thinned out: at most ten events a second in the first minutes, one in two seconds after half an
    hour, so that a day of training stays a file that opens at once. The last batch of an epoch is always there.

    Args:
        run: Where to write.
        emit: Receives every event that is written.
        keep: Bytes of an interrupted run's events to keep; None starts a new series.
    """

    def __init__(self, run: RunFolder, emit: Emit, keep: int | None = None) -> None:
        self.run = run
        self._emit = emit
        if keep is None:
            run.events_path.unlink(missing_ok=True)
        self._log = EventLog(run.events_path, keep)
        write_bytes(run.path / _RESERVE, bytes(_RESERVED_BYTES))
        kept = list(read_events(run.events_path)) if keep else []
        self.epochs: list[Event] = [event for event in kept if event["event"] == "epoch"]
        self._offset = float(kept[-1].get("t", 0.0)) if kept else 0.0
        self._begun = time.monotonic()
        self._last_batch = 0.0
        self.started: Event | None = next((event for event in kept if event["event"] == "started"), None)

    @property
    def seconds(self) -> float:
        """Seconds trained so far, interruptions and pauses left out."""
        return self._offset + time.monotonic() - self._begun

    @property
    def position(self) -> int:
        """Bytes of events written so far."""
        return self._log.position

    @property
    def batch_due(self) -> bool:
        """Whether enough time has passed to report another batch."""
        now = self.seconds
        interval = min(max(now / _PATIENT_AFTER_S, _FASTEST_S), _SLOWEST_S)
        return now - self._last_batch >= interval

    def leave_out(self, seconds: float) -> None:
        """Let the last seconds count for nothing."""
        self._begun += seconds

    def sync(self) -> None:
        """Let the events so far reach the disk: what a checkpoint builds on must outlast a power cut.

        Raises:
            OSError: The disk is full or gone.
        """
        self._log.sync()

    def catch_up(self, event: Event, position: int) -> None:
        """Write an event that a killed training had drafted and not yet written; the events then end at `position`."""
        if event and self.position < position:
            self.commit(event)

    def fail(self, **values: Any) -> None:
        """Write why the training failed, on a full disk into the room that was kept for it.

        Where the run folder itself is gone or cannot be written any more, only who listens is told.
        """
        event = self.draft("failed", **values)
        try:
            self.commit(event)
        except OSError:
            try:
                (self.run.path / _RESERVE).unlink(missing_ok=True)
                self.commit(event)
            except OSError as error:
                sys.stderr.write(f"The event could not be written: {error}\n")
                self._emit(event)

    def record(self, event: str, **values: Any) -> Event:
        """Write an event with its time, and pass it on.

        Raises:
            OSError: The disk is full or gone.
        """
        return self.commit(self.draft(event, **values))

    def draft(self, event: str, **values: Any) -> Event:
        """Return an event with its time, not yet written."""
        return {"t": round(self.seconds, 3), "event": event, **values}

    def position_after(self, draft: Event) -> int:
        """Return where the events will end once that one is written."""
        return self.position + len(encode_event(draft))

    def commit(self, draft: Event) -> Event:
        """Write a drafted event, and pass it on.

        Raises:
            OSError: The disk is full or gone.
        """
        self._log.append(draft)
        if draft["event"] == "batch":
            self._last_batch = self.seconds
        self._emit(draft)
        return draft

    def start(self, **values: Any) -> None:
        """Write the event of the start; a resumed run has it already and only passes it on."""
        if self.started is not None:
            self._emit({**self.started, "resumed_after": self.epochs[-1]["epoch"] if self.epochs else 0})
            return
        self.started = self.record("started", time=datetime.now(UTC).isoformat(timespec="seconds"), **values)

    def message(self, text: str, level: str = "info", **values: Any) -> None:
        """Write a message for people; `text` may hold `{names}` of `values`."""
        told = {name: value_to_json(value) for name, value in values.items()}
        more = {"source": text, "values": told} if values else {}
        self.record("message", level=level, text=filled(text, values), **more)

    def epoch(self, **values: Any) -> None:
        """Write the event of a complete epoch and the table up to it."""
        self.epochs.append(self.record("epoch", **values))
        write_text(self.run.metrics_path, metrics_table(self.epochs))

    def close(self) -> None:
        """Close the file, and give back the room kept for the last event."""
        self._log.close()
        with contextlib.suppress(OSError):
            (self.run.path / _RESERVE).unlink()


class SilentRecorder(Recorder):
    """Writes nothing and tells nobody: of several processes that train together only the first one records."""

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self.epochs = []
        self.started = read_first(run.events_path, "started")
        self._offset = 0.0
        self._begun = time.monotonic()
        self._last_batch = 0.0

    @property
    def position(self) -> int:
        """Nothing is written."""
        return 0

    @property
    def batch_due(self) -> bool:
        """Nothing is ever due."""
        return False

    def commit(self, draft: Event) -> Event:
        """Let the event pass."""
        return draft

    def sync(self) -> None:
        """There is nothing to keep."""

    def epoch(self, **values: Any) -> None:
        """Let the epoch pass."""

    def close(self) -> None:
        """There is nothing to close."""


def metrics_table(epochs: list[Event]) -> str:
    """Return the epochs as CSV: one row each, numbers as the events have them."""
    rows = [_row(event) for event in epochs]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _row(event: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"epoch": event["epoch"], "t": event["t"]}
    for name in ("seconds", "lr"):
        row[name] = event.get(name)
    for split in ("train", "val"):
        row |= {f"{split}_{name}": value for name, value in event.get(split, {}).items()}
    for name in ("precision", "recall", "map50", "map50_95"):
        row[name] = event.get(name)
    for name, values in event.get("per_class", {}).items():
        row[f"ap50 {name}"] = values["ap50"]
        row[f"ap50_95 {name}"] = values["ap50_95"]
    return row
