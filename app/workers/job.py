"""One job of the engine: a thread that owns a child process, relays its events, and can end it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.workers.lasting import LastingThread
from app.workers.launch import start_engine

GRACE_S = 3.0
"""Seconds that a cancelled child has to end by itself before it is killed."""


class EngineJob(LastingThread):
    """Runs one engine job; start it with `start()`.

    Exactly one of `done`, `failed` and `was_cancelled` is emitted, and then QThread's `finished`.
    """

    event_received = Signal(dict)
    progressed = Signal(float, str)
    done = Signal(dict)
    failed = Signal(object)
    was_cancelled = Signal()

    def __init__(
        self,
        job: str,
        request: Mapping[str, Any] | None = None,
        parent: QObject | None = None,
        *,
        nice: int = 10,
    ) -> None:
        super().__init__(parent)
        self.job = job
        self._request = dict(request or {})
        self._nice = nice
        self._process: subprocess.Popen[str] | None = None
        self._cancelled = threading.Event()
        self._lock = threading.Lock()
        self._log: deque[str] = deque(maxlen=400)
        self.traceback = ""

    @property
    def log(self) -> str:
        """The last lines that the child wrote to standard error."""
        return "".join(self._log)

    def send(self, command: Mapping[str, Any]) -> bool:
        """Send a command; return whether the child was there to take it."""
        with self._lock:
            process = self._process
            if process is None or process.stdin is None or process.poll() is not None:
                return False
            try:
                process.stdin.write(json.dumps(command) + "\n")
                process.stdin.flush()
            except (BrokenPipeError, OSError, ValueError):
                return False
        return True

    def cancel(self) -> None:
        """Ask the child to end, and make sure that it does; returns at once."""
        if self._cancelled.is_set():
            return
        self._cancelled.set()
        self._end_soon()

    def close(self) -> None:
        """Cancel and wait until child and thread are gone."""
        self.cancel()
        self._end()
        self.wait()

    def _end_soon(self) -> None:
        """Tell the child, and watch from a thread that it ends; does nothing where there is no child yet."""
        self.send({"command": "cancel"})
        threading.Thread(target=self._end, daemon=True, name=f"end {self.job}").start()

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()

    def run(self) -> None:
        """Start the child and relay its events until it ends."""
        if self._cancelled.is_set():
            self.was_cancelled.emit()
            return
        try:
            process = start_engine(self.job, self._nice)
        except OSError as error:
            self.failed.emit(
                AppError(
                    QT_TRANSLATE_NOOP("core", "The engine could not be started: {reason}."),
                    QT_TRANSLATE_NOOP("core", "Install the Studio again."),
                    reason=error,
                )
            )
            return
        with self._lock:
            self._process = process
        reader = threading.Thread(target=self._read_log, args=(process,), daemon=True)
        reader.start()
        self.send(self._request)
        if self._cancelled.is_set():  # while the child was started: it could not be ended then
            self._end_soon()
        outcome = self._relay(process)
        process.wait()
        reader.join(1.0)
        with self._lock:
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    _close(stream)
        self._conclude(outcome, process.returncode)

    def _relay(self, process: subprocess.Popen[str]) -> dict[str, Any] | None:
        """Emit every event but the last one, and return that."""
        outcome: dict[str, Any] | None = None
        assert process.stdout is not None
        for line in process.stdout:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                self._log.append(line)
                continue
            name = event.get("event")
            if name in {"done", "error"}:
                outcome = event
            elif name == "progress":
                self.progressed.emit(float(event["fraction"]), str(event["text"]))
            else:
                self.event_received.emit(event)
        return outcome

    def _read_log(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self._log.append(line)

    def _conclude(self, outcome: dict[str, Any] | None, status: int) -> None:
        if outcome is not None and outcome["event"] == "done" and not self._cancelled.is_set():
            self.done.emit(outcome["result"])
        elif self._cancelled.is_set():
            self.was_cancelled.emit()
        elif outcome is not None:
            self.traceback = str(outcome.get("traceback", ""))
            self.failed.emit(AppError.from_dict(outcome))
        else:
            self.failed.emit(_died(status, self.log))


def _died(status: int, log: str) -> AppError:
    last = next((line for line in reversed(log.splitlines()) if line.strip()), "no output")
    if status == -9:
        return AppError(
            QT_TRANSLATE_NOOP("core", "The engine was ended by the system, most likely for want of memory."),
            QT_TRANSLATE_NOOP("core", "Close other programs."),
        )
    return AppError(
        QT_TRANSLATE_NOOP("core", "The engine ended unexpectedly (status {status}): {line}."),
        QT_TRANSLATE_NOOP("core", "Try again; see the log."),
        status=status,
        line=last[:200],
    )


def _close(stream: Any) -> None:
    try:
        stream.close()
    except (BrokenPipeError, OSError):
        return
