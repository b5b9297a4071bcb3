"""The table of models: sortable, filterable, numbers right-aligned."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.core.export_formats import FORMATS
from app.core.text import figure
from app.ui import theme
from app.ui.pages.models_rows import BUNDLE, CHECKPOINT, RUN, ModelRow

NAME, KIND, MAP, MAP50, GFLOPS, SIZE, STATE, TAGS = range(8)
ROW = Qt.ItemDataRole.UserRole
_SORT = Qt.ItemDataRole.UserRole + 1
_NUMBERS = (MAP, MAP50, GFLOPS, SIZE)
_NARROW = 640
_TONES = {"failed": "bad", "lost": "warn", "running": "accent"}
Index = QModelIndex | QPersistentModelIndex


class ModelTableModel(QAbstractTableModel):
    """Rows of models."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: list[ModelRow] = []

    @property
    def rows(self) -> tuple[ModelRow, ...]:
        """The models."""
        return tuple(self._rows)

    def show_rows(self, rows: list[ModelRow]) -> None:
        """Take other rows; the same models in the same order only repaint."""
        same = [row.path for row in rows] == [row.path for row in self._rows]
        if same:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, TAGS))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return the number of models."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return the number of columns."""
        return 0 if parent.isValid() else TAGS + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the words above a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        if role == Qt.ItemDataRole.DisplayRole:
            return (
                self.tr("Name"),
                self.tr("Kind"),
                self.tr("mAP50-95"),
                self.tr("mAP50"),
                self.tr("GFLOPs"),
                self.tr("MB"),
                self.tr("State"),
                self.tr("Tags"),
            )[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        row, column = self._rows[index.row()], index.column()
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(row, column)
        if role == _SORT:
            value = self._value(row, column)
            return -1.0 if value is None else value
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row) if column == NAME else self._words(row, column)
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._ink(row, column)
        return None

    def _value(self, row: ModelRow, column: int) -> Any:
        numbers = {MAP: row.map50_95, MAP50: row.map50, GFLOPS: row.gflops, SIZE: float(row.bytes)}
        return numbers[column] if column in numbers else self._words(row, column).lower()

    def _words(self, row: ModelRow, column: int) -> str:
        if column == NAME:
            return row.name
        if column == KIND:
            return self._kind(row)
        if column in (MAP, MAP50):
            score = row.map50_95 if column == MAP else row.map50
            return f"{score:.3f}" if score is not None else "–"
        if column == GFLOPS:
            return figure(row.gflops) if row.gflops is not None else "–"
        if column == SIZE:
            return figure(row.bytes / 1e6) if row.bytes else "–"
        return self._state(row) if column == STATE else ", ".join(row.notes.tags)

    @staticmethod
    def _tip(row: ModelRow) -> str:
        return "\n".join(filter(None, (str(row.path), row.notes.note)))

    def _kind(self, row: ModelRow) -> str:
        if row.kind == RUN:
            roles = {"standard": self.tr("standard"), "lightweight": self.tr("lightweight")}
            return roles.get(row.role, self.tr("run"))
        if row.kind == CHECKPOINT and row.role:
            return self.tr("lightweight")
        if row.kind in FORMATS:
            return FORMATS[row.kind].title
        return {CHECKPOINT: self.tr("checkpoint"), BUNDLE: self.tr("bundle")}[row.kind]

    def _state(self, row: ModelRow) -> str:
        if row.state is None:
            return self.tr("file")
        return {
            "waiting": self.tr("waiting"),
            "running": self.tr("training"),
            "finished": self.tr("finished"),
            "stopped": self.tr("stopped"),
            "failed": self.tr("failed"),
            "lost": self.tr("interrupted"),
        }[row.state.status]

    def _ink(self, row: ModelRow, column: int) -> QColor | None:
        if column == STATE and row.state is not None and row.state.status in _TONES:
            return theme.colour(_TONES[row.state.status])
        if column == KIND and row.role:
            return theme.colour(row.role)
        return None


class ModelTable(QTableView):
    """The view; several rows can be chosen."""

    chosen_changed = Signal()
    opened = Signal(object)
    """A model was double-clicked."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("modelTable")
        self.rows_model = ModelTableModel(self)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self.rows_model)
        self._proxy.setSortRole(_SORT)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._proxy.setFilterKeyColumn(-1)
        self.setModel(self._proxy)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSortingEnabled(True)
        self.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setProperty("embedded", "true")
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(theme.ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in (
            (KIND, 100),
            (MAP, 84),
            (MAP50, 76),
            (GFLOPS, 76),
            (SIZE, 64),
            (STATE, 96),
            (TAGS, 110),
        ):
            self.setColumnWidth(column, width)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen_changed.emit())
        self.doubleClicked.connect(lambda index: self.opened.emit(index.data(ROW)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the least needed column to the names where there is little room."""
        super().resizeEvent(event)
        self.setColumnHidden(MAP50, self.width() < _NARROW)

    @property
    def chosen(self) -> list[ModelRow]:
        """The chosen models, from top to bottom."""
        indices = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        return [index.data(ROW) for index in indices]

    @property
    def visible_rows(self) -> list[ModelRow]:
        """The models that pass the filter, in the order shown."""
        return [self._proxy.index(row, 0).data(ROW) for row in range(self._proxy.rowCount())]

    def show_rows(self, rows: list[ModelRow]) -> None:
        """Show models, keeping the choice."""
        before = [row.path for row in self.chosen]
        self.rows_model.show_rows(rows)
        if [row.path for row in self.chosen] != before:
            for place, path in enumerate(before):
                self.choose(path, extend=place > 0)

    def choose(self, path: object, extend: bool = False) -> bool:
        """Choose the model with these weights; return whether it is there."""
        for row in range(self._proxy.rowCount()):
            index = self._proxy.index(row, 0)
            if index.data(ROW).path == path:
                flags = QItemSelectionModel.SelectionFlag.Rows
                more = QItemSelectionModel.SelectionFlag.Select
                only = QItemSelectionModel.SelectionFlag.ClearAndSelect
                self.selectionModel().setCurrentIndex(index, flags | (more if extend else only))
                return True
        return False

    def filter(self, text: str) -> None:
        """Show only the models in which a text occurs."""
        self._proxy.setFilterFixedString(text)

    def retranslate(self) -> None:
        """Set the texts anew."""
        model = self.rows_model
        model.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, TAGS)
        if model.rowCount():
            model.dataChanged.emit(model.index(0, 0), model.index(model.rowCount() - 1, TAGS))
        self.setAccessibleName(self.tr("Models"))


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
