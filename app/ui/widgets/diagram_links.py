"""The curves of the diagram's links."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath

_REACH = 18.0
"""How far before its end a link begins to bend."""


def bend(start: QPointF, end: QPointF) -> QPainterPath:
    """Return a line that runs straight and bends smoothly just before its end."""
    path = QPainterPath(start)
    if abs(start.y() - end.y()) > 0.5:
        turn = max(start.x(), end.x() - _REACH)
        path.lineTo(QPointF(turn, start.y()))
        half = (turn + end.x()) / 2
        path.cubicTo(QPointF(half, start.y()), QPointF(half, end.y()), end)
    else:
        path.lineTo(end)
    return path


def descend(start: QPointF, end: QPointF, lane: float) -> QPainterPath:
    """Return a skip: up from `start` to the height `lane`, along it, and down into the top of `end`."""
    path = QPainterPath(start)
    rise = min(_REACH, max((end.x() - start.x()) / 3, 4.0))
    path.cubicTo(
        QPointF(start.x() + rise * 0.75, start.y()),
        QPointF(start.x() + 2, lane),
        QPointF(start.x() + rise, lane),
    )
    path.lineTo(QPointF(end.x() - rise, lane))
    path.cubicTo(QPointF(end.x() - rise * 0.25, lane), QPointF(end.x(), lane), end)
    return path


def arc(start: QPointF, end: QPointF, rise: float) -> QPainterPath:
    """Return a link over what stands between two nodes of the same height."""
    path = QPainterPath(start)
    reach = min(_REACH, (end.x() - start.x()) / 3)
    top = min(start.y(), end.y()) - rise
    path.cubicTo(
        QPointF(start.x() + reach * 0.7, start.y()),
        QPointF(start.x() + reach * 0.3, top),
        QPointF(start.x() + reach, top),
    )
    path.lineTo(QPointF(end.x() - reach, top))
    path.cubicTo(QPointF(end.x() - reach * 0.3, top), QPointF(end.x() - reach * 0.7, end.y()), end)
    return path
