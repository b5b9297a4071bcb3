"""Reads design files, which may come from anybody: nothing is evaluated, every refusal names its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from app.core.activations import ACTIVATIONS, unknown_activation
from app.core.base_models import base_models, canonical, unknown_base
from app.core.blocks import BLOCKS
from app.core.design import Design, DesignError, Swap, resolve
from app.core.design_text import FORMAT
from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP, Text
from app.core.user_models import ENDINGS, NotTracedError, known_model, open_user_model

MAX_BYTES = 1_000_000
"""A larger design file is refused unread."""

_KEYS = ("format", "base", "model", "classes", "activation", "notes", "swaps")


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        DesignError: it is missing, unreadable, too large or not UTF-8.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DesignError(
                QT_TRANSLATE_NOOP("core", "{path} is larger than a design can be (1 MB)."),
                QT_TRANSLATE_NOOP("core", "Choose a design file."),
                path=path,
            )
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DesignError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be read: {reason}."),
            QT_TRANSLATE_NOOP("core", "Check the path and its permissions."),
            path=path,
            reason=error.strerror,
        ) from error
    except UnicodeDecodeError as error:
        raise DesignError(
            QT_TRANSLATE_NOOP("core", "{path} is not a text file."),
            QT_TRANSLATE_NOOP("core", "Choose a design file (YAML)."),
            path=path,
        ) from error


def parse_design(text: str, source: str = "design", folder: Path | None = None) -> Design:
    """Return the design that a text describes.

    Args:
        text: of a design file.
        source: what refusals call it.
        folder: where it stands, and a user's own model beside it.

    Raises:
        NotTracedError: its base is a user's own model, at which the engine has not looked yet.
        DesignError: it is not YAML, not a design, or names a path, kind, option or version that does not exist, or
            its swaps overlap; the message names `source` and the line.
    """
    reader = _Reader(source, folder)
    try:
        return reader.read(text)
    except (DesignError, NotTracedError):
        raise
    except AppError as error:
        raise _in_file(source, error) from error


class _Reader:
    def __init__(self, source: str, folder: Path | None) -> None:
        self.source, self.folder = source, folder

    def refuse(self, node: yaml.Node | None, message: str, hint: str, **values: str | int) -> DesignError:
        return _in_file(self.source, AppError(message, hint, **values), node.start_mark if node else None)

    def compose(self, text: str) -> yaml.Node | None:
        """Return the YAML tree; the safe loader makes plain nodes and resolves nothing by tag."""
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = AppError(
                QT_TRANSLATE_NOOP("core", "this is not YAML: {reason}."),
                QT_TRANSLATE_NOOP("core", "Correct the line."),
                reason=error.problem,
            )
            raise _in_file(self.source, problem, mark) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise _in_file(
                self.source,
                AppError(
                    QT_TRANSLATE_NOOP("core", "this is not YAML."),
                    QT_TRANSLATE_NOOP("core", "Choose a design file."),
                ),
            ) from error

    def read(self, text: str) -> Design:
        root = self.compose(text)
        if not isinstance(root, yaml.MappingNode):
            raise self.refuse(
                root,
                QT_TRANSLATE_NOOP("core", "this is not a design."),
                QT_TRANSLATE_NOOP("core", "A design begins with: format: 1."),
            )
        nodes = dict(self.items(root))
        unknown = [key for key in nodes if key not in _KEYS]
        if unknown:
            raise self.refuse(
                nodes[unknown[0]],
                QT_TRANSLATE_NOOP("core", "unknown entry “{name}”."),
                QT_TRANSLATE_NOOP("core", "A design has {entries}."),
                name=unknown[0],
                entries=", ".join(_KEYS),
            )
        self.check_version(root, nodes.get("format"))
        base = self.base(root, nodes.get("base"), nodes.get("model"))
        classes = self.integer(nodes["classes"], 1, 10_000, "classes") if "classes" in nodes else None
        notes = self.string(nodes["notes"]) if "notes" in nodes else ""
        swaps: list[tuple[str, Swap]] = []
        lines: dict[str, int] = {}
        for pattern, node in self.swap_items(nodes.get("swaps")):
            swaps.append((pattern, self.swap(node)))
            lines[pattern] = node.start_mark.line + 1
        design = Design(base, classes, tuple(swaps), notes)
        design = design.with_activation(self.activation(nodes.get("activation")))
        try:
            resolve(design, lines)
        except DesignError as error:
            raise _in_file(self.source, error) from error
        return design

    def swap_items(self, node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"):
            return iter(())
        if not isinstance(node, yaml.MappingNode):
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "swaps must be a mapping."),
                QT_TRANSLATE_NOOP("core", "Write lines such as: model.3: separable."),
            )
        return self.items(node)

    def items(self, node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.string(key)
            if name in seen:
                first = seen[name].start_mark.line + 1
                raise self.refuse(
                    key,
                    QT_TRANSLATE_NOOP("core", "“{name}” stands twice, first in line {first}."),
                    QT_TRANSLATE_NOOP("core", "Remove one of them."),
                    name=name,
                    first=first,
                )
            seen[name] = key
            yield name, value

    def string(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.tag.startswith("tag:yaml.org,2002:"):
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "a plain word is needed here."),
                QT_TRANSLATE_NOOP("core", "Write it without brackets or tags."),
            )
        return str(node.value)

    def integer(self, node: yaml.Node, low: int, high: int, name: str) -> int:
        text = self.string(node)
        if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high or len(text) > 9:
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "{name} cannot be “{value}”."),
                QT_TRANSLATE_NOOP("core", "Give a whole number from {low} to {high}."),
                name=name,
                value=text[:40],
                low=low,
                high=high,
            )
        return int(text)

    def activation(self, node: yaml.Node | None) -> str | None:
        if node is None:
            return None
        name = self.string(node)
        if name not in ACTIVATIONS:
            raise _in_file(self.source, unknown_activation(name), node.start_mark)
        return name

    def check_version(self, root: yaml.Node, node: yaml.Node | None) -> None:
        if node is None:
            raise self.refuse(
                root,
                QT_TRANSLATE_NOOP("core", "the version of the format is missing."),
                QT_TRANSLATE_NOOP("core", "Add the line: format: {format}."),
                format=FORMAT,
            )
        if self.string(node) != str(FORMAT):
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "format “{name}” is not known to this version of the Studio."),
                QT_TRANSLATE_NOOP("core", "It reads format {format}; a newer Studio may read this file."),
                name=self.string(node)[:40],
                format=FORMAT,
            )

    def base(self, root: yaml.Node, node: yaml.Node | None, model: yaml.Node | None) -> str:
        if node is None:
            raise self.refuse(
                root,
                QT_TRANSLATE_NOOP("core", "the base model is missing."),
                QT_TRANSLATE_NOOP("core", "Add a line such as: base: yolov5n."),
            )
        name = canonical(self.string(node))
        if name.endswith(ENDINGS):
            return self.user_base(name, node, "" if model is None else self.string(model))
        if name not in base_models():
            raise _in_file(self.source, unknown_base(name), node.start_mark)
        return name

    def user_base(self, name: str, node: yaml.Node, digest: str) -> str:
        """Return the user's own model beside the file, or else the one of that hash that was opened before."""
        plain = Path(name).name == name and "\\" not in name
        beside = self.folder / name if self.folder is not None and plain else None
        if beside is not None and beside.is_file():
            return open_user_model(beside)
        known = known_model(name, digest)
        if known is None:
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "there is no model “{name}” beside this file."),
                QT_TRANSLATE_NOOP(
                    "core", "Put the model's YAML there, and give its name alone, without a folder."
                ),
                name=name[:80],
            )
        return known

    def swap(self, node: yaml.Node) -> Swap:
        if isinstance(node, yaml.ScalarNode):
            return Swap(self.block(node))
        if not isinstance(node, yaml.MappingNode):
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "a swap is a block kind, or a mapping."),
                QT_TRANSLATE_NOOP("core", "Write, for example: separable."),
            )
        entries = dict(self.items(node))
        if "block" not in entries:
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "the block kind is missing."),
                QT_TRANSLATE_NOOP("core", "Write, for example: {block: separable, rank: 2}."),
            )
        block = self.block(entries.pop("block"))
        known = BLOCKS[block].options
        options: dict[str, int] = {}
        for name, value in entries.items():
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise self.refuse(
                    value,
                    QT_TRANSLATE_NOOP("core", "{block} has no option “{name}”."),
                    QT_TRANSLATE_NOOP("core", "Its options: {options}."),
                    block=block,
                    name=name,
                    options=allowed,
                )
            options[name] = self.integer(value, known[name].low, known[name].high, name)
        return Swap(block, options)

    def block(self, node: yaml.Node) -> str:
        name = self.string(node)
        if name not in BLOCKS:
            raise self.refuse(
                node,
                QT_TRANSLATE_NOOP("core", "unknown block kind “{name}”."),
                QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
                name=name[:40],
                choices=", ".join(BLOCKS),
            )
        return name


def _in_file(source: str, problem: AppError, mark: yaml.Mark | None = None) -> DesignError:
    """Return a problem together with the file it is in, and the line where that is known."""
    advice = Text(problem.hint_template, problem.values)
    if mark is None:
        place = QT_TRANSLATE_NOOP("core", "{source}: {problem}")
        return DesignError(place, "{advice}", source=source, problem=problem, advice=advice)
    place = QT_TRANSLATE_NOOP("core", "{source}, line {line}: {problem}")
    line = mark.line + 1
    return DesignError(place, "{advice}", source=source, line=line, problem=problem, advice=advice)
