"""Tells the desktop that something long is over, by each system's own means."""

from __future__ import annotations

import shutil
import sys

from PySide6.QtCore import QObject, QProcess, QTimer
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from app.ui import theme

_SHOWN_MS = 15_000
_ICON = "depthwise-studio"
_SERVICE, _PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"


class Notifier(QObject):
    """Shows notes outside the window, for a user who is not looking at it.

    On Linux the desktop's notification service is asked, through the programs that desktops bring for that, for Qt
    itself reaches it by a tray icon only and not every desktop has a tray. Elsewhere the tray icon is the way. Where
    there is neither, the note inside the window has to do.
    """

    def tell(self, title: str, text: str) -> None:
        """Show a note, unless the user looks at the Studio."""
        if QApplication.activeWindow() is not None:
            return
        command = _service_command(title, text) if sys.platform.startswith("linux") else None
        if command is None:
            self._tell_tray(title, text)
            return
        process = QProcess(self)
        process.finished.connect(lambda status: self._on_process_finished(process, status, title, text))
        process.errorOccurred.connect(lambda _error: self._tell_tray(title, text))
        process.start(command[0], command[1:])

    def _on_process_finished(self, process: QProcess, status: int, title: str, text: str) -> None:
        process.deleteLater()
        if status != 0:  # no such service runs
            self._tell_tray(title, text)

    def _tell_tray(self, title: str, text: str) -> None:
        if not QSystemTrayIcon.isSystemTrayAvailable() or not QSystemTrayIcon.supportsMessages():
            return
        icon = QSystemTrayIcon(theme.icon("studio", "accent"), self)
        icon.show()
        icon.showMessage(title, text, theme.icon("studio", "accent"), _SHOWN_MS)
        QTimer.singleShot(_SHOWN_MS, icon, icon.deleteLater)


def _service_command(title: str, text: str) -> list[str] | None:
    """Return what asks the notification service, None where no such program is installed.

    See https://specifications.freedesktop.org/notification-spec/latest/protocol.html.
    """
    name = QApplication.applicationDisplayName()
    send, call = shutil.which("notify-send"), shutil.which("gdbus")
    if send is not None:
        return [
            send,
            f"--app-name={name}",
            f"--icon={_ICON}",
            f"--expire-time={_SHOWN_MS}",
            "--",
            title,
            text,
        ]
    if call is not None:
        method = ["--session", "--timeout=2", f"--dest={_SERVICE}", f"--object-path={_PATH}"]
        arguments = [
            *map(_quoted, (name,)),
            "uint32 0",
            *map(_quoted, (_ICON, title, text)),
            "@as []",
            "@a{sv} {}",
        ]
        return [call, "call", *method, f"--method={_SERVICE}.Notify", *arguments, str(_SHOWN_MS)]
    return None


def _quoted(text: str) -> str:
    """Return a text as GVariant writes it."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ")
    return f"'{escaped}'"
