"""The view on the diagram: scale and offset, with zooming about a point, panning and fitting."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF

LOWEST, HIGHEST = 0.08, 4.0
"""Limits of the scale."""


@dataclass(frozen=True, slots=True)
class View:
    """Maps the diagram onto the widget: screen = diagram × scale + offset."""

    scale: float = 1.0
    x: float = 0.0
    y: float = 0.0

    def to_screen(self, rect: QRectF) -> QRectF:
        """Return where a rectangle of the diagram appears."""
        return QRectF(
            rect.x() * self.scale + self.x,
            rect.y() * self.scale + self.y,
            rect.width() * self.scale,
            rect.height() * self.scale,
        )

    def to_diagram(self, point: QPointF) -> QPointF:
        """Return the point of the diagram under a point of the widget."""
        return QPointF((point.x() - self.x) / self.scale, (point.y() - self.y) / self.scale)

    def zoomed(self, factor: float, about: QPointF) -> View:
        """Return the view with another scale; what lies under `about` stays there."""
        scale = min(max(self.scale * factor, LOWEST), HIGHEST)
        kept = self.to_diagram(about)
        return View(scale, about.x() - kept.x() * scale, about.y() - kept.y() * scale)

    def moved(self, dx: float, dy: float) -> View:
        """Return the view panned by so many pixels."""
        return replace(self, x=self.x + dx, y=self.y + dy)

    def kept_near(self, content: QRectF, area: QRectF, margin: float = 60.0) -> View:
        """Return the view moved just so far that some of the diagram remains in the area."""
        shown = self.to_screen(content)
        dx = max(0.0, area.left() + margin - shown.right()) + min(0.0, area.right() - margin - shown.left())
        dy = max(0.0, area.top() + margin - shown.bottom()) + min(0.0, area.bottom() - margin - shown.top())
        return self.moved(dx, dy)

    def showing(self, rect: QRectF, area: QRectF, margin: float = 12.0) -> View:
        """Return the view panned as little as possible so that a rectangle is seen in the area, its top left first."""
        shown = self.to_screen(rect)
        dx = min(0.0, area.right() - margin - shown.right())
        dx = max(dx, area.left() + margin - shown.left())
        dy = min(0.0, area.bottom() - margin - shown.bottom())
        dy = max(dy, area.top() + margin - shown.top())
        inside_x = shown.left() >= area.left() and shown.right() <= area.right()
        inside_y = shown.top() >= area.top() and shown.bottom() <= area.bottom()
        return self.moved(0.0 if inside_x else dx, 0.0 if inside_y else dy)


def fitted(content: QRectF, area: QRectF, highest: float = 1.25) -> View:
    """Return the view that shows all of the diagram in the area, centred, never larger than `highest`."""
    scale = min(area.width() / content.width(), area.height() / content.height(), highest)
    scale = min(max(scale, LOWEST), HIGHEST)
    x = area.left() + max((area.width() - content.width() * scale) / 2, 0.0)
    y = area.top() + max((area.height() - content.height() * scale) / 2, 0.0)
    return View(scale, x - content.x() * scale, y - content.y() * scale)
