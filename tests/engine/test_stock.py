"""Standard models from their descriptions: one must leave nothing behind for the next."""

from __future__ import annotations

import pytest
from torch import nn
from ultralytics.nn.modules import Conv, Detect

from app.engine import stock
from app.engine.stock import stock_description, stock_model


def activations(model: nn.Module) -> set[type[nn.Module]]:
    return {type(m.act) for m in model.modules() if isinstance(m, Conv)} - {nn.Identity}


def test_a_model_that_cannot_be_built_leaves_no_activation_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = stock_description("yolov4-tiny")
    assert broken["activation"] == "torch.nn.LeakyReLU(0.1)"
    broken["backbone"][3] = [-1, 1, "Conv", ["wide", 3]]
    monkeypatch.setattr(stock, "stock_description", lambda _base: broken)
    with pytest.raises(TypeError):
        stock_model("yolov4-tiny", 3, "meta")
    monkeypatch.undo()
    assert activations(stock_model("yolov5n", 3, "meta")) == {nn.SiLU}
    assert activations(stock_model("yolov4-tiny", 3, "meta")) == {nn.LeakyReLU}


def test_a_model_leaves_the_class_branch_of_its_head_to_itself() -> None:
    """Which branch a Detect has is an attribute of its class while ultralytics builds."""
    kept = Detect.legacy
    built = {base: stock_model(base, 3, "meta").model[-1] for base in ("yolo11n", "yolov5n")}
    assert Detect.legacy == kept
    widths = {base: sum(p.numel() for p in head.cv3.parameters()) for base, head in built.items()}
    assert widths["yolo11n"] < widths["yolov5n"] / 2, "depthwise there, dense here"
