"""One model of each family, everything swapped that can be: saved, opened again here and in stock ultralytics."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.core.base_models import base_families
from app.core.blocks import eligible
from app.core.design import Design, Swap
from app.engine.checkpoint import save_checkpoint
from app.engine.detector import Detector
from app.engine.models import build_model, deployed, load_checkpoint
from app.engine.weights import read_weights
from tests.engine.checkpoints import batch_of, lively_model
from tests.engine.checkpoints import save_checkpoint as stock_save
from tests.engine.test_detector import assert_same, stock_boxes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FIRST = tuple(names[0] for names in base_families().values())
VARIANTS = tuple(
    base
    for base in FIRST
    if base.endswith(("-p2", "-p6", "-spp")) and base not in ("yolov5n-p6", "yolov8n-p2")
)
"""Families that differ from another one in the number of their levels alone."""
USUAL = tuple(base for base in FIRST if base not in VARIANTS)
EACH = [*USUAL, *(pytest.param(base, marks=pytest.mark.exhaustive) for base in VARIANTS)]
CLASSES, SIDE = 3, 128

STOCK = """
import json, sys
sys.modules["app"] = None
import torch
from ultralytics import YOLO
for path in sys.argv[1:]:
    model = YOLO(path)
    x = torch.zeros(1, 3, 128, 128)
    with torch.no_grad():
        plain = model.model.float().eval()(x)[0]
        model.fuse()
        fused = model.model.eval()(x)[0]
    print("FOUND", json.dumps([path, list(plain.shape), float((plain - fused).abs().max()), model.names[2],
                               "separable" in model.model.yaml["depthwise_studio"]]))
"""


def everything(base: str) -> Design:
    stock = Design.stock(base, CLASSES)
    return stock.with_swap(eligible(stock.architecture, "separable"), Swap("separable"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes the smallest model of a family, with the most separable convolutions it can have."""
    folder = tmp_path_factory.mktemp("families")

    @cache
    def make(base: str) -> Path:
        torch.manual_seed(0)
        model = build_model(everything(base), names={0: "a", 1: "b", 2: "c"})
        path = folder / f"{base}-light.pt"  # "yolov3-tiny.pt" would open as "yolov3-tinyu.pt"
        save_checkpoint(model, path, train_args={"imgsz": SIDE, "task": "detect"})
        return path

    return make


def anchors(base: str) -> int:
    return sum((SIDE // stride) ** 2 for stride in Design.stock(base).architecture.strides)


@pytest.mark.parametrize("base", EACH)
def test_it_opens_again(checkpoint: Callable[[str], Path], base: str) -> None:
    loaded = load_checkpoint(checkpoint(base))
    assert loaded.design == everything(base)
    assert (loaded.names[2], loaded.imgsz, loaded.kind) == ("c", SIDE, "studio")
    picture = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found: Any = loaded.model(picture)[0]
        fast: Any = deployed(loaded.model)(picture)[0]
    assert found.shape == (1, 4 + CLASSES, anchors(base))
    assert (found[:, :4] - fast[:, :4]).abs().max() < 0.02
    assert (found[:, 4:] - fast[:, 4:]).abs().max() < 1e-4


@pytest.mark.parametrize(
    "bases",
    [pytest.param(USUAL, id="usual"), pytest.param(VARIANTS, id="variants", marks=pytest.mark.exhaustive)],
)
def test_stock_ultralytics_opens_every_family(
    checkpoint: Callable[[str], Path], bases: tuple[str, ...], tmp_path: Path
) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "ULTRALYTICS_SAFE_LOAD")}
    environment |= {"YOLO_CONFIG_DIR": str(tmp_path), "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", STOCK, *(str(checkpoint(base)) for base in bases)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    assert [Path(path).stem.removesuffix("-light") for path, *_ in told] == list(bases)
    for path, shape, difference, name, separable in told:
        assert shape == [1, 4 + CLASSES, anchors(Path(path).stem.removesuffix("-light"))]
        assert difference < 0.05
        assert name == "c"
        assert separable


@pytest.mark.parametrize("base", EACH)
def test_weights_of_stock_ultralytics_are_recognised(base: str, tmp_path: Path) -> None:
    model = build_model(Design.stock(base, 5))
    model.yaml.pop("depthwise_studio")
    path = tmp_path / "theirs.pt"
    save_checkpoint(model, path, train_args={"imgsz": 64})
    found = read_weights(path)
    assert (found.base, found.kind, found.classes, found.design) == (base, "ultralytics", 5, None)


DETECTING = [
    *("yolov3-tiny", "yolov10n", "yolo12n", "yolo26n"),
    *(pytest.param(base, marks=pytest.mark.exhaustive) for base in ("yolov4-tiny", "yolov5n-p6", "yolov9t")),
]


@pytest.mark.parametrize("base", DETECTING)
def test_every_runtime_finds_what_stock_does(base: str, frames: list[np.ndarray], tmp_path: Path) -> None:
    design = everything(base)
    weights = stock_save(lively_model(design, batch_of(frames)), tmp_path / "light.pt")
    runtimes = ("torch", "openvino", "onnxruntime")
    detectors = [Detector.load(weights, runtime, "f32", "cpu") for runtime in runtimes]
    for image in frames[:2]:
        expected = stock_boxes(weights, image, 0.1, 0.7, 320)
        for detector in detectors:
            assert_same(detector.detect(image, 0.1, 0.7), expected, 0.5, 2e-3)
