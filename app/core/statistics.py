"""Percentiles, and a median with the interval it can be trusted to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from statistics import NormalDist

LEVEL = 0.95

_MANY = 1000
"""Values from which on the binomial tail is the normal one to better than a rank in a thousand."""


@dataclass(frozen=True)
class Interval:
    """A median and the 95 % interval around it."""

    median: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Return the three numbers by name."""
        return asdict(self)


@dataclass(frozen=True)
class Spread:
    """What half of the values, 95 % and 99 % of them do not exceed."""

    p50: float
    p95: float
    p99: float

    def as_dict(self) -> dict[str, float]:
        """Return the three numbers by name."""
        return asdict(self)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of ascending values do not exceed, interpolated.

    Raises:
        ValueError: There are no values.
    """
    if not ordered:
        raise ValueError("no values")
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def spread(values: Sequence[float]) -> Spread:
    """Return the median, the 95th and the 99th percentile; zeros where there are no values."""
    if not values:
        return Spread(0.0, 0.0, 0.0)
    ordered = sorted(values)
    return Spread(percentile(ordered, 0.5), percentile(ordered, 0.95), percentile(ordered, 0.99))


def median_interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """Return the median with its percentile bootstrap interval, exactly and without drawing.

    The bootstrap distribution of a median is known in closed form: the median of a resample of n values is
    at most the k-th smallest value when more than half of the draws are (Efron 1979, *Bootstrap methods:
    another look at the jackknife*, section 3): a binomial tail with n draws of chance k/n.

    Args:
        values: At least one.
        level: Share of the bootstrap medians inside the interval.

    Raises:
        ValueError: There are no values.
    """
    ordered = sorted(values)
    low, high = _ranks(len(ordered), level)
    return Interval(percentile(ordered, 0.5), ordered[low], ordered[high])


@lru_cache(maxsize=512)
def _ranks(n: int, level: float) -> tuple[int, int]:
    tail = (1 - level) / 2
    if n > _MANY:
        reach = NormalDist().inv_cdf(1 - tail) * math.sqrt(n) / 2
        low = max(math.floor(n / 2 - reach), 0)
    else:
        low = _first_rank(n, tail)
    # The distribution is symmetric in ranks.
    return low, n - 1 - low


def _first_rank(n: int, chance: float) -> int:
    """Return the smallest rank (from 0) not below a resampled median with at least this chance."""
    below, above = 0, max((n - 1) // 2, 0)
    while below < above:
        middle = (below + above) // 2
        if _at_least_half(n, (middle + 1) / n) >= chance:
            above = middle
        else:
            below = middle + 1
    return below


def _at_least_half(n: int, p: float) -> float:
    """Return the chance that more than half of n draws of chance p succeed; ties count half."""
    if p >= 1:
        return 1.0
    total = 0.0
    for k in range(n // 2 if n % 2 == 0 else n // 2 + 1, n + 1):
        ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
        log = ways + k * math.log(p) + (n - k) * math.log1p(-p)
        weight = 0.5 if 2 * k == n else 1.0
        term = weight * math.exp(log)
        total += term
        if term < 1e-12 * total and k > n * p:
            break
    return total


def paired_speedup(times_a: Sequence[float], times_b: Sequence[float]) -> Interval:
    """Return how many times as fast B is as A: the median ratio of the same picture, with its interval.

    Args:
        times_a: What A took, picture by picture.
        times_b: What B took for the same pictures.

    Raises:
        ValueError: Of different length, or empty.
    """
    return median_interval([a / b for a, b in zip(times_a, times_b, strict=True)])
