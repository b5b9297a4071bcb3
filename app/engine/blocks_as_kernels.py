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
from ultralytics.nn.modules import Conv

from app.engine.factorise import as_kernel, as_matrix
from app.engine.least_squares import compose


@dataclass(frozen=True)
class Affine:
    """What a BatchNorm does in eval mode: y → scale · y + shift, one each per channel, float64."""

    scale: Tensor
    shift: Tensor


def is_separable(module: nn.Module) -> bool:
    """Say whether a module is our depthwise convolution followed by a pointwise one."""
    if not isinstance(module, nn.Sequential) or len(module) != 2:
        return False
    first, last = module
    return (
        isinstance(first, Conv)
        and isinstance(last, Conv)
        and first.conv.groups == first.conv.in_channels
        and last.conv.kernel_size == (1, 1)
    )


def first_conv(module: nn.Module) -> nn.Conv2d:
    """Return the convolution that reads the block's input."""
    inner: Any = module[0] if isinstance(module, nn.Sequential) else module
    conv: nn.Conv2d = inner.conv if isinstance(inner, Conv) else inner
    return conv


def last_conv(module: nn.Module) -> nn.Conv2d:
    """Return the convolution that makes the block's output, before BatchNorm and activation."""
    inner: Any = module[-1] if isinstance(module, nn.Sequential) else module
    conv: nn.Conv2d = inner.conv if isinstance(inner, Conv) else inner
    return conv


def last_norm(module: nn.Module) -> nn.BatchNorm2d | None:
    """Return the BatchNorm behind `last_conv`, or None."""
    inner: Any = module[-1] if isinstance(module, nn.Sequential) else module
    return inner.bn if isinstance(inner, Conv) else None


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
def write_separable(block: nn.Module, filters: Tensor, pointwise: Tensor) -> None:
    """Write depthwise filters (C × r × K) and pointwise weights (C·r × c2); the BatchNorms stay as they are."""
    first, last = first_conv(block), last_conv(block)
    first.weight.copy_(filters.reshape(first.weight.shape))
    last.weight.copy_(pointwise.T.reshape(last.weight.shape))


@torch.no_grad()
def write_kernel(module: nn.Module, matrix: Tensor) -> None:
    """Write a kernel C·K × c2 into an ordinary or grouped convolution; what lies outside the groups is dropped."""
    from app.engine.factorise import project

    conv = last_conv(module)
    full = as_kernel(matrix, (conv.out_channels, conv.in_channels, *conv.kernel_size))
    conv.weight.copy_(project(full, conv.groups))


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
