"""Ridge regression against its definition, power laws against laws."""

from __future__ import annotations

import random

import pytest

from app.core.latency_fit import PowerLaw, middle, ridge, root_mean_square, scatter


def observations(seed: int, count: int = 20) -> tuple[list[list[float]], list[float]]:
    generator = random.Random(seed)
    rows = [[1.0, generator.random(), generator.random()] for _ in range(count)]
    values = [2 * a - 3 * b + 0.5 * c + generator.gauss(0, 0.1) for a, b, c in rows]
    return rows, values


def test_the_weights_are_the_least_squares_ones_where_nothing_is_penalised() -> None:
    rows, values = observations(1)
    fitted = ridge(rows, values, [1e-9] * 3)
    assert fitted.weights == pytest.approx([2, -3, 0.5], abs=0.3)
    residuals = [value - fitted.predict(row) for row, value in zip(rows, values, strict=True)]
    for i in range(3):  # the normal equations
        assert sum(row[i] * r for row, r in zip(rows, residuals, strict=True)) == pytest.approx(0, abs=1e-6)


def test_a_penalty_draws_towards_zero() -> None:
    rows, values = observations(2)
    weak, strong = ridge(rows, values, [0.01] * 3), ridge(rows, values, [1e4] * 3)
    assert all(abs(s) < 0.01 < abs(w) for s, w in zip(strong.weights, weak.weights, strict=True))


def test_leave_one_out_errors_are_those_of_fits_to_all_others() -> None:
    rows, values = observations(3, 9)
    penalties = [0.1, 0.2, 0.3]
    for i, error in enumerate(ridge(rows, values, penalties).errors):
        others = ridge(rows[:i] + rows[i + 1 :], values[:i] + values[i + 1 :], penalties)
        assert error == pytest.approx(values[i] - others.predict(rows[i]), abs=1e-9)


def test_rows_and_values_must_match() -> None:
    with pytest.raises(ValueError, match="zip"):
        ridge([[1.0]], [1.0, 2.0], [1.0])


def test_a_module_of_the_same_shape_gives_its_own_time() -> None:
    known = [(1e6, 1e4, 2.0), (1e9, 1e7, 500.0), (2e9, 1e7, 900.0), (3e9, 1e7, 1200.0)]
    assert PowerLaw(known).estimate(1e6, 1e4) == pytest.approx(2.0, rel=0.1)
    assert PowerLaw(known[:1]).estimate(1e6, 1e4) == pytest.approx(2.0)


def test_twice_the_module_takes_twice_the_time_where_only_one_is_known() -> None:
    assert PowerLaw([(1e6, 1e4, 2.0)]).estimate(2e6, 2e4) == pytest.approx(4.0)
    assert PowerLaw([(0, 1e4, 2.0)]).estimate(0, 2e4) == pytest.approx(4.0)


@pytest.mark.parametrize("bound", ["operations", "memory"])
def test_a_law_learns_what_bounds_a_family(bound: str) -> None:
    generator = random.Random(5)
    known = []
    for _ in range(30):
        flops, numbers = 10 ** generator.uniform(6, 9), 10 ** generator.uniform(4, 7)
        known.append((flops, numbers, flops * 1e-8 if bound == "operations" else numbers * 1e-6))
    law = PowerLaw(known)
    for flops, numbers in ((3e7, 3e5), (4e9, 1e6), (1e7, 2e7)):
        truth = flops * 1e-8 if bound == "operations" else numbers * 1e-6
        assert law.estimate(flops, numbers) == pytest.approx(truth, rel=0.25)


def test_middle_and_scatter() -> None:
    assert middle([]) == 0
    assert middle([3, 1, 2]) == 2
    assert middle([4, 1, 2, 3]) == 2.5
    generator = random.Random(0)
    values = [generator.gauss(10, 2) for _ in range(4000)]
    assert scatter(values) == pytest.approx(2, rel=0.1)
    assert scatter([1, 1, 1, 50]) == 0
    assert root_mean_square([3, 4]) == pytest.approx(3.5355, rel=1e-3)
