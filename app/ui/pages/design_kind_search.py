"""Chooses a block kind by typing: what fits the selection first, the others with the reason why not."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.pages.design_base_chooser import SearchField
from app.ui.pages.design_edits import offer_words
from app.ui.text import translated
from app.ui.widgets.diagram_marks import kind_icon
from app.ui.widgets.diagram_targets import Offer

_KIND = Qt.ItemDataRole.UserRole
_SIZE = QSize(400, 396)


class _List(QListWidget):
    picked = Signal(str)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter takes the row."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            item = self.currentItem()
            if item is not None and item.flags() & Qt.ItemFlag.ItemIsEnabled:
                self.picked.emit(item.data(_KIND))
            return
        super().keyPressEvent(event)


class KindSearch(QFrame):
    """A pop-up that leaves by a signal."""

    chosen = Signal(str)
    """Block kind; "" for standard."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("kindSearch")
        self.setProperty("role", "popup")
        self.list = _List()
        self.list.setObjectName("kindList")
        self.list.setProperty("embedded", "true")
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setIconSize(QSize(14, 14))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.search = SearchField(self.list)
        self.search.setObjectName("kindSearchField")
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.INSIDE, theme.INSIDE, theme.INSIDE, theme.INSIDE)
        column.setSpacing(theme.INSIDE)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        self.resize(_SIZE)
        self.search.textChanged.connect(self._narrow)
        self.list.picked.connect(self._pick)
        self.list.itemClicked.connect(lambda item: self._pick(item.data(_KIND)) if _is_able(item) else None)
        self.retranslate()

    def show_at(self, position: QPoint, offers: Mapping[str, Offer]) -> None:
        """Open at a point of the screen with what fits a selection."""
        self.search.clear()
        self._fill(offers)
        screen = self.screen().availableGeometry()
        x = min(position.x(), screen.right() - self.width())
        y = min(position.y(), screen.bottom() - self.height())
        self.move(max(x, screen.left()), max(y, screen.top()))
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def _fill(self, offers: Mapping[str, Offer]) -> None:
        self.list.clear()
        able = [kind for kind, one in offers.items() if one.targets]
        for kind in (*able, "", *(kind for kind in offers if kind not in able)):
            item = QListWidgetItem(kind_icon(kind), self._words(kind, offers))
            item.setData(_KIND, kind)
            item.setToolTip(item.text())
            if kind and kind not in able:
                item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.list.addItem(item)
        self.list.setCurrentRow(0)

    def _words(self, kind: str, offers: Mapping[str, Offer]) -> str:
        if not kind:
            return self.tr("Standard")
        title = translated(BLOCKS[kind].title)
        one = offers[kind]
        if not one.targets:
            return self.tr("{kind}: {reason}").format(kind=title, reason=translated(one.reason))
        return offer_words(one)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setAccessibleName(self.tr("Block kinds"))
        self.list.setAccessibleName(self.tr("Block kinds"))
        self.search.setAccessibleName(self.tr("Search for a kind"))
        self.search.setPlaceholderText(self.tr("Make the selection…"))

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _narrow(self, text: str) -> None:
        wanted = text.strip().lower()
        first = -1
        for row in range(self.list.count()):
            item = self.list.item(row)
            block = BLOCKS.get(item.data(_KIND))
            about = f"{item.text()} {item.data(_KIND)} {translated(block.summary) if block else ''}".lower()
            item.setHidden(wanted not in about)
            if first < 0 and not item.isHidden() and _is_able(item):
                first = row
        self.list.setCurrentRow(first)

    def _pick(self, kind: str) -> None:
        self.hide()
        self.chosen.emit(kind)


def _is_able(item: QListWidgetItem) -> bool:
    return bool(item.flags() & Qt.ItemFlag.ItemIsEnabled)
