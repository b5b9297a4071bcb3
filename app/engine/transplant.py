"""What of a standard module's weights fits into a block of another kind, without looking at any data."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.efficientnet import MBConv
from torchvision.models.mobilenetv3 import InvertedResidual as MobileBlock
from torchvision.models.shufflenetv2 import InvertedResidual as ShuffleUnit
from torchvision.ops.misc import Conv2dNormActivation
from ultralytics.nn.modules import C3, CIB, C2f, C3Ghost, Conv, GhostConv, RepConv, SCDown

from app.engine.blocks_as_kernels import (
    Affine,
    affine,
    dense_kernel,
    first_conv,
    is_separable,
    last_conv,
    last_norm,
    make_affine,
    write_kernel,
    write_separable,
)
from app.engine.factorise import as_kernel, factorise


@torch.no_grad()
def transplant(old: nn.Module, new: nn.Module) -> set[nn.Module]:
    """Carry over what fits; everything else stays fresh.

    * a GhostConv's own half of the channels are those of the standard convolution;
    * modules in the manner of a C3 keep the convolutions of the same shape at both ends;
    * depthwise filters are the leading spatial factors of the standard kernel's input channels, centred where there
      is no kernel: what a depthwise filter sees first is then what the standard module saw.

    Args:
        old: the standard module.
        new: a fresh block.

    Returns:
        The BatchNorms of `new` that have trained weights now, statistics included.
    """
    if isinstance(new, GhostConv) and isinstance(old, Conv):
        half = new.cv1.conv.out_channels
        _copy_rows(old, new.cv1, slice(0, half))
        return {new.cv1.bn}
    if isinstance(new, (C3, C2f)):
        return _ends(old, new)
    if isinstance(new, SCDown) and isinstance(old, Conv):
        _pointwise_then_depthwise(old.conv.weight, new)
        return set()
    kernel = old.conv.weight if isinstance(old, Conv) and old.conv.groups == 1 else None
    filters = None if kernel is None else leading_filters(kernel)
    _plant(new, filters)
    return set()


@torch.no_grad()
def rewrite(old: nn.Module, new: nn.Module) -> bool:
    """Write the kernel of one linear module into another as well as it can be; say whether that is exact.

    Args:
        old: the standard module, in eval mode.
        new: a convolution, a separable block or a RepConv; the statistics of the branches of the last are left open.
    """
    matrix, constant = dense_kernel(old)
    conv = first_conv(new)
    if is_separable(new):
        shape = (matrix.shape[1], conv.in_channels, *conv.kernel_size)
        filters, pointwise = factorise(as_kernel(matrix, shape), conv.out_channels // conv.in_channels)
        write_separable(new, filters, pointwise)
    else:
        write_kernel(new, matrix)
    norm = last_norm(old)
    wanted = affine(norm, last_conv(old).out_channels)
    moved = Affine(wanted.scale, wanted.shift + wanted.scale * constant)
    target = last_norm(new)
    if isinstance(new, RepConv):
        half = Affine(moved.scale, moved.shift / 2)
        for branch in (new.conv1, new.conv2):
            make_affine(branch.bn, half, torch.zeros_like(half.shift), torch.ones_like(half.shift))
    elif norm is not None and target is not None:
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None
        assert variance is not None
        make_affine(target, moved, mean.double() - constant, variance.double())
    return not is_separable(new) and conv.groups == 1


def leading_filters(kernel: Tensor) -> Tensor:
    """Return for each input channel the spatial filter that explains most of its kernel, C × k × k, of positive sum."""
    filters, _ = factorise(kernel, 1)
    shaped = filters.view(kernel.shape[1], *kernel.shape[2:]).float()
    shaped = shaped * torch.where(shaped.sum((1, 2), keepdim=True) < 0, -1.0, 1.0)
    return shaped / shaped.square().sum((1, 2), keepdim=True).sqrt().clamp_min(1e-12)


def _copy_rows(old: Any, new: Any, rows: slice) -> None:
    """Copy some of a Conv's output channels."""
    new.conv.weight.copy_(old.conv.weight[rows])
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(new.bn, name).copy_(getattr(old.bn, name)[rows])


def _ends(old: nn.Module, new: Any) -> set[nn.Module]:
    """Carry over the convolutions at both ends of a module that joins several ways."""
    carried: set[nn.Module] = set()
    names = ("cv1", "cv2", "cv3") if isinstance(old, C3) == isinstance(new, C3) else ()
    for name in names:
        before, behind = getattr(old, name, None), getattr(new, name, None)
        if isinstance(before, Conv) and isinstance(behind, Conv) and _same_shape(before, behind):
            behind.load_state_dict(before.state_dict())
            carried.add(behind.bn)
    if isinstance(old, C3) and isinstance(new, C2f) and old.cv1.conv.out_channels == new.c:
        # The second half is worked on, as what cv1 makes; the first passes by, as what cv2 makes.
        for part, rows in ((old.cv2, slice(0, new.c)), (old.cv1, slice(new.c, 2 * new.c))):
            target: Any = new.cv1
            target.conv.weight[rows] = part.conv.weight
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(target.bn, name)[rows] = getattr(part.bn, name)
        carried.add(new.cv1.bn)
    if isinstance(new, C3Ghost) and carried and any(getattr(m, "add", False) for m in old.modules()):
        _silence(new)
    return carried


def _silence(module: C3Ghost) -> None:
    """Let every Ghost bottleneck pass its input on, as bottlenecks with a shortcut mostly do."""
    for inner in module.m:
        last: Any = inner.conv[2]
        for norm in (last.cv1.bn, last.cv2.bn):
            norm.weight.zero_()
            norm.bias.zero_()


def _same_shape(one: Conv, two: Conv) -> bool:
    return one.conv.weight.shape == two.conv.weight.shape and one.conv.groups == two.conv.groups


def _pointwise_then_depthwise(kernel: Tensor, new: Any) -> None:
    """Write the best pointwise row and spatial filter of each output channel: the mirror image of `factorise`."""
    flipped = kernel.permute(1, 0, 2, 3)  # C × c2 × k × k, factorised over the output channels
    filters, rows = factorise(flipped, 1)
    shaped = filters.view(kernel.shape[0], *kernel.shape[2:]).float()
    sign = torch.where(shaped.sum((1, 2)) < 0, -1.0, 1.0)
    new.cv1.conv.weight.copy_((rows.float() * sign[:, None]).view_as(new.cv1.conv.weight))
    _fill(new.cv2.conv, shaped * sign[:, None, None])


def _plant(block: nn.Module, filters: Tensor | None) -> None:
    """Write filters into the first depthwise convolution of a block, centred ones into those of the next blocks."""
    for index, conv in enumerate(_first_depthwise(block)):
        fits = filters is not None and index == 0 and len(filters) == conv.in_channels
        _fill(conv, filters if fits else None)


def _first_depthwise(block: nn.Module) -> list[nn.Conv2d]:
    """Return the convolution of each inner block that sees space first, where it is depthwise."""
    if isinstance(block, nn.Sequential) and not isinstance(block, Conv2dNormActivation):
        return [conv for module in block for conv in _first_depthwise(module)]
    if isinstance(block, CIB):
        return [block.cv1[0].conv]
    if isinstance(block, ShuffleUnit):
        return [conv for branch in (block.branch1, block.branch2) for conv in branch if _is_depthwise(conv)]
    if isinstance(block, (MobileBlock, MBConv)):
        return [conv for part in block.block for conv in part.children() if _is_depthwise(conv)]
    conv = block.conv if isinstance(block, Conv) else None
    return [conv] if conv is not None and _is_depthwise(conv) else []


def _is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1


def _fill(conv: nn.Conv2d, filters: Tensor | None) -> None:
    """Write filters into a depthwise convolution, cropped or padded to its kernel.

    Without any, each filter becomes the sum of its centre and of what it was: it sees the middle and, less, around it.
    """
    side = conv.kernel_size[0]
    fresh = conv.weight[:, 0]
    fresh = fresh / fresh.square().sum((1, 2), keepdim=True).sqrt().clamp_min(1e-12)
    if filters is None:
        planted = fresh / 2
        planted[:, side // 2, side // 2] += 1
    else:
        planted = torch.zeros_like(fresh)
        size = min(side, filters.shape[-1])
        here, there = (side - size) // 2, (filters.shape[-1] - size) // 2
        planted[:, here : here + size, here : here + size] = filters[
            :, there : there + size, there : there + size
        ]
    conv.weight.copy_(planted[:, None])
