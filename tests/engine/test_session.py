"""Everything that a comparison measured, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.detector import Detections, Timings
from app.engine.matching import match
from app.engine.pairing import Pair
from app.engine.session import Session

NAMES = ({0: "cat", 1: "dog"}, {0: "cat", 1: "dog"})
SIDES = [
    {
        "weights": f"{name}.pt",
        "runtime": "openvino",
        "precision": "f32",
        "device": "cpu",
        "threads": 2,
        "imgsz": 64,
    }
    for name in "ab"
]


def found(boxes: list[tuple[float, int]], ms: float) -> Detections:
    xyxy = np.array([[x, 0, x + 10, 10] for x, _ in boxes], np.float32).reshape(-1, 4)
    classes = np.array([number for _, number in boxes], np.int64)
    return Detections(xyxy, np.full(len(boxes), 0.9, np.float32), classes, Timings(1.0, ms, 0.5))


def pair(left_ms: float = 10.0, right_ms: float = 5.0) -> Pair:
    a, b = found([(0, 0), (50, 1), (100, 1)], left_ms), found([(0, 0), (50, 0), (200, 1)], right_ms)
    return Pair(a, b, match(a, b), left_ms + right_ms + 2)


def test_every_pair_counts_into_figures_classes_and_timeline() -> None:
    session = Session()
    for number in range(40):
        session.add(pair(), number * 0.1, 20.0, NAMES)
    figures = session.figures("clip", SIDES, dropped=3)
    assert figures is not None
    assert (figures.pairs, figures.sampled, figures.dropped) == (40, 40, 3)
    assert figures.speedup.as_dict() == {"median": 2.0, "low": 2.0, "high": 2.0}
    assert figures.speedup_total.median == pytest.approx(11.5 / 6.5)
    assert figures.a.times["inference_ms"].p99 == 10.0
    assert figures.agreement == {"agree": 40, "class_changed": 40, "only_a": 40, "only_b": 40}
    assert figures.by_class["cat"] == {"agree": 40, "class_changed": 0, "only_a": 0, "only_b": 0}
    assert figures.by_class["dog"] == {"agree": 0, "class_changed": 40, "only_a": 40, "only_b": 40}
    assert [row[0] for row in figures.timeline] == [0, 1, 2, 3]
    assert sum(row[1] for row in figures.timeline) == 40
    assert figures.pairs_per_second == pytest.approx(10)
    assert figures.age_ms is not None
    assert figures.drift is None


def test_memory_stays_bounded_and_the_draw_is_even() -> None:
    session = Session(most=200)
    for number in range(4000):
        session.add(pair(right_ms=4.0 if number < 2000 else 6.0), number * 0.01, None, NAMES)
    figures = session.figures("clip", SIDES)
    assert figures is not None
    assert (figures.pairs, figures.sampled) == (4000, 200)
    share = sum(figures.b.inference.counts[:8]) / 200
    assert 0.35 < share < 0.65
    assert figures.age_ms is None


def test_the_timeline_grows_coarser_instead_of_longer() -> None:
    session = Session()
    for second in range(1000):
        session.add(pair(), float(second), None, NAMES)
    figures = session.figures("clip", SIDES)
    assert figures is not None
    assert len(figures.timeline) <= 240
    assert sum(row[1] for row in figures.timeline) == 1000


def test_a_machine_that_slows_down_is_noticed() -> None:
    session = Session()
    for second in range(200):
        session.add(pair(right_ms=5.0 + 0.001 * (second % 7) + 0.01 * second), float(second), None, NAMES)
    drift = session.drift()
    assert drift is not None
    assert drift.side == "b"
    assert drift.ratio > 1.2


def test_pauses_do_not_count() -> None:
    session = Session()
    for start in (0.0, 1000.0):
        for number in range(10):
            session.add(pair(), start + number * 0.1, None, NAMES)
        session.pause()
    figures = session.figures("clip", SIDES)
    assert figures is not None
    assert figures.seconds == pytest.approx(1.8)


def test_nothing_was_measured_before_the_first_pair() -> None:
    assert Session().figures("clip", SIDES) is None
