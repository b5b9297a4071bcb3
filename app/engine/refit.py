"""Refits a lightweight model to what the standard one computes, layer by layer and without labels or training.

Both models walk over the same pictures side by side, one layer after the other in order of execution. At every
swapped module, and at every kept 1×1 convolution behind one, the module's input is what the already refitted part
gives, and the wanted output is the standard module's, before its BatchNorm. Sampled positions of all pictures make a
ridge least-squares problem that is solved in closed form (`app.engine.least_squares`); then the walk goes on. So each
module also makes up, as far as it can, for the errors of those before it. Blocks that are no linear map are refitted
inside, way by way (`app.engine.refit_block`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from app.engine.attention import Attention
from app.engine.blocks_as_kernels import dense_kernel, first_conv, is_linear, last_conv, take_statistics
from app.engine.positions import Positions, patches
from app.engine.refit_block import BlockRefit
from app.engine.refit_module import fit_module, is_swapped
from app.engine.refit_sums import BEFORE, BEHIND, Sample, sum_up
from app.engine.stages_inside import all_stages
from app.engine.walk import Walk


@dataclass(frozen=True)
class RefitSettings:
    """How thoroughly to refit.

    Attributes:
        positions: output positions sampled for each module, from all pictures together.
        per_input: at least so many for each number that an output depends on.
        check: further positions, uniformly chosen, on which the explained energy is measured.
        rounds: how often filters and pointwise weights are improved in turn.
        largest_kept: inputs of a kept convolution up to which it is refitted too.
        seed: of the sampling.
    """

    positions: int = 16_384
    per_input: int = 4
    check: int = 2_048
    rounds: int = 6
    largest_kept: int = 2_560
    seed: int = 0


_CHUNK = 16
_RIGHT = 1e-5
"""Share of the output's energy that a kept module may miss and still be called undisturbed."""


@torch.no_grad()
def refit(
    standard: nn.Module,
    light: nn.Module,
    paths: Iterable[str],
    pictures: Tensor,
    attention: Attention,
    settings: RefitSettings | None = None,
    tell: Callable[[float], None] | None = None,
    carried: Mapping[str, set[nn.Module]] | None = None,
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
        carried: path of a block that is no linear map → its BatchNorms that have trained weights.

    Returns:
        Path of each module that was changed → share of the output's energy explained.
    """
    work = _Refit(light, set(paths), len(pictures), attention, settings or RefitSettings(), carried or {})
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


class _Refit:
    """The state of one refit: positions and wanted outputs of the modules of the current layer."""

    def __init__(
        self,
        light: nn.Module,
        paths: set[str],
        count: int,
        attention: Attention,
        settings: RefitSettings,
        carried: Mapping[str, set[nn.Module]],
    ) -> None:
        self.light, self.count, self.attention, self.settings = light, count, attention, settings
        self.carried = carried
        self.paths = [path for path, _ in light.named_modules() if path in paths]
        self.energies: dict[str, float] = {}
        self.generator = torch.Generator().manual_seed(settings.seed)
        self._samples: dict[str, tuple[Sample, Sample]] = {}
        self._start = 0

    def begin(self, start: int) -> None:
        """Note which picture the standard model's current chunk begins with."""
        self._start = start

    @contextmanager
    def targets(self, standard: nn.Module, inside: list[str]) -> Iterator[None]:
        """Keep the standard outputs of modules at sampled positions while the standard layer runs."""
        hooks = []
        for path in inside:
            old, new = standard.get_submodule(path), self.light.get_submodule(path)
            looks = {("", BEFORE)}
            if not is_linear(new):
                looks |= {("", BEHIND)} | {(p.path, s.aim) for s in all_stages(new, old) for p in s.pieces}
            for inner, aim in looks:
                module = old.get_submodule(inner)
                if aim == BEFORE:
                    module = last_conv(module)
                hooks.append(module.register_forward_hook(self._keeper(path, (inner, aim), old)))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @contextmanager
    def refitting(self, standard: nn.Module, inside: list[str]) -> Iterator[None]:
        """Refit each module while the lightweight layer runs: a linear one just before it runs, others inside."""
        hooks = []
        for path in inside:
            module, old = self.light.get_submodule(path), standard.get_submodule(path)
            if is_linear(module):
                hooks.append(module.register_forward_pre_hook(self._solver(path, old)))
                for norm in (part for part in module.modules() if isinstance(part, nn.BatchNorm2d)):
                    hooks.append(norm.register_forward_pre_hook(self._settler(path)))
            else:
                hooks += self._block(path, module, old).hooks()
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _block(self, path: str, module: nn.Module, old: nn.Module) -> BlockRefit:
        scale = self.attention.scale(path)
        carried = self.carried.get(path, set())
        return BlockRefit(module, old, self._samples.pop(path), self.count, scale, carried, self._note(path))

    def _note(self, path: str) -> Callable[[float], None]:
        return lambda energy: self.energies.__setitem__(path, energy)

    def _keeper(
        self, path: str, what: tuple[str, str], old: nn.Module
    ) -> Callable[[nn.Module, Any, Tensor], None]:
        def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            if path not in self._samples:
                self._samples[path] = self._choose(path, old, output.shape[2], output.shape[3])
            for sample in self._samples[path]:
                sample.made[what].append(sample.positions.take(output, self._start))

        return keep

    def _choose(self, path: str, old: nn.Module, height: int, width: int) -> tuple[Sample, Sample]:
        """Return positions to fit on and positions to check on."""
        module = self.light.get_submodule(path)
        if is_linear(module):
            conv = first_conv(module)
            inputs = conv.in_channels * conv.kernel_size[0] * conv.kernel_size[1]
        else:
            inputs = max((stage.inputs for stage in all_stages(module, old)), default=1)
        wanted = max(self.settings.positions, self.settings.per_input * inputs)
        density = self.attention.density(path, height, width)
        shape = (self.count, height, width)
        return (
            Sample(Positions.choose(shape, wanted, density, self.generator)),
            Sample(Positions.choose(shape, self.settings.check, None, self.generator)),
        )

    def _solver(self, path: str, old: nn.Module) -> Callable[[nn.Module, Any], None]:
        def solve(new: nn.Module, inputs: Any) -> None:
            fit, check = self._samples.pop(path)
            conv, kept = first_conv(new), not is_swapped(new)
            read = torch.cat([read for _, read in patches(inputs[0], conv, check.positions)])
            seen = torch.cat(check.outputs).double()
            standard, _ = dense_kernel(old)
            if kept and (
                len(standard) > self.settings.largest_kept or 1 - _energy(read, standard, seen) < _RIGHT
            ):
                return
            sums = sum_up(inputs[0], conv, fit.positions, torch.cat(fit.outputs), self.count)
            kernel = fit_module(new, old, sums, self.attention.scale(path), self.settings.rounds)
            self.energies[path] = _energy(read, kernel, seen)

        return solve

    def _settler(self, path: str) -> Callable[[nn.Module, Any], None]:
        def settle(norm: nn.Module, inputs: Any) -> None:
            if path in self.energies:
                take_statistics(norm, inputs[0])

        return settle


def _energy(read: Tensor, kernel: Tensor, wanted: Tensor) -> float:
    """Return 1 − ‖Y − Ŷ‖² / ‖Y − mean‖² of a kernel with its best bias, from patches and wanted outputs."""
    error = wanted - read.double() @ kernel
    left = (error - error.mean(0)).square().sum()
    whole = (wanted - wanted.mean(0)).square().sum().clamp_min(1e-30)
    return float(1 - left / whole)
