"""Paints the diagram's nodes: what a layer is, what it became, what it costs, whether it is selected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.widgets.diagram_facts import MIXED, Facts, Snapshot
from app.ui.widgets.diagram_layout import Layout, Node
from app.ui.widgets.diagram_marks import draw_lock, draw_mark, kind_colour
from app.ui.widgets.diagram_text import NodeText, node_forms
from app.ui.widgets.diagram_view import View

ADDED, REMOVED, CHANGED = "+", "\u2212", "\u2260"
"""How a module differs from the design that is compared: swapped only here, only there, otherwise."""
SIGN_TONES: Mapping[str, str] = MappingProxyType({ADDED: "good", REMOVED: "bad", CHANGED: "warn"})
"""Sign of a difference → its colour."""
_STROKES: Mapping[str, tuple[tuple[float, float, float, float], ...]] = MappingProxyType(
    {
        ADDED: ((-1, 0, 1, 0), (0, -1, 0, 1)),
        REMOVED: ((-1, 0, 1, 0),),
        CHANGED: ((-1, -0.45, 1, -0.45), (-1, 0.45, 1, 0.45), (-0.6, 1.1, 0.6, -1.1)),
    }
)
"""Signs as lines in a square from −1 to 1."""
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_CENTRE = Qt.AlignmentFlag.AlignCenter


@dataclass(frozen=True)
class Scene:
    """All that one painting needs.

    Attributes:
        snapshot: the design.
        layout: where things lie.
        view: scale and offset.
        selected: selected module paths.
        focus: the path that the keyboard acts on; "" for none.
        focus_shown: whether to show where it is.
        hovered: the path under the mouse; "" for none.
        words: translated words: "backbone", "neck", "head".
        signs: path → how it differs from the design that is compared: ADDED, REMOVED or CHANGED.
        locked: paths that stay as they are when a target is reached.
    """

    snapshot: Snapshot
    layout: Layout
    view: View
    selected: Collection[str]
    focus: str
    focus_shown: bool
    hovered: str
    words: Mapping[str, str]
    signs: Mapping[str, str] = field(default_factory=dict)
    locked: Collection[str] = ()


def heat(part: float) -> QColor:
    """Return the colour of a share of the cost: calm, then warm, then hot.

    Args:
        part: 0 to 1, relative to the most expensive of its sort.
    """
    tokens = theme.tokens()
    ramp = (tokens.standard, tokens.warn, tokens.bad)
    place = min(max(part, 0.0), 1.0) * (len(ramp) - 1)
    low = min(int(place), len(ramp) - 2)
    return blend(ramp[low], ramp[low + 1], place - low)


def blend(one: str, other: str, part: float) -> QColor:
    """Return the colour that lies `part` of the way from one `#RRGGBB` to the other."""
    a, b = QColor(one), QColor(other)
    return QColor.fromRgbF(
        a.redF() + (b.redF() - a.redF()) * part,
        a.greenF() + (b.greenF() - a.greenF()) * part,
        a.blueF() + (b.blueF() - a.blueF()) * part,
    )


class NodePainter:
    """Paints the nodes of one scene."""

    def __init__(self, painter: QPainter, scene: Scene) -> None:
        self.painter = painter
        self.scene = scene
        self.scale = scene.view.scale
        self.tokens = theme.tokens()
        self.holders = {
            path.rsplit(".", path.count(".") - 1)[0] for path in scene.selected if path.count(".") > 1
        }
        self.text = NodeText(self.scale)

    def frame(self, node: Node) -> None:
        """Paint an open layer as a frame with its title."""
        rect = self.scene.view.to_screen(node.rect)
        facts = self.scene.snapshot.facts[node.path]
        painter = self.painter
        painter.setBrush(theme.colour("surface", 0.75))
        painter.setPen(QPen(theme.colour("strong_line"), 1.2))
        painter.drawRoundedRect(rect, 8, 8)
        painter.setFont(self.text.title)
        painter.setPen(theme.colour("text"))
        title = QRectF(rect.left() + 10, rect.top() + 3, rect.width() - 20, self.text.title_height + 2)
        painter.drawText(title, _LEFT, facts.name)
        self.selection_ring(node, rect, 8)
        self.lock(node.path, rect)

    def paint(self, node: Node, rect: QRectF) -> None:
        """Paint a layer, a module or convolution inside one, the outline of a group, or a join."""
        if node.shape == "join":
            self.join(node, rect)
            return
        if node.shape == "group":
            self.group(node, rect)
            return
        facts = self.scene.snapshot.facts[node.path]
        radius = max(3.0, min(6 * self.scale, 8.0))
        self.body(facts, rect, radius)
        self.selection_ring(node, rect, radius)
        if facts.kind in BLOCKS:
            self.badge(facts.kind, rect)
        self.words(facts, rect)
        self.share_bar(node, facts, rect)
        self.sign(node.path, rect)
        self.lock(node.path, rect)

    def group(self, node: Node, rect: QRectF) -> None:
        """Paint the outline of what could be replaced as a whole, with its name on the upper edge."""
        painter = self.painter
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("strong_line"), 1.0))
        painter.drawRoundedRect(rect, 5, 5)
        facts = self.scene.snapshot.facts[node.path]
        words = f"{facts.name} {facts.type}"
        painter.setFont(self.text.small)
        room = painter.fontMetrics().horizontalAdvance(words) + 6.0
        high = painter.fontMetrics().height() * 0.9
        if room < rect.width() - 8:
            place = QRectF(rect.left() + 6, rect.top() - high / 2, room, high)
            painter.fillRect(place, theme.colour("surface"))
            painter.setPen(theme.colour("muted"))
            painter.drawText(place, _CENTRE, words)
        self.selection_ring(node, rect, 5)
        self.sign(node.path, rect)
        self.lock(node.path, rect)

    def sign(self, path: str, rect: QRectF) -> None:
        """Paint how a module differs from the design that is compared, on the upper left corner."""
        sign = self.scene.signs.get(path)
        if sign is None:
            return
        painter = self.painter
        tone = theme.colour(SIGN_TONES[sign])
        side = max(13.0, min(13 * self.scale, 18.0))
        plate = QRectF(rect.left() - side * 0.45, rect.top() - side * 0.45, side, side)
        painter.setBrush(tone)
        painter.setPen(QPen(theme.colour("surface"), 1.2))
        painter.drawEllipse(plate)
        painter.setPen(QPen(theme.colour(theme.text_on(tone.name())), max(1.4, side / 9)))
        c, r = plate.center(), side * 0.24
        for x1, y1, x2, y2 in _STROKES[sign]:
            painter.drawLine(QPointF(c.x() + x1 * r, c.y() + y1 * r), QPointF(c.x() + x2 * r, c.y() + y2 * r))

    def lock(self, path: str, rect: QRectF) -> None:
        """Paint a small lock on the lower left corner of what stays as it is."""
        if path not in self.scene.locked:
            return
        side = max(13.0, min(13 * self.scale, 18.0))
        plate = QRectF(rect.left() - side * 0.45, rect.bottom() - side * 0.65, side, side)
        draw_lock(self.painter, plate)

    def badge(self, kind: str, rect: QRectF) -> None:
        """Paint a kind's mark on the upper right corner."""
        side = max(13.0, min(13 * self.scale, 18.0))
        plate = QRectF(rect.right() - side * 0.55, rect.top() - side * 0.45, side, side)
        self.painter.setBrush(theme.colour("surface"))
        self.painter.setPen(QPen(kind_colour(kind), 1.2))
        self.painter.drawEllipse(plate)
        inset = side * 0.2
        draw_mark(self.painter, kind, plate.adjusted(inset, inset, -inset, -inset), kind_colour(kind))

    def body(self, facts: Facts, rect: QRectF, radius: float) -> None:
        """Paint a node's ground: filled where swapped, outlined where not, dashed where it cannot be."""
        painter = self.painter
        if facts.kind in BLOCKS:
            painter.setBrush(kind_colour(facts.kind))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawRoundedRect(rect, radius, radius)
            if facts.swap is None:
                self.inset(rect, radius)
            return
        if not facts.targets:
            painter.setBrush(theme.colour("surface", 0.6))
            pen = QPen(theme.colour("disabled"), 1.1)
            pen.setDashPattern([3.0, 2.5])
            painter.setPen(pen)
            painter.drawRoundedRect(rect, radius, radius)
            return
        warm = facts.standard_share / self.scene.snapshot.hottest
        painter.setBrush(blend(self.tokens.surface, heat(warm).name(), 0.16 * warm))
        painter.setPen(QPen(theme.colour("strong_line"), 1.3))
        painter.drawRoundedRect(rect, radius, radius)
        if facts.kind == MIXED:
            self.mixed(facts, rect, radius)

    def inset(self, rect: QRectF, radius: float) -> None:
        """Paint the inner edge of a layer that is there still, while everything inside it is swapped."""
        self.painter.setBrush(Qt.BrushStyle.NoBrush)
        self.painter.setPen(QPen(theme.colour("surface", 0.8), 1.0))
        self.painter.drawRoundedRect(rect.adjusted(2.5, 2.5, -2.5, -2.5), radius - 1, radius - 1)

    def mixed(self, facts: Facts, rect: QRectF, radius: float) -> None:
        """Paint how much of a layer is of which kind, from the left."""
        painter = self.painter
        snapshot = self.scene.snapshot
        counts: dict[str, int] = {}
        for target in facts.targets:
            if snapshot.facts[target].is_single:
                kind = snapshot.effective_kind(target)
                counts[kind] = counts.get(kind, 0) + 1
        painter.save()
        painter.setClipRect(rect)
        left = rect.left()
        for kind in BLOCKS:
            width = rect.width() * counts.get(kind, 0) / facts.convolutions
            if width:
                painter.fillRect(QRectF(left, rect.top(), width, rect.height()), kind_colour(kind, 0.3))
                left += width
        painter.restore()
        main = max((kind for kind in counts if kind), key=lambda kind: counts[kind])
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(kind_colour(main), 1.5))
        painter.drawRoundedRect(rect, radius, radius)

    def text_colour(self, facts: Facts) -> QColor:
        """Return the colour of a node's text on its ground."""
        if facts.kind in BLOCKS:
            return theme.colour(theme.text_on(kind_colour(facts.kind).name()))
        return theme.colour("text" if facts.targets else "muted")

    def words(self, facts: Facts, rect: QRectF) -> None:
        """Paint as many lines as fit: title, channels, cost."""
        colour = self.text_colour(facts)
        soft = colour if facts.kind else theme.colour("muted")
        forms = node_forms(self.scene.snapshot, facts, self.scene.words)
        lines = self.text.lines(forms, rect)
        for number, (text, font, place) in enumerate(lines):
            self.painter.setPen(soft if number else colour)
            self.painter.setFont(font)
            self.painter.drawText(place, _CENTRE, text)
        upright = "" if lines else self.text.upright(forms, rect)
        if upright:
            self.painter.save()
            self.painter.translate(rect.center())
            self.painter.rotate(-90)
            self.painter.setPen(colour)
            self.painter.setFont(self.text.small)
            long = QRectF(-rect.height() / 2, -rect.width(), rect.height(), 2 * rect.width())
            self.painter.drawText(long, _CENTRE, upright)
            self.painter.restore()

    def share_bar(self, node: Node, facts: Facts, rect: QRectF) -> None:
        """Paint the share of the cost on the lower edge: what it was, and over it what it is now."""
        if not facts.standard.flops:
            return
        snapshot = self.scene.snapshot
        most = snapshot.full_bar if facts.is_layer else snapshot.hottest_convolution
        thick = max(2.5, min(3.5 * self.scale, 5.0))
        width = rect.width() - 6
        place = QRectF(rect.left() + 3, rect.bottom() + 2, width, thick)
        for share, colour in (
            (facts.standard_share, theme.colour("standard", 0.35)),
            (facts.share, heat(facts.share / snapshot.hottest)),
        ):
            place.setWidth(max(width * min(share / most, 1.0), 1.5))
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(colour)
            self.painter.drawRoundedRect(place, thick / 2, thick / 2)

    def join(self, node: Node, rect: QRectF) -> None:
        """Paint a join: a circle with a sign (plus adds, bars concatenate, a wedge pools)."""
        painter = self.painter
        painter.setBrush(theme.colour("surface"))
        pen = QPen(theme.colour("disabled" if node.selectable else "strong_line"), 1.1)
        if node.selectable:
            pen.setDashPattern([2.5, 2.0])
        painter.setPen(pen)
        painter.drawEllipse(rect)
        painter.setPen(QPen(theme.colour("muted"), max(1.0, 1.4 * min(self.scale, 1.5))))
        c, r = rect.center(), rect.width() * 0.22
        if node.op == "add":
            painter.drawLine(QPointF(c.x() - r, c.y()), QPointF(c.x() + r, c.y()))
            painter.drawLine(QPointF(c.x(), c.y() - r), QPointF(c.x(), c.y() + r))
        elif node.op == "concat":
            for dx in (-0.5, 0.5):
                painter.drawLine(QPointF(c.x() + dx * r, c.y() - r), QPointF(c.x() + dx * r, c.y() + r))
        else:
            wedge = [QPointF(c.x() - r, c.y() - r), QPointF(c.x(), c.y() + r), QPointF(c.x() + r, c.y() - r)]
            painter.drawPolyline(wedge)
        self.selection_ring(node, rect, rect.width() / 2)

    def selection_ring(self, node: Node, rect: QRectF, radius: float) -> None:
        """Paint rings: selected, holding something selected, under the mouse, focused."""
        if not node.selectable:
            return
        painter = self.painter
        painter.setBrush(Qt.BrushStyle.NoBrush)
        ring = rect.adjusted(-3, -3, 3, 3)
        selected = node.path in self.scene.selected
        if selected or node.path in self.holders:
            pen = QPen(theme.colour("accent"), 2.0 if selected else 1.3)
            if not selected:
                pen.setDashPattern([4.0, 3.0])
            painter.setPen(pen)
            painter.drawRoundedRect(ring, radius + 3, radius + 3)
        elif node.path == self.scene.hovered:
            painter.setPen(QPen(theme.colour("accent", 0.6), 1.2))
            painter.drawRoundedRect(rect.adjusted(-2, -2, 2, 2), radius + 2, radius + 2)
        if self.scene.focus_shown and node.path == self.scene.focus and not selected:
            pen = QPen(theme.colour("text"), 1.0)
            pen.setDashPattern([1.0, 2.0])
            painter.setPen(pen)
            painter.drawRoundedRect(ring, radius + 3, radius + 3)
