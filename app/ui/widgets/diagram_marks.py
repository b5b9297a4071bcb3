"""The corner marks of the block kinds: a shape beside the colour, so that no kind is told by colour alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.widgets.diagram_facts import MIXED

Shape = Callable[[QRectF], QPainterPath]


def _closed(rect: QRectF, corners: list[tuple[float, float]]) -> QPainterPath:
    """Return a polygon; corners are given in a square from −1 to 1, y downwards."""
    centre, reach = rect.center(), rect.width() / 2
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(centre.x() + x * reach, centre.y() + y * reach) for x, y in corners]))
    path.closeSubpath()
    return path


def _polygon(corners: int, turn: float, waist: float = 1.0) -> Shape:
    """Return a maker of regular polygons.

    Args:
        corners: how many.
        turn: direction of the first corner in turns, from the right.
        waist: radius between two corners; below 1 it makes a star.
    """
    places = []
    for i in range(2 * corners):
        if i % 2 and waist == 1.0:
            continue
        angle = 2 * math.pi * (turn + i / (2 * corners))
        radius = waist if i % 2 else 1.0
        places.append((radius * math.cos(angle), radius * math.sin(angle)))
    return lambda rect: _closed(rect, places)


def _outline(*corners: tuple[float, float]) -> Shape:
    return lambda rect: _closed(rect, list(corners))


def _disc(rect: QRectF) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(rect.adjusted(0.5, 0.5, -0.5, -0.5))
    return path


def _ring(rect: QRectF) -> QPainterPath:
    hole = rect.width() * 0.29
    path = _disc(rect)
    path.addEllipse(rect.adjusted(hole, hole, -hole, -hole))
    return path


def _turned(rect: QRectF) -> QPainterPath:
    thin, reach = 0.36, 0.9
    out, near = reach, reach - 2 * thin * 0.7
    corners = [(-out, -near), (-near, -out), (0, -thin), (near, -out), (out, -near), (thin, 0)]
    return _closed(rect, [*corners, *((-x, -y) for x, y in corners)])


def _bars(rect: QRectF) -> QPainterPath:
    high = rect.height() * 0.34
    path = QPainterPath()
    path.addRect(QRectF(rect.left() + 0.5, rect.top() + 0.5, rect.width() - 1, high))
    path.addRect(QRectF(rect.left() + 0.5, rect.bottom() - 0.5 - high, rect.width() - 1, high))
    return path


_T = 0.34
"""Half the thickness of a plus."""
_SHAPES: Mapping[str, Shape] = {
    "separable": _polygon(3, 0.75),
    "dwconv": _polygon(4, 0.0),
    "ghost": _disc,
    "ghost_c3": _ring,
    "shufflenetv2": _outline((-1, -0.9), (1, 0.9), (1, -0.9), (-1, 0.9)),
    "mobilenetv3": _outline((-0.9, -0.9), (0.1, -0.9), (0.95, 0), (0.1, 0.9), (-0.9, 0.9), (-0.1, 0)),
    "efficientnetv2": _bars,
    "lcnet": _polygon(5, 0.75, 0.42),
    "scdown": _polygon(3, 0.25),
    "cib": _turned,
    "c3k2": _polygon(4, 0.125),
    "repconv": _outline(
        (-_T, -1), (_T, -1), (_T, -_T), (1, -_T), (1, _T), (_T, _T),
        (_T, 1), (-_T, 1), (-_T, _T), (-1, _T), (-1, -_T), (-_T, -_T),
    ),
}  # fmt: skip
"""Block kind → its shape. What is of one family looks akin: Ghost a disc and a ring, downsampling a triangle down."""
_OTHERS = (
    _outline((-1, 0.8), (0, -0.8), (1, 0.8), (0, 0.3)),
    _outline((-0.5, -1), (0.5, -1), (0.5, 1), (-0.5, 1)),
)
"""Shapes of kinds that have none of their own."""


def mark_path(kind: str, rect: QRectF) -> QPainterPath:
    """Return the mark of a block kind inside a square."""
    shape = _SHAPES.get(kind) or _OTHERS[list(BLOCKS).index(kind) % len(_OTHERS)]
    return shape(rect)


def kind_colour(kind: str, alpha: float = 1.0) -> QColor:
    """Return the colour of a block kind; of what is standard or mixed, the standard side's."""
    tokens = theme.tokens()
    if kind in theme.KIND_COLOURS:
        return theme.colour(theme.KIND_COLOURS[kind][tokens.dark], alpha)
    if kind in ("", MIXED):
        return theme.colour(tokens.standard, alpha)
    return theme.colour(theme.run_colour(list(BLOCKS).index(kind)), alpha)


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


def draw_lock(painter: QPainter, plate: QRectF) -> None:
    """Draw a lock on a round plate."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(theme.colour("surface"))
    painter.setPen(QPen(theme.colour("text"), 1.2))
    painter.drawEllipse(plate)
    c, unit = plate.center(), plate.width() / 13
    arch = QRectF(c.x() - 1.9 * unit, c.y() - 3.9 * unit, 3.8 * unit, 5 * unit)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.colour("text"), 1.2 * unit))
    painter.drawArc(arch, 0, 180 * 16)
    painter.fillRect(QRectF(c.x() - 3 * unit, c.y() - 1.2 * unit, 6 * unit, 4.4 * unit), theme.colour("text"))
    painter.restore()


def kind_icon(kind: str, size: int = 14) -> QIcon:
    """Return a kind's mark in its colour, as an icon for menus and tables of the theme in use."""
    return _icon(kind, size, kind_colour(kind).name())


@lru_cache(maxsize=256)
def _icon(kind: str, size: int, colour: str) -> QIcon:
    ratio = 2.0
    pixmap = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    draw_mark(painter, kind, QRectF(1, 1, size - 2, size - 2), QColor(colour))
    painter.end()
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
