"""The owner's end of a part of a bench: a child process with a time limit, whose death is a reason, not an end."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from app.core.errors import AppError
from app.core.folders import door
from app.core.text import QT_TRANSLATE_NOOP

LIMIT_S = 1800.0
"""How long a part may say nothing."""

_POLL_S = 0.2
_GRACE_S = 2.0


class BenchCancelledError(AppError):
    """The bench was called off."""


class Child:
    """A process that does one part; a context manager, at whose end it is gone.

    Args:
        request: as `bench_child.run` takes it.
        cancelled: asked while waiting.
        limit_s: how long it may say nothing.
    """

    def __init__(
        self, request: Mapping[str, Any], cancelled: Callable[[], bool], limit_s: float = LIMIT_S
    ) -> None:
        self._cancelled = cancelled
        self._limit_s = limit_s
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `end` closes it
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [*door("-X", "faulthandler"), "--engine", "bench.cell"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
            errors="replace",
            **_own_group(),
        )
        self._reader = threading.Thread(target=self._read, daemon=True, name="bench cell")
        self._reader.start()
        self.send(request)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def send(self, command: Mapping[str, Any]) -> None:
        """Send a line; one who is dead is found out when it is listened to."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            return

    def next(self, name: str) -> dict[str, Any]:
        """Return its next event of that name; others are passed over.

        Raises:
            AppError: it refused, died, or said nothing for too long.
            BenchCancelledError: it was called off.
        """
        end = time.monotonic() + self._limit_s
        while True:
            if self._cancelled():
                raise BenchCancelledError(QT_TRANSLATE_NOOP("core", "The bench was cancelled."))
            try:
                event = self._events.get(timeout=_POLL_S)
            except queue.Empty:
                if time.monotonic() > end:
                    self.end(0.0)
                    raise AppError(
                        QT_TRANSLATE_NOOP("core", "It said nothing for {minutes} minutes and was ended."),
                        QT_TRANSLATE_NOOP("core", "Try it alone, with a smaller picture size."),
                        minutes=round(self._limit_s / 60),
                    ) from None
                continue
            if event is None:
                raise self._died()
            end = time.monotonic() + self._limit_s
            if event.get("event") == name:
                return event
            if event.get("event") == "error":
                raise AppError.from_dict(event)

    def result(self) -> dict[str, Any]:
        """Return what it found; raises as `next` does."""
        found: dict[str, Any] = self.next("done")["result"]
        return found

    def end(self, grace_s: float = _GRACE_S) -> None:
        """Let it end, and make sure that it does."""
        process = self._process
        for stream in (process.stdin,):
            if stream is not None:
                _close(stream)
        try:
            process.wait(grace_s if process.poll() is None else 0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join()
        assert process.stdout is not None
        _close(process.stdout)
        self._log.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(event, dict):
                self._events.put(event)
        self._events.put(None)

    def _died(self) -> AppError:
        status = self._process.wait()
        self._log.seek(0)
        lines = self._log.read()[-4000:].decode("utf-8", "replace").splitlines()
        last = next((line for line in reversed(lines) if line.strip()), "no output")
        if status == -9:
            return AppError(
                QT_TRANSLATE_NOOP(
                    "core", "Its process was ended by the system, most likely for want of memory."
                ),
                QT_TRANSLATE_NOOP("core", "Close other programs."),
            )
        return AppError(
            QT_TRANSLATE_NOOP("core", "Its process died (status {status}): {line}."),
            QT_TRANSLATE_NOOP("core", "The others go on; measure it alone to see more."),
            status=status,
            line=last.strip()[:200].rstrip("."),
        )


def part(request: Mapping[str, Any], cancelled: Callable[[], bool]) -> dict[str, Any]:
    """Do one part that needs no commands, and return what it found.

    Raises:
        AppError: as `Child.next`.
    """
    with Child(request, cancelled) as child:
        return child.result()


def _own_group() -> dict[str, Any]:
    """Return the arguments of Popen that keep a signal to the owner from reaching the child."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _close(stream: IO[Any]) -> None:
    try:
        stream.close()
    except OSError:
        return
