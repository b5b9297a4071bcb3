"""The page's primary button: trains, with a choice beside it; while something trains it adds to the queue."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPoint, QSize, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QPushButton, QToolButton, QWidget

from app.ui import theme
from app.ui.calls import calling
from app.ui.pages.train_start import BOTH, LIGHTWEIGHT, MODES, STANDARD


class PrimaryButton(QObject):
    """Words of the primary button, and the menu of the arrow beside it."""

    started = Signal(str)
    """One of ``MODES``."""
    saved = Signal()
    """The changes of a waiting run are to be kept."""
    dropped = Signal()
    """The changes of a waiting run are to be forgotten."""

    def __init__(self, primary: QPushButton, page: QWidget) -> None:
        super().__init__(page)
        self.primary = primary
        self.mode = LIGHTWEIGHT
        self._chosen = ""
        self._able = False
        self._busy = False
        self._ink = "on_accent"
        self.editing = ""
        self.arrow = QToolButton()
        self.arrow.setObjectName("trainChoice")
        self.arrow.setProperty("role", "outlined")
        self.arrow.setIcon(theme.icon("chevron_down"))
        self.arrow.setIconSize(QSize(14, 14))
        self.arrow.setMinimumHeight(theme.CONTROL_HEIGHT)
        self.cancel = QPushButton()
        self.cancel.setObjectName("trainEditCancel")
        self.cancel.setVisible(False)
        self.cancel.clicked.connect(self.dropped)
        self._menu = QMenu(self.arrow)
        self._starts = {mode: self._action(calling(self._choose, mode)) for mode in MODES}
        self._starts[LIGHTWEIGHT].setShortcut(QKeySequence("Ctrl+R"))
        self._menu.addActions(list(self._starts.values()))
        primary.clicked.connect(self._on_primary_clicked)
        self.arrow.clicked.connect(lambda: self._open(self._menu, self.arrow))

    def _action(self, act: Callable[[], None]) -> QAction:
        action = QAction(self)
        action.triggered.connect(act)
        return action

    @property
    def menu_actions(self) -> list[QAction]:
        """Every start, for the menu bar."""
        return list(self._starts.values())

    def show_state(self, has_swaps: bool, busy: bool, prominent: bool = True, editing: str = "") -> None:
        """Show what can be done.

        Args:
            has_swaps: Whether the open design differs from the standard model.
            busy: Whether something trains, so that what is begun now has to wait.
            prominent: Whether this is the next step; otherwise another button of the page is.
            editing: Name of the waiting run whose settings the form shows; empty for none.
        """
        self._ink = "on_accent" if prominent or editing else "text"
        theme.set_role(self.primary, "primary" if prominent or editing else "")
        self._able, self._busy, self.editing = has_swaps, busy, editing
        wanted = self._chosen or LIGHTWEIGHT
        self.mode = wanted if has_swaps or wanted == STANDARD else STANDARD
        for mode, action in self._starts.items():
            action.setEnabled((has_swaps or mode == STANDARD) and not editing)
        self.arrow.setVisible(not editing)
        self.cancel.setVisible(bool(editing))
        self._set_words()

    def _set_words(self) -> None:
        words = {
            LIGHTWEIGHT: self.tr("Queue lightweight") if self._busy else self.tr("Train lightweight"),
            STANDARD: self.tr("Queue standard") if self._busy else self.tr("Train standard"),
            BOTH: self.tr("Queue both") if self._busy else self.tr("Train both"),
        }
        self.primary.setText(self.tr("Save changes") if self.editing else words[self.mode])
        icon = "save" if self.editing else "plus" if self._busy else "play"
        self.primary.setIcon(theme.icon(icon, self._ink))
        why = "" if self._able else self.tr("The open design swaps nothing yet: it is the standard model.")
        waits = self.tr("It waits in the queue and begins by itself.") if self._busy else ""
        self.primary.setToolTip(self.editing or why or waits)
        for mode in (LIGHTWEIGHT, BOTH):
            self._starts[mode].setToolTip(why)
        self._menu.setToolTipsVisible(True)

    def _choose(self, mode: str) -> None:
        self._chosen = mode
        self.started.emit(mode)

    def _on_primary_clicked(self) -> None:
        if self.editing:
            self.saved.emit()
        else:
            self.started.emit(self.mode)

    def _open(self, menu: QMenu, under: QWidget) -> None:
        size = menu.sizeHint()
        corner = under.mapToGlobal(QPoint(under.width() - size.width(), under.height() + 4))
        menu.popup(corner)

    def retranslate(self) -> None:
        """Set the texts."""
        self._starts[LIGHTWEIGHT].setText(self.tr("Train lightweight"))
        self._starts[STANDARD].setText(self.tr("Train standard"))
        self._starts[BOTH].setText(self.tr("Train both, the standard one first"))
        self.arrow.setToolTip(self.tr("Choose what to train"))
        self.arrow.setAccessibleName(self.tr("Choose what to train"))
        self.cancel.setText(self.tr("Cancel"))
        self._set_words()
