"""A base model as data: its layers, modules, convolutions and operations in order of execution.

The stock architectures stand in `resources/models` and are regenerated from ultralytics by `tools/architectures.py`.
Almost every tensor of a detector grows in proportion to the input, so sizes are kept for one *cell*, a square of
32 × 32 input pixels (64 × 64 where a model predicts on P6 too); an input of H × W has (H / 32) · (W / 32) cells. What
does not grow so, attention matrices and padded rows, is kept as a polynomial in rows and columns of cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any

from app.core.activations import TITLES, check_activation
from app.core.architecture_file import SUFFIX, Number, number_reader, read, tensors
from app.core.base_models import base_models, canonical, unknown_base
from app.core.errors import AppError
from app.core.folders import resources
from app.core.text import QT_TRANSLATE_NOOP
from app.core.user_models import NotTracedError, is_user_model, trace_file

__all__ = [
    "CELL",
    "DEFAULT_CLASSES",
    "Architecture",
    "Convolution",
    "Layer",
    "Step",
    "base_models",
    "load_architecture",
]

CELL = 32
"""Side of a cell in input pixels."""

DEFAULT_CLASSES = 80
"""Number of classes of the stock models (COCO)."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """One 2-D convolution with what is folded into it.

    Attributes:
        c1, c2: input and output channels.
        k, s, p: kernel, stride and padding as (height, width).
        g: groups.
        bias: whether the convolution itself has a bias.
        norm: whether a BatchNorm follows.
        act: name of the activation that follows, or None.
        pixels: output pixels of one cell.
        whole: output pixels that do not depend on the input size, as in squeeze-and-excitation.
    """

    c1: int
    c2: int
    k: tuple[int, int]
    s: tuple[int, int]
    p: tuple[int, int]
    g: int
    bias: bool
    norm: bool
    act: str | None
    pixels: int
    whole: int = 0

    @property
    def weights(self) -> int:
        """Number of kernel weights."""
        return self.c2 * (self.c1 // self.g) * self.k[0] * self.k[1]

    @property
    def is_pointwise(self) -> bool:
        """Whether the kernel is 1 × 1."""
        return self.k == (1, 1)


@dataclass(frozen=True, slots=True)
class Step:
    """One operation in order of execution. Tensor 0 is the input; step i makes tensor i + 1.

    Attributes:
        op: "conv", "deconv", "concat", "add", "mul", "pool", "upsample", "matmul" or "other".
        path: module path it belongs to, for example "model.4.m.0.cv2".
        inputs: tensors it reads.
        elements: numbers in its output, per cell.
        conv: the convolution, where op is "conv".
        rest: what `elements` leaves out: a constant, numbers per row of cells, per column, per cell².
        flops: floating-point operations outside convolutions, per cell and per cell² (attention).
    """

    op: str
    path: str
    inputs: tuple[int, ...]
    elements: int
    conv: Convolution | None
    rest: tuple[int, int, int, int] = (0, 0, 0, 0)
    flops: tuple[int, int] = (0, 0)

    def size(self, rows: int, columns: int) -> int:
        """Return the numbers in its output for an input of so many rows and columns of cells."""
        cells = rows * columns
        if not any(self.rest):
            return self.elements * cells
        constant, row, column, square = self.rest
        return self.elements * cells + constant + row * rows + column * columns + square * cells * cells


@dataclass(frozen=True, slots=True)
class Layer:
    """A row of the model YAML.

    Attributes:
        index: position in the YAML.
        type: class name, for example "C3".
        sources: indices of the layers it reads; −1 is the picture.
        part: "backbone", "neck" or "head".
        level: pyramid level of its output, 0 to 6 (P1 to P6; 0: the picture itself); for the head the highest it reads.
        c1, c2: channels read (all sources together) and channels made (0 for the head).
        downsamples: whether its output is smaller than its input.
    """

    index: int
    type: str
    sources: tuple[int, ...]
    part: str
    level: int
    c1: int
    c2: int
    downsamples: bool

    @property
    def path(self) -> str:
        """Module path, for example "model.4"."""
        return f"model.{self.index}"


@dataclass(frozen=True)
class Architecture:
    """A base model with a number of classes.

    Attributes:
        base: name as ultralytics spells it, for example "yolov5n".
        classes: number of classes.
        strides: input pixels per output pixel of each prediction level.
        layers: rows of the model YAML.
        modules: module path → class name, in order, down to whole convolutions.
        steps: operations in order of execution.
        cell: side of a cell in input pixels; an input's sides are multiples of it.
        tensors: module path → (parameters, bytes in an FP16 checkpoint) of what stands outside convolutions.
        activation: what all its activations became; None where they are those of the base model.
    """

    base: str
    classes: int
    strides: tuple[int, ...]
    layers: tuple[Layer, ...]
    modules: Mapping[str, str]
    steps: tuple[Step, ...]
    cell: int = CELL
    tensors: Mapping[str, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    activation: str | None = None

    @property
    def deployed(self) -> Architecture:
        """The deployed form: where no more than BatchNorm is folded, the architecture itself."""
        return _load(self.base, self.classes, True, self.activation)

    @cached_property
    def activations(self) -> tuple[str, ...]:
        """The activations behind its convolutions, by name, the most frequent first."""
        acts = [conv.act for conv in self.convolutions.values() if conv.act in TITLES]
        return tuple(sorted({act for act in acts if act}, key=lambda act: (-acts.count(act), act)))

    @cached_property
    def convolutions(self) -> Mapping[str, Convolution]:
        """Module path → its convolution, in order of execution."""
        return MappingProxyType({s.path: s.conv for s in self.steps if s.conv is not None})

    @cached_property
    def order(self) -> Mapping[str, int]:
        """Module path → its rank in the model, for sorting."""
        return MappingProxyType({path: index for index, path in enumerate(self.modules)})

    @cached_property
    def last_use(self) -> tuple[int, ...]:
        """For each tensor the index of the last step that reads it; what nothing reads is kept to the end."""
        last = [len(self.steps)] * (len(self.steps) + 1)
        for index, step in enumerate(self.steps):
            for tensor in step.inputs:
                last[tensor] = index
        return tuple(last)

    def children(self, path: str) -> tuple[str, ...]:
        """Return the paths of the modules directly inside `path` ("" for the layers)."""
        if not path:
            return tuple(layer.path for layer in self.layers)
        return self._children.get(path, ())

    @cached_property
    def _children(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for path in self.modules:
            found.setdefault(path.rpartition(".")[0], []).append(path)
        return MappingProxyType({path: tuple(inner) for path, inner in found.items()})

    def convolutions_in(self, path: str) -> tuple[str, ...]:
        """Return the paths of the convolutions at or below `path`."""
        steps = (self.steps[index] for index in self.steps_in(path))
        return tuple(step.path for step in steps if step.conv is not None)

    def steps_in(self, path: str) -> tuple[int, ...]:
        """Return the indices of the steps at or below `path`."""
        return self._inside.get(path, ())

    @cached_property
    def _inside(self) -> Mapping[str, tuple[int, ...]]:
        found: dict[str, list[int]] = {}
        for index, step in enumerate(self.steps):
            path = step.path
            while path:
                found.setdefault(path, []).append(index)
                path = path.rpartition(".")[0]
        return MappingProxyType({path: tuple(indices) for path, indices in found.items()})


def load_architecture(base: str, classes: int | None = None, activation: str | None = None) -> Architecture:
    """Return a base model; the same object for the same arguments.

    Args:
        base: name as ultralytics spells it, or that of a user's own model (see `app.core.user_models`).
        classes: number of classes; None means 80.
        activation: one of `app.core.activations`, which all its activations become; None leaves them.

    Raises:
        AppError: the base model or the activation is not known, or the number of classes is out of range.
        NotTracedError: it is a user's own model, at which the engine has not looked yet.
    """
    count = DEFAULT_CLASSES if classes is None else classes
    if not 1 <= count <= 10_000:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "A model cannot have {count} classes."),
            QT_TRANSLATE_NOOP("core", "Choose a number from 1 to 10000."),
            count=count,
        )
    check_activation(activation)
    return _load(canonical(base), count, False, activation)


@lru_cache(maxsize=64)
def _load(base: str, classes: int, deployed: bool, activation: str | None) -> Architecture:
    if activation is not None:
        return _activated(_load(base, classes, deployed, None), activation)
    data = _read(base)
    form = data
    if deployed:
        if data["deployed"] is None:
            return _load(base, classes, False, None)
        form = data["deployed"]
    number = number_reader(data, classes)
    return Architecture(
        base=base,
        classes=classes,
        strides=tuple(data["strides"]),
        layers=_layers(data["layers"]),
        modules=MappingProxyType(data["modules"]),
        steps=tuple(_step(row, number) for row in form["steps"]),
        cell=data["cell"],
        tensors=tensors(form["tensors"], number),
    )


def _activated(architecture: Architecture, activation: str) -> Architecture:
    """Return an architecture in which every activation behind a convolution is another one."""

    def changed(step: Step) -> Step:
        if step.conv is None or step.conv.act not in TITLES:
            return step
        return replace(step, conv=replace(step.conv, act=activation))

    steps = tuple(changed(step) for step in architecture.steps)
    return replace(architecture, steps=steps, activation=activation)


@lru_cache(maxsize=16)
def _read(base: str) -> dict[str, Any]:
    if is_user_model(base):
        path = trace_file(base)
        if not path.is_file():
            raise NotTracedError(base)
        return read(path)
    if base not in base_models():
        raise unknown_base(base)
    return read(resources() / "models" / f"{base}{SUFFIX}")


def _step(row: list[Any], number: Number) -> Step:
    op, path, inputs, elements, conv, rest, flops = (*row, None, None, None)[:7]
    return Step(
        op,
        path,
        tuple(inputs),
        number(elements),
        None if conv is None else _convolution(conv, number),
        tuple(rest) if rest else (0, 0, 0, 0),
        tuple(flops) if flops else (0, 0),
    )


def _convolution(row: list[Any], number: Number) -> Convolution:
    c1, c2, k, s, p, g, bias, norm, act, pixels = row
    return Convolution(
        c1=number(c1),
        c2=number(c2),
        k=(k[0], k[1]),
        s=(s[0], s[1]),
        p=(p[0], p[1]),
        g=number(g),
        bias=bias,
        norm=norm,
        act=act,
        pixels=pixels,
    )


def _layers(rows: list[list[Any]]) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for index, kind, sources, part, channels, stride in rows:
        read = [layers[s] for s in sources if s >= 0]
        before = max((layer.level for layer in read), default=0)
        level = before if stride is None else int(stride).bit_length() - 1
        c1 = sum(layer.c2 for layer in read) if read else 3
        layers.append(Layer(index, kind, tuple(sources), part, level, c1, channels or 0, level > before))
    return tuple(layers)
