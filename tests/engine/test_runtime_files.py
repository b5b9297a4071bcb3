"""ONNX files and OpenVINO folders are sides of a comparison, and data: what they ask for beyond that is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from app.core.errors import AppError
from app.engine.comparison import compare_headless
from app.engine.detector import Detector
from app.engine.export import export
from app.engine.matching import match
from app.engine.runtime_files import open_runtime_file


@pytest.fixture(scope="module")
def exported(standard: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exported")
    files = {
        "fixed": folder / "fixed.onnx",
        "open": folder / "open.onnx",
        "openvino": folder / "d_openvino_model",
    }
    export(standard, "onnx", (192, 320), output=files["fixed"])
    export(standard, "onnx", 320, output=files["open"], dynamic=True)
    export(standard, "openvino", 320, output=files["openvino"], dynamic=True)
    return files


@pytest.mark.parametrize(
    ("name", "runtime"),
    [("fixed", "auto"), ("open", "onnxruntime"), ("open", "openvino"), ("openvino", "auto")],
)
def test_an_exported_detector_finds_what_the_checkpoint_finds(
    exported: dict[str, Path], standard: Path, frames: list[np.ndarray], name: str, runtime: str
) -> None:
    detector = Detector.load(exported[name], runtime, "f32", "cpu")
    original = Detector.load(standard, "torch", "f32", "cpu", detector.imgsz)
    assert detector.names == original.names
    for picture in frames:
        image = np.ascontiguousarray(picture[:461, :768])  # its letterbox is just what the fixed input takes
        a, b = detector.detect(image, 0.1), original.detect(image, 0.1)
        found = match(a, b, threshold=0.9)
        assert len(found.agree) >= 0.9 * len(b) > 0


def test_a_file_is_compared_with_a_checkpoint(exported: dict[str, Path], lightweight: Path) -> None:
    result = compare_headless(
        exported["fixed"], lightweight, "sample", 5, runtime="openvino", precision="f32"
    )
    assert [result[side]["runtime"] for side in "ab"] == ["openvino", "openvino"]


def test_a_fixed_input_stays_what_it_is(exported: dict[str, Path]) -> None:
    detector = Detector.load(exported["fixed"], imgsz=640)
    assert detector.letterbox(480, 640).shape == (192, 320)
    detector.resize(256)
    assert (detector.imgsz, detector.letterbox(480, 640).shape) == (320, (192, 320))


def test_a_runtime_that_cannot_read_it_is_named(exported: dict[str, Path]) -> None:
    with pytest.raises(AppError, match="only onnxruntime, openvino read it"):
        Detector.load(exported["fixed"], "torch")


def outside(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../secret.bin"


def absolute(model: Any) -> None:
    outside(model)
    model.graph.initializer[0].external_data[0].value = "C:\\secret.bin"


def hidden(model: Any) -> None:
    node = model.graph.node.add()
    node.op_type = "Constant"
    attribute = node.attribute.add()
    attribute.name, attribute.type = "value", onnx.AttributeProto.TENSOR
    attribute.t.data_location = onnx.TensorProto.EXTERNAL
    entry = attribute.t.external_data.add()
    entry.key, entry.value = "location", "/etc/hostname"


def foreign(model: Any) -> None:
    entry = model.opset_import.add()
    entry.domain, entry.version = "evil.ops", 1


def unnamed(model: Any) -> None:
    for entry in model.metadata_props:
        if entry.key == "names":
            entry.value = "{0: __import__('os').system('touch ran')}"


def miscounted(model: Any) -> None:
    for entry in model.metadata_props:
        if entry.key == "names":
            entry.value = "{0: 'only one'}"


def half(model: Any) -> None:
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (outside, "outside its folder"),
        (absolute, "outside its folder"),
        (hidden, "outside its folder"),
        (foreign, "not part of ONNX: evil.ops"),
        (miscounted, "but names 1"),
        (half, "32-bit floats"),
    ],
)
def test_what_goes_beyond_a_detector_is_refused(
    exported: dict[str, Path], tmp_path: Path, change: Callable[[Any], None], said: str
) -> None:
    model = onnx.load(str(exported["fixed"]))
    change(model)
    file = tmp_path / "changed.onnx"
    file.write_bytes(model.SerializeToString())
    with pytest.raises(AppError, match=said):
        open_runtime_file(file)


def test_names_are_not_evaluated(
    exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = onnx.load(str(exported["fixed"]))
    unnamed(model)
    file = tmp_path / "changed.onnx"
    file.write_bytes(model.SerializeToString())
    card = open_runtime_file(file).card
    assert set(card.names.values()) == {str(number) for number in card.names}
    assert not (tmp_path / "ran").exists()


def test_broken_files_are_named(exported: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "noise.onnx").write_bytes(b"no model" * 100)
    (tmp_path / "noise.xml").write_text("<!DOCTYPE x [<!ENTITY a 'b'>]><net>&a;</net>", encoding="utf-8")
    (tmp_path / "noise.bin").write_bytes(b"")
    for name, said in (("noise.onnx", "no ONNX model"), ("noise.xml", "no OpenVINO model")):
        with pytest.raises(AppError, match=said):
            open_runtime_file(tmp_path / name)
    folder = tmp_path / "half_openvino_model"
    shutil.copytree(exported["openvino"], folder)
    next(folder.glob("*.bin")).unlink()
    with pytest.raises(AppError, match="is incomplete"):
        open_runtime_file(folder)
    with pytest.raises(AppError, match="Cannot read"):
        open_runtime_file(tmp_path / "nothing.onnx")
