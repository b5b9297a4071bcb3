"""Exact costs from shapes alone: parameters, floating-point operations, activation and file bytes.

* parameters: `sum(p.numel())` of the built model.
* flops: what `torch.utils.flop_counter` gives for a batch of 1 in eval mode: 2 × multiply-adds of every convolution,
  2 · pixels · c2 · (c1 / g) · kh · kw, the DFL convolution included; bias and normalisation count nothing.
* activation_bytes: the peak over the operations, in order of execution, of the bytes of all tensors that are still
  needed, in float32, skips included; normalisation and activation happen in place.
* file_bytes: tensor bytes of the FP16 checkpoint: 2 a parameter, and for each BatchNorm 4 a channel (running mean and
  variance) and 8 for its counter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.core.architecture import CELL, Architecture, Convolution, Step, load_architecture
from app.core.blocks import BLOCKS, Part
from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP


@dataclass(frozen=True, slots=True)
class Cost:
    """What a model or module costs."""

    parameters: int
    flops: int
    activation_bytes: int
    file_bytes: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.parameters + other.parameters,
            self.flops + other.flops,
            self.activation_bytes + other.activation_bytes,
            self.file_bytes + other.file_bytes,
        )

    def to_json(self) -> dict[str, int]:
        """Return the figures under the names that scripts read."""
        return {
            "parameters": self.parameters,
            "flops": self.flops,
            "activation_bytes": self.activation_bytes,
            "file_bytes": self.file_bytes,
        }


ZERO = Cost(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ModuleCost:
    """The cost of one convolution before and after; activation_bytes are those of what it writes."""

    path: str
    kind: str | None
    standard: Cost
    lightweight: Cost


@dataclass(frozen=True)
class CostTable:
    """A design's costs at one input size.

    Attributes:
        imgsz: input (height, width) in pixels.
        standard, lightweight: totals of the training form.
        deployed_standard, deployed_lightweight: totals of the deployed form.
        modules: every convolution, in order of execution, in the training form.
    """

    imgsz: tuple[int, int]
    standard: Cost
    lightweight: Cost
    deployed_standard: Cost
    deployed_lightweight: Cost
    modules: tuple[ModuleCost, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the document of `cost --json`."""
        height, width = self.imgsz
        return {
            "imgsz": height if height == width else [height, width],
            "standard": self.standard.to_json(),
            "lightweight": self.lightweight.to_json(),
            "deployed": {
                "standard": self.deployed_standard.to_json(),
                "lightweight": self.deployed_lightweight.to_json(),
            },
            "modules": [
                {
                    "path": m.path,
                    "kind": m.kind,
                    "standard": m.standard.to_json(),
                    "lightweight": m.lightweight.to_json(),
                }
                for m in self.modules
            ],
        }


def check_imgsz(imgsz: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width).

    Raises:
        AppError: a side is not a positive multiple of 32.
    """
    height, width = (imgsz, imgsz) if isinstance(imgsz, int) else imgsz
    for side in (height, width):
        if side < CELL or side % CELL or side > 8192:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "An input size of {side} pixels is not possible."),
                QT_TRANSLATE_NOOP("core", "Choose a multiple of 32 from 32 to 8192, such as 640."),
                side=side,
            )
    return height, width


def compare_cost(design: Design, imgsz: int | tuple[int, int] = 640) -> CostTable:
    """Return the costs of the standard and of the lightweight model.

    Args:
        design: any design.
        imgsz: input side, or (height, width), in pixels; multiples of 32.

    Raises:
        AppError: the size is not possible, or the design does not fit its base model.
    """
    height, width = check_imgsz(imgsz)
    cells = (height // CELL) * (width // CELL)
    architecture = load_architecture(design.base, design.classes)
    swaps = design.resolved()
    standard = standard_modules(architecture, cells)
    modules = []
    light = 0, 0, 0
    for path, before in standard.items():
        swap = swaps.get(path)
        after = before if swap is None else _block_cost(architecture.convolutions[path], swap, cells)
        modules.append(ModuleCost(path, swap.block if swap else None, before, after))
        light = light[0] + after.parameters, light[1] + after.flops, light[2] + after.file_bytes
    activation = _peak(architecture, swaps, deployed=False) * 4 * cells
    return CostTable(
        imgsz=(height, width),
        standard=_standard_total(architecture, cells, False),
        lightweight=Cost(light[0], light[1], activation, light[2]),
        deployed_standard=_standard_total(architecture, cells, True),
        deployed_lightweight=_deployed_total(architecture, swaps, cells),
        modules=tuple(modules),
    )


def convolution_cost(conv: Convolution, cells: int, *, deployed: bool = False) -> Cost:
    """Return the cost of one convolution with its BatchNorm, for so many cells of input."""
    bias = conv.c2 if conv.bias or (deployed and conv.norm) else 0
    norm = conv.norm and not deployed
    parameters = conv.weights + bias + (2 * conv.c2 if norm else 0)
    return Cost(
        parameters=parameters,
        flops=2 * conv.weights * conv.pixels * cells,
        activation_bytes=4 * conv.c2 * conv.pixels * cells,
        file_bytes=2 * parameters + (4 * conv.c2 + 8 if norm else 0),
    )


def swap_parts(conv: Convolution, swap: Swap, *, deployed: bool = False) -> tuple[Part, ...]:
    """Return the convolutions that a swap puts in the place of `conv`."""
    kind = BLOCKS[swap.block]
    return kind.deployed_parts(conv, swap.options) if deployed else kind.parts(conv, swap.options)


def _block_cost(conv: Convolution, swap: Swap, cells: int, *, deployed: bool = False) -> Cost:
    total = ZERO
    for part in swap_parts(conv, swap, deployed=deployed):
        total += convolution_cost(part.conv, cells, deployed=deployed)
    return total


@lru_cache(maxsize=64)
def _standard_modules(base: str, classes: int, cells: int, deployed: bool) -> Mapping[str, Cost]:
    architecture = load_architecture(base, classes)
    return {
        path: convolution_cost(c, cells, deployed=deployed) for path, c in architecture.convolutions.items()
    }


def standard_modules(architecture: Architecture, cells: int, *, deployed: bool = False) -> Mapping[str, Cost]:
    """Return module path → cost of every convolution of the standard model."""
    return _standard_modules(architecture.base, architecture.classes, cells, deployed)


def _standard_total(architecture: Architecture, cells: int, deployed: bool) -> Cost:
    rows = standard_modules(architecture, cells, deployed=deployed).values()
    return Cost(
        sum(c.parameters for c in rows),
        sum(c.flops for c in rows),
        _standard_peak(architecture.base, architecture.classes) * 4 * cells,
        sum(c.file_bytes for c in rows),
    )


def _deployed_total(architecture: Architecture, swaps: Mapping[str, Swap], cells: int) -> Cost:
    parameters = flops = file_bytes = 0
    for path, before in standard_modules(architecture, cells, deployed=True).items():
        swap = swaps.get(path)
        cost = (
            before
            if swap is None
            else _block_cost(architecture.convolutions[path], swap, cells, deployed=True)
        )
        parameters, flops = parameters + cost.parameters, flops + cost.flops
        file_bytes += cost.file_bytes
    return Cost(parameters, flops, _peak(architecture, swaps, deployed=True) * 4 * cells, file_bytes)


@lru_cache(maxsize=64)
def _standard_peak(base: str, classes: int) -> int:
    return _peak(load_architecture(base, classes), {}, deployed=False)


def _peak(architecture: Architecture, swaps: Mapping[str, Swap], *, deployed: bool) -> int:
    """Return the largest number of live elements per cell."""
    last_use = architecture.last_use
    sizes = [3 * CELL * CELL, *(step.elements for step in architecture.steps)]
    live = sizes[0]
    peak = live
    for index, step in enumerate(architecture.steps):
        swap = swaps.get(step.path) if step.conv is not None else None
        if swap is None or step.conv is None:
            live += step.elements
            peak = max(peak, live)
        else:
            source = step.inputs[0]
            is_last = last_use[source] == index
            peak = max(
                peak, _peak_inside(step, swap, live, sizes[source] if is_last else 0, deployed=deployed)
            )
            live += step.elements
        live -= sum(sizes[tensor] for tensor in set(step.inputs) if last_use[tensor] == index)
    return peak


def _peak_inside(step: Step, swap: Swap, live: int, freed: int, *, deployed: bool) -> int:
    """Return the peak while a swapped module runs; `freed` elements of its input go once its first part has run."""
    assert step.conv is not None
    peak = 0
    previous = 0
    for position, part in enumerate(swap_parts(step.conv, swap, deployed=deployed)):
        if part.repeats > 1:
            copies = part.repeats * step.conv.c1 * step.conv.pixels * step.conv.s[0] * step.conv.s[1]
            peak = max(peak, live + previous + copies)
            live, previous, freed = live - freed, copies, 0
        elements = part.conv.c2 * part.conv.pixels
        peak = max(peak, live + previous + elements)
        if position == 0:
            live -= freed
        previous = elements
    return peak
