"""Refits a lightweight model to what the standard one computes, layer by layer and without labels or training.

Both models walk over the same pictures side by side, one layer after the other in order of execution. At every
swapped module, and at every kept 1×1 convolution behind one, the module's input is what the already refitted part
gives, and the wanted output is the standard module's, before its BatchNorm. Sampled positions of all pictures make a
ridge least-squares problem that is solved in closed form (`app.engine.least_squares`); then the walk goes on. So each
module also makes up, as far as it can, for the errors of those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from app.engine.attention import Attention
from app.engine.blocks_as_kernels import (
    affine,
    dense_kernel,
    first_conv,
    is_separable,
    last_conv,
    last_norm,
    make_affine,
    make_identity,
    write_kernel,
    write_separable,
)
from app.engine.factorise import as_kernel, factorise
from app.engine.least_squares import (
    Equations,
    Sums,
    compose,
    improve_filters,
    solve_dense,
    solve_grouped,
    solve_pointwise,
    unit_filters,
)
from app.engine.positions import Positions, patches
from app.engine.walk import Walk


@dataclass(frozen=True)
class RefitSettings:
    """How thoroughly to refit.

    Attributes:
        positions: output positions sampled for each module, from all pictures together.
        per_input: at least so many for each number that an output depends on.
        check: further positions, uniformly chosen, on which the explained energy is measured.
        ridge: draw towards the standard kernel, as a share of the inputs' mean variance.
        rounds: how often filters and pointwise weights are improved in turn.
        largest_kept: inputs of a kept convolution up to which it is refitted too.
        seed: of the sampling.
    """

    positions: int = 16_384
    per_input: int = 8
    check: int = 2_048
    ridge: float = 1e-3
    rounds: int = 4
    largest_kept: int = 2_560
    seed: int = 0


_UNDISTURBED = 1e-5
_CHUNK = 16


@torch.no_grad()
def refit(
    standard: nn.Module,
    light: nn.Module,
    paths: Iterable[str],
    pictures: Tensor,
    attention: Attention,
    settings: RefitSettings | None = None,
    tell: Callable[[float], None] | None = None,
) -> dict[str, float]:
    """Refit modules of `light` in place; see the module's text.

    Args:
        standard: the model to imitate, in eval mode.
        light: the model to change, in eval mode, with the same layers; weights that are not refitted are in place.
        paths: modules that may be refitted, those that `standard` knows about.
        pictures: N × 3 × H × W, float32, as the models take them.
        attention: which positions matter.
        settings: how thoroughly.
        tell: receives the share that is done; may raise to end it.

    Returns:
        Path of each module that was changed → share of the output's energy explained.
    """
    work = _Refit(light, set(paths), len(pictures), attention, settings or RefitSettings())
    old_walk, new_walk = Walk(standard, pictures), Walk(light, pictures)
    last = max((int(path.split(".")[1]) for path in work.paths), default=-1)
    for index in range(last + 1):
        inside = [
            path for path in work.paths if path.startswith(f"model.{index}.") or path == f"model.{index}"
        ]
        with work.targets(standard, inside):
            old_walk.step(_CHUNK, work.begin)
        with work.refitting(standard, inside):
            new_walk.step(len(pictures))
        if tell is not None:
            tell((index + 1) / (last + 1))
    return work.energies


@dataclass(frozen=True)
class _Sample:
    """Sampled positions, and the standard outputs there, part by part."""

    positions: Positions
    outputs: list[Tensor] = field(default_factory=list)


class _Refit:
    """The state of one refit: positions and wanted outputs of the modules of the current layer."""

    def __init__(
        self, light: nn.Module, paths: set[str], count: int, attention: Attention, settings: RefitSettings
    ) -> None:
        self.light, self.count, self.attention, self.settings = light, count, attention, settings
        self.paths = [path for path, _ in light.named_modules() if path in paths]
        self.energies: dict[str, float] = {}
        self.generator = torch.Generator().manual_seed(settings.seed)
        self._samples: dict[str, tuple[_Sample, _Sample]] = {}
        self._start = 0

    def begin(self, start: int) -> None:
        """Note which picture the standard model's current chunk begins with."""
        self._start = start

    @contextmanager
    def targets(self, standard: nn.Module, inside: list[str]) -> Iterator[None]:
        """Keep the standard outputs of modules at sampled positions while the standard layer runs."""
        hooks = [
            last_conv(standard.get_submodule(path)).register_forward_hook(self._keeper(path))
            for path in inside
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @contextmanager
    def refitting(self, standard: nn.Module, inside: list[str]) -> Iterator[None]:
        """Refit each module just before it runs while the lightweight layer runs."""
        hooks = [
            self.light.get_submodule(path).register_forward_pre_hook(
                self._solver(path, standard.get_submodule(path))
            )
            for path in inside
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _keeper(self, path: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def keep(_conv: nn.Module, _inputs: Any, output: Tensor) -> None:
            if path not in self._samples:
                self._samples[path] = self._choose(path, output.shape[2], output.shape[3])
            for sample in self._samples[path]:
                sample.outputs.append(sample.positions.take(output, self._start))

        return keep

    def _choose(self, path: str, height: int, width: int) -> tuple[_Sample, _Sample]:
        """Return positions to fit on and positions to check on."""
        conv, shape = first_conv(self.light.get_submodule(path)), (self.count, height, width)
        inputs = conv.in_channels * conv.kernel_size[0] * conv.kernel_size[1]
        wanted = max(self.settings.positions, self.settings.per_input * inputs)
        density = self.attention.density(path, height, width)
        return (
            _Sample(Positions.choose(shape, wanted, density, self.generator)),
            _Sample(Positions.choose(shape, self.settings.check, None, self.generator)),
        )

    def _solver(self, path: str, old: nn.Module) -> Callable[[nn.Module, Any], None]:
        def solve(new: nn.Module, inputs: Any) -> None:
            fit, check = self._samples.pop(path)
            conv = first_conv(new)
            taps = conv.kernel_size[0] * conv.kernel_size[1]
            if not _is_swapped(new) and conv.in_channels * taps > self.settings.largest_kept:
                return
            wanted = torch.cat(fit.outputs)
            sums = Sums(conv.in_channels, taps, wanted.shape[1])
            for part, read in patches(inputs[0], conv, fit.positions):
                sums.add(read, wanted[part], fit.positions.weight[part])
            kernel = self._write(new, old, sums.equations(), self.attention.scale(path))
            if kernel is not None:
                read = torch.cat([read for _, read in patches(inputs[0], conv, check.positions)])
                self.energies[path] = _energy(read.double() @ kernel, torch.cat(check.outputs).double())

        return solve

    def _write(
        self, new: nn.Module, old: nn.Module, equations: Equations, scale: Tensor | None
    ) -> Tensor | None:
        """Solve for a module and write it; return its kernel C·K × c2, or None where it is right already."""
        start, _ = dense_kernel(old)
        if not _is_swapped(new) and float(equations.residual(start).sum()) < _UNDISTURBED * float(
            equations.power.sum()
        ):
            return None
        drawn = equations.towards(start, self.settings.ridge)
        if is_separable(new):
            kernel = _write_separable(
                new, start, drawn, equations, self.settings.rounds, _importance(old, scale)
            )
        else:
            groups = last_conv(new).groups
            kernel = solve_dense(drawn) if groups == 1 else solve_grouped(drawn, groups)
            write_kernel(new, kernel)
        _write_affine(new, old, kernel, equations)
        return kernel


def _is_swapped(module: nn.Module) -> bool:
    """Say whether a module was swapped, so that its standard kernel cannot simply stay."""
    return is_separable(module) or last_conv(module).groups > 1


def _importance(old: nn.Module, scale: Tensor | None) -> Tensor:
    """Return how much an error of each output before the BatchNorm matters, largest 1."""
    if scale is None:
        scale = affine(last_norm(old), last_conv(old).out_channels).scale.abs()
    return (scale / scale.max().clamp_min(1e-12)).clamp_min(1e-3)


def _write_separable(
    new: nn.Module, start: Tensor, drawn: Equations, equations: Equations, rounds: int, importance: Tensor
) -> Tensor:
    first = first_conv(new)
    channels, rank = first.in_channels, first.out_channels // first.in_channels
    shape = (start.shape[1], channels, *first.kernel_size)
    filters, _ = factorise(as_kernel(start, shape), rank)
    pointwise = solve_pointwise(drawn, filters)
    for _ in range(rounds):
        filters = improve_filters(drawn, filters, pointwise, importance)
        pointwise = solve_pointwise(drawn, filters)
    filters, pointwise = unit_filters(equations, filters, pointwise)
    write_separable(new, filters, pointwise)
    means = torch.einsum("irk,ik->ir", filters, equations.inputs.view(channels, -1)).reshape(-1)
    depthwise: Any = new[0]  # type: ignore[index]
    make_identity(depthwise.bn, means, _filter_variance(equations, filters))
    return compose(filters, pointwise)


def _filter_variance(equations: Equations, filters: Tensor) -> Tensor:
    channels, _, taps = filters.shape
    gram = equations.gram.view(channels, taps, channels, taps)
    index = torch.arange(channels)
    blocks = gram[index, :, index].double()
    return torch.einsum("irk,ikl,irl->ir", filters, blocks, filters).clamp_min(0).reshape(-1)


def _write_affine(new: nn.Module, old: nn.Module, kernel: Tensor, equations: Equations) -> None:
    """Set what follows the convolution: the standard BatchNorm's map of the wanted output, bias included."""
    norm, bias = last_norm(new), equations.bias(kernel)
    if norm is None:
        conv = last_conv(new)
        if conv.bias is not None:
            conv.bias.copy_(bias)
        return
    wanted = affine(last_norm(old), last_conv(old).out_channels)
    mean = equations.inputs @ kernel
    moved = type(wanted)(wanted.scale, wanted.shift + wanted.scale * bias)
    make_affine(norm, moved, mean, equations.variance(kernel))


def _energy(fitted: Tensor, wanted: Tensor) -> float:
    """Return 1 − ‖Y − Ŷ‖² / ‖Y − mean‖², the best bias included."""
    error = wanted - fitted
    left = (error - error.mean(0)).square().sum()
    whole = (wanted - wanted.mean(0)).square().sum().clamp_min(1e-30)
    return float(1 - left / whole)
