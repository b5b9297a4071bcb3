"""Block kinds that replace single convolutions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from app.core import blocks_base as base
from app.core.blocks_base import ConvolutionKind, Option, Part, convolve
from app.core.blocks_plan import Plan
from app.core.sites import Site
from app.core.text import QT_TRANSLATE_NOOP

MULTIPLIER, UNROLLED, DENSE, MERGED = "multiplier", "unrolled", "dense", "merged"
"""Names of forms: a depth multiplier as it is, as copies of the input before a plain depthwise convolution, the whole
block as one dense convolution, all branches as one convolution."""


class Separable(ConvolutionKind):
    """Depthwise k × k, then pointwise 1 × 1 (Chollet 2017; Howard et al. 2017).

    With rank r every input channel has r depthwise filters. Parameters without BatchNorm are
    r·c1·k² + r·c1·c2 against c1·c2·k², a ratio of r·(1/c2 + 1/k²). No activation stands between the two, so that
    a dense kernel can be factorised into them, and they can be multiplied into one again.
    """

    name = "separable"
    title = QT_TRANSLATE_NOOP("core", "Depthwise separable")
    summary = QT_TRANSLATE_NOOP("core", "A depthwise k×k convolution, then a pointwise 1×1 convolution.")
    paper = "Chollet 2017, arXiv:1610.02357; Howard et al. 2017, arXiv:1704.04861"
    options = MappingProxyType(
        {"rank": Option(1, 1, 4, QT_TRANSLATE_NOOP("core", "Depthwise filters for each input channel"))}
    )
    all_forms = (base.FOLDED, UNROLLED, MULTIPLIER, DENSE)

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return a depthwise convolution with multiplier r and a pointwise one."""
        conv = self.convolution(site)
        middle = conv.c1 * self.option(options, "rank")
        return (
            convolve(".0", replace(conv, c2=middle, g=conv.c1, act=None)),
            convolve(".1", replace(conv, c1=middle, k=(1, 1), s=(1, 1), p=(0, 0)), 1),
        )

    def deployed_parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the same with the multiplier unrolled: r copies of the input, one plain depthwise convolution."""
        rank = self.option(options, "rank")
        if rank == 1:
            return self.parts(site, options)
        conv = self.convolution(site)
        wide = conv.c1 * rank
        return (
            Part(".0.0", None, "concat", (0,) * rank, wide * site.pixels_in),
            convolve(".0.1", replace(conv, c1=wide, c2=wide, g=wide, act=None), 1),
            convolve(".1", replace(conv, c1=wide, k=(1, 1), s=(1, 1), p=(0, 0)), 2),
        )

    def forms(self, site: Site, options: Mapping[str, int]) -> tuple[str, ...]:
        """Return the two forms of a multiplier, or the plain one, and the dense one."""
        if self.option(options, "rank") == 1:
            return (base.FOLDED, DENSE)
        return (UNROLLED, MULTIPLIER, DENSE)


class DWConv(ConvolutionKind):
    """The seed recipe: one convolution with groups = gcd(c1, c2), as ultralytics' class of that name.

    It mixes no channels across groups, so it is not separable: where c2 = 2·c1 each output sees one input channel.
    """

    name = "dwconv"
    title = QT_TRANSLATE_NOOP("core", "Grouped (DWConv)")
    summary = QT_TRANSLATE_NOOP("core", "One k×k convolution in gcd(c1, c2) groups; channels are not mixed.")
    paper = "DWConv of ultralytics; groups as in Xie et al. 2017, arXiv:1611.05431"
    all_forms = (base.FOLDED, UNROLLED, DENSE)

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the grouped convolution."""
        conv = self.convolution(site)
        return (convolve("", replace(conv, g=math.gcd(conv.c1, conv.c2))),)

    def forms(self, site: Site, options: Mapping[str, int]) -> tuple[str, ...]:
        """Return the grouped form, that without a multiplier where there is one, and the dense one."""
        conv = self.convolution(site)
        multiplies = conv.c2 > conv.c1 > 1 and conv.c2 % conv.c1 == 0
        return (base.FOLDED, UNROLLED, DENSE) if multiplies else (base.FOLDED, DENSE)


class Ghost(ConvolutionKind):
    """GhostConv (Han et al. 2020): half of the output by an ordinary convolution, half from it by cheap filters.

    Parameters without BatchNorm are c1·c2/2·k² + c2/2·25 against c1·c2·k²: a little more than half.
    """

    name = "ghost"
    title = QT_TRANSLATE_NOOP("core", "Ghost convolution")
    summary = QT_TRANSLATE_NOOP(
        "core", "A k×k convolution makes half of the channels, 5×5 depthwise filters the others from them."
    )
    paper = "Han et al. 2020, arXiv:1911.11907"

    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Refuse whole modules and an odd number of channels."""
        return super().refuses(site, options) or (base.EVEN_OUTPUT if site.c2 % 2 else None)

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the primary convolution, the cheap one and their concatenation."""
        plan = Plan(site)
        primary = plan.conv(".cv1", 0, site.c2 // 2, kernel=self.convolution(site))
        cheap = plan.conv(".cv2", primary, site.c2 // 2, 5, g=site.c2 // 2)
        plan.concat("", primary, cheap)
        return plan.done()


class SCDown(ConvolutionKind):
    """Spatial-channel decoupled downsampling of YOLOv10 (Wang et al. 2024): pointwise, then depthwise of stride 2.

    As in the paper, the activation stands behind the pointwise convolution, and none behind the depthwise one.
    """

    name = "scdown"
    title = QT_TRANSLATE_NOOP("core", "Decoupled downsampling (SCDown)")
    summary = QT_TRANSLATE_NOOP(
        "core", "A pointwise convolution at full resolution, then a depthwise one of stride 2."
    )
    paper = "Wang et al. 2024, arXiv:2405.14458"
    options = MappingProxyType({"kernel": base.kernel_option(3)})

    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Refuse whole modules, what keeps its resolution, and even kernels."""
        refused = super().refuses(site, options)
        if refused is None and site.s != (2, 2):
            refused = base.HALVING_ONLY
        refused = refused or base.check_kernel(self.option(options, "kernel"))
        return refused or base.check_input(self, site, options)

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the pointwise and the depthwise convolution."""
        plan = Plan(site)
        wide = plan.conv(".cv1", 0, site.c2)
        plan.conv(".cv2", wide, site.c2, self.option(options, "kernel"), 2, g=site.c2, act=False)
        return plan.done()


class RepConv(ConvolutionKind):
    """RepConv (Ding et al. 2021): a 3 × 3 and a 1 × 1 branch in training, one 3 × 3 convolution when deployed.

    Both branches have as many groups as the option says, for with one group the deployed form is an ordinary
    convolution. The branch of a bare BatchNorm is left out, as ultralytics does by default.
    """

    name = "repconv"
    title = QT_TRANSLATE_NOOP("core", "Grouped RepConv")
    summary = QT_TRANSLATE_NOOP(
        "core", "A grouped 3×3 and a grouped 1×1 branch, merged into one convolution when deployed."
    )
    paper = "Ding et al. 2021, arXiv:2101.03697"
    options = MappingProxyType(
        {"groups": Option(4, 1, 64, QT_TRANSLATE_NOOP("core", "Groups of channels"), (1, 2, 4, 8, 16))}
    )
    all_forms = (MERGED, DENSE)

    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Refuse whole modules, other kernels, and groups that do not divide the channels."""
        refused = super().refuses(site, options)
        if refused is None and (site.k != (3, 3) or site.p != (1, 1)):
            refused = base.THREE_ONLY
        if refused is None and math.gcd(site.c1, site.c2) % self.option(options, "groups"):
            refused = base.UNEVEN_GROUPS
        return refused

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the two branches and their sum."""
        plan, groups = Plan(site), self.option(options, "groups")
        wide = plan.conv(".conv1", 0, site.c2, 3, site.s[0], g=groups, act=False)
        near = plan.conv(".conv2", 0, site.c2, 1, site.s[0], g=groups, act=False)
        plan.op("", "add", (wide, near))
        return plan.done()

    def deployed_parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the one convolution."""
        plan = Plan(site)
        plan.conv(".conv", 0, site.c2, 3, site.s[0], g=self.option(options, "groups"))
        return plan.done()

    def forms(self, site: Site, options: Mapping[str, int]) -> tuple[str, ...]:
        """Return the merged form, and the dense one where there are groups."""
        return (MERGED, DENSE) if self.option(options, "groups") > 1 else (MERGED,)
