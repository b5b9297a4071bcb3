"""Percentiles and the exact bootstrap interval of a median, against drawing."""

from __future__ import annotations

import itertools
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.statistics import median_interval, paired_speedup, percentile, spread

FLOATS = st.floats(0.1, 1e6, allow_nan=False)


def drawn_interval(values: list[float], draws: int = 4000) -> tuple[float, float]:
    generator = random.Random(3)
    medians = sorted(statistics.median(generator.choices(values, k=len(values))) for _ in range(draws))
    return percentile(medians, 0.025), percentile(medians, 0.975)


@pytest.mark.parametrize("count", [15, 40, 101, 300])
def test_interval_is_the_one_that_drawing_approaches(count: int) -> None:
    generator = random.Random(count)
    values = [generator.lognormvariate(0.5, 0.2) for _ in range(count)]
    exact = median_interval(values)
    low, high = drawn_interval(values)
    middle = sorted(values)[count // 8 : -count // 8]
    step = max(b - a for a, b in itertools.pairwise(middle))
    assert exact.median == statistics.median(values)
    assert exact.low == pytest.approx(low, abs=step)
    assert exact.high == pytest.approx(high, abs=step)


def test_interval_narrows_with_more_values() -> None:
    generator = random.Random(1)
    widths = []
    for count in (20, 200, 2000):
        interval = median_interval([generator.gauss(10, 1) for _ in range(count)])
        widths.append(interval.high - interval.low)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]
    assert widths[2] == pytest.approx(2 * 1.96 * 1.2533 / 2000**0.5, rel=0.25)


@given(st.lists(FLOATS, min_size=1, max_size=60))
def test_interval_encloses_the_median(values: list[float]) -> None:
    interval = median_interval(values)
    assert min(values) <= interval.low <= interval.median <= interval.high <= max(values)


@given(st.lists(FLOATS, min_size=2, max_size=50))
def test_spread_is_what_the_standard_library_says(values: list[float]) -> None:
    found = spread(values)
    assert found.p50 == pytest.approx(statistics.median(values))
    assert found.p95 == pytest.approx(statistics.quantiles(values, n=20, method="inclusive")[-1])
    assert found.p99 == pytest.approx(statistics.quantiles(values, n=100, method="inclusive")[-1])


def test_many_values_have_the_interval_of_the_exact_tail() -> None:
    exact, many, most = (median_interval(range(n)) for n in (1000, 1001, 4000))
    assert (exact.low, exact.high) == (469, 530)
    assert (many.low, many.high) == (469, 531)
    assert (most.low, most.high) == (1938, 2061)


def test_speedup_pairs_by_picture() -> None:
    slow, fast = [10.0, 40.0, 20.0], [5.0, 20.0, 10.0]
    assert paired_speedup(slow, fast).as_dict() == {"median": 2.0, "low": 2.0, "high": 2.0}
    with pytest.raises(ValueError, match="zip"):
        paired_speedup(slow, fast[:2])
