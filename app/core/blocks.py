"""Block kinds: what each puts in the place of a convolution, and why it may refuse."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.core.architecture import Architecture, Convolution
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
    """One convolution of a block, in order of execution.

    Attributes:
        suffix: where it lives below the swapped module, for example ".0"; "" is the module itself.
        conv: the convolution.
        repeats: how many copies of the block's input are concatenated before it; 1 means none.
    """

    suffix: str
    conv: Convolution
    repeats: int = 1


class BlockKind(ABC):
    """A named kind of replacement for a convolution.

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
    def parts(self, conv: Convolution, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the convolutions of the training form that replace `conv`."""

    def deployed_parts(self, conv: Convolution, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the convolutions of the equivalent form that a runtime executes, before BatchNorm is folded."""
        return self.parts(conv, options)


class Separable(BlockKind):
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

    def parts(self, conv: Convolution, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return a depthwise convolution with multiplier r and a pointwise one."""
        middle = conv.c1 * options.get("rank", 1)
        return (
            Part(".0", replace(conv, c2=middle, g=conv.c1, act=None)),
            Part(".1", replace(conv, c1=middle, k=(1, 1), s=(1, 1), p=(0, 0))),
        )

    def deployed_parts(self, conv: Convolution, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the same with the multiplier unrolled: r copies of the input, one plain depthwise convolution."""
        rank = options.get("rank", 1)
        if rank == 1:
            return self.parts(conv, options)
        depthwise, pointwise = self.parts(conv, options)
        wide = depthwise.conv.c2
        return (Part(".0", replace(depthwise.conv, c1=wide, g=wide), repeats=rank), pointwise)


class DWConv(BlockKind):
    """The seed recipe: one convolution with groups = gcd(c1, c2), as ultralytics' class of that name.

    It mixes no channels across groups, so it is not separable: where c2 = 2·c1 each output sees one input channel.
    """

    name = "dwconv"
    title = QT_TRANSLATE_NOOP("core", "Grouped (DWConv)")
    summary = QT_TRANSLATE_NOOP("core", "One k×k convolution in gcd(c1, c2) groups; channels are not mixed.")
    paper = "DWConv of ultralytics; groups as in Xie et al. 2017, arXiv:1611.05431"

    def parts(self, conv: Convolution, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the grouped convolution."""
        return (Part("", replace(conv, g=math.gcd(conv.c1, conv.c2))),)


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


def refusal(architecture: Architecture, path: str) -> str | None:
    """Return why the module at `path` cannot be replaced, or None where it can; the text is to be translated."""
    kind = architecture.modules.get(path)
    conv = architecture.convolutions.get(path)
    if conv is None or kind is None or ".dfl" in path:
        return _REFUSALS.get(kind or "", _REFUSALS["DFL"] if ".dfl" in path else _OTHER)
    if kind != "Conv":
        return _PREDICTION
    if conv.is_pointwise:
        return _POINTWISE
    return _GROUPED if conv.g > 1 else None


def eligible(architecture: Architecture) -> tuple[str, ...]:
    """Return the paths of all modules that can be replaced, in order of execution."""
    return tuple(path for path in architecture.convolutions if refusal(architecture, path) is None)
