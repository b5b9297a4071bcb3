"""What of a standard module's weights fits into a block of another kind, without looking at any data."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from ultralytics.nn.modules import C3, C2f, C3Ghost, Conv, GhostConv, RepConv

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
from app.engine.planting import plant, plant_inside


@torch.no_grad()
def transplant(old: nn.Module, new: nn.Module) -> set[nn.Module]:
    """Carry over what fits; everything else stays fresh.

    * a GhostConv's own half of the channels are those of the standard convolution;
    * modules in the manner of a C3 keep the convolutions of the same shape at both ends;
    * depthwise filters are the leading spatial factors of the standard kernel's input channels, centred where there
      is no kernel: what a depthwise filter sees first is then what the standard module saw. The activation behind it
      gets numbers that it hardly bends, for the standard convolution had none there;
    * the narrow convolution of a fused block makes the leading outputs of the standard kernel;
    * a squeeze-and-excitation weighs all channels alike.

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
        if isinstance(new, C2f):
            plant_inside(new, old)
        return _ends(old, new)
    dense = isinstance(old, Conv) and old.conv.groups == 1
    plant(new, old if dense else None)
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
