"""A training of the window: a process of its own that may outlive the window, and the thread that follows it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

from app.core.errors import AppError
from app.core.processes import is_alive
from app.core.run_series import RunSeries
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP
from app.workers.launch import engine_command, engine_environment

POLL_S = 0.1
"""How often the events are looked at; signals are no more frequent."""

_CHECK_S = 1.0
_GRACE_S = 5.0


def start_training(runs: Sequence[RunFolder], resume: bool = False) -> None:
    """Start the process that trains these runs, one after the other.

    It has a session of its own, no pipe to the window, and writes what it prints into the first run's log.

    Args:
        runs: The first is trained now, the others wait.
        resume: Whether the first one goes on after its last checkpoint.

    Raises:
        AppError: The process cannot be started.
    """
    first, *later = runs
    request = {"run": str(first.path), "resume": resume, "then": [str(run.path) for run in later]}
    try:
        with first.log_path.open("ab") as log:
            process = subprocess.Popen(
                engine_command("train"),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=engine_environment(),
                **_detached(),
            )
        for run in runs:
            run.claim(process.pid)
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died at once: its log says why
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.close()
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The training could not be started: {reason}."),
            QT_TRANSLATE_NOOP("core", "See the log in the run folder."),
            reason=error,
        ) from error
    threading.Thread(target=process.wait, daemon=True, name="reap training").start()


def end_training(run: RunFolder) -> None:
    """Kill the process of a run that does not stop when asked."""
    import psutil

    process = run.process()
    if process is None or not is_alive(process):
        return
    with contextlib.suppress(psutil.Error):
        psutil.Process(process.pid).kill()


class TrainingWorker(QThread):
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


def _detached() -> dict[str, Any]:
    """Return the arguments of Popen that let a child outlive the window."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        return {"creationflags": flags}
    return {"start_new_session": True}
