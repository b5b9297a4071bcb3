"""The deployed form: the equivalent model that a runtime executes, and the other forms that a block may have.

Everywhere BatchNorm is folded into the convolution before it, branches that are added are merged into one convolution,
and the half of a two-headed detector that only training needs is gone. What remains to choose is the form of blocks
that mathematics allows to be written in several ways (`app.core.blocks.forms`); which is fastest depends on the
runtime.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import Conv, Detect, RepConv, RepVGGDW
from ultralytics.utils.torch_utils import fuse_conv_and_bn

from app.core.blocks import BLOCKS
from app.core.blocks_convolutions import DENSE, UNROLLED
from app.core.errors import AppError
from app.core.sites import mirrors, site
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.carried import carries_design, design_of


class Repeat(nn.Module):
    """Concatenates `times` copies of its input along the channels: (N, C, H, W) → (N, times · C, H, W)."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        """Return the copies, one after the other."""
        return torch.cat([x] * self.times, 1)


class Interleave(nn.Module):
    """Repeats every channel `times` times in a row: (N, C, H, W) → (N, C · times, H, W)."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        """Return the copies, channel by channel."""
        return x.unsqueeze(2).expand(-1, -1, self.times, -1, -1).flatten(1, 2)


def deployed(model: nn.Module, *, forms: Mapping[str, str] | None = None) -> nn.Module:
    """Return the equivalent model that a runtime executes: a copy in eval mode and float32, never to be pickled.

    Args:
        model: a detection model in its training form; it is not changed.
        forms: block kind or module path → name of the form to use, of those in `app.core.blocks.forms`; a path
            counts more than a kind. What is not named takes the usual form.

    Raises:
        AppError: a block has no such form.
    """
    result = fold_block(model)
    there = dict(result.named_modules())
    for path, form in _chosen_forms(model, forms or {}).items():
        if path in there:  # of two heads only one remains
            parent, _, name = path.rpartition(".")
            setattr(there[parent], name, in_form(there[path], form))
    for parameter in result.parameters():
        parameter.requires_grad_(False)
    return result


def fold_block(block: nn.Module) -> nn.Module:
    """Return a copy in eval mode and float32 with branches merged and BatchNorms folded; a block or a whole model."""
    result: nn.Module = copy.deepcopy(block).float().eval()
    _merge_branches(result)
    _fold_norms(result)
    return result


def _chosen_forms(model: nn.Module, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return module path → form of every block, its twins included."""
    if not carries_design(model):
        return {}
    design = design_of(model)
    found: dict[str, str] = {}
    for path, swap in design.resolved().items():
        place = site(design.architecture, path)
        assert place is not None  # resolved: it can be replaced
        possible = BLOCKS[swap.block].forms(place, swap.options)
        form = wanted.get(path, wanted.get(swap.block, possible[0]))
        if form not in possible and path not in wanted:
            form = possible[0]  # a form of the kind that this block has no use for
        if form not in possible:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{path} has no form “{form}”."),
                QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
                path=path,
                form=form,
                choices=", ".join(possible),
            )
        found |= dict.fromkeys((path, *mirrors(design.architecture, path)), form)
    return found


def _merge_branches(model: nn.Module) -> None:
    """Merge what is added after convolutions, and drop what only training needs."""
    for module in list(model.modules()):
        if isinstance(module, RepConv):
            module.fuse_convs()
            module.forward = module.forward_fuse
        elif isinstance(module, RepVGGDW):
            module.fuse()
            module.forward = module.forward_fuse
        elif isinstance(module, Detect) and getattr(module, "one2one_cv2", None) is not None:
            module.fuse()


def _fold_norms(model: nn.Module) -> None:
    """Fold every BatchNorm that follows a convolution: in ultralytics' Conv, and in sequences, as of torchvision."""
    for module in list(model.modules()):
        if isinstance(module, Conv) and hasattr(module, "bn"):
            module.conv = fuse_conv_and_bn(module.conv, module.bn)
            delattr(module, "bn")
            module.forward = module.forward_fuse
        elif isinstance(module, nn.Sequential):
            for index in range(len(module) - 1):
                conv, norm = module[index], module[index + 1]
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    module[index] = fuse_conv_and_bn(conv, norm)
                    module[index + 1] = nn.Identity()


def in_form(block: Any, form: str) -> Any:
    """Return a folded block in one of its forms; the block may be changed.

    Args:
        block: from `fold_block`.
        form: one that `app.core.blocks.forms` names for it.
    """
    if form == DENSE:
        return _placed_like(block, _dense(block))
    if form == UNROLLED:
        if isinstance(block, Conv):
            return _placed_like(block, _interleaved(block))
        _unroll(block)
    return block


def _placed_like(old: Any, new: Any) -> Any:
    for attribute in ("i", "f", "type", "np"):
        if attribute in vars(old):
            setattr(new, attribute, getattr(old, attribute))
    return new.eval()


def _folded_conv(conv: nn.Conv2d, act: nn.Module) -> Conv:
    """Return a Conv as it is after folding."""
    made: Any = Conv(conv.in_channels, conv.out_channels, 1, act=act)
    made.conv = conv
    del made.bn
    made.forward = made.forward_fuse
    folded: Conv = made
    return folded


@torch.no_grad()
def _dense(block: Any) -> Conv:
    """Return a separable, grouped or merged block as one dense convolution."""
    last: Any = block[-1] if isinstance(block, nn.Sequential) else block
    first: Any = block[0].conv if isinstance(block, nn.Sequential) else block.conv
    weight, bias = ungrouped(first).double(), first.bias.double()
    if isinstance(block, nn.Sequential):
        pointwise = last.conv.weight.double().flatten(1)
        weight = torch.einsum("om,mihw->oihw", pointwise, weight)
        bias = pointwise @ bias + last.conv.bias.double()
    made = nn.Conv2d(
        first.in_channels, len(weight), first.kernel_size, first.stride, first.padding, bias=True
    )
    made.weight.copy_(weight)
    assert made.bias is not None
    made.bias.copy_(bias)
    return _folded_conv(made.to(first.weight.device), last.act)


def ungrouped(conv: nn.Conv2d) -> Tensor:
    """Return the kernel of a convolution as c2 × C × k × k, zero outside its groups."""
    weight = conv.weight.detach()
    if conv.groups == 1:
        return weight
    outputs, rows = weight.shape[:2]
    full = weight.new_zeros(outputs, conv.in_channels, *weight.shape[2:])
    per = outputs // conv.groups
    for group in range(conv.groups):
        full[group * per : (group + 1) * per, group * rows : (group + 1) * rows] = weight[
            group * per : (group + 1) * per
        ]
    return full


@torch.no_grad()
def _plain_depthwise(old: nn.Conv2d, order: list[int]) -> nn.Conv2d:
    """Return the filters of a depth multiplier, in this order, as a plain depthwise convolution."""
    wide = nn.Conv2d(
        old.out_channels,
        old.out_channels,
        old.kernel_size,  # type: ignore[arg-type]
        old.stride,  # type: ignore[arg-type]
        old.padding,  # type: ignore[arg-type]
        groups=old.out_channels,
        bias=True,
    ).to(old.weight.device)
    wide.weight.copy_(old.weight[order])
    assert wide.bias is not None
    assert old.bias is not None
    wide.bias.copy_(old.bias[order])
    return wide


@torch.no_grad()
def _unroll(block: nn.Sequential) -> None:
    """Put r copies of the input before a plain depthwise convolution, and the pointwise columns in the same order."""
    depthwise: Any = block[0]
    last: Any = block[1]
    channels = depthwise.conv.in_channels
    rank = depthwise.conv.out_channels // channels
    order = [i * rank + j for j in range(rank) for i in range(channels)]
    depthwise.conv = _plain_depthwise(depthwise.conv, order)
    last.conv.weight.copy_(last.conv.weight[:, order].clone())
    block[0] = nn.Sequential(Repeat(rank), depthwise)


def _interleaved(block: Any) -> nn.Sequential:
    """Return a grouped convolution with a multiplier as copies of every channel and a plain depthwise convolution."""
    conv = block.conv
    wide = _plain_depthwise(conv, list(range(conv.out_channels)))
    return nn.Sequential(Interleave(conv.out_channels // conv.in_channels), _folded_conv(wide, block.act))
