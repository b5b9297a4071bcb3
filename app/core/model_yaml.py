"""Designs as model YAMLs that stock ultralytics, or the original YOLOv5 repository, builds.

A block becomes one row or several that read each other; the indices behind it move along. Channels and repeats are
final: depth and width are 1. Swaps inside a layer or the detection head have no row of their own and are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.activations import ACTIVATIONS, OWN_ACTIVATION, title
from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.model_yaml_blocks import (
    FLAVOURS,
    ULTRALYTICS,
    YOLOV5,
    YOLOV5_MODULES,
    Piece,
    say,
)
from app.core.model_yaml_rows import MODERN, PICTURE, REPEATED, Row, RowModel, Scale, scaled, stock_rows
from app.core.model_yaml_text import document, guessed_letter
from app.core.sites import site
from app.core.text import QT_TRANSLATE_NOOP, Text

__all__ = [
    "FLAVOURS",
    "ULTRALYTICS",
    "YOLOV5",
    "ModelYaml",
    "Unsaid",
    "check_file_name",
    "listed",
    "model_yaml",
]

_INSIDE = QT_TRANSLATE_NOOP("core", "inside a {type}, and a row names only whole layers")
_IN_HEAD = QT_TRANSLATE_NOOP("core", "inside the detection head, and a row names only whole layers")
_OTHER_HEAD = QT_TRANSLATE_NOOP(
    "core", "with such a row ultralytics builds another detection head, with depthwise class branches"
)
_LAST_MODERN = QT_TRANSLATE_NOOP(
    "core",
    "ultralytics gives the detection head its depthwise class branches at the sight of this layer: one must stay",
)


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A swap that a model YAML cannot say, and why."""

    path: str
    swap: Swap
    why: Text


@dataclass(frozen=True)
class ModelYaml:
    """A design as rows.

    Attributes:
        design: what the rows say: the design without the swaps that cannot be said.
        flavour: who is to read it: "ultralytics" or "yolov5".
        model: the rows.
        remarks: what every row stands for, for people.
        unsaid: swaps that were left out.
        carried: path in the Studio's model → modules of the rows that hold the same weights, in order.
        letters: scale letters that the name of the file may hold without changing the model.
    """

    design: Design
    flavour: str
    model: RowModel
    remarks: tuple[str, ...]
    unsaid: tuple[Unsaid, ...]
    carried: tuple[tuple[str, tuple[str, ...]], ...]
    letters: str

    @property
    def text(self) -> str:
        """The file."""
        return document(
            self.design, self.flavour, self.model, self.remarks, self.letters, [u.path for u in self.unsaid]
        )


def model_yaml(design: Design, flavour: str, *, partial: bool = False) -> ModelYaml:
    """Return a design as a model YAML.

    Args:
        design: any design.
        flavour: who is to read it: "ultralytics" or "yolov5".
        partial: leave swaps standard that cannot be said.

    Raises:
        AppError: the base model or a swap cannot be said; the message lists the swaps and the reasons.
    """
    stock = _stock(design, flavour)
    said, unsaid = _say_all(design, flavour, stock)
    if unsaid and not partial:
        raise _refusal(flavour, len(design.resolved()), unsaid)
    kept = design.without([u.path for u in unsaid]) if unsaid else design
    expansion = _Expansion(stock, said, kept)
    rows = expansion.rows
    if flavour == YOLOV5:
        rows[-1] = replace(rows[-1], args=("nc", "anchors"))
    model = replace(stock, rows=tuple(rows), head=expansion.head)
    letters = "".join(c for c in "nsmlx" if scaled(rows, Scale(c, 1.0, 1.0, math.inf)) == model.rows)
    return ModelYaml(
        kept, flavour, model, tuple(expansion.remarks), unsaid, tuple(expansion.carried), letters
    )


def check_file_name(made: ModelYaml, path: Path) -> None:
    """Refuse a file name in which ultralytics would read something that changes the model.

    Raises:
        AppError: it does; the hint says which name does not.
    """
    if made.flavour != ULTRALYTICS:
        return
    letter = guessed_letter(path.stem)
    p6 = path.stem in {f"yolov{version}{c}6" for version in (5, 8) for c in "nsmlx"}
    if not p6 and (not letter or letter in made.letters):
        return
    raise AppError(
        QT_TRANSLATE_NOOP("core", "{name}: ultralytics reads a scale in this name, which changes the model."),
        QT_TRANSLATE_NOOP("core", "Choose another name, such as {example}."),
        name=path.name,
        example=f"light-{path.stem.replace('yolo', 'model')}{path.suffix}",
    )


def _stock(design: Design, flavour: str) -> RowModel:
    stock = stock_rows(design.base)
    if stock is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{base} is no stock model of ultralytics: its rows are not known."),
            QT_TRANSLATE_NOOP("core", "Use the checkpoint best.pt instead; stock ultralytics opens it."),
            base=design.base,
        )
    if design.activation is not None:
        stock = _activated(stock, design)
    if stock.mixed:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{base} has several activations; a model YAML names one."),
            QT_TRANSLATE_NOOP("core", "Use the checkpoint best.pt instead; stock ultralytics opens it."),
            base=design.base,
        )
    missing = sorted({row.module for row in stock.rows} - YOLOV5_MODULES)
    if flavour == YOLOV5 and missing:
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core",
                "{base} cannot be said for the YOLOv5 repository, whose {module} is another or missing.",
            ),
            QT_TRANSLATE_NOOP("core", "Export it for ultralytics."),
            base=design.base,
            module=missing[0],
        )
    return stock


def _activated(stock: RowModel, design: Design) -> RowModel:
    """Return the rows with the design's activation, which both parsers give to every convolution.

    Raises:
        AppError: the base model has modules with an activation of their own.
    """
    assert design.activation is not None
    own = sorted(OWN_ACTIVATION & set(design.architecture.modules.values()))
    if own:
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core",
                "{base} with {activation} cannot be said in a model YAML: its {module} brings an activation along, "
                "which no entry changes.",
            ),
            QT_TRANSLATE_NOOP("core", "Use the checkpoint best.pt instead; stock ultralytics opens it."),
            base=design.base,
            activation=title(design.activation),
            module=own[0],
        )
    return replace(stock, activation=ACTIVATIONS[design.activation], mixed=False)


def _refusal(flavour: str, count: int, unsaid: tuple[Unsaid, ...]) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP(
            "core", "{unsaid} of {count} swaps cannot be said in a model YAML for {flavour}: {listed}."
        ),
        QT_TRANSLATE_NOOP(
            "core",
            "Use the checkpoint best.pt instead, which stock ultralytics opens; replace the whole layer by a kind "
            "that a row can name (such as ghost_c3); or leave those layers standard (--partial).",
        ),
        unsaid=len(unsaid),
        count=count,
        flavour=flavour,
        listed=listed(unsaid),
    )


def listed(unsaid: Sequence[Unsaid]) -> Text:
    """Return swaps that cannot be said in one line, those with the same reason together."""
    paths: dict[Text, list[str]] = {}
    for one in unsaid:
        paths.setdefault(one.why, []).append(one.path)
    line = Text("")
    for why, group in paths.items():
        text = Text("{paths} ({why})", {"paths": ", ".join(group), "why": why})
        line = Text("{before}; {after}", {"before": line, "after": text}) if line else text
    return line


def _say_all(
    design: Design, flavour: str, stock: RowModel
) -> tuple[dict[str, tuple[Piece, ...]], tuple[Unsaid, ...]]:
    """Return module path → rows of every swap that can be said, and the others."""
    said: dict[str, tuple[Piece, ...]] = {}
    unsaid: list[Unsaid] = []
    swaps = design.resolved()
    for path, swap in swaps.items():
        found = _say(design, path, swap, flavour, stock)
        if isinstance(found, Text):
            unsaid.append(Unsaid(path, swap, found))
        else:
            said[path] = found
    if flavour == ULTRALYTICS:
        for path, why in _other_head(stock, said):
            del said[path]
            unsaid.append(Unsaid(path, swaps[path], why))
    order = design.architecture.order
    return said, tuple(sorted(unsaid, key=lambda u: order[u.path]))


def _say(design: Design, path: str, swap: Swap, flavour: str, stock: RowModel) -> tuple[Piece, ...] | Text:
    layer, inner = _layer(path)
    row = stock.rows[layer]
    if inner and layer == len(stock.rows) - 1:
        return Text(_IN_HEAD)
    if inner and not (inner.isdigit() and _is_sequence(row)):
        return Text(_INSIDE, {"type": row.module})
    place = site(design.architecture, path)
    assert place is not None  # resolved: it can be replaced
    found = say(place, swap, flavour, stock.act)
    return Text(found) if isinstance(found, str) else found


def _layer(path: str) -> tuple[int, str]:
    """Return the layer of a module path, and the rest behind it."""
    _, index, *rest = path.split(".", 2)
    return int(index), rest[0] if rest else ""


def _is_sequence(row: Row) -> bool:
    """Say whether a row makes a Sequential of equal modules, which several rows can say as well."""
    return row.repeats > 1 and row.module not in REPEATED


def _other_head(stock: RowModel, said: Mapping[str, tuple[Piece, ...]]) -> Iterator[tuple[str, Text]]:
    """Yield the swaps that would make ultralytics build another Detect head."""
    if stock.modern is None:
        return
    modern = [path for path, pieces in said.items() if any(piece.module in MODERN for piece in pieces)]
    if not stock.modern:
        yield from ((path, Text(_OTHER_HEAD)) for path in modern)
        return
    replaced = [path for path in said if stock.rows[_layer(path)[0]].module in MODERN]
    left = sum(row.module in MODERN for row in stock.rows) - len(replaced)
    if not modern and not left:
        yield replaced[-1], Text(_LAST_MODERN)


class _Expansion:
    """The rows of a design.

    Args:
        stock: the rows of its base model.
        said: module path → rows of its swaps.
        design: which swaps to apply.
    """

    def __init__(self, stock: RowModel, said: Mapping[str, tuple[Piece, ...]], design: Design) -> None:
        self.rows: list[Row] = []
        self.remarks: list[str] = []
        self.carried: list[tuple[str, tuple[str, ...]]] = []
        self.head = 0
        self._said = said
        self._kinds = {path: swap.block for path, swap in design.resolved().items()}
        self._made: list[int] = []
        for index, row in enumerate(stock.rows):
            if index == stock.head:
                self.head = len(self.rows)
            self._layer(index, row)

    def _layer(self, index: int, row: Row) -> None:
        path = f"model.{index}"
        sources = tuple(s if s == PICTURE else self._made[s] for s in row.sources)
        start = len(self.rows)
        if path in self._said:
            self._put(self._said[path], f"{path} {self._kinds[path]}", [path])
        elif _is_sequence(row) and any(f"{path}.{i}" in self._said for i in range(row.repeats)):
            self._sequence(path, row)
        else:
            self._put([Piece(row.module, row.args, row.repeats)], path, [path])
        self.rows[start] = replace(self.rows[start], sources=sources, several=row.several)
        self._made.append(len(self.rows) - 1)

    def _sequence(self, path: str, row: Row) -> None:
        """Add the equal modules of a Sequential: those that stay together, a swapped one apart."""
        staying: list[str] = []

        def flush() -> None:
            if staying:
                self._put([Piece(row.module, row.args, len(staying))], staying[0], staying)
                staying.clear()

        for number in range(row.repeats):
            inner = f"{path}.{number}"
            if inner in self._said:
                flush()
                self._put(self._said[inner], f"{inner} {self._kinds[inner]}", [inner])
            else:
                staying.append(inner)
        flush()

    def _put(self, pieces: tuple[Piece, ...] | list[Piece], remark: str, paths: list[str]) -> None:
        """Add rows that read each other; `paths` are the modules whose weights they hold."""
        first = len(self.rows)
        for piece in pieces:
            self.rows.append(Row((len(self.rows) - 1,), False, piece.repeats, piece.module, piece.args))
            self.remarks.append(remark)
        made = tuple(f"model.{i}" for i in range(first, len(self.rows)))
        if len(paths) == 1:
            self.carried.append((paths[0], made))
        else:
            self.carried.extend((path, (f"{made[0]}.{i}",)) for i, path in enumerate(list(paths)))
