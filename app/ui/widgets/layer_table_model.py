"""The design as a model for a tree view: layers, what can be replaced inside them, their convolutions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QWidget

from app.ui import theme
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.diagram_marks import kind_icon
from app.ui.widgets.diagram_text import describe
from app.ui.widgets.layer_table_columns import Column, default_columns
from app.ui.widgets.layer_table_rows import ALL, Rows, Wanted, arrange

_ROOT = QModelIndex()
Index = QModelIndex | QPersistentModelIndex
_NOTHING = Rows({"": ()}, {})


class LayerModel(QAbstractItemModel):
    """Rows by module path; a change of design repaints what changed, unless it changes which rows are wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns: tuple[Column, ...] = default_columns()
        self.wanted = Wanted()
        self.locked: frozenset[str] = frozenset()
        self._snapshot: Snapshot | None = None
        self._paths: tuple[str, ...] = ()
        self._numbers: dict[str, int] = {}
        self._rows = _NOTHING
        self._headers: list[str] = []
        self.retranslate()

    @property
    def snapshot(self) -> Snapshot | None:
        """What is shown."""
        return self._snapshot

    @property
    def rows(self) -> Rows:
        """The rows that are shown."""
        return self._rows

    def show_snapshot(self, snapshot: Snapshot) -> bool:
        """Take a snapshot; return whether the rows are other ones now."""
        before, self._snapshot = self._snapshot, snapshot
        same = before is not None and before.architecture is snapshot.architecture
        if before is not None and same and self.wanted.only == ALL:
            old = before.facts
            changed = (p for p, one in snapshot.facts.items() if old[p] is not one and old[p] != one)
            self._tell(changed)
            return False
        if not same:
            self.beginResetModel()
            self._paths = tuple(snapshot.facts)
            self._numbers = {path: number for number, path in enumerate(self._paths)}
            self._rows = arrange(snapshot, self.wanted)
            self.endResetModel()
            return True
        return self.rearrange()

    def want(self, wanted: Wanted) -> bool:
        """Show other rows, or in another order; return whether they are other ones now."""
        if wanted == self.wanted:
            return False
        self.wanted = wanted
        return self.rearrange()

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Show other columns."""
        self.beginResetModel()
        self.columns = tuple(columns)
        self._headers = [column.title() for column in self.columns]
        self.endResetModel()

    def rearrange(self) -> bool:
        """Work out anew which rows are shown, and in which order; return whether they are other ones now."""
        if self._snapshot is None:
            return False
        rows = arrange(self._snapshot, self.wanted)
        if rows == self._rows:
            self._tell(self._rows.place)
            return False
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()
        return True

    def retranslate(self) -> None:
        """Set the translated texts."""
        self._headers = [column.title() for column in self.columns]
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self._headers) - 1)
        self._tell(self._rows.place)

    def retint(self) -> None:
        """Draw the marks in the colours of the theme in use."""
        self._tell(self._rows.place)

    def path(self, index: Index) -> str:
        """Return the module path of a row."""
        return self._paths[index.internalId()] if index.isValid() else ""

    def index_of(self, path: str, column: int = 0) -> QModelIndex:
        """Return the index of a module path; an invalid one where it is not shown."""
        place = self._rows.place.get(path)
        return QModelIndex() if place is None else self.createIndex(place[1], column, self._numbers[path])

    def index(self, row: int, column: int, parent: Index = _ROOT) -> QModelIndex:
        """Return an index; its id is the number of its path."""
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        path = self._rows.children[self.path(parent)][row]
        return self.createIndex(row, column, self._numbers[path])

    def parent(self, index: Index = _ROOT) -> Any:
        """Return the row that holds a row."""
        place = self._rows.place.get(self.path(index))
        return self.index_of(place[0]) if place is not None and place[0] else QModelIndex()

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Return how many rows stand below a row."""
        if parent.isValid() and parent.column() > 0:
            return 0
        return len(self._rows.children.get(self.path(parent), ()))

    def columnCount(self, parent: Index = _ROOT) -> int:
        """Return the number of columns."""
        return len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the headers; units stand here, once."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._headers[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(self.columns[section])
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        snapshot = self._snapshot
        if snapshot is None or not index.isValid():
            return None
        column = self.columns[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, theme.ROW_HEIGHT)
        facts = snapshot.facts[self.path(index)]
        if role == Qt.ItemDataRole.DisplayRole:
            if not index.column() and self.wanted.column is not None:
                return facts.name if facts.is_layer else facts.path
            return column.text(snapshot, facts)
        if role == Qt.ItemDataRole.ForegroundRole:
            tone = column.tone(snapshot, facts)
            return theme.colour(tone) if tone else None
        if role == Qt.ItemDataRole.DecorationRole:
            if not index.column():
                return theme.icon("lock", "muted") if facts.path in self.locked else None
            kind = column.mark(snapshot, facts)
            return None if kind is None else kind_icon(kind)
        if role == Qt.ItemDataRole.FontRole and not index.column() and facts.is_layer:
            return theme.font(weight=QFont.Weight.Medium)
        if role == Qt.ItemDataRole.ToolTipRole:
            return describe(snapshot, facts, facts.path in self.locked)
        return None

    def _tell(self, paths: Iterable[str]) -> None:
        """Repaint the rows of these paths; a range over all rows would be looked up cell by cell."""
        last = self.columnCount() - 1
        for path in paths:
            index = self.index_of(path)
            if index.isValid():
                self.dataChanged.emit(index, self.index_of(path, last))


def _side(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
