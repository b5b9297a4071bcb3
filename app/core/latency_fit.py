"""The arithmetic behind predicted milliseconds: ridge regression with its leave-one-out errors, power laws.

Plain Python: a dozen coefficients and some dozens of observations.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ridge:
    """A fitted linear model.

    Attributes:
        weights: one a feature.
        errors: for each observation, observed minus predicted by the model fitted to all others.
    """

    weights: tuple[float, ...]
    errors: tuple[float, ...]

    def predict(self, features: Sequence[float]) -> float:
        """Return the predicted value."""
        return sum(w * x for w, x in zip(self.weights, features, strict=True))


def ridge(rows: Sequence[Sequence[float]], values: Sequence[float], penalties: Sequence[float]) -> Ridge:
    """Minimise Σ (value − row·w)² + Σ penalty·w² (Hoerl and Kennard 1970).

    The leave-one-out error of observation i is its residual over 1 − h, h being the i-th diagonal element of the hat
    matrix (Allen 1974).

    Args:
        rows: features of each observation.
        values: what was observed.
        penalties: one a feature, above 0.

    Raises:
        ValueError: rows and values differ in number.
    """
    count = len(penalties)
    normal = [[0.0] * count for _ in range(count)]
    right = [0.0] * count
    for row, value in zip(rows, values, strict=True):
        for i in range(count):
            right[i] += row[i] * value
            for j in range(count):
                normal[i][j] += row[i] * row[j]
    for i, penalty in enumerate(penalties):
        normal[i][i] += penalty
    inverse = _inverse(normal)
    weights = tuple(sum(a * b for a, b in zip(line, right, strict=True)) for line in inverse)
    errors = []
    for row, value in zip(rows, values, strict=True):
        leverage = sum(row[i] * inverse[i][j] * row[j] for i in range(count) for j in range(count))
        residual = value - sum(w * x for w, x in zip(weights, row, strict=True))
        errors.append(residual / max(1 - leverage, 1e-6))
    return Ridge(weights, tuple(errors))


def _inverse(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the inverse of a symmetric positive definite matrix (Gauss-Jordan; no pivoting is needed)."""
    n = len(matrix)
    rows = [[*line, *(1.0 if i == j else 0.0 for j in range(n))] for i, line in enumerate(matrix)]
    for i in range(n):
        pivot = rows[i][i]
        rows[i] = [x / pivot for x in rows[i]]
        for k in range(n):
            if k != i and rows[k][i]:
                factor = rows[k][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [row[n:] for row in rows]


NEIGHBOURS = 3
_SLOPE_PENALTY = 1.0


class PowerLaw:
    """Times of modules of one family as ms = e^a · flops^b · numbers^c, and how the nearest ones differ from that.

    The exponents are drawn to ½ each, the middle between a module that computes and one that waits for memory, so
    that few known modules do.

    Args:
        known: operations, numbers moved and milliseconds of modules; at least one.
    """

    def __init__(self, known: Sequence[tuple[float, float, float]]) -> None:
        self._places = [_place(flops, numbers) for flops, numbers, _ in known]
        values = [math.log(max(ms, 1e-6)) for _, _, ms in known]
        self._centre = tuple(sum(p[i] for p in self._places) / len(self._places) for i in (0, 1))
        rest = [value - sum(place) / 2 for place, value in zip(self._places, values, strict=True)]
        rows = [self._row(place) for place in self._places]
        self._fit = ridge(rows, rest, (1e-9, _SLOPE_PENALTY, _SLOPE_PENALTY))
        self._left = [v - self._fit.predict(row) for row, v in zip(rows, rest, strict=True)]

    def _row(self, place: tuple[float, float]) -> tuple[float, float, float]:
        return 1.0, place[0] - self._centre[0], place[1] - self._centre[1]

    def estimate(self, flops: float, numbers: float) -> float:
        """Return the milliseconds to expect of a module."""
        place = _place(flops, numbers)
        near = sorted(
            (abs(place[0] - p[0]) + abs(place[1] - p[1]), left)
            for p, left in zip(self._places, self._left, strict=True)
        )[:NEIGHBOURS]
        weights = [1 / (0.05 + distance) for distance, _ in near]
        left = sum(w * left for w, (_, left) in zip(weights, near, strict=True)) / sum(weights)
        return math.exp(sum(place) / 2 + self._fit.predict(self._row(place)) + left)


def _place(flops: float, numbers: float) -> tuple[float, float]:
    """Return logarithms; what computes nothing counts as if it did one operation a number."""
    return math.log(max(flops or numbers, 1.0)), math.log(max(numbers, 1.0))


def middle(values: Sequence[float]) -> float:
    """Return the median; 0 where there are no values."""
    ordered = sorted(values)
    n = len(ordered)
    if not n:
        return 0.0
    return ordered[n // 2] if n % 2 else (ordered[n // 2 - 1] + ordered[n // 2]) / 2


def scatter(values: Sequence[float]) -> float:
    """Return the median absolute deviation, scaled to the standard deviation of a normal distribution."""
    centre = middle(values)
    return 1.4826 * middle([abs(value - centre) for value in values])


def root_mean_square(values: Sequence[float]) -> float:
    """Return the root of the mean square; 0 where there are no values."""
    return math.sqrt(sum(v * v for v in values) / len(values)) if values else 0.0
