"""What a comparison measured, as plain data."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.compare_figures import Drift, Histogram, SessionFigures, SideFigures, drift_between
from app.core.statistics import Interval, Spread

TIMES = st.floats(0.01, 1e4)


def side(name: str) -> SideFigures:
    times = dict.fromkeys(
        ("preprocess_ms", "inference_ms", "postprocess_ms", "total_ms"), Spread(1.0, 2.0, 3.0)
    )
    histogram = Histogram(0.0, 4.0, (1, 2, 3))
    return SideFigures(name, "openvino", "f32", "cpu", 2, 640, (384, 640), times, histogram, 12)


def test_everything_survives_json() -> None:
    figures = SessionFigures(
        source="clip.mp4",
        pairs=6,
        sampled=6,
        dropped=1,
        seconds=2.5,
        a=side("a.pt"),
        b=side("b.pt"),
        speedup=Interval(1.5, 1.4, 1.6),
        speedup_total=Interval(1.4, 1.3, 1.5),
        pair_ms=Spread(3.0, 4.0, 5.0),
        age_ms=None,
        pairs_per_second=2.4,
        agreement={"agree": 3, "class_changed": 0, "only_a": 1, "only_b": 2},
        by_class={"cat": {"agree": 3, "class_changed": 0, "only_a": 1, "only_b": 2}},
        timeline=((0.0, 3, 0, 1, 2),),
        drift=Drift("b", 4.0, 6.0),
        notes=("one",),
    )
    assert SessionFigures.from_dict(json.loads(json.dumps(figures.as_dict()))) == figures


@given(st.lists(TIMES, min_size=1, max_size=80))
def test_a_histogram_counts_every_value(values: list[float]) -> None:
    assert sum(Histogram.of(values, 0.0, 100.0).counts) == len(values)


def test_a_minute_that_became_slower_is_told() -> None:
    early, late = [10.0, 10.1, 9.9] * 40, [13.0, 13.2, 12.9] * 40
    found = drift_between("a", early, late)
    assert found is not None
    assert found.ratio == pytest.approx(1.3)


@pytest.mark.parametrize("late", [[10.2, 10.3, 10.1] * 40, [10.0, 30.0, 2.0] * 3, []])
def test_a_minute_that_is_as_fast_is_not(late: list[float]) -> None:
    assert drift_between("a", [10.0, 10.1, 9.9] * 40, late) is None
