"""Recognises a model YAML as a design: which base model, and which of its layers became which blocks.

The rows are followed layer by layer: either the base model's own row stands there, or the rows of a block that may
replace it. Where different options make the same model, those count that explain the most layers; then the default,
what the window offers, the smallest value.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.core.activations import ACTIVATIONS, OWN_ACTIVATION
from app.core.architecture import DEFAULT_CLASSES, base_models, load_architecture
from app.core.blocks import BLOCKS, Option
from app.core.design import Design, DesignError, Swap
from app.core.model_yaml_blocks import YOLOV5, YOLOV5_MODULES, Piece, say
from app.core.model_yaml_read import ReadModel, load_model_yaml
from app.core.model_yaml_rows import (
    HEADS,
    REPEATED,
    Arg,
    Row,
    RowModel,
    channels,
    input_channels,
    stock_rows,
)
from app.core.model_yaml_text import row_text
from app.core.sites import CSP_TYPES, Site, site
from app.core.text import QT_TRANSLATE_NOOP

_MOST_OPTIONS = 6000
"""Combinations of a kind's options that are tried at once."""

_DEFAULTS: Mapping[str, tuple[Arg, ...]] = {
    "C2": (True, 1, 0.5),
    "C2f": (False, 1, 0.5),
    "C2fCIB": (False, False, 1, 0.5),
    "C3": (True, 1, 0.5),
    "C3Ghost": (True, 1, 0.5),
    "C3k2": (False, 0.5, False, 1, True),
    "GhostConv": (1, 1, 1, True),
}
"""Module → what its arguments behind the channels are where a row leaves them out."""

_RATIO = {"C2": 3, "C2f": 3, "C2fCIB": 4, "C3": 3, "C3Ghost": 3, "C3k2": 2}
"""Module → which argument is the ratio of its inner channels."""

_SITES = CSP_TYPES | {"Conv", "DWConv", "GhostConv", "RepConv", "SCDown", "nn.BatchNorm2d", "nn.Conv2d"}
"""Modules that may stand in rows of blocks; all others stay what they are in the base model."""


@dataclass
class _Attempt:
    """How far a base model explains the rows.

    Attributes:
        base: its name.
        row, at: the first row that differs, and the base model's row that was expected there.
        blocks: module path → swaps that explain it, all making the same module, the likeliest first.
        complete: whether everything was explained.
        activation: what all its activations become; None where they are its own.
    """

    base: str
    row: int = 0
    at: int = 0
    blocks: dict[str, list[Swap]] = field(default_factory=dict)
    complete: bool = False
    activation: str | None = None


def import_model_yaml(path: Path) -> Design:
    """Return the design that a model YAML says.

    Raises:
        DesignError: it cannot be read, is no model YAML, or neither a base model nor one with blocks of the Studio; the
            message names the line of the first row that differs.
    """
    return recognise(load_model_yaml(path))


def recognise(read: ReadModel) -> Design:
    """Return the design that a model YAML says.

    Raises:
        DesignError: it is neither a base model nor one with blocks of the Studio.
    """
    bases = [base for base in base_models() if _could_be(base, read)]
    fitting = [base for base in bases if _fixed_rows(base) == _fixed(read.model)]
    attempts = [_Matcher(base, read, swaps=True).run() for base in fitting]
    if not any(attempt.complete for attempt in attempts):
        attempts = [_Matcher(base, read, swaps=True, thorough=True).run() for base in fitting]
    complete = [attempt for attempt in attempts if attempt.complete]
    if not complete:
        raise _unknown(read, attempts or [_Matcher(base, read, swaps=False).run() for base in bases])
    best = min(complete, key=lambda attempt: (len(attempt.blocks), attempt.activation is not None))
    classes = None if read.classes == DEFAULT_CLASSES else read.classes
    swaps = tuple(_fewest(best.blocks).items())
    design = Design(best.base, classes, swaps, activation=best.activation)
    design.resolved()
    return design


def _fewest(blocks: Mapping[str, Sequence[Swap]]) -> dict[str, Swap]:
    """Return a swap for every path, preferring those that explain many paths."""
    left = dict(blocks)
    chosen: dict[str, Swap] = {}
    while left:
        counts = Counter(swap for swaps in left.values() for swap in swaps)
        best = max(counts, key=counts.__getitem__)  # of equal ones the first that was found
        chosen |= {path: best for path, swaps in left.items() if best in swaps}
        left = {path: swaps for path, swaps in left.items() if path not in chosen}
    return {path: chosen[path] for path in blocks}


def _could_be(base: str, read: ReadModel) -> bool:
    stock = stock_rows(base)
    if stock is None or stock.extras != read.model.extras:
        return False
    if not _has_activation(stock, read.model) and _other_activation(base, read) is None:
        return False
    return read.flavour != YOLOV5 or all(row.module in YOLOV5_MODULES for row in stock.rows)


def _has_activation(stock: RowModel, model: RowModel) -> bool:
    return not stock.mixed and _activation(stock) == _activation(model)


def _other_activation(base: str, read: ReadModel) -> str | None:
    """Return the activation that a design gives its whole model, where the YAML has that one and the base another."""
    stock = stock_rows(base)
    if stock is None or _has_activation(stock, read.model):
        return None
    if OWN_ACTIVATION & set(load_architecture(base).modules.values()):
        return None
    known = {_activation(RowModel((), 0, spelled)): name for name, spelled in ACTIVATIONS.items()}
    return known.get(_activation(read.model))


def _activation(model: RowModel) -> tuple[str, str]:
    """Return the name of the activation and its arguments."""
    return model.act, (model.activation or "").partition("(")[2].removesuffix(")")


def _fixed_rows(base: str) -> tuple[object, ...]:
    stock = stock_rows(base)
    return () if stock is None else _fixed(stock)


def _fixed(model: RowModel) -> tuple[object, ...]:
    """Return the rows that no block changes, without their places."""
    made = channels(model.rows)
    return tuple(
        canonical(Piece(row.module, row.args, row.repeats), input_channels(row, made))
        for row in model.rows
        if row.module not in _SITES
    )


def canonical(piece: Piece, c1: int) -> tuple[object, ...]:
    """Return a row such that two which make the same module are equal.

    Args:
        piece: module, arguments and repeats.
        c1: channels it reads.
    """
    module, args = piece.module, piece.args
    if module in HEADS:
        return module, *args[2:]
    if module in {"Conv", "DWConv"}:
        return ("Conv", piece.repeats, *_convolution(module, args, c1))
    defaults = _DEFAULTS.get(module, ())
    values = [*args, *defaults[max(len(args) - 1, 0) :]] if args else []
    place = _RATIO.get(module)
    if place is not None and isinstance(values[place], int | float) and isinstance(values[0], int):
        values[place] = int(values[0] * float(str(values[place])))
    return module, piece.repeats, *values


def _convolution(module: str, args: Sequence[Arg], c1: int) -> tuple[Arg, ...]:
    """Return channels, kernel, stride, padding, groups, dilation and activation."""
    names = ("c2", "k", "s", "p", "g", "d", "act") if module == "Conv" else ("c2", "k", "s", "d", "act")
    given: dict[str, Arg] = {"k": 1, "s": 1, "p": None, "g": 1, "d": 1, "act": True}
    given |= dict(zip(names, args, strict=False))
    k, d, c2 = given["k"], given["d"], given["c2"]
    if module == "DWConv" and isinstance(c2, int):
        given["g"] = math.gcd(c1, c2)
    if given["p"] is None and isinstance(k, int) and isinstance(d, int):
        given["p"] = (d * (k - 1) + 1) // 2
    return tuple(given[name] for name in ("c2", "k", "s", "p", "g", "d", "act")) + tuple(args[len(names) :])


class _Matcher:
    """Follows the rows of a YAML along a base model.

    Args:
        base: the base model.
        read: the YAML.
        swaps: whether blocks are tried.
        thorough: whether every value of their options is tried, or those that are offered.
    """

    def __init__(self, base: str, read: ReadModel, *, swaps: bool, thorough: bool = False) -> None:
        stock = stock_rows(base)
        assert stock is not None  # asked before
        self.stock, self.read = stock, read
        self.attempt = _Attempt(base, activation=_other_activation(base, read))
        self._tries, self._thorough = swaps, thorough
        self._classes = read.classes
        self._rows = read.model.rows
        self._places: list[int] = []
        made = channels(stock.rows)
        self._inputs = [input_channels(row, made) for row in stock.rows]

    def run(self) -> _Attempt:
        """Return how far the base model explains the rows."""
        attempt = self.attempt
        for index, row in enumerate(self.stock.rows):
            attempt.at = index
            if not self._layer(index, row):
                return attempt
            self._places.append(attempt.row - 1)
        attempt.complete = attempt.row == len(self._rows)
        return attempt

    def _layer(self, index: int, row: Row) -> bool:
        sequence = row.repeats > 1 and row.module not in REPEATED
        count = row.repeats if sequence else 1
        sources = tuple(s if s < 0 else self._places[s] for s in row.sources)
        done = 0
        while done < count:
            reads = (sources, row.several) if done == 0 else ((self.attempt.row - 1,), False)
            taken = self._standard(row, count - done if sequence else 0, reads, self._inputs[index])
            if not taken:
                path = f"model.{index}.{done}" if sequence else f"model.{index}"
                taken = self._swap(path, reads)
            if not taken:
                return False
            done += taken
        return True

    def _standard(self, row: Row, left: int, reads: tuple[tuple[int, ...], bool], c1: int) -> int:
        """Take the base model's own row; return how many modules of a Sequential it covers, 0 where it differs."""
        for count in range(left, 0, -1) if left else (row.repeats,):
            if self._stands([Piece(row.module, row.args, count)], reads, c1):
                self.attempt.row += 1
                return count if left else 1
        return 0

    def _swap(self, path: str, reads: tuple[tuple[int, ...], bool]) -> int:
        """Take the rows of the block that explains most; return 1, or 0 where none does."""
        if not self._tries:
            return 0
        attempt = self.attempt
        place = site(load_architecture(attempt.base, self._classes, attempt.activation), path)
        if place is None:
            return 0
        found: dict[int, list[Swap]] = {}
        for swap, pieces in self._blocks(place):
            if self._stands(pieces, reads, place.c1):
                found.setdefault(len(pieces), []).append(swap)
        if not found:
            return 0
        longest = max(found)
        self.attempt.row += longest
        self.attempt.blocks[path] = list(dict.fromkeys(found[longest]))
        return 1

    def _blocks(self, place: Site) -> Iterator[tuple[Swap, Sequence[Piece]]]:
        for name, kind in BLOCKS.items():
            for options in _combinations(kind.options, thorough=self._thorough):
                if kind.refuses(place, options) is not None:
                    continue
                swap = Swap(name, options)
                said = say(place, swap, self.read.flavour, self.read.model.act)
                if not isinstance(said, str):
                    yield swap, said

    def _stands(self, pieces: Sequence[Piece], reads: tuple[tuple[int, ...], bool], c1: int) -> bool:
        """Say whether such rows stand next in the YAML."""
        first = self.attempt.row
        rows = self._rows[first : first + len(pieces)]
        if len(rows) != len(pieces) or (rows[0].sources, rows[0].several) != reads:
            return False
        if any(row.sources != (first + i - 1,) or row.several for i, row in enumerate(rows[1:], 1)):
            return False
        wide = c1
        for piece, row in zip(pieces, rows, strict=True):
            if row.module in HEADS and row.args[:1] not in (("nc",), (self.read.classes,)):
                return False
            given = Piece(row.module, row.args, row.repeats)
            if canonical(given, input_channels(row, self.read.made)) != canonical(piece, wide):
                return False
            first_arg = piece.args[0] if piece.args else 0
            wide = first_arg if isinstance(first_arg, int) else 0
        return True


def _combinations(options: Mapping[str, Option], *, thorough: bool) -> Iterator[Mapping[str, int]]:
    """Yield values of options: the defaults, then what is offered, then, if asked, everything in range."""
    names = list(options)
    ranges = [sorted(_values(o), key=lambda v, o=o: (v != o.default, v)) for o in options.values()]  # type: ignore[misc]
    yield from (dict(zip(names, values, strict=True)) for values in itertools.product(*ranges))
    if not thorough:
        return
    full = [range(o.low, o.high + 1) for o in options.values()]
    if math.prod(len(values) for values in full) <= _MOST_OPTIONS:
        yield from (dict(zip(names, values, strict=True)) for values in itertools.product(*full))
        return
    for place, every in enumerate(full):
        some = [every if i == place else values for i, values in enumerate(ranges)]
        yield from (dict(zip(names, values, strict=True)) for values in itertools.product(*some))


def _values(option: Option) -> tuple[int, ...]:
    """Return the values of an option that are offered."""
    return tuple(getattr(option, "offered", range(option.low, option.high + 1)))


def _unknown(read: ReadModel, attempts: Sequence[_Attempt]) -> DesignError:
    """Return the refusal that names the first row that differs from the nearest base model."""
    if not attempts:
        return DesignError(
            QT_TRANSLATE_NOOP("core", "{source}: no base model has this activation and this kind of head."),
            QT_TRANSLATE_NOOP("core", "Only base models and what the Studio makes of them can be imported."),
            source=read.source,
        )
    nearest = max(attempts, key=lambda attempt: attempt.row)
    last = min(nearest.row, len(read.lines) - 1)
    stock = stock_rows(nearest.base)
    assert stock is not None  # it was followed
    return DesignError(
        QT_TRANSLATE_NOOP(
            "core",
            "{source}, line {line}: row {row} ({given}) is neither {expected} of {base}, the nearest base model, "
            "nor a block in its place.",
        ),
        QT_TRANSLATE_NOOP("core", "Only base models and what the Studio makes of them can be imported."),
        source=read.source,
        line=read.lines[last],
        row=last,
        given=row_text(read.model.rows[last], last),
        expected=row_text(stock.rows[nearest.at], nearest.at),
        base=nearest.base,
    )
