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
    Affine,
    affine,
    last_conv,
    last_norm,
    make_affine,
    normalise,
    take_statistics,
)
from app.engine.depthwise_squares import fit_depthwise
from app.engine.factorise import as_kernel
from app.engine.least_squares import solve_dense
from app.engine.refit_module import choose_ridge
from app.engine.refit_sums import Sample, sum_up
from app.engine.stages import BEFORE, Stage, stages


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
        self.stages = stages(new, torch.arange(channels))
        self.wanted = affine(last_norm(old), channels)
        own = self.wanted.scale.abs() if scale is None else scale
        self.importance = (own / own.max().clamp_min(1e-12)).clamp_min(1e-3)
        self.trained = carried | {stage.norm for stage in self.stages}
        self._added: dict[nn.Module, Tensor] = {}

    def hooks(self) -> list[Any]:
        """Return the handles of hooks that fit the block when it runs."""
        handles: list[Any] = []
        for stage in self.stages:
            handles.append(stage.conv.register_forward_pre_hook(self._solver(stage)))
            if stage.adds is not None:
                handles.append(stage.adds.register_forward_pre_hook(self._keep_added))
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
            aim = self.fit.outputs if stage.aim == BEFORE else self.fit.ends
            wanted = torch.cat(aim)[:, stage.channels]
            if stage.adds is not None:
                wanted = wanted - self._added.pop(stage.adds)
            self._fit(stage, inputs[0], wanted)

        return solve

    @torch.no_grad()
    def _fit(self, stage: Stage, inputs: Tensor, wanted: Tensor) -> None:
        conv, positions = stage.conv, self.fit.positions
        importance = self.importance[stage.channels]
        if conv.groups > 1:
            found = fit_depthwise(inputs, conv, positions, wanted, self.pictures, importance)
            conv.weight.copy_(found.filters.view_as(conv.weight))
            self._set_norm(stage, found.bias, found.mean, found.variance)
            return
        sums = sum_up(inputs, conv, positions, wanted, self.pictures)
        nothing = torch.zeros(conv.weight[0].numel(), conv.out_channels, dtype=torch.float64)
        ridge = choose_ridge(solve_dense, nothing, sums, importance)
        if sums[1].count:
            sums[0].include(sums[1])
        equations = sums[0].equations(keep=False)
        kernel = solve_dense(equations.towards(nothing, ridge))
        conv.weight.copy_(as_kernel(kernel, tuple(conv.weight.shape)))
        self._set_norm(stage, equations.bias(kernel), equations.inputs @ kernel, equations.variance(kernel))

    def _set_norm(self, stage: Stage, bias: Tensor, mean: Tensor, variance: Tensor) -> None:
        """Let the BatchNorm behind a fitted convolution add the bias, and do what the standard one would."""
        scale, shift = torch.ones_like(bias), torch.zeros_like(bias)
        if stage.aim == BEFORE:
            scale, shift = self.wanted.scale[stage.channels], self.wanted.shift[stage.channels]
        make_affine(stage.norm, Affine(scale, shift + scale * bias), mean, variance)

    def _measure(self, _module: nn.Module, _inputs: Any, output: Tensor) -> None:
        wanted = torch.cat(self.check.ends).double()
        error = wanted - self.check.positions.take(output, 0).double()
        whole = (wanted - wanted.mean(0)).square().sum().clamp_min(1e-30)
        self.note(float(1 - error.square().sum() / whole))


def _settler(settle: Callable[[nn.Module, Tensor], None]) -> Callable[[nn.Module, Any], None]:
    return lambda norm, inputs: settle(norm, inputs[0])
