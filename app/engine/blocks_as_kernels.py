"""Blocks seen as one convolution and one affine map, and written back as such.

A standard Conv computes act(s·(W∗x) + t) with s and t from its BatchNorm. A separable block computes the same with a W
that is a product. What is written keeps a promise that training relies on: the running statistics of every BatchNorm
are those of its real input, so that a step in training mode starts from what validation saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import (
    C2,
    C3,
    A2C2f,
    BottleneckCSP,
    C2f,
    Conv,
    RepC3,
    RepConv,
    RepNCSPELAN4,
)

from app.engine.deployed import ungrouped
from app.engine.factorise import as_kernel, as_matrix, project
from app.engine.least_squares import compose

_LAST = (
    ((C3, RepC3), "cv3"),
    ((C2, C2f, A2C2f), "cv2"),
    ((RepNCSPELAN4, BottleneckCSP), "cv4"),
)
"""Which convolution makes the output of modules that join several ways."""

LIFT = 2.0
"""Mean, in deviations, of what an activation reads that shall hardly bend it: SiLU is nearly straight about 2."""

LIFT_BENT = 1.5
"""The same where no activation follows the block, and its output must be bent by this one as the standard one is."""

QUIETLY = 0.1
"""Deviation of what it reads that shall be bent as little, with a mean of zero."""


@dataclass(frozen=True)
class Affine:
    """What a BatchNorm does in eval mode: y → scale · y + shift, one each per channel, float64."""

    scale: Tensor
    shift: Tensor


def is_separable(module: nn.Module) -> bool:
    """Say whether a module is our depthwise convolution followed by a pointwise one, with nothing in between."""
    if not isinstance(module, nn.Sequential) or len(module) != 2:
        return False
    first, last = module
    return (
        isinstance(first, Conv)
        and isinstance(last, Conv)
        and isinstance(first.act, nn.Identity)
        and first.conv.groups == first.conv.in_channels
        and last.conv.kernel_size == (1, 1)
    )


def is_linear(module: nn.Module) -> bool:
    """Say whether a module is one linear map, a BatchNorm and an activation: a kernel says all about it."""
    return isinstance(module, (Conv, nn.Conv2d, RepConv)) or is_separable(module)


def first_conv(module: nn.Module) -> nn.Conv2d:
    """Return the convolution that reads the input of a linear module."""
    inner: Any = module[0] if isinstance(module, nn.Sequential) else module
    return _plain(inner)


def last_conv(module: nn.Module) -> nn.Conv2d:
    """Return the convolution that makes a module's output, before BatchNorm and activation.

    Raises:
        ValueError: the output is not made by a convolution alone.
    """
    inner = _output(module)
    if inner is None:
        raise ValueError(f"the output of a {type(module).__name__} is not made by one convolution")
    return _plain(inner)


def last_norm(module: nn.Module) -> nn.BatchNorm2d | None:
    """Return the BatchNorm behind `last_conv`, or None."""
    inner: Any = _output(module)
    return inner.bn if isinstance(inner, Conv) else None


def ends_in_convolution(module: nn.Module) -> bool:
    """Say whether one convolution makes a module's output, so that `last_conv` returns it."""
    return _output(module) is not None


def _plain(inner: Any) -> nn.Conv2d:
    """Return the convolution inside a Conv, and the widest branch of a RepConv."""
    if isinstance(inner, RepConv):
        inner = inner.conv1
    conv: nn.Conv2d = inner.conv if isinstance(inner, Conv) else inner
    return conv


def _output(module: nn.Module) -> Any:
    """Return the Conv, bare convolution or RepConv that makes a module's output, or None."""
    if isinstance(module, nn.Sequential):
        return _output(module[-1])
    if isinstance(module, (Conv, nn.Conv2d, RepConv)):
        return module
    if isinstance(module, A2C2f) and module.gamma is not None:
        return None
    for kinds, name in _LAST:
        if isinstance(module, kinds):
            last = getattr(module, name)
            return last if isinstance(last, Conv) else None
    return None


def affine(norm: nn.BatchNorm2d | None, channels: int) -> Affine:
    """Return what a BatchNorm does in eval mode; None does nothing."""
    if norm is None or norm.running_mean is None or norm.running_var is None:
        return Affine(torch.ones(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64))
    scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    return Affine(scale, norm.bias.detach().double() - scale * norm.running_mean.double())


def dense_kernel(module: nn.Module) -> tuple[Tensor, Tensor]:
    """Return the kernel C·K × c2 that makes the input of the block's last BatchNorm, and the constant added to it."""
    conv = last_conv(module)
    if not is_separable(module):
        constant = torch.zeros(conv.out_channels, dtype=torch.float64)
        if conv.bias is not None:
            constant = conv.bias.detach().double()
        return as_matrix(ungrouped(conv)), constant
    depthwise: Any = module[0]  # type: ignore[index]
    between = affine(depthwise.bn, depthwise.conv.out_channels)
    channels = depthwise.conv.in_channels
    rank = depthwise.conv.out_channels // channels
    filters = depthwise.conv.weight.detach().double().reshape(channels, rank, -1)
    filters = filters * between.scale.view(channels, rank, 1)
    pointwise = conv.weight.detach().double().flatten(1).T
    return compose(filters, pointwise), between.shift @ pointwise


@torch.no_grad()
def merged(block: RepConv) -> Conv:
    """Return a RepConv in eval mode as one Conv that computes the same, its BatchNorm adding no more than a bias."""
    kernel, bias = block.get_equivalent_kernel_bias()
    conv = block.conv1.conv
    made = Conv(conv.in_channels, conv.out_channels, 3, conv.stride, 1, g=block.g, act=block.act)
    made.conv.weight.copy_(kernel)
    made.bn.eps = block.conv1.bn.eps
    make_affine(made.bn, Affine(torch.ones(len(bias)), bias.double()), bias * 0, bias * 0 + 1)
    return made.requires_grad_(False).eval()


def merge_branches(model: nn.Module) -> None:
    """Put one Conv in the place of every RepConv, so that its output before the activation is that of a convolution."""
    for path, module in list(model.named_modules()):
        if isinstance(module, RepConv):
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, merged(module))


@torch.no_grad()
def write_separable(block: nn.Module, filters: Tensor, pointwise: Tensor) -> None:
    """Write depthwise filters (C × r × K) and pointwise weights (C·r × c2); the BatchNorms stay as they are."""
    first, last = first_conv(block), last_conv(block)
    first.weight.copy_(filters.reshape(first.weight.shape))
    last.weight.copy_(pointwise.T.reshape(last.weight.shape))


@torch.no_grad()
def write_kernel(module: nn.Module, matrix: Tensor) -> None:
    """Write a kernel C·K × c2 into an ordinary or grouped convolution; what lies outside the groups is dropped.

    The two branches of a RepConv share the centre of the kernel equally.
    """
    conv = last_conv(module)
    full = as_kernel(matrix, (conv.out_channels, conv.in_channels, *conv.kernel_size))
    kernel = project(full, conv.groups)
    conv.weight.copy_(kernel)
    if isinstance(module, RepConv):
        branch: Any = module.conv2
        branch.conv.weight.copy_(kernel[:, :, 1:2, 1:2] / 2)
        conv.weight[:, :, 1, 1].div_(2)


@torch.no_grad()
def make_identity(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    """Let a BatchNorm do nothing to an input of this mean and variance, in training mode as in eval mode."""
    _set_statistics(norm, mean, variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(mean)


@torch.no_grad()
def make_affine(norm: nn.BatchNorm2d, wanted: Affine, mean: Tensor, variance: Tensor) -> None:
    """Let a BatchNorm do y → scale·y + shift to an input of this mean and variance, in either mode."""
    _set_statistics(norm, mean, variance)
    norm.weight.copy_(wanted.scale * (variance + norm.eps).sqrt())
    norm.bias.copy_(wanted.scale * mean + wanted.shift)


@torch.no_grad()
def take_statistics(norm: nn.Module, inputs: Tensor) -> None:
    """Set a BatchNorm's statistics to those of `inputs`, N × C × H × W, without changing what it does in eval mode."""
    assert isinstance(norm, nn.BatchNorm2d)
    variance, mean = moments(inputs)
    make_affine(norm, affine(norm, len(mean)), mean, variance)


@torch.no_grad()
def normalise(norm: nn.Module, inputs: Tensor) -> None:
    """Set a BatchNorm's statistics to those of `inputs`, N × C × H × W, keeping its weights: as training would."""
    assert isinstance(norm, nn.BatchNorm2d)
    variance, mean = moments(inputs)
    _set_statistics(norm, mean, variance)


def moments(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Return variance and mean of each channel of N × C × H × W, in float64, whatever its length."""
    count = inputs.numel() // inputs.shape[1]
    mean = (
        sum((part.sum((0, 2, 3), dtype=torch.float64) for part in inputs.split(8)), torch.zeros(())) / count
    )
    centre = mean.float().view(1, -1, 1, 1)
    power = sum(
        ((part - centre).square().sum((0, 2, 3), dtype=torch.float64) for part in inputs.split(8)),
        torch.zeros(()),
    )
    return power / count, mean


def _set_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
