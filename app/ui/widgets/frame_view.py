"""A picture with the boxes that a detector found on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QImage,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QPinchGesture, QSizePolicy, QWidget

from app.ui import theme
from app.ui.widgets.frame_boxes import draw_boxes
from app.ui.widgets.viewport import Viewport
from app.workers.compare import Box

_NOTCH = 120
"""`QWheelEvent.angleDelta` of one notch of a wheel."""

_STEP = 1.25
_DIM = 0.62


class FrameView(QWidget):
    """Shows a picture as large as fits, boxes of 2 px on it, and a filled label with class and confidence.

    The wheel zooms at the pointer, dragging moves, a double click shows all of it again; views that share a
    viewport do so together. Boxes that the other detector does not have, or calls something else, are drawn
    otherwise. Nothing else is drawn over the picture, unless it is dimmed: then a sentence says why.

    Args:
        name: Its ``objectName``.
        side: "a" or "b".
        viewport: Shared by the views that show one picture.
    """

    def __init__(
        self, name: str, parent: QWidget | None = None, *, side: str = "a", viewport: Viewport | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.side = side
        self.large = False
        """Whether boxes are drawn to be seen from afar."""
        self.viewport = viewport if viewport is not None else Viewport(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.grabGesture(Qt.GestureType.PinchGesture)
        self._image: QImage | None = None
        self._boxes: Sequence[Box] = ()
        self._names: Mapping[int, str] = {}
        self._colours: Mapping[int, int] = {}
        self._sentence = ""
        self._dim_words = ""
        self._held: QPointF | None = None
        self.viewport.changed.connect(self.update)
        theme.notifier().changed.connect(self.update)

    @property
    def image(self) -> QImage | None:
        """The picture shown, without boxes."""
        return self._image

    @property
    def boxes(self) -> Sequence[Box]:
        """The boxes shown."""
        return self._boxes

    @property
    def dim_words(self) -> str:
        """What is said over the dimmed picture; empty while it is not dimmed."""
        return self._dim_words

    def set_classes(self, names: Mapping[int, str], colours: Mapping[int, int] | None = None) -> None:
        """Set the class names, and which class colour each number takes where it is not its own."""
        self._names, self._colours = dict(names), dict(colours or {})
        self.update()

    def set_sentence(self, sentence: str) -> None:
        """Set what stands there while there is no picture."""
        self._sentence = sentence
        if self._image is None:
            self.update()

    def set_dim(self, words: str) -> None:
        """Dim the picture and say why over it; an empty text ends that."""
        if words != self._dim_words:
            self._dim_words = words
            self.setAccessibleDescription(words)
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
        """Return where the whole picture lies in the widget; empty without one."""
        if self._image is None or self._image.isNull():
            return QRectF()
        return self.viewport.area(self.size(), self._image.size())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture and its boxes, or the sentence."""
        painter = QPainter(self)
        area = self.picture_area()
        whole = QRectF(self.rect())
        if self._image is None or area.isEmpty():
            painter.fillRect(self.rect(), theme.colour("raised"))
            painter.setPen(theme.colour("muted"))
            margins = self.rect().adjusted(theme.GROUPS, 0, -theme.GROUPS, 0)
            painter.drawText(margins, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._sentence)
            return
        if not area.contains(whole):
            painter.fillRect(self.rect(), theme.colour("raised"))
        shown = self.viewport.picture(self._image, self.size(), self.devicePixelRatioF())
        painter.drawImage(area.intersected(whole).topLeft(), shown)
        self.paint_boxes(painter, area, self._image.size())
        if self._dim_words:
            self._paint_dim(painter, area.intersected(whole))

    def paint_boxes(self, painter: QPainter, area: QRectF, size: QSize) -> None:
        """Draw what lies on the picture."""
        clip = QRectF(self.rect())
        draw_boxes(painter, area, size, self._boxes, self._names, self._colours, self.side, clip, self.large)

    def _paint_dim(self, painter: QPainter, area: QRectF) -> None:
        painter.fillRect(area.toAlignedRect(), theme.colour("ground", _DIM))
        painter.setFont(theme.font(theme.SIZE_SECTION))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        room = area.adjusted(theme.GROUPS, 0, -theme.GROUPS, 0)
        words = painter.boundingRect(room, int(flags), self._dim_words)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("surface"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawRoundedRect(
            words.adjusted(-theme.BETWEEN, -theme.INSIDE, theme.BETWEEN, theme.INSIDE),
            theme.RADIUS,
            theme.RADIUS,
        )
        painter.setPen(theme.colour("text"))
        painter.drawText(room, int(flags), self._dim_words)

    def render_picture(self) -> QImage | None:
        """Return the picture in its own size with its boxes drawn on it, for a snapshot."""
        if self._image is None:
            return None
        result = self._image.copy()
        painter = QPainter(result)
        painter.setFont(theme.font())
        area = QRectF(0, 0, result.width(), result.height())
        draw_boxes(painter, area, result.size(), self._boxes, self._names, self._colours, self.side)
        painter.end()
        return result

    # --- zoom and place --------------------------------------------------------------------------------------

    def _zoom(self, point: QPointF, factor: float) -> None:
        if self._image is not None:
            self.viewport.zoom_at(point, factor, self.size(), self._image.size())

    def zoom_by_steps(self, steps: float) -> None:
        """Zoom around the middle."""
        self._zoom(QPointF(self.width() / 2, self.height() / 2), _STEP**steps)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the pointer."""
        self._zoom(event.position(), _STEP ** (event.angleDelta().y() / _NOTCH))
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Zoom where two fingers pinch, on touch pads and touch screens."""
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self._zoom(event.position(), 1 + event.value())
                return True
        elif event.type() == QEvent.Type.Gesture:
            pinch = event.gesture(Qt.GestureType.PinchGesture)  # type: ignore[attr-defined]
            if isinstance(pinch, QPinchGesture):
                self._zoom(QPointF(self.mapFromGlobal(pinch.centerPoint())), pinch.scaleFactor())
                return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the picture."""
        if event.button() == Qt.MouseButton.LeftButton and self.viewport.zoom > 1:
            self._held = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the picture with the pointer."""
        if self._held is None or self._image is None:
            super().mouseMoveEvent(event)
            return
        self.viewport.pan(event.position() - self._held, self.size(), self._image.size())
        self._held = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go of the picture."""
        self._held = None
        self.unsetCursor()
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Show the whole picture again."""
        self.viewport.reset()
