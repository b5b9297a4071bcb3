"""Which rows the layer table shows, in which order: the tree of layers, or a list where it is sorted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.ui.widgets.diagram_facts import Facts, Snapshot
from app.ui.widgets.layer_table_columns import Column, Value

ALL, ABLE, SWAPPED, DIFFERENT = "all", "able", "swapped", "different"
"""Which rows are wanted: every one, what can be replaced, what is replaced, what differs from the other design."""


@dataclass(frozen=True)
class Wanted:
    """What the user wants to see.

    Attributes:
        text: part of a path, name or class; "" for everything.
        only: ALL, ABLE, SWAPPED or DIFFERENT.
        column: what the rows are sorted by; None keeps the order of execution, in a tree.
        descending: whether the largest come first.
        different: paths that differ from the design that is compared.
    """

    text: str = ""
    only: str = ALL
    column: Column | None = None
    descending: bool = True
    different: frozenset[str] = frozenset()

    @property
    def filters(self) -> bool:
        """Whether it leaves rows out."""
        return bool(self.text.strip()) or self.only != ALL


@dataclass(frozen=True)
class Rows:
    """The rows as a tree.

    Attributes:
        children: path → paths of the rows below it; "" holds the topmost.
        place: path → its parent's path and its row there.
    """

    children: Mapping[str, tuple[str, ...]]
    place: Mapping[str, tuple[str, int]]


def matches(snapshot: Snapshot, text: str) -> tuple[str, ...]:
    """Return the paths whose path, name or class contains a text, whatever its case; none for an empty text."""
    wanted = text.strip().lower()
    if not wanted:
        return ()
    return tuple(path for path, facts in snapshot.facts.items() if _has(facts, wanted))


def arrange(snapshot: Snapshot, wanted: Wanted) -> Rows:
    """Return the rows that are wanted.

    A row is shown with everything above it. Sorted, every module that can be replaced by itself and every convolution
    stands on its own in one list, so that the whole model is ranked.
    """
    kept = [path for path, facts in snapshot.facts.items() if _is_wanted(snapshot, facts, wanted)]
    if wanted.column is not None:
        return _list(snapshot, kept, wanted)
    shown = set(kept)
    if wanted.text.strip():
        shown |= {path for path in snapshot.facts if _is_below(snapshot, path, shown)}
    for path in kept:
        parent = snapshot.facts[path].parent
        while parent:
            shown.add(parent)
            parent = snapshot.facts[parent].parent
    children: dict[str, list[str]] = {"": []}
    for path, facts in snapshot.facts.items():
        if path in shown:
            children.setdefault(facts.parent, []).append(path)
    return _rows({path: tuple(below) for path, below in children.items()})


def _list(snapshot: Snapshot, kept: list[str], wanted: Wanted) -> Rows:
    column = wanted.column
    assert column is not None
    known: list[tuple[Value, str]] = []
    empty: list[str] = []
    for path in kept:
        facts = snapshot.facts[path]
        if facts.site is None and facts.conv is None:
            continue
        value = column.value(snapshot, facts)
        if value is None:
            empty.append(path)
        else:
            known.append((value, path))
    known.sort(key=lambda one: one[0], reverse=wanted.descending)
    return _rows({"": (*(path for _, path in known), *empty)})


def _rows(children: dict[str, tuple[str, ...]]) -> Rows:
    place = {path: (parent, row) for parent, below in children.items() for row, path in enumerate(below)}
    return Rows(MappingProxyType(children), MappingProxyType(place))


def _is_wanted(snapshot: Snapshot, facts: Facts, wanted: Wanted) -> bool:
    text = wanted.text.strip().lower()
    if text and not _has(facts, text):
        return False
    if wanted.only == ABLE:
        return bool(facts.targets) and (facts.site is not None or not facts.is_layer)
    if wanted.only == SWAPPED:
        return facts.swap is not None
    if wanted.only == DIFFERENT:
        return facts.path in wanted.different
    return True


def _has(facts: Facts, text: str) -> bool:
    return text in facts.path.lower() or text in facts.name.lower() or text in facts.type.lower()


def _is_below(snapshot: Snapshot, path: str, shown: set[str]) -> bool:
    parent = snapshot.facts[path].parent
    while parent:
        if parent in shown:
            return True
        parent = snapshot.facts[parent].parent
    return False
