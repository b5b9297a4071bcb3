"""Figures of a live comparison: of the newest pairs, for the window, and of all of them, for reports."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.core.statistics import percentile
from app.engine.pairing import Pair, PairStatistics
from app.engine.session import Session

WINDOW = 300
"""Newest pairs that the live figures cover."""

_RATE_SPAN_S = 3.0


class LiveFigures:
    """Counts pairs. What the window shows covers the newest 300; the session covers all since the last reset."""

    def __init__(self) -> None:
        self.session = Session()
        self._recent = PairStatistics(WINDOW)
        self._ages_ms: deque[float] = deque(maxlen=WINDOW)
        self._ends: deque[float] = deque()
        self._plot: list[list[float]] = []

    @property
    def fresh(self) -> bool:
        """Whether pairs came since the last `told`."""
        return bool(self._plot)

    def add(self, pair: Pair, now: float, age_ms: float, names: Sequence[Mapping[int, str]]) -> None:
        """Count a pair; `now` is the monotonic time at its end, in seconds."""
        self._recent.add(pair)
        self.session.add(pair, now, age_ms, names)
        self._ages_ms.append(age_ms)
        self._ends.append(now)
        while self._ends[0] < now - _RATE_SPAN_S:
            self._ends.popleft()
        self._plot.append([round(side.timings.inference_ms, 3) for side in (pair.a, pair.b)])

    def pause(self) -> None:
        """Leave the time until the next pair out of every rate."""
        self._ends.clear()
        self.session.pause()

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of the newest pairs, agreement and drift of the session beside them."""
        ages = sorted(self._ages_ms)
        drift = self.session.drift()
        return {
            **self._recent.as_dict(),
            "frames": self._recent.pairs,
            "pairs_per_second": self._rate(),
            "age_ms": percentile(ages, 0.5) if ages else None,
            "agreement": dict(self.session.agreement),
            "agreement_recent": self.session.recent_agreement(),
            "drift": {**asdict(drift), "ratio": drift.ratio} if drift else None,
        }

    def told(self) -> list[list[float]]:
        """Return the inference times of both sides since the last call, and begin anew."""
        plot, self._plot = self._plot, []
        return plot

    def _rate(self) -> float | None:
        if len(self._ends) < 2:
            return None
        return (len(self._ends) - 1) / (self._ends[-1] - self._ends[0])
