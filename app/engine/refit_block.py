"""Refits a block that is no linear map, while it runs: one convolution after the other, each in closed form.

What a stage should make is known at sampled positions (`app.engine.stages`); its input is what the parts before it,
already fitted, really give. Parts that nothing determines stay as they were made, their BatchNorms set to what flows
through them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from app.engine.blocks_as_kernels import (
    LIFT,
    LIFT_BENT,
    QUIETLY,
    Affine,
    affine,
    last_conv,
    last_norm,
    make_affine,
    normalise,
    take_statistics,
)
from app.engine.depthwise_squares import Seen, fit_depthwise
from app.engine.factorise import as_kernel, as_matrix
from app.engine.filter_squares import fit_filters
from app.engine.least_squares import solve_dense
from app.engine.planting import write_filters
from app.engine.refit_module import choose_ridge
from app.engine.refit_sums import BEFORE, Sample, sum_up
from app.engine.stages import FILTERS, LEADING, LIFTED, PLAIN, Stage
from app.engine.stages_inside import all_stages


class BlockRefit:
    """One block while it runs over all pictures at once.

    Args:
        new: the block, in eval mode; it is changed.
        old: the standard module.
        samples: positions to fit on and to check on, with the standard outputs there.
        pictures: how many.
        scale: how much an error of each output matters, c2; None takes what the standard BatchNorm makes of it.
        carried: BatchNorms of the block whose weights are trained.
        note: receives the share of the standard output's variance that the refitted block reproduces.
    """

    def __init__(
        self,
        new: nn.Module,
        old: nn.Module,
        samples: tuple[Sample, Sample],
        pictures: int,
        scale: Tensor | None,
        carried: set[nn.Module],
        note: Callable[[float], None],
    ) -> None:
        self.new, self.old, self.pictures, self.note = new, old, pictures, note
        self.fit, self.check = samples
        channels = last_conv(old).out_channels
        self.stages = all_stages(new, old)
        self.wanted = {"": affine(last_norm(old), channels)}
        self.importance = {"": _relative(self.wanted[""].scale.abs() if scale is None else scale)}
        self.carried = carried
        self.trained = carried | {stage.norm for stage in self.stages}
        self._added: dict[nn.Module, Tensor] = {}

    def hooks(self) -> list[Any]:
        """Return the handles of hooks that fit the block when it runs."""
        handles: list[Any] = []
        for stage in self.stages:
            handles.append(stage.conv.register_forward_pre_hook(self._solver(stage)))
            if stage.adds is not None:
                handles.append(stage.adds[0].register_forward_pre_hook(self._keep_added))
        for norm in (part for part in self.new.modules() if isinstance(part, nn.BatchNorm2d)):
            settle = take_statistics if norm in self.trained else normalise
            handles.append(norm.register_forward_pre_hook(_settler(settle)))
        if self.stages:
            handles.append(self.new.register_forward_hook(self._measure))
        return handles

    def _keep_added(self, module: nn.Module, inputs: Any) -> None:
        self._added[module] = self.fit.positions.take(inputs[0], 0)

    def _solver(self, stage: Stage) -> Callable[[nn.Module, Any], None]:
        def solve(_conv: nn.Module, inputs: Any) -> None:
            made = (torch.cat(self.fit.made[p.path, stage.aim])[:, p.channels] for p in stage.pieces)
            wanted = torch.cat(list(made), 1)
            if stage.adds is not None:
                module, rows = stage.adds
                wanted = wanted - self._added[module][:, rows]
            self._fit(stage, inputs[0], wanted)

        return solve

    @torch.no_grad()
    def _fit(self, stage: Stage, inputs: Tensor, wanted: Tensor) -> None:
        conv, positions = stage.conv, self.fit.positions
        importance = torch.cat([self._importance(p.path, stage.aim)[p.channels] for p in stage.pieces])
        if stage.way == FILTERS:
            found = fit_filters(Seen(inputs, conv, positions, wanted, importance))
            write_filters(conv, found.filters)
            self._set_norm(stage, found.bias, found.mean, found.variance)
            return
        if stage.way == LEADING:
            wanted = _leading(wanted, importance, conv.out_channels)
            importance = torch.ones(conv.out_channels, dtype=torch.float64)
        if conv.groups > 1:
            found = fit_depthwise(Seen(inputs, conv, positions, wanted, importance))
            conv.weight.copy_(found.filters.view_as(conv.weight))
            self._set_norm(stage, found.bias, found.mean, found.variance)
            return
        sums = sum_up(inputs, conv, positions, wanted, self.pictures)
        known = as_matrix(conv.weight) * float(stage.norm in self.carried)
        ridge = choose_ridge(solve_dense, known, sums, importance)
        if sums[1].count:
            sums[0].include(sums[1])
        equations = sums[0].equations(keep=False)
        kernel = solve_dense(equations.towards(known, ridge))
        conv.weight.copy_(as_kernel(kernel, tuple(conv.weight.shape)))
        self._set_norm(stage, equations.bias(kernel), equations.inputs @ kernel, equations.variance(kernel))

    def _set_norm(self, stage: Stage, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
        """Let the BatchNorm behind a fitted convolution add the bias, and do what the standard one would."""
        scale, shift = torch.ones_like(bias), torch.zeros_like(bias)
        if stage.level != PLAIN:
            middle = LIFT if stage.aim == BEFORE else LIFT_BENT
            size, middle = (1.0, middle) if stage.level == LIFTED else (QUIETLY, 0.0)
            scale = size * (variance + 1e-12).rsqrt()
            shift = middle - scale * (mean + bias)
        elif stage.aim == BEFORE:
            maps = [(self._affine(piece.path), piece.channels) for piece in stage.pieces]
            scale = torch.cat([known.scale[channels] for known, channels in maps])
            shift = torch.cat([known.shift[channels] for known, channels in maps])
        make_affine(stage.norm, Affine(scale, shift + scale * bias), mean, variance)

    def _affine(self, path: str) -> Affine:
        """Return what the BatchNorm of a Conv inside the standard module does; "" is the last one."""
        if path not in self.wanted:
            conv: Any = self.old.get_submodule(path)
            self.wanted[path] = affine(conv.bn, conv.conv.out_channels)
        return self.wanted[path]

    def _importance(self, path: str, aim: str) -> Tensor:
        """Return how much an error of each channel of a module inside the standard one matters, largest 1."""
        if path in self.importance:
            return self.importance[path]
        if aim == BEFORE:
            return _relative(self._affine(path).scale.abs())
        return torch.ones(self.check.made[path, aim][0].shape[1], dtype=torch.float64)

    def _measure(self, _module: nn.Module, _inputs: Any, output: Tensor) -> None:
        wanted = torch.cat(self.check.ends).double()
        error = wanted - self.check.positions.take(output, 0).double()
        whole = (wanted - wanted.mean(0)).square().sum().clamp_min(1e-30)
        self.note(float(1 - error.square().sum() / whole))


def _leading(wanted: Tensor, importance: Tensor, count: int) -> Tensor:
    """Return the leading directions of outputs, weighed by importance, S × count, of variance 1."""
    centred = (wanted - wanted.mean(0)).double() * importance
    values, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
    size = values[-count:].clamp_min(1e-12).sqrt()
    return (centred @ vectors[:, -count:] / size).to(wanted.dtype)


def _relative(scale: Tensor) -> Tensor:
    return (scale / scale.max().clamp_min(1e-12)).clamp_min(1e-3)


def _settler(settle: Callable[[nn.Module, Tensor], None]) -> Callable[[nn.Module, Any], None]:
    return lambda norm, inputs: settle(norm, inputs[0])
