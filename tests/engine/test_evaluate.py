"""Evaluating: the same pictures, suppression and mAP on every runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.core.errors import AppError
from app.core.folders import resources
from app.engine.evaluate import evaluate
from app.engine.sample import write_dataset

STANDARD = resources() / "sample" / "standard.pt"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The val pictures of the sample, and few to train on."""
    return write_dataset(tmp_path_factory.mktemp("sample"), train=8, val=60, test=0)


@pytest.fixture(scope="module")
def on_torch(data: Path) -> dict[str, Any]:
    return evaluate(STANDARD, data, device="cpu")


def scores(found: dict[str, Any]) -> dict[str, float]:
    means = {name: found[name] for name in ("map50", "map50_95", "precision", "recall")}
    return means | {f"{name} {key}": v[key] for name, v in found["per_class"].items() for key in v}


def test_openvino_in_f32_finds_what_torch_finds(data: Path, on_torch: dict[str, Any]) -> None:
    found = evaluate(STANDARD, data, device="cpu", runtime="openvino")
    assert scores(found) == pytest.approx(scores(on_torch), abs=0.005)
    assert (found["runtime"], found["inference_precision"]) == ("openvino", "f32")
    assert (on_torch["runtime"], on_torch["inference_precision"]) == ("torch", "f32")
    assert found["images"] == on_torch["images"] == 60
    assert set(found) == set(on_torch)


def test_openvino_computes_in_what_was_asked(data: Path, on_torch: dict[str, Any]) -> None:
    from app.engine.openvino_model import openvino
    from app.engine.runtimes import OpenVinoRuntime

    if "bf16" not in OpenVinoRuntime.precisions(openvino().Core(), "CPU"):
        pytest.skip("this processor has no bf16")
    found = evaluate(STANDARD, data, runtime="openvino", precision="bf16")
    assert found["inference_precision"] == "bf16"
    assert found["map50"] == pytest.approx(on_torch["map50"], abs=0.02)
    assert scores(found) != scores(on_torch)


def test_rectangles_and_odd_batches_reach_the_runtime_whole(data: Path) -> None:
    found = [
        evaluate(STANDARD, data, device="cpu", rect=True, batch=7, runtime=runtime)
        for runtime in ("torch", "openvino")
    ]
    assert scores(found[0]) == pytest.approx(scores(found[1]), abs=0.005)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"runtime": "torch", "precision": "bf16"}, "f32"),
        ({"runtime": "onnxruntime", "precision": "int8"}, "OpenVINO only"),
        ({"runtime": "tensorrt"}, "tensorrt"),
    ],
)
def test_what_cannot_be_had_is_refused(data: Path, arguments: dict[str, str], words: str) -> None:
    with pytest.raises(AppError, match=words) as caught:
        evaluate(STANDARD, data, device="cpu", **arguments)
    assert caught.value.hint


def test_weights_of_other_classes_are_refused(standard: Path, data: Path) -> None:
    for runtime in ("torch", "openvino"):
        with pytest.raises(AppError, match="knows 3 classes, the data has 6"):
            evaluate(standard, data, device="cpu", runtime=runtime)
