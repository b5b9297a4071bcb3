"""The corner marks of the block kinds: a shape beside the colour, so that no kind is told by colour alone."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPixmap, QPolygonF

from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.widgets.diagram_facts import MIXED


def _polygon(corners: int, turn: float) -> Callable[[QRectF], QPainterPath]:
    """Return a maker of regular polygons; `turn` is the direction of the first corner in turns, from the right."""

    def make(rect: QRectF) -> QPainterPath:
        radius = rect.width() / 2
        points = [
            QPointF(
                rect.center().x() + radius * math.cos(2 * math.pi * (turn + i / corners)),
                rect.center().y() + radius * math.sin(2 * math.pi * (turn + i / corners)),
            )
            for i in range(corners)
        ]
        path = QPainterPath()
        path.addPolygon(QPolygonF(points))
        path.closeSubpath()
        return path

    return make


def _disc(rect: QRectF) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(rect)
    return path


_SHAPES = (
    _polygon(3, 0.75),
    _polygon(4, 0.0),
    _polygon(4, 0.125),
    _disc,
    _polygon(6, 0.0),
    _polygon(5, 0.75),
)
"""Shapes in the order of the block kinds: triangle, diamond, square, disc, hexagon, pentagon."""


def mark_path(kind: str, rect: QRectF) -> QPainterPath:
    """Return the mark of a block kind inside a square."""
    return _SHAPES[list(BLOCKS).index(kind) % len(_SHAPES)](rect)


def kind_colour(kind: str, alpha: float = 1.0) -> QColor:
    """Return the colour of a block kind; of what is standard or mixed, the standard side's."""
    known = getattr(theme.tokens(), kind, "") if kind in BLOCKS else ""
    if not known:
        known = theme.tokens().standard if kind in ("", MIXED) else theme.run_colour(list(BLOCKS).index(kind))
    return theme.colour(known, alpha)


def draw_mark(painter: QPainter, kind: str, rect: QRectF, colour: QColor) -> None:
    """Draw a kind's mark: filled for a block kind, half filled for mixed, an outlined square for standard."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if kind in BLOCKS:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPath(mark_path(kind, rect))
    else:
        inner = rect.adjusted(1, 1, -1, -1)
        if kind == MIXED:
            painter.fillRect(QRectF(inner.left(), inner.top(), inner.width() / 2, inner.height()), colour)
        painter.setPen(colour)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(inner, 2, 2)
    painter.restore()


def kind_icon(kind: str, size: int = 14) -> QIcon:
    """Return a kind's mark in its colour, as an icon for menus and tables of the theme in use."""
    ratio = 2.0
    pixmap = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    draw_mark(painter, kind, QRectF(1, 1, size - 2, size - 2), kind_colour(kind))
    painter.end()
    return QIcon(pixmap)
