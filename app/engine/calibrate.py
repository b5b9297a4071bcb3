"""Sets the BatchNorms of new blocks to what really flows through them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from ultralytics.nn.modules import RepConv

from app.engine.blocks_as_kernels import (
    is_separable,
    make_identity,
    moments,
    normalise,
    take_statistics,
)
from app.engine.walk import Walk


@torch.no_grad()
def calibrate(
    model: nn.Module,
    blocks: Iterable[str],
    pictures: Tensor,
    recalibrate: bool,
    normalised: Collection[nn.Module] = (),
    behind: bool = True,
) -> None:
    """Make the BatchNorm inside separable blocks an identity, in training mode as in eval mode.

    Its statistics become those of what it really reads, its affine undoes them, and the filters before it are scaled
    so that the variance is 1, which suits float16 and weight decay. Those of the branches of a RepConv take their
    statistics without changing what they do.

    Args:
        model: a detection model in eval mode; it is changed.
        blocks: paths of blocks with factorised weights.
        pictures: N × 3 × H × W.
        recalibrate: also take the statistics of every other BatchNorm behind the first such block from the pictures,
            keeping its affine: its output then has the mean and variance it had in the standard model.
        normalised: fresh BatchNorms, which take their statistics from the pictures in any case.
        behind: whether to spare what stands before the first such block.
    """
    between: dict[nn.Module, nn.Sequential] = {}
    branches: set[nn.Module] = set()
    swapped: set[nn.Module] = set()
    for path in blocks:
        block: Any = model.get_submodule(path)
        swapped.update(block.modules())
        if is_separable(block):
            between[block[0].bn] = block
        if isinstance(block, RepConv):
            branches.update(part for part in block.modules() if isinstance(part, nn.BatchNorm2d))
    reached = [not behind]

    def hook(norm: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor] | None:
        assert isinstance(norm, nn.BatchNorm2d)
        reached[0] = reached[0] or norm in swapped
        if norm in between:
            return (_identity(between[norm], norm, inputs[0]),)
        if norm in branches:
            take_statistics(norm, inputs[0])
        elif norm in normalised or (recalibrate and reached[0]):
            normalise(norm, inputs[0])
        return None

    hooks = [m.register_forward_pre_hook(hook) for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    try:
        walk = Walk(model, pictures)
        for _ in range(walk.length):
            walk.step(len(pictures))
    finally:
        for handle in hooks:
            handle.remove()


def _identity(block: nn.Sequential, norm: nn.BatchNorm2d, inputs: Tensor) -> Tensor:
    first: Any = block[0]
    last: Any = block[1]
    variance, mean = moments(inputs)
    size = variance.sqrt()
    size = torch.where(size > 1e-6, size, torch.ones_like(size))
    first.conv.weight.div_(size.view(-1, 1, 1, 1))
    last.conv.weight.mul_(size.view(1, -1, 1, 1))
    make_identity(norm, mean / size, variance / size.square())
    return inputs / size.float().view(1, -1, 1, 1)


def made_up_pictures(count: int, side: int, seed: int = 0) -> Tensor:
    """Return pictures of random blotches of all sizes, N × 3 × side × side, for when there are no real ones."""
    generator = torch.Generator().manual_seed(seed)
    total = torch.zeros(count, 3, side, side)
    grain = 2
    while grain <= side:
        coarse = torch.randn(count, 3, grain, grain, generator=generator)
        total += (
            functional.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
            / grain**0.5
        )
        grain *= 2
    return (total * 0.25 + 0.45).clamp_(0, 1)
