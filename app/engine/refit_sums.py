"""Sampled positions with what is wanted there, and their normal equations."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn

from app.engine.least_squares import EXACT_SIZE, Sums
from app.engine.positions import Positions, patches


@dataclass(frozen=True)
class Sample:
    """Sampled positions, and the standard module's outputs there, part by part.

    Attributes:
        positions: where.
        outputs: before the last BatchNorm.
        ends: behind the last activation; kept only for blocks that are no linear map.
    """

    positions: Positions
    outputs: list[Tensor] = field(default_factory=list)
    ends: list[Tensor] = field(default_factory=list)


def sum_up(
    inputs: Tensor, conv: nn.Conv2d, positions: Positions, wanted: Tensor, pictures: int
) -> tuple[Sums, Sums]:
    """Return the normal equations of a convolution on pictures to fit on, and of those held out.

    Args:
        inputs: what the convolution reads, N × C × H × W.
        conv: the convolution.
        positions: of its output.
        wanted: what it should make there, S × c2.
        pictures: N.
    """
    size = conv.in_channels * conv.kernel_size[0] * conv.kernel_size[1]
    # Of the largest only one Gram matrix is held: there is no choice of a ridge to make then.
    last = positions.held_out(pictures) if size <= EXACT_SIZE else len(positions)
    sums: list[Sums] = []
    for part, read in patches(inputs, conv, positions):
        if not sums:
            origin = read.mean(0), wanted[part].mean(0)
            sums = [Sums(conv.in_channels, origin), Sums(conv.in_channels, origin)]
        border = min(max(last - part.start, 0), len(read))
        for half, rows in zip(sums, (slice(border), slice(border, None)), strict=True):
            half.add(read[rows], wanted[part][rows], positions.weight[part][rows])
    return sums[0], sums[1]
