"""Block kinds in the manner of a C3: a split, a few inner blocks, a pointwise convolution that joins."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.core import blocks_base as base
from app.core.blocks_base import BlockKind, Option, Part
from app.core.blocks_convolutions import MERGED
from app.core.blocks_plan import (
    Plan,
    bottleneck,
    compact_inverted,
    ghost_bottleneck,
    hidden_channels,
)
from app.core.sites import Site
from app.core.text import QT_TRANSLATE_NOOP

_WIDTH = QT_TRANSLATE_NOOP("core", "Inner channels, percent of the output's")
_WIDTHS = (12, 25, 38, 50, 75, 100)


class ModuleKind(BlockKind):
    """A kind that replaces whole modules such as a C3."""

    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Refuse single convolutions."""
        return base.MODULES_ONLY if site.conv is not None else None

    def hidden(self, site: Site, options: Mapping[str, int]) -> int:
        """Return the inner channels."""
        return hidden_channels(site.c2, self.option(options, "width"))


class GhostC3(ModuleKind):
    """C3Ghost: a C3 whose bottlenecks are Ghost bottlenecks (Han et al. 2020). Their shortcuts are always there."""

    name = "ghost_c3"
    title = QT_TRANSLATE_NOOP("core", "Ghost C3")
    summary = QT_TRANSLATE_NOOP(
        "core", "A C3 whose bottlenecks make half of their channels by cheap filters."
    )
    paper = "Han et al. 2020, arXiv:1911.11907"
    options = MappingProxyType({"width": Option(50, 10, 100, _WIDTH, _WIDTHS)})

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return both ways through the module and the convolution that joins them."""
        plan, hidden = Plan(site), self.hidden(site, options)
        made = plan.conv(".cv1", 0, hidden)
        for index in range(max(site.repeats, 1)):
            made = ghost_bottleneck(plan, f".m.{index}", made)
        side = plan.conv(".cv2", 0, hidden)
        plan.conv(".cv3", plan.concat("", made, side), site.c2)
        return plan.done()


class CIB(BlockKind):
    """The compact inverted block of YOLOv10 (Wang et al. 2024): depthwise and pointwise in turn, five times.

    A C3-like module becomes a C2fCIB, a convolution of stride 1 one such block, without a shortcut as it had none.
    Option large: 7 × 7 filters beside the 3 × 3 in the middle, merged when deployed.
    """

    name = "cib"
    title = QT_TRANSLATE_NOOP("core", "Compact inverted block (CIB)")
    summary = QT_TRANSLATE_NOOP("core", "Depthwise and pointwise convolutions in turn, five in all.")
    paper = "Wang et al. 2024, arXiv:2405.14458"
    options = MappingProxyType(
        {
            "width": Option(50, 10, 100, _WIDTH, _WIDTHS),
            "large": Option(0, 0, 1, QT_TRANSLATE_NOOP("core", "1: 7×7 filters in the middle, 0: 3×3 alone")),
        }
    )
    all_forms = (base.FOLDED, MERGED)

    def refuses(self, site: Site, options: Mapping[str, int]) -> str | None:
        """Refuse what halves the resolution."""
        return base.KEEPING_ONLY if site.s != (1, 1) else None

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the training form."""
        return self._parts(site, options, merged=False)

    def deployed_parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the form whose large filters are merged."""
        return self._parts(site, options, merged=True)

    def forms(self, site: Site, options: Mapping[str, int]) -> tuple[str, ...]:
        """Return the only form."""
        return (MERGED,) if self.option(options, "large") else (base.FOLDED,)

    def _parts(self, site: Site, options: Mapping[str, int], merged: bool) -> tuple[Part, ...]:
        plan, large = Plan(site), bool(self.option(options, "large"))
        hidden = hidden_channels(site.c2, self.option(options, "width"))
        if site.conv is not None:
            compact_inverted(
                plan, "", 0, site.c2, 2 * hidden, large, shortcut=False, half=False, merged=merged
            )
            return plan.done()
        made = first = plan.conv(".cv1", 0, 2 * hidden)
        joined = [first]
        for index in range(max(site.repeats, 1)):
            made = compact_inverted(
                plan,
                f".m.{index}",
                made,
                hidden,
                2 * hidden,
                large,
                site.shortcut,
                half=index == 0,
                merged=merged,
            )
            joined.append(made)
        plan.conv(".cv2", plan.concat("", *joined), site.c2)
        return plan.done()


class C3k2(ModuleKind):
    """The C3k2 of YOLO11: every inner block's output reaches the convolution that joins.

    At ultralytics' width of 50 % it is heavier than the C3 it would replace; the default here is the 25 % of
    YOLO11's own early stages. Option nested: every inner block is a C3k of two bottlenecks.
    """

    name = "c3k2"
    title = QT_TRANSLATE_NOOP("core", "Narrow C3k2")
    summary = QT_TRANSLATE_NOOP(
        "core", "YOLO11's C3k2 with few inner channels, all of whose outputs are joined."
    )
    paper = "Jocher and Qiu 2024, Ultralytics YOLO11; CSP as in Wang et al. 2020, arXiv:1911.11929"
    options = MappingProxyType(
        {
            "width": Option(25, 10, 100, _WIDTH, _WIDTHS),
            "nested": Option(
                0,
                0,
                1,
                QT_TRANSLATE_NOOP("core", "Inner blocks: 1 are C3k of two bottlenecks, 0 bottlenecks"),
            ),
        }
    )

    def parts(self, site: Site, options: Mapping[str, int]) -> tuple[Part, ...]:
        """Return the split, the inner blocks and the convolution that joins."""
        plan, hidden = Plan(site), self.hidden(site, options)
        made = plan.conv(".cv1", 0, 2 * hidden)
        joined = [made]
        inner = _nested if self.option(options, "nested") else _plain
        for index in range(max(site.repeats, 1)):
            made = inner(plan, f".m.{index}", made, site.shortcut, index == 0)
            joined.append(made)
        plan.conv(".cv2", plan.concat("", *joined), site.c2)
        return plan.done()


def _plain(plan: Plan, at: str, source: int, shortcut: bool, half: bool) -> int:
    return bottleneck(plan, at, source, 3, 0.5, shortcut, half)


def _nested(plan: Plan, at: str, source: int, shortcut: bool, half: bool) -> int:
    channels = plan.channels(source) // 2 if half else plan.channels(source)
    made = plan.conv(f"{at}.cv1", source, channels // 2, half=half)
    for index in range(2):
        made = bottleneck(plan, f"{at}.m.{index}", made, 3, 1.0, shortcut, half=False)
    side = plan.conv(f"{at}.cv2", source, channels // 2, half=half)
    return plan.conv(f"{at}.cv3", plan.concat(at, made, side), channels)
