"""Boxes on a picture: what both detectors agree on, what one alone found, what they call by other names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.ui import theme
from app.workers.compare import Box

LINE, WIDE_LINE = 2.0, 3.0
DASHES: Mapping[str, tuple[float, float]] = {"a": (3.0, 2.0), "b": (1.0, 1.5)}
"""Side → dash pattern of the boxes that this side alone found, in widths of the line."""

_PADDING = 4.0
_CHANGED = "≠ "


def draw_boxes(
    painter: QPainter,
    area: QRectF,
    size: QSize,
    boxes: Sequence[Box],
    names: Mapping[int, str],
    colours: Mapping[int, int],
    side: str = "a",
    clip: QRectF | None = None,
    large: bool = False,
) -> None:
    """Draw boxes and their labels on a picture, the most confident ones on top.

    Args:
        painter: Draws on the widget or picture.
        area: Where the whole picture lies.
        size: The picture's own size, which the boxes refer to.
        boxes: Best first.
        names: Class number → name.
        colours: Class number → number of its colour, where that is another one.
        side: "a" or "b"; what one side alone found is dashed at the left, dotted at the right.
        clip: The visible part; all of the picture where None.
        large: Lines and letters to be seen from afar.
    """
    across, down = area.width() / size.width(), area.height() / size.height()
    visible = area if clip is None else area.intersected(clip)
    painter.save()
    painter.setClipRect(visible)
    font = theme.font(theme.SIZE_TITLE if large else theme.SIZE_SMALL)
    line = WIDE_LINE if large else LINE
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for box in reversed(boxes):
        rectangle = QRectF(
            area.left() + box.left * across,
            area.top() + box.top * down,
            (box.right - box.left) * across,
            (box.bottom - box.top) * down,
        )
        if not rectangle.adjusted(-LINE, -2 * metrics.height(), LINE, LINE).intersects(visible):
            continue
        fill = QColor(theme.class_colour(colours.get(box.number, box.number)))
        draw_frame(painter, rectangle, fill, box.mark, side, line)
        mark = _CHANGED if box.mark == "changed" else ""
        words = f"{mark}{names.get(box.number, box.number)} {box.score:.2f}"
        _draw_label(painter, visible, rectangle, fill, words, metrics)
    painter.restore()


def draw_frame(
    painter: QPainter, rectangle: QRectF, colour: QColor, mark: str, side: str, line: float = LINE
) -> None:
    """Draw the frame of one box.

    Args:
        painter: Draws on the widget or picture.
        rectangle: The box.
        colour: Of its class.
        mark: "agree": a solid line; "alone": broken; "changed": a double line.
        side: "a" or "b".
        line: Width of the line in px.
    """
    pen = QPen(colour, line)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    if mark == "alone":
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern(DASHES[side])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rectangle)
    inner = rectangle.adjusted(2 * line, 2 * line, -2 * line, -2 * line)
    if mark == "changed" and inner.isValid():
        pen.setWidthF(line / 2)
        painter.setPen(pen)
        painter.drawRect(inner)


def _draw_label(
    painter: QPainter, area: QRectF, box: QRectF, fill: QColor, words: str, metrics: QFontMetricsF
) -> None:
    """Write class and confidence above the box, or inside it where there is no room above."""
    width = metrics.horizontalAdvance(words) + 2 * _PADDING
    height = metrics.height()
    left = max(min(box.left() - LINE / 2, area.right() - width), area.left())
    top = box.top() - height - LINE / 2
    if top < area.top():
        top = max(box.top() + LINE / 2, area.top())
    painter.fillRect(QRectF(left, top, width, height), fill)
    painter.setPen(QColor(theme.text_on(fill.name())))
    painter.drawText(QPointF(left + _PADDING, top + metrics.ascent()), words)
