"""Detectors against stock ultralytics, their runtimes against each other, and the cache."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.engine import model_cache
from app.engine.detector import Boxes, Detector
from app.engine.matching import match, overlaps, same_classes
from app.engine.models import deployed
from app.engine.openvino_model import for_export
from app.engine.postprocess import non_maximum_suppression, postprocess
from app.engine.preprocess import fit, plan, prepare
from app.engine.runtimes import OpenVinoRuntime
from tests.engine.checkpoints import batch_of, lively_model, save_checkpoint

ROOT = Path(__file__).resolve().parents[2]
STEM = "model.0"
CONVERTED = ("openvino", "onnxruntime")


def stock_boxes(weights: Path, image: np.ndarray, confidence: float, iou: float, imgsz: int) -> Boxes:
    from ultralytics import YOLO

    result = YOLO(weights).predict(image, conf=confidence, iou=iou, imgsz=imgsz, verbose=False)[0].boxes
    return Boxes(result.xyxy.numpy(), result.conf.numpy(), result.cls.numpy().astype(np.int64))


def assert_same(found: Boxes, expected: Boxes, pixels: float, score: float) -> None:
    """Every box has its twin; ties at the limits of confidence and number are allowed to differ by one."""
    shared = match(found, expected, threshold=0.9)
    assert len(expected) > 5
    assert abs(len(found) - len(expected)) <= 1
    assert len(shared.agree) >= len(expected) - 1
    left, right = np.array(shared.agree).T
    assert np.abs(found.xyxy[left] - expected.xyxy[right]).max() <= pixels
    assert np.abs(found.scores[left] - expected.scores[right]).max() <= score


@pytest.mark.parametrize(("runtime", "confidence", "iou"), [("torch", 0.1, 0.7), ("openvino", 0.15, 0.45)])
@pytest.mark.parametrize("kind", ["standard", "lightweight"])
def test_boxes_are_those_of_stock_predict(
    kind: str,
    runtime: str,
    confidence: float,
    iou: float,
    frames: list[np.ndarray],
    request: pytest.FixtureRequest,
) -> None:
    weights = request.getfixturevalue(kind)
    detector = Detector.load(weights, runtime, "f32", "cpu")
    for image in frames[:2]:
        found = detector.detect(image, confidence, iou)
        assert_same(found, stock_boxes(weights, image, confidence, iou, 320), 0.5, 1e-3)
        assert min(found.timings.preprocess_ms, found.timings.inference_ms, found.timings.postprocess_ms) > 0


def test_input_follows_the_aspect_of_the_source(standard: Path, frames: list[np.ndarray]) -> None:
    detector = Detector.load(standard, "openvino", "f32", "cpu", imgsz=640)
    assert detector.letterbox(432, 768).shape == (384, 640)
    tall = np.ascontiguousarray(np.rot90(frames[0]))
    for image in (tall, frames[0][:200], frames[0][:, :300]):
        assert_same(detector.detect(image, 0.1), stock_boxes(standard, image, 0.1, 0.7, 640), 0.5, 1e-3)


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_deployed_form_equals_the_training_form(rank: int, frames: list[np.ndarray]) -> None:
    design = preset("separable", "yolov5n", 3)
    paths = [*design.resolved(), STEM]
    assert any(path.startswith("model.24.") for path in paths)
    design = Design.stock("yolov5n", 3).with_swap(paths, Swap("separable", {"rank": rank}))
    model = lively_model(design, batch_of(frames), seed=rank)
    box = plan(frames[0].shape[:2], 320)
    batch = torch.from_numpy(prepare(frames[0], box))
    with torch.no_grad():
        expected = model(batch)[0].numpy()
        found = for_export(deployed(model))(batch).numpy()
    # Anchors whose score is negligible are still boxes: all of them must agree.
    assert np.abs(found[:, :4] - expected[:, :4]).max() <= 0.01
    assert np.abs(found[:, 4:] - expected[:, 4:]).max() <= 1e-5


@pytest.mark.parametrize("rank", [1, 3])
def test_every_runtime_equals_torch_in_float32(rank: int, frames: list[np.ndarray], tmp_path: Path) -> None:
    design = preset("separable", "yolov5n", 3)
    design = design.with_swap([*design.resolved(), STEM], Swap("separable", {"rank": rank}))
    weights = save_checkpoint(lively_model(design, batch_of(frames), seed=rank), tmp_path / "model.pt")
    detectors = [Detector.load(weights, runtime, "f32", "cpu") for runtime in ("torch", *CONVERTED)]
    for image in frames:
        batch = detectors[0].preprocess(image).batch
        expected, *others = (detector.infer(batch)[0] for detector in detectors)
        for found in others:
            assert np.abs(found[:, :4] - expected[:, :4]).max() <= 0.01
            assert np.abs(found[:, 4:] - expected[:, 4:]).max() <= 2e-5


def test_float32_is_really_float32_and_bf16_really_is_not(standard: Path, frames: list[np.ndarray]) -> None:
    from app.engine.openvino_model import openvino

    if "bf16" not in OpenVinoRuntime.precisions(openvino().Core(), "CPU"):
        pytest.skip("this processor does not compute in bf16")
    exact, coarse = (Detector.load(standard, "openvino", p, "cpu") for p in ("f32", "bf16"))
    batch = exact.preprocess(frames[0]).batch
    difference = np.abs(exact.infer(batch)[0][:, 4:] - coarse.infer(batch)[0][:, 4:]).max()
    assert 1e-4 < difference < 0.2


def test_all_processors_are_used_whatever_ultralytics_set(standard: Path) -> None:
    from app.engine.runtimes import default_threads

    torch.set_num_threads(1)
    assert Detector.load(standard, "torch", "f32", "cpu").threads == default_threads()
    assert torch.get_num_threads() == default_threads()
    assert Detector.load(standard, "torch", "f32", "cpu", threads=1).threads == 1
    assert torch.get_num_threads() == 1
    torch.set_num_threads(default_threads())


@pytest.mark.parametrize("runtime", CONVERTED)
def test_a_converted_detector_needs_no_torch(
    runtime: str, standard: Path, frames: list[np.ndarray], tmp_path: Path
) -> None:
    expected = Detector.load(standard, runtime, "f32", "cpu").detect(frames[0], 0.1)
    np.save(tmp_path / "frame.npy", frames[0])
    script = """
import sys
import numpy as np
from app.engine.detector import Detector
detector = Detector.load(sys.argv[1], sys.argv[3], "f32", "cpu")
found = detector.detect(np.load(sys.argv[2]), 0.1)
heavy = {"torch", "ultralytics", "openvino_telemetry.main", "pandas", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
print(len(found), found.scores.sum())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(standard), str(tmp_path / "frame.npy"), runtime],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    count, total = done.stdout.split()
    assert int(count) == len(expected)
    assert float(total) == pytest.approx(float(expected.scores.sum()), abs=1e-3)


def test_the_cache_follows_the_content_not_the_name(
    standard: Path, lightweight: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "best.pt"
    weights.write_bytes(standard.read_bytes())
    first = model_cache.converted(weights).file
    assert first == model_cache.converted(standard).file
    weights.write_bytes(lightweight.read_bytes())
    assert model_cache.converted(weights).file != first


def test_a_damaged_cache_entry_is_made_again(lightweight: Path) -> None:
    found = model_cache.converted(lightweight)
    found.file.with_suffix(".bin").unlink()
    assert model_cache.find(lightweight) is None
    assert model_cache.converted(lightweight).file.with_suffix(".bin").is_file()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"runtime": "tvm"}, "no runtime"),
        ({"precision": "int3"}, "no precision"),
        ({"runtime": "torch", "precision": "bf16", "device": "cpu"}, "f32"),
        ({"runtime": "openvino", "device": "cuda"}, "no device"),
        ({"runtime": "onnxruntime", "device": "cuda"}, "no device"),
        ({"runtime": "onnxruntime", "precision": "bf16"}, "f32"),
        ({"runtime": "torch", "device": "tpu"}, "no device"),
        ({"imgsz": 7}, "picture size"),
    ],
)
def test_what_cannot_be_is_refused(standard: Path, arguments: dict[str, object], says: str) -> None:
    with pytest.raises(AppError, match=says) as caught:
        Detector.load(standard, **arguments)  # type: ignore[arg-type]
    assert caught.value.hint


def test_files_that_are_no_detectors_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pt"
    broken.write_bytes(b"not a checkpoint")
    for path in (tmp_path / "missing.pt", broken):
        with pytest.raises(AppError, match=path.name) as caught:
            Detector.load(path, "openvino", "f32", "cpu")
        assert caught.value.hint


def test_suppression_equals_torchvision() -> None:
    from torchvision.ops import nms

    generator = np.random.default_rng(0)
    for count in (1, 7, 400, 1500):
        corner = np.repeat(generator.uniform(0, 600, (-(-count // 3), 2)), 3, axis=0)[:count]
        corner = corner + generator.normal(0, 4, corner.shape)
        xywh = np.concatenate([corner, generator.uniform(20, 60, (count, 2))], axis=1).astype(np.float32)
        scores = -np.sort(-generator.uniform(0.01, 1, count).astype(np.float32))
        xyxy = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        expected = nms(torch.from_numpy(xyxy), torch.from_numpy(scores), 0.5)[:300].tolist()
        assert non_maximum_suppression(xywh, scores, 0.5, 300).tolist() == expected


def test_end_to_end_heads_are_only_filtered() -> None:
    raw = np.array(
        [[[10, 20, 30, 40, 0.9, 2], [11, 20, 30, 40, 0.8, 2], [0, 0, 5, 5, 0.1, 0]]], dtype=np.float32
    )
    found = postprocess(raw, fit((64, 64), (64, 64)), 0.25)
    assert found.xyxy.tolist() == [[10, 20, 30, 40], [11, 20, 30, 40]]
    assert found.classes.tolist() == [2, 2]


def boxes(*rows: tuple[float, float, float, float, int]) -> Boxes:
    table = np.array(rows, dtype=np.float32).reshape(-1, 5)
    return Boxes(table[:, :4], np.full(len(table), 0.5, np.float32), table[:, 4].astype(np.int64))


def test_matching_tells_agreement_change_and_absence_apart() -> None:
    left = boxes((0, 0, 10, 10, 0), (100, 0, 110, 10, 1), (200, 0, 210, 10, 2), (0, 0, 10, 12, 0))
    right = boxes((100, 0, 110, 11, 0), (0, 0, 10, 11, 0), (300, 0, 310, 10, 1))
    found = match(left, right)
    assert found.changed == ((1, 0),)
    assert len(found.agree) == 1
    assert found.agree[0][1] == 1
    assert found.only_b == (2,)
    assert found.counts() == {"agree": 1, "class_changed": 1, "only_a": 2, "only_b": 1}
    assert match(boxes(), right).only_b == (0, 1, 2)
    assert overlaps(left.xyxy, boxes().xyxy).shape == (4, 0)


def test_classes_are_matched_by_name() -> None:
    table = same_classes({0: "cat", 1: "dog"}, {0: "dog", 1: "bird", 2: "cat"})
    assert table.tolist() == [1, -2, 0]
    left, right = boxes((0, 0, 10, 10, 1)), boxes((0, 0, 10, 10, 0))
    assert match(left, right, table).counts()["agree"] == 1
    assert match(left, right).counts()["class_changed"] == 1


def test_a_detector_that_finds_more_classes_than_it_names_is_compared() -> None:
    table = same_classes({0: "cat", 1: "dog"}, {0: "dog"})
    box, scores = np.array([[0, 0, 10, 10]], np.float32), np.array([0.9], np.float32)
    a, unnamed = (Boxes(box, scores, np.array([number])) for number in (1, 7))
    assert match(a, unnamed, table).changed == ((0, 0),)
    assert match(a, Boxes(box, scores, np.array([0])), table).agree == ((0, 0),)
