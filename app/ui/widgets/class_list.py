"""The classes of a data set as bars, one a row; choosing one narrows what the page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.core.text import grouped
from app.ui import theme

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

_ROW = 26
_MOST_NAME = 0.36


class ClassModel(QAbstractListModel):
    """One row a class."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.names: list[str] = []
        self.counts: list[int] = []
        self.by_split: Mapping[str, Sequence[int]] = {}

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return the number of classes."""
        return 0 if parent.isValid() else len(self.names)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the words of a row."""
        row = index.row()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.names[row]
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            per_split = ", ".join(
                f"{split} {grouped(counts[row])}" for split, counts in self.by_split.items()
            )
            boxes = self.tr("{count} boxes").format(count=grouped(self.counts[row]))
            return f"{self.names[row]}: {boxes} ({per_split})"
        return None

    def show(self, names: Sequence[str], by_split: Mapping[str, Sequence[int]]) -> None:
        """Take other classes."""
        self.beginResetModel()
        self.names = list(names)
        self.by_split = by_split
        self.counts = [sum(counts[i] for counts in by_split.values()) for i in range(len(names))]
        self.endResetModel()


class _Delegate(QStyledItemDelegate):
    """Paints name, bar and number."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of a row."""
        return QSize(80, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one class."""
        model = index.model()
        assert isinstance(model, ClassModel)
        rect: QRect = option.rect
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            chosen = bool(state & QStyle.StateFlag.State_Selected)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selection" if chosen else "raised"))
            painter.drawRoundedRect(QRectF(rect), 4, 4)
        self._paint_row(painter, rect.adjusted(theme.INSIDE, 0, -theme.INSIDE, 0), model, index.row())
        painter.restore()

    def _paint_row(self, painter: QPainter, area: QRect, model: ClassModel, row: int) -> None:
        metrics = painter.fontMetrics()
        most = max(model.counts, default=0) or 1
        names = max((metrics.horizontalAdvance(name) for name in model.names), default=0) + 2
        name_width = min(names, round(area.width() * _MOST_NAME))
        number_width = metrics.horizontalAdvance(grouped(most))
        painter.setPen(theme.colour("text"))
        name = metrics.elidedText(model.names[row], Qt.TextElideMode.ElideRight, name_width)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, name)
        count = model.counts[row]
        painter.setPen(theme.colour("muted" if count else "bad"))
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, grouped(count))
        room = area.width() - name_width - number_width - 2 * theme.BETWEEN
        if count and room > 0:
            bar = QRectF(area.left() + name_width + theme.BETWEEN, area.center().y() - 4.5, 0, 10)
            bar.setWidth(max(room * count / most, 2))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(theme.class_colour(row)))
            painter.drawRoundedRect(bar, 2, 2)


class ClassList(QListView):
    """The bars; a second click on the chosen class lets it go again."""

    chosen = Signal(object)
    """Index of the chosen class, or None for all."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("classList")
        self.setProperty("embedded", "true")
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self._model = ClassModel(self)
        self.setItemDelegate(_Delegate(self))
        self.setModel(self._model)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit(self.current()))
        theme.notifier().changed.connect(self.viewport().update)

    def show_classes(self, names: Sequence[str], by_split: Mapping[str, Sequence[int]]) -> None:
        """Show other classes.

        Args:
            names: of the classes.
            by_split: per split, boxes per class.
        """
        self._model.show(names, by_split)

    def current(self) -> int | None:
        """Return the chosen class; None while there is none."""
        rows = self.selectionModel().selectedRows()
        return rows[0].row() if rows else None

    def height_for_all(self) -> int:
        """Return the height at which nothing needs scrolling, px."""
        return self._model.rowCount() * _ROW + 2

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a class, or let the chosen one go."""
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and self.selectionModel().isSelected(index):
            self.clearSelection()
            return
        super().mousePressEvent(event)
