"""Ridge least squares for depthwise convolutions: every channel for itself, from its own taps alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.engine.positions import Positions, patches

RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Ridges to choose from, as shares of the taps' mean variance."""


@dataclass(frozen=True)
class Seen:
    """What is known of a convolution that is to be fitted.

    Attributes:
        inputs: what it reads, N × C × H × W.
        conv: the convolution.
        positions: of its output, where it is known what is wanted.
        wanted: what it, or the pointwise convolution behind it, should make there, S × c2.
        importance: how much an error of each of these outputs matters, c2.
    """

    inputs: Tensor
    conv: nn.Conv2d
    positions: Positions
    wanted: Tensor
    importance: Tensor

    @property
    def pictures(self) -> int:
        """How many pictures it reads."""
        return len(self.inputs)


@dataclass(frozen=True)
class DepthwiseFit:
    """The best filters.

    Attributes:
        filters: C × K, float64.
        bias: C.
        mean, variance: of what the filters make of the data, without the bias, C.
    """

    filters: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor


class _Sums:
    """Weighted sums about an origin, channel by channel: Σ w p pᵀ, Σ w p y, Σ w p, Σ w y, Σ w y²."""

    def __init__(self, origin: tuple[Tensor, Tensor]) -> None:
        self.origin = origin
        channels, taps = origin[0].shape
        self.gram = torch.zeros(channels, taps, taps, dtype=torch.float64)
        self.cross, self.inputs = (torch.zeros(channels, taps, dtype=torch.float64) for _ in range(2))
        self.outputs, self.power = (torch.zeros(channels, dtype=torch.float64) for _ in range(2))
        self.count = 0.0

    def add(self, patches: Tensor, wanted: Tensor, weight: Tensor) -> None:
        """Add samples: S × C × K, S × C, S."""
        p = (patches - self.origin[0]).double()
        y = (wanted - self.origin[1]).double()
        heavy = p * weight.double()[:, None, None]
        self.gram += torch.einsum("sck,scl->ckl", heavy, p)
        self.cross += torch.einsum("sck,sc->ck", heavy, y)
        self.inputs += heavy.sum(0)
        self.outputs += (y * weight.double()[:, None]).sum(0)
        self.power += (y.square() * weight.double()[:, None]).sum(0)
        self.count += float(weight.sum())

    def __add__(self, other: _Sums) -> _Sums:
        both = _Sums(self.origin)
        for name in ("gram", "cross", "inputs", "outputs", "power", "count"):
            setattr(both, name, getattr(self, name) + getattr(other, name))
        return both

    def solve(self, ridge: float) -> Tensor:
        """Return the filters, C × K."""
        gram, cross, _, _, _ = self.centred()
        level = gram.diagonal(dim1=1, dim2=2).mean(1).clamp_min(1e-12)
        eye = torch.eye(gram.shape[1], dtype=torch.float64)
        return torch.linalg.solve(gram + (ridge * level)[:, None, None] * eye, cross)

    def centred(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return Gram matrices, cross products, means of taps and outputs (true ones), variances of the outputs."""
        n = max(self.count, 1e-30)
        p, y = self.inputs / n, self.outputs / n
        gram = self.gram / n - p[:, :, None] * p[:, None, :]
        cross = self.cross / n - p * y[:, None]
        power = (self.power / n - y.square()).clamp_min(0)
        return gram, cross, p + self.origin[0].double(), y + self.origin[1].double(), power

    def error(self, filters: Tensor, bias: Tensor) -> Tensor:
        """Return the mean squared error of filters with a bias, C."""
        gram, cross, p, y, power = self.centred()
        spread = torch.einsum("ck,ckl,cl->c", filters, gram, filters) - 2 * (filters * cross).sum(1) + power
        return spread.clamp_min(0) + (y - (filters * p).sum(1) - bias).square()


def fit_depthwise(seen: Seen) -> DepthwiseFit:
    """Return the best filters of a depthwise convolution without multiplier; the ridge is chosen on held-out pictures.

    What is wanted are its own outputs, S × C.
    """
    positions, wanted = seen.positions, seen.wanted
    sums: list[_Sums] = []
    last = positions.held_out(seen.pictures)
    for part, flat in patches(seen.inputs, seen.conv, positions):
        read = flat.view(len(flat), seen.conv.in_channels, -1)
        if not sums:
            origin = read.mean(0), wanted[part].mean(0)
            sums = [_Sums(origin), _Sums(origin)]
        border = min(max(last - part.start, 0), len(read))
        for half, rows in zip(sums, (slice(border), slice(border, None)), strict=True):
            half.add(read[rows], wanted[part][rows], positions.weight[part][rows])
    fit, held_out = sums
    ridge = RIDGES[2]
    if fit.count and held_out.count:
        tried = {}
        for choice in RIDGES:
            filters = fit.solve(choice)
            _, _, p, y, _ = fit.centred()
            error = held_out.error(filters, y - (filters * p).sum(1))
            tried[choice] = float((error * seen.importance.square()).sum())
        ridge = min(tried, key=tried.__getitem__)
    everything = fit + held_out
    filters = everything.solve(ridge)
    gram, _, p, y, _ = everything.centred()
    mean = (filters * p).sum(1)
    return DepthwiseFit(filters, y - mean, mean, torch.einsum("ck,ckl,cl->c", filters, gram, filters))
