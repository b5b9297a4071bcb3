"""A design: a base model, a number of classes, and which modules become which blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from app.core.activations import check_activation, is_own
from app.core.architecture import Architecture, load_architecture
from app.core.base_models import base_models, canonical, choices, why_not
from app.core.blocks import BLOCKS, refusal
from app.core.design_text import dump_design
from app.core.errors import AppError
from app.core.files import write_text
from app.core.text import QT_TRANSLATE_NOOP, Text
from app.core.user_models import (
    is_model_yaml,
    is_user_model,
    open_user_model,
    remember_model,
    user_model,
)

__all__ = [
    "Design",
    "DesignError",
    "Swap",
    "dump_design",
    "load_design",
    "matches",
    "parse_design",
    "preset",
    "preset_names",
    "preset_summary",
    "resolve",
    "resolve_design",
    "save_design",
]

_NO_OPTIONS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Swap:
    """A block kind with its options; options at their default are left out."""

    block: str
    options: Mapping[str, int] = field(default_factory=lambda: _NO_OPTIONS)

    def __post_init__(self) -> None:
        known = BLOCKS[self.block].options
        kept = {name: value for name, value in self.options.items() if known[name].default != value}
        object.__setattr__(self, "options", MappingProxyType(kept))

    def _key(self) -> tuple[str, tuple[tuple[str, int], ...]]:
        return self.block, tuple(sorted(self.options.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Swap) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def option(self, name: str) -> int:
        """Return an option's value, its default where it was not given."""
        return self.options.get(name, BLOCKS[self.block].options[name].default)


class DesignError(AppError):
    """A design that cannot be used; the message names the line."""


@dataclass(frozen=True)
class Design:
    """A base model, a number of classes and swaps; immutable.

    Attributes:
        base: base model, for example "yolov5n".
        classes: number of classes; None takes it from the data.
        swaps: (pattern, swap) in the order of the file; "*" stands for one component of a module path.
        notes: free text.
        activation: what every activation of the model becomes, one of `app.core.activations.ACTIVATIONS`; None leaves
            those of the base model. Those inside squeeze-and-excitation stay what they are.
    """

    base: str
    classes: int | None = None
    swaps: tuple[tuple[str, Swap], ...] = ()
    notes: str = ""
    activation: str | None = None

    @classmethod
    def stock(cls, base: str, classes: int | None = None) -> Design:
        """Return the standard model.

        Raises:
            AppError: unknown base model.
        """
        return cls(load_architecture(base, classes).base, classes)

    @property
    def architecture(self) -> Architecture:
        """The base model with this activation and number of classes (80 where it is open)."""
        return load_architecture(self.base, self.classes, self.activation)

    @property
    def is_standard(self) -> bool:
        """Whether it is the base model as it is: nothing is swapped, no activation changed."""
        return not self.swaps and self.activation is None

    def resolved(self) -> Mapping[str, Swap]:
        """Return module path → swap, in order of execution.

        Raises:
            DesignError: a path is unknown or cannot be replaced, or swaps overlap.
        """
        return self._resolved

    @cached_property
    def _resolved(self) -> Mapping[str, Swap]:
        return resolve(self, {})

    def with_swap(self, paths: Iterable[str], swap: Swap) -> Design:
        """Return a design in which the modules at `paths` become `swap`.

        Raises:
            DesignError: one of them cannot be replaced.
        """
        return self._edited(dict.fromkeys(paths, swap))

    def without(self, paths: Iterable[str]) -> Design:
        """Return a design in which the modules at `paths` are standard again."""
        return self._edited(dict.fromkeys(paths))

    def cleared(self) -> Design:
        """Return the standard model of the same base, with its own activation."""
        return replace(self, swaps=(), activation=None)

    def without_swaps(self) -> Design:
        """Return the design with all modules standard again; the activation stays."""
        return replace(self, swaps=())

    def with_activation(self, activation: str | None) -> Design:
        """Return the same swaps with every activation of the model another one; None: those of the base model.

        Raises:
            AppError: there is no such activation.
        """
        check_activation(activation)
        if activation is not None and is_own(activation, self.cleared().architecture.activations):
            activation = None
        return replace(self, activation=activation)

    def with_base(self, base: str) -> Design:
        """Return the same swaps and activation on another base model, leaving out swaps that it has no place for.

        Raises:
            AppError: unknown base model.
        """
        architecture = load_architecture(base, self.classes)
        kept = tuple((pattern, swap) for pattern, swap in self.swaps if _targets(architecture, pattern, swap))
        return replace(self, base=architecture.base, swaps=kept).with_activation(self.activation)

    def with_classes(self, classes: int | None) -> Design:
        """Return the design for another number of classes.

        Raises:
            AppError: the number is out of range.
        """
        load_architecture(self.base, classes)
        return replace(self, classes=classes)

    def _edited(self, changes: Mapping[str, Swap | None]) -> Design:
        architecture = self.architecture
        rows: list[tuple[str, Swap]] = []
        for pattern, swap in self.swaps:
            paths = _targets(architecture, pattern, swap)
            if any(path in changes for path in paths):
                rows.extend((path, swap) for path in paths if path not in changes)
            else:
                rows.append((pattern, swap))
        rows.extend((path, swap) for path, swap in changes.items() if swap is not None)
        order = architecture.order

        def rank(row: tuple[str, Swap]) -> int:
            return min((order[p] for p in matches(architecture, row[0])), default=len(order))

        edited = replace(self, swaps=tuple(sorted(rows, key=rank)))
        edited.resolved()
        return edited


def resolve(design: Design, lines: Mapping[str, int]) -> Mapping[str, Swap]:
    """Return module path → swap in order of execution, naming `lines` (pattern → line) in what is refused.

    Raises:
        DesignError: a path is unknown or cannot be replaced, or swaps overlap.
    """
    architecture = design.architecture
    claimed: dict[str, str] = {}
    found: dict[str, Swap] = {}
    for pattern, swap in design.swaps:
        paths = _targets(architecture, pattern, swap)
        if not paths:
            _refuse_target(architecture, pattern, swap, lines)
        for path in paths:
            if path in claimed:
                raise _overlap(lines, claimed[path], pattern, path)
            claimed[path] = pattern
            found[path] = swap
    order = architecture.order
    outer = ""
    for path in sorted(claimed, key=order.__getitem__):
        if outer and path.startswith(f"{outer}."):
            raise _overlap(lines, claimed[outer], claimed[path], path)
        outer = path
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: order[item[0]])))


def _overlap(lines: Mapping[str, int], first: str, second: str, path: str) -> DesignError:
    """Return the refusal of two swaps that change one module, the one that stands first in the file first."""
    if lines.get(first, 0) > lines.get(second, 0):
        first, second = second, first
    return DesignError(
        QT_TRANSLATE_NOOP("core", "{first} and {second} both change {path}."),
        QT_TRANSLATE_NOOP("core", "Remove one of them, or make its pattern narrower."),
        first=_at(lines, first),
        second=_at(lines, second, inside=True),
        path=path,
    )


def _at(lines: Mapping[str, int], pattern: str, inside: bool = False) -> Text:
    """Return where a swap stands; `inside` a sentence it begins in lower case."""
    if pattern not in lines:
        swap = (
            QT_TRANSLATE_NOOP("core", "swap {pattern}")
            if inside
            else QT_TRANSLATE_NOOP("core", "Swap {pattern}")
        )
        return Text(swap, {"pattern": pattern})
    line = (
        QT_TRANSLATE_NOOP("core", "line {line} ({pattern})")
        if inside
        else QT_TRANSLATE_NOOP("core", "Line {line} ({pattern})")
    )
    return Text(line, {"line": lines[pattern], "pattern": pattern})


def _refuse_target(
    architecture: Architecture, pattern: str, swap: Swap, lines: Mapping[str, int]
) -> NoReturn:
    known = matches(architecture, pattern)
    if not known:
        raise DesignError(
            QT_TRANSLATE_NOOP("core", "{place}: {base} has no such module."),
            QT_TRANSLATE_NOOP("core", "See the module paths with: layers --base {base}."),
            place=_at(lines, pattern),
            base=architecture.base,
        )
    raise DesignError(
        QT_TRANSLATE_NOOP("core", "{place}: this module cannot be replaced. {why}"),
        QT_TRANSLATE_NOOP("core", "See what can be replaced with: layers --base {base}."),
        place=_at(lines, pattern),
        why=Text(refusal(architecture, known[0], swap.block, swap.options) or ""),
        base=architecture.base,
    )


def _targets(architecture: Architecture, pattern: str, swap: Swap) -> tuple[str, ...]:
    """Return the modules a pattern swaps: all that match and that the kind can replace."""
    paths = matches(architecture, pattern)
    return tuple(p for p in paths if refusal(architecture, p, swap.block, swap.options) is None)


def matches(architecture: Architecture, pattern: str) -> tuple[str, ...]:
    """Return the module paths that a pattern names; "*" stands for one component."""
    if "*" not in pattern:
        return (pattern,) if pattern in architecture.modules else ()
    return _glob(architecture.base, architecture.classes, pattern)


@lru_cache(maxsize=512)
def _glob(base: str, classes: int, pattern: str) -> tuple[str, ...]:
    expression = re.compile(re.escape(pattern).replace(r"\*", r"[^.]+"))
    return tuple(path for path in load_architecture(base, classes).modules if expression.fullmatch(path))


def load_design(path: Path) -> Design:
    """Read a design file; the YAML of a model is the standard design of that model.

    Raises:
        DesignError: it cannot be read, or is not a design; the message names the file and the line.
        NotTracedError: its base is a user's own model, at which the engine has not looked yet.
    """
    from app.core.design_file import parse_design, read_text

    text = read_text(path)
    if is_model_yaml(text):
        return Design.stock(remember_model(text, path.name))
    return parse_design(text, path.name, path.parent)


def save_design(design: Design, path: Path) -> None:
    """Write a design file, whole or not at all, and beside it the YAML of a user's own model.

    Raises:
        AppError: a file cannot be written, or another model of that name stands there.
    """
    try:
        if is_user_model(design.base):
            _put_model_beside(design.base, path.parent)
        write_text(path, dump_design(design))
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written: {reason}."),
            QT_TRANSLATE_NOOP("core", "Choose another folder or name."),
            path=path,
            reason=error.strerror or error,
        ) from error


def _put_model_beside(base: str, folder: Path) -> None:
    model = user_model(base)
    beside = folder / model.name
    if not beside.exists():
        write_text(beside, model.text)
    elif open_user_model(beside) != base:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Another model stands in {path}."),
            QT_TRANSLATE_NOOP("core", "Choose another folder, or rename the file."),
            path=beside,
        )


def preset_names(base: str | None = None) -> tuple[str, ...]:
    """Return the names of the presets; see `app.core.presets.preset_names`."""
    from app.core import presets

    return presets.preset_names(base)


def preset(name: str, base: str = "yolov5n", classes: int | None = None) -> Design:
    """Return a preset on a base model; see `app.core.presets.preset`."""
    from app.core import presets

    return presets.preset(name, base, classes)


def preset_summary(name: str) -> str:
    """Return the sentence that explains a preset; see `app.core.presets.preset_summary`."""
    from app.core import presets

    return presets.preset_summary(name)


def resolve_design(name: str, classes: int | None = None) -> Design:
    """Return the design that a file, a preset's name or a base model's name stands for.

    Raises:
        AppError: it is none of them.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or path.is_file():
        design = load_design(path)
        return design if classes is None else design.with_classes(classes)
    if canonical(name) in base_models():
        return Design.stock(canonical(name), classes)
    if name in preset_names():
        return preset(name, classes=classes)
    raise why_not(name) or AppError(
        QT_TRANSLATE_NOOP("core", "“{name}” is no design file, preset or base model."),
        QT_TRANSLATE_NOOP("core", "Presets: {presets}. Base models: {bases}."),
        name=name,
        presets=", ".join(preset_names()),
        bases=choices(),
    )


def parse_design(text: str, source: str = "design", folder: Path | None = None) -> Design:
    """Read the text of a design file; see `app.core.design_file.parse_design`."""
    from app.core.design_file import parse_design as parse

    return parse(text, source, folder)
