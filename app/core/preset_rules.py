"""What the presets change on base models that are laid out otherwise than the file says.

A preset file names the modules of yolov5n. What it means by them is said here, so that it means the same on every base
model: which block kinds, in which parts of the model, on which modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.core.architecture import Architecture
from app.core.blocks import eligible
from app.core.design import Swap
from app.core.heavier import saves
from app.core.sites import Site, sites

STEM_CHANNELS = 3
"""Input channels by which the convolution that reads the picture is known; no preset changes it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a preset changes.

    Attributes:
        swaps: replacements; where several could take a module's place, the first one does.
        parts: parts of the model.
        picks: which of the modules there; None takes all.
    """

    swaps: tuple[Swap, ...]
    parts: tuple[str, ...] = ("backbone", "neck", "head")
    picks: Callable[[Site], bool] | None = None


def _is_class_branch(site: Site) -> bool:
    return ".cv3." in site.path


def _halves(site: Site) -> bool:
    return site.s == (2, 2)


def _is_module_or_halves(site: Site) -> bool:
    return site.conv is None or site.s == (2, 2)


def _is_whole(site: Site) -> bool:
    return site.conv is None


_SEPARABLE = Swap("separable")

RULES: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {
        "balanced": (
            Rule((Swap("separable", {"rank": 4}),), ("backbone",)),
            Rule((Swap("separable", {"rank": 2}),), ("neck", "head")),
        ),
        "separable": (Rule((_SEPARABLE,)),),
        "smallest": (
            Rule((Swap("shufflenetv2"),), ("backbone", "neck"), _is_whole),
            Rule((_SEPARABLE,)),
        ),
        "backbone": (Rule((_SEPARABLE,), ("backbone",)),),
        "neck": (Rule((_SEPARABLE,), ("neck",)),),
        "head": (Rule((_SEPARABLE,), ("head",)),),
        "head-classes": (Rule((_SEPARABLE,), ("head",), _is_class_branch),),
        "ghost": (Rule((Swap("ghost_c3"), Swap("ghost")), ("backbone", "neck"), _is_module_or_halves),),
        "shufflenetv2": (Rule((Swap("shufflenetv2"),), ("backbone",)),),
        "mobilenetv3": (Rule((Swap("mobilenetv3"),), ("backbone",)),),
        "efficientnetv2": (Rule((Swap("efficientnetv2"),), ("backbone",)),),
        "seed": (Rule((Swap("dwconv"),), picks=_halves),),
    }
)
"""Preset → what it changes, rule by rule, in the order in which the window offers them.

"balanced" and "smallest" were chosen by measurement: docs/benchmarks has the table.
"""


def by_rule(name: str, architecture: Architecture) -> dict[str, Swap]:
    """Return module path → swap in order of execution, for a preset on any base model.

    What a swap would not make lighter is left alone; where nothing remains, nothing is returned.
    """
    places = sites(architecture)
    found: dict[str, Swap] = {}
    pairs = [(rule, swap) for rule in RULES[name] for swap in rule.swaps]
    for rule, swap in pairs:
        for path in eligible(architecture, swap.block):
            site = places[path]
            wanted = site.part in rule.parts and site.c1 != STEM_CHANNELS
            wanted = wanted and (rule.picks is None or rule.picks(site)) and not _overlaps(path, found)
            if wanted and saves(architecture, path, swap):
                found[path] = swap
    return dict(sorted(found.items(), key=lambda item: architecture.order[item[0]]))


def _overlaps(path: str, found: Mapping[str, Swap]) -> bool:
    return any(path == p or path.startswith(f"{p}.") or p.startswith(f"{path}.") for p in found)
