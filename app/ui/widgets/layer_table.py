"""The design as a tree table: layers, and inside them their convolutions, with costs and changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QFont, QIcon, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from app.core.blocks import BLOCKS
from app.core.text import figure, grouped, percent_change
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.diagram_facts import MIXED, Facts, Snapshot
from app.ui.widgets.diagram_marks import kind_icon

PATH, KIND, FLOPS, FLOPS_CHANGE, PARAMETERS, PARAMETERS_CHANGE = range(6)
_NUMBERS = (FLOPS, FLOPS_CHANGE, PARAMETERS, PARAMETERS_CHANGE)
_PADDING = 28
_ROOT = QModelIndex()
Index = QModelIndex | QPersistentModelIndex


class LayerModel(QAbstractItemModel):
    """Layers as rows, their convolutions as children; a change of design only repaints."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._snapshot: Snapshot | None = None
        self._layers: tuple[str, ...] = ()
        self._inner: dict[str, tuple[str, ...]] = {}
        self._rows: dict[str, tuple[str, int]] = {}
        self._icons: dict[str, QIcon] = {}
        self._headers: list[str] = []
        self.retranslate()

    def show_snapshot(self, snapshot: Snapshot) -> bool:
        """Take a snapshot; return whether the rows are other ones now."""
        before = self._snapshot
        if before is not None and before.architecture is snapshot.architecture:
            self._snapshot = snapshot
            self._tell(path for path in self._rows if before.facts[path] != snapshot.facts[path])
            return False
        self.beginResetModel()
        self._snapshot = snapshot
        architecture = snapshot.architecture
        self._layers = tuple(layer.path for layer in architecture.layers)
        self._inner = {
            path: tuple(p for p in architecture.convolutions_in(path) if p != path) for path in self._layers
        }
        self._rows = {path: ("", row) for row, path in enumerate(self._layers)}
        for layer, inner in self._inner.items():
            self._rows.update({path: (layer, row) for row, path in enumerate(inner)})
        self.endResetModel()
        return True

    def retranslate(self) -> None:
        """Set the translated texts."""
        self._headers = [
            self.tr("Layer"),
            self.tr("Kind"),
            self.tr("GFLOPs"),
            self.tr("Change"),
            self.tr("Parameters"),
            self.tr("Change"),
        ]
        self._mixed, self._standard = self.tr("mixed"), self.tr("standard")
        self._titles = {name: translated(kind.title) for name, kind in BLOCKS.items()}
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self._headers) - 1)
        self._refresh()

    def retint(self) -> None:
        """Draw the marks in the colours of the theme in use."""
        self._icons = {}
        self._refresh()

    def path(self, index: Index) -> str:
        """Return the module path of a row."""
        if not index.isValid():
            return ""
        layer = index.internalId()
        return self._inner[self._layers[layer - 1]][index.row()] if layer else self._layers[index.row()]

    def index_of(self, path: str, column: int = 0) -> QModelIndex:
        """Return the index of a module path; an invalid one where it is not shown."""
        place = self._rows.get(path)
        if place is None:
            return QModelIndex()
        layer, row = place
        return self.createIndex(row, column, self._rows[layer][1] + 1 if layer else 0)

    def index(self, row: int, column: int, parent: Index = _ROOT) -> QModelIndex:
        """Return an index; its id is 0 for layers, and one more than its layer's row for what is inside."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, index: Index = _ROOT) -> Any:
        """Return the layer of a convolution."""
        layer = index.internalId() if index.isValid() else 0
        return self.createIndex(layer - 1, 0, 0) if layer else QModelIndex()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return how many layers there are, or convolutions in a layer."""
        if not parent.isValid():
            return len(self._layers)
        if parent.internalId() or parent.column() > 0:
            return 0
        return len(self._inner[self._layers[parent.row()]])

    def columnCount(self, parent: Index = _ROOT) -> int:
        """Return the number of columns."""
        return len(self._headers)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the headers; units stand here, once."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._headers[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section in _NUMBERS else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if self._snapshot is None or not index.isValid():
            return None
        facts = self._snapshot.facts[self.path(index)]
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(facts, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(facts, column)
        if role == Qt.ItemDataRole.DecorationRole and column == KIND and facts.targets:
            return self._icon(facts.kind)
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, theme.ROW_HEIGHT)
        if role == Qt.ItemDataRole.FontRole and column == PATH and not index.internalId():
            return theme.font(weight=QFont.Weight.Medium)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{facts.path} · {facts.type}" + (
                f"\n{translated(facts.refusal)}" if facts.refusal else ""
            )
        return None

    def _text(self, facts: Facts, column: int) -> str:
        if column == PATH:
            return facts.name
        if column == KIND:
            return self._kind_text(facts)
        if not facts.standard.parameters and not facts.standard.flops:
            return ""
        if column == FLOPS:
            return figure(facts.lightweight.flops / 1e9)
        if column == PARAMETERS:
            return grouped(facts.lightweight.parameters)
        before, after = (
            (facts.standard.flops, facts.lightweight.flops)
            if column == FLOPS_CHANGE
            else (facts.standard.parameters, facts.lightweight.parameters)
        )
        return percent_change(before, after) if before != after else ""

    def _kind_text(self, facts: Facts) -> str:
        if not facts.targets:
            return ""
        if facts.kind == MIXED:
            return f"{self._mixed} {facts.swapped}/{len(facts.targets)}"
        text = self._titles.get(facts.kind, self._standard)
        rank = facts.swap.options.get("rank") if facts.swap else None
        return f"{text} ×{rank}" if rank else text

    def _colour(self, facts: Facts, column: int) -> Any:
        if column in (FLOPS_CHANGE, PARAMETERS_CHANGE):
            before, after = facts.standard, facts.lightweight
            lighter = (
                after.flops < before.flops if column == FLOPS_CHANGE else after.parameters < before.parameters
            )
            return theme.colour("good" if lighter else "bad")
        if not facts.targets or (column == KIND and not facts.kind):
            return theme.colour("muted")
        return None

    def _icon(self, kind: str) -> QIcon:
        if kind not in self._icons:
            self._icons[kind] = kind_icon(kind)
        return self._icons[kind]

    def _refresh(self) -> None:
        self._tell(self._rows)

    def _tell(self, paths: Iterable[str]) -> None:
        """Repaint the rows of these paths; a range over all rows would be looked up cell by cell."""
        last = self.columnCount() - 1
        for path in paths:
            self.dataChanged.emit(self.index_of(path), self.index_of(path, last))


class LayerTable(QTreeView):
    """The tree table; its selection is module paths, as the diagram's."""

    selection_changed = Signal(tuple)
    """Paths that the user selected."""
    menu_requested = Signal(QPoint)
    """Where the context menu is wanted, on the screen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layerTable")
        self.model_ = LayerModel(self)
        self.setModel(self.model_)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setExpandsOnDoubleClick(True)
        self.setIndentation(18)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionsMovable(False)
        self._taking = False
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        theme.notifier().changed.connect(self.model_.retint)
        self.retranslate()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show a design; what is selected and expanded stays so while the base model stays."""
        open_ = [path for path in self.model_._layers if self.isExpanded(self.model_.index_of(path))]
        chosen = self.selection()
        self._taking = True
        if self.model_.show_snapshot(snapshot):
            for path in open_:
                self.setExpanded(self.model_.index_of(path), True)
            self._mark(chosen)
            self._fit_columns()
        self._taking = False

    def selection(self) -> tuple[str, ...]:
        """Return the selected paths in order of execution."""
        rows = self.selectionModel().selectedRows()
        order = self.model_._rows
        paths = [self.model_.path(index) for index in rows]
        return tuple(
            sorted(paths, key=lambda p: (order[order[p][0] or p][1], bool(order[p][0]), order[p][1]))
        )

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

    def matches(self, text: str) -> tuple[str, ...]:
        """Return the paths whose path or class contains a text, whatever its case."""
        wanted = text.strip().lower()
        snapshot = self.model_._snapshot
        if not wanted or snapshot is None:
            return ()
        return tuple(
            path
            for path in self.model_._rows
            if wanted in path.lower()
            or wanted in snapshot.facts[path].name.lower()
            or wanted in snapshot.facts[path].type.lower()
        )

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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width out anew."""
        super().resizeEvent(event)
        self._fit_columns()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu, at the mouse or at the current row."""
        position = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            position = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).bottomLeft())
        self.menu_requested.emit(position)

    def _fit_columns(self) -> None:
        """Give the numbers what they need, and the rest to path and kind."""
        width = self.viewport().width()
        metrics = self.fontMetrics()
        needs = {
            FLOPS: max(
                metrics.horizontalAdvance(self.model_._headers[FLOPS]), metrics.horizontalAdvance("00.0000")
            ),
            PARAMETERS: metrics.horizontalAdvance(
                max(self.model_._headers[PARAMETERS], "00 000 000", key=len)
            ),
        }
        headers = self.model_._headers
        change = max(metrics.horizontalAdvance(text) for text in (headers[FLOPS_CHANGE], "−00.0 %"))
        needs |= {FLOPS_CHANGE: change, PARAMETERS_CHANGE: change}
        for column, need in needs.items():
            self.setColumnWidth(column, need + _PADDING)
        rest = max(width - sum(need + _PADDING for need in needs.values()), 180)
        self.setColumnWidth(PATH, rest * 2 // 5)
        self.setColumnWidth(KIND, rest - rest * 2 // 5)

    def _on_selection_changed(self) -> None:
        if not self._taking:
            self.selection_changed.emit(self.selection())
