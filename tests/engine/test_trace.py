"""Traces: the formulae behind recorded numbers, and the stored descriptions against the installed ultralytics."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.architecture import base_models
from app.core.architecture_file import SUFFIX, encode, read
from app.core.folders import resources
from app.engine.stock import detection_families, scales_of, stock_description
from app.engine.trace import describe
from app.engine.trace_fit import GRIDS, PROBES, NoFormulaError, fit_classes, fit_size

NUMBERS = st.integers(-(10**6), 10**6)


@given(NUMBERS, st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS))
def test_sizes_are_found_exactly(cell: int, rest: tuple[int, int, int, int]) -> None:
    constant, row, column, square = rest
    values = [cell * r * c + constant + row * r + column * c + square * (r * c) ** 2 for r, c in GRIDS]
    assert fit_size(values) == (cell, rest)


@given(st.integers(1, 100), NUMBERS, NUMBERS, NUMBERS)
def test_classes_are_found_exactly(low: int, constant: int, classes: int, width: int) -> None:
    values = [constant + classes * n + width * max(low, min(n, 100)) for n in PROBES]
    found = fit_classes(values, low, 100)
    a, b, c = found if isinstance(found, list) else (found, 0, 0)
    for n in range(1, 300):
        here = max(low, min(n, 100))
        assert a + b * n + c * here == constant + classes * n + width * here


def test_what_no_formula_says_is_refused() -> None:
    with pytest.raises(NoFormulaError):
        fit_size([(r * c) ** 3 for r, c in GRIDS])
    with pytest.raises(NoFormulaError):
        fit_size([r * c // 2 for r, c in GRIDS])
    with pytest.raises(NoFormulaError):
        fit_size([r // 2 for r, c in GRIDS])
    with pytest.raises(NoFormulaError):
        fit_classes([n * n for n in PROBES], 64, 100)


def test_every_installed_detector_has_a_description() -> None:
    names = {name for family in detection_families() for name in scales_of(family)}
    assert names == set(base_models())


@pytest.mark.parametrize("base", ["yolov3-tiny", "yolov4-tiny", "yolov5n", "yolov9t", "yolov10n"])
def test_descriptions_equal_the_installed_ultralytics(base: str) -> None:
    path = resources() / "models" / f"{base}{SUFFIX}"
    stored, fresh = read(path), describe(base)
    assert stored | {"source": ""} == fresh | {"source": ""}
    assert encode(stored) == encode(fresh | {"source": stored["source"]})


def test_a_file_in_the_current_folder_is_not_taken_for_a_stock_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    hostile = "nc: 1\nactivation: __import__('os').system('touch OWNED')\nbackbone: []\nhead: []\n"
    Path("yolov5.yaml").write_text(hostile, encoding="utf-8")
    assert len(stock_description("yolov5n")["backbone"]) == 10
