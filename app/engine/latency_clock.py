"""The clock: what is compared takes turns, and whoever else used the machine meanwhile is noticed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import psutil

from app.core.latency import Figure
from app.core.latency_fit import middle, scatter
from app.core.statistics import median_interval, spread

BUSY_SHARE = 0.1
"""Share of all processors that other programs may use during a measurement."""

_WARM_UP_S = 0.3
_BURST = 3
_MOST_ROUNDS = 200


@dataclass(frozen=True)
class Pace:
    """How long something is measured.

    Attributes:
        rounds: turns that each model gets at least.
        seconds: time for all of them together, once there were so many turns.
        warm_up: calls before the first turn, of each.
    """

    rounds: int = 10
    seconds: float = 4.0
    warm_up: int = 3


class LoadMeter:
    """Watches how much of the machine other programs use, from its making on.

    Args:
        children: processes that work for this one, and are no others.
    """

    def __init__(self, children: Iterable[int] = ()) -> None:
        self._own = [psutil.Process(), *(psutil.Process(pid) for pid in children)]
        self._begin = self._now()

    def _now(self) -> tuple[float, float, float]:
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        own = [process.cpu_times() for process in self._own if process.is_running()]
        return total, idle, sum(used.user + used.system for used in own)

    def others(self) -> float:
        """Return the share of all processors, 0 to 1, that others used so far."""
        now = self._now()
        total, idle, own = (b - a for a, b in zip(self._begin, now, strict=True))
        if total <= 0:
            return 0.0
        return min(max((total - idle - own) / total, 0.0), 1.0)

    def is_busy(self) -> bool:
        """Return whether others used so much that figures cannot be trusted."""
        return self.others() > BUSY_SHARE


def take_turns(
    calls: Sequence[Callable[[], object]],
    pace: Pace,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[list[float]]:
    """Time several models turn by turn, and return the milliseconds of each call.

    In its turn a model is called once uncounted, so that it finds its weights in the processor's caches as it would
    running alone, and then a few times. Every other round goes backwards. Row i of every model belongs together.

    Args:
        calls: each runs a model once and returns when the result is there.
        pace: how long.
        cancelled: asked between turns; what was timed so far is returned.
    """
    times: list[list[float]] = [[] for _ in calls]
    for call in calls:
        end = time.perf_counter() + _WARM_UP_S
        for count in range(_MOST_ROUNDS):
            if count >= pace.warm_up and time.perf_counter() >= end:
                break
            call()
    end = time.perf_counter() + pace.seconds
    for number in range(_MOST_ROUNDS):
        if number >= pace.rounds and time.perf_counter() >= end:
            break
        order = list(zip(calls, times, strict=True))
        for call, into in order if number % 2 == 0 else reversed(order):
            call()
            for _ in range(_BURST):
                begin = time.perf_counter()
                call()
                into.append((time.perf_counter() - begin) * 1e3)
        if cancelled():
            break
    return times


def figure(times: Sequence[float]) -> Figure:
    """Return what some calls took.

    Raises:
        ValueError: there are none.
    """
    found, interval = spread(times), median_interval(times)
    deviation = scatter(times) / middle(times) if middle(times) else 0.0
    return Figure(found.p50, found.p95, interval.low, interval.high, deviation, len(times))
