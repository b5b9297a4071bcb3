"""Tables and predictions, on an imagined machine whose times follow a formula."""

from __future__ import annotations

import random
import statistics
import time

import pytest

from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.core.latency import LatencyTable
from app.core.latency_keys import design_key
from app.core.latency_plan import plan, random_design
from tests.core.latency_machine import SETTING, measured, table, unit_ms, whole_ms

N = Design.stock("yolov5n", 3)
KINDS = (Swap("separable"), Swap("separable", {"rank": 2}), Swap("dwconv"))
RANK_2 = Swap("separable", {"rank": 2})


@pytest.fixture(scope="module")
def full() -> LatencyTable:
    """A table as a finished measurement leaves it."""
    return table(plan(N, KINDS))


def strangers(count: int = 12, seed: int = 77) -> list[Design]:
    """Designs that no plan holds."""
    generator = random.Random(seed)
    return [random_design(N, KINDS, 0.1 + 0.9 * i / count, generator) for i in range(count)]


def test_nothing_measured_nothing_predicted() -> None:
    empty = LatencyTable(SETTING)
    assert empty.predict(N) is None
    assert empty.modules(N) == ()
    assert empty.saves(N, "model.3", RANK_2) is None


def test_a_measured_design_has_its_figure() -> None:
    whole = measured(N)
    found = LatencyTable(SETTING, (whole,)).predict(N)
    assert found is not None
    figures = (whole.figure.p50_ms, whole.figure.low_ms, whole.figure.high_ms)
    assert (found.ms, found.low, found.high) == pytest.approx(figures)
    assert found.basis == "measured"


def test_strangers_are_predicted_within_their_interval(full: LatencyTable) -> None:
    errors, inside = [], 0
    for design in strangers():
        found = full.predict(design)
        expected = whole_ms(design, (640, 640))
        assert found is not None
        assert found.basis == "fitted"
        assert found.low < found.ms < found.high
        errors.append(abs(found.ms / expected - 1))
        inside += found.low <= expected <= found.high
    assert statistics.median(errors) < 0.02
    assert max(errors) < 0.06
    assert inside >= len(errors) - 1


def test_the_more_is_measured_the_narrower_is_the_interval(full: LatencyTable) -> None:
    design = strangers(1)[0]
    widths = []
    for wholes in (full.wholes[:1], full.wholes):
        found = LatencyTable(SETTING, wholes).predict(design)
        assert found is not None
        widths.append((found.high - found.low) / found.ms)
    assert widths[0] > 2 * widths[1]


def test_what_is_known_of_a_kind_elsewhere_is_used(full: LatencyTable) -> None:
    few = LatencyTable(SETTING, full.wholes[:1]).with_whole(measured(N.with_swap(["model.3"], RANK_2)))
    design = N.with_swap(["model.5", "model.7"], RANK_2)
    found = few.predict(design)
    assert found is not None
    assert found.basis == "estimated"
    assert found.ms == pytest.approx(whole_ms(design, (640, 640)), rel=0.15)


@pytest.mark.parametrize("size", [320, 480, (384, 640)])
def test_another_size_is_estimated(full: LatencyTable, size: int | tuple[int, int]) -> None:
    shape = (size, size) if isinstance(size, int) else size
    for design in strangers(3):
        found = full.predict(design, size)
        assert found is not None
        assert found.basis == "estimated"
        assert found.low <= whole_ms(design, shape) <= found.high
        assert found.ms == pytest.approx(whole_ms(design, shape), rel=0.3)


def test_another_base_model_is_predicted_from_its_modules(full: LatencyTable) -> None:
    other = Design.stock("yolov5s", 3)
    found = full.predict(other)
    assert found is not None
    assert found.basis in {"modules", "estimated"}
    assert found.low <= whole_ms(other, (640, 640)) <= found.high


def test_a_machine_whose_speed_drifts_does_not_spoil_the_table() -> None:
    generator = random.Random(4)
    wholes = tuple(
        measured(design, generator=generator, speed=1 + 0.5 * (number % 3))
        for number, design in enumerate(plan(N, KINDS))
    )
    drifted = LatencyTable(SETTING, wholes)
    designs = strangers()
    predicted = [found.ms for d in designs if (found := drifted.predict(d)) is not None]
    truth = [whole_ms(design, (640, 640)) for design in designs]
    ratios = [p / t for p, t in zip(predicted, truth, strict=True)]
    scale = statistics.median(ratios)  # which of the speeds counts is open, but it is the same for all
    assert all(abs(ratio / scale - 1) < 0.06 for ratio in ratios)


def test_a_model_that_was_disturbed_does_not_spoil_the_others(full: LatencyTable) -> None:
    from dataclasses import replace

    broken = replace(full.wholes[5], ratio=3 * full.wholes[5].ratio)
    spoiled = LatencyTable(SETTING, (*full.wholes[:5], broken, *full.wholes[6:]))
    errors = [
        abs(found.ms / whole_ms(design, (640, 640)) - 1)
        for design in strangers()
        if (found := spoiled.predict(design)) is not None
    ]
    assert statistics.median(errors) < 0.03


def test_modules_add_up_to_the_prediction(full: LatencyTable) -> None:
    for design in strangers(4):
        rows = full.modules(design)
        found, standard = full.predict(design), full.predict(N)
        assert found is not None
        assert standard is not None
        assert sum(row.lightweight_ms for row in rows) == pytest.approx(found.ms, rel=1e-6)
        assert sum(row.standard_ms for row in rows) == pytest.approx(standard.ms, rel=0.06)
        assert {row.path for row in rows if row.kind} == set(design.resolved())


def test_what_a_swap_saves_is_what_it_takes_less(full: LatencyTable) -> None:
    swap = Swap("separable")
    for path in ("model.3", "model.6.m.0.cv2", "model.24.cv3.0.0"):
        saved = full.saves(N, path, swap)
        assert saved is not None
        truth = whole_ms(N, (640, 640)) - whole_ms(N.with_swap([path], swap), (640, 640))
        assert saved == pytest.approx(truth, rel=0.25, abs=0.02)


def test_a_new_figure_takes_the_place_of_the_old_one() -> None:
    old, new = measured(N), measured(N, speed=2)
    kept = LatencyTable(SETTING, (old,)).with_whole(measured(N, (320, 320))).with_whole(new)
    assert len(kept.wholes) == 2
    found = kept.predict(N)
    assert found is not None
    assert found.ms == pytest.approx(new.figure.p50_ms)


def test_measured_designs_compare_at_one_speed() -> None:
    light = preset("separable", "yolov5n", 3)
    kept = LatencyTable(SETTING, (measured(N), measured(light, speed=2)))
    before, after = kept.predict(N), kept.predict(light)
    assert before is not None
    assert after is not None
    truth = whole_ms(N, (640, 640)) / whole_ms(light, (640, 640))
    assert before.ms / after.ms == pytest.approx(truth, rel=1e-3)


def test_equal_models_have_equal_keys() -> None:
    path = ["model.3"]
    assert design_key(N.with_swap(path, RANK_2)) == design_key(
        Design("yolov5n", 3, (("model.3", Swap("separable", {"rank": 2})),), notes="a note")
    )
    others = {
        design_key(d) for d in (N, N.with_classes(4), N.with_swap(path, RANK_2), N.with_base("yolov5s"))
    }
    assert len(others) == 4
    assert design_key(Design.stock("yolov5n")) == design_key(Design.stock("yolov5n", 80))


def test_keys_of_settings_differ_wherever_settings_do() -> None:
    from dataclasses import replace

    changed = {"machine": "x", "hardware": "y", "device": "cuda", "runtime": "torch", "version": "2"}
    changed |= {"precision": "bf16", "threads": 3, "batch": 2}
    others = [replace(SETTING, **{name: value}) for name, value in changed.items()]  # type: ignore[arg-type]
    assert len({SETTING.key, *(setting.key for setting in others)}) == 9


@pytest.mark.alone
def test_a_prediction_takes_two_milliseconds_at_most(full: LatencyTable) -> None:
    designs = [
        preset("separable", "yolov5x", 3).without([path]) for path in ("model.1", "model.3", "model.5")
    ]
    base = Design.stock("yolov5x", 3)
    big = table([base, preset("separable", "yolov5x", 3)])
    for design in (base, *designs):
        big.predict(design)
    times = []
    for path in list(designs[0].resolved())[:30]:
        design = designs[0].without([path])
        design.resolved()  # the window has it: costs need it too
        begin = time.perf_counter()
        big.predict(design)
        times.append((time.perf_counter() - begin) * 1e3)
    assert statistics.median(times) < 2
    assert full.predict(N) is not None


def test_sizes_that_are_none_are_refused(full: LatencyTable) -> None:
    with pytest.raises(AppError):
        full.predict(N, 100)


def test_the_imagined_machine_is_sound() -> None:
    from app.core.latency_units import units

    assert all(unit_ms(unit) > 0 for unit in units(N))
