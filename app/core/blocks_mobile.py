"""Block kinds of the mobile networks: inverted residuals and what became of them.

A convolution becomes one block; a module that keeps the resolution as many as it has bottlenecks. Blocks with a
shortcut need equal channels: where they differ, a pointwise convolution goes before. Every block keeps the activation
of what it replaces instead of its paper's.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from types import MappingProxyType

from app.core import blocks_base as base
from app.core.blocks_base import BlockKind, Option, Part, rounded
from app.core.blocks_plan import Plan
from app.core.sites import Site
from app.core.text import QT_TRANSLATE_NOOP

_EXPANSION = Option(
    100,
    100,
    600,
    QT_TRANSLATE_NOOP("core", "Channels in the middle, percent of the input's"),
    (100, 150, 200, 300, 400, 600),
)
FUSED_LEVEL = 3
"""Pyramid level up to which EfficientNetV2 fuses expansion and depthwise convolution (Tan and Le 2021, table 4)."""


class MobileKind(BlockKind):
    """A kind that may stand once in the place of a convolution, and repeatedly in the place of a module.

    Attributes:
        residual: whether its blocks add their input, so that a pointwise convolution goes before where channels
            change.
    """

    residual = True

    @abstractmethod
    def block(
        self, plan: Plan, at: str, source: int, c2: int, stride: int, site: Site, options: Mapping[str, int]
    ) -> int:
        """Add one block to a plan."""

    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Refuse even kernels, and work at a resolution that is not even."""
        refused = base.check_kernel(self.option(options, "kernel")) if "kernel" in self.options else None
        return refused or base.check_input(self, site, options)

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the blocks, one after the other."""
        plan = Plan(site)
        made = 0
        before, blocks = self.layout(site)
        places = [f".{index}" for index in range(before + blocks)] if before + blocks > 1 else [""]
        if before:
            made = plan.conv(places[0], 0, site.c2)
        for index, place in enumerate(places[before:]):
            stride = site.s[0] if index == 0 else 1
            made = self.block(plan, place, made, site.c2, stride, site, options)
        return plan.done()

    def layout(self, site: Site) -> tuple[int, int]:
        """Return how many pointwise convolutions (0 or 1) go before how many blocks."""
        before = self.residual and site.s == (1, 1) and site.c1 != site.c2
        return int(before), max(site.repeats, 1)


class ShuffleNetV2(MobileKind):
    """The unit of ShuffleNetV2 (Ma et al. 2018): half of the channels pass by, all are shuffled.

    Of stride 2 both halves are made anew from the whole input. The channels are shuffled in two groups, so that
    output 2i is the passing channel i and output 2i + 1 the worked one.
    """

    name = "shufflenetv2"
    title = QT_TRANSLATE_NOOP("core", "ShuffleNetV2 unit")
    summary = QT_TRANSLATE_NOOP(
        "core", "Half of the channels pass by, the others are worked on; then all are shuffled."
    )
    paper = "Ma et al. 2018, arXiv:1807.11164"

    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Refuse an odd number of channels."""
        return base.EVEN_OUTPUT if site.c2 % 2 else super().refuses(site, options)

    def block(
        self, plan: Plan, at: str, source: int, c2: int, stride: int, site: Site, options: Mapping[str, int]
    ) -> int:
        """Add one unit."""
        half = c2 // 2
        aside = source
        if stride > 1:
            c1 = plan.channels(source)
            aside = plan.conv(f"{at}.branch1.0", source, c1, 3, stride, g=c1, act=False)
            aside = plan.conv(f"{at}.branch1.2", aside, half)
        made = plan.conv(f"{at}.branch2.0", source, half, half=stride == 1)
        made = plan.conv(f"{at}.branch2.3", made, half, 3, stride, g=half, act=False)
        made = plan.conv(f"{at}.branch2.5", made, half)
        joined = plan.op(at, "concat", (made, aside), c2)
        return plan.op(at, "shuffle", (joined,))


class MobileNetV3(MobileKind):
    """The block of MobileNetV3 (Howard et al. 2019): expand, depthwise, squeeze-and-excitation, project, shortcut.

    The paper expands three to six times; the default here expands nothing, which is lighter than a C3.
    """

    name = "mobilenetv3"
    title = QT_TRANSLATE_NOOP("core", "MobileNetV3 block")
    summary = QT_TRANSLATE_NOOP(
        "core", "Expand, depthwise, weigh the channels, project without activation; a shortcut around all."
    )
    paper = "Howard et al. 2019, arXiv:1905.02244"
    options = MappingProxyType(
        {"expansion": _EXPANSION, "kernel": base.kernel_option(3), "squeeze": base.squeeze_option(1)}
    )

    def expanded(self, c1: int, options: Mapping[str, int]) -> int:
        """Return the channels in the middle."""
        percent = self.option(options, "expansion")
        return c1 if percent == 100 else rounded(c1 * (percent / 100))

    def block(
        self, plan: Plan, at: str, source: int, c2: int, stride: int, site: Site, options: Mapping[str, int]
    ) -> int:
        """Add one block; its shortcut is added in place."""
        c1 = plan.channels(source)
        wide, made, number = self.expanded(c1, options), source, 0
        if wide != c1:
            made, number = plan.conv(f"{at}.block.0.0", made, wide), 1
        kernel = self.option(options, "kernel")
        made = plan.conv(f"{at}.block.{number}.0", made, wide, kernel, stride, g=wide)
        number += 1
        if self.option(options, "squeeze"):
            squeezed = rounded(wide // 4)
            made = plan.squeeze(f"{at}.block.{number}", made, squeezed, ("relu", "hardsigmoid"))
            number += 1
        adds = (source,) if stride == 1 and c1 == c2 else ()
        return plan.conv(f"{at}.block.{number}.0", made, c2, act=False, adds=adds)


class EfficientNetV2(MobileKind):
    """The blocks of EfficientNetV2 (Tan and Le 2021): Fused-MBConv up to level P3, MBConv from P4 on.

    A Fused-MBConv expands by a dense convolution, which at the paper's four times is much heavier than a C3; here it
    keeps a quarter by default. MBConv always has its squeeze-and-excitation. Stochastic depth is left out.
    """

    name = "efficientnetv2"
    title = QT_TRANSLATE_NOOP("core", "EfficientNetV2 block")
    summary = QT_TRANSLATE_NOOP(
        "core", "Up to P3 a dense convolution and a projection, from P4 on a mobile block; a shortcut around."
    )
    paper = "Tan and Le 2021, arXiv:2104.00298"
    options = MappingProxyType(
        {
            "expansion": _EXPANSION,
            "fused": Option(
                25,
                12,
                400,
                QT_TRANSLATE_NOOP("core", "The same up to level P3, where the expansion is dense"),
                (25, 50, 100, 200, 400),
            ),
        }
    )

    def fuses(self, site: Site) -> bool:
        """Say whether the blocks at a site are fused ones."""
        return site.level <= FUSED_LEVEL

    def block(
        self, plan: Plan, at: str, source: int, c2: int, stride: int, site: Site, options: Mapping[str, int]
    ) -> int:
        """Add one block; its shortcut is added in place."""
        c1, fused = plan.channels(source), self.fuses(site)
        wide = rounded(c1 * (self.option(options, "fused" if fused else "expansion") / 100))
        adds = (source,) if stride == 1 and c1 == c2 else ()
        if fused and wide == c1:
            return plan.conv(f"{at}.block.0.0", source, c2, 3, stride, adds=adds)
        made, number = source, 0
        if fused:
            made, number = plan.conv(f"{at}.block.0.0", made, wide, 3, stride), 1
        elif wide != c1:
            made, number = plan.conv(f"{at}.block.0.0", made, wide), 1
        if not fused:
            made = plan.conv(f"{at}.block.{number}.0", made, wide, 3, stride, g=wide)
            made = plan.squeeze(f"{at}.block.{number + 1}", made, max(1, c1 // 4), ("silu", "sigmoid"))
            number += 2
        return plan.conv(f"{at}.block.{number}.0", made, c2, act=False, adds=adds)


class LCNet(MobileKind):
    """The block of PP-LCNet (Cui et al. 2021): depthwise 5 × 5, squeeze-and-excitation, pointwise, no shortcut."""

    name = "lcnet"
    title = QT_TRANSLATE_NOOP("core", "PP-LCNet block")
    summary = QT_TRANSLATE_NOOP("core", "Depthwise with a large kernel, weigh the channels, pointwise.")
    paper = "Cui et al. 2021, arXiv:2109.15099"
    options = MappingProxyType({"kernel": base.kernel_option(5), "squeeze": base.squeeze_option(1)})
    residual = False

    def block(
        self, plan: Plan, at: str, source: int, c2: int, stride: int, site: Site, options: Mapping[str, int]
    ) -> int:
        """Add one block."""
        c1, number = plan.channels(source), 1
        made = plan.conv(f"{at}.0", source, c1, self.option(options, "kernel"), stride, g=c1)
        if self.option(options, "squeeze"):
            made, number = plan.squeeze(f"{at}.1", made, rounded(c1 / 4), ("relu", "hardsigmoid")), 2
        return plan.conv(f"{at}.{number}", made, c2)
