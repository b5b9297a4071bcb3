"""Curves of line plots as data: what is drawn of many points, and how a table of them is written."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.core.run_report import safe_cell

MOST_POINTS = 1000
_EARLY_SHARE = 0.2
_SPIKE = 1.5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A line to draw.

    Attributes:
        key: What it is; the same key keeps its line.
        name: What people call it, for the crosshair.
        x: Epochs.
        y: Values; NaN leaves a gap.
        colour: `#RRGGBB`.
        dashed: Whether it is dashed.
        faint: A thin background line, left out of crosshair and end labels.
        labelled: Whether its last value stands at its right end.
    """

    key: str
    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    dashed: bool = False
    faint: bool = False
    labelled: bool = True


def thinned(x: Floats, y: Floats, most: int = MOST_POINTS) -> tuple[Floats, Floats]:
    """Return points that look the same: of each stretch of many the lowest and the highest; all where they are few.

    Args:
        x: Epochs, rising.
        y: Values; NaN leaves a gap.
        most: Up to so many points are left as they are, and at most so many are returned.
    """
    if len(x) <= most:
        return x, y
    stretch = math.ceil(2 * len(x) / most)
    count = len(x) // stretch
    whole = y[: count * stretch].reshape(count, stretch)
    low = np.where(np.isnan(whole), np.inf, whole).argmin(axis=1)
    high = np.where(np.isnan(whole), -np.inf, whole).argmax(axis=1)
    begins = np.arange(count) * stretch
    kept = np.unique(np.concatenate([begins + low, begins + high, [0], np.arange(count * stretch, len(x))]))
    return x[kept], y[kept]


def settled(y: Floats) -> tuple[float, float] | None:
    """Return the least and the greatest value, without those of the first epochs where they dwarf all that follows."""
    finite = y[np.isfinite(y)]
    if not len(finite):
        return None
    early = max(3, round(len(finite) * _EARLY_SHARE))
    later = finite[early:]
    taken = finite if len(later) < 5 or finite[:early].max() < _SPIKE * later.max() else later
    return float(taken.min()), float(taken.max())


def last(curve: Curve) -> tuple[float, float] | None:
    """Return the last finite point."""
    pairs = zip(reversed(curve.x), reversed(curve.y), strict=True)
    return next(((x, y) for x, y in pairs if math.isfinite(y)), None)


def table_of(curves: Iterable[Curve]) -> str:
    """Return curves as CSV: a row for every epoch or batch, a column for every curve, as measured."""
    known = list(curves)
    rows: dict[float, dict[str, float]] = {}
    for curve in known:
        for x, y in zip(curve.x, curve.y, strict=True):
            rows.setdefault(float(x), {})[curve.key] = y
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", *(safe_cell(curve.key) for curve in known)])
    for x in sorted(rows):
        cells = (rows[x].get(curve.key, math.nan) for curve in known)
        writer.writerow([f"{x:g}", *("" if not math.isfinite(y) else repr(float(y)) for y in cells)])
    return text.getvalue()
