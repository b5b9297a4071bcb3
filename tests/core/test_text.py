"""Numbers as the Studio writes them."""

from __future__ import annotations

import pytest

from app.core import text

T = text.THIN_SPACE
M = text.MINUS


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"), (4.1249, "4.12"), (0.99951, "1.00"), (9.996, "10.0"), (999.6, f"1{T}000"), (31.27, "31.3"),
        (1240.4, f"1{T}240"), (1766623, f"1{T}770{T}000"), (-2.444, f"{M}2.44"), (0.0123456, "0.0123"),
        (float("nan"), "–"), (float("inf"), "–"),
    ],
)  # fmt: skip
def test_figure_has_three_significant_digits(value: float, written: str) -> None:
    assert text.figure(value) == written


@pytest.mark.parametrize(
    ("value", "written"), [(0, "±0"), (0.312, "+0.312"), (-24.1, f"{M}24.1"), (float("nan"), "–")]
)
def test_change_always_has_a_sign(value: float, written: str) -> None:
    assert text.change(value) == written


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [
        (100, 37, f"{M}63{T}%"), (100, 100, f"±0{T}%"), (100, 104.24, f"+4.2{T}%"), (0, 3, "–"),
        (100, 100.01, f"±0{T}%"), (100, float("nan"), "–"), (100, 0, f"{M}100{T}%"), (1000, 4, f"{M}99.6{T}%"),
        (1000, 0.2, f"{M}99.9{T}%"), (1000, 6, f"{M}99{T}%"), (1000, 1997, f"+100{T}%"),
    ],
)  # fmt: skip
def test_percent_change(before: float, after: float, written: str) -> None:
    assert text.percent_change(before, after) == written


def test_counts_sizes_and_spans() -> None:
    assert text.grouped(2654816) == f"2{T}654{T}816"
    assert text.grouped(-1200) == f"{M}1{T}200"
    assert text.grouped(999) == "999"
    assert text.scaled(2_654_816) == f"2.65{T}M"
    assert text.scaled(7.8e9) == f"7.80{T}G"
    assert text.scaled(812) == "812"
    assert text.size(5_310_000) == f"5.31{T}MB"
    assert text.size(12) == f"12.0{T}B"
    assert text.ratio(1.6912) == "1.69×"
    assert text.ratio(float("nan")) == "–"
    assert text.duration(8.4) == "0:08"
    assert text.duration(245) == "4:05"
    assert text.duration(4800) == "1:20:00"
    assert text.duration(-1) == "–"


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [
        (8e-5, 1, "8e-5"),
        (2.5e-5, 1, "2.5e-5"),
        (1e-4, 1, "1e-4"),
        (3.4e-5, 2, "3.4e-5"),
        (3.456e-12, 2, "3.46e-12"),
        (-2e-5, 1, "\u22122e-5"),
        (9.99e-5, 1, "1e-4"),
    ],
)
def test_small_numbers_are_written_by_their_power_of_ten(value: float, decimals: int, written: str) -> None:
    assert text.scientific(value, decimals) == written
