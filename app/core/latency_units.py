"""A design as the modules whose time is measured, each with a signature that says all its time depends on.

A unit is a convolution that stays, what a module computes besides its convolutions, or a swapped module as a whole.
Its signature names shapes, not places: the same shape at two places, or in two models, has one figure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from app.core.activations import TITLES
from app.core.architecture import Architecture, Convolution, Step, load_architecture
from app.core.blocks import BLOCKS
from app.core.cost import check_imgsz, swap_cost, swap_parts
from app.core.design import Design, Swap
from app.core.sites import ONE_TO_ONE, Site, site

NO_FORMS: Mapping[str, str] = MappingProxyType({})

_CACHED = 32768
_ACTIVATION = re.compile(rf" ({'|'.join(TITLES)})\b")


@dataclass(frozen=True, slots=True)
class Unit:
    """A module whose time is measured.

    Attributes:
        path: module path.
        signature: what its time depends on besides runtime and machine.
        family: "dense", "pointwise", "depthwise", "grouped", "rest", or the block kind with its options.
        flops: floating-point operations, as in `app.core.cost`.
        numbers: how many numbers it reads and writes, weights included.
    """

    path: str
    signature: str
    family: str
    flops: int
    numbers: int

    @property
    def silent(self) -> str:
        """The signature without the activation, for what was measured with another one."""
        return _ACTIVATION.sub(" *", self.signature)

    @property
    def kind(self) -> str | None:
        """The block kind of a swapped module, None for anything else."""
        name = self.family.partition(" ")[0]
        return name if name in BLOCKS else None


def units(
    design: Design, imgsz: int | tuple[int, int] = 640, forms: Mapping[str, str] = NO_FORMS
) -> tuple[Unit, ...]:
    """Return the units of a design.

    Args:
        design: any design.
        imgsz: input side, or (height, width), in pixels.
        forms: swap, as `swap_text` writes it, or block kind → the form that runs; the usual form of what is not named.

    Raises:
        AppError: the size is not possible, or the design does not fit.
    """
    architecture = design.architecture
    count = cells(architecture, imgsz)
    standard = standard_units(design.base, architecture.classes, count, design.activation)
    swaps = design.resolved()
    if not swaps:
        return tuple(standard.values())
    found = dict(standard)
    for path, swap in swaps.items():
        for inner in _paths_in(design.base, architecture.classes, path):
            del found[inner]
        found[path] = _swapped(architecture_key(design), count, path, swap, form_for(swap, forms))
    return tuple(found.values())


def cells(architecture: Architecture, imgsz: int | tuple[int, int]) -> int:
    """Return how many cells an input has.

    Raises:
        AppError: the size is not possible.
    """
    height, width = check_imgsz(imgsz, architecture.cell)
    return (height // architecture.cell) * (width // architecture.cell)


def units_in(design: Design, path: str, imgsz: int | tuple[int, int] = 640) -> tuple[Unit, ...]:
    """Return the units at or below a module path where nothing is swapped."""
    architecture = design.architecture
    count = cells(architecture, imgsz)
    standard = standard_units(design.base, architecture.classes, count, design.activation)
    return tuple(standard[inner] for inner in _paths_in(design.base, architecture.classes, path))


def swap_unit(
    design: Design,
    path: str,
    swap: Swap,
    imgsz: int | tuple[int, int] = 640,
    forms: Mapping[str, str] = NO_FORMS,
) -> Unit:
    """Return what a swap puts at a module path.

    Raises:
        ValueError: nothing there can be replaced.
    """
    count = cells(design.architecture, imgsz)
    return _swapped(architecture_key(design), count, path, swap, form_for(swap, forms))


_Key = tuple[str, int, str | None]


def architecture_key(design: Design) -> _Key:
    """Return base model, number of classes and activation: what the units of a design depend on besides swaps."""
    return design.base, design.architecture.classes, design.activation


def swap_text(swap: Swap) -> str:
    """Return a swap as one text, for example "separable rank=2"."""
    return f"{swap.block}{''.join(f' {name}={value}' for name, value in sorted(swap.options.items()))}"


def form_for(swap: Swap, forms: Mapping[str, str]) -> str:
    """Return the form that is named for a swap, else for its kind; "" for the usual one."""
    return forms.get(swap_text(swap)) or forms.get(swap.block, "")


@lru_cache(maxsize=64)
def standard_units(base: str, classes: int, count: int, activation: str | None = None) -> Mapping[str, Unit]:
    """Return path → unit of a model without swaps for an input of so many cells, in order of execution.

    Of a detector with two heads the deployed form has one, under the names of the first.
    """
    architecture = load_architecture(base, classes, activation)
    sizes = (3 * architecture.cell**2, *(step.elements for step in architecture.steps))
    groups: dict[str, list[Step]] = {}
    for step in architecture.steps:
        if f".{ONE_TO_ONE}" not in step.path:
            groups.setdefault(step.path, []).append(step)
    found = {}
    for path, steps in groups.items():
        conv = steps[0].conv
        if conv is not None:
            found[path] = _convolution_unit(path, conv, count)
        else:
            found[path] = _rest_unit(path, architecture.modules.get(path, ""), steps, sizes, count)
    return MappingProxyType(found)


def _convolution_unit(path: str, conv: Convolution, count: int) -> Unit:
    pixels = conv.pixels * count + conv.whole
    read = conv.c1 * pixels * conv.s[0] * conv.s[1]
    return Unit(
        path,
        f"conv {_shape(conv.c1, conv.c2, conv.k, conv.s)} g{conv.g} {conv.act or 'linear'}, {pixels} px",
        family(conv),
        2 * conv.weights * pixels,
        conv.weights + read + conv.c2 * pixels,
    )


def family(conv: Convolution) -> str:
    """Return which kind of convolution it is: "depthwise", "grouped", "pointwise" or "dense"."""
    if conv.g > 1:
        return "depthwise" if conv.g == conv.c1 else "grouped"
    return "pointwise" if conv.is_pointwise else "dense"


def _rest_unit(path: str, kind: str, steps: list[Step], sizes: tuple[int, ...], count: int) -> Unit:
    told = " ".join(f"{step.op}:{step.elements * count}" for step in steps)
    numbers = sum(step.elements + sum(sizes[tensor] for tensor in step.inputs) for step in steps)
    return Unit(path, f"{kind or 'module'} {told}", "rest", 0, numbers * count)


@lru_cache(maxsize=_CACHED)
def _swapped(key: _Key, count: int, path: str, swap: Swap, form: str) -> Unit:
    architecture = load_architecture(*key)
    place = site(architecture, path)
    if place is None:
        raise ValueError(f"nothing at {path} can be replaced")
    chosen = swap_text(swap)
    known = BLOCKS[swap.block].forms(place, swap.options)
    told = f" as {form if form in known else known[0]}" if len(known) > 1 else ""
    cost = swap_cost(architecture, path, swap, count, deployed=True)
    return Unit(
        path,
        f"{chosen}{told}: {_site_text(place)}, {place.pixels * count} px",
        chosen,
        cost.flops,
        _numbers(place, swap, count),
    )


def _numbers(place: Site, swap: Swap, count: int) -> int:
    parts = swap_parts(place, swap, deployed=True)
    sizes = [place.c1 * place.pixels_in * count, *(part.elements * count + part.whole for part in parts)]
    weights = sum(part.conv.weights for part in parts if part.conv is not None)
    read = sum(sizes[tensor] for part in parts for tensor in part.inputs)
    return weights + read + sum(sizes[1:])


def _site_text(place: Site) -> str:
    inner = f" ×{place.repeats}{' shortcut' if place.shortcut else ''}" if place.conv is None else ""
    return f"{place.type} {_shape(place.c1, place.c2, place.k, place.s)} {place.act or 'linear'}{inner}"


def _shape(c1: int, c2: int, k: tuple[int, int], s: tuple[int, int]) -> str:
    return f"{c1}>{c2} {k[0]}x{k[1]}/{s[0]}"


@lru_cache(maxsize=_CACHED)
def _paths_in(base: str, classes: int, path: str) -> tuple[str, ...]:
    architecture = load_architecture(base, classes)
    return tuple(dict.fromkeys(architecture.steps[index].path for index in architecture.steps_in(path)))


@dataclass(frozen=True, slots=True)
class Change:
    """A module before and after: the same units where nothing is swapped."""

    path: str
    kind: str | None
    before: tuple[Unit, ...]
    after: tuple[Unit, ...]


def changes(
    design: Design, imgsz: int | tuple[int, int] = 640, forms: Mapping[str, str] = NO_FORMS
) -> tuple[Change, ...]:
    """Return every module in the standard model and in the design, in order of execution.

    Raises:
        AppError: the size is not possible, or the design does not fit.
    """
    architecture, swaps, standard = design.architecture, design.resolved(), design.cleared()
    plain = standard_units(design.base, architecture.classes, cells(architecture, imgsz))
    rows = []
    for unit in units(design, imgsz, forms):
        swapped = unit.path in swaps
        before = units_in(standard, unit.path, imgsz) if swapped else (plain[unit.path],)
        rows.append(Change(unit.path, unit.kind if swapped else None, before, (unit,)))
    order = architecture.order
    return tuple(sorted(rows, key=lambda row: order.get(row.path, len(order))))


def owner(path: str, known: Mapping[str, object]) -> str | None:
    """Return the unit that an operation at a module path belongs to: itself or the nearest one above."""
    while path:
        if path in known:
            return path
        path = path.rpartition(".")[0]
    return None
