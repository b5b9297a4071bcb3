"""A training as the window sees it: the thread that follows its events."""

from __future__ import annotations

import contextlib
import threading
import time

from PySide6.QtCore import QObject, Signal

from app.core.processes import is_alive
from app.core.run_series import RunSeries
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.workers.lasting import LastingThread

POLL_S = 0.1
"""How often the events are looked at; signals are no more frequent."""

_CHECK_S = 1.0
_GRACE_S = 5.0


def end_training(run: RunFolder) -> None:
    """Kill the process of a run that does not stop when asked."""
    import psutil

    process = run.process()
    if process is None or not is_alive(process):
        return
    with contextlib.suppress(psutil.Error):
        psutil.Process(process.pid).kill()


class TrainingWorker(LastingThread):
    """Follows one run's events until it ends; for a run that is over it reads them once.

    The window pulls from `series`; the signals only say that there is something to pull.

    Args:
        run: The run to follow.
    """

    events_received = Signal(int)
    """How many events were added to `series`."""
    state_changed = Signal(object)
    """The `RunState` at the end, and whenever the process was found gone."""

    def __init__(self, run: RunFolder, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = run
        self.series = RunSeries()
        self._ended = threading.Event()

    def close(self) -> None:
        """Stop following; the training itself goes on."""
        self._ended.set()
        self.wait()

    def run(self) -> None:
        """Poll the events until the run is over or nobody wants to know any more."""
        tail = self.folder.tail()
        fresh = True
        checked = 0.0
        gone_since: float | None = None
        while not self._ended.is_set():
            events, restarted = tail.poll()
            if events or restarted:
                self.series.add(events, restarted or fresh)
                fresh = False
                self.events_received.emit(len(events))
            elif time.monotonic() - checked >= _CHECK_S:
                checked = time.monotonic()
                state = self.folder.state()
                gone_since = None if state.live else (gone_since or checked)
                if gone_since is not None and (self._settled(state) or checked - gone_since > _GRACE_S):
                    self.state_changed.emit(state)
                    return
            self._ended.wait(POLL_S)

    def _settled(self, state: RunState) -> bool:
        """Whether the run's final event was read, so that nothing more can come."""
        return state.status in ("finished", "stopped", "failed") and self.series.snapshot.ended
