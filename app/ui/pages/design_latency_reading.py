"""What is known of the open design's time in one setting: predicted, measured, in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app.core.cost import CostTable
from app.core.design import Design
from app.core.latency import LatencyTable, Prediction, Setting
from app.core.latency_devices import KnownTable
from app.core.latency_keys import design_key
from app.core.latency_measurement import Measurement
from app.core.latency_words import predicted_verdict, verdict
from app.core.statistics import Interval
from app.core.text import Text

Shape = tuple[int, int]
Name = tuple[str, str, Shape]
"""Design, table and input size."""


_GUESSES = ("modules", "estimated")
"""What a prediction stands on where the base model was not measured, or not all of its modules."""


@dataclass(frozen=True)
class Measured:
    """Figures of a measurement, milliseconds.

    Attributes:
        standard, standard_p95: of the standard model; no 95th percentile where the measurement is an older one.
        lightweight, lightweight_p95: of the design.
        speedup: how many times as fast it is; its bounds are equal where the interval was not kept.
        busy: share of the processors that others used, where that was too much.
    """

    standard: float
    standard_p95: float | None
    lightweight: float
    lightweight_p95: float
    speedup: Interval
    busy: float | None = None


@dataclass(frozen=True)
class Reading:
    """All that the page says of the open design's time.

    Attributes:
        setting: where.
        here: whether that is this machine.
        standard, predicted: what the two models are expected to take, before it was measured where that is known;
            None where nothing is expected.
        measured: what they took; None where they were not measured.
        verdict: what that means; None for the standard model.
        is_guess: whether the prediction stands on other models alone.
        is_standard: whether nothing is replaced; then `predicted` is the standard model's.
    """

    setting: Setting
    here: bool
    standard: Prediction | None = None
    predicted: Prediction | None = None
    measured: Measured | None = None
    verdict: Text | None = None
    is_guess: bool = False
    is_standard: bool = False


def name_of(known: KnownTable, design: Design, shape: Shape) -> Name:
    """Return what a measurement is remembered by."""
    return _key(design), known.key, shape


@lru_cache(maxsize=64)
def _key(design: Design) -> str:
    return design_key(design)


def read(
    known: KnownTable,
    design: Design,
    costs: CostTable,
    taken: Measurement | None = None,
    before: Prediction | None = None,
) -> Reading:
    """Return what is known of a design.

    Args:
        known: the table.
        design: the open design.
        costs: its costs, at the input size that counts.
        taken: what was measured since the Studio started, where something was.
        before: what was predicted before that.
    """
    table, shape = known.table, costs.imgsz
    standard = table.predict(design.cleared(), shape)
    found = table.predict(design, shape)
    if design.is_standard:
        guess = standard is not None and standard.basis in _GUESSES
        measured = _of(taken) if taken is not None else None
        return Reading(
            table.setting, known.here, standard, standard, measured, is_guess=guess, is_standard=True
        )
    measured = _of(taken) if taken is not None else _kept(table, design, shape)
    predicted = (before or found) if taken is not None else found
    words = None
    if taken is not None:
        words = verdict(design, taken)
    elif standard is not None and found is not None:
        words = predicted_verdict(design, shape, standard, found, table.setting, here=known.here, costs=costs)
    guess = predicted is not None and predicted.basis in _GUESSES
    return Reading(table.setting, known.here, standard, predicted, measured, words, guess)


def _of(taken: Measurement) -> Measured:
    a, b = taken.standard, taken.lightweight
    return Measured(a.p50_ms, a.p95_ms, b.p50_ms, b.p95_ms, taken.speedup, taken.busy)


def _kept(table: LatencyTable, design: Design, shape: Shape) -> Measured | None:
    whole = table.whole(design, shape)
    if whole is None:
        return None
    figure, speed = whole.figure, 1 / whole.ratio
    return Measured(whole.standard_ms, None, figure.p50_ms, figure.p95_ms, Interval(speed, speed, speed))
