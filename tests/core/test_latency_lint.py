"""What targets dislike, and that the proposed change mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from app.core.design import Design, Swap, preset
from app.core.latency import LatencyTable, UnitTime
from app.core.latency_lint import Advice, Mend, Target, best_swap, lint
from app.core.latency_plan import plan
from tests.core.latency_machine import SETTING, table

N = Design.stock("yolov5n", 3)
CPU = Target("openvino", "cpu", "f32", "OpenVINO f32")
INT8 = Target("openvino", "cpu", "int8", "OpenVINO int8")
NPU = Target("openvino", "npu", "f16", "OpenVINO f16")
RANK_2 = Swap("separable", {"rank": 2})


def codes(design: Design, target: Target, **more: object) -> Mapping[str, Advice]:
    return {advice.code: advice for advice in lint(design, target, **more)}  # type: ignore[arg-type]


def test_a_target_of_a_setting() -> None:
    assert Target.of(replace(SETTING, device="cuda:1")).device == "cuda"
    assert Target.of(SETTING).where == "OpenVINO f32"


def test_a_plain_separable_design_pleases_a_processor() -> None:
    assert lint(preset("separable", "yolov5n", 3), CPU) == ()
    assert lint(N, CPU) == ()


def test_multipliers_are_told_and_in_int8_mended() -> None:
    design = N.with_swap(["model.3", "model.5"], RANK_2)
    assert codes(design, CPU)["multiplier"].severity == "info"
    advice = codes(design, INT8)["multiplier"]
    assert advice.severity == "warning"
    assert advice.paths == ("model.3", "model.5")
    assert advice.mend is not None
    mended = advice.mend.applied(design)
    assert set(mended.resolved().values()) == {Swap("separable")}
    assert "multiplier" not in codes(mended, INT8)


def test_gcd_groups_become_separable() -> None:
    design = N.with_swap(["model.1", "model.6.m.0.cv2"], Swap("dwconv"))
    advice = codes(design, CPU)["groups"]
    assert advice.paths == ("model.1",)  # 16 → 32; where c1 = c2 it is depthwise
    assert advice.mend is not None
    assert "groups" not in codes(advice.mend.applied(design), CPU)


def test_silu_on_an_npu_is_mended_by_an_activation() -> None:
    swapped = N.with_swap(["model.3", "model.5"], Swap("mobilenetv3"))
    for design in (N, swapped):
        advice = codes(design, NPU)["activation"]
        assert "SiLU" in str(advice.text)
        assert advice.mend == Mend((), activation="relu")
        mended = advice.mend.applied(design)
        assert mended == design.with_activation("relu")
        assert "activation" not in codes(mended, NPU)
    assert "activation" not in codes(N, CPU)
    assert "activation" in codes(N.with_activation("hardswish"), NPU)
    assert "activation" not in codes(Design.stock("yolov6n"), NPU)


def test_squeeze_and_excitation_can_be_switched_off() -> None:
    design = N.with_swap(["model.3"], Swap("mobilenetv3"))
    advice = codes(design, NPU)["squeeze"]
    assert advice.mend is not None
    assert "squeeze" not in codes(advice.mend.applied(design), NPU)
    assert "squeeze" not in codes(design, CPU)


def test_channels_that_fill_no_vector_are_told() -> None:
    narrow = N.with_swap(["model.2"], Swap("ghost_c3", {"width": 25}))
    assert codes(narrow, INT8)["channels"].paths == ("model.2",)
    assert "channels" not in codes(preset("separable", "yolov5s", 3), CPU)


def slow_table() -> LatencyTable:
    """A machine on which the gcd-grouped convolution is hundreds of times as slow as it should be."""
    kinds = (Swap("separable"), Swap("dwconv"))
    made = table(plan(N, kinds))
    wholes = []
    for whole in made.wholes:
        units = tuple(
            UnitTime(row.unit, row.ms * (300 if row.unit.kind == "dwconv" else 1)) for row in whole.units
        )
        factor = sum(row.ms for row in units) / sum(row.ms for row in whole.units)
        wholes.append(replace(whole, units=units, ratio=whole.ratio * factor))
    return LatencyTable(SETTING, tuple(wholes))


def test_a_swap_that_costs_time_is_named_with_a_faster_one() -> None:
    measured = slow_table()
    design = N.with_swap(["model.24.cv3.0.0"], Swap("dwconv"))
    advice = codes(design, CPU, table=measured, kinds=(Swap("separable"), Swap("dwconv")))["slower"]
    assert advice.severity == "warning"
    assert advice.mend is not None
    assert advice.mend.swap == Swap("separable")
    mended = advice.mend.applied(design)
    before, after = measured.predict(design), measured.predict(mended)
    assert before is not None
    assert after is not None
    assert after.ms < before.ms
    assert "slower" not in codes(mended, CPU, table=measured)
    assert "ms" in advice.text


def test_where_nothing_is_faster_the_standard_module_comes_back() -> None:
    measured = slow_table()
    design = N.with_swap(["model.24.cv3.0.0"], Swap("dwconv"))
    advice = codes(design, CPU, table=measured, kinds=(Swap("dwconv"),))["slower"]
    assert advice.mend == Mend(("model.24.cv3.0.0",))
    assert advice.mend.applied(design).is_standard


def test_the_best_swap_is_the_one_that_saves_most() -> None:
    measured = slow_table()
    found = best_swap(measured, N, "model.3", (Swap("dwconv"), Swap("separable")))
    assert found is not None
    assert found[0] == Swap("separable")
    assert found[1] == measured.saves(N, "model.3", Swap("separable"))
    assert best_swap(measured, N, "model.9") is None
    assert best_swap(LatencyTable(SETTING), N, "model.3") is None


@pytest.mark.parametrize("target", [CPU, INT8, NPU])
def test_warnings_come_first(target: Target) -> None:
    design = N.with_swap(["model.1"], Swap("dwconv")).with_swap(["model.3"], RANK_2)
    severities = [advice.severity for advice in lint(design, target)]
    assert severities == sorted(severities, key=lambda severity: severity != "warning")
    assert all(advice.remedy for advice in lint(design, target))
