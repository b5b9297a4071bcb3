"""What every block kind has: a name, options, parts, reasons to refuse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.core.architecture import Convolution
from app.core.sites import Site
from app.core.text import QT_TRANSLATE_NOOP

FOLDED = "folded"
"""Form of a block in which nothing but BatchNorm is folded."""


@dataclass(frozen=True, slots=True)
class Option:
    """A whole-number option of a block kind.

    Attributes:
        default, low, high: the value where none is given, and the range a design may choose from.
        text: what it means; to be translated.
        choices: values to offer; none means all of the range.
    """

    default: int
    low: int
    high: int
    text: str
    choices: tuple[int, ...] = ()

    @property
    def offered(self) -> tuple[int, ...]:
        """The values to offer, in order."""
        return self.choices or tuple(range(self.low, self.high + 1))


@dataclass(frozen=True, slots=True)
class Part:
    """One operation of a block, in order of execution.

    Attributes:
        suffix: where it lives below the swapped module, for example ".0"; "" is the module itself.
        conv: the convolution, with the BatchNorm and activation behind it; None for any other operation.
        op: "conv", "concat", "add", "mul", "pool", "split", "shuffle" or "other".
        inputs: what it reads: 0 is the block's input, i the output of the i-th part, counted from 1. What is added
            to its output in place is read too.
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
        key: the key that chooses it, a digit; "" where there are more kinds than digits.
        all_forms: names of the equivalent forms that it may have somewhere.
    """

    name: str
    title: str
    summary: str
    paper: str
    options: Mapping[str, Option] = MappingProxyType({})
    key: str = ""
    all_forms: tuple[str, ...] = (FOLDED,)

    @abstractmethod
    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Return why the kind cannot replace a site, or None where it can; the text is to be translated."""

    @abstractmethod
    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the operations of the training form that replaces a site; the last one makes its output."""

    def deployed_parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the operations of the equivalent form that a runtime executes, before BatchNorm is folded."""
        return self.parts(site, options)

    def forms(self, site: Site, options: Mapping[str, int]) -> tuple[str, ...]:
        """Return the names of the equivalent forms that a runtime may execute, that of `deployed_parts` first."""
        return self.all_forms

    def option(self, options: Mapping[str, int], name: str) -> int:
        """Return an option's value, its default where it is not given."""
        return options.get(name, self.options[name].default)


class ConvolutionKind(BlockKind):
    """A kind that replaces single convolutions."""

    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Refuse whole modules."""
        return None if site.conv is not None else OPEN_IT

    def convolution(self, site: Site) -> Convolution:
        """Return the site's convolution.

        Raises:
            ValueError: the site is a whole module, which this kind refuses.
        """
        if site.conv is None:
            raise ValueError(f"{self.name} replaces convolutions only")
        return site.conv


def rounded(channels: float, multiple: int = 8) -> int:
    """Return a number of channels as a multiple of 8, never below 90 % of what was asked for.

    The rule by which MobileNets are scaled (Sandler et al. 2018), the same as torchvision's.
    """
    near = max(multiple, int(channels + multiple / 2) // multiple * multiple)
    return near + multiple if near < 0.9 * channels else near


def kernel_option(default: int) -> Option:
    """Return the option for the side of a depthwise kernel."""
    return Option(default, 3, 7, QT_TRANSLATE_NOOP("core", "Side of the depthwise kernel"), (3, 5, 7))


def squeeze_option(default: int) -> Option:
    """Return the option that says whether there is a squeeze-and-excitation (Hu et al. 2018)."""
    return Option(
        default, 0, 1, QT_TRANSLATE_NOOP("core", "Squeeze-and-excitation: 1 weighs the channels, 0 does not")
    )


OPEN_IT = QT_TRANSLATE_NOOP(
    "core", "Open it: the 3×3 convolutions of its bottlenecks can be replaced one by one."
)
MODULES_ONLY = QT_TRANSLATE_NOOP(
    "core", "This kind replaces whole modules such as a C3, not a single convolution."
)
HALVING_ONLY = QT_TRANSLATE_NOOP("core", "This kind replaces convolutions of stride 2 only.")
KEEPING_ONLY = QT_TRANSLATE_NOOP("core", "This kind keeps the resolution; here it is halved.")
ODD_KERNEL = QT_TRANSLATE_NOOP("core", "Choose an odd kernel: an even one has no centre.")
EVEN_OUTPUT = QT_TRANSLATE_NOOP("core", "This kind needs an even number of output channels.")
THREE_ONLY = QT_TRANSLATE_NOOP("core", "This kind exists with 3×3 kernels and padding 1 only.")
UNEVEN_GROUPS = QT_TRANSLATE_NOOP("core", "Its channels cannot be divided into so many groups.")
UNEVEN_INPUT = QT_TRANSLATE_NOOP(
    "core", "This kind works at the resolution of its input, which here is not twice that of the output."
)


def check_input(kind: BlockKind, site: Site, options: Mapping[str, int]) -> str | None:
    """Return why a block is refused that works at the resolution of its input, where that is not even; or None."""
    if site.even or site.s == (1, 1):
        return None
    parts = kind.parts(site, options)
    full = any(part.conv is not None and 0 in part.inputs and part.conv.s == (1, 1) for part in parts)
    return UNEVEN_INPUT if full else None


def check_kernel(kernel: int) -> str | None:
    """Return why a kernel is refused, or None."""
    return None if kernel % 2 else ODD_KERNEL
