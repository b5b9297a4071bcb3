"""The page's primary button: trains, with a choice beside it; stops while something trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QPoint, QSize, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QPushButton, QToolButton, QWidget

from app.core.run_state import RunState
from app.ui import theme
from app.ui.calls import calling
from app.ui.pages.train_start import BOTH, LIGHTWEIGHT, MODES, STANDARD


class PrimaryButton(QObject):
    """Words and menus of the primary button and of the arrow beside it."""

    started = Signal(str)
    """One of ``MODES``."""
    stopped = Signal(str)
    """``stop_now``, ``stop_after_epoch``, or ``stop_all``: the waiting runs too."""

    def __init__(self, primary: QPushButton, page: QWidget) -> None:
        super().__init__(page)
        self.primary = primary
        self.mode = LIGHTWEIGHT
        self._chosen = ""
        self._able = False
        self._ink = "on_accent"
        self._live: Sequence[RunState] = ()
        self.arrow = QToolButton()
        self.arrow.setObjectName("trainChoice")
        self.arrow.setProperty("role", "outlined")
        self.arrow.setIcon(theme.icon("chevron_down"))
        self.arrow.setIconSize(QSize(14, 14))
        self.arrow.setMinimumHeight(theme.CONTROL_HEIGHT)
        self._menu = QMenu(self.arrow)
        self._stop_menu = QMenu(self.primary)
        self._starts = {mode: self._action(calling(self._choose, mode)) for mode in MODES}
        self._stops = {
            name: self._action(calling(self.stopped.emit, name))
            for name in ("stop_after_epoch", "stop_now", "stop_all")
        }
        self._starts[LIGHTWEIGHT].setShortcut(QKeySequence("Ctrl+R"))
        self._stops["stop_after_epoch"].setShortcut(QKeySequence("Ctrl+."))
        self._menu.addActions(list(self._starts.values()))
        self._stop_menu.addActions(list(self._stops.values()))
        primary.clicked.connect(self._on_primary_clicked)
        self.arrow.clicked.connect(lambda: self._open(self._menu, self.arrow))

    def _action(self, act: Callable[[], None]) -> QAction:
        action = QAction(self)
        action.triggered.connect(act)
        return action

    @property
    def menu_actions(self) -> list[QAction]:
        """Every start and stop, for the menu bar."""
        return [*self._starts.values(), *self._stops.values()]

    @property
    def running(self) -> bool:
        """Whether the button stops."""
        return bool(self._live)

    def show_state(self, has_swaps: bool, live: Sequence[RunState], prominent: bool = True) -> None:
        """Show what can be done.

        Args:
            has_swaps: Whether the open design differs from the standard model.
            live: States of the runs that train or wait.
            prominent: Whether this is the next step; otherwise another button of the page is.
        """
        self._ink = "on_accent" if prominent else "text"
        theme.set_role(self.primary, "primary" if prominent else "")
        self._able, self._live = has_swaps, live
        wanted = self._chosen or LIGHTWEIGHT
        self.mode = wanted if has_swaps or wanted == STANDARD else STANDARD
        for mode, action in self._starts.items():
            action.setEnabled((has_swaps or mode == STANDARD) and not live)
        for name, action in self._stops.items():
            action.setEnabled(bool(live))
            action.setVisible(name != "stop_all" or len(live) > 1)
        self.arrow.setVisible(not live)
        self._set_words()

    def _set_words(self) -> None:
        if self.running:
            self.primary.setText(self.tr("Stop"))
            self.primary.setIcon(theme.icon("stop", self._ink))
            self.primary.setToolTip("")
            return
        words = {
            LIGHTWEIGHT: self.tr("Train lightweight"),
            STANDARD: self.tr("Train standard"),
            BOTH: self.tr("Train both"),
        }
        self.primary.setText(words[self.mode])
        self.primary.setIcon(theme.icon("play", self._ink))
        why = "" if self._able else self.tr("The open design swaps nothing yet: it is the standard model.")
        self.primary.setToolTip(why)
        for mode in (LIGHTWEIGHT, BOTH):
            self._starts[mode].setToolTip(why)
        self._menu.setToolTipsVisible(True)

    def _choose(self, mode: str) -> None:
        self._chosen = mode
        self.started.emit(mode)

    def _on_primary_clicked(self) -> None:
        if self.running:
            self._open(self._stop_menu, self.primary)
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
        self._stops["stop_after_epoch"].setText(self.tr("Stop after this epoch"))
        self._stops["stop_now"].setText(self.tr("Stop now"))
        self._stops["stop_all"].setText(self.tr("Stop now, the waiting runs too"))
        self.arrow.setToolTip(self.tr("Choose what to train"))
        self.arrow.setAccessibleName(self.tr("Choose what to train"))
        self._set_words()
