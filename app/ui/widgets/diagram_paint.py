"""Paints the diagram: bands, links, nodes; text keeps a readable size however far one zooms out."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF, QTransform

from app.ui import theme
from app.ui.widgets.diagram_layout import Link
from app.ui.widgets.diagram_nodes import NodePainter, Scene

HEADER, GUTTER = 24.0, 46.0
"""Heights and widths, in pixels of the widget, of the labels that stay at its edges."""

_LABEL = 15.0
"""Height of a line of a row's label."""
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class DiagramPainter:
    """Paints one scene into one widget area."""

    def __init__(self, painter: QPainter, scene: Scene, area: QRectF) -> None:
        self.painter = painter
        self.scene = scene
        self.area = area
        self.scale = scene.view.scale
        self.nodes = NodePainter(painter, scene)

    def paint(self) -> None:
        """Paint everything, back to front."""
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.painter.fillRect(self.area, theme.colour("surface"))
        self.bands()
        frames = [node for node in self.scene.layout.nodes if node.shape == "frame"]
        self.links([link for link in self.scene.layout.links if link.kind != "inner"])
        for node in frames:
            self.nodes.frame(node)
        self.links([link for link in self.scene.layout.links if link.kind == "inner"])
        for node in self.scene.layout.nodes:
            rect = self.scene.view.to_screen(node.rect)
            if node.shape != "frame" and rect.intersects(self.area):
                self.nodes.paint(node, rect)
        self.edges()

    def bands(self) -> None:
        """Paint the grounds of the parts and the stripes of the rows."""
        for zone in self.scene.layout.zones:
            rect = self.scene.view.to_screen(zone.rect)
            left = self.area.left() if zone is self.scene.layout.zones[0] else rect.left()
            right = self.area.right() if zone is self.scene.layout.zones[-1] else rect.right()
            self.painter.fillRect(QRectF(left, 0, right - left, self.area.height()), theme.colour(zone.part))
            if left > self.area.left():
                self.painter.fillRect(QRectF(left - 1, 0, 2, self.area.height()), theme.colour("surface"))
        self.painter.setPen(QPen(theme.colour("line"), 1))
        for row in self.scene.layout.rows[1:]:
            y = round(self.scene.view.to_screen(row.rect).top()) + 0.5
            self.painter.drawLine(QPointF(self.area.left(), y), QPointF(self.area.right(), y))

    def edges(self) -> None:
        """Paint the labels that stay: rows at the left, parts at the top."""
        painter = self.painter
        painter.fillRect(QRectF(0, 0, self.area.width(), HEADER), theme.colour("surface"))
        painter.fillRect(QRectF(0, 0, GUTTER, self.area.height()), theme.colour("surface"))
        small = theme.font(theme.SIZE_SMALL, QFont.Weight.DemiBold)
        painter.setFont(small)
        painter.setPen(theme.colour("muted"))
        for zone in self.scene.layout.zones:
            rect = self.scene.view.to_screen(zone.rect)
            left, right = max(rect.left(), GUTTER), min(rect.right(), self.area.right())
            words = self.scene.words[zone.part]
            if right - left > QFontMetricsF(small).horizontalAdvance(words):
                painter.drawText(QRectF(left + 6, 0, right - left - 8, HEADER), _LEFT, words)
        for row in self.scene.layout.rows:
            rect = self.scene.view.to_screen(row.rect)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            both = rect.height() >= 2 * _LABEL
            upper = QRectF(0, rect.center().y() - _LABEL / (1 if both else 2), GUTTER - 8, _LABEL)
            painter.setFont(small)
            painter.setPen(theme.colour("text"))
            painter.drawText(upper, right, f"P{row.level}")
            if both:
                painter.setFont(theme.font(theme.SIZE_SMALL))
                painter.setPen(theme.colour("muted"))
                painter.drawText(upper.translated(0, _LABEL), right, f"/{2**row.level}")
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawLine(QPointF(GUTTER - 0.5, HEADER), QPointF(GUTTER - 0.5, self.area.bottom()))
        painter.fillRect(QRectF(0, 0, GUTTER - 1, HEADER), theme.colour("surface"))

    def links(self, links: list[Link]) -> None:
        """Paint lines; those of the selected or hovered layer stand out."""
        painter = self.painter
        view = self.scene.view
        to_screen = QTransform.fromTranslate(view.x, view.y).scale(view.scale, view.scale)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        loud = {self.scene.hovered, *self.scene.selected}
        for link in sorted(links, key=lambda one: one.source in loud or one.target in loud):
            near = link.kind != "inner" and (link.source in loud or link.target in loud)
            colour = (
                theme.colour("accent")
                if near
                else theme.colour("standard", 0.45 if link.kind == "skip" else 0.7)
            )
            width = 2.0 if near else max(1.0, min(1.5 * self.scale, 2.0))
            painter.setPen(QPen(colour, width))
            path = to_screen.map(link.path)
            painter.drawPath(path)
            self.arrow(path.currentPosition(), path.angleAtPercent(1.0), colour)

    def arrow(self, tip: QPointF, angle: float, colour: QColor) -> None:
        """Paint the head of a link."""
        size = max(3.0, 4.5 * min(self.scale, 1.5))
        head = QPolygonF([QPointF(0, 0), QPointF(-size * 1.5, -size * 0.7), QPointF(-size * 1.5, size * 0.7)])
        place = QTransform.fromTranslate(tip.x(), tip.y()).rotate(-angle)
        self.painter.save()
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(colour)
        self.painter.drawPolygon(place.map(head))
        self.painter.restore()


def paint_marks(painter: QPainter, area: QRectF, band: QRectF | None, focused: bool) -> None:
    """Paint what lies over the diagram while one works in it: the rubber band, and the focus of the keyboard."""
    if band is not None:
        painter.setPen(QPen(theme.colour("accent"), 1))
        painter.setBrush(theme.colour("accent", 0.12))
        painter.drawRect(band)
    if focused:
        painter.setPen(QPen(theme.colour("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), 6, 6)
