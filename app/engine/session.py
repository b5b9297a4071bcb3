"""Everything that a comparison measured, in bounded memory."""

from __future__ import annotations

import random
from array import array
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.compare_figures import (
    COUNTS,
    DRIFT_S,
    PARTS,
    Drift,
    Histogram,
    SessionFigures,
    SideFigures,
    drift_between,
)
from app.core.statistics import Spread, paired_speedup, percentile, spread
from app.engine.pairing import Pair

MOST_SAMPLES = 50_000
"""Pairs kept one by one; of more an even draw is kept (Vitter 1985, algorithm R)."""

_MOST_ROWS = 240
_RECENT_S = 60
_DRIFT_EVERY_S = 5.0
"""A drift is looked for no more often: sorting two minutes of times would itself take time from what is measured."""

_COLUMNS = 2 * (len(PARTS) - 1)


class Session:
    """Counts pairs from the beginning on.

    Args:
        most: pairs kept one by one.
    """

    def __init__(self, most: int = MOST_SAMPLES) -> None:
        self.pairs = 0
        self.agreement = dict.fromkeys(COUNTS, 0)
        self.by_class: dict[str, dict[str, int]] = {}
        self._most = most
        self._random = random.Random(0)
        self._times = array("f")
        self._pair_ms, self._ages_ms = array("f"), array("f")
        self._detections = [0, 0]
        self._first: list[tuple[float, float]] = []
        self._last: deque[tuple[float, float, float]] = deque()
        self._rows: list[list[float]] = []
        self._step = 1.0
        self._seconds = 0.0
        self._before: float | None = None
        self._drift: Drift | None = None
        self._drift_due = 2 * DRIFT_S

    def add(self, pair: Pair, now: float, age_ms: float | None, names: Sequence[Mapping[int, str]]) -> None:
        """Count a pair.

        Args:
            pair: what both sides found, and took.
            now: monotonic seconds at its end.
            age_ms: from its capture to now; None where that means nothing.
            names: class names of both sides.
        """
        if self._before is not None:
            self._seconds += now - self._before
        self._before = now
        self.pairs += 1
        self._keep(pair, age_ms)
        for side, found in enumerate((pair.a, pair.b)):
            self._detections[side] += len(found)
        both = (pair.a.timings.inference_ms, pair.b.timings.inference_ms)
        if self._seconds <= DRIFT_S:
            self._first.append(both)
        self._last.append((self._seconds, *both))
        while self._last[0][0] < self._seconds - DRIFT_S:
            self._last.popleft()
        self._count(pair, names)

    def pause(self) -> None:
        """Leave the time until the next pair out."""
        self._before = None

    def _keep(self, pair: Pair, age_ms: float | None) -> None:
        row = [
            getattr(found.timings, part) for found in (pair.a, pair.b) for part in PARTS if part != "total_ms"
        ]
        age = -1.0 if age_ms is None else age_ms
        if len(self._pair_ms) < self._most:
            self._times.extend(row)
            self._pair_ms.append(pair.pair_ms)
            self._ages_ms.append(age)
            return
        place = self._random.randrange(self.pairs)
        if place < self._most:
            self._times[place * _COLUMNS : (place + 1) * _COLUMNS] = array("f", row)
            self._pair_ms[place], self._ages_ms[place] = pair.pair_ms, age

    def _count(self, pair: Pair, names: Sequence[Mapping[int, str]]) -> None:
        match = pair.match
        groups: tuple[tuple[str, int, Sequence[int]], ...] = (
            ("agree", 0, [left for left, _ in match.agree]),
            ("class_changed", 0, [left for left, _ in match.changed]),
            ("only_a", 0, match.only_a),
            ("only_b", 1, match.only_b),
        )
        row = [0] * len(COUNTS)
        for place, (count, side, boxes) in enumerate(groups):
            self.agreement[count] += len(boxes)
            row[place] = len(boxes)
            classes = (pair.a, pair.b)[side].classes
            for box in boxes:
                number = int(classes[box])
                name = names[side].get(number, str(number))
                self.by_class.setdefault(name, dict.fromkeys(COUNTS, 0))[count] += 1
        self._add_row(row)

    def _add_row(self, counts: Sequence[int]) -> None:
        second = self._seconds // self._step * self._step
        if not self._rows or self._rows[-1][0] != second:
            self._rows.append([second, *[0.0] * len(COUNTS)])
        for place, count in enumerate(counts, start=1):
            self._rows[-1][place] += count
        if len(self._rows) > _MOST_ROWS:
            self._step *= 2
            coarser: dict[float, list[float]] = {}
            for start, *found in self._rows:
                into = coarser.setdefault(start // self._step * self._step, [0.0] * len(COUNTS))
                for place, number in enumerate(found):
                    into[place] += number
            self._rows = [[start, *found] for start, found in coarser.items()]

    # --- figures ---------------------------------------------------------------------------------------------

    def drift(self) -> Drift | None:
        """Return where the first and the last minute disagree; None before they are two different minutes."""
        if self._seconds >= self._drift_due:
            self._drift_due = self._seconds + _DRIFT_EVERY_S
            self._drift = self._look_for_drift()
        return self._drift

    def _look_for_drift(self) -> Drift | None:
        found = [
            drift_between(
                "ab"[side], [row[side] for row in self._first], [row[1 + side] for row in self._last]
            )
            for side in (0, 1)
        ]
        return max((one for one in found if one is not None), key=lambda d: abs(d.ratio - 1), default=None)

    def recent_agreement(self) -> list[list[float]]:
        """Return the newest rows of the timeline: (second, agree, class_changed, only_a, only_b)."""
        return [list(row) for row in self._rows[-_RECENT_S:]]

    def figures(
        self,
        source: str,
        sides: Sequence[Mapping[str, Any]],
        dropped: int = 0,
        notes: Sequence[str] = (),
    ) -> SessionFigures | None:
        """Return everything; None before the first pair.

        Args:
            source: what the pictures came from.
            sides: `pairing.describe` of both detectors, with "shape" where it is known.
            dropped: pictures that were left out.
            notes: what a person should know about the source.
        """
        if not self.pairs:
            return None
        columns = [self._times[place::_COLUMNS] for place in range(_COLUMNS)]
        totals = [[sum(three) for three in zip(*columns[3 * s : 3 * s + 3], strict=True)] for s in (0, 1)]
        inference = (columns[1], columns[4])
        low, high = _range([*inference[0], *inference[1]])
        made = [
            self._side(sides[s], columns[3 * s : 3 * s + 3], totals[s], low, high, self._detections[s])
            for s in (0, 1)
        ]
        ages = [age for age in self._ages_ms if age >= 0]
        return SessionFigures(
            source=source,
            pairs=self.pairs,
            sampled=len(self._pair_ms),
            dropped=dropped,
            seconds=self._seconds,
            a=made[0],
            b=made[1],
            speedup=paired_speedup(*inference),
            speedup_total=paired_speedup(*totals),
            pair_ms=spread(self._pair_ms),
            age_ms=spread(ages) if ages else None,
            pairs_per_second=(self.pairs - 1) / self._seconds if self._seconds > 0 else 0.0,
            agreement=dict(self.agreement),
            by_class={name: dict(counts) for name, counts in sorted(self.by_class.items())},
            timeline=tuple((s, int(a), int(c), int(x), int(y)) for s, a, c, x, y in self._rows),
            drift=self.drift(),
            notes=tuple(notes),
        )

    @staticmethod
    def _side(
        described: Mapping[str, Any],
        columns: Sequence[Sequence[float]],
        totals: Sequence[float],
        low: float,
        high: float,
        detections: int,
    ) -> SideFigures:
        times: dict[str, Spread] = {
            part: spread(values) for part, values in zip(PARTS, (*columns, totals), strict=True)
        }
        shape = described.get("shape")
        return SideFigures(
            weights=str(described["weights"]),
            runtime=str(described["runtime"]),
            precision=str(described["precision"]),
            device=str(described["device"]),
            threads=int(described["threads"]),
            imgsz=int(described["imgsz"]),
            shape=(int(shape[0]), int(shape[1])) if shape else None,
            times=times,
            inference=Histogram.of(columns[1], low, high),
            detections=detections,
        )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of a plot that shows all but the few slowest."""
    ordered = sorted(values)
    low, high = ordered[0], percentile(ordered, 0.99)
    margin = 0.05 * (high - low) or 0.05 * high or 1.0
    return max(low - margin, 0.0), high + margin
