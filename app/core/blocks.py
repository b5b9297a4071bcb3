"""Block kinds: what each puts in the place of a site, and why it may refuse."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.core.architecture import Architecture, Convolution
from app.core.sites import Site, site, sites
from app.core.text import QT_TRANSLATE_NOOP


@dataclass(frozen=True, slots=True)
class Option:
    """A whole-number option of a block kind."""

    default: int
    low: int
    high: int
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """One operation of a block, in order of execution.

    Attributes:
        suffix: where it lives below the swapped module, for example ".0"; "" is the module itself.
        conv: the convolution, with the BatchNorm and activation behind it; None for any other operation.
        op: "conv", "concat", "add", "mul", "pool", "split", "shuffle" or "other".
        inputs: what it reads: 0 is the block's input, i the output of the i-th part, counted from 1.
        elements: numbers in its output, per cell.
        whole: numbers in its output that do not depend on the input size, as behind a global pooling.
        parameters, file_bytes: of tensors outside convolutions, for example of a BatchNorm that stands alone.
    """

    suffix: str
    conv: Convolution | None
    op: str = "conv"
    inputs: tuple[int, ...] = (0,)
    elements: int = 0
    whole: int = 0
    parameters: int = 0
    file_bytes: int = 0


def convolve(suffix: str, conv: Convolution, *inputs: int) -> Part:
    """Return a convolution as a part; without `inputs` it reads the block's input."""
    return Part(
        suffix,
        conv,
        inputs=inputs or (0,),
        elements=conv.c2 * conv.pixels,
        whole=conv.c2 * conv.whole,
    )


class BlockKind(ABC):
    """A named kind of replacement for a site.

    Attributes:
        name: as designs spell it.
        title, summary: for people; translated by the window.
        paper: where it comes from.
        options: name → what it may be.
    """

    name: str
    title: str
    summary: str
    paper: str
    options: Mapping[str, Option] = MappingProxyType({})

    @abstractmethod
    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Return why the kind cannot replace a site, or None where it can; the text is to be translated."""

    @abstractmethod
    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the operations of the training form that replaces a site; the last one makes its output."""

    def deployed_parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the operations of the equivalent form that a runtime executes, before BatchNorm is folded."""
        return self.parts(site, options)


class _ConvolutionKind(BlockKind):
    """A kind that replaces single convolutions."""

    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Refuse whole modules."""
        return None if site.conv is not None else _REFUSALS["C3"]

    def convolution(self, site: Site) -> Convolution:
        """Return the site's convolution.

        Raises:
            ValueError: the site is a whole module, which this kind refuses.
        """
        if site.conv is None:
            raise ValueError(f"{self.name} replaces convolutions only")
        return site.conv


class Separable(_ConvolutionKind):
    """Depthwise k × k, then pointwise 1 × 1 (Chollet 2017; Howard et al. 2017).

    With rank r every input channel has r depthwise filters. Parameters without BatchNorm are
    r·c1·k² + r·c1·c2 against c1·c2·k², a ratio of r·(1/c2 + 1/k²).
    """

    name = "separable"
    title = QT_TRANSLATE_NOOP("core", "Depthwise separable")
    summary = QT_TRANSLATE_NOOP("core", "A depthwise k×k convolution, then a pointwise 1×1 convolution.")
    paper = "Chollet 2017, arXiv:1610.02357; Howard et al. 2017, arXiv:1704.04861"
    options = MappingProxyType(
        {"rank": Option(1, 1, 4, QT_TRANSLATE_NOOP("core", "Depthwise filters for each input channel"))}
    )

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return a depthwise convolution with multiplier r and a pointwise one."""
        conv = self.convolution(site)
        middle = conv.c1 * options.get("rank", 1)
        return (
            convolve(".0", replace(conv, c2=middle, g=conv.c1, act=None)),
            convolve(".1", replace(conv, c1=middle, k=(1, 1), s=(1, 1), p=(0, 0)), 1),
        )

    def deployed_parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the same with the multiplier unrolled: r copies of the input, one plain depthwise convolution."""
        rank = options.get("rank", 1)
        if rank == 1:
            return self.parts(site, options)
        conv = self.convolution(site)
        wide = conv.c1 * rank
        return (
            Part(".0.0", None, "concat", (0,) * rank, wide * site.pixels_in),
            convolve(".0.1", replace(conv, c1=wide, c2=wide, g=wide, act=None), 1),
            convolve(".1", replace(conv, c1=wide, k=(1, 1), s=(1, 1), p=(0, 0)), 2),
        )


class DWConv(_ConvolutionKind):
    """The seed recipe: one convolution with groups = gcd(c1, c2), as ultralytics' class of that name.

    It mixes no channels across groups, so it is not separable: where c2 = 2·c1 each output sees one input channel.
    """

    name = "dwconv"
    title = QT_TRANSLATE_NOOP("core", "Grouped (DWConv)")
    summary = QT_TRANSLATE_NOOP("core", "One k×k convolution in gcd(c1, c2) groups; channels are not mixed.")
    paper = "DWConv of ultralytics; groups as in Xie et al. 2017, arXiv:1611.05431"

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the grouped convolution."""
        conv = self.convolution(site)
        return (convolve("", replace(conv, g=math.gcd(conv.c1, conv.c2))),)


BLOCKS: Mapping[str, BlockKind] = MappingProxyType({kind.name: kind for kind in (Separable(), DWConv())})
"""Name → block kind, in the order of the number keys."""


_REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "C3": QT_TRANSLATE_NOOP(
            "core", "Open it: the 3×3 convolutions of its bottlenecks can be replaced one by one."
        ),
        "Bottleneck": QT_TRANSLATE_NOOP(
            "core", "Its second convolution (cv2) is the one that can be replaced."
        ),
        "SPPF": QT_TRANSLATE_NOOP(
            "core", "It has only 1×1 convolutions and pooling: nothing to make depthwise."
        ),
        "Detect": QT_TRANSLATE_NOOP(
            "core", "Open it: the 3×3 convolutions of its branches can be replaced one by one."
        ),
        "Upsample": QT_TRANSLATE_NOOP("core", "It has no weights: it only enlarges."),
        "Concat": QT_TRANSLATE_NOOP("core", "It has no weights: it only joins channels."),
        "MaxPool2d": QT_TRANSLATE_NOOP("core", "It has no weights: it only takes the largest value."),
        "DFL": QT_TRANSLATE_NOOP("core", "It turns box distributions into numbers and is not trained."),
        "Sequential": QT_TRANSLATE_NOOP("core", "It only groups modules: choose one inside it."),
        "ModuleList": QT_TRANSLATE_NOOP("core", "It only groups modules: choose one inside it."),
    }
)
_POINTWISE = QT_TRANSLATE_NOOP(
    "core", "Its kernel is 1×1: it is pointwise already, there is nothing to split."
)
_PREDICTION = QT_TRANSLATE_NOOP(
    "core", "It makes the final predictions: a bare 1×1 convolution, pointwise already."
)
_GROUPED = QT_TRANSLATE_NOOP("core", "It is a grouped convolution already.")
_OTHER = QT_TRANSLATE_NOOP("core", "It is not a convolution with a kernel above 1×1.")


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
    kind = architecture.modules.get(path)
    conv = architecture.convolutions.get(path)
    if conv is None or kind is None or ".dfl" in path:
        return _REFUSALS.get(kind or "", _REFUSALS["DFL"] if ".dfl" in path else _OTHER)
    if kind != "Conv":
        return _PREDICTION
    return _POINTWISE if conv.is_pointwise else _GROUPED


def eligible(architecture: Architecture, kind: str = "separable") -> tuple[str, ...]:
    """Return the paths of the modules that a kind can replace, in order; never one inside another."""
    found: list[str] = []
    for path in sites(architecture):
        inside = bool(found) and path.startswith(f"{found[-1]}.")
        if not inside and refusal(architecture, path, kind) is None:
            found.append(path)
    return tuple(found)
