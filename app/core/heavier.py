"""Whether a swap makes a module heavier instead of lighter; not every "light" block is light everywhere."""

from __future__ import annotations

from app.core.architecture import Architecture
from app.core.cost import site_cost, swap_cost
from app.core.design import Swap

_CELLS = 400
"""Cells of 640 × 640 input pixels; squeeze-and-excitation weighs less the larger the input."""


def heavier(architecture: Architecture, path: str, swap: Swap) -> bool:
    """Say whether a block has more parameters or operations than the module it replaces, both as they are deployed.

    Args:
        architecture: the base model.
        path: a module that the swap's kind can replace.
        swap: the block.

    Raises:
        ValueError: nothing at `path` can be replaced.
    """
    new = swap_cost(architecture, path, swap, _CELLS, deployed=True)
    old = site_cost(architecture, path, _CELLS, deployed=True)
    return new.parameters > old.parameters or new.flops > old.flops


def saves(architecture: Architecture, path: str, swap: Swap) -> bool:
    """Say whether a block has fewer operations than the module it replaces, and no more parameters."""
    new = swap_cost(architecture, path, swap, _CELLS, deployed=True)
    old = site_cost(architecture, path, _CELLS, deployed=True)
    return new.parameters <= old.parameters and new.flops < old.flops
