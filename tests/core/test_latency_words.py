"""Verdicts, forms, roofs and the measurement's document."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.design import Design, Swap, preset
from app.core.latency import Figure, LatencyTable, ModuleTime, Prediction
from app.core.latency_forms import fast_forms, forms_by_path, forms_file, keep_forms
from app.core.latency_measurement import Measurement, module_times
from app.core.latency_roofline import Roof, keep_roof, kept_roof, points, roof_file
from app.core.latency_words import busy_text, predicted_verdict, verdict, where
from app.core.statistics import Interval
from app.core.text import MINUS, THIN_SPACE
from tests.core.latency_machine import SETTING, measured, table

N = Design.stock("yolov5n", 3)
LIGHT = preset("separable", "yolov5n", 3)
FIGURE = Figure(10.0, 12.0, 9.9, 10.1, 0.01, 60)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))


def measurement(low: float, median: float, high: float) -> Measurement:
    setting = replace(SETTING, precision="bf16")
    speedup = Interval(median, low, high)
    rows = (ModuleTime("model.3", "separable", 2.0, 1.0),)
    return Measurement(setting, "yolov5n", 3, (640, 640), FIGURE, FIGURE, speedup, rows, None)


@pytest.mark.parametrize(
    ("speedup", "says"),
    [
        ((1.6, 1.7, 1.8), f"and 70{THIN_SPACE}% faster here on OpenVINO bf16."),
        ((0.92, 0.93, 0.94), f"but 8{THIN_SPACE}% slower here on OpenVINO bf16."),
        ((0.99, 1.03, 1.07), "but no faster here on OpenVINO bf16."),
        ((1.001, 1.005, 1.01), "but no faster here on OpenVINO bf16."),
    ],
)
def test_a_verdict_weighs_operations_against_time(speedup: tuple[float, ...], says: str) -> None:
    sentence = verdict(LIGHT, measurement(*speedup))
    assert sentence.startswith(f"{MINUS}66{THIN_SPACE}% GFLOPs, ")
    assert sentence.endswith(says)
    assert set(sentence.values) == {"flops", "percent", "where"}


def test_a_heavier_design_is_not_praised() -> None:
    heavier = N.with_swap(["model.2"], Swap("efficientnetv2", {"expansion": 600, "fused": 400}))
    assert verdict(heavier, measurement(0.7, 0.8, 0.9)).startswith("+")
    assert "yet" in verdict(heavier, measurement(1.2, 1.3, 1.4))
    assert "and 25" in verdict(heavier, measurement(0.7, 0.8, 0.9))


def test_the_same_is_said_of_predictions() -> None:
    slow, fast = Prediction(20.0, 19, 21, "fitted"), Prediction(10.0, 9, 11, "fitted")
    assert f"and 100{THIN_SPACE}% faster" in predicted_verdict(LIGHT, 640, slow, fast, SETTING)
    assert f"but 100{THIN_SPACE}% slower" in predicted_verdict(LIGHT, 640, fast, slow, SETTING)
    assert f"85{THIN_SPACE}%" in busy_text(0.85)
    assert where(replace(SETTING, runtime="onnxruntime")) == "ONNX Runtime f32"


def test_a_measurement_survives_json() -> None:
    made = replace(measurement(1.6, 1.7, 1.8), shape=(384, 640), busy=0.4)
    data = json.loads(json.dumps(made.to_json()))
    assert Measurement.from_json(data) == made
    assert {
        "runtime",
        "device",
        "precision",
        "threads",
        "standard",
        "lightweight",
        "speedup",
        "modules",
    } <= set(data)
    assert {"p50_ms", "p95_ms"} <= set(data["standard"])


def test_module_times_add_up_to_the_figures() -> None:
    standard, light = measured(N), measured(LIGHT)
    rows = module_times(LIGHT, standard, light)
    assert sum(row.standard_ms for row in rows) == pytest.approx(standard.figure.p50_ms)
    assert sum(row.lightweight_ms for row in rows) == pytest.approx(light.figure.p50_ms)
    assert {row.path for row in rows if row.kind} == set(LIGHT.resolved())


def test_forms_are_kept_for_each_runtime_and_precision() -> None:
    assert fast_forms("openvino", "f32") == {}
    keep_forms("openvino", "f32", "cpu", {"separable rank=2": "multiplier"})
    keep_forms("openvino", "f32", "cpu", {"dwconv": "dense"})
    keep_forms("torch", "f32", "cuda:0", {"dwconv": "folded"})
    assert fast_forms("openvino", "f32") == {"separable rank=2": "multiplier", "dwconv": "dense"}
    assert fast_forms("openvino", "bf16") == {}
    assert fast_forms("torch", "f32", "cuda:1") == {"dwconv": "folded"}


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 1}', '{"format": 1, "forms": {"openvino cpu f32": 3}}']
)
def test_a_broken_file_of_forms_means_the_usual_ones(text: str) -> None:
    forms_file().parent.mkdir(parents=True)
    forms_file().write_text(text)
    assert fast_forms("openvino", "f32") == {}


def test_forms_that_do_not_exist_are_ignored() -> None:
    keep_forms("openvino", "f32", "cpu", {"separable": "magic", "nothing": "folded", "dwconv": "dense"})
    assert fast_forms("openvino", "f32") == {"dwconv": "dense"}


def test_forms_reach_the_modules_that_have_a_choice() -> None:
    rank_2, ghost = Swap("separable", {"rank": 2}), Swap("ghost")
    design = N.with_swap(["model.3", "model.5"], rank_2).with_swap(["model.7"], ghost)
    design = design.with_swap(["model.1"], Swap("separable"))
    forms = {"separable rank=2": "multiplier", "separable": "dense"}
    assert forms_by_path(design, forms) == {
        "model.1": "dense",
        "model.3": "multiplier",
        "model.5": "multiplier",
    }
    assert forms_by_path(design, {"separable": "unrolled"}) == {"model.3": "unrolled", "model.5": "unrolled"}
    assert forms_by_path(design, {}) == {}


def test_a_roof_is_the_lower_of_two() -> None:
    roof = Roof(bytes_per_s=10e9, flops_per_s=100e9)
    assert roof.ridge == 10
    assert roof.attainable(1) == 10e9
    assert roof.attainable(50) == 100e9


def test_roofs_are_kept_for_each_machine_and_precision() -> None:
    roof = Roof(10e9, 100e9)
    assert kept_roof(SETTING) is None
    keep_roof(SETTING, roof)
    assert kept_roof(SETTING) == roof
    assert kept_roof(replace(SETTING, runtime="torch")) == roof
    assert kept_roof(replace(SETTING, precision="bf16")) is None
    keep_roof(replace(SETTING, threads=1), Roof(1.0, 2.0))
    assert kept_roof(SETTING) == roof
    roof_file().write_text(roof_file().read_text().replace("10000000000.0", "-1"))
    assert kept_roof(SETTING) is None
    roof_file().write_text("{")
    assert kept_roof(SETTING) is None


def test_points_are_operations_over_bytes_and_time() -> None:
    known = table([N, LIGHT])
    found = {point.path: point for point in points(known, LIGHT)}
    times = {row.path: row.lightweight_ms for row in known.modules(LIGHT)}
    stem = found["model.0"]
    flops = 2 * 16 * 3 * 36 * 320 * 320
    moved = 4 * (16 * 3 * 36 + 3 * 640 * 640 + 16 * 320 * 320)
    assert stem.intensity == pytest.approx(flops / moved)
    assert stem.flops_per_s == pytest.approx(flops / times["model.0"] * 1e3)
    assert found["model.3"].kind == "separable"
    halves = points(LatencyTable(replace(SETTING, precision="bf16"), known.wholes), LIGHT)
    assert halves[0].intensity == pytest.approx(2 * stem.intensity)
    assert points(LatencyTable(SETTING), LIGHT) == ()
