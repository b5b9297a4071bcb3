"""Depthwise filters for what a pointwise convolution behind them shall make: least squares for the two together.

Where an activation between them is given numbers that it hardly bends, both are nearly one separable convolution. The
filters of the best separable one are then the right ones; the pointwise weights are solved again behind the activation.
"""

from __future__ import annotations

import torch
from torch import nn

from app.engine.depthwise_squares import DepthwiseFit, Seen
from app.engine.least_squares import improve_filters, solve_pointwise, unit_filters
from app.engine.refit_sums import sum_up

_RIDGE = 1e-2
_ROUNDS = 3
_SIDE = 3


def fit_filters(seen: Seen) -> DepthwiseFit:
    """Return the best 3 × 3 filters of a depthwise convolution for what a pointwise one makes of its output.

    The search starts from the middle 3 × 3 of the convolution.
    """
    conv, importance = seen.conv, seen.importance
    channels, stride = conv.in_channels, conv.stride[0]
    small = nn.Conv2d(channels, channels, _SIDE, stride, _SIDE // 2, groups=channels, device="meta")
    sums = sum_up(seen.inputs, small, seen.positions, seen.wanted, seen.pictures)
    if sums[1].count:
        sums[0].include(sums[1])
    equations = sums[0].equations(keep=False)
    nothing = torch.zeros(len(equations.cross), len(importance), dtype=torch.float64)
    drawn = equations.towards(nothing, _RIDGE)
    edge = (conv.kernel_size[0] - _SIDE) // 2
    start = conv.weight.detach()[:, 0, edge : edge + _SIDE, edge : edge + _SIDE]
    filters = start.double().reshape(conv.in_channels, 1, -1)
    for _ in range(_ROUNDS):
        pointwise = solve_pointwise(drawn, filters)
        filters = improve_filters(drawn, filters, pointwise, importance)
    filters, _ = unit_filters(equations, filters, solve_pointwise(drawn, filters))
    found = filters[:, 0]
    mean = (found * equations.inputs.view(conv.in_channels, -1)).sum(1)
    variance = torch.einsum("ck,ckl,cl->c", found, equations.own(), found)
    return DepthwiseFit(found, torch.zeros_like(mean), mean, variance)
