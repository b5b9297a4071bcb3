"""What torch counts of a model on the meta device, and what the arithmetic says of the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from app.core.cost import Cost


class _WithoutNorms(TorchFunctionMode):
    """Passes over BatchNorm, which torch counts nothing for, and whose shapes on "meta" take most of the time."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is nn.functional.batch_norm:
            return args[0]
        return func(*args, **(kwargs or {}))


def figures(model: nn.Module, height: int, width: int) -> tuple[int, int]:
    """Return the parameters, and what torch counts of one forward pass."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter, _WithoutNorms():
        model.eval()(torch.zeros(1, 3, height, width, device="meta"))
    return sum(p.numel() for p in model.parameters()), counter.get_total_flops()


def expected(cost: Cost) -> tuple[int, int]:
    """Return the same of the arithmetic."""
    return cost.parameters, cost.flops
