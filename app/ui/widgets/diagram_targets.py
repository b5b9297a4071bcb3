"""What a block kind would replace in a selection: a layer as a whole, or the convolutions inside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from app.core.architecture import load_architecture
from app.core.blocks import BLOCKS
from app.core.cost import ZERO, Cost, site_cost, swap_cost
from app.core.design import Swap
from app.core.sites import mirrors, sites
from app.ui.widgets.diagram_facts import Snapshot, difference


@dataclass(frozen=True, slots=True)
class Offer:
    """What choosing a kind for a selection would do.

    Attributes:
        kind: block kind.
        targets: paths of the modules that it would replace; none where it fits nowhere.
        wholes: how many of them are whole modules, such as a C3.
        reason: why it fits nowhere, to be translated; "" where it does.
    """

    kind: str
    targets: tuple[str, ...]
    wholes: int
    reason: str = ""


def offer(
    snapshot: Snapshot,
    paths: Iterable[str],
    kind: str,
    options: Mapping[str, int] | None = None,
    whole: bool = True,
) -> Offer:
    """Return what a kind would replace at or below the selected paths.

    Args:
        snapshot: the design.
        paths: selected module paths.
        kind: block kind.
        options: its options.
        whole: where it fits both a module and convolutions inside it, whether it takes the module.
    """
    architecture = snapshot.architecture
    reasons = _reasons(architecture.base, architecture.classes, kind, tuple(sorted((options or {}).items())))
    chosen: list[str] = []
    refused = ""
    for path in snapshot.outermost(paths):
        targets = snapshot.facts[path].targets
        fitting = [one for one in targets if not reasons[one]]
        single = [] if whole else [one for one in fitting if snapshot.facts[one].is_single]
        chosen.extend(single or snapshot.outermost(fitting))
        if not fitting and targets:
            refused = refused or reasons[targets[0]]
    wholes = sum(snapshot.facts[one].is_whole for one in chosen)
    return Offer(kind, tuple(chosen), wholes, "" if chosen else refused)


def offers_both(snapshot: Snapshot, paths: Iterable[str]) -> bool:
    """Return whether a selection holds whole modules with convolutions inside them that can be replaced too."""
    for path in snapshot.outermost(paths):
        for one in snapshot.facts[path].targets:
            facts = snapshot.facts[one]
            if facts.is_whole and facts.convolutions:
                return True
    return False


def cost_with(snapshot: Snapshot, paths: Iterable[str], chosen: Offer, swap: Swap | None) -> Cost:
    """Return what the selected paths would cost if the targets became `swap` and all else in them were standard."""
    architecture, cells = snapshot.architecture, snapshot.cells
    total = sum((snapshot.facts[path].standard for path in snapshot.outermost(paths)), ZERO)
    if swap is None:
        return total
    for target in chosen.targets:
        for twin in (target, *mirrors(architecture, target)):
            before = site_cost(architecture, twin, cells)
            total += difference(swap_cost(architecture, twin, swap, cells), before)
    return total


@lru_cache(maxsize=512)
def _reasons(base: str, classes: int, kind: str, options: tuple[tuple[str, int], ...]) -> Mapping[str, str]:
    """Return path of a site → why the kind refuses it, "" where it does not."""
    block, chosen = BLOCKS[kind], dict(options)
    places = sites(load_architecture(base, classes))
    return {path: block.refuses(place, chosen) or "" for path, place in places.items()}
