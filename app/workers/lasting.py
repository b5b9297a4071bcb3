"""A thread that lives until it has ended, whether or not anybody still holds it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, QThread, Slot

_running: set[LastingThread] = set()
"""Keeps what runs: when the last reference goes within the thread itself, Qt aborts the whole program."""


class LastingThread(QThread):
    """A QThread whose owner may forget it at any time after `start()`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.finished.connect(self._let_go, Qt.ConnectionType.QueuedConnection)

    def start(self, priority: QThread.Priority = QThread.Priority.InheritPriority) -> None:
        """Begin to run, and hold this object until the thread it was made in hears of the end."""
        _running.add(self)
        super().start(priority)

    @Slot()
    def _let_go(self) -> None:
        _running.discard(self)
