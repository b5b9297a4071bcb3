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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from app.core.architecture import CELL, Architecture, load_architecture
from app.core.blocks import BLOCKS, Part
from app.core.cost_standard import (
    ZERO,
    Cost,
    convolution_cost,
    form_of,
    lives_of,
    module_cost,
    modules_of,
    site_cost,
    sizes_of,
    standard_modules,
    total_of,
)
from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.sites import Site, mirrors, original, site
from app.core.text import QT_TRANSLATE_NOOP

__all__ = [
    "ZERO",
    "Cost",
    "CostTable",
    "ModuleCost",
    "check_imgsz",
    "compare_cost",
    "convolution_cost",
    "graph_peak",
    "part_cost",
    "site_cost",
    "standard_modules",
    "swap_cost",
    "swap_parts",
]


@dataclass(frozen=True, slots=True)
class ModuleCost:
    """The cost of one module before and after; activation_bytes are those of what it writes.

    Attributes:
        path: a convolution, or a whole module that is swapped.
        kind: block kind, None where it is standard.
        standard, lightweight: before and after.
    """

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
        modules: every convolution that stays and every swapped module, in order of execution, in the training form.
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


def check_imgsz(imgsz: int | tuple[int, int], cell: int = CELL) -> tuple[int, int]:
    """Return (height, width).

    Args:
        imgsz: input side, or (height, width), in pixels.
        cell: what its sides must be multiples of.

    Raises:
        AppError: a side is not a positive multiple of `cell`.
    """
    height, width = (imgsz, imgsz) if isinstance(imgsz, int) else imgsz
    for side in (height, width):
        if side < cell or side % cell or side > 8192:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "An input size of {side} pixels is not possible."),
                QT_TRANSLATE_NOOP("core", "Choose a multiple of {cell} from {cell} to 8192, such as 640."),
                side=side,
                cell=cell,
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
    architecture = load_architecture(design.base, design.classes)
    height, width = check_imgsz(imgsz, architecture.cell)
    swaps = design.resolved()
    grid = height // architecture.cell, width // architecture.cell
    return CostTable(
        imgsz=(height, width),
        standard=_total(architecture, {}, grid, deployed=False),
        lightweight=_total(architecture, swaps, grid, deployed=False),
        deployed_standard=_total(architecture, {}, grid, deployed=True),
        deployed_lightweight=_total(architecture, swaps, grid, deployed=True),
        modules=_rows(architecture, swaps, grid[0] * grid[1]),
    )


def part_cost(part: Part, cells: int, *, deployed: bool = False) -> Cost:
    """Return the cost of one operation of a block; `activation_bytes` are those of what it writes."""
    own = Cost(part.parameters, 0, 0, part.file_bytes)
    if part.conv is not None:
        own += convolution_cost(part.conv, cells, deployed=deployed)
    return replace(own, activation_bytes=4 * (part.elements * cells + part.whole))


def swap_parts(place: Site, swap: Swap, *, deployed: bool = False) -> tuple[Part, ...]:
    """Return the operations that a swap puts in the place of a site."""
    kind = BLOCKS[swap.block]
    return kind.deployed_parts(place, swap.options) if deployed else kind.parts(place, swap.options)


def swap_cost(
    architecture: Architecture, path: str, swap: Swap, cells: int, *, deployed: bool = False
) -> Cost:
    """Return the cost of the block that a swap puts at a module path, without the module's twins.

    `activation_bytes` are those of what its operations write.

    Raises:
        ValueError: nothing at `path` can be replaced.
    """
    return _block_cost(architecture.base, architecture.classes, path, swap, cells, deployed)


@lru_cache(maxsize=16384)
def _block_cost(base: str, classes: int, path: str, swap: Swap, cells: int, deployed: bool) -> Cost:
    total = ZERO
    for part in swap_parts(_place(base, classes, path), swap, deployed=deployed):
        total += part_cost(part, cells, deployed=deployed)
    return total


def _place(base: str, classes: int, path: str) -> Site:
    place = site(load_architecture(base, classes), original(path))
    if place is None:
        raise ValueError(f"nothing at {path} can be replaced")
    return place


@lru_cache(maxsize=16384)
def _block_peak(base: str, classes: int, path: str, swap: Swap, grid: tuple[int, int], deployed: bool) -> int:
    """Return how many elements live at most while a block runs, everything outside included."""
    architecture = form_of(base, classes, deployed)
    steps = architecture.steps_in(path)
    source = architecture.steps[steps[0]].inputs[0]
    taken = sizes_of(base, classes, grid, deployed)[source]
    outside = lives_of(base, classes, grid, deployed)[0][steps[0]] - taken
    parts = swap_parts(_place(base, classes, path), swap, deployed=deployed)
    kept = architecture.last_use[source] > steps[-1]
    return outside + graph_peak(parts, taken, grid[0] * grid[1], kept=kept)


def graph_peak(parts: Sequence[Part], taken: int, cells: int, *, kept: bool) -> int:
    """Return the largest number of elements alive at once inside a block, those of its input included.

    Args:
        parts: the block.
        taken: elements of the block's input.
        cells: cells of the model's input.
        kept: whether the input is still needed behind the block.
    """
    sizes = [taken, *(part.elements * cells + part.whole for part in parts)]
    last_use = list(range(len(sizes)))
    for number, part in enumerate(parts, 1):
        for tensor in part.inputs:
            last_use[tensor] = number
    last_use[-1] = len(sizes)
    if kept:
        last_use[0] = len(sizes)
    live = peak = taken
    for number, part in enumerate(parts, 1):
        live += sizes[number]
        peak = max(peak, live)
        live -= sum(sizes[tensor] for tensor in {*part.inputs, number} if last_use[tensor] == number)
    return peak


def _places(
    architecture: Architecture, swaps: Mapping[str, Swap], *, deployed: bool
) -> dict[int, tuple[str, Swap, int]]:
    """Return first step → (path, swap, last step) of every swapped module and its twins, in order of execution."""
    form = architecture.deployed if deployed else architecture
    found = {}
    for path, swap in swaps.items():
        for twin in (path, *mirrors(architecture, path)):
            steps = form.steps_in(twin)
            if steps:
                found[steps[0]] = twin, swap, steps[-1]
    return dict(sorted(found.items()))


def _total(
    architecture: Architecture, swaps: Mapping[str, Swap], grid: tuple[int, int], *, deployed: bool
) -> Cost:
    """Return the cost of a whole model: what is swapped in instead of what is swapped out."""
    base, classes, cells = architecture.base, architecture.classes, grid[0] * grid[1]
    whole = total_of(base, classes, cells, deployed)
    parameters, flops, file_bytes = whole.parameters, whole.flops, whole.file_bytes
    during = lives_of(base, classes, grid, deployed)[1]
    peaks, behind = [0], 0
    for first, (path, swap, last) in _places(architecture, swaps, deployed=deployed).items():
        old = module_cost(base, classes, path, cells, deployed)
        new = _block_cost(base, classes, path, swap, cells, deployed)
        parameters += new.parameters - old.parameters
        flops += new.flops - old.flops
        file_bytes += new.file_bytes - old.file_bytes
        peaks += (
            _block_peak(base, classes, path, swap, grid, deployed),
            max(during[behind:first], default=0),
        )
        behind = last + 1
    peaks.append(max(during[behind:], default=0))
    return Cost(parameters, flops, 4 * max(peaks), file_bytes)


@lru_cache(maxsize=64)
def _standard_rows(base: str, classes: int, cells: int) -> tuple[tuple[int, ModuleCost], ...]:
    """Return (step, row) of the standard model's table, in order of execution."""
    architecture = load_architecture(base, classes)
    first: dict[str, int] = {}
    for index, step in enumerate(architecture.steps):
        first.setdefault(step.path, index)
    rows = [
        (
            first.get(path, (architecture.steps_in(path) or (len(first),))[0]),
            ModuleCost(path, None, cost, cost),
        )
        for path, cost in modules_of(base, classes, cells, False).items()
    ]
    return tuple(sorted(rows, key=lambda row: row[0]))


def _rows(architecture: Architecture, swaps: Mapping[str, Swap], cells: int) -> tuple[ModuleCost, ...]:
    """Return a row for everything that stays and every swapped module, in order of execution."""
    places = _places(architecture, swaps, deployed=False)
    rows: list[ModuleCost] = []
    behind = 0
    for index, row in _standard_rows(architecture.base, architecture.classes, cells):
        if index in places:
            path, swap, last = places.pop(index)
            before = site_cost(architecture, path, cells)
            rows.append(ModuleCost(path, swap.block, before, swap_cost(architecture, path, swap, cells)))
            behind = last + 1
        elif index >= behind:
            rows.append(row)
    return tuple(rows)
