"""A base model as data: its layers, modules, convolutions and operations in order of execution.

The stock architectures stand in `resources/models` and are regenerated from ultralytics by `tools/architectures.py`.
Every tensor of a fully convolutional detector grows in proportion to the input, so sizes are kept for one *cell*,
a square of 32 × 32 input pixels; an input of H × W has (H / 32) · (W / 32) cells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.core.errors import AppError
from app.core.folders import resources
from app.core.text import QT_TRANSLATE_NOOP

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
        op: "conv", "concat", "add", "pool", "upsample" or "other".
        path: module path it belongs to, for example "model.4.m.0.cv2".
        inputs: tensors it reads.
        elements: numbers in its output, per cell.
        conv: the convolution, where op is "conv".
    """

    op: str
    path: str
    inputs: tuple[int, ...]
    elements: int
    conv: Convolution | None


@dataclass(frozen=True, slots=True)
class Layer:
    """A row of the model YAML.

    Attributes:
        index: position in the YAML.
        type: class name, for example "C3".
        sources: indices of the layers it reads; −1 is the picture.
        part: "backbone", "neck" or "head".
        level: pyramid level of its output, 1 to 5 (P1 to P5); for the head the highest it reads.
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
    """

    base: str
    classes: int
    strides: tuple[int, ...]
    layers: tuple[Layer, ...]
    modules: Mapping[str, str]
    steps: tuple[Step, ...]
    cell: int = CELL

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


def base_models() -> tuple[str, ...]:
    """Return the names of the stock base models, smallest first."""
    order = {scale: index for index, scale in enumerate("nsmlx")}
    names = (path.stem for path in (resources() / "models").glob("*.json"))
    return tuple(sorted(names, key=lambda name: (name[:-1], order.get(name[-1], 9))))


def load_architecture(base: str, classes: int | None = None) -> Architecture:
    """Return a base model; the same object for the same arguments.

    Args:
        base: name as ultralytics spells it.
        classes: number of classes; None means 80.

    Raises:
        AppError: the base model is not known, or the number of classes is out of range.
    """
    count = DEFAULT_CLASSES if classes is None else classes
    if not 1 <= count <= 10_000:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "A model cannot have {count} classes."),
            QT_TRANSLATE_NOOP("core", "Choose a number from 1 to 10000."),
            count=count,
        )
    return _load(base, count)


@lru_cache(maxsize=64)
def _load(base: str, classes: int) -> Architecture:
    data = _read(base)
    limits = data["class_width"]
    width = max(limits["at_least"], min(classes, limits["at_most"]))

    def number(value: int | list[int]) -> int:
        return value if isinstance(value, int) else value[0] + value[1] * classes + value[2] * width

    return Architecture(
        base=base,
        classes=classes,
        strides=tuple(data["strides"]),
        layers=_layers(data["layers"]),
        modules=MappingProxyType(data["modules"]),
        steps=tuple(_step(row, number) for row in data["steps"]),
    )


@lru_cache(maxsize=16)
def _read(base: str) -> dict[str, Any]:
    path: Path = resources() / "models" / f"{base}.json"
    if base not in base_models():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Unknown base model: “{name}”."),
            QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
            name=base,
            choices=", ".join(base_models()),
        )
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def _step(row: dict[str, Any], number: Any) -> Step:
    conv = row.get("conv")
    described = None
    if conv is not None:
        described = Convolution(
            c1=number(conv["c1"]),
            c2=number(conv["c2"]),
            k=(conv["k"][0], conv["k"][1]),
            s=(conv["s"][0], conv["s"][1]),
            p=(conv["p"][0], conv["p"][1]),
            g=conv["g"],
            bias=conv["bias"],
            norm=conv["norm"],
            act=conv["act"],
            pixels=conv["pixels"],
        )
    return Step(row["op"], row["path"], tuple(row["inputs"]), number(row["elements"]), described)


def _layers(rows: list[dict[str, Any]]) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for row in rows:
        sources = tuple(row["sources"])
        read = [layers[s] for s in sources if s >= 0]
        before = max((layer.level for layer in read), default=0)
        level = before if row["stride"] is None else int(row["stride"]).bit_length() - 1
        c1 = sum(layer.c2 for layer in read) if read else 3
        layers.append(
            Layer(
                row["index"],
                row["type"],
                sources,
                row["part"],
                level,
                c1,
                row["channels"] or 0,
                level > before,
            )
        )
    return tuple(layers)
