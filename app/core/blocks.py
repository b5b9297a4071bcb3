"""Block kinds: what each puts in the place of a site, and why it may refuse."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.core.architecture import Architecture
from app.core.blocks_base import BlockKind, Option, Part, convolve
from app.core.blocks_convolutions import DWConv, Ghost, RepConv, SCDown, Separable
from app.core.blocks_mobile import EfficientNetV2, LCNet, MobileNetV3, ShuffleNetV2
from app.core.blocks_modules import CIB, C3k2, GhostC3
from app.core.sites import ONE_TO_ONE, Site, original, site, sites
from app.core.text import QT_TRANSLATE_NOOP

__all__ = ["BLOCKS", "BlockKind", "Option", "Part", "Site", "convolve", "eligible", "forms", "refusal"]


def _numbered(*kinds: BlockKind) -> Mapping[str, BlockKind]:
    for number, kind in enumerate(kinds, 1):
        kind.key = str(number) if number < 10 else ""
    return MappingProxyType({kind.name: kind for kind in kinds})


BLOCKS: Mapping[str, BlockKind] = _numbered(
    Separable(),
    DWConv(),
    Ghost(),
    GhostC3(),
    ShuffleNetV2(),
    MobileNetV3(),
    EfficientNetV2(),
    LCNet(),
    SCDown(),
    CIB(),
    C3k2(),
    RepConv(),
)
"""Name → block kind, in the order of the number keys."""


_NO_WEIGHTS = QT_TRANSLATE_NOOP("core", "It has no weights to save.")
_LOOK_INSIDE = QT_TRANSLATE_NOOP("core", "Open it: what can be replaced stands inside it.")
_ATTENTION = QT_TRANSLATE_NOOP("core", "It computes attention, for which there is no lighter kind here.")
_LIGHT_ALREADY = QT_TRANSLATE_NOOP("core", "It is a light block already.")
_POOLING = QT_TRANSLATE_NOOP("core", "It has only 1×1 convolutions and pooling: nothing to make depthwise.")
_POINTWISE = QT_TRANSLATE_NOOP(
    "core", "Its kernel is 1×1: it is pointwise already, there is nothing to split."
)
_PREDICTION = QT_TRANSLATE_NOOP(
    "core", "It makes the final predictions: a bare 1×1 convolution, pointwise already."
)
_BRANCH = QT_TRANSLATE_NOOP("core", "It is a branch of a RepConv: choose the whole RepConv.")
_TWIN = QT_TRANSLATE_NOOP("core", "It is changed along with its twin in the other head.")
_GROUPED = QT_TRANSLATE_NOOP("core", "It is a grouped convolution already.")
_OTHER = QT_TRANSLATE_NOOP("core", "It is not a convolution with a kernel above 1×1.")
_REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "Upsample": QT_TRANSLATE_NOOP("core", "It has no weights: it only enlarges."),
        "Concat": QT_TRANSLATE_NOOP("core", "It has no weights: it only joins channels."),
        "MaxPool2d": QT_TRANSLATE_NOOP("core", "It has no weights: it only takes the largest value."),
        "DFL": QT_TRANSLATE_NOOP("core", "It turns box distributions into numbers and is not trained."),
        "Sequential": QT_TRANSLATE_NOOP("core", "It only groups modules: choose one inside it."),
        "ModuleList": QT_TRANSLATE_NOOP("core", "It only groups modules: choose one inside it."),
        "Detect": QT_TRANSLATE_NOOP(
            "core", "Open it: the 3×3 convolutions of its branches can be replaced one by one."
        ),
        **dict.fromkeys(("ZeroPad2d", "Identity", "CBFuse", "Index"), _NO_WEIGHTS),
        **dict.fromkeys(("v10Detect", "Bottleneck", "RepBottleneck", "AConv", "ADown"), _LOOK_INSIDE),
        **dict.fromkeys(("SPP", "SPPF", "SPPELAN"), _POOLING),
        **dict.fromkeys(("PSA", "C2PSA", "C2fPSA", "PSABlock", "Attention", "ABlock", "AAttn"), _ATTENTION),
        **dict.fromkeys(
            ("GhostConv", "GhostBottleneck", "SCDown", "CIB", "RepVGGDW", "LightConv"), _LIGHT_ALREADY
        ),
        "CBLinear": _POINTWISE,
        "DWConv": _GROUPED,
        "Conv2d": _PREDICTION,
    }
)


def refusal(
    architecture: Architecture, path: str, kind: str | None = None, options: Mapping[str, int] | None = None
) -> str | None:
    """Return why the module at `path` cannot be replaced, or None where it can; the text is to be translated.

    Args:
        architecture: the base model.
        path: module path.
        kind: name of a block kind; None asks whether every kind refuses.
        options: options of that kind.
    """
    place = site(architecture, path)
    if place is None:
        return _no_site(architecture, path)
    kinds = BLOCKS.values() if kind is None else (BLOCKS[kind],)
    reasons = [block.refuses(place, options or {}) for block in kinds]
    return None if None in reasons else reasons[0]


def _no_site(architecture: Architecture, path: str) -> str:
    """Return why a module is no site."""
    if ".dfl" in path:
        return _REFUSALS["DFL"]
    kind = architecture.modules.get(path, "")
    conv = architecture.convolutions.get(path)
    if f".{ONE_TO_ONE}" in path and site(architecture, original(path)) is not None:
        return _TWIN
    if architecture.modules.get(path.rpartition(".")[0]) == "RepConv":
        return _BRANCH
    if kind != "Conv" or conv is None:
        return _REFUSALS.get(kind, _OTHER)
    return _POINTWISE if conv.is_pointwise else _GROUPED


def eligible(architecture: Architecture, kind: str = "separable") -> tuple[str, ...]:
    """Return the paths of the modules that a kind can replace, in order; never one inside another."""
    found: list[str] = []
    for path in sites(architecture):
        inside = bool(found) and path.startswith(f"{found[-1]}.")
        if not inside and refusal(architecture, path, kind) is None:
            found.append(path)
    return tuple(found)


def forms(kind: str, place: Site | None = None, options: Mapping[str, int] | None = None) -> tuple[str, ...]:
    """Return the names of the equivalent forms in which a runtime may execute a block, the usual one first.

    Args:
        kind: name of a block kind.
        place: what it replaces; None returns all forms that it may have anywhere.
        options: its options.
    """
    block = BLOCKS[kind]
    return block.all_forms if place is None else block.forms(place, options or {})
