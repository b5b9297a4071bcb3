"""A grid of pictures with their boxes that loads what is looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.ui import theme
from app.ui.widgets.thumbnail_feed import Thumb

PAGE = 48
SIDE = 240
"""Longer side of a thumbnail in pixels; cells are at most that wide on an ordinary screen."""
_MOST_PIXMAPS = 400
_MOST_THUMBS = 6000
_CELL_WIDTH = 176
_GAP = 8
_EDGE = 4
"""QListView begins a new row a little before its edge."""

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class ThumbnailModel(QAbstractListModel):
    """As many rows as there are pictures; a row that was never looked at is empty."""

    page_wanted = Signal(int, int)
    """Offset and count of rows that are looked at and not there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.names: Sequence[str] = ()
        self._total = 0
        self._thumbs: OrderedDict[int, Thumb] = OrderedDict()
        self._pixmaps: OrderedDict[int, QPixmap] = OrderedDict()
        self._asked: set[int] = set()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return how many pictures there are."""
        return 0 if parent.isValid() else self._total

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the words of a picture: its name, and what is in it."""
        thumb = self._thumbs.get(index.row())
        if thumb is None:
            return None
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._words(thumb)
        return None

    def clear(self, total: int = 0) -> None:
        """Forget every picture; there are so many now."""
        self.beginResetModel()
        self._total = total
        self._thumbs.clear()
        self._pixmaps.clear()
        self._asked.clear()
        self.endResetModel()

    def set_total(self, total: int) -> None:
        """Set how many pictures there are, keeping those that came."""
        if total > self._total:
            self.beginInsertRows(QModelIndex(), self._total, total - 1)
            self._total = total
            self.endInsertRows()
        elif total < self._total:
            self.beginRemoveRows(QModelIndex(), total, self._total - 1)
            self._total = total
            self.endRemoveRows()

    def ask_again(self) -> None:
        """Ask once more for pictures that were asked for and have not come, as soon as they are looked at."""
        pages = {page for page in self._asked if all(row in self._thumbs for row in self._of(page))}
        self._asked = pages

    def _of(self, page: int) -> range:
        return range(page * PAGE, min((page + 1) * PAGE, self._total))

    def put(self, row: int, thumb: Thumb) -> None:
        """Take a picture that came."""
        self._thumbs[row] = thumb
        self._pixmaps.pop(row, None)
        while len(self._thumbs) > _MOST_THUMBS:
            old, _ = self._thumbs.popitem(last=False)
            self._pixmaps.pop(old, None)
            self._asked.discard(old // PAGE)
        self.dataChanged.emit(self.index(row), self.index(row))

    def thumb(self, row: int) -> Thumb | None:
        """Return a picture; None if it has not come yet."""
        return self._thumbs.get(row)

    def pixmap(self, row: int) -> QPixmap | None:
        """Return a picture decoded; None where there is none."""
        thumb = self._thumbs.get(row)
        if thumb is None or not thumb.jpeg:
            return None
        if row not in self._pixmaps:
            pixmap = QPixmap()
            pixmap.loadFromData(thumb.jpeg, "JPEG")
            self._pixmaps[row] = pixmap
            while len(self._pixmaps) > _MOST_PIXMAPS:
                self._pixmaps.popitem(last=False)
        self._pixmaps.move_to_end(row)
        return self._pixmaps[row]

    def look_at(self, first: int, last: int) -> None:
        """Ask for the rows from first to last, page by page, unless they came or were asked for."""
        for page in range(max(first, 0) // PAGE, min(last, self._total - 1) // PAGE + 1):
            if page not in self._asked:
                self._asked.add(page)
                self.page_wanted.emit(page * PAGE, PAGE)

    def _words(self, thumb: Thumb) -> str:
        counts: dict[int, int] = {}
        for box in thumb.boxes:
            counts[box[0]] = counts.get(box[0], 0) + 1
        held = [f"{self._name(cls)} × {count}" for cls, count in sorted(counts.items())]
        words = ", ".join(held) if held else self.tr("no object")
        return f"{thumb.path.name}\n{thumb.problem or words}"

    def _name(self, cls: int) -> str:
        return self.names[cls] if cls < len(self.names) else str(cls)


class _Delegate(QStyledItemDelegate):
    """Paints a picture fitted into its cell, its boxes in the colours of their classes."""

    def __init__(self, grid: ThumbnailGrid) -> None:
        super().__init__(grid)
        self._grid = grid

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the size of a cell."""
        return self._grid.gridSize()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one picture."""
        model, row = self._grid.pictures, index.row()
        cell = option.rect.adjusted(_GAP // 2, _GAP // 2, -_GAP // 2, -_GAP // 2)
        painter.save()
        pixmap, thumb = model.pixmap(row), model.thumb(row)
        if pixmap is None or pixmap.isNull():
            painter.fillRect(cell, theme.colour("raised"))
            if thumb is not None:
                side = min(28, cell.height())
                area = QRect(0, 0, side, side)
                area.moveCenter(cell.center())
                theme.icon("error", "bad").paint(painter, area)
            area = cell
        else:
            area = fitted(pixmap.size(), cell)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawPixmap(area, pixmap)
            if thumb is not None and self._grid.boxes_shown:
                paint_boxes(painter, QRectF(area), thumb.boxes, 1.5)
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.colour("accent" if chosen else "strong_line"), 2 if chosen else 1))
            painter.drawRoundedRect(QRectF(area).adjusted(-2, -2, 2, 2), 3, 3)
        painter.restore()


class ThumbnailGrid(QListView):
    """The grid; give its model a total, and answer ``page_wanted``."""

    opened = Signal(int)
    """Row of the picture to show large."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("thumbnails")
        self.pictures = ThumbnailModel(self)
        self.boxes_shown = True
        self._aspect = 0.75
        self.setProperty("embedded", "true")
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.SelectionMode.SingleSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setItemDelegate(_Delegate(self))
        self.setModel(self.pictures)
        self.activated.connect(lambda index: self.opened.emit(index.row()))
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(60)
        self._look.timeout.connect(self._on_look_timeout)
        self.verticalScrollBar().valueChanged.connect(lambda _value: self._look.start())
        self.pictures.modelReset.connect(self._look.start)
        self.pictures.rowsInserted.connect(lambda: self._look.start())

    def show_boxes(self, shown: bool) -> None:
        """Draw the boxes, or the bare pictures."""
        self.boxes_shown = shown
        self.viewport().update()

    def set_aspect(self, height_by_width: float) -> None:
        """Give the cells the shape of most pictures."""
        self._aspect = min(max(height_by_width, 0.5), 1.5)
        self._fit()

    def choose(self, row: int) -> None:
        """Select a picture and bring it into view."""
        index = self.pictures.index(row)
        self.setCurrentIndex(index)
        self.scrollTo(index, QListView.ScrollHint.EnsureVisible)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit as many columns as there is room for."""
        super().resizeEvent(event)
        self._fit()
        self._look.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what did not come before the page was left."""
        super().showEvent(event)
        self._look.start()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint; the first time, ask for what is to be seen."""
        super().paintEvent(event)
        if self.pictures.rowCount() and self.pictures.thumb(self._rows()[0]) is None:
            self._look.start()

    def _fit(self) -> None:
        width = self.viewport().width() - _EDGE
        columns = max(round(width / _CELL_WIDTH), 1)
        cell = max(width // columns, 40)
        size = QSize(cell, round((cell - _GAP) * self._aspect) + _GAP)
        if size != self.gridSize():
            self.setGridSize(size)

    def _rows(self) -> tuple[int, int]:
        """Return the first and last row in view, and one screen more."""
        cell = self.gridSize()
        columns = max(self.viewport().width() // max(cell.width(), 1), 1)
        top = self.verticalScrollBar().value() // max(cell.height(), 1)
        shown = self.viewport().height() // max(cell.height(), 1) + 2
        return top * columns, (top + 2 * shown) * columns

    def _on_look_timeout(self) -> None:
        if self.isVisible() and self.pictures.rowCount():
            self.pictures.look_at(*self._rows())


def fitted(size: QSize, into: QRect) -> QRect:
    """Return where a picture of that size lies, centred and whole, in a rectangle."""
    scaled = size.scaled(into.size(), Qt.AspectRatioMode.KeepAspectRatio)
    area = QRect(0, 0, max(scaled.width(), 1), max(scaled.height(), 1))
    area.moveCenter(into.center())
    return area


def paint_boxes(
    painter: QPainter,
    area: QRectF,
    boxes: Sequence[tuple[int, float, float, float, float]],
    width: float,
    names: Sequence[str] = (),
) -> None:
    """Draw boxes over a picture.

    Args:
        painter: paints where the picture is.
        area: where the picture lies.
        boxes: class, centre x and y, width and height, as shares of the picture.
        width: of the lines, px.
        names: of the classes, to label the boxes with; none for bare boxes.
    """
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
    for cls, x, y, box_width, box_height in boxes:
        box = QRectF(0, 0, box_width * area.width(), box_height * area.height())
        box.moveCenter(area.topLeft() + QPointF(x * area.width(), y * area.height()))
        colour = theme.class_colour(cls)
        painter.setPen(QPen(QColor(colour), width))
        painter.drawRect(box)
        if names:
            _paint_label(painter, area, box, names[cls] if cls < len(names) else str(cls), colour)


def _paint_label(painter: QPainter, area: QRectF, box: QRectF, name: str, colour: str) -> None:
    metrics = painter.fontMetrics()
    label = QRectF(0, 0, metrics.horizontalAdvance(name) + 8, metrics.height() + 2)
    label.moveBottomLeft(box.topLeft())
    if label.top() < area.top():
        label.moveTopLeft(box.topLeft())
    painter.fillRect(label, QColor(colour))
    painter.setPen(QColor(theme.text_on(colour)))
    painter.drawText(label, Qt.AlignmentFlag.AlignCenter, name)
