"""INT8 on OpenVINO: calibrated on training pictures, close to float32, asked for and never by itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import openvino
import pytest

from app.core.errors import AppError
from app.core.folders import resources
from app.core.runtime_table import Choice, resolve
from app.engine import quantise
from app.engine.detector import Detector, common_runtime
from app.engine.evaluate import evaluate
from app.engine.matching import class_differences, match
from app.engine.model_cache import find
from app.engine.prepare_detectors import run
from app.engine.runtime_choice import _sample_pictures

SAMPLE = resources() / "sample" / "lightweight.pt"


@pytest.fixture(scope="module", autouse=True)
def few_pictures(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(quantise, "PICTURES", 12)
        yield


@pytest.fixture(scope="module")
def eight_bits() -> Detector:
    return Detector.load(SAMPLE, "openvino", "int8", "cpu")


def test_eight_bits_find_nearly_what_floats_find(eight_bits: Detector) -> None:
    floats = Detector.load(SAMPLE, "openvino", "f32", "cpu")
    assert eight_bits.precision == "int8"
    agreeing = total = 0
    for picture in _sample_pictures()[:4]:
        a, b = floats.detect(picture), eight_bits.detect(picture)
        agreeing += 2 * len(match(a, b, threshold=0.75).agree)
        total += len(a) + len(b)
    assert agreeing >= 0.85 * total > 0


def test_the_file_holds_eight_bit_weights_and_is_known_again(eight_bits: Detector, tmp_path: Path) -> None:
    kept = find(SAMPLE, "openvino", calibration="sample")
    plain = find(SAMPLE, "openvino") or Detector.load(SAMPLE, "openvino", "f32", "cpu")
    assert kept is not None
    assert plain is not None
    assert kept.file.with_suffix(".bin").stat().st_size < 0.4 * SAMPLE.stat().st_size * 2
    folder = tmp_path / "eight_openvino_model"
    folder.mkdir()
    for suffix in (".xml", ".bin"):
        shutil.copy(kept.file.with_suffix(suffix), folder / f"model{suffix}")
    opened = Detector.load(folder)
    assert (opened.runtime, opened.precision) == ("openvino", "int8")
    with pytest.raises(AppError, match="cannot be changed to f32"):
        Detector.load(folder, precision="f32")


def test_boxes_are_made_in_floats(eight_bits: Detector) -> None:
    kept = find(SAMPLE, "openvino", calibration="sample")
    assert kept is not None
    model = openvino.Core().read_model(kept.file)
    head = set(quantise.decoding(model))
    kinds = {node.get_type_name() for node in model.get_ops() if node.get_friendly_name() in head}
    assert {"Softmax", "Sigmoid"} <= kinds
    assert "FakeQuantize" not in kinds


def test_it_is_asked_for_and_says_what_it_needs(standard: Path) -> None:
    assert resolve(precision="int8") == Choice("openvino", "cpu", "int8")
    assert resolve().precision != "int8"
    with pytest.raises(AppError, match="belongs to no run"):
        Detector.load(standard, "openvino", "int8", "cpu")
    for runtime in ("onnxruntime", "torch"):
        with pytest.raises(AppError, match="OpenVINO only"):
            Detector.load(SAMPLE, runtime, "int8", "cpu")


def test_val_calibrates_foreign_weights_on_the_data_at_hand(few_cells: Path, tmp_path: Path) -> None:
    from app.core.design import Design
    from app.engine.checkpoint import save_checkpoint
    from app.engine.models import build_model

    weights = tmp_path / "foreign.pt"
    save_checkpoint(build_model(Design.stock("yolov5n", 3)), weights, train_args={"imgsz": 96})
    found = evaluate(weights, few_cells, runtime="openvino", precision="int8", imgsz=96)
    assert found["inference_precision"] == "int8"


def test_a_pair_runs_on_what_reads_both() -> None:
    pair = (SAMPLE, Path("some.onnx"))
    assert common_runtime((SAMPLE, SAMPLE)) == "auto"
    assert common_runtime(pair) in ("openvino", "onnxruntime")
    assert common_runtime((*pair, Path("some.xml"))) == "openvino"
    assert common_runtime(pair, "torch") == "torch"


def test_names_that_differ_in_writing_are_alike_and_not_equal() -> None:
    found = class_differences(
        dict(enumerate(["Car", "dog", "bus", "glass"])), dict(enumerate(["cars", "dog", "Buses"]))
    )
    assert found == {
        "shared": ["dog"],
        "only_a": ["Car", "bus", "glass"],
        "only_b": ["cars", "Buses"],
        "alike": [["Car", "cars"], ["bus", "Buses"]],
    }


def test_what_is_ready_is_not_made_again(eight_bits: Detector) -> None:
    class Channel:
        cancelled = False

        def progress(self, _fraction: float, _text: str) -> None:
            pass

    request = {"weights": [str(SAMPLE)], "runtime": "openvino", "precision": "int8", "device": "cpu"}
    assert run(request, Channel()) == {"converted": 0}
    assert run({**request, "runtime": "onnxruntime", "precision": "f32"}, Channel()) == {"converted": 1}
    assert np.isfinite(eight_bits.infer(np.zeros((1, 3, 64, 64), np.float32))[0]).all()
