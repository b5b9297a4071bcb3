"""Detectors of the original YOLOv5 find what is there, on every runtime, and damaged ones are refused."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import cv2
import pytest
import torch
import ultralytics
from torch import nn

from app.core.errors import AppError
from app.engine.anchor_head import AnchorDetect, original_model
from app.engine.comparison import compare_headless
from app.engine.detector import Detector
from app.engine.models import load_checkpoint
from app.engine.weights import read_weights

ASSETS = Path(ultralytics.__file__).parent / "assets"


@pytest.mark.parametrize("runtime", ["torch", "openvino", "onnxruntime"])
def test_people_and_the_bus_are_found(yolov5n_weights: Path, runtime: str) -> None:
    detector = Detector.load(yolov5n_weights, runtime, "f32", "cpu")
    bus = detector.detect(cv2.imread(str(ASSETS / "bus.jpg")))
    assert Counter(detector.names[int(c)] for c in bus.classes) == {"person": 4, "bus": 1}
    assert bus.xyxy[0] == pytest.approx([54, 395, 212, 893], abs=2)
    zidane = detector.detect(cv2.imread(str(ASSETS / "zidane.jpg")))
    assert Counter(detector.names[int(c)] for c in zidane.classes)["person"] == 2


def test_walkers_are_found_and_compared_with_another_detector(
    yolov5n_weights: Path, clips_dir: Path, standard: Path
) -> None:
    choice = {"runtime": "openvino", "precision": "f32", "device": "cpu"}
    result = compare_headless(yolov5n_weights, standard, str(clips_dir / "vtest.avi"), 12, **choice)
    assert result["a"]["detections"] >= 12 * 3
    assert result["agreement"]["agree"] == 0


def test_the_head_is_the_published_arithmetic() -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(4, 2 * 7, 1)
    anchors = torch.tensor([[[1.5, 2.0], [3.0, 1.0]]])
    head = AnchorDetect(nn.ModuleList([convolution]), anchors, torch.tensor([8.0])).eval()
    x = torch.randn(1, 4, 3, 5)
    with torch.no_grad():
        found = head([x])
        raw = convolution(x).sigmoid().view(2, 7, 3, 5)
    assert found.shape == (1, 6, 2 * 3 * 5)
    anchor, row, column = 1, 2, 3
    s = raw[anchor, :, row, column].tolist()
    expected = [
        (2 * s[0] - 0.5 + column) * 8,
        (2 * s[1] - 0.5 + row) * 8,
        (2 * s[2]) ** 2 * 3.0 * 8,
        (2 * s[3]) ** 2 * 1.0 * 8,
        s[4] * s[5],
        s[4] * s[6],
    ]
    assert found[0, :, anchor * 15 + row * 5 + column].tolist() == pytest.approx(expected, rel=1e-5)


def test_it_can_be_run_but_not_lightened(yolov5n_weights: Path) -> None:
    assert load_checkpoint(yolov5n_weights, with_anchors=True).kind == "yolov5-original"
    with pytest.raises(AppError, match="predicts with anchors"):
        load_checkpoint(yolov5n_weights)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.24.anchors", torch.zeros(3, 3, 3)),
        ("model.24.anchors", torch.zeros(2, 3, 2)),
        ("model.24.anchors", torch.zeros(3, 0, 2)),
        ("model.24.m.1.weight", torch.zeros(255, 128, 3, 3)),
        ("model.24.m.1.weight", torch.zeros(256, 128, 1, 1)),
        ("model.24.m.2.weight", torch.zeros(255, 64, 1, 1)),
        ("model.24.m.2.bias", torch.zeros(math.prod((3, 5)))),
    ],
)
def test_a_head_that_does_not_fit_is_refused(yolov5n_weights: Path, key: str, value: torch.Tensor) -> None:
    weights = read_weights(yolov5n_weights)
    with pytest.raises(AppError, match="not that of an original YOLOv5"):
        original_model(weights.base, weights.tensors | {key: value}, "damaged.pt")
