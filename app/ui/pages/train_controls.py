"""The buttons of a run that trains: pause and continue, and the ways to stop it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.ui import theme
from app.ui.calls import calling
from app.ui.widgets.cards import button
from app.workers.training import end_training

AFTER_EPOCH, NOW, ALL = "stop_after_epoch", "stop_now", "stop_all"


class RunControls(QObject):
    """Two buttons in the status line, and the same as actions for the menu bar."""

    asked = Signal(str, str)
    """Name of a run, and what was asked of it: "pause", "continue", or one of the ways to stop."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._run: RunFolder | None = None
        self._state: RunState | None = None
        self._asked = ""
        self._waiting = 0
        self._known: tuple[object, ...] = ()
        self.pause = button("runPause", icon="pause")
        self.stop = QPushButton()
        self.stop.setObjectName("runStop")
        self.stop.setProperty("menu", "true")
        self.stop.setIcon(theme.icon("stop"))
        self._menu = QMenu(self.stop)
        self._menu.setToolTipsVisible(True)
        self.stop.setMenu(self._menu)
        self.toggle = self._action(self._toggle_pause, "Ctrl+Shift+P")
        self._stops = {
            AFTER_EPOCH: self._action(calling(self._ask, AFTER_EPOCH), "Ctrl+."),
            NOW: self._action(calling(self._ask, NOW)),
            ALL: self._action(calling(self._ask, ALL)),
        }
        self.kill = self._action(self._end_process)
        self._menu.addActions([*self._stops.values(), self.kill])
        self.pause.clicked.connect(self._toggle_pause)
        self.show_run(None, None, 0)

    def _action(self, act: object, shortcut: str = "") -> QAction:
        action = QAction(self)
        action.triggered.connect(act)
        if shortcut:
            action.setShortcut(QKeySequence(shortcut))
        return action

    @property
    def menu_actions(self) -> list[QAction]:
        """Every action, for the menu bar."""
        return [self.toggle, *self._stops.values()]

    def show_run(
        self, run: RunFolder | None, state: RunState | None, waiting: int, beside: bool = True
    ) -> None:
        """Show what can be asked of a run.

        Args:
            run: The selected run where it trains, else another that trains; None where none does.
            state: How it stands.
            waiting: How many runs wait in the queue.
            beside: Whether the buttons stand beside the words on this run; otherwise only keys and menu act on it.
        """
        asked = (run.requested() or "") if run is not None else ""
        known = (run, state is not None and state.paused, asked, waiting, beside)
        if known == self._known:
            return
        self._known = known
        self._run, self._state, self._asked, self._waiting = run, state, asked, waiting
        live = run is not None
        self.pause.setVisible(live and beside)
        self.stop.setVisible(live and beside)
        for action in self.menu_actions:
            action.setEnabled(live)
        self.toggle.setEnabled(live and asked in ("", "pause"))
        self.pause.setEnabled(self.toggle.isEnabled())
        self._stops[ALL].setVisible(waiting > 0)
        self.kill.setVisible(asked == NOW)
        self._set_words()

    @property
    def _resting(self) -> bool:
        return self._asked == "pause" or (self._state is not None and self._state.paused)

    def _toggle_pause(self) -> None:
        self._ask("continue" if self._resting else "pause")

    def _ask(self, command: str) -> None:
        run = self._run
        if run is None:
            return
        if command == "continue":
            run.continue_()
        else:
            run.request(NOW if command == ALL else command)
        self.asked.emit(run.name, command)

    def _end_process(self) -> None:
        if self._run is not None:
            end_training(self._run)

    def _set_words(self) -> None:
        resting = self._resting
        self.pause.setText(self.tr("Continue") if resting else self.tr("Pause"))
        self.pause.setIcon(theme.icon("play" if resting else "pause"))
        self.toggle.setText(self.tr("Continue training") if resting else self.tr("Pause training"))
        self.pause.setToolTip(
            self.tr("Goes on with the next batch")
            if resting
            else self.tr("Lies still after this batch and keeps its memory; the processor is free meanwhile")
        )

    def retranslate(self) -> None:
        """Set the texts."""
        self.stop.setText(self.tr("Stop"))
        self._stops[AFTER_EPOCH].setText(self.tr("Stop after this epoch"))
        self._stops[NOW].setText(self.tr("Stop now"))
        self._stops[ALL].setText(self.tr("Stop now, and begin nothing more"))
        self.kill.setText(self.tr("End its process"))
        self.kill.setToolTip(
            self.tr("For a training that does not stop when asked; its last complete epoch is kept")
        )
        self._set_words()
