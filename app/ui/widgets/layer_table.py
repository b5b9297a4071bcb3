"""The design as a tree table: layers, and inside them their convolutions, with costs and changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from app.ui import theme
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.layer_table_columns import Column
from app.ui.widgets.layer_table_model import LayerModel
from app.ui.widgets.layer_table_rows import Wanted, matches

PATH, KIND, FLOPS, FLOPS_CHANGE, PARAMETERS, PARAMETERS_CHANGE = range(6)
"""The columns that are always there."""
_PADDING = 28
ModelIndex = QModelIndex | QPersistentModelIndex
_LEAST_REST = 180


class LayerTable(QTreeView):
    """The tree table; its selection is module paths, as the diagram's."""

    selection_changed = Signal(tuple)
    """Paths that the user selected."""
    menu_requested = Signal(QPoint)
    """Where the context menu is wanted, on the screen."""
    kinds_requested = Signal(QPoint)
    """Where the choice of kinds is wanted, on the screen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layerTable")
        self.model_ = LayerModel(self)
        self.setModel(self.model_)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setExpandsOnDoubleClick(False)
        self.setIndentation(18)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionsMovable(False)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self.sort_by)
        self._taking = False
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        theme.notifier().changed.connect(self.model_.retint)
        self.retranslate()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show a design; what is selected and expanded stays so while the base model stays."""
        kept = self._begin()
        self._end(kept, self.model_.show_snapshot(snapshot))

    def want(self, wanted: Wanted) -> None:
        """Show other rows; where they are filtered, what is found inside a layer is in view."""
        kept = self._begin()
        self._end(kept, self.model_.want(wanted))

    def rearrange(self) -> None:
        """Sort and filter anew: what rows are sorted by has changed."""
        kept = self._begin()
        self._end(kept, self.model_.rearrange())

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns."""
        kept = self._begin()
        if self.model_.wanted.column not in (None, *columns):
            self.model_.want(replace(self.model_.wanted, column=None))
        self.model_.set_columns(columns)
        self._end(kept, True)
        self._show_order()

    def sort_by(self, section: int) -> None:
        """Sort by a column; again turns the order, a third time, or the first column, leads back to the tree."""
        column, wanted = self.model_.columns[section], self.model_.wanted
        first = column.number
        if section == PATH or (wanted.column is column and wanted.descending != first):
            self.want(replace(wanted, column=None))
        elif wanted.column is column:
            self.want(replace(wanted, descending=not wanted.descending))
        else:
            self.want(replace(wanted, column=column, descending=first))
        self._show_order()

    def selection(self) -> tuple[str, ...]:
        """Return the selected paths in order of execution."""
        paths = [self.model_.path(index) for index in self.selectionModel().selectedRows()]
        return tuple(sorted(paths, key=self.model_._numbers.__getitem__))

    def select(self, paths: Iterable[str]) -> None:
        """Take over a selection made elsewhere; the first of it comes into view, nothing is emitted."""
        wanted = tuple(paths)
        if set(wanted) == set(self.selection()):
            return
        self._taking = True
        self._mark(wanted)
        first = self.model_.index_of(wanted[0]) if wanted else QModelIndex()
        if first.isValid():
            self.scrollTo(first)
        self._taking = False

    def matches(self, text: str) -> tuple[str, ...]:
        """Return the paths whose path or class contains a text, whatever its case."""
        return matches(self.model_.snapshot, text) if self.model_.snapshot is not None else ()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setAccessibleName(self.tr("Layers of the model"))
        self.model_.retranslate()
        self._fit_columns()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def dataChanged(self, first: ModelIndex, last: ModelIndex, roles: Sequence[int] = (), /) -> None:
        """Paint anew once, however many rows changed; Qt would look every cell of them up."""
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width out anew."""
        super().resizeEvent(event)
        self._fit_columns()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Enter open and close what the keyboard is on; F2 offers kinds for it."""
        index = self.currentIndex()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and index.isValid():
            self.setExpanded(index.siblingAtColumn(0), not self.isExpanded(index.siblingAtColumn(0)))
        elif event.key() == Qt.Key.Key_F2 and index.isValid():
            self.kinds_requested.emit(self._below(index))
        elif event.key() == Qt.Key.Key_Escape and self.selection():
            self.clearSelection()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open and close a layer; on its kind, offer others."""
        index = self.indexAt(event.position().toPoint())
        if not index.isValid() or event.button() != Qt.MouseButton.LeftButton:
            super().mouseDoubleClickEvent(event)
        elif index.column() == KIND:
            self.kinds_requested.emit(self._below(index))
        else:
            self.setExpanded(index.siblingAtColumn(0), not self.isExpanded(index.siblingAtColumn(0)))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu, at the mouse or at the current row."""
        position = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            position = self._below(self.currentIndex())
        self.menu_requested.emit(position)

    def _below(self, index: QModelIndex) -> QPoint:
        return self.viewport().mapToGlobal(self.visualRect(index).bottomLeft())

    def _begin(self) -> tuple[list[str], tuple[str, ...]]:
        """Return what is expanded and selected, and emit nothing until `_end`."""
        self._taking = True
        expanded = [p for p in self.model_.rows.children if p and self.isExpanded(self.model_.index_of(p))]
        return expanded, self.selection()

    def _end(self, kept: tuple[list[str], tuple[str, ...]], other_rows: bool) -> None:
        if other_rows:
            opened = self.model_.rows.children if self.model_.wanted.filters else kept[0]
            for path in opened:
                index = self.model_.index_of(path)
                if index.isValid():
                    self.setExpanded(index, True)
            self._mark(kept[1])
            self._fit_columns()
        self._taking = False

    def _mark(self, paths: Iterable[str]) -> None:
        selection = QItemSelection()
        last = self.model_.columnCount() - 1
        current = QModelIndex()
        for path in paths:
            index = self.model_.index_of(path)
            if index.isValid():
                selection.select(index, self.model_.index_of(path, last))
                current = current if current.isValid() else index
        chooser = self.selectionModel()
        chooser.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        chooser.setCurrentIndex(current, QItemSelectionModel.SelectionFlag.NoUpdate)

    def _show_order(self) -> None:
        """Show in the header what the rows are sorted by."""
        wanted, header = self.model_.wanted, self.header()
        header.setSortIndicatorShown(wanted.column is not None)
        self.setRootIsDecorated(wanted.column is None)
        if wanted.column is not None:
            order = Qt.SortOrder.DescendingOrder if wanted.descending else Qt.SortOrder.AscendingOrder
            header.setSortIndicator(self.model_.columns.index(wanted.column), order)

    def _fit_columns(self) -> None:
        """Give the numbers what they need, and the rest to path, kind and other words; spare columns give way."""
        columns, metrics = self.model_.columns, self.fontMetrics()
        words = [number for number, column in enumerate(columns) if not column.sample]
        needed = {
            number: _PADDING
            + max(metrics.horizontalAdvance(text) for text in (column.title(), column.sample))
            for number, column in enumerate(columns)
            if column.sample
        }
        rest = self.viewport().width() - sum(needed.values())
        for number in range(len(columns)):
            gives_way = columns[number].spare and rest < _LEAST_REST
            self.setColumnHidden(number, gives_way)
            rest += needed.get(number, 0) if gives_way else 0
        for number, width in needed.items():
            self.setColumnWidth(number, width)
        rest = max(rest, _LEAST_REST)
        shares = {number: {PATH: 4, KIND: 6}.get(number, 5) for number in words}
        for number in words[:-1]:
            self.setColumnWidth(number, rest * shares[number] // sum(shares.values()))
        taken = sum(self.columnWidth(number) for number in words[:-1])
        self.setColumnWidth(words[-1], rest - taken)

    def _on_selection_changed(self) -> None:
        if not self._taking:
            self.selection_changed.emit(self.selection())
