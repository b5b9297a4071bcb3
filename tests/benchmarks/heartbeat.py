"""How late the window's event loop answers: a thread posts an event every 10 ms, each delivered, none coalesced."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent, QObject

PERIOD_S = 0.01
_BEAT = QEvent.Type(QEvent.registerEventType())


class _Beat(QEvent):
    def __init__(self) -> None:
        super().__init__(_BEAT)
        self.posted = time.perf_counter()


@dataclass(frozen=True)
class Delays:
    """How late the beats were, milliseconds."""

    count: int
    median: float
    p999: float
    maximum: float

    def __str__(self) -> str:
        late = f"median {self.median:.2f} ms, p99.9 {self.p999:.1f} ms, maximum {self.maximum:.1f} ms"
        return f"{late} ({self.count} beats)"


class Heartbeat(QObject):
    """Measures the thread that it lives in, between `start()` and `stop()`."""

    def __init__(self) -> None:
        super().__init__()
        self._delays: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def _beat(self) -> None:
        due = time.perf_counter()
        while not self._stop.is_set():
            QCoreApplication.postEvent(self, _Beat())
            due += PERIOD_S
            time.sleep(max(0.0, due - time.perf_counter()))

    def event(self, event: QEvent) -> bool:
        """Take a beat."""
        if isinstance(event, _Beat):
            self._delays.append((time.perf_counter() - event.posted) * 1e3)
            return True
        return super().event(event)

    def stop(self) -> Delays:
        """Stop beating and return how late the beats were."""
        self._stop.set()
        self._thread.join()
        values = sorted(self._delays)
        index = min(len(values) - 1, int(len(values) * 0.999))
        return Delays(len(values), statistics.median(values), values[index], values[-1])


def bare_loop(seconds: float) -> Delays:
    """Return the delays of a bare Qt window in this process."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication, QWidget

    application = QApplication.instance() or QApplication([])
    window = QWidget()
    window.resize(640, 400)
    window.show()
    heartbeat = Heartbeat()
    heartbeat.start()
    QTimer.singleShot(int(seconds * 1000), application.quit)
    application.exec()
    return heartbeat.stop()


if __name__ == "__main__":
    import json
    import sys

    print(json.dumps(bare_loop(float(sys.argv[1])).__dict__))
