"""The queue as a card below the runs: what waits, in order; it is dragged, moved by keys, changed and removed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QDropEvent, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QListWidget, QListWidgetItem, QMenu

from app.core.run_queue import QueueState
from app.ui import theme
from app.ui.calls import calling
from app.ui.widgets.cards import Card, label, name_widget, tool

_ROW = 32
_MOST_ROWS = 6
_NAME = Qt.ItemDataRole.UserRole


class QueueList(QListWidget):
    """The waiting runs. Alt+Up and Alt+Down move the current one, Del removes it, Return changes it."""

    moved = Signal(str, int)
    removed = Signal(str)
    edited = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("queueList")
        self.setProperty("embedded", "true")
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.itemDoubleClicked.connect(lambda item: self.edited.emit(item.data(_NAME)))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the runs as they stand in the list."""
        return tuple(str(self.item(row).data(_NAME)) for row in range(self.count()))

    @property
    def current(self) -> str:
        """Name of the current row; empty where there is none."""
        item = self.currentItem()
        return str(item.data(_NAME)) if item is not None else ""

    def show_names(self, names: Sequence[str], words: Sequence[str]) -> None:
        """Show other rows; the current one stays the current one."""
        current = self.current
        self.clear()
        for name, told in zip(names, words, strict=True):
            item = QListWidgetItem(told)
            item.setData(_NAME, name)
            item.setToolTip(name)
            item.setSizeHint(QSize(120, _ROW))
            self.addItem(item)
        if current in names:
            self.setCurrentRow(list(names).index(current))

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell where a row was dropped."""
        name = self.current
        super().dropEvent(event)
        if name:
            self.moved.emit(name, self.names.index(name))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move, remove or change the current row."""
        name, key = self.current, event.key()
        alt = event.modifiers() & Qt.KeyboardModifier.AltModifier
        if name and alt and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.moved.emit(name, max(self.currentRow() + (-1 if key == Qt.Key.Key_Up else 1), 0))
        elif name and key == Qt.Key.Key_Delete:
            self.removed.emit(name)
        elif name and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.edited.emit(name)
        else:
            super().keyPressEvent(event)


class QueueCard(Card):
    """The list with its heading, and a button that holds the queue or lets it go on."""

    hold_asked = Signal(bool)
    """Whether nothing more is to begin."""

    def __init__(self) -> None:
        super().__init__(margin=4)
        self.setObjectName("queueCard")
        self._state = QueueState()
        self.heading = label(role="strong")
        self.hint = label(role="small", wrap=True)
        self.hint.setContentsMargins(theme.INSIDE, 0, theme.INSIDE, 0)
        self.hold = tool("queueHold", "pause")
        self.list = QueueList()
        self.list.customContextMenuRequested.connect(self._on_list_context_menu_requested)
        self.hold.clicked.connect(lambda: self.hold_asked.emit(self._going))
        row = QHBoxLayout()
        row.setContentsMargins(theme.INSIDE, 4, 0, 0)
        row.addWidget(self.heading, 1)
        row.addWidget(self.hold)
        self.body.addLayout(row)
        self.body.addWidget(self.hint)
        self.body.addWidget(self.list)
        self.setVisible(False)

    @property
    def _going(self) -> bool:
        """Whether the next run will begin by itself."""
        return self._state.kept and not self._state.held

    def show_queue(self, state: QueueState, kept: bool) -> None:
        """Show what waits.

        Args:
            state: As the file has it.
            kept: Whether its keeper lives, found out by the caller, who needs it too.
        """
        state = state if kept else QueueState(state.waiting, state.running, state.held)
        self.setVisible(bool(state.waiting))
        if state == self._state:
            return
        same = state.waiting == self._state.waiting
        self._state = state
        if not same:
            words = [
                self._row_words(place, entry.run, entry.resume) for place, entry in enumerate(state.waiting)
            ]
            self.list.show_names(state.names, words)
            self.list.setFixedHeight(min(len(words), _MOST_ROWS) * _ROW + 6)
        self._set_words()

    def _row_words(self, place: int, name: str, resume: bool) -> str:
        words = self.tr("{place}  {name}, resumed") if resume else self.tr("{place}  {name}")
        return words.format(place=place + 1, name=name)

    def _set_words(self) -> None:
        self.heading.setText(self.tr("Queue ({count})").format(count=len(self._state.waiting)))
        going = self._going
        self.hold.setIcon(theme.icon("pause" if going else "play"))
        words = self.tr("Begin nothing more for now") if going else self.tr("Let the next run begin")
        name_widget(self.hold, words)
        self.hint.setText("" if going else self.tr("The queue stands still: nothing begins by itself."))
        self.hint.setVisible(not going)

    def _on_list_context_menu_requested(self, position: QPoint) -> None:
        if self.list.current:
            self.menu(self.list.current).exec(self.list.viewport().mapToGlobal(position))

    def menu(self, name: str) -> QMenu:
        """Return the context menu of a waiting run."""
        menu = QMenu(self)
        place = self.list.names.index(name)
        menu.addAction(theme.icon("edit"), self.tr("Change…"), calling(self.list.edited.emit, name))
        menu.addSeparator()
        first = menu.addAction(self.tr("Train next"), calling(self.list.moved.emit, name, 0))
        up = menu.addAction(
            theme.icon("chevron_up"), self.tr("Up"), calling(self.list.moved.emit, name, place - 1)
        )
        down = menu.addAction(
            theme.icon("chevron_down"), self.tr("Down"), calling(self.list.moved.emit, name, place + 1)
        )
        first.setEnabled(place > 0)
        up.setEnabled(place > 0)
        down.setEnabled(place < self.list.count() - 1)
        menu.addSeparator()
        menu.addAction(theme.icon("trash"), self.tr("Remove"), calling(self.list.removed.emit, name))
        return menu

    def retranslate(self) -> None:
        """Set the texts."""
        self.list.setAccessibleName(self.tr("Queue"))
        self.list.setToolTip(
            self.tr("Drag the rows, or press Alt+Up and Alt+Down; Del removes, Return changes")
        )
        words = [
            self._row_words(place, entry.run, entry.resume) for place, entry in enumerate(self._state.waiting)
        ]
        self.list.show_names(self._state.names, words)
        self._set_words()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)
