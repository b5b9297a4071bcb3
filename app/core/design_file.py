"""Reads design files, which may come from anybody: nothing is evaluated, every refusal names its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from app.core.architecture import base_models
from app.core.blocks import BLOCKS
from app.core.design import FORMAT, Design, DesignError, Swap, resolve
from app.core.errors import AppError

MAX_BYTES = 1_000_000
"""A larger design file is refused unread."""

_KEYS = ("format", "base", "classes", "notes", "swaps")


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        DesignError: it is missing, unreadable, too large or not UTF-8.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DesignError(f"{path} is larger than a design can be (1 MB).", "Choose a design file.")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DesignError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise DesignError(f"{path} is not a text file.", "Choose a design file (YAML).") from error


def parse_design(text: str, source: str = "design") -> Design:
    """Return the design that a text describes.

    Raises:
        DesignError: it is not YAML, not a design, or names a path, kind, option or version that does not exist, or
            its swaps overlap; the message names `source` and the line.
    """
    reader = _Reader(source)
    try:
        return reader.read(text)
    except DesignError:
        raise
    except AppError as error:
        raise DesignError(f"{source}: {error.message}", error.hint) from error


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source

    def refuse(self, node: yaml.Node | None, message: str, hint: str) -> DesignError:
        where = f"{self.source}, line {node.start_mark.line + 1}" if node is not None else self.source
        return DesignError(f"{where}: {message}", hint)

    def compose(self, text: str) -> yaml.Node | None:
        """Return the YAML tree; the safe loader makes plain nodes and resolves nothing by tag."""
        try:
            return yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = f", line {mark.line + 1}" if mark else ""
            raise DesignError(
                f"{self.source}{line}: this is not YAML: {error.problem}.", "Correct the line."
            ) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise DesignError(f"{self.source}: this is not YAML.", "Choose a design file.") from error

    def read(self, text: str) -> Design:
        root = self.compose(text)
        if not isinstance(root, yaml.MappingNode):
            raise self.refuse(root, "this is not a design.", "A design begins with: format: 1.")
        nodes = dict(self.items(root, "design"))
        unknown = [key for key in nodes if key not in _KEYS]
        if unknown:
            raise self.refuse(
                nodes[unknown[0]], f"unknown entry {unknown[0]!r}.", f"A design has {', '.join(_KEYS)}."
            )
        self.check_version(root, nodes.get("format"))
        base = self.base(root, nodes.get("base"))
        classes = self.integer(nodes["classes"], 1, 10_000, "classes") if "classes" in nodes else None
        notes = self.string(nodes["notes"]) if "notes" in nodes else ""
        swaps: list[tuple[str, Swap]] = []
        lines: dict[str, int] = {}
        for pattern, node in self.swap_items(nodes.get("swaps")):
            swaps.append((pattern, self.swap(node)))
            lines[pattern] = node.start_mark.line + 1
        design = Design(base, classes, tuple(swaps), notes)
        try:
            resolve(design, lines)
        except DesignError as error:
            raise DesignError(f"{self.source}: {error.message}", error.hint) from error
        return design

    def swap_items(self, node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"):
            return iter(())
        if not isinstance(node, yaml.MappingNode):
            raise self.refuse(node, "swaps must be a mapping.", "Write lines such as: model.3: separable.")
        return self.items(node, "swaps")

    def items(self, node: yaml.MappingNode, where: str) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = self.string(key)
            if name in seen:
                first = seen[name].start_mark.line + 1
                raise self.refuse(
                    key, f"{name!r} stands twice in {where}, first in line {first}.", "Remove one of them."
                )
            seen[name] = key
            yield name, value

    def string(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.tag.startswith("tag:yaml.org,2002:"):
            raise self.refuse(node, "a plain word is needed here.", "Write it without brackets or tags.")
        return str(node.value)

    def integer(self, node: yaml.Node, low: int, high: int, name: str) -> int:
        text = self.string(node)
        if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high or len(text) > 9:
            raise self.refuse(
                node, f"{name} cannot be {text[:40]!r}.", f"Write a whole number from {low} to {high}."
            )
        return int(text)

    def check_version(self, root: yaml.Node, node: yaml.Node | None) -> None:
        if node is None:
            raise self.refuse(
                root, "the version of the format is missing.", f"Add the line: format: {FORMAT}."
            )
        if self.string(node) != str(FORMAT):
            raise self.refuse(
                node,
                f"format {self.string(node)[:40]!r} is not known to this version of the Studio.",
                f"It reads format {FORMAT}; a newer Studio may read this file.",
            )

    def base(self, root: yaml.Node, node: yaml.Node | None) -> str:
        if node is None:
            raise self.refuse(root, "the base model is missing.", "Add a line such as: base: yolov5n.")
        name = self.string(node)
        if name not in base_models():
            raise self.refuse(
                node, f"unknown base model {name[:40]!r}.", f"Choose one of {', '.join(base_models())}."
            )
        return name

    def swap(self, node: yaml.Node) -> Swap:
        if isinstance(node, yaml.ScalarNode):
            return Swap(self.block(node))
        if not isinstance(node, yaml.MappingNode):
            raise self.refuse(node, "a swap is a block kind, or a mapping.", "Write, for example: separable.")
        entries = dict(self.items(node, "swap"))
        if "block" not in entries:
            raise self.refuse(
                node, "the block kind is missing.", "Write, for example: {block: separable, rank: 2}."
            )
        block = self.block(entries.pop("block"))
        known = BLOCKS[block].options
        options: dict[str, int] = {}
        for name, value in entries.items():
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise self.refuse(value, f"{block} has no option {name!r}.", f"Its options: {allowed}.")
            options[name] = self.integer(value, known[name].low, known[name].high, name)
        return Swap(block, options)

    def block(self, node: yaml.Node) -> str:
        name = self.string(node)
        if name not in BLOCKS:
            raise self.refuse(
                node, f"unknown block kind {name[:40]!r}.", f"Choose one of {', '.join(BLOCKS)}."
            )
        return name
