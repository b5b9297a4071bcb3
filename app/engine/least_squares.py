"""Ridge least squares for convolutions from normal equations: dense, grouped and depthwise separable.

A convolution sees C input channels through K = k² taps. For a sampled output position let p (C·K) be the patch it
reads and y (c2) the wanted output. Everything below minimises, over kernels W of some shape and any bias,

    Σ w ‖y − Wᵀp − b‖² + λ ‖W − W₀‖²

knowing only the centred sums G = Σ w p pᵀ and R = Σ w p yᵀ. The ridge draws towards a kernel W₀ that is right where
the data say nothing: the standard one. All matrices are float64 up to `EXACT_SIZE` rows, float32 above.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

EXACT_SIZE = 4096
"""Unknowns per output up to which the sums are solved in float64; above, memory counts for more."""

_JITTER = 1e-9


class Sums:
    """Adds up samples into normal equations.

    Args:
        channels: C.
        origin: a patch (C·K) and an output (c2) near the means; sums about them do not lose the digits that
            centring costs.
    """

    def __init__(self, channels: int, origin: tuple[Tensor, Tensor]) -> None:
        self.channels, self.origin = channels, origin
        size, outputs = len(origin[0]), len(origin[1])
        wide = torch.float64 if size <= EXACT_SIZE else torch.float32
        self.gram = torch.zeros(size, size, dtype=wide)
        self.cross = torch.zeros(size, outputs, dtype=wide)
        self.power = torch.zeros(outputs, dtype=torch.float64)
        self.inputs = torch.zeros(size, dtype=torch.float64)
        self.outputs = torch.zeros(outputs, dtype=torch.float64)
        self.count = 0.0

    def add(self, patches: Tensor, wanted: Tensor, weight: Tensor) -> None:
        """Add samples.

        Args:
            patches: S × C·K, float32; channels first, then taps.
            wanted: S × c2, float32.
            weight: S.
        """
        p, y = patches - self.origin[0], wanted - self.origin[1]
        heavy = y * weight[:, None]
        self.power += (y * heavy).sum(0, dtype=torch.float64)
        self.outputs += heavy.sum(0, dtype=torch.float64)
        self.cross += p.T @ heavy
        heavy = p * weight[:, None]
        self.inputs += heavy.sum(0, dtype=torch.float64)
        self.gram += p.T @ heavy
        self.count += float(weight.sum())

    def include(self, other: Sums) -> None:
        """Add everything that another one of the same origin has added up."""
        for name in ("gram", "cross", "power", "inputs", "outputs"):
            getattr(self, name).add_(getattr(other, name))
        self.count += other.count

    def equations(self) -> Equations:
        """Return the normal equations of what was added, per sample and centred."""
        n = max(self.count, 1e-30)
        p, y = self.inputs / n, self.outputs / n
        gram = (self.gram / n).addr_(p.to(self.gram.dtype), p.to(self.gram.dtype), alpha=-1)
        cross = (self.cross / n).addr_(p.to(self.gram.dtype), y.to(self.gram.dtype), alpha=-1)
        power = (self.power / n - y.square()).clamp_min(0)
        taps = len(p) // self.channels
        inputs, outputs = p + self.origin[0].double(), y + self.origin[1].double()
        return Equations(self.channels, taps, gram, cross, power, inputs, outputs)


@dataclass(frozen=True)
class Equations:
    """Centred normal equations; kernels are C·K × c2.

    Attributes:
        channels, taps: C and K.
        gram: C·K × C·K.
        cross: C·K × c2.
        power: variance of each output, c2.
        inputs, outputs: means of patches and outputs.
    """

    channels: int
    taps: int
    gram: Tensor
    cross: Tensor
    power: Tensor
    inputs: Tensor
    outputs: Tensor

    def towards(self, kernel: Tensor, ridge: float) -> Equations:
        """Return the equations with a ridge that draws towards `kernel`.

        Args:
            kernel: C·K × c2.
            ridge: λ as a share of the patches' mean variance.
        """
        strength = ridge * float(self.gram.diagonal().mean()) + 1e-12
        gram = self.gram.clone()
        gram.diagonal().add_(strength)
        cross = self.cross + strength * kernel.to(self.gram.dtype)
        return Equations(self.channels, self.taps, gram, cross, self.power, self.inputs, self.outputs)

    def variance(self, kernel: Tensor) -> Tensor:
        """Return the variance of each output of a kernel on the data, c2."""
        k = kernel.to(self.gram.dtype)
        return (k * (self.gram @ k)).sum(0).double().clamp_min(0)

    def residual(self, kernel: Tensor) -> Tensor:
        """Return the mean squared error of each output of a kernel with its best bias, c2."""
        k = kernel.to(self.gram.dtype)
        both = (k * (self.gram @ k)).sum(0) - 2 * (k * self.cross).sum(0)
        return (self.power + both.double()).clamp_min(0)

    def bias(self, kernel: Tensor) -> Tensor:
        """Return the best bias of a kernel, c2."""
        return self.outputs - self.inputs @ kernel.double()


def solve_dense(equations: Equations) -> Tensor:
    """Return the best kernel, C·K × c2."""
    return _solve(equations.gram, equations.cross)


def solve_grouped(equations: Equations, groups: int) -> Tensor:
    """Return the best kernel of a grouped convolution, C·K × c2, zero outside the groups."""
    size, outputs = equations.cross.shape
    rows, columns = size // groups, outputs // groups
    kernel = torch.zeros_like(equations.cross)
    for group in range(groups):
        r = slice(group * rows, (group + 1) * rows)
        c = slice(group * columns, (group + 1) * columns)
        kernel[r, c] = _solve(equations.gram[r, r], equations.cross[r, c])
    return kernel


def solve_pointwise(equations: Equations, filters: Tensor) -> Tensor:
    """Return the best pointwise weights for given depthwise filters.

    Args:
        filters: C × r × K.

    Returns:
        C·r × c2.
    """
    channels, rank, taps = filters.shape
    size = channels * taps
    filters = filters.to(equations.gram.dtype)
    half = torch.einsum("aik,irk->air", equations.gram.view(size, channels, taps), filters)
    gram = torch.einsum("irk,ikb->irb", filters, half.reshape(channels, taps, channels * rank)).reshape(
        channels * rank, -1
    )
    cross = torch.einsum("irk,iko->iro", filters, equations.cross.view(channels, taps, -1))
    return _solve(gram, cross.reshape(channels * rank, -1))


def compose(filters: Tensor, pointwise: Tensor) -> Tensor:
    """Return the kernel C·K × c2 that filters (C × r × K) and pointwise weights (C·r × c2) make together."""
    channels, rank, taps = filters.shape
    weights = pointwise.view(channels, rank, -1)
    return torch.einsum("irk,iro->iko", filters.to(weights.dtype), weights).reshape(channels * taps, -1)


def improve_filters(equations: Equations, filters: Tensor, pointwise: Tensor, scale: Tensor) -> Tensor:
    """Return better depthwise filters, by one sweep over the channels.

    With all other channels as they are, a channel's best kernel of rank r has a closed form: with G = L Lᵀ of its own
    patches and what the others leave, R, it is L⁻ᵀ times the best rank-r approximation of L⁻¹R (reduced-rank
    regression; Izenman 1975).

    Args:
        equations: with their ridge.
        filters: C × r × K; where the sweep starts.
        pointwise: C·r × c2; likewise.
        scale: how much an error of each output matters, as a factor, c2.
    """
    channels, rank, taps = filters.shape
    kernel = compose(filters, pointwise).to(equations.gram.dtype)
    fitted = equations.gram @ kernel
    blocks = _diagonal_blocks(equations)
    blocks.diagonal(dim1=1, dim2=2).add_(
        _JITTER * blocks.diagonal(dim1=1, dim2=2).mean(1, keepdim=True) + 1e-18
    )
    factors = torch.linalg.cholesky(blocks.double())
    better = torch.empty_like(filters)
    for channel in range(channels):
        rows = slice(channel * taps, (channel + 1) * taps)
        own = kernel[rows]
        left = equations.cross[rows] - fitted[rows] + equations.gram[rows, rows] @ own
        low = factors[channel]
        white = torch.linalg.solve_triangular(low, left.double(), upper=False)
        weighed = white * scale
        directions = torch.linalg.eigh(weighed @ weighed.T).eigenvectors[:, -rank:]
        made = torch.linalg.solve_triangular(low.T, directions, upper=True)
        change = (made @ (directions.T @ white)).to(kernel.dtype) - own
        fitted += equations.gram[:, rows] @ change
        kernel[rows] += change
        better[channel] = made.T
    return better


def unit_filters(equations: Equations, filters: Tensor, pointwise: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same product with filters whose outputs have variance 1 on the data: safe in float16."""
    energy = torch.einsum("irk,ikl,irl->ir", filters, _diagonal_blocks(equations).double(), filters)
    size = energy.clamp_min(1e-20).sqrt()
    silent = energy <= 1e-18 * energy.max().clamp_min(1e-30)
    size = torch.where(silent, torch.ones_like(size), size)
    return filters / size[..., None], pointwise * size.reshape(-1, 1)


def _diagonal_blocks(equations: Equations) -> Tensor:
    """Return each channel's own part of the Gram matrix, C × K × K."""
    channels, taps = equations.channels, equations.taps
    index = torch.arange(channels)
    return equations.gram.view(channels, taps, channels, taps)[index, :, index]


def _solve(gram: Tensor, cross: Tensor) -> Tensor:
    """Solve a symmetric system that may be singular: rows that nothing determines become 0."""
    wide = gram.double()
    level = float(wide.diagonal().mean().clamp_min(1e-30))
    jitter = _JITTER * level
    for _ in range(6):
        shifted = wide.clone()
        shifted.diagonal().add_(jitter)
        factor, failed = torch.linalg.cholesky_ex(shifted)
        if not int(failed):
            return torch.cholesky_solve(cross.double(), factor)
        jitter *= 100
    return torch.linalg.lstsq(wide, cross.double(), driver="gelsd").solution
