"""Python's cycles are collected in the window's own thread: anywhere else Qt objects would be destroyed there."""

from __future__ import annotations

import gc

from PySide6.QtCore import QCoreApplication, QObject, QTimer

_EVERY_MS = 500


class Collector(QObject):
    """Collects cyclic garbage from the event loop of the thread it lives in, instead of wherever Python happens to be.

    A worker thread that collects may destroy a widget: it takes a lock of Qt's and waits for Python's, while the
    window's thread holds Python's and waits for Qt's, and both stand still for ever.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        timer = QTimer(self)
        timer.timeout.connect(self._on_timeout)
        timer.start(_EVERY_MS)

    def _on_timeout(self) -> None:
        if gc.isenabled():
            return
        counts, thresholds = gc.get_count(), gc.get_threshold()
        due = [generation for generation in (2, 1, 0) if counts[generation] > thresholds[generation] > 0]
        if due:
            gc.collect(due[0])


def collect_here(application: QCoreApplication) -> None:
    """Stop Python from collecting by itself, and collect in the application's thread."""
    if application.findChild(Collector) is None:
        Collector(application)
    gc.disable()
