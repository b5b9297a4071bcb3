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

from app.core.architecture import CELL, Architecture, Convolution, load_architecture
from app.core.blocks import BLOCKS, Part
from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.sites import Site, mirrors, original, site
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
    cells = (height // architecture.cell) * (width // architecture.cell)
    return CostTable(
        imgsz=(height, width),
        standard=_total(architecture, {}, cells, deployed=False),
        lightweight=_total(architecture, swaps, cells, deployed=False),
        deployed_standard=_total(architecture, {}, cells, deployed=True),
        deployed_lightweight=_total(architecture, swaps, cells, deployed=True),
        modules=_rows(architecture, swaps, cells),
    )


def convolution_cost(conv: Convolution, cells: int, *, deployed: bool = False) -> Cost:
    """Return the cost of one convolution with its BatchNorm, for so many cells of input."""
    bias = conv.c2 if conv.bias or (deployed and conv.norm) else 0
    norm = conv.norm and not deployed
    parameters = conv.weights + bias + (2 * conv.c2 if norm else 0)
    pixels = conv.pixels * cells + conv.whole
    return Cost(
        parameters=parameters,
        flops=2 * conv.weights * pixels,
        activation_bytes=4 * conv.c2 * pixels,
        file_bytes=2 * parameters + (4 * conv.c2 + 8 if norm else 0),
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


def standard_modules(architecture: Architecture, cells: int, *, deployed: bool = False) -> Mapping[str, Cost]:
    """Return module path → cost of every convolution of the standard model."""
    return _standard_modules(architecture.base, architecture.classes, cells, deployed)


def site_cost(architecture: Architecture, path: str, cells: int, *, deployed: bool = False) -> Cost:
    """Return the standard cost of everything at or below a module path, without the module's twins.

    `activation_bytes` are those of what its operations write.
    """
    return _site_cost(architecture.base, architecture.classes, path, cells, deployed)


def swap_cost(
    architecture: Architecture, path: str, swap: Swap, cells: int, *, deployed: bool = False
) -> Cost:
    """Return the cost of the block that a swap puts at a module path, without the module's twins.

    `activation_bytes` are those of what its operations write.

    Raises:
        ValueError: nothing at `path` can be replaced.
    """
    return _swapped(architecture.base, architecture.classes, path, swap, cells, deployed)[0]


@lru_cache(maxsize=64)
def _standard_modules(base: str, classes: int, cells: int, deployed: bool) -> Mapping[str, Cost]:
    architecture = load_architecture(base, classes)
    return {
        path: convolution_cost(c, cells, deployed=deployed) for path, c in architecture.convolutions.items()
    }


@lru_cache(maxsize=4096)
def _site_cost(base: str, classes: int, path: str, cells: int, deployed: bool) -> Cost:
    architecture = load_architecture(base, classes)
    modules = standard_modules(architecture, cells, deployed=deployed)
    total = sum((modules[inner] for inner in architecture.convolutions_in(path)), ZERO)
    written = sum(architecture.steps[index].elements for index in architecture.steps_in(path))
    return replace(total, activation_bytes=4 * written * cells)


@lru_cache(maxsize=16384)
def _swapped(base: str, classes: int, path: str, swap: Swap, cells: int, deployed: bool) -> tuple[Cost, int]:
    """Return a block's cost, and how many elements live at most while it runs, everything outside included."""
    architecture = load_architecture(base, classes)
    place = site(architecture, original(path))
    if place is None:
        raise ValueError(f"nothing at {path} can be replaced")
    parts = swap_parts(place, swap, deployed=deployed)
    total = ZERO
    for part in parts:
        total += part_cost(part, cells, deployed=deployed)
    steps = architecture.steps_in(path)
    source = architecture.steps[steps[0]].inputs[0]
    before, _ = _lives(base, classes, cells)
    sizes = _sizes(base, classes, cells)
    kept = architecture.last_use[source] > steps[-1]
    inside = graph_peak(parts, sizes[source], cells, kept=kept)
    return total, before[steps[0]] - sizes[source] + inside


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


@lru_cache(maxsize=64)
def _sizes(base: str, classes: int, cells: int) -> tuple[int, ...]:
    """Return the elements of every tensor, the input first."""
    architecture = load_architecture(base, classes)
    return (
        3 * architecture.cell**2 * cells,
        *(step.elements * cells for step in architecture.steps),
    )


@lru_cache(maxsize=64)
def _lives(base: str, classes: int, cells: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return for every step of the standard model the elements alive before it and while it runs."""
    architecture = load_architecture(base, classes)
    sizes = _sizes(base, classes, cells)
    last_use = architecture.last_use
    live = sizes[0]
    before, during = [], []
    for index, step in enumerate(architecture.steps):
        before.append(live)
        live += sizes[index + 1]
        during.append(live)
        live -= sum(sizes[tensor] for tensor in set(step.inputs) if last_use[tensor] == index)
    return tuple(before), tuple(during)


def _places(architecture: Architecture, swaps: Mapping[str, Swap]) -> dict[int, tuple[str, Swap, int]]:
    """Return first step → (path, swap, last step) of every swapped module and its twins, in order of execution."""
    found = {}
    for path, swap in swaps.items():
        for twin in (path, *mirrors(architecture, path)):
            steps = architecture.steps_in(twin)
            if steps:
                found[steps[0]] = twin, swap, steps[-1]
    return dict(sorted(found.items()))


def _total(architecture: Architecture, swaps: Mapping[str, Swap], cells: int, *, deployed: bool) -> Cost:
    """Return the cost of a whole model: what is swapped in instead of what is swapped out."""
    base, classes = architecture.base, architecture.classes
    whole = _standard_total(base, classes, cells, deployed)
    parameters, flops, file_bytes = whole.parameters, whole.flops, whole.file_bytes
    during = _lives(base, classes, cells)[1]
    peaks, behind = [0], 0
    for first, (path, swap, last) in _places(architecture, swaps).items():
        old = _site_cost(base, classes, path, cells, deployed)
        new, peak = _swapped(base, classes, path, swap, cells, deployed)
        parameters += new.parameters - old.parameters
        flops += new.flops - old.flops
        file_bytes += new.file_bytes - old.file_bytes
        peaks += peak, max(during[behind:first], default=0)
        behind = last + 1
    peaks.append(max(during[behind:], default=0))
    return Cost(parameters, flops, 4 * max(peaks), file_bytes)


@lru_cache(maxsize=64)
def _standard_total(base: str, classes: int, cells: int, deployed: bool) -> Cost:
    return sum(_standard_modules(base, classes, cells, deployed).values(), ZERO)


@lru_cache(maxsize=64)
def _standard_rows(base: str, classes: int, cells: int) -> Mapping[int, ModuleCost]:
    """Return step → row of the standard model's table."""
    architecture = load_architecture(base, classes)
    costs = _standard_modules(base, classes, cells, False)
    return {
        index: ModuleCost(step.path, None, costs[step.path], costs[step.path])
        for index, step in enumerate(architecture.steps)
        if step.conv is not None
    }


def _rows(architecture: Architecture, swaps: Mapping[str, Swap], cells: int) -> tuple[ModuleCost, ...]:
    """Return a row for every convolution that stays and every swapped module, in order of execution."""
    rows = dict(_standard_rows(architecture.base, architecture.classes, cells))
    for first, (path, swap, last) in _places(architecture, swaps).items():
        before = site_cost(architecture, path, cells)
        for index in range(first, last + 1):
            rows.pop(index, None)
        rows[first] = ModuleCost(path, swap.block, before, swap_cost(architecture, path, swap, cells))
    return tuple(rows[index] for index in sorted(rows))
