"""The three drawings on the Home page, made of the theme's colours."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme

_WIDTH, _HEIGHT = 320.0, 132.0
_ASPECT, _LARGEST = 0.5, 1.8


class Picture(QWidget):
    """Draws one picture, scaled to the widget's height and centred."""

    def __init__(self, draw: Callable[[QPainter], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draw = draw
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def sizeHint(self) -> QSize:
        """The drawing at its own size."""
        return QSize(round(_WIDTH), round(_HEIGHT))

    def heightForWidth(self, width: int) -> int:
        """Keep the shape of the drawing, with air around it, up to a size."""
        return round(min(max(width * _ASPECT, _HEIGHT * 0.8), _HEIGHT * _LARGEST))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ground, then the picture."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("ground"))
        painter.drawRoundedRect(QRectF(self.rect()), theme.RADIUS - 2, theme.RADIUS - 2)
        scale = min(_LARGEST, self.width() / _WIDTH, self.height() / _HEIGHT)
        painter.translate((self.width() - _WIDTH * scale) / 2, (self.height() - _HEIGHT * scale) / 2)
        painter.scale(scale, scale)
        self._draw(painter)


def draw_live(painter: QPainter) -> None:
    """Two views of one frame, each with its boxes, and the time that each took."""
    for left, side, share in ((18.0, "standard", 1.0), (166.0, "lightweight", 0.58)):
        pane = QRectF(left, 16, 136, 80)
        _outline(painter, pane, "line", "surface", 6)
        _shapes(painter, left)
        for box in (QRectF(14, 12, 34, 34), QRectF(56, 34, 32, 34), QRectF(96, 16, 28, 42)):
            _box(painter, box.translated(left, 16), side)
        bar = QRectF(left, 106, 136, 6)
        _fill(painter, bar, theme.colour("line"), 3)
        _fill(painter, QRectF(left, 106, 136 * share, 6), theme.colour(side), 3)


def draw_lighten(painter: QPainter) -> None:
    """An ordinary kernel stack becomes one kernel a channel, and a point across them."""
    for depth in range(4, -1, -1):
        _kernel(painter, QPointF(34 + depth * 9, 54 - depth * 8), "standard")
    painter.setPen(_pen("muted", 1.75))
    painter.drawLine(QPointF(136, 66), QPointF(164, 66))
    painter.drawPolyline(QPolygonF([QPointF(158, 60), QPointF(164, 66), QPointF(158, 72)]))
    _kernel(painter, QPointF(186, 46), "accent")
    painter.setPen(_pen("muted", 1.75))
    painter.drawLine(QPointF(243, 66), QPointF(253, 66))
    painter.drawLine(QPointF(248, 61), QPointF(248, 71))
    for depth in range(4, -1, -1):
        cell = QRectF(264 + depth * 6, 61 - depth * 5.4, 13, 13)
        _fill(painter, cell, theme.colour("surface"), 3)
        _outline(painter, cell, "accent", "", 3, 1.5)
        _fill(painter, cell, theme.colour("accent", 0.35), 3)


def draw_files(painter: QPainter) -> None:
    """A place to drop files on."""
    painter.setPen(_pen("strong_line", 1.5, Qt.PenStyle.CustomDashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(18, 16, 284, 100), 10, 10)
    folder = QCoreApplication.translate("HomePage", "folder")
    kinds = (("models", ".pt"), ("design", ".yaml"), ("folder", folder), ("film", ".mp4"))
    for index, (icon, word) in enumerate(kinds):
        left = 42 + index * 64
        _outline(painter, QRectF(left, 38, 44, 44), "line", "surface", 8)
        theme.draw_icon(painter, icon, QRectF(left + 11, 49, 22, 22), theme.tokens().muted)
        painter.setPen(theme.colour("muted"))
        painter.setFont(theme.font(theme.SIZE_SMALL))
        painter.drawText(QRectF(left - 10, 86, 64, 18), Qt.AlignmentFlag.AlignCenter, word)


def _shapes(painter: QPainter, left: float) -> None:
    """Three plain objects for the boxes to find."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("good", 0.55))
    painter.drawEllipse(QRectF(left + 19, 33, 24, 24))
    painter.setBrush(theme.colour("warn", 0.55))
    painter.drawRoundedRect(QRectF(left + 61, 55, 22, 24), 3, 3)
    painter.setBrush(theme.colour("bad", 0.55))
    points = [QPointF(left + 110, 36), QPointF(left + 120, 70), QPointF(left + 100, 70)]
    painter.drawPolygon(QPolygonF(points))


def _box(painter: QPainter, box: QRectF, side: str) -> None:
    painter.setPen(_pen(side, 1.75))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(box, 1.5, 1.5)
    _fill(painter, QRectF(box.left() - 0.9, box.top() - 5, 18, 5.5), theme.colour(side), 1)


def _kernel(painter: QPainter, corner: QPointF, token: str) -> None:
    """A 3×3 kernel."""
    frame = QRectF(corner.x(), corner.y(), 45, 45)
    _fill(painter, frame, theme.colour("surface"), 4)
    _outline(painter, frame, token, "", 4, 1.5)
    for row in range(3):
        for column in range(3):
            cell = QRectF(frame.left() + 4 + column * 13, frame.top() + 4 + row * 13, 11, 11)
            strong = row == 1 and column == 1
            _fill(painter, cell, theme.colour(token, 0.9 if strong else 0.35), 2)


def _pen(token: str, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    pen = QPen(theme.colour(token), width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    if style == Qt.PenStyle.CustomDashLine:
        pen.setDashPattern([3, 4])
    return pen


def _fill(painter: QPainter, rect: QRectF, colour: QColor, radius: float) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(rect, radius, radius)


def _outline(
    painter: QPainter, rect: QRectF, line: str, ground: str, radius: float, width: float = 1.0
) -> None:
    painter.setPen(_pen(line, width))
    painter.setBrush(theme.colour(ground) if ground else QColor(Qt.GlobalColor.transparent))
    painter.drawRoundedRect(rect, radius, radius)
