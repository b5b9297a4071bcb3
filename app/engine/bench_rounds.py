"""The milliseconds of a bench: every model in a process of its own, all of them in turn, on a quiet machine.

The processes of one runtime and precision are loaded together and then sleep. In every round each gets one turn, the
reference among them, and every other round goes backwards: a machine that grows slower meanwhile slows all alike, and
ratios are taken round by round.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psutil

from app.core.arbiter import Measuring
from app.core.bench import ratios
from app.core.errors import AppError
from app.core.statistics import median_interval
from app.engine.bench_process import BenchCancelledError, Child
from app.engine.latency_clock import LoadMeter, figure

TOGETHER = 6
"""Models that are loaded at once, the reference among them."""

BURST = 5
"""Calls of a turn."""

_TRIES = 3
_SETTLE_S = 0.03
"""Between two turns: threads that a runtime keeps spinning for a moment come to rest."""


@dataclass(frozen=True)
class Timed:
    """What a model took.

    Attributes:
        value: "p50_ms", "p95_ms", "low_ms", "high_ms", "calls", "shape", "threads"; with "ratio" (median, low, high)
            where the reference took part.
        disturbed: share of the processors that others used, where that was too much.
    """

    value: dict[str, Any]
    disturbed: float | None


def time_in_turn(
    requests: Mapping[str, Mapping[str, Any]],
    reference: str,
    frames: int,
    turn: Measuring,
    cancelled: Callable[[], bool],
) -> dict[str, Timed | AppError]:
    """Measure models in turn; one that cannot be is an error in its place, and the others go on.

    Args:
        requests: name → request of `bench_child.latency`.
        reference: the name that ratios are taken against; it need not be there.
        frames: calls that are timed of each, at least.
        turn: says whether the machine is wanted by something else, and waits for it.
        cancelled: asked between turns.

    Raises:
        BenchCancelledError: it was called off.
    """
    found: dict[str, Timed | AppError] = {}
    with ExitStack() as stack:
        ready: dict[str, tuple[Child, dict[str, Any]]] = {}
        for name, request in requests.items():
            child = stack.enter_context(Child(request, cancelled))
            try:
                ready[name] = child, child.next("ready")
            except BenchCancelledError:
                raise
            except AppError as problem:
                child.end()
                found[name] = problem
        times: dict[str, list[list[float]]] = {}
        busy: float | None = None
        for _ in range(_TRIES):
            turn.wait()
            times, busy, lost = _rounds(ready, frames, turn)
            for name, why in lost.items():
                found[name] = why
                ready.pop(name)
            if busy is None:
                break
    for name, rounds in times.items():
        if name in ready:
            found[name] = Timed(_value(rounds, times.get(reference), ready[name][1]), busy)
    return found


def _rounds(
    ready: Mapping[str, tuple[Child, dict[str, Any]]], frames: int, turn: Measuring
) -> tuple[dict[str, list[list[float]]], float | None, dict[str, AppError]]:
    """Return every round of every model, the share that others used where it was too much, and who died."""
    times: dict[str, list[list[float]]] = {name: [] for name in ready}
    lost: dict[str, AppError] = {}
    try:
        meter = LoadMeter([child.pid for child, _ in ready.values()])
    except psutil.NoSuchProcess:  # one that died is found out when it is listened to
        meter = LoadMeter()
    disturbed = False
    for number in range(max(1, -(-frames // BURST))):
        order = list(ready.items())
        for name, (child, _) in order if number % 2 == 0 else reversed(order):
            if name in lost:
                continue
            time.sleep(_SETTLE_S)
            child.send({"command": "turn", "calls": BURST})
            try:
                times[name].append([float(ms) for ms in child.next("turn")["ms"]])
            except BenchCancelledError:
                raise
            except AppError as problem:
                lost[name] = problem
        disturbed = disturbed or turn.disturbance() is not None
    share = meter.others() if not lost else 0.0
    return times, share if disturbed or (not lost and meter.is_busy()) else None, lost


def _value(
    rounds: Sequence[Sequence[float]], reference: Sequence[Sequence[float]] | None, ready: Mapping[str, Any]
) -> dict[str, Any]:
    taken = figure([ms for row in rounds for ms in row])
    value: dict[str, Any] = {
        "p50_ms": taken.p50_ms,
        "p95_ms": taken.p95_ms,
        "low_ms": taken.low_ms,
        "high_ms": taken.high_ms,
        "calls": taken.runs,
        "shape": list(ready["shape"]),
        "threads": int(ready["threads"]),
    }
    if reference:
        interval = median_interval(ratios(rounds, reference))
        value["ratio"] = [interval.median, interval.low, interval.high]
    return value
