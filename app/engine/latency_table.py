"""Fills a latency table in the background: measures what is missing, keeps every figure as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.core import latency_cache
from app.core.arbiter import Measuring, measuring
from app.core.cost import check_imgsz
from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.latency import LatencyTable, Shape
from app.core.latency_forms import fast_forms
from app.core.latency_plan import default_kinds, plan
from app.core.latency_units import units
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.latency import Bench, CancelledError, Observation, resolve_setting, setting_of_request
from app.engine.latency_clock import LoadMeter, Pace

PACE = Pace(rounds=8, seconds=1.5)
TRIES = 3
_LOOK_S = 0.5
_PAUSE_S = 5.0

Emit = Callable[[Mapping[str, Any]], None]


def _quiet(_event: Mapping[str, Any]) -> None:
    """Take an event and do nothing with it."""


def build_table(
    base: str | Design,
    runtime: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    imgsz: int | Shape = 640,
    kinds: Sequence[Swap] | None = None,
    emit: Emit = _quiet,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    device: str = "auto",
    batch: int = 1,
    patience_s: float | None = None,
    strict: bool = True,
    pace: Pace | None = None,
) -> LatencyTable:
    """Measure what a table needs and does not have yet, and return it; each figure is kept at once.

    Args:
        base: base model, or a design of it; its activation, where it has another, is measured too.
        runtime, precision, threads: as in `latency.resolve_setting`.
        imgsz: input side, or (height, width), in pixels.
        kinds: swaps that designs may hold; all block kinds where None.
        emit: told {"event": "latency", "done", "total", "waiting"}.
        cancelled: asked between turns.
        device, batch: as in `latency.resolve_setting`.
        patience_s: how long to wait, each time, until the machine is quiet; None for ever.
        strict: whether to refuse figures of a busy machine; only what is compared there holds.
        pace: how long each model is measured.

    Raises:
        AppError: something cannot be used, or the machine did not become quiet in time.
        CancelledError: it was called off; what was measured so far is kept.
    """
    asked = Design.stock(base) if isinstance(base, str) else base
    standard = asked.cleared()
    shape = check_imgsz(imgsz, standard.architecture.cell)
    setting = resolve_setting(runtime, device, precision, threads, batch)
    table = latency_cache.cached(setting, fast_forms(setting.runtime, setting.precision, setting.device))
    designs = plan(standard, kinds or default_kinds())
    if asked.activation is not None:
        designs = (designs[0], asked.without_swaps(), *designs[1:])
    missing = [design for design in designs if not _is_known(table, design, shape)]
    filling = _Filling(table, standard, shape, emit, cancelled, patience_s, pace or PACE, strict)
    if missing:
        with measuring(cancelled, 0) as turn:
            for number, design in enumerate(missing):
                filling.tell(len(designs) - len(missing) + number, len(designs))
                filling.add(design, turn)
    filling.tell(len(designs), len(designs))
    return filling.table


def _is_known(table: LatencyTable, design: Design, shape: Shape) -> bool:
    """Return whether a design was measured in the forms that run now."""
    whole = table.whole(design, shape)
    if whole is None:
        return False
    signatures = {unit.signature for unit in units(design, shape, table.forms)}
    return all(row.unit.signature in signatures for row in whole.units)


class _Filling:
    """One call of `build_table`."""

    def __init__(
        self,
        table: LatencyTable,
        standard: Design,
        shape: Shape,
        emit: Emit,
        cancelled: Callable[[], bool],
        patience_s: float | None,
        pace: Pace,
        strict: bool,
    ) -> None:
        self.table = table
        self._bench = Bench(table.setting, standard, shape, table.forms, cancelled)
        self._emit, self._cancelled = emit, cancelled
        self._patience_s, self._pace, self._strict = patience_s, pace, strict
        self._done = (0, 0)

    def tell(self, done: int, total: int, waiting: str | None = None) -> None:
        """Say how far it is, and what is waited for."""
        self._done = done, total
        self._emit({"event": "latency", "done": done, "total": total, "waiting": waiting})

    def add(self, design: Design, turn: Measuring) -> None:
        """Measure a design and keep its figure; one that is disturbed every time is left out."""
        if self._strict:
            seen = observe_quietly(
                self._bench,
                design,
                self._pace,
                turn,
                self._patience_s,
                self._cancelled,
                lambda reason: self.tell(*self._done, waiting=reason),
            )
        else:
            seen = self._bench.observe(design, self._pace, turn)
        if seen is not None:
            self.table = self.table.with_whole(seen.whole)
            latency_cache.keep(self.table)


def observe_quietly(
    bench: Bench,
    design: Design,
    pace: Pace,
    turn: Measuring,
    patience_s: float | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    waiting: Callable[[str], None] = lambda _reason: None,
) -> Observation | None:
    """Measure a design while nothing else needs the machine; None where it was disturbed every time.

    Args:
        bench: measures.
        design: what to measure.
        pace: how long.
        turn: the measurement that was announced.
        patience_s: how long to wait, each time, until the machine is quiet; None for ever.
        cancelled: asked while waiting.
        waiting: told once what is waited for: "training", "comparison", "measurement" or "programs".

    Raises:
        AppError: the machine did not become quiet in time.
        CancelledError: it was called off.
    """
    for _ in range(TRIES):
        _wait(turn, patience_s, cancelled, waiting)
        seen = bench.observe(design, pace, turn)
        if seen.busy is None:
            return seen
    return None


def _wait(
    turn: Measuring, patience_s: float | None, cancelled: Callable[[], bool], waiting: Callable[[str], None]
) -> None:
    begin, told = time.monotonic(), False
    while (reason := _disturbing(turn)) is not None:
        if not told:
            waiting(reason)
            told = True
        if patience_s is not None and time.monotonic() - begin >= patience_s:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The machine is busy: figures measured now would not hold."),
                QT_TRANSLATE_NOOP("core", "End other programs, or measure later; what is done is kept."),
            )
        time.sleep(_PAUSE_S if patience_s is None else min(_PAUSE_S, patience_s))
        if cancelled():
            raise CancelledError(QT_TRANSLATE_NOOP("core", "The measurement was cancelled."))


def _disturbing(turn: Measuring) -> str | None:
    """Return what disturbs: "training", "comparison", "measurement" or "programs"; None where nothing does."""
    activity = turn.disturbance()
    if activity is not None:
        return activity.kind
    meter = LoadMeter()
    time.sleep(_LOOK_S)
    return "programs" if meter.is_busy() else None


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Fill a table for the window: the job "latency.table".

    Args:
        request: "design": its text; "runtime", "device", "precision", "threads", "batch", "imgsz" as in `build_table`;
            "kinds": [[block, options], …].
        channel: told how far it is, by progress, and by events "latency" that also name the file of the figures.
    """
    from app.core.design import parse_design

    size = request.get("imgsz", 640)
    kinds = [Swap(block, options) for block, options in request.get("kinds") or ()]

    file = str(latency_cache.file_of(setting_of_request(request)))

    def emit(event: Mapping[str, Any]) -> None:
        channel.progress(event["done"] / max(event["total"], 1), "")
        channel.emit({**event, "file": file})

    table = build_table(
        parse_design(str(request["design"])),
        str(request.get("runtime", "auto")),
        str(request.get("precision", "auto")),
        request.get("threads"),
        tuple(size) if isinstance(size, list) else size,
        kinds or None,
        emit,
        lambda: channel.cancelled,
        device=str(request.get("device", "auto")),
        batch=int(request.get("batch", 1)),
    )
    return {"file": file, "wholes": len(table.wholes)}
