"""The arithmetic behind predicted milliseconds: ridge regression with its leave-one-out errors, nearest neighbours.

Plain Python: a dozen coefficients and some dozens of observations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
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


def neighbours(target: tuple[float, float], known: Iterable[tuple[float, float, float]]) -> float | None:
    """Estimate a time from those of the modules most like it, or None where none is known.

    Each neighbour's time is scaled by the geometric mean of the ratios of operations and of numbers moved, the middle
    between a module that computes and one that waits for memory; near ones count more.

    Args:
        target: operations and numbers of the module.
        known: operations, numbers and time of others.
    """
    ranked = sorted((_distance(target, row), row) for row in known)[:NEIGHBOURS]
    if not ranked:
        return None
    total = weight_sum = 0.0
    for distance, (flops, numbers, time) in ranked:
        scale = 0.5 * (_log(target[1]) - _log(numbers))
        scale += 0.5 * (_log(target[0]) - _log(flops)) if flops and target[0] else scale
        weight = 1 / (0.05 + distance)
        total += weight * (_log(time) + scale)
        weight_sum += weight
    return math.exp(total / weight_sum)


def _distance(target: tuple[float, float], row: tuple[float, float, float]) -> float:
    return abs(_log(target[0]) - _log(row[0])) + abs(_log(target[1]) - _log(row[1]))


def _log(value: float) -> float:
    return math.log(max(value, 1e-9)) if value else 0.0


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
