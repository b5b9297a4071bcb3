"""All block kinds in whole models: the deployed form, checkpoints, and stock ultralytics without the Studio."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from app.core.blocks import BLOCKS
from app.core.design import Design, Swap
from app.core.errors import AppError
from app.engine.checkpoint import save_checkpoint
from app.engine.models import build_model, deployed, design_of, load_checkpoint
from tests.engine.checkpoints import lively_model

ALL_KINDS = {
    "model.1": Swap("separable", {"rank": 3}),
    "model.2": Swap("ghost_c3"),
    "model.3": Swap("scdown"),
    "model.4": Swap("shufflenetv2"),
    "model.5": Swap("ghost"),
    "model.6": Swap("mobilenetv3", {"expansion": 200, "kernel": 5}),
    "model.7": Swap("dwconv"),
    "model.8": Swap("efficientnetv2", {"expansion": 150}),
    "model.13": Swap("cib", {"large": 1}),
    "model.17": Swap("efficientnetv2"),
    "model.18": Swap("lcnet"),
    "model.20": Swap("c3k2", {"nested": 1}),
    "model.21": Swap("repconv"),
    "model.23": Swap("lcnet"),
    "model.24.cv2.0.0": Swap("cib"),
    "model.24.cv3.0.0": Swap("mobilenetv3"),
}


def everything(classes: int = 3) -> Design:
    design = Design.stock("yolov5n", classes)
    for path, swap in ALL_KINDS.items():
        design = design.with_swap([path], swap)
    assert {swap.block for swap in design.resolved().values()} == set(BLOCKS)
    return design


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return lively_model(everything(), torch.rand(8, 3, 96, 160))


def apart(a: nn.Module, b: nn.Module) -> tuple[float, float]:
    """Largest difference of a coordinate in pixels and of a score."""
    torch.manual_seed(1)
    picture = torch.rand(2, 3, 96, 160)
    with torch.no_grad():
        one, two = a(picture)[0], b(picture)[0]
    return float((one[:, :4] - two[:, :4]).abs().max()), float((one[:, 4:] - two[:, 4:]).abs().max())


@pytest.mark.parametrize(
    "forms",
    [
        {},
        {"separable": "multiplier", "dwconv": "unrolled"},
        {"separable": "dense", "dwconv": "dense", "repconv": "dense"},
        {"separable": "dense", "model.1": "unrolled"},
    ],
)
def test_every_form_gives_the_same_detections(model: nn.Module, forms: dict[str, str]) -> None:
    fast = deployed(model, forms=forms)
    pixels, score = apart(model, fast)
    assert pixels < 0.01
    assert score < 1e-5
    assert not any(isinstance(m, nn.BatchNorm2d) for m in fast.modules())
    assert not any(p.requires_grad for p in fast.parameters())
    assert [m.i for m in fast.model] == list(range(25))


def test_a_path_s_form_counts_more_than_its_kind_s(model: nn.Module) -> None:
    fast = deployed(model, forms={"separable": "dense", "model.1": "multiplier"})
    assert fast.get_submodule("model.1.0").conv.out_channels == 3 * 16
    assert isinstance(deployed(model, forms={"separable": "dense"}).get_submodule("model.1").conv, nn.Conv2d)


def test_a_form_that_a_block_has_not_is_refused(model: nn.Module) -> None:
    with pytest.raises(AppError, match="no form “merged”"):
        deployed(model, forms={"model.1": "merged"})
    # Of a kind it is a wish: a block that has no use for it keeps its usual form.
    assert deployed(model, forms={"repconv": "unrolled"}) is not None


def test_checkpoints_of_every_kind_open_again(model: nn.Module, tmp_path: Path) -> None:
    save_checkpoint(model, tmp_path / "all.pt", train_args={"imgsz": 160})
    loaded = load_checkpoint(tmp_path / "all.pt")
    assert loaded.design == everything()
    pixels, score = apart(loaded.model, model.half().float())
    assert pixels < 0.01
    assert score < 1e-5


STOCK = """
import sys
sys.modules["app"] = None
import torch
from torch.serialization import add_safe_globals
if sys.argv[2] == "safe":
    from torchvision.models import efficientnet, mobilenetv3, shufflenetv2
    from torchvision.ops import SqueezeExcitation, StochasticDepth
    from torchvision.ops.misc import Conv2dNormActivation
    add_safe_globals([efficientnet.MBConv, efficientnet.FusedMBConv, mobilenetv3.InvertedResidual,
        shufflenetv2.InvertedResidual, SqueezeExcitation, StochasticDepth, Conv2dNormActivation])
from ultralytics import YOLO
model = YOLO(sys.argv[1])
print("SHAPE", tuple(model.model.eval()(torch.zeros(1, 3, 64, 64))[0].shape))
model.fuse()
print("FUSED", tuple(model.model.eval()(torch.zeros(1, 3, 64, 64))[0].shape))
"""


@pytest.mark.parametrize("loading", ["plain", "safe"])
def test_stock_ultralytics_opens_every_kind(model: nn.Module, tmp_path: Path, loading: str) -> None:
    save_checkpoint(model, tmp_path / "all.pt", train_args={"imgsz": 160})
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "ULTRALYTICS_SAFE_LOAD")}
    environment |= {
        "YOLO_CONFIG_DIR": str(tmp_path),
        "YOLO_OFFLINE": "true",
        "ULTRALYTICS_SAFE_LOAD": str(int(loading == "safe")),
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", STOCK, str(tmp_path / "all.pt"), loading],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "SHAPE (1, 7, 84)" in done.stdout
    assert "FUSED (1, 7, 84)" in done.stdout


def test_designs_stay_in_the_model(model: nn.Module) -> None:
    assert design_of(model) == everything()
    assert build_model(everything()).training
