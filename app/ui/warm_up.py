"""What a new Studio does once, when nobody waits for it: find out which runtime is the fastest here."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Slot

from app.core.folders import cache_folder
from app.ui.pages.compare_menus import sample_weights
from app.ui.tasks import Tasks
from app.workers.job import EngineJob

DELAY_MS = 5000
"""Time after the window is up: the user's first steps go first."""

_NICE = 19


class WarmUp(QObject):
    """Measures the runtimes in the background, once per machine; converts the sample's detectors on the way."""

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timer_timeout)

    def start(self, delay_ms: int = DELAY_MS) -> None:
        """Begin after a while, where that has not been done and nothing else runs then."""
        self._timer.start(delay_ms)

    @staticmethod
    def needed() -> bool:
        """Return whether the runtimes have not been measured yet, and can be."""
        sample = all(sample_weights(side).is_file() for side in ("standard", "lightweight"))
        return sample and not (cache_folder() / "runtimes.json").is_file()

    @Slot()
    def _on_timer_timeout(self) -> None:
        if self.needed() and not self._tasks.running:
            job = EngineJob("runtimes", {}, nice=_NICE)
            self._tasks.start(lambda: self.tr("Finding the fastest runtime"), job)
