"""First filters of fresh blocks, made of a standard kernel or centred: what a block sees before any of it is fitted."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.efficientnet import FusedMBConv, MBConv
from torchvision.models.mobilenetv3 import InvertedResidual as MobileBlock
from torchvision.models.shufflenetv2 import InvertedResidual as ShuffleUnit
from torchvision.ops import SqueezeExcitation
from ultralytics.nn.modules import CIB, C2f, Conv, SCDown

from app.engine.blocks_as_kernels import LIFT, QUIETLY, affine
from app.engine.factorise import factorise
from app.engine.stages import repeated
from app.engine.stages_inside import inside_of, order_of


@torch.no_grad()
def plant(block: nn.Module, old: Any) -> None:
    """Write filters into a block.

    Args:
        block: fresh.
        old: the standard Conv, or None where a whole module is replaced.
    """
    for module in block.modules():
        if isinstance(module, SqueezeExcitation):
            for tensor in (module.fc2.weight, module.fc2.bias):
                nn.init.zeros_(tensor)
    for index, module in enumerate(_in_a_row(block)):
        _plant(module, old if index == 0 else None)


@torch.no_grad()
def plant_inside(block: C2f, old: nn.Module) -> None:
    """Write filters into the inner blocks of a C2fCIB: those of the bottlenecks in their place, two a channel."""
    inside = inside_of(old)
    bottlenecks: list[Any] = [*inside.inner] if inside is not None else []
    for index, inner in enumerate(block.m):
        if isinstance(inner, CIB):
            _plant(inner, None)
            if index < len(bottlenecks) and inside is not None and block.c <= len(inside.weights):
                _plant_factors(inner, bottlenecks[index])


def _plant_factors(new: Any, old: Any) -> None:
    conv, norm = _middle(new)
    channels, side = old.cv2.conv.in_channels, old.cv2.conv.kernel_size[0]
    filters, _ = factorise(old.cv2.conv.weight, 2)
    order = repeated(order_of(old), conv.out_channels)
    rank = (torch.arange(len(order)) // channels).clamp_max(1)
    chosen = filters.view(channels, 2, side, side).float()[order, rank]
    write_filters(conv, chosen * torch.where(chosen.sum((1, 2), keepdim=True) < 0, -1.0, 1.0))
    _lift(norm)


def _middle(block: Any) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """Return the depthwise convolution in the middle of a CIB; of two branches the small one, the other silenced."""
    middle = block.cv1[2]
    if not isinstance(middle, Conv):
        nn.init.zeros_(middle.conv.bn.weight)
        middle = middle.conv1
    return middle.conv, middle.bn


def _in_a_row(block: nn.Module) -> list[nn.Module]:
    if not isinstance(block, nn.Sequential):
        return [block]
    return [module for part in block for module in _in_a_row(part)]


def _plant(module: Any, old: Any) -> None:
    kernel = None if old is None else old.conv.weight
    if isinstance(module, SCDown) and old is not None:
        _pointwise_then_depthwise(old.conv.weight, module)
    elif isinstance(module, CIB):
        _fill(module.cv1[0].conv, kernel)
        _lift(module.cv1[0].bn)
        conv, norm = _middle(module)
        _fill(conv, None)
        _lift(norm)
    elif isinstance(module, ShuffleUnit):
        for branch in (module.branch1, module.branch2):
            for conv in (part for part in branch if _is_depthwise(part)):
                _fill(conv, kernel)
        _pass_on(module.branch2[0], module.branch2[1])
    elif isinstance(module, FusedMBConv) and old is not None:
        _principal(module.block[0], old)
    elif isinstance(module, (MobileBlock, MBConv)):
        for part in module.block:
            inner: list[Any] = list(part.children())
            if isinstance(part, nn.Sequential) and _is_depthwise(inner[0]):
                _fill(inner[0], kernel)
                if old is not None:
                    _lift(inner[1])
    elif isinstance(module, Conv) and _is_depthwise(module.conv):
        _fill(module.conv, kernel)
        _lift(module.bn)


def leading_filters(kernel: Tensor) -> Tensor:
    """Return for each input channel the spatial filter that explains most of its kernel, C × k × k, of positive sum."""
    filters, _ = factorise(kernel, 1)
    shaped = filters.view(kernel.shape[1], *kernel.shape[2:]).float()
    shaped = shaped * torch.where(shaped.sum((1, 2), keepdim=True) < 0, -1.0, 1.0)
    return shaped / shaped.square().sum((1, 2), keepdim=True).sqrt().clamp_min(1e-12)


def _lift(norm: nn.BatchNorm2d) -> None:
    """Let the activation behind a BatchNorm read numbers that it hardly bends."""
    nn.init.constant_(norm.bias, LIFT)


def _pass_on(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Let a pointwise convolution pass its input on, again and again where it has more outputs."""
    index = torch.arange(conv.out_channels)
    nn.init.zeros_(conv.weight)
    conv.weight[index, index % conv.in_channels] = 1.0
    nn.init.constant_(norm.weight, QUIETLY)


def _principal(first: Any, old: Any) -> None:
    """Let a narrow convolution make the leading outputs of a standard kernel, weighed as its BatchNorm does."""
    conv = first[0]
    kernel = old.conv.weight
    if conv.kernel_size != old.conv.kernel_size or len(first) < 2:
        return
    scale = affine(old.bn, len(kernel)).scale
    _, _, rows = torch.linalg.svd(kernel.double().flatten(1) * scale[:, None], full_matrices=False)
    count = min(len(rows), conv.out_channels)
    conv.weight[:count] = rows[:count].view(count, *kernel.shape[1:]).to(conv.weight.dtype)
    _lift(first[1])


def _pointwise_then_depthwise(kernel: Tensor, new: Any) -> None:
    """Write the best pointwise row and spatial filter of each output channel: the mirror image of `factorise`."""
    flipped = kernel.permute(1, 0, 2, 3)  # C × c2 × k × k, factorised over the output channels
    filters, rows = factorise(flipped, 1)
    shaped = filters.view(kernel.shape[0], *kernel.shape[2:]).float()
    sign = torch.where(shaped.sum((1, 2)) < 0, -1.0, 1.0)
    new.cv1.conv.weight.copy_((rows.float() * sign[:, None]).view_as(new.cv1.conv.weight))
    write_filters(new.cv2.conv, shaped * sign[:, None, None])


def _is_depthwise(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1


def _fill(conv: nn.Conv2d, kernel: Tensor | None) -> None:
    """Write filters into a depthwise convolution: those of a kernel, or centred ones.

    Without a kernel of as many channels each filter becomes the sum of its centre and of what it was: it sees the
    middle and, less, around it.
    """
    if kernel is not None and kernel.shape[1] == conv.in_channels:
        write_filters(conv, leading_filters(kernel))
        return
    fresh = conv.weight[:, 0]
    planted = fresh / fresh.square().sum((1, 2), keepdim=True).sqrt().clamp_min(1e-12) / 2
    planted[:, conv.kernel_size[0] // 2, conv.kernel_size[1] // 2] += 1
    conv.weight.copy_(planted[:, None])


def write_filters(conv: nn.Conv2d, filters: Tensor) -> None:
    """Write filters C × k × k, or C × k², into a depthwise convolution, cropped or padded to its kernel."""
    side = conv.kernel_size[0]
    if filters.dim() == 2:
        filters = filters.view(len(filters), *(int(filters.shape[1] ** 0.5),) * 2)
    planted = torch.zeros_like(conv.weight[:, 0])
    size = min(side, filters.shape[-1])
    here, there = (side - size) // 2, (filters.shape[-1] - size) // 2
    planted[:, here : here + size, here : here + size] = filters[
        :, there : there + size, there : there + size
    ].to(planted.dtype)
    conv.weight.copy_(planted[:, None])
