"""Ridge least squares for convolutions from normal equations: dense, grouped and depthwise separable.

A convolution sees C input channels through K = k² taps. For a sampled output position let p (C·K) be the patch it
reads and y (c2) the wanted output. Everything below minimises, over kernels W of some shape and any bias,

    Σ w ‖y − Wᵀp − b‖² + λ ‖W − W₀‖²

knowing only the centred sums G = Σ w p pᵀ and R = Σ w p yᵀ. The ridge draws towards a kernel W₀ that is right where
the data say nothing: the standard one. All matrices are float64 up to `EXACT_SIZE` rows, float32 above.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

EXACT_SIZE = 4096
"""Unknowns per output up to which the sums are solved in float64; above, memory counts for more."""

_JITTER = 1e-9
_BLOCKS = 6
_SMALLEST_BLOCK = 256
_WORTH_THREADS = 4_000_000
"""Multiply-adds of one product below which threads cost more than they help."""


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
        self.gram = torch.zeros(
            size, size, dtype=wide
        )  # its upper blocks alone, until the equations are asked for
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
        if not len(patches):
            return
        root = weight.sqrt()
        p = (patches - self.origin[0]).mul_(root[:, None])
        y = (wanted - self.origin[1]).mul_(root[:, None])
        for rows in self._blocks():
            self.gram[rows, rows.start :] += p[:, rows].T @ p[:, rows.start :]
        self.cross += p.T @ y
        self.power += y.square().sum(0)
        self.inputs += root @ p
        self.outputs += root @ y
        self.count += float(weight.sum())

    def _blocks(self) -> Iterator[slice]:
        size = len(self.inputs)
        step = max(-(-size // _BLOCKS), _SMALLEST_BLOCK)
        for start in range(0, size, step):
            yield slice(start, min(start + step, size))

    def include(self, other: Sums) -> None:
        """Add everything that another one of the same origin has added up."""
        for name in ("gram", "cross", "power", "inputs", "outputs"):
            getattr(self, name).add_(getattr(other, name))
        self.count += other.count

    def equations(self, keep: bool = True) -> Equations:
        """Return the normal equations of what was added, per sample and centred.

        Args:
            keep: False uses the sums up, which saves the memory of one Gram matrix.
        """
        n = max(self.count, 1e-30)
        p, y = self.inputs / n, self.outputs / n
        wide = self.gram.dtype
        gram = self.gram / n if keep else self.gram.div_(n)
        for rows in self._blocks():
            gram[rows.stop :, rows] = gram[rows, rows.stop :].T
        gram.addr_(p.to(wide), p.to(wide), alpha=-1)
        cross = (self.cross / n).addr_(p.to(wide), y.to(wide), alpha=-1)
        power = (self.power / n - y.square()).clamp_min(0)
        taps = len(p) // self.channels
        inputs, outputs = p + self.origin[0].double(), y + self.origin[1].double()
        return Equations(self.channels, taps, gram, cross, power, inputs, outputs)


@dataclass(frozen=True)
class Equations:
    """Centred normal equations; kernels are C·K × c2.

    Attributes:
        channels, taps: C and K.
        gram: C·K × C·K, without the ridge.
        cross: C·K × c2, with it.
        power: variance of each output, c2.
        inputs, outputs: means of patches and outputs.
        ridge: λ, to be added to the diagonal of the Gram matrix.
    """

    channels: int
    taps: int
    gram: Tensor
    cross: Tensor
    power: Tensor
    inputs: Tensor
    outputs: Tensor
    ridge: float = 0.0

    def towards(self, kernel: Tensor, ridge: float) -> Equations:
        """Return the equations with a ridge that draws towards `kernel`; the Gram matrix is shared.

        Args:
            kernel: C·K × c2.
            ridge: λ as a share of the patches' mean variance.
        """
        strength = ridge * float(self.gram.diagonal().mean()) + 1e-12
        return replace(self, cross=self.cross + strength * kernel.to(self.cross.dtype), ridge=strength)

    def variance(self, kernel: Tensor) -> Tensor:
        """Return the variance of each output of a kernel on the data, c2."""
        k = kernel.to(self.gram.dtype)
        return (k * (self.gram @ k)).sum(0).double().clamp_min(0)

    def residual(self, kernel: Tensor) -> Tensor:
        """Return the mean squared error of each output of a kernel with its best bias, c2; not for a drawn one."""
        k = kernel.to(self.gram.dtype)
        both = (k * (self.gram @ k)).sum(0) - 2 * (k * self.cross).sum(0)
        return (self.power + both.double()).clamp_min(0)

    def bias(self, kernel: Tensor) -> Tensor:
        """Return the best bias of a kernel, c2."""
        return self.outputs - self.inputs @ kernel.double()

    def own(self) -> Tensor:
        """Return each channel's own part of the Gram matrix, without the ridge, C × K × K, float64."""
        index = torch.arange(self.channels)
        shape = (self.channels, self.taps, self.channels, self.taps)
        return self.gram.view(shape)[index, :, index].double()


def solve_dense(equations: Equations) -> Tensor:
    """Return the best kernel, C·K × c2."""
    return _solve(equations.gram, equations.cross, equations.ridge)


def solve_grouped(equations: Equations, groups: int) -> Tensor:
    """Return the best kernel of a grouped convolution, C·K × c2, zero outside the groups."""
    size, outputs = equations.cross.shape
    rows, columns = size // groups, outputs // groups
    kernel = torch.zeros(size, outputs, dtype=torch.float64)
    for group in range(groups):
        r = slice(group * rows, (group + 1) * rows)
        c = slice(group * columns, (group + 1) * columns)
        kernel[r, c] = _solve(equations.gram[r, r], equations.cross[r, c], equations.ridge)
    return kernel


def solve_pointwise(equations: Equations, filters: Tensor) -> Tensor:
    """Return the best pointwise weights for given depthwise filters.

    Args:
        filters: C × r × K, float64.

    Returns:
        C·r × c2.
    """
    channels, rank, taps = filters.shape
    size, wide = channels * taps, equations.gram.dtype
    v = filters.to(wide)
    half = torch.einsum("aik,irk->air", equations.gram.view(size, channels, taps), v)
    gram = (
        torch.einsum("irk,ikb->irb", v, half.reshape(channels, taps, channels * rank)).double().contiguous()
    )
    index = torch.arange(channels)
    gram.view(channels, rank, channels, rank)[index, :, index] += equations.ridge * filters @ filters.mT
    cross = torch.einsum("irk,iko->iro", v, equations.cross.view(channels, taps, -1))
    return _solve(gram.view(channels * rank, -1), cross.reshape(channels * rank, -1))


def compose(filters: Tensor, pointwise: Tensor) -> Tensor:
    """Return the kernel C·K × c2 that filters (C × r × K) and pointwise weights (C·r × c2) make together."""
    channels, rank, taps = filters.shape
    weights = pointwise.view(channels, rank, -1)
    return torch.einsum("irk,iro->iko", filters.to(weights.dtype), weights).reshape(channels * taps, -1)


def improve_filters(equations: Equations, filters: Tensor, pointwise: Tensor, scale: Tensor) -> Tensor:
    """Return better depthwise filters, by one sweep over the channels.

    With all other channels as they are, a channel's best kernel of rank r has a closed form: with G = L Lᵀ of its own
    patches and what the others leave, R, it is L⁻ᵀ times the best rank-r approximation of L⁻¹R (reduced-rank
    regression; Izenman 1975). The ridge of G belongs to the channel's own part.

    Args:
        equations: with their ridge.
        filters: C × r × K; where the sweep starts.
        pointwise: C·r × c2; likewise.
        scale: how much an error of each output matters, as a factor, c2.
    """
    channels, rank, taps = filters.shape
    own = equations.own()
    lower = _inverse_factors(own, equations.ridge)
    own, gram, cross = own.float(), equations.gram.float(), equations.cross.float()
    kernel = compose(filters, pointwise).float()
    better = torch.empty_like(filters)
    with _threads_for(kernel.numel() * taps):
        for channel in range(channels):
            rows = slice(channel * taps, (channel + 1) * taps)
            left = cross[rows] - gram[rows] @ kernel + own[channel] @ kernel[rows]
            white = lower[channel] @ left.double()
            weighed = white * scale
            directions = torch.linalg.eigh(weighed @ weighed.T).eigenvectors[:, -rank:]
            made = lower[channel].T @ directions
            kernel[rows] = (made @ (directions.T @ white)).float()
            better[channel] = made.T
    return better


def _inverse_factors(own: Tensor, ridge: float) -> Tensor:
    """Return L⁻¹ of every channel's own Gram matrix with its ridge, C × K × K."""
    shifted = own.clone()
    level = shifted.diagonal(dim1=1, dim2=2).mean(1, keepdim=True)
    shifted.diagonal(dim1=1, dim2=2).add_(ridge + _JITTER * level + 1e-18)
    lower = torch.linalg.cholesky(shifted)
    identity = torch.eye(own.shape[1], dtype=own.dtype).expand_as(own)
    return torch.linalg.solve_triangular(lower, identity, upper=False)


@contextmanager
def _threads_for(work: int) -> Iterator[None]:
    """Use one thread where every single product is small."""
    before = torch.get_num_threads()
    if work < _WORTH_THREADS:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def unit_filters(equations: Equations, filters: Tensor, pointwise: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same product with filters whose outputs have variance 1 on the data: safe in float16."""
    energy = torch.einsum("irk,ikl,irl->ir", filters, equations.own(), filters)
    size = energy.clamp_min(1e-20).sqrt()
    silent = energy <= 1e-18 * energy.max().clamp_min(1e-30)
    size = torch.where(silent, torch.ones_like(size), size)
    return filters / size[..., None], pointwise * size.reshape(-1, 1)


def _solve(gram: Tensor, cross: Tensor, ridge: float = 0.0) -> Tensor:
    """Solve a symmetric system that may be singular, in float64: what nothing determines becomes 0."""
    jitter = _JITTER * float(gram.diagonal().double().mean().clamp_min(1e-30))
    for _ in range(6):
        shifted = gram.to(torch.float64, copy=True)
        shifted.diagonal().add_(ridge + jitter)
        factor, failed = torch.linalg.cholesky_ex(shifted)
        if not int(failed):
            return torch.cholesky_solve(cross.double(), factor)
        jitter *= 100
    return torch.linalg.lstsq(shifted, cross.double(), driver="gelsd").solution
