"""Refits one module: the best kernel of its form for sampled inputs and wanted outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import RepConv

from app.engine.blocks_as_kernels import (
    Affine,
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

RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Draws towards the standard kernel to choose from, as shares of the inputs' mean variance."""

_RIDGE_OF_LARGE = 1e-2


def is_swapped(module: nn.Module) -> bool:
    """Say whether a module was swapped, so that its standard kernel cannot simply stay."""
    return is_separable(module) or last_conv(module).groups > 1 or isinstance(module, RepConv)


def fit_module(
    new: nn.Module, old: nn.Module, sums: tuple[Sums, Sums], scale: Tensor | None, rounds: int
) -> Tensor:
    """Write the best weights into a module.

    How strongly the solution is drawn towards the standard kernel is chosen by what does best on held-out pictures;
    then everything is fitted once more on all of them.

    Args:
        new: the module to write, swapped or kept.
        old: the standard module, or another block that computes what is wanted.
        sums: of the pictures to fit on, and of those held out, which may be empty; they are used up.
        scale: how much an error of each output matters, c2; None takes what the BatchNorm makes of it.
        rounds: how often filters and pointwise weights are improved in turn.

    Returns:
        The kernel C·K × c2.
    """
    standard, _ = dense_kernel(old)
    importance = _importance(old, scale)
    filters = _first_filters(new, standard) if is_separable(new) else None
    solve = _solver(new, filters)
    ridge = choose_ridge(solve, standard, sums, importance)
    if sums[1].count:
        sums[0].include(sums[1])
    everything = sums[0].equations(keep=False)
    drawn = everything.towards(standard, ridge)
    if filters is not None:
        kernel = _fit_separable(new, filters, drawn, everything, rounds, importance)
    else:
        kernel = solve(drawn)
        write_kernel(new, kernel)
    _write_affine(new, old, kernel, everything)
    return kernel


def choose_ridge(
    solve: Callable[[Equations], Tensor], standard: Tensor, sums: tuple[Sums, Sums], importance: Tensor
) -> float:
    """Return the ridge whose solution errs least on the held-out pictures.

    Args:
        solve: returns the kernel that solves equations.
        standard: the kernel that the ridge draws towards.
        sums: of the pictures to fit on, and of those held out.
        importance: how much an error of each output matters.
    """
    if not sums[1].count or not sums[0].count:
        return _RIDGE_OF_LARGE
    fit, held_out = (part.equations() for part in sums)
    best, least = RIDGES[-1], float("inf")
    for ridge in RIDGES:
        kernel = solve(fit.towards(standard, ridge))
        off = held_out.bias(kernel) - fit.bias(kernel)
        error = float(((held_out.residual(kernel) + off.square()) * importance.square()).sum())
        if error < least:
            best, least = ridge, error
    return best


def _solver(new: nn.Module, filters: Tensor | None) -> Callable[[Equations], Tensor]:
    """Return what solves equations for a module's form; for a separable one with these filters."""
    groups = last_conv(new).groups
    if filters is not None:
        return lambda equations: compose(filters, solve_pointwise(equations, filters))
    return solve_dense if groups == 1 else lambda equations: solve_grouped(equations, groups)


def _first_filters(new: nn.Module, standard: Tensor) -> Tensor:
    conv = first_conv(new)
    shape = (standard.shape[1], conv.in_channels, *conv.kernel_size)
    filters, _ = factorise(as_kernel(standard, shape), conv.out_channels // conv.in_channels)
    return filters


def _importance(old: nn.Module, scale: Tensor | None) -> Tensor:
    """Return how much an error of each output before the BatchNorm matters, largest 1."""
    if scale is None:
        scale = affine(last_norm(old), last_conv(old).out_channels).scale.abs()
    return (scale / scale.max().clamp_min(1e-12)).clamp_min(1e-3)


def _fit_separable(
    new: nn.Module, filters: Tensor, drawn: Equations, equations: Equations, rounds: int, importance: Tensor
) -> Tensor:
    """Write filters and pointwise weights, and the BatchNorm between them as an identity; return their kernel."""
    pointwise = solve_pointwise(drawn, filters)
    for _ in range(rounds):
        filters = improve_filters(drawn, filters, pointwise, importance)
        pointwise = solve_pointwise(drawn, filters)
    filters, pointwise = unit_filters(equations, filters, pointwise)
    write_separable(new, filters, pointwise)
    means = torch.einsum("irk,ik->ir", filters, equations.inputs.view(len(filters), -1)).reshape(-1)
    depthwise: Any = new[0]  # type: ignore[index]
    make_identity(depthwise.bn, means, torch.ones_like(means))
    return compose(filters, pointwise)


def _write_affine(new: nn.Module, old: nn.Module, kernel: Tensor, equations: Equations) -> None:
    """Set what follows the convolution: the standard BatchNorm's map of the wanted output, bias included."""
    norm, bias = last_norm(new), equations.bias(kernel)
    wanted = affine(last_norm(old), last_conv(old).out_channels)
    moved = Affine(wanted.scale, wanted.shift + wanted.scale * bias)
    if isinstance(new, RepConv):
        half = Affine(moved.scale, moved.shift / 2)
        centre = kernel.view(-1, 9, kernel.shape[1]).clone()
        centre[:, [0, 1, 2, 3, 5, 6, 7, 8]] = 0
        near = centre.view_as(kernel) / 2
        for branch, part in ((new.conv1, kernel - near), (new.conv2, near)):
            make_affine(branch.bn, half, equations.inputs @ part, equations.variance(part))
    elif norm is not None:
        make_affine(norm, moved, equations.inputs @ kernel, equations.variance(kernel))
    else:
        conv = last_conv(new)
        if conv.bias is not None:
            conv.bias.copy_(bias)
