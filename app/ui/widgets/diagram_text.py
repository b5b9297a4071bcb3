"""The diagram's words: what stands in a node, in the longest form that fits, and what a tooltip says."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, QRectF
from PySide6.QtGui import QFont, QFontMetricsF

from app.core.blocks import BLOCKS
from app.core.text import figure
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.diagram_facts import Facts, Snapshot

_SHORT = {
    "Upsample": "Up",
    "ConvTranspose2d": "ConvT",
    "Bottleneck": "Bneck",
    "RepNCSPELAN4": "ELAN4",
    "SPPELAN": "SPP",
    "CBLinear": "CBL",
    "CBFuse": "CBF",
    "MaxPool2d": "Max",
    "ZeroPad2d": "Pad",
    "Identity": "Id",
}
_BOLD_FROM = 0.62
"""Below this scale bold titles would not fit."""
_SIDES = 4.0
_NARROWEST = 8.0
"""Below this width of a node not even upright text can be read."""
_LEAST = 10.0
"""Smallest text, in pixels."""

Line = tuple[str, ...]
"""Forms of a line, from long to short."""


class NodeText:
    """The fonts of a scale, and the choice of lines for a node."""

    def __init__(self, scale: float) -> None:
        weight = QFont.Weight.DemiBold if scale >= _BOLD_FROM else QFont.Weight.Normal
        self.title = theme.font(round(max(_LEAST, 12 * scale)), weight)
        self.small = theme.font(round(max(_LEAST, 10.5 * scale)))
        self._title = QFontMetricsF(self.title)
        self._small = QFontMetricsF(self.small)
        self.title_height = self._title.height()

    def lines(self, forms: list[Line], rect: QRectF) -> list[tuple[str, QFont, QRectF]]:
        """Return texts with their fonts and places; what does not fit is left out; without a title, all.

        Args:
            forms: lines as `node_forms` makes them.
            rect: the node.
        """
        room = rect.width() - _SIDES
        chosen = [
            self._longest(line, room, number == 0) for number, line in enumerate(self._split(forms, rect))
        ]
        fitting = [line for line in chosen if line is not None] if chosen[0] is not None else []
        high = 0.0
        shown: list[tuple[str, bool, float]] = []
        for text, is_title in fitting:
            own = (self._title if is_title else self._small).height()
            if shown and high + own > rect.height() - 1:
                break
            shown.append((text, is_title, own))
            high += own
        y = rect.center().y() - high / 2
        placed = []
        for text, is_title, own in shown:
            font = self.title if is_title else self.small
            placed.append((text, font, QRectF(rect.left() + _SIDES / 2, y, room, own)))
            y += own
        return placed

    def upright(self, forms: list[Line], rect: QRectF) -> str:
        """Return the title for a node that is too narrow for any of its forms, to be written upwards; "" for none."""
        if rect.height() < 1.5 * rect.width() or rect.width() < _NARROWEST:
            return ""
        room = rect.height() - _SIDES
        return next((text for text in forms[0] if self._small.horizontalAdvance(text) <= room), "")

    def _split(self, forms: list[Line], rect: QRectF) -> list[Line]:
        """Return the lines with "24 Detect" as "24" above "Detect" where a node is narrow, or high."""
        names = forms[0]
        number = names[-1]
        room = rect.width() - _SIDES
        narrow = all(self._title.horizontalAdvance(name) > room for name in names[:-1])
        if not names[0].startswith(f"{number} ") or not (narrow or rect.height() > 2.5 * rect.width()):
            return forms
        return [(number,), tuple(name.removeprefix(f"{number} ") for name in names[:-1]), *forms[1:]]

    def _longest(self, line: Line, room: float, is_title: bool) -> tuple[str, bool] | None:
        """Return the longest form that fits, and whether in the title's font."""
        for text in line:
            if is_title and self._title.horizontalAdvance(text) <= room:
                return text, True
            if self._small.horizontalAdvance(text) <= room:
                return text, False
        return None


def node_forms(snapshot: Snapshot, facts: Facts, words: Mapping[str, str]) -> list[Line]:
    """Return the lines of a node: name, channels and stride, kernel and cost; each in ever shorter forms.

    Args:
        snapshot: the design.
        facts: the layer or convolution.
        words: translated words: "classes" holds "{count}".
    """
    if facts.is_layer:
        row = snapshot.architecture.layers[int(facts.path.split(".")[1])]
        short = _SHORT.get(row.type, row.type)
        title: Line = (f"{row.index} {row.type}", f"{row.index} {short}", f"{row.index}")
        c1, c2, stride = row.c1, row.c2, " /2" if row.downsamples else ""
    else:
        place = facts.site or facts.conv
        assert place is not None
        title = (facts.name, facts.name.removeprefix("m."), facts.name.rpartition(".")[2])
        c1, c2, stride = place.c1, place.c2, " /2" if place.s != (1, 1) else ""
    channels: Line = (f"{c1}→{c2}{stride}", f"{c1}→{c2}", f"{c2}")
    if not c2:
        classes = snapshot.architecture.classes
        channels = (words["classes"].format(count=classes), f"nc {classes}")
    if not facts.standard.flops:
        return [title, channels]
    kernel = f"{facts.conv.k[0]}×{facts.conv.k[1]}  " if facts.conv is not None else ""
    cost = f"{figure(facts.lightweight.flops / 1e9)} G"
    return [title, channels, (f"{kernel}{cost}", cost)]


def describe(snapshot: Snapshot, facts: Facts, locked: bool = False) -> str:
    """Return a module in words: what it is, its share of the cost, what is replaced or why nothing can be.

    Args:
        snapshot: the design.
        facts: the module.
        locked: whether it stays as it is when a target is reached.
    """
    lines = [f"{facts.path} · {facts.type}"]
    if facts.standard.flops:
        now, then = figure(100 * facts.share, 2), figure(100 * facts.standard_share, 2)
        words = QCoreApplication.translate("Diagram", "{now} % of the standard model's operations")
        if now != then:
            words = QCoreApplication.translate(
                "Diagram", "{now} % of the standard model's operations, before {then} %"
            )
        lines.append(words.format(now=now, then=then))
    lines.extend(_state(snapshot, facts))
    if locked:
        lines.append(
            QCoreApplication.translate("Diagram", "Locked: it stays as it is when a target is reached.")
        )
    return "\n".join(lines)


def _state(snapshot: Snapshot, facts: Facts) -> list[str]:
    """Return what a module became and what else could be replaced, or why nothing can."""
    if facts.refusal:
        return [translated(facts.refusal)]
    if facts.within:
        outer = snapshot.facts[facts.within]
        words = QCoreApplication.translate("Diagram", "Part of {path}, which is replaced as a whole: {kind}")
        return [words.format(path=outer.path, kind=translated(BLOCKS[outer.kind].title))]
    if facts.swap is not None:
        return [translated(BLOCKS[facts.kind].title)]
    if facts.conv is not None:
        return []
    words = QCoreApplication.translate(
        "Diagram", "{swapped} of {count} convolutions replaced; Enter opens it"
    )
    lines = [words.format(swapped=facts.swapped, count=facts.convolutions)] if facts.convolutions else []
    if facts.is_whole:
        lines.append(QCoreApplication.translate("Diagram", "It can be replaced as a whole too."))
    return lines


def scene_words() -> dict[str, str]:
    """Return the words that stand in the picture, translated."""
    return {
        "backbone": QCoreApplication.translate("Diagram", "Backbone"),
        "neck": QCoreApplication.translate("Diagram", "Neck"),
        "head": QCoreApplication.translate("Diagram", "Head"),
        "classes": QCoreApplication.translate("Diagram", "{count} classes"),
    }
