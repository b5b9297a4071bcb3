"""Reads model YAMLs, which may come from anybody: nothing is evaluated, every refusal names its line.

Module names are looked up in a list, arguments are plain values, numbers have bounds; anchors are read past.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from app.core.design import DesignError
from app.core.design_file import read_text
from app.core.errors import AppError
from app.core.model_yaml_blocks import ULTRALYTICS, YOLOV5
from app.core.model_yaml_rows import (
    EXTRAS,
    HEADS,
    KNOWN,
    SCALED,
    Arg,
    Channels,
    Row,
    RowModel,
    Scale,
    absolute,
    frozen,
    output_channels,
    plain_activation,
    scaled,
)
from app.core.model_yaml_text import guessed_letter
from app.core.text import QT_TRANSLATE_NOOP, Text

_KEYS = (
    "nc",
    "activation",
    "scales",
    "depth_multiple",
    "width_multiple",
    "anchors",
    "backbone",
    "head",
    *EXTRAS,
)
_IGNORED = ("names", "scale", "inplace", "yaml_file", "depthwise_studio")
_ACTIVATIONS = ("silu", "relu", "leaky_relu", "hardswish", "mish", "gelu", "relu6", "elu", "selu")
_MOST_ROWS, _MOST_ARGS, _MOST_REPEATS, _MOST_CHANNELS = 400, 16, 200, 65536
_DECIMAL = r"[-+]?([0-9]{1,6}\.?[0-9]{0,6}|\.[0-9]{1,6})([eE][-+]?[0-9]{1,2})?"
_MOST_CHARACTERS = 100_000
"""A longer text is refused unread: the largest that ultralytics ships has 4,000."""

_WORDS = frozenset(
    {"None", "True", "False", "nc", "anchors", "nearest", "bilinear", "bicubic", "area", "same"}
)
"""What may stand as a word among arguments: ultralytics takes other names for variables of its parser."""


@dataclass(frozen=True)
class ReadModel:
    """A model YAML as it was read.

    Attributes:
        source: name of the file.
        flavour: "yolov5" where it has anchors, else "ultralytics".
        model: its rows, with final channels and repeats.
        lines: the line of every row.
        made: what every row makes.
        classes: number of classes.
    """

    source: str
    flavour: str
    model: RowModel
    lines: tuple[int, ...]
    made: tuple[Channels, ...]
    classes: int


def load_model_yaml(path: Path) -> ReadModel:
    """Read a model YAML.

    Raises:
        DesignError: it cannot be read, or is no model YAML; the message names the file and the line.
    """
    return read_model_yaml(read_text(path), path.name)


def read_model_yaml(text: str, source: str) -> ReadModel:
    """Return what a text says.

    Args:
        text: a model YAML.
        source: name of the file, in which ultralytics looks for the scale.

    Raises:
        DesignError: it is no model YAML, or names what no row may name; the message names the line.
    """
    return _Reader(source).read(text)


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source

    def refuse(self, node: yaml.Node | None, message: str, hint: str, **values: Any) -> DesignError:
        """Return a refusal that names the file and the line."""
        problem = AppError(message, hint, **values)
        advice = Text(problem.hint_template, problem.values)
        if node is None:
            return DesignError(
                QT_TRANSLATE_NOOP("core", "{source}: {problem}"),
                "{advice}",
                source=self.source,
                problem=problem,
                advice=advice,
            )
        return DesignError(
            QT_TRANSLATE_NOOP("core", "{source}, line {line}: {problem}"),
            "{advice}",
            source=self.source,
            line=node.start_mark.line + 1,
            problem=problem,
            advice=advice,
        )

    def compose(self, text: str) -> yaml.Node | None:
        """Return the YAML tree, in which nothing is resolved by tag and nothing that is said once is copied."""
        if len(text) > _MOST_CHARACTERS:
            raise self.refuse(
                None,
                QT_TRANSLATE_NOOP("core", "this is longer than a model YAML can be."),
                QT_TRANSLATE_NOOP("core", "Choose a model YAML."),
            )
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except RecursionError as error:
            raise self.refuse(
                None,
                QT_TRANSLATE_NOOP("core", "its lists are nested too deeply."),
                QT_TRANSLATE_NOOP("core", "Choose a model YAML."),
            ) from error
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            node = yaml.ScalarNode("", "", start_mark=mark) if mark is not None else None
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "this is not YAML: {reason}."),
                QT_TRANSLATE_NOOP("core", "Correct the line."),
                reason=getattr(error, "problem", None) or str(error).splitlines()[0][:100],
            ) from error

    def read(self, text: str) -> ReadModel:
        root = self.compose(text)
        if not isinstance(root, yaml.MappingNode):
            raise self.no_model(root)
        nodes = dict(self.items(root))
        for key, node in nodes.items():
            if key not in _KEYS and key not in _IGNORED:
                raise self.refuse(
                    node,
                    QT_TRANSLATE_NOOP("core", "unknown entry “{name}”."),
                    QT_TRANSLATE_NOOP("core", "A model YAML has {entries}."),
                    name=key[:40],
                    entries=", ".join(_KEYS),
                )
        flavour = YOLOV5 if "anchors" in nodes else ULTRALYTICS
        classes = self.integer(nodes["nc"], 1, 10_000) if "nc" in nodes else 80
        parts = [
            self.sequence(nodes[key], _MOST_ROWS) if key in nodes else None for key in ("backbone", "head")
        ]
        if parts[0] is None or parts[1] is None:
            raise self.no_model(root)
        found = [self.row(node, index) for index, node in enumerate(parts[0] + parts[1])]
        lines = tuple(node.start_mark.line + 1 for node in parts[0] + parts[1])
        scale = self.scale(nodes, flavour)
        spared = self.head_output(nodes["anchors"], classes) if flavour == YOLOV5 else None
        rows = scaled(found, scale, spared)
        extras = tuple((key, frozen(self.value(nodes[key]))) for key in EXTRAS if key in nodes)
        model = RowModel(rows, len(parts[0]), self.activation(nodes.get("activation")), extras)
        if not rows or rows[-1].module not in HEADS:
            raise self.no_model(root)
        made = self.channels(rows, parts[0] + parts[1])
        return ReadModel(self.source, flavour, model, lines, made, classes)

    def no_model(self, node: yaml.Node | None) -> DesignError:
        return self.refuse(
            node,
            QT_TRANSLATE_NOOP("core", "this is no model YAML of a detector."),
            QT_TRANSLATE_NOOP("core", "It needs the entries backbone and head, the last row being Detect."),
        )

    def channels(self, rows: tuple[Row, ...], nodes: list[yaml.Node]) -> tuple[Channels, ...]:
        made: list[Channels] = []
        for row, node in zip(rows, nodes, strict=True):
            try:
                made.append(output_channels(row, made))
            except ValueError as error:
                raise self.bad_row(node) from error
        return tuple(made)

    def items(self, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
        seen: set[str] = set()
        for key, value in node.value:
            name = self.plain(key)
            if name in seen:
                raise self.refuse(
                    key,
                    QT_TRANSLATE_NOOP("core", "“{name}” stands twice."),
                    QT_TRANSLATE_NOOP("core", "Remove one of them."),
                    name=name[:40],
                )
            seen.add(name)
            yield name, value

    def plain(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.tag.startswith("tag:yaml.org,2002:"):
            raise self.bad_row(node)
        return str(node.value)

    def sequence(self, node: yaml.Node, most: int) -> list[yaml.Node]:
        if not isinstance(node, yaml.SequenceNode) or len(node.value) > most:
            raise self.bad_row(node)
        return list(node.value)

    def bad_row(self, node: yaml.Node) -> DesignError:
        return self.refuse(
            node,
            QT_TRANSLATE_NOOP("core", "this is no row of a model YAML."),
            QT_TRANSLATE_NOOP(
                "core", "A row is [from, repeats, module, arguments], with plain numbers and words."
            ),
        )

    def integer(self, node: yaml.Node, low: int, high: int) -> int:
        text = self.plain(node)
        if not re.fullmatch(r"-?[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "“{value}” is out of place."),
                QT_TRANSLATE_NOOP("core", "Give a whole number from {low} to {high}."),
                value=text[:40],
                low=low,
                high=high,
            )
        return int(text)

    def no_argument(self, node: yaml.Node, text: str) -> DesignError:
        return self.refuse(
            node,
            QT_TRANSLATE_NOOP("core", "“{value}” is out of place."),
            QT_TRANSLATE_NOOP("core", "Arguments are numbers up to {most}, and the words {words}."),
            value=text[:40],
            most=_MOST_CHANNELS,
            words=", ".join(sorted(_WORDS)),
        )

    def value(self, node: yaml.Node) -> Any:
        """Return a plain value; words stay words."""
        text, kind = self.plain(node), node.tag.rpartition(":")[2]
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in {"true", "yes", "on"}
        if kind == "int" and re.fullmatch(r"[-+]?[0-9]{1,5}", text) and abs(int(text)) <= _MOST_CHANNELS:
            return int(text)
        if kind == "float" and re.fullmatch(_DECIMAL, text) and abs(float(text)) <= _MOST_CHANNELS:
            return float(text)
        if kind == "str" and (text in _WORDS or re.fullmatch(r"\(([0-9]{1,5}, ?){1,8}([0-9]{1,5})?\)", text)):
            return {"True": True, "False": False}.get(text, text)
        raise self.no_argument(node, text)

    def row(self, node: yaml.Node, index: int) -> Row:
        cells = self.sequence(node, 4)
        if len(cells) != 4:
            raise self.bad_row(node)
        source, repeats, module, args = cells
        several = isinstance(source, yaml.SequenceNode)
        given = self.sequence(source, _MOST_ARGS) if several else [source]
        sources = tuple(self.source_row(one, index) for one in given)
        name = self.plain(module).removeprefix("torch.")
        if name not in KNOWN:
            raise self.refuse(
                module,
                QT_TRANSLATE_NOOP("core", "{name} is no module of a base model or a block."),
                QT_TRANSLATE_NOOP("core", "Known are {known}."),
                name=name[:40],
                known=", ".join(sorted(KNOWN)),
            )
        values = tuple(self.argument(one) for one in self.sequence(args, _MOST_ARGS))
        if not sources or (several is False and name in {"Concat", "CBFuse", *HEADS}):
            raise self.bad_row(node)
        if name in SCALED:
            self.check_channels(node, args)
        return Row(sources, several, self.integer(repeats, 1, _MOST_REPEATS), name, values)

    def check_channels(self, node: yaml.Node, args: yaml.Node) -> None:
        if not args.value:
            raise self.bad_row(node)
        self.integer(args.value[0], 1, _MOST_CHANNELS)

    def source_row(self, node: yaml.Node, index: int) -> int:
        given = self.integer(node, -_MOST_ROWS, _MOST_ROWS)
        found = absolute(given, index)
        if not (0 <= found < index or (index == 0 and given == -1)):
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "“from” {value} names no row before this one."),
                QT_TRANSLATE_NOOP("core", "Rows are counted from 0; −1 is the one before."),
                value=given,
            )
        return found

    def argument(self, node: yaml.Node, depth: int = 0) -> Arg:
        if isinstance(node, yaml.SequenceNode) and depth < 2:
            return tuple(self.argument(inner, depth + 1) for inner in self.sequence(node, _MOST_ARGS))
        return frozen(self.value(node))

    def activation(self, node: yaml.Node | None) -> str | None:
        if node is None:
            return None
        text = self.plain(node)
        if (
            not re.fullmatch(r"[A-Za-z0-9_.]+(\(([0-9]?\.[0-9]{1,4})?\))?", text)
            or plain_activation(text) not in _ACTIVATIONS
        ):
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "this activation is not known."),
                QT_TRANSLATE_NOOP("core", "Known are {known}."),
                known=", ".join(_ACTIVATIONS),
            )
        return text

    def scale(self, nodes: dict[str, yaml.Node], flavour: str) -> Scale:
        """Return the scale that the parser would take: by the file's name, else the first one."""
        letter = guessed_letter(Path(self.source).stem) if flavour == ULTRALYTICS else ""
        if "scales" not in nodes:
            depth, width = (self.factor(nodes.get(f"{name}_multiple")) for name in ("depth", "width"))
            return Scale(letter, depth, width, math.inf)
        node = nodes["scales"]
        if not isinstance(node, yaml.MappingNode) or not node.value:
            raise self.bad_row(node)
        scales = dict(self.items(node))
        letter = letter or next(iter(scales))
        if letter not in scales:
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "the file's name asks for scale “{name}”, which is not there."),
                QT_TRANSLATE_NOOP("core", "Name the file after one of {choices}."),
                name=letter,
                choices=", ".join(scales)[:80],
            )
        cells = self.sequence(scales[letter], 3)
        if len(cells) != 3:
            raise self.bad_row(node)
        most = self.integer(cells[2], 8, 10**6)
        return Scale(letter, self.factor(cells[0]), self.factor(cells[1]), most)

    def factor(self, node: yaml.Node | None) -> float:
        value = 1.0 if node is None else self.value(node)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.01 <= value <= 16:
            assert node is not None  # the default fits
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "“{value}” is out of place."),
                QT_TRANSLATE_NOOP("core", "Give a number from {low} to {high}."),
                value=self.plain(node)[:40],
                low=0.01,
                high=16,
            )
        return float(value)

    def head_output(self, node: yaml.Node, classes: int) -> int:
        """Return the channels that the YOLOv5 repository takes for the head's output, and does not scale."""
        if isinstance(node, yaml.SequenceNode):
            first = self.sequence(node, 8)[0] if node.value else node
            return len(self.sequence(first, 64)) // 2 * (classes + 5)
        return self.integer(node, 1, 32) * (classes + 5)
