"""One picture with the left detector's boxes on one side of a line that is dragged, and the right one's beyond."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from app.ui import theme
from app.ui.widgets.frame_boxes import draw_boxes
from app.ui.widgets.frame_view import FrameView
from app.ui.widgets.viewport import Viewport
from app.workers.compare import Box

_REACH = 8.0
"""Pixels beside the line where it is taken hold of."""

_LINE, _KNOB = 3.0, 15.0
_KEY = 0.02


class DividerView(FrameView):
    """Shows both sides on one picture, apart at a line; the arrow keys move it as well."""

    def __init__(self, name: str, parent: QWidget | None = None, *, viewport: Viewport | None = None) -> None:
        super().__init__(name, parent, viewport=viewport)
        self.share = 0.5
        self._right: tuple[Sequence[Box], Mapping[int, str], Mapping[int, int]] = ((), {}, {})
        self._dragging = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def set_right_classes(self, names: Mapping[int, str], colours: Mapping[int, int]) -> None:
        """Set the names and colours of the right detector's classes."""
        self._right = (self._right[0], dict(names), dict(colours))
        self.update()

    def show_both(self, image: QImage, left: Sequence[Box], right: Sequence[Box]) -> None:
        """Show a picture and the boxes of both sides."""
        self._right = (right, *self._right[1:])
        self.show_frame(image, left)

    def paint_boxes(self, painter: QPainter, area: QRectF, size: QSize) -> None:
        """Draw the boxes of each side on its part, and the line between."""
        x = self._x()
        left, right = QRectF(0, 0, x, self.height()), QRectF(x, 0, self.width() - x, self.height())
        draw_boxes(painter, area, size, self._boxes, self._names, self._colours, "a", left, self.large)
        draw_boxes(painter, area, size, *self._right, "b", right, self.large)
        self._paint_line(painter, x)

    def _paint_line(self, painter: QPainter, x: float) -> None:
        tone = theme.colour("accent")
        painter.fillRect(QRectF(x - _LINE / 2, 0, _LINE, self.height()), tone)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tone)
        middle = QPointF(x, self.height() / 2)
        painter.drawEllipse(middle, _KNOB, _KNOB)
        painter.setBrush(theme.colour("on_accent"))
        for sign in (-1, 1):
            tip = middle + QPointF(sign * 9, 0)
            back = sign * -5
            painter.drawPolygon([tip, tip + QPointF(back, -5), tip + QPointF(back, 5)])

    def _x(self) -> float:
        return self.share * self.width()

    def _move_to(self, x: float) -> None:
        self.share = min(max(x / max(self.width(), 1), 0.0), 1.0)
        self.update()

    def _on_line(self, point: QPointF) -> bool:
        return abs(point.x() - self._x()) <= _REACH or (
            (point - QPointF(self._x(), self.height() / 2)).manhattanLength() <= 2 * _KNOB
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the line with Ctrl and an arrow key."""
        by = {Qt.Key.Key_Left: -_KEY, Qt.Key.Key_Right: _KEY}.get(Qt.Key(event.key()))
        if by is None or event.modifiers() != Qt.KeyboardModifier.ControlModifier:
            super().keyPressEvent(event)
        else:
            self._move_to((self.share + by) * self.width())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the line, or of the picture."""
        if event.button() == Qt.MouseButton.LeftButton and self._on_line(event.position()):
            self._dragging = True
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the line or the picture."""
        if self._dragging:
            self._move_to(event.position().x())
            return
        if self._held is None:
            if self._on_line(event.position()):
                self.setCursor(Qt.CursorShape.SplitHCursor)
            else:
                self.unsetCursor()
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._dragging = False
        super().mouseReleaseEvent(event)
