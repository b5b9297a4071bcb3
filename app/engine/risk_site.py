"""The risk of swaps at one convolution: the best refit of each form, and what it leaves wrong.

Everything else is standard, so the module's input and the wanted output are the standard model's own. Sampled
positions are summed up once; every form is then fitted from the same sums.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.core.design import Swap
from app.core.risk import Risk
from app.core.sites import Site
from app.engine.attention import Attention
from app.engine.blocks_as_kernels import last_conv
from app.engine.least_squares import EXACT_SIZE, Sums
from app.engine.models import make_block
from app.engine.positions import Positions, patches
from app.engine.refit_module import fit_module


@dataclass(frozen=True)
class RiskSettings:
    """How thoroughly to measure.

    Attributes:
        pictures: how many training pictures to look at.
        positions: output positions sampled for each module, from all pictures together.
        per_input: at least so many for each number that an output depends on.
        check: further positions on which errors are measured.
        rounds: how often filters and pointwise weights are improved in turn.
        seed: of the sampling.
    """

    pictures: int = 32
    positions: int = 8_192
    per_input: int = 4
    check: int = 4_096
    rounds: int = 3
    seed: int = 0


FITTED = frozenset({"separable", "dwconv"})
"""Kinds that are one linear map in front of a BatchNorm, so that least squares fit them in closed form."""


@dataclass(frozen=True)
class _Samples:
    """What a convolution reads and makes at sampled positions."""

    read: Tensor
    made: Tensor
    weight: Tensor


class SiteRisk:
    """Measures swaps of one convolution.

    Args:
        old: the standard module.
        place: its site.
        attention: which positions and channels of its output the predictions hear.
        heard: squared movement of the predictions for each unit of squared error of a channel, on average over
            positions, c2; see `channel_weights`.
        settings: how thoroughly.
    """

    def __init__(
        self, old: nn.Module, place: Site, attention: Attention, heard: Tensor, settings: RiskSettings
    ) -> None:
        self.old, self.place, self.attention, self.heard = old, place, attention, heard
        self.settings = settings
        self._generator = torch.Generator().manual_seed(settings.seed)

    def measure(self, inputs: Tensor, output: Tensor, swaps: Sequence[Swap]) -> Iterator[tuple[Swap, Risk]]:
        """Yield each swap with its risk.

        Args:
            inputs: what the convolution reads, N × c1 × H × W.
            output: what it makes, before BatchNorm.
            swaps: of kinds in `FITTED`.
        """
        conv = last_conv(self.old)
        shape = count, height, width = len(output), output.shape[2], output.shape[3]
        density = self.attention.density(self.place.path, height, width)
        sums = self._sum_up(inputs, output, conv, density)
        even = self._take(
            inputs, output, conv, Positions.choose(shape, self.settings.check, None, self._generator)
        )
        seen = self.attention.maps.get(self.place.path)
        listened = even
        if seen is not None and tuple(seen.shape) == (count, height, width):
            # A thousandth everywhere: a position that nothing hears may be drawn, but hardly ever is.
            loud = Positions.choose(shape, self.settings.check, seen + 1e-3 * seen.mean(), self._generator)
            listened = self._take(inputs, output, conv, loud)
        for swap in swaps:
            new = make_block(self.old, swap, self.place)
            both = _copied(sums[0]), _copied(sums[1])
            scale = self.attention.scale(self.place.path)
            kernel = fit_module(new, self.old, both, scale, self.settings.rounds)
            yield swap, self._risk(kernel, even, listened)

    def _risk(self, kernel: Tensor, even: _Samples, listened: _Samples) -> Risk:
        error = even.made - even.read @ kernel
        bias = error.mean(0)
        left = (error - bias).square().sum()
        whole = (even.made - even.made.mean(0)).square().sum().clamp_min(1e-30)
        loud = (listened.made - listened.read @ kernel - bias).square()
        channels = (loud * listened.weight[:, None]).sum(0)
        return Risk(float((self.heard * channels).sum()), float(left / whole))

    def _sum_up(
        self, inputs: Tensor, output: Tensor, conv: nn.Conv2d, density: Tensor | None
    ) -> tuple[Sums, Sums]:
        """Return the normal equations of pictures to fit on, and of those held out."""
        count, _, height, width = output.shape
        size = conv.in_channels * conv.kernel_size[0] * conv.kernel_size[1]
        number = max(self.settings.positions, self.settings.per_input * size)
        positions = Positions.choose((count, height, width), number, density, self._generator)
        made = positions.take(output, 0)
        last = positions.held_out(count) if size <= EXACT_SIZE else len(positions)
        sums: list[Sums] = []
        for part, read in patches(inputs, conv, positions):
            if not sums:
                origin = read.mean(0), made[part].mean(0)
                sums = [Sums(conv.in_channels, origin), Sums(conv.in_channels, origin)]
            border = min(max(last - part.start, 0), len(read))
            for half, rows in zip(sums, (slice(border), slice(border, None)), strict=True):
                half.add(read[rows], made[part][rows], positions.weight[part][rows])
        return sums[0], sums[1]

    @staticmethod
    def _take(inputs: Tensor, output: Tensor, conv: nn.Conv2d, positions: Positions) -> _Samples:
        read = torch.cat([read for _, read in patches(inputs, conv, positions)]).double()
        weight = positions.weight.double()
        return _Samples(read, positions.take(output, 0).double(), weight / weight.sum())


def channel_weights(attention: Attention, path: str, channels: int, detections: float) -> Tensor:
    """Return how much the predictions move when a channel of a module's output is wrong, c2, float64.

    Args:
        attention: of a trained model.
        path: the module.
        channels: c2.
        detections: sum of the squared weights with which the predictions were summed.

    Returns:
        Σ over positions of the squared gradient, per unit of `detections`: times the mean squared error of the
        channel at positions drawn in proportion to the squared gradient, it is the mean squared movement of a logit.
    """
    scale, seen = attention.scales.get(path), attention.maps.get(path)
    if scale is None or seen is None:
        return torch.zeros(channels, dtype=torch.float64)
    share = scale.square()
    total = float(seen.sum(dtype=torch.float64)) * channels
    return share * (total / max(float(share.sum()), 1e-30) / max(detections, 1e-30))


def _copied(sums: Sums) -> Sums:
    """Return sums that may be used up."""
    other = copy.copy(sums)
    for name in ("gram", "cross", "power", "inputs", "outputs"):
        setattr(other, name, getattr(sums, name).clone())
    return other
