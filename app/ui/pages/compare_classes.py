"""Which classes are shown: a button, and under it a list to tick."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui import theme
from app.ui.widgets.cards import button

_MANY = 10
"""Classes from which on a field narrows the list."""

_WIDTH, _ROWS = 240, 12


class ClassList(QFrame):
    """Ticks for the classes, All and None, and a field that narrows many of them."""

    changed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("classPopup")
        self.setProperty("role", "card")
        self.filter = QLineEdit()
        self.filter.setObjectName("classFilter")
        self.filter.setClearButtonEnabled(True)
        self.list = QListWidget()
        self.list.setObjectName("classes")
        self.list.setUniformItemSizes(True)
        self.all, self.none = button("allClasses", "flat"), button("noClasses", "flat")
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.INSIDE)
        buttons.addWidget(self.all)
        buttons.addWidget(self.none)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.INSIDE, theme.INSIDE, theme.INSIDE, theme.INSIDE)
        column.setSpacing(theme.INSIDE)
        column.addWidget(self.filter)
        column.addLayout(buttons)
        column.addWidget(self.list)
        self.filter.textChanged.connect(self._on_filter_text_changed)
        self.list.itemChanged.connect(self._on_list_item_changed)
        self.all.clicked.connect(lambda: self._tick(True))
        self.none.clicked.connect(lambda: self._tick(False))

    def show_names(self, names: Iterable[str], hidden: Iterable[str]) -> None:
        """List classes, all ticked but the hidden ones."""
        unticked = set(hidden)
        self.list.blockSignals(True)
        self.list.clear()
        for name in names:
            item = QListWidgetItem(name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Unchecked if name in unticked else Qt.CheckState.Checked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self.filter.clear()
        self.filter.setVisible(self.list.count() >= _MANY)
        row = max(self.list.sizeHintForRow(0), 20)
        self.list.setFixedHeight(row * max(min(self.list.count(), _ROWS), 2) + 8)
        self.setFixedWidth(_WIDTH)

    def _items(self) -> list[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def unticked(self) -> tuple[str, ...]:
        """Return the classes that are not ticked."""
        return tuple(i.text() for i in self._items() if i.checkState() != Qt.CheckState.Checked)

    def _tick(self, on: bool) -> None:
        """Tick or untick every class that the field leaves."""
        state = Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
        self.list.blockSignals(True)
        for item in self._items():
            if not item.isHidden():
                item.setCheckState(state)
        self.list.blockSignals(False)
        self.list.viewport().update()
        self.changed.emit()

    @Slot(str)
    def _on_filter_text_changed(self, text: str) -> None:
        for item in self._items():
            item.setHidden(text.strip().casefold() not in item.text().casefold())

    @Slot()
    def _on_list_item_changed(self) -> None:
        self.changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter closes as Esc does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.close()
        else:
            super().keyPressEvent(event)

    def retranslate(self) -> None:
        """Set the words."""
        self.filter.setPlaceholderText(self.tr("Find a class"))
        self.filter.setAccessibleName(self.tr("Find a class"))
        self.list.setAccessibleName(self.tr("Classes shown"))
        self.all.setText(self.tr("All"))
        self.none.setText(self.tr("None"))


class ClassesButton(QPushButton):
    """Says how many classes are shown; a press opens the list. A class stays hidden whoever detects it."""

    changed = Signal(object)
    """Names of the classes shown as a tuple; None for all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("classesShown")
        self.setProperty("menu", "true")
        self.popup = ClassList(self)
        self._names: tuple[str, ...] = ()
        self._hidden: tuple[str, ...] = ()
        self.setEnabled(False)
        self.clicked.connect(self.open_list)
        self.popup.changed.connect(self._on_popup_changed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the button with the arrow of a menu."""
        super().paintEvent(event)
        mark = theme.pixmap(
            "chevron_down", "muted" if self.isEnabled() else "disabled", 12, self.devicePixelRatioF()
        )
        QPainter(self).drawPixmap(self.width() - 20, (self.height() - 12) // 2, mark)

    @property
    def shown(self) -> tuple[str, ...] | None:
        """Names of the classes shown; None for all."""
        if not set(self._hidden) & set(self._names):
            return None
        return tuple(name for name in self._names if name not in self._hidden)

    def set_names(self, left: Sequence[str], right: Sequence[str]) -> None:
        """Offer the classes of both sides, each once, those of the left side first."""
        names = tuple(dict.fromkeys((*left, *right)))
        if names != self._names:
            self._names = names
            self.popup.show_names(names, self._hidden)
        self.setEnabled(bool(names))
        self._show_words()

    @Slot()
    def open_list(self) -> None:
        """Show the list, above the button where there is no room below."""
        if not self.isEnabled():
            return
        popup = self.popup
        popup.adjustSize()
        below = self.mapToGlobal(QPoint(0, self.height() + 2))
        if below.y() + popup.height() > self.screen().availableGeometry().bottom():
            below = self.mapToGlobal(QPoint(0, -popup.height() - 2))
        popup.move(below)
        popup.show()
        (popup.filter if popup.filter.isVisible() else popup.list).setFocus()

    @Slot()
    def _on_popup_changed(self) -> None:
        self._hidden = self.popup.unticked()
        self._show_words()
        self.changed.emit(self.shown)

    def _show_words(self) -> None:
        shown, count = self.shown, len(self._names)
        if shown is None:
            self.setText(self.tr("All classes"))
        else:
            self.setText(self.tr("{shown} of {count} classes").format(shown=len(shown), count=count))
        self.setToolTip(self.tr("Boxes of other classes are not shown and not counted (C)"))
        self.setAccessibleName(self.text())

    def retranslate(self) -> None:
        """Set the words."""
        self.popup.retranslate()
        self._show_words()
