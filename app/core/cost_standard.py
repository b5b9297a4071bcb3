"""What the parts of a standard model cost; see `app.core.cost` for the definitions.

Whoever adds up many times asks by name, number of classes and form, and gets what was computed before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from app.core.architecture import Architecture, Convolution, Step, load_architecture


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


def standard_modules(architecture: Architecture, cells: int, *, deployed: bool = False) -> Mapping[str, Cost]:
    """Return module path → cost of everything in the standard model that has parameters or computes.

    Those are its convolutions, and what little stands outside: attention, BatchNorms that stand alone, and the like.
    """
    return modules_of(architecture.base, architecture.classes, cells, deployed)


def site_cost(architecture: Architecture, path: str, cells: int, *, deployed: bool = False) -> Cost:
    """Return the standard cost of everything at or below a module path, without the module's twins.

    `activation_bytes` are those of what its operations write.
    """
    return module_cost(architecture.base, architecture.classes, path, cells, deployed)


def form_of(base: str, classes: int, deployed: bool) -> Architecture:
    """Return a base model as it is trained, or as a runtime executes it."""
    architecture = load_architecture(base, classes)
    return architecture.deployed if deployed else architecture


@lru_cache(maxsize=64)
def modules_of(base: str, classes: int, cells: int, deployed: bool) -> Mapping[str, Cost]:
    """Return what `standard_modules` does."""
    architecture = form_of(base, classes, deployed)
    found: dict[str, Cost] = {}
    for step in architecture.steps:
        if step.conv is not None:
            cost = convolution_cost(step.conv, cells, deployed=deployed)
        elif any(step.flops):
            flops = step.flops[0] * cells + step.flops[1] * cells * cells
            cost = Cost(0, flops, 4 * _grown(step, cells), 0)
        else:
            continue
        found[step.path] = found.get(step.path, ZERO) + cost
    for path, (parameters, file_bytes) in architecture.tensors.items():
        found[path] = found.get(path, ZERO) + Cost(parameters, 0, 0, file_bytes)
    return MappingProxyType(found)


def _grown(step: Step, cells: int) -> int:
    """Return the numbers in a step's output, without rows and columns that padding adds."""
    return step.elements * cells + step.rest[3] * cells * cells


@lru_cache(maxsize=4096)
def module_cost(base: str, classes: int, path: str, cells: int, deployed: bool) -> Cost:
    """Return what `site_cost` does."""
    architecture = form_of(base, classes, deployed)
    modules = modules_of(base, classes, cells, deployed)
    total = sum((modules[inner] for inner in _inside(base, classes, deployed).get(path, ())), ZERO)
    written = sum(_grown(architecture.steps[index], cells) for index in architecture.steps_in(path))
    return replace(total, activation_bytes=4 * written)


@lru_cache(maxsize=64)
def _inside(base: str, classes: int, deployed: bool) -> Mapping[str, tuple[str, ...]]:
    """Return module path → the paths at or below it that cost something."""
    found: dict[str, list[str]] = {}
    for inner in modules_of(base, classes, 1, deployed):
        path = inner
        while path:
            found.setdefault(path, []).append(inner)
            path = path.rpartition(".")[0]
    return MappingProxyType({path: tuple(inner) for path, inner in found.items()})


@lru_cache(maxsize=64)
def sizes_of(base: str, classes: int, grid: tuple[int, int], deployed: bool) -> tuple[int, ...]:
    """Return the elements of every tensor, the input first."""
    architecture = form_of(base, classes, deployed)
    rows, columns = grid
    return (
        3 * architecture.cell**2 * rows * columns,
        *(step.size(rows, columns) for step in architecture.steps),
    )


@lru_cache(maxsize=64)
def lives_of(
    base: str, classes: int, grid: tuple[int, int], deployed: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return for every step of the standard model the elements alive before it and while it runs."""
    architecture = form_of(base, classes, deployed)
    sizes = sizes_of(base, classes, grid, deployed)
    last_use = architecture.last_use
    live = sizes[0]
    before, during = [], []
    for index, step in enumerate(architecture.steps):
        before.append(live)
        live += sizes[index + 1]
        during.append(live)
        live -= sum(sizes[tensor] for tensor in set(step.inputs) if last_use[tensor] == index)
    return tuple(before), tuple(during)


@lru_cache(maxsize=64)
def total_of(base: str, classes: int, cells: int, deployed: bool) -> Cost:
    """Return the sum over all modules; its `activation_bytes` are no peak."""
    return sum(modules_of(base, classes, cells, deployed).values(), ZERO)
