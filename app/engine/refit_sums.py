"""Sampled positions with what is wanted there, and their normal equations."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from torch import Tensor, nn

from app.engine.least_squares import EXACT_SIZE, Sums
from app.engine.positions import Positions, patches

BEFORE, BEHIND = "before", "behind"
"""What is looked at of a module: what its last convolution makes, before BatchNorm and activation, or its output."""


@dataclass(frozen=True)
class Sample:
    """Sampled positions, and what the standard module and the modules in it make there, part by part.

    Attributes:
        positions: where.
        made: path below the standard module, "" for itself, with BEFORE or BEHIND → S × C of each part.
    """

    positions: Positions
    made: defaultdict[tuple[str, str], list[Tensor]] = field(default_factory=lambda: defaultdict(list))

    @property
    def outputs(self) -> list[Tensor]:
        """The standard module's output before its last BatchNorm."""
        return self.made["", BEFORE]

    @property
    def ends(self) -> list[Tensor]:
        """Its output behind the last activation; kept only for blocks that are no linear map."""
        return self.made["", BEHIND]


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
