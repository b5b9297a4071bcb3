"""Edits of a design by selection: what else has to give way, and what the step is called in the history."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication

from app.core.blocks import BLOCKS
from app.core.design import Design, Swap
from app.ui.text import translated
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.diagram_targets import Offer


def swapped(design: Design, paths: Iterable[str], swap: Swap) -> Design:
    """Return a design in which modules become `swap`; what is swapped inside or around them becomes standard.

    Raises:
        DesignError: one of them cannot be replaced.
    """
    targets = tuple(paths)
    return design.without(_overlapping(design, targets)).with_swap(targets, swap)


def with_option(design: Design, paths: Iterable[str], option: str, value: int) -> Design:
    """Return a design in which swapped modules have another value of an option.

    Raises:
        DesignError: with that value the kind cannot replace one of them.
    """
    swaps = design.resolved()
    for path in paths:
        swap = swaps[path]
        design = design.with_swap((path,), Swap(swap.block, {**swap.options, option: value}))
    return design


def restored(design: Design, paths: Iterable[str]) -> Design:
    """Return a design in which everything at, inside and around the paths is standard."""
    targets = tuple(paths)
    own = [path for path in design.resolved() if path in targets]
    return design.without((*own, *_overlapping(design, targets)))


def can_restore(design: Design, paths: Iterable[str]) -> bool:
    """Return whether anything at, inside or around the paths is swapped."""
    targets = tuple(paths)
    return any(path in targets for path in design.resolved()) or bool(_overlapping(design, targets))


def _overlapping(design: Design, targets: tuple[str, ...]) -> tuple[str, ...]:
    """Return what is swapped inside the targets or around them."""
    known = set(targets)
    around = {path.rsplit(".", depth)[0] for path in targets for depth in range(1, path.count("."))}
    return tuple(
        path
        for path in design.resolved()
        if path not in known and (path in around or any(above in known for above in _above(path)))
    )


def _above(path: str) -> Iterable[str]:
    return (path.rsplit(".", depth)[0] for depth in range(1, path.count(".")))


def edit_words(snapshot: Snapshot, targets: tuple[str, ...], swap: Swap | None) -> str:
    """Return what an edit is called in the history, translated: "Ghost C3 on model.4"."""
    kind = (
        translated(BLOCKS[swap.block].title)
        if swap is not None
        else QCoreApplication.translate("DesignEdits", "Standard")
    )
    if len(targets) == 1:
        return QCoreApplication.translate("DesignEdits", "{kind} on {path}").format(
            kind=kind, path=targets[0]
        )
    wholes = sum(snapshot.facts[path].is_whole for path in targets)
    if not wholes:
        words = QCoreApplication.translate("DesignEdits", "{kind} on {count} convolutions")
    elif wholes == len(targets):
        words = QCoreApplication.translate("DesignEdits", "{kind} on {count} whole modules")
    else:
        words = QCoreApplication.translate("DesignEdits", "{kind} on {count} modules")
    return words.format(kind=kind, count=len(targets))


def offer_words(one: Offer) -> str:
    """Return a kind with what it would replace, translated: "Ghost C3, as a whole"."""
    title = translated(BLOCKS[one.kind].title)
    singles = len(one.targets) - one.wholes
    if one.wholes == 1 and not singles:
        return QCoreApplication.translate("DesignEdits", "{kind}, as a whole").format(kind=title)
    if len(one.targets) == 1:
        return title
    words = QCoreApplication.translate("DesignEdits", "{kind} on {count} modules")
    if not one.wholes:
        words = QCoreApplication.translate("DesignEdits", "{kind} on {count} convolutions")
    return words.format(kind=title, count=len(one.targets))
