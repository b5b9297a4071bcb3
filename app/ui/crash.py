"""What happens when the program itself is wrong: the work is kept, and the user sees and can copy the reason."""

from __future__ import annotations

import contextlib
import logging
import platform
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

import PySide6
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app import __version__
from app.ui import theme
from app.ui.widgets.cards import button, label

logger = logging.getLogger(__name__)


class CrashDialog(QDialog):
    """Shows a traceback and lets the user copy it, go on, or end the Studio in order."""

    def __init__(self, reason: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("crash")
        self.setModal(True)
        self.resize(720, 420)
        self.quit_chosen = False
        self._sentence = label(role="section", wrap=True)
        self._hint = label(role="muted", wrap=True)
        self._reason = QPlainTextEdit(f"{versions()}\n\n{reason}")
        self._reason.setObjectName("crashReason")
        self._reason.setReadOnly(True)
        self._reason.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._reason.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._copy = button("crashCopy", icon="copy")
        self._quit = button("crashQuit")
        self._go_on = button("crashContinue", "primary")
        self._copy.clicked.connect(self.copy)
        self._quit.clicked.connect(self._on_quit_clicked)
        self._go_on.clicked.connect(self.accept)
        self._go_on.setDefault(True)
        row = QHBoxLayout()
        row.addWidget(self._copy)
        row.addStretch(1)
        row.addWidget(self._quit)
        row.addWidget(self._go_on)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.AROUND, theme.AROUND, theme.AROUND)
        column.setSpacing(theme.BETWEEN)
        for widget in (self._sentence, self._hint, self._reason):
            column.addWidget(widget)
        column.setStretchFactor(self._reason, 1)
        column.addLayout(row)
        self._go_on.setFocus()
        self.retranslate()

    def retranslate(self) -> None:
        """Set the texts."""
        self.setWindowTitle(self.tr("Something went wrong"))
        self._sentence.setText(self.tr("Something went wrong inside the Studio."))
        self._hint.setText(
            self.tr(
                "Your design has been kept. You may go on; if things look odd, close the Studio and start it"
                " again. Please send the text below with a report."
            )
        )
        self._reason.setAccessibleName(self.tr("Reason of the failure"))
        self._copy.setText(self.tr("Copy"))
        self._quit.setText(self.tr("Close the Studio"))
        self._go_on.setText(self.tr("Go on"))

    def copy(self) -> None:
        """Put the text on the clipboard."""
        QGuiApplication.clipboard().setText(self._reason.toPlainText())

    def append(self, reason: str) -> None:
        """Add another failure to the text."""
        self._reason.appendPlainText(f"\n{reason}")

    def _on_quit_clicked(self) -> None:
        self.quit_chosen = True
        self.reject()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


class CrashGuard(QObject):
    """Catches what no one else caught, in every thread, and shows each failure once."""

    _caught = Signal(str)

    def __init__(self, keep: Callable[[], None], quit_: Callable[[], None], parent: QWidget) -> None:
        """Build the guard.

        Args:
            keep: Saves the user's work; called first.
            quit_: Ends the Studio in order; called when the user chooses to.
            parent: Window that the dialog belongs to.
        """
        super().__init__(parent)
        self._keep = keep
        self._quit = quit_
        self._window = parent
        self._seen: set[str] = set()
        self._dialog: CrashDialog | None = None
        self._caught.connect(self._on_caught, Qt.ConnectionType.QueuedConnection)

    def install(self) -> None:
        """Take over the hooks for uncaught exceptions of this process."""
        sys.excepthook = self.catch
        threading.excepthook = self._catch_in_thread

    def catch(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Handle an uncaught exception; an interrupt ends the Studio."""
        if issubclass(kind, KeyboardInterrupt):
            self._quit()
            return
        reason = "".join(traceback.format_exception(kind, error, trace))
        logger.error("uncaught exception\n%s", reason)
        self._caught.emit(reason)

    def _catch_in_thread(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self.catch(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def _on_caught(self, reason: str) -> None:
        if reason in self._seen:
            return
        self._seen.add(reason)
        with contextlib.suppress(Exception):
            self._keep()
        if self._dialog is not None:
            self._dialog.append(reason)
            return
        self._dialog = CrashDialog(reason, self._window)
        self._dialog.exec()
        quit_chosen = self._dialog.quit_chosen
        self._dialog.deleteLater()
        self._dialog = None
        if quit_chosen:
            self._quit()


def versions() -> str:
    """Return what a report needs to name: versions of the Studio, Python, Qt and the system."""
    return (
        f"Depthwise Studio {__version__}\n"
        f"Python {platform.python_version()}, PySide6 {PySide6.__version__}\n"
        f"{platform.platform()}"
    )
