"""The list of runs: colour, name, state, best figure, and a box that overlays its curves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.core.files import write_text
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.ui import theme

ROW = 44
_BOX = 16
Index = QModelIndex | QPersistentModelIndex
ENTRY = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class RunEntry:
    """A row: the run, how it stands, the colour it always has, the words of its second line."""

    run: RunFolder
    state: RunState
    colour: str
    words: str
    figure: str
    tone: str = "muted"


class RunColours:
    """Gives every run of a workspace a colour and keeps it, whatever other runs come and go.

    Args:
        folder: Folder of the runs.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / ".colours.json"
        self._known = self._read()

    def of(self, name: str) -> str:
        """Return the colour of a run; a new run takes the one that was not used for longest."""
        if name not in self._known:
            self._known[name] = max(self._known.values(), default=-1) + 1
            self._write()
        return theme.run_colour(self._known[name])

    def _read(self) -> dict[str, int]:
        try:
            data: Any = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        pairs: Mapping[Any, Any] = data if isinstance(data, dict) else {}
        return {str(name): value for name, value in pairs.items() if isinstance(value, int)}

    def _write(self) -> None:
        try:
            write_text(self._path, json.dumps(self._known, ensure_ascii=False))
        except OSError:
            self._path = self._path.with_name(".colours.unwritable")


class RunModel(QAbstractListModel):
    """Rows of runs, the newest first; each has a check box."""

    checks_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[RunEntry] = []
        self._checked: set[str] = set()

    @property
    def entries(self) -> tuple[RunEntry, ...]:
        """The rows."""
        return tuple(self._rows)

    @property
    def checked(self) -> tuple[str, ...]:
        """Names of the runs whose box is checked, in the order of the rows."""
        return tuple(entry.run.name for entry in self._rows if entry.run.name in self._checked)

    def show_entries(self, entries: list[RunEntry]) -> None:
        """Take other rows; the same runs in the same order only repaint."""
        same = [entry.run for entry in entries] == [entry.run for entry in self._rows]
        if not same:
            self.beginResetModel()
        self._rows = entries
        if not same:
            self.endResetModel()
        elif entries:
            self.dataChanged.emit(self.index(0), self.index(len(entries) - 1))

    def entry(self, name: str) -> RunEntry | None:
        """Return the row of a run."""
        return next((entry for entry in self._rows if entry.run.name == name), None)

    def row_of(self, name: str) -> int:
        """Return the number of a run's row; -1 where it has none."""
        return next((row for row, entry in enumerate(self._rows) if entry.run.name == name), -1)

    def set_checked(self, name: str, on: bool) -> None:
        """Check or clear a run's box."""
        row = self.row_of(name)
        if row >= 0:
            state = Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
            self.setData(self.index(row), state, Qt.ItemDataRole.CheckStateRole)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return the number of runs."""
        return 0 if parent.isValid() else len(self._rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Rows can be chosen and checked."""
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows."""
        entry = self._rows[index.row()]
        if role == ENTRY:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.run.name
        if role == Qt.ItemDataRole.CheckStateRole:
            on = entry.run.name in self._checked
            return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{entry.run.name}\n{entry.words}"
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (entry.run.name, entry.words, entry.figure) if part)
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Check or clear a box."""
        if role != Qt.ItemDataRole.CheckStateRole:
            return False
        name = self._rows[index.row()].run.name
        on = Qt.CheckState(value) == Qt.CheckState.Checked
        if on == (name in self._checked):
            return False
        (self._checked.add if on else self._checked.discard)(name)
        self.dataChanged.emit(index, index)
        self.checks_changed.emit()
        return True


class RunDelegate(QStyledItemDelegate):
    """Paints a row and toggles its box."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the size of every row."""
        return QSize(160, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw box, name, state and figure."""
        entry: RunEntry = index.data(ENTRY)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        self._paint_ground(painter, area, state)
        checked = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) == Qt.CheckState.Checked
        selected = bool(state & QStyle.StateFlag.State_Selected)
        self._paint_box(painter, box_of(area), entry.colour, checked, selected)
        self._paint_words(painter, area, entry)
        painter.restore()

    def _paint_ground(self, painter: QPainter, area: QRect, state: QStyle.StateFlag) -> None:
        selected = bool(state & QStyle.StateFlag.State_Selected)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        if selected or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selection" if selected else "raised"))
            painter.drawRoundedRect(area.adjusted(2, 1, -2, -1), 6, 6)
        if state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(theme.colour("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(2, 1, -3, -2), 6, 6)

    def _paint_box(self, painter: QPainter, box: QRect, colour: str, checked: bool, selected: bool) -> None:
        painter.setPen(QPen(QColor(colour), 2))
        painter.setBrush(QColor(colour) if checked else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 4, 4)
        if checked:
            theme.draw_icon(painter, "check", box.toRectF().adjusted(1, 1, -1, -1), theme.text_on(colour))
        elif selected:  # its curves are drawn as long as it is selected
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(box.adjusted(5, 5, -4, -4), 2, 2)

    def _paint_words(self, painter: QPainter, area: QRect, entry: RunEntry) -> None:
        words = area.adjusted(_BOX + 3 * theme.INSIDE, 5, -theme.INSIDE - 2, -5)
        upper = QRect(words.left(), words.top(), words.width(), words.height() // 2)
        lower = QRect(words.left(), upper.bottom() + 1, words.width(), words.height() // 2)
        middle = Qt.AlignmentFlag.AlignVCenter
        elide = Qt.TextElideMode.ElideRight
        painter.setFont(theme.font(theme.SIZE_BODY, QFont.Weight.Medium))
        painter.setPen(theme.colour("text"))
        metrics = painter.fontMetrics()
        room = metrics.horizontalAdvance(entry.figure) + theme.INSIDE if entry.figure else 0
        painter.drawText(upper, middle | Qt.AlignmentFlag.AlignRight, entry.figure)
        name = upper.adjusted(0, 0, -room, 0)
        painter.drawText(name, middle, metrics.elidedText(entry.run.name, elide, name.width()))
        painter.setFont(theme.font(theme.SIZE_SMALL))
        painter.setPen(theme.colour(entry.tone))
        painter.drawText(lower, middle, painter.fontMetrics().elidedText(entry.words, elide, lower.width()))

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """Toggle the box at a click on it."""
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonRelease:
            area: QRect = option.rect
            if event.button() == Qt.MouseButton.LeftButton and _reach(area).contains(
                event.position().toPoint()
            ):
                return _toggle(model, index)
        return False


class RunList(QListView):
    """The runs; Space toggles the box of the current one."""

    def __init__(self, model: RunModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("runList")
        self.setModel(model)
        self.setItemDelegate(RunDelegate(self))
        self.setUniformItemSizes(True)
        self.setProperty("embedded", "true")
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def keyPressEvent(self, event: Any) -> None:
        """Toggle at Space."""
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            _toggle(self.model(), self.currentIndex())
            return
        super().keyPressEvent(event)


def box_of(area: QRect) -> QRect:
    """Return where the check box of a row stands."""
    return QRect(area.left() + theme.INSIDE + 2, area.center().y() - _BOX // 2 + 1, _BOX, _BOX)


def _reach(area: QRect) -> QRect:
    """Return where a click counts as one on the box."""
    return QRect(area.left(), area.top(), _BOX + 2 * theme.INSIDE + 4, area.height())


def _toggle(model: QAbstractItemModel, index: Index) -> bool:
    on = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) == Qt.CheckState.Checked
    other = Qt.CheckState.Unchecked if on else Qt.CheckState.Checked
    return model.setData(index, other, Qt.ItemDataRole.CheckStateRole)
