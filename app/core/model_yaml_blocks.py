"""What a swap becomes in the rows of a model YAML, and why some cannot be said there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.core.architecture import Convolution
from app.core.blocks import BLOCKS, Part
from app.core.design import Swap
from app.core.model_yaml_rows import Arg
from app.core.sites import Site
from app.core.text import QT_TRANSLATE_NOOP

ULTRALYTICS, YOLOV5 = "ultralytics", "yolov5"
FLAVOURS = (ULTRALYTICS, YOLOV5)
"""Who is to read the YAML: ultralytics, or the original YOLOv5 repository (v7.0)."""

YOLOV5_MODULES = frozenset(
    {
        "C3",
        "C3Ghost",
        "Concat",
        "Conv",
        "DWConv",
        "Detect",
        "GhostConv",
        "SPP",
        "SPPF",
        "nn.BatchNorm2d",
        "nn.Conv2d",
        "nn.ConvTranspose2d",
        "nn.Identity",
        "nn.MaxPool2d",
        "nn.Upsample",
        "nn.ZeroPad2d",
    }
)
"""Modules that mean the same in the original YOLOv5 repository. Its Bottleneck begins with a 1 × 1 convolution."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A row without its place: what one row of a block says."""

    module: str
    args: tuple[Arg, ...]
    repeats: int = 1


Said = tuple[Piece, ...] | str
"""The rows of a block, one reading the other, or why it cannot be said; the reason is to be translated."""

NO_ROW = QT_TRANSLATE_NOOP("core", "no row of a model YAML makes such a block")
ODD_PADDING = QT_TRANSLATE_NOOP("core", "its row has no argument for this padding")
ODD_CHANNELS = QT_TRANSLATE_NOOP("core", "its channels are no multiple of 8, and rows round them up")
ODD_ACTIVATION = QT_TRANSLATE_NOOP("core", "a row cannot name its activation")
REPCONV_WIDTH = QT_TRANSLATE_NOOP(
    "core", "a RepConv row must make as many channels as it reads: its parser takes them for the same"
)
NOT_IN_YOLOV5 = QT_TRANSLATE_NOOP("core", "the YOLOv5 repository has no such module")


def say(site: Site, swap: Swap, flavour: str, act: str) -> Said:
    """Return the rows that a swap becomes, or why it cannot be said.

    Args:
        site: what is replaced.
        swap: what to put there.
        flavour: who is to read the YAML.
        act: the activation that follows a convolution where a row says nothing.
    """
    known = _NAMED.get(swap.block)
    if site.act not in (None, act):
        return ODD_ACTIVATION
    said = known(site, swap, act) if known is not None else _chain(site, swap, act)
    if isinstance(said, str):
        return said
    if flavour == YOLOV5 and any(piece.module not in YOLOV5_MODULES for piece in said):
        return NOT_IN_YOLOV5
    return said


def _chain(site: Site, swap: Swap, act: str) -> Said:
    """Say a block that is nothing but convolutions, one after the other."""
    pieces: list[Piece] = []
    for number, part in enumerate(BLOCKS[swap.block].parts(site, swap.options)):
        if part.conv is None or part.inputs != (number,) or not _is_plain(part, part.conv):
            return NO_ROW
        said = _convolution(part.conv, act)
        if isinstance(said, str):
            return said
        pieces.extend(said)
    return tuple(pieces)


def _is_plain(part: Part, conv: Convolution) -> bool:
    square = conv.k[0] == conv.k[1] and conv.s[0] == conv.s[1] and conv.p[0] == conv.p[1]
    return square and conv.norm and not conv.bias and not conv.whole and not part.parameters


def _convolution(conv: Convolution, act: str) -> Said:
    """Say a convolution with its BatchNorm and activation."""
    if conv.act not in (None, act):
        return ODD_ACTIVATION
    k, s, p = conv.k[0], conv.s[0], conv.p[0]
    if conv.c2 % 8:
        if conv.c1 != conv.c2 or conv.act is not None:
            return ODD_CHANNELS
        bare = Piece("nn.Conv2d", (conv.c1, conv.c2, k, s, p, 1, conv.g, False))
        return (bare, Piece("nn.BatchNorm2d", (conv.c2,)))
    silent: tuple[Arg, ...] = () if conv.act else (1, False)  # dilation, activation
    grouped = conv.g > 1 and conv.g == math.gcd(conv.c1, conv.c2)
    if grouped and p == k // 2:
        return (Piece("DWConv", (conv.c2, k, s, *silent)),)
    place: tuple[Arg, ...] = (None if p == k // 2 else p, conv.g)
    if conv.g == 1 and not silent:
        place = () if p == k // 2 else (p,)
    return (Piece("Conv", (conv.c2, k, s, *place, *silent)),)


def _ghost(site: Site, _swap: Swap, _act: str) -> Said:
    if site.k[0] != site.k[1] or site.p != (site.k[0] // 2, site.k[0] // 2):
        return ODD_PADDING
    return _multiple(site.c2, Piece("GhostConv", (site.c2, site.k[0], site.s[0])))


def _scdown(site: Site, swap: Swap, _act: str) -> Said:
    return _multiple(site.c2, Piece("SCDown", (site.c2, swap.option("kernel"), site.s[0])))


def _repconv(site: Site, swap: Swap, act: str) -> Said:
    if site.c1 != site.c2:
        return REPCONV_WIDTH
    if act != "silu":  # RepConv has an activation of its own, which no entry of the YAML changes
        return ODD_ACTIVATION
    return (Piece("RepConv", (site.c1, site.c2, 3, site.s[0], 1, swap.option("groups"))),)


def _ghost_c3(site: Site, swap: Swap, _act: str) -> Said:
    ratio = _ratio(site, swap)
    args: tuple[Arg, ...] = () if ratio == 0.5 else (True, 1, ratio)
    return _multiple(site.c2, Piece("C3Ghost", (site.c2, *args), max(site.repeats, 1)))


def _cib(site: Site, swap: Swap, act: str) -> Said:
    if site.conv is not None:
        return NO_ROW
    if swap.option("large") and act != "silu":  # its RepVGGDW has an activation of its own, like RepConv
        return ODD_ACTIVATION
    args: tuple[Arg, ...] = (site.c2, site.shortcut, bool(swap.option("large")))
    ratio = _ratio(site, swap)
    if ratio != 0.5:
        args = (*args, 1, ratio)
    return _multiple(site.c2, Piece("C2fCIB", args, max(site.repeats, 1)))


def _c3k2(site: Site, swap: Swap, _act: str) -> Said:
    args: tuple[Arg, ...] = (site.c2, bool(swap.option("nested")), _ratio(site, swap))
    if not site.shortcut:
        args = (*args, False, 1, False)  # no attention, one group, no shortcut
    return _multiple(site.c2, Piece("C3k2", args, max(site.repeats, 1)))


def _multiple(channels: int, piece: Piece) -> Said:
    return ODD_CHANNELS if channels % 8 else (piece,)


def _ratio(site: Site, swap: Swap) -> float:
    """Return a short ratio from which a module computes as many inner channels as the block has."""
    hidden = _hidden(site, swap)
    for digits in range(1, 8):
        for value in (hidden / site.c2, (hidden + 0.5) / site.c2):
            ratio = round(value, digits)
            if int(site.c2 * ratio) == hidden:
                return ratio
    return (hidden + 0.5) / site.c2


def _hidden(site: Site, swap: Swap) -> int:
    """Return the inner channels of a C3-like block: half of what a first convolution that is split makes."""
    parts = BLOCKS[swap.block].parts(site, swap.options)
    first = parts[0].conv
    assert first is not None  # every such block begins with a convolution
    return first.c2 if swap.block == "ghost_c3" else first.c2 // 2


_NAMED: Mapping[str, Callable[[Site, Swap, str], Said]] = MappingProxyType(
    {
        "ghost": _ghost,
        "scdown": _scdown,
        "repconv": _repconv,
        "ghost_c3": _ghost_c3,
        "cib": _cib,
        "c3k2": _c3k2,
    }
)
"""Kinds that one row of a class of their own says; all others are tried as chains of convolutions."""
