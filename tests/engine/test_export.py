"""Exported files: opened by their own runtimes and by stock ultralytics, and equal to torch."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml

from app.core.design import Design, Swap, parse_design, preset
from app.core.errors import AppError
from app.engine import export as exporting
from app.engine.detector import Detector
from app.engine.export import export
from app.engine.matching import match
from app.engine.postprocess import Boxes
from tests.engine.checkpoints import batch_of, lively_model, save_checkpoint

FOLDER = "exported_openvino_model"
OUTPUT = {"onnx": "exported.onnx", "openvino": FOLDER}


@pytest.fixture(scope="module")
def rank_two(frames: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    paths = [*preset("separable", "yolov5n", 3).resolved(), "model.0"]
    design = Design.stock("yolov5n", 3).with_swap(paths, Swap("separable", {"rank": 2}))
    return save_checkpoint(
        lively_model(design, batch_of(frames)), tmp_path_factory.mktemp("weights") / "rank2.pt"
    )


def convolutions(path: Path) -> list[Any]:
    model = onnx.load(str(path))
    return [node for node in model.graph.node if node.op_type == "Conv"]


@pytest.mark.parametrize("format_", ["onnx", "openvino"])
def test_export_equals_torch_and_keeps_what_a_reader_needs(
    format_: str, rank_two: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    result = export(rank_two, format_, output=tmp_path / OUTPUT[format_], pictures=frames)
    assert result["check"]["pictures"] == len(frames)
    assert result["check"]["boxes"] > 100
    assert result["check"]["max_box_px"] <= 0.01
    assert result["check"]["max_score"] <= 2e-5
    target = Path(result["output"])
    if format_ == "onnx":
        meta = {entry.key: entry.value for entry in onnx.load(str(target)).metadata_props}
        assert (meta["stride"], meta["names"]) == ("32", "{0: 'disc', 1: 'square', 2: 'star'}")
    else:
        meta = yaml.safe_load((target / "metadata.yaml").read_text())
        assert (meta["stride"], meta["names"]) == (32, {0: "disc", 1: "square", 2: "star"})
    design = parse_design(meta["depthwise_studio"])
    assert design.resolved()["model.3"] == Swap("separable", {"rank": 2})


def test_the_deployed_form_is_exported(rank_two: Path, frames: list[np.ndarray], tmp_path: Path) -> None:
    export(rank_two, "onnx", output=tmp_path / "exported.onnx", pictures=frames[:1])
    model = onnx.load(str(tmp_path / "exported.onnx"))
    assert not [node for node in model.graph.node if node.op_type == "BatchNormalization"]
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in convolutions(tmp_path / "exported.onnx"):
        groups = next((a.i for a in node.attribute if a.name == "group"), 1)
        outputs, per_group = weights[node.input[1]].dims[:2]
        # A multiplier would have more outputs than groups.
        assert groups == 1 or (per_group == 1 and outputs == groups)


@pytest.mark.parametrize("format_", ["onnx", "openvino"])
def test_stock_ultralytics_opens_it_without_the_studio(
    format_: str, lightweight: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    shape = (256, 320)
    target = export(lightweight, format_, shape, output=tmp_path / OUTPUT[format_], pictures=frames[:1])[
        "output"
    ]
    np.save(tmp_path / "frame.npy", frames[0])
    script = """
import sys
import numpy as np
from ultralytics import YOLO
found = YOLO(sys.argv[1], task="detect").predict(np.load(sys.argv[2]), conf=0.1, verbose=False)[0]
assert "app" not in sys.modules
np.save(sys.argv[3], found.boxes.data.numpy())
print(found.names)
"""
    command = [sys.executable, "-c", script, target, str(tmp_path / "frame.npy"), str(tmp_path / "boxes.npy")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "star" in done.stdout
    table = np.load(tmp_path / "boxes.npy")
    stock = Boxes(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))
    ours = Detector.load(lightweight, "openvino", "f32", "cpu").detect(frames[0], 0.1)
    assert len(stock) > 5
    # OpenVINO computes in bf16 for stock ultralytics where the processor can.
    assert len(match(ours, stock, threshold=0.8).agree) >= (
        len(ours) - 1 if format_ == "onnx" else 0.8 * len(ours)
    )


@pytest.mark.parametrize("format_", ["onnx", "openvino"])
def test_any_size_works_where_that_was_asked_for(
    format_: str, standard: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    mixed = [frames[0], frames[1][:200], np.ascontiguousarray(frames[2][:, :100])]
    result = export(standard, format_, output=tmp_path / OUTPUT[format_], dynamic=True, pictures=mixed)
    assert result["dynamic"] is True
    assert result["check"]["pictures"] == 3
    assert result["check"]["max_box_px"] <= 0.02


def test_a_fixed_size_is_fixed(standard: Path, frames: list[np.ndarray], tmp_path: Path) -> None:
    result = export(standard, "onnx", (256, 320), output=tmp_path / "fixed.onnx", pictures=frames[:2])
    shape = onnx.load(result["output"]).graph.input[0].type.tensor_type.shape
    assert [dimension.dim_value for dimension in shape.dim] == [1, 3, 256, 320]
    assert result["dynamic"] is False
    assert result["imgsz"] == [256, 320]


@pytest.mark.parametrize("format_", ["onnx", "openvino"])
def test_half_precision_halves_the_file_and_says_what_it_costs(
    format_: str, standard: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    full = export(standard, format_, output=tmp_path / "full" / OUTPUT[format_], pictures=frames[:1])
    half = export(standard, format_, None, "f16", tmp_path / "half" / OUTPUT[format_], pictures=frames[:1])
    assert half["bytes"] < 0.7 * full["bytes"]
    assert full["check"]["max_score"] < half["check"]["max_score"] < 0.1


def test_names_are_free_and_runs_give_theirs(
    standard: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    weights = tmp_path / "runs" / "blood cells" / "weights" / "best.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(standard.read_bytes())

    class Told:
        def progress(self, _fraction: float, _text: str) -> None: ...

    request = {"weights": str(weights), "format": "onnx", "folder": str(tmp_path / "exports")}
    sizes = [exporting.run({**request, "imgsz": [64, 96]}, Told())["output"] for _ in range(2)]
    assert [Path(path).name for path in sizes] == ["blood cells.onnx", "blood cells-2.onnx"]


def test_a_failed_export_leaves_nothing_behind(
    standard: Path, frames: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "kept.onnx"
    target.write_bytes(b"what was there")

    def fails(*_arguments: Any) -> None:
        raise AppError("no", "never")

    monkeypatch.setattr(exporting, "_compare", fails)
    with pytest.raises(AppError, match="no"):
        export(standard, "onnx", output=target, pictures=frames[:1])
    assert target.read_bytes() == b"what was there"
    assert [path.name for path in tmp_path.iterdir()] == ["kept.onnx"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("tflite",), "no export format"),
        (("tensorrt",), "pip install tensorrt|NVIDIA GPU"),
        (("torchscript", None, "int8"), "int8"),
        (("onnx", 100), "100"),
        (("onnx", None, "bf16"), "bf16"),
        (("onnx", None, "f32", "model.bin"), "model.bin"),
        (("openvino", None, "f32", "folder"), "folder"),
    ],
)
def test_what_cannot_be_exported_is_refused(standard: Path, arguments: tuple[Any, ...], says: str) -> None:
    with pytest.raises(AppError) as caught:
        export(standard, *arguments)
    assert re.search(says, str(caught.value))
    assert caught.value.hint


def test_a_folder_that_holds_something_else_is_not_replaced(standard: Path, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(AppError, match="something else"):
        export(standard, "openvino", output=folder)
    assert (folder / "thesis.txt").read_text() == "years of work"
