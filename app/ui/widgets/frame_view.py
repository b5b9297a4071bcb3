"""A picture with the boxes that a detector found on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.workers.compare import Box

_LINE = 2.0
_PADDING = 4.0
_DASHES = (4.0, 3.0)


class FrameView(QWidget):
    """Shows a picture as large as fits, boxes of 2 px on it, and a filled label with class and confidence.

    Boxes that the other detector does not have, or calls something else, are dashed. Nothing is drawn over
    the picture but boxes; a sentence stands in its place while there is none.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._image: QImage | None = None
        self._boxes: Sequence[Box] = ()
        self._names: Mapping[int, str] = {}
        self._colours: Mapping[int, int] = {}
        self._sentence = ""
        theme.notifier().changed.connect(self.update)

    @property
    def image(self) -> QImage | None:
        """The picture shown, without boxes."""
        return self._image

    @property
    def boxes(self) -> Sequence[Box]:
        """The boxes shown."""
        return self._boxes

    def set_classes(self, names: Mapping[int, str], colours: Mapping[int, int] | None = None) -> None:
        """Set the class names, and which class colour each number takes where it is not its own."""
        self._names, self._colours = dict(names), dict(colours or {})
        self.update()

    def set_sentence(self, sentence: str) -> None:
        """Set what stands there while there is no picture."""
        self._sentence = sentence
        if self._image is None:
            self.update()

    def show_frame(self, image: QImage | None, boxes: Sequence[Box] = ()) -> None:
        """Show a picture and its boxes; None shows the sentence."""
        self._image, self._boxes = image, boxes
        self.update()

    def sizeHint(self) -> QSize:
        """A picture of 16:9."""
        return QSize(560, 315)

    def minimumSizeHint(self) -> QSize:
        """Small enough for the smallest window."""
        return QSize(200, 120)

    def picture_area(self) -> QRectF:
        """Return where the picture lies in the widget; empty without one."""
        if self._image is None or self._image.isNull():
            return QRectF()
        width, height = self._image.width(), self._image.height()
        scale = min(self.width() / width, self.height() / height)
        size = (width * scale, height * scale)
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture and its boxes, or the sentence."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("raised"))
        area = self.picture_area()
        if self._image is None or area.isEmpty():
            painter.setPen(theme.colour("muted"))
            margins = self.rect().adjusted(theme.GROUPS, 0, -theme.GROUPS, 0)
            painter.drawText(margins, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._sentence)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(area, self._image)
        draw_boxes(painter, area, self._image.size(), self._boxes, self._names, self._colours)

    def render_picture(self) -> QImage | None:
        """Return the picture in its own size with its boxes drawn on it, for a snapshot."""
        if self._image is None:
            return None
        result = self._image.copy()
        painter = QPainter(result)
        painter.setFont(theme.font())
        area = QRectF(0, 0, result.width(), result.height())
        draw_boxes(painter, area, result.size(), self._boxes, self._names, self._colours)
        painter.end()
        return result


def draw_boxes(
    painter: QPainter,
    area: QRectF,
    size: QSize,
    boxes: Sequence[Box],
    names: Mapping[int, str],
    colours: Mapping[int, int],
) -> None:
    """Draw boxes and their labels on a picture, the most confident ones on top.

    Args:
        painter: Draws on the widget or picture.
        area: Where the picture lies.
        size: The picture's own size, which the boxes refer to.
        boxes: Best first.
        names: Class number → name.
        colours: Class number → number of its colour, where that is another one.
    """
    across, down = area.width() / size.width(), area.height() / size.height()
    painter.save()
    painter.setClipRect(area)
    font = theme.font(theme.SIZE_SMALL)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for box in reversed(boxes):
        fill = QColor(theme.class_colour(colours.get(box.number, box.number)))
        rectangle = QRectF(
            area.left() + box.left * across,
            area.top() + box.top * down,
            (box.right - box.left) * across,
            (box.bottom - box.top) * down,
        )
        _draw_frame(painter, rectangle, fill, dashed=box.mark != "agree")
        words = f"{names.get(box.number, box.number)} {box.score:.2f}"
        _draw_label(painter, area, rectangle, fill, words, metrics)
    painter.restore()


def _draw_frame(painter: QPainter, rectangle: QRectF, colour: QColor, dashed: bool) -> None:
    pen = QPen(colour, _LINE)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    if dashed:
        pen.setDashPattern(_DASHES)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rectangle)


def _draw_label(
    painter: QPainter, area: QRectF, box: QRectF, fill: QColor, words: str, metrics: QFontMetricsF
) -> None:
    """Write class and confidence above the box, or inside it where there is no room above."""
    width = metrics.horizontalAdvance(words) + 2 * _PADDING
    height = metrics.height()
    left = max(min(box.left() - _LINE / 2, area.right() - width), area.left())
    top = box.top() - height - _LINE / 2
    if top < area.top():
        top = max(box.top() + _LINE / 2, area.top())
    painter.fillRect(QRectF(left, top, width, height), fill)
    painter.setPen(QColor(theme.text_on(fill.name())))
    painter.drawText(QPointF(left + _PADDING, top + metrics.ascent()), words)
