"""Designs as torch models: the stock model with modules replaced, and the form that runtimes execute."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics.nn.modules import Conv, DWConv
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.torch_utils import fuse_conv_and_bn

from app.core.design import Design, Swap, dump_design, parse_design
from app.core.errors import AppError
from app.core.sites import mirrors
from app.core.text import QT_TRANSLATE_NOOP

DESIGN_KEY = "depthwise_studio"
"""Where a checkpoint's `model.yaml` keeps the text of its design."""


def build_model(
    design: Design, classes: int | None = None, names: Mapping[int, str] | None = None
) -> DetectionModel:
    """Return the model of a design in train mode, freshly initialised as ultralytics does.

    Args:
        design: what to build.
        classes: number of classes where the design leaves it open; 80 where both do.
        names: class index → name.

    Raises:
        AppError: the design does not fit its base model.
    """
    fixed = design if design.classes is not None else design.with_classes(classes)
    count = fixed.architecture.classes
    model = DetectionModel(f"{design.base}.yaml", nc=count, verbose=False)
    model.names = dict(names) if names else {i: str(i) for i in range(count)}
    apply_swaps(model, fixed)
    return model


def apply_swaps(model: DetectionModel, design: Design) -> dict[str, nn.Module]:
    """Replace the modules that the design swaps, in place, and write the design into `model.yaml`.

    Args:
        model: the standard model of the design's base.
        design: whose swaps to apply.

    Returns:
        Module path → the standard module that was there.

    Raises:
        AppError: the design does not fit.
    """
    replaced: dict[str, nn.Module] = {}
    for path, swap in design.resolved().items():
        old = model.get_submodule(path)
        if not isinstance(old, Conv):
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{path} is a {type}, not a convolution."),
                QT_TRANSLATE_NOOP("core", "Open the design and remove the swap."),
                path=path,
                type=type(old).__name__,
            )
        replaced[path] = old
        _put(model, path, make_block(old, swap))
        for twin in mirrors(design.architecture, path):
            replaced[twin] = model.get_submodule(twin)
            _put(model, twin, make_block(replaced[twin], swap))
    model.yaml[DESIGN_KEY] = dump_design(design)
    return replaced


def make_block(old: Conv, swap: Swap) -> nn.Module:
    """Return the fresh block that replaces `old`: same channels, stride, padding, activation, mode and device.

    Composed of public classes of torch and ultralytics alone, so that stock `YOLO(...)` opens it.
    """
    block: Any = _MAKERS[swap.block](old, swap)
    for attribute in ("i", "f", "type"):
        if attribute in vars(old):  # every module has a method `type`, which would drag the old module along
            setattr(block, attribute, getattr(old, attribute))
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = old.bn.eps, old.bn.momentum
    block.np = sum(p.numel() for p in block.parameters())
    weight = old.conv.weight
    made: nn.Module = block.to(weight.device, weight.dtype).train(old.training)
    return made


def _separable(old: Conv, swap: Swap) -> nn.Module:
    conv = old.conv
    middle = conv.in_channels * swap.option("rank")
    if tuple(conv.padding) == tuple(k // 2 for k in conv.kernel_size):
        depthwise: nn.Module = DWConv(
            conv.in_channels, middle, conv.kernel_size[0], conv.stride[0], act=False
        )
    else:  # DWConv has no padding argument
        depthwise = Conv(
            conv.in_channels,
            middle,
            conv.kernel_size,
            conv.stride,
            conv.padding,
            g=conv.in_channels,
            act=False,
        )
    return nn.Sequential(depthwise, Conv(middle, conv.out_channels, 1, act=old.act))


def _dwconv(old: Conv, _swap: Swap) -> nn.Module:
    conv = old.conv
    return Conv(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        g=math.gcd(conv.in_channels, conv.out_channels),
        act=old.act,
    )


_MAKERS = {"separable": _separable, "dwconv": _dwconv}


def _put(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


def design_of(model: nn.Module) -> Design:
    """Return the design that a model of ours carries.

    Raises:
        AppError: it carries none, or one that cannot be read.
    """
    text = getattr(model, "yaml", {}).get(DESIGN_KEY)
    if not isinstance(text, str):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The checkpoint carries no design of the Studio."),
            QT_TRANSLATE_NOOP("core", "Open it as a standard model."),
        )
    return parse_design(text, "the checkpoint's design")


class Repeat(nn.Module):
    """Concatenates `times` copies of its input along the channels: (N, C, H, W) → (N, times · C, H, W)."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the copies, one after the other."""
        return torch.cat([x] * self.times, 1)


def deployed(model: nn.Module, *, unroll: bool = True) -> nn.Module:
    """Return the equivalent model that a runtime executes: a copy in eval mode and float32.

    BatchNorm is folded into its convolution; a depthwise convolution with a multiplier r becomes r copies of its input
    before one plain depthwise convolution, with the pointwise columns in the same order. The copy is never pickled.

    Args:
        model: a detection model in its training form; it is not changed.
        unroll: whether to unroll multipliers.
    """
    result: nn.Module = copy.deepcopy(model).float().eval()
    for module in result.modules():
        if isinstance(module, Conv) and hasattr(module, "bn"):
            module.conv = fuse_conv_and_bn(module.conv, module.bn)
            delattr(module, "bn")
            module.forward = module.forward_fuse
    if unroll:
        for module in list(result.modules()):
            if isinstance(module, nn.Sequential) and _is_multiplied(module):
                _unroll(module)
    for parameter in result.parameters():
        parameter.requires_grad_(False)
    return result


def _is_multiplied(block: nn.Sequential) -> bool:
    if len(block) != 2 or not all(isinstance(m, Conv) for m in block):
        return False
    conv: Any = block[0].conv
    return bool(conv.groups == conv.in_channels > 1 and conv.out_channels > conv.in_channels)


def _unroll(block: nn.Sequential) -> None:
    depthwise: Any = block[0]
    last: Any = block[1]
    old, pointwise = depthwise.conv, last.conv
    channels, rank = old.in_channels, old.out_channels // old.in_channels
    order = [i * rank + j for j in range(rank) for i in range(channels)]
    wide = nn.Conv2d(
        channels * rank,
        channels * rank,
        old.kernel_size,
        old.stride,
        old.padding,
        groups=channels * rank,
        bias=True,
    ).to(old.weight.device)
    with torch.no_grad():
        wide.weight.copy_(old.weight[order])
        wide.bias.copy_(old.bias[order])  # type: ignore[union-attr]
        pointwise.weight.copy_(pointwise.weight[:, order].clone())
    depthwise.conv = wide
    block[0] = nn.Sequential(Repeat(rank), depthwise)


@dataclass(frozen=True)
class LoadedModel:
    """A checkpoint as a model.

    Attributes:
        model: in eval mode and float32, on the CPU.
        design: what it is; without swaps for a standard model.
        names: class index → name.
        imgsz: input side it was trained at, pixels.
        kind: where it comes from: "studio" or "ultralytics".
    """

    model: DetectionModel
    design: Design
    names: dict[int, str]
    imgsz: int
    kind: str


def load_checkpoint(path: str | Path) -> LoadedModel:
    """Open a trained checkpoint, executing nothing that stands in it.

    Args:
        path: checkpoint of a YOLOv5u, standard or lightweight.

    Raises:
        AppError: the file is missing or no such checkpoint; the message says why.
    """
    from app.engine.weights import read_weights

    file = Path(path)
    foreign = read_weights(file)
    if foreign.kind == "yolov5-original":
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core", "{name} is an original YOLOv5 checkpoint: its head predicts with anchors."
            ),
            QT_TRANSLATE_NOOP("core", "Train with it as the starting weights first."),
            name=file.name,
        )
    design = foreign.design
    if design is None:
        if foreign.base is None:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{name} is no YOLOv5u detector."),
                QT_TRANSLATE_NOOP("core", "Choose a checkpoint of a YOLOv5u n, s, m, l or x."),
                name=file.name,
            )
        design = Design.stock(foreign.base)
    head_bias = foreign.tensors.get("model.24.cv3.0.2.bias")
    if head_bias is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} has no detection head."),
            QT_TRANSLATE_NOOP("core", "Choose a checkpoint of a detector."),
            name=file.name,
        )
    classes = int(head_bias.numel())
    names = dict(foreign.names or {i: str(i) for i in range(classes)})
    model = build_model(design.with_classes(classes), names=names)
    try:
        model.load_state_dict(foreign.tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} does not fit its design: {reason}"),
            QT_TRANSLATE_NOOP("core", "Choose another checkpoint."),
            name=file.name,
            reason=reason[:200],
        ) from error
    return LoadedModel(
        model.float().eval(), design.with_classes(classes), names, foreign.imgsz or 640, foreign.kind
    )
