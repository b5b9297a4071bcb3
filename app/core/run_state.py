"""How a run stands, found out from the head and the tail of its events and from its process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.events import FINAL, Event, decode_event, read_backwards, read_first
from app.core.processes import ProcessIdentity, host_name, is_alive
from app.core.text import QT_TRANSLATE_NOOP

STATUSES = ("waiting", "running", "finished", "stopped", "failed", "lost")

_SILENT_S = 600.0
_EPOCH_MARK = b'"event": "epoch"'
_LOST = QT_TRANSLATE_NOOP(
    "core",
    "The training's process ended without a word: killed, out of memory, or the machine was switched off.",
)
_LOST_HINT = QT_TRANSLATE_NOOP("core", "Resume it: it goes on after the last complete epoch.")


@dataclass(frozen=True)
class RunState:
    """How a run stands, as its events and its process tell.

    Attributes:
        status: One of `STATUSES`.
        epoch: Complete epochs.
        epochs: Epochs asked for.
        batch: Batches of the running epoch that are done.
        batches: Batches of an epoch, 0 before it is known.
        started: When it started, seconds since 1970; 0 where it did not.
        seconds: Seconds from start to the last event.
        remaining: Seconds left by the last epoch's estimate, or None.
        metrics: Last epoch's event.
        best: Metrics of the best epoch.
        device: What it trains on.
        parameters: Parameters of the model, 0 before it is known.
        pid: Number of the process that trains, or None.
        paused: Whether it lies still because the user asked for it.
        about: The event of its start: role, classes, picture size, costs, how many pictures.
        reason: Why it failed, stopped, or is lost.
        hint: What to do next.
        reason_template, hint_template, values: The same to be translated, see `app.core.text.Text`.
    """

    status: str
    epoch: int = 0
    epochs: int = 0
    batch: int = 0
    batches: int = 0
    started: float = 0.0
    seconds: float = 0.0
    remaining: float | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    best: Mapping[str, Any] = field(default_factory=dict)
    device: str = ""
    parameters: int = 0
    pid: int | None = None
    paused: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    hint: str = ""
    reason_template: str = ""
    hint_template: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Whether it may still write."""
        return self.status in ("waiting", "running") and self.pid is not None


def read_state(
    events: Path,
    process: ProcessIdentity | None,
    epochs_asked: Callable[[], int] = int,
    alive: Callable[[ProcessIdentity], bool] = is_alive,
) -> RunState:
    """Find out how a run stands, reading no more of its events than needed.

    Args:
        events: File of the events.
        process: Who trains it; None where nobody ever did, or the run was given back.
        epochs_asked: Tells how many epochs were asked for; used for as long as no event says.
        alive: Tells whether a process still runs.
    """
    started = read_first(events, "started") or {}
    newest, batch, epoch = _latest(events)
    final = newest if newest is not None and newest["event"] in FINAL else None
    running = final is None and process is not None and alive(process) and not _silent(events, process)
    latest = final or batch or epoch or started
    metrics = epoch or {}
    done = int(metrics.get("epoch", 0))
    in_epoch = batch is not None and int(batch.get("epoch", 0)) > done
    asked = {
        **started,
        **metrics,
        **((in_epoch and batch) or {}),
    }  # a resumed run may have been told otherwise
    status, why = _verdict(final, process, running, bool(latest))
    return RunState(
        status=status,
        epoch=done,
        epochs=int(asked["epochs"]) if "epochs" in asked else epochs_asked(),
        batch=int(batch["batch"]) if batch is not None and in_epoch else 0,
        batches=int(asked.get("batches", 0)),
        started=_timestamp(started.get("time")),
        seconds=float(latest.get("t", 0.0)),
        remaining=metrics.get("remaining") if running else None,
        metrics=metrics,
        best=(final or {}).get("best") or metrics.get("best_so_far") or {},
        device=str(asked.get("device", "")),
        parameters=int(started.get("parameters", 0)),
        pid=process.pid if process is not None and running else None,
        paused=running and newest is not None and newest["event"] == "paused",
        about=started,
        reason=why.message,
        hint=why.hint,
        reason_template=why.template,
        hint_template=why.hint_template,
        values=why.values,
    )


def _latest(events: Path) -> tuple[Event | None, Event | None, Event | None]:
    """Return the last event, the last batch and the last epoch; each None where there is none."""
    newest: Event | None = None
    batch: Event | None = None
    for line in read_backwards(events):
        if batch is not None and _EPOCH_MARK not in line[:64]:
            continue
        event = decode_event(line)
        if event is None:
            continue
        newest = newest or event
        if event["event"] == "batch" and batch is None:
            batch = event
        if event["event"] == "epoch":
            return newest, batch, event
    return newest, batch, None


def _silent(events: Path, process: ProcessIdentity) -> bool:
    """Tell whether a run on another machine has not written for long."""
    if not process.host or process.host == host_name():
        return False
    try:
        return time.time() - events.stat().st_mtime > _SILENT_S
    except OSError:
        return True


def _verdict(
    final: Event | None, process: ProcessIdentity | None, running: bool, begun: bool
) -> tuple[str, AppError]:
    """Return status, and the reason with its hint; both empty where there is none."""
    if final is not None:
        return str(final["event"]), AppError.from_dict({**final, "message": final.get("reason", "")})
    if running:
        return ("running" if begun else "waiting"), AppError("")
    if process is None and not begun:
        return "waiting", AppError("")
    return "lost", AppError(_LOST, _LOST_HINT)


def _timestamp(text: Any) -> float:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return 0.0
