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
        kinds: block kinds; where several could replace something, the first one does.
        parts: parts of the model.
        picks: which of the modules there; None takes all.
    """

    kinds: tuple[str, ...]
    parts: tuple[str, ...] = ("backbone", "neck", "head")
    picks: Callable[[Site], bool] | None = None


def _is_class_branch(site: Site) -> bool:
    return ".cv3." in site.path


def _halves(site: Site) -> bool:
    return site.s == (2, 2)


def _is_module_or_halves(site: Site) -> bool:
    return site.conv is None or site.s == (2, 2)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "separable": Rule(("separable",)),
        "backbone": Rule(("separable",), ("backbone",)),
        "neck": Rule(("separable",), ("neck",)),
        "head": Rule(("separable",), ("head",)),
        "head-classes": Rule(("separable",), ("head",), _is_class_branch),
        "ghost": Rule(("ghost_c3", "ghost"), ("backbone", "neck"), _is_module_or_halves),
        "shufflenetv2": Rule(("shufflenetv2",), ("backbone",)),
        "mobilenetv3": Rule(("mobilenetv3",), ("backbone",)),
        "efficientnetv2": Rule(("efficientnetv2",), ("backbone",)),
        "seed": Rule(("dwconv",), picks=_halves),
    }
)
"""Preset → what it changes, in the order in which the window offers them."""


def by_rule(name: str, architecture: Architecture) -> dict[str, str]:
    """Return module path → block kind in order of execution, for a preset on any base model.

    What a kind would not make lighter is left alone; where nothing remains, nothing is returned.
    """
    rule, places = RULES[name], sites(architecture)
    found: dict[str, str] = {}
    for kind in rule.kinds:
        for path in eligible(architecture, kind):
            site = places[path]
            wanted = site.part in rule.parts and site.c1 != STEM_CHANNELS
            wanted = wanted and (rule.picks is None or rule.picks(site)) and not _overlaps(path, found)
            if wanted and saves(architecture, path, Swap(kind)):
                found[path] = kind
    return dict(sorted(found.items(), key=lambda item: architecture.order[item[0]]))


def _overlaps(path: str, found: Mapping[str, str]) -> bool:
    return any(path == p or path.startswith(f"{p}.") or p.startswith(f"{path}.") for p in found)
