"""Which part of a picture several views show: one zoom and one place for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter

MOST = 16.0
"""Largest zoom, as a multiple of the size at which the whole picture fits."""

_COARSE = 0.6
"""Scale below which neighbouring pixels are averaged: bilinear drawing would leave some out."""

_KEPT = 2


@dataclass(frozen=True)
class _Key:
    picture: int
    size: tuple[int, int]
    area: tuple[float, float, float, float]
    ratio: float


class Viewport(QObject):
    """Zoom and centre, shared by the views that show one picture, and the picture scaled once for all of them."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._zoom = 1.0
        self._centre = QPointF(0.5, 0.5)
        self._scaled: dict[_Key, QImage] = {}

    @property
    def zoom(self) -> float:
        """How many times as large as it fits the picture is shown."""
        return self._zoom

    def area(self, view: QSize, picture: QSize) -> QRectF:
        """Return where the whole picture lies in a view, which may be beyond its edges.

        Args:
            view: Size of the widget in px.
            picture: Size of the picture in its pixels.
        """
        if picture.isEmpty() or view.isEmpty():
            return QRectF()
        scale = self._zoom * min(view.width() / picture.width(), view.height() / picture.height())
        width, height = picture.width() * scale, picture.height() * scale
        left = _place(view.width(), width, self._centre.x())
        top = _place(view.height(), height, self._centre.y())
        return QRectF(left, top, width, height)

    def zoom_at(self, point: QPointF, factor: float, view: QSize, picture: QSize) -> None:
        """Zoom so that what lies under a point of the view stays there."""
        before = self.area(view, picture)
        zoom = min(max(self._zoom * factor, 1.0), MOST)
        if before.isEmpty() or zoom == self._zoom:
            return
        share = QPointF(
            (point.x() - before.left()) / before.width(), (point.y() - before.top()) / before.height()
        )
        grown = zoom / self._zoom
        self._zoom = zoom
        self._look_at(
            QPointF(
                share.x() + (view.width() / 2 - point.x()) / (before.width() * grown),
                share.y() + (view.height() / 2 - point.y()) / (before.height() * grown),
            ),
            view,
            picture,
        )

    def pan(self, by: QPointF, view: QSize, picture: QSize) -> None:
        """Move the picture by px of the view."""
        area = self.area(view, picture)
        if not area.isEmpty():
            self._look_at(
                self._centre - QPointF(by.x() / area.width(), by.y() / area.height()), view, picture
            )

    def reset(self) -> None:
        """Show the whole picture."""
        self._zoom, self._centre = 1.0, QPointF(0.5, 0.5)
        self.changed.emit()

    def _look_at(self, centre: QPointF, view: QSize, picture: QSize) -> None:
        """Take a centre, moved so that no more than needed is empty."""
        area = self.area(view, picture)
        self._centre = QPointF(
            _within(centre.x(), view.width() / area.width()),
            _within(centre.y(), view.height() / area.height()),
        )
        self.changed.emit()

    def picture(self, image: QImage, view: QSize, ratio: float) -> QImage:
        """Return what a view shows of a picture, in the view's own pixels; views of one size share it.

        Args:
            image: The picture.
            view: Size of the widget in px.
            ratio: Device pixels of one px.
        """
        area = self.area(view, image.size())
        key = _Key(
            image.cacheKey(),
            (view.width(), view.height()),
            (area.x(), area.y(), area.width(), area.height()),
            ratio,
        )
        found = self._scaled.pop(key, None)
        if found is None:
            found = _scale(image, view, area, ratio)
        self._scaled[key] = found
        while len(self._scaled) > _KEPT:
            del self._scaled[next(iter(self._scaled))]
        return found


def _place(room: float, length: float, centre: float) -> float:
    return (room - length) / 2 if length <= room else room / 2 - centre * length


def _within(centre: float, shown: float) -> float:
    half = min(shown, 1.0) / 2
    return min(max(centre, half), 1 - half)


def _scale(image: QImage, view: QSize, area: QRectF, ratio: float) -> QImage:
    shown = area.intersected(QRectF(QRect(0, 0, view.width(), view.height())))
    result = QImage(
        max(round(shown.width() * ratio), 1),
        max(round(shown.height() * ratio), 1),
        QImage.Format.Format_RGB32,
    )
    across = image.width() / area.width()
    if across * _COARSE > ratio and shown.size().toSize() == area.size().toSize():
        result = image.scaled(
            result.size(), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
    else:
        source = QRectF(
            (shown.left() - area.left()) * across,
            (shown.top() - area.top()) * across,
            shown.width() * across,
            shown.height() * across,
        )
        painter = QPainter(result)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(0, 0, result.width(), result.height()), image, source)
        painter.end()
    result.setDevicePixelRatio(ratio)
    return result
