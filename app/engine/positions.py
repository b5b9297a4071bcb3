"""Output positions of a convolution, sampled from many pictures, and the patches it reads there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_PART_NUMBERS = 8 * 2**20
_PICTURES = 16


@dataclass(frozen=True)
class Positions:
    """Output positions in the order of their pictures.

    Attributes:
        picture, row, column: of each position.
        weight: how much each counts; 1 on average.
    """

    picture: Tensor
    row: Tensor
    column: Tensor
    weight: Tensor

    @classmethod
    def choose(
        cls, shape: tuple[int, int, int], wanted: int, density: Tensor | None, generator: torch.Generator
    ) -> Positions:
        """Choose positions at random, or all where there are not more than wanted.

        Args:
            shape: pictures, rows, columns.
            wanted: how many to choose.
            density: how much each position matters, of that shape, positive; None is the same for all.
            generator: of the randomness.
        """
        total = shape[0] * shape[1] * shape[2]
        likely = torch.ones(total) if density is None else density.reshape(-1)
        if total <= wanted:
            flat, weight = torch.arange(total), likely
        else:
            # Drawn with replacement in proportion to the density; drawn twice counts twice.
            ladder = likely.double().cumsum(0)
            drawn = torch.rand(wanted, generator=generator, dtype=torch.float64) * ladder[-1]
            found = torch.searchsorted(ladder, drawn).clamp_max(total - 1)
            flat, times = found.unique(return_counts=True)
            weight = times.float()
        plane = shape[1] * shape[2]
        return cls(flat // plane, flat % plane // shape[2], flat % shape[2], weight / weight.mean())

    def __len__(self) -> int:
        return len(self.picture)

    def held_out(self, pictures: int) -> int:
        """Return the first position to hold out: those of the last quarter of the pictures, or of too few their own."""
        if pictures < 4:
            return len(self) - len(self) // 4
        return int(torch.searchsorted(self.picture, pictures - pictures // 4))

    def of_pictures(self, start: int, stop: int) -> slice:
        """Return which positions lie in pictures `start` to `stop`."""
        ends = torch.searchsorted(self.picture, torch.tensor([start, stop]))
        return slice(int(ends[0]), int(ends[1]))

    def take(self, output: Tensor, start: int) -> Tensor:
        """Return the outputs at these positions, S × C, of a part N × C × H × W that begins with picture `start`."""
        part = self.of_pictures(start, start + len(output))
        picture, row, column = self.picture[part] - start, self.row[part], self.column[part]
        return output[picture, :, row, column]


def patches(inputs: Tensor, conv: nn.Conv2d, positions: Positions) -> Iterator[tuple[slice, Tensor]]:
    """Yield what a convolution reads at sampled positions, part by part, so that memory stays bounded.

    Args:
        inputs: N × C × H × W.
        conv: whose kernel, stride and padding count; square or not.
        positions: sampled output positions.

    Yields:
        Which positions, and their patches, S × C·K, channels first, then taps by row.
    """
    high, wide = conv.kernel_size
    length = max(_PART_NUMBERS // (inputs.shape[1] * high * wide), 256)
    for start in range(0, len(inputs), _PICTURES):
        rows = positions.of_pictures(start, start + _PICTURES)
        if rows.start == rows.stop:
            continue
        (top, left) = conv.padding if isinstance(conv.padding, tuple) else (0, 0)
        field = functional.pad(
            inputs[start : start + _PICTURES].permute(0, 2, 3, 1), (0, 0, left, left, top, top)
        )
        for first in range(rows.start, rows.stop, length):
            part = slice(first, min(first + length, rows.stop))
            yield part, _gather(field, conv, positions, part, start)


def _gather(field: Tensor, conv: nn.Conv2d, positions: Positions, part: slice, start: int) -> Tensor:
    """Return the patches of one part from a padded N × H × W × C field."""
    _, height, width, channels = field.shape
    row = positions.row[part] * conv.stride[0]
    column = positions.column[part] * conv.stride[1]
    corner = ((positions.picture[part] - start) * height + row) * width + column
    flat = field.reshape(-1, channels)
    taps = [
        flat.index_select(0, corner + down * width + across)
        for down in range(conv.kernel_size[0])
        for across in range(conv.kernel_size[1])
    ]
    return torch.stack(taps, 2).flatten(1)
