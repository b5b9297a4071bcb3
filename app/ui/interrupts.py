"""Ctrl+C in the terminal and a polite kill end the Studio in order, at once."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier


class Interrupts(QObject):
    """Wakes Qt's event loop when the process gets SIGINT or SIGTERM."""

    def __init__(self, on_signal: Callable[[], None], parent: QObject) -> None:
        """Install the handlers.

        Args:
            on_signal: Called in the event loop after a signal.
            parent: Owner; the application.
        """
        super().__init__(parent)
        self._on_signal = on_signal
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        self._read.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: None)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_notifier_activated)

    def _on_notifier_activated(self) -> None:
        self._read.recv(64)
        self._on_signal()
