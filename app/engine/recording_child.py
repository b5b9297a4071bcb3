"""The process that draws and encodes a recording; it has the processor when nobody else wants it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections import deque
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import AppError
from app.core.frames import RingReader
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.recording_picture import Composer, Layout, Side

_NEWS_S = 1.0
_WINDOW = 300
_NICEST = 19


def serve(path: Path, sides: tuple[Side, Side], folder: Path, orders: Connection, news: Connection) -> None:
    """Record until told to stop, or until whoever gave the orders is gone (the child's main function)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _step_back()
    recording = _Recording(path, sides, news)
    try:
        with contextlib.suppress(EOFError):
            while recording.obey(orders.recv()):
                pass
        state, found = recording.finish()
    except (AppError, OSError) as problem:
        state, found = recording.fail(problem)
    finally:
        recording.close()
    with contextlib.suppress(BrokenPipeError, OSError):
        news.send((state, found))
        return
    shutil.rmtree(folder, ignore_errors=True)  # nobody else is left to do it


def _step_back() -> None:
    """Take the processor only where it is idle; the comparison goes first."""
    if hasattr(os, "nice"):
        os.nice(_NICEST)
        if hasattr(os, "SCHED_IDLE"):  # of Linux: gives way at once, which a high nice level does not
            with contextlib.suppress(OSError):
                os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        import psutil

        psutil.Process().nice(getattr(psutil, "IDLE_PRIORITY_CLASS"))  # noqa: B009 - of Windows alone


class _Recording:
    """What has been recorded so far."""

    def __init__(self, path: Path, sides: tuple[Side, Side], news: Connection) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._path, self._sides, self._news = path, sides, news
        self._ring: RingReader | None = None
        self._composer: Composer | None = None
        self._file: Any = None
        self._times: deque[Any] = deque(maxlen=_WINDOW)
        self._told, self._cost_s = 0.0, 0.0

    def obey(self, order: tuple[Any, ...]) -> bool:
        """Do what an order says; return whether to go on."""
        if order[0] == "ring":
            if self._ring is not None:
                self._ring.close()
            self._ring = RingReader(order[1])
        elif order[0] == "picture":
            self._add(*order[1:])
        return order[0] != "stop"

    def _add(
        self, slot: int, sequence: int, seconds: float, boxes: Any, times: Any, counts: dict[str, int]
    ) -> None:
        self._times.extend(times.tolist())
        picture = self._ring.read(slot, sequence) if self._ring is not None else None
        self._news.send(("taken", self._cost_s))
        before = time.process_time()
        if picture is None:
            return
        pixels = np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 3)
        if self._composer is None:
            from app.engine.recording_file import Mp4File

            self._composer = Composer(Layout.of(picture.width, picture.height), self._sides)
            self._file = Mp4File(self._path, *self._composer.layout.size)
        rows = (boxes[0].tolist(), boxes[1].tolist())
        self._file.add(self._composer.draw(pixels, rows, self._times, counts), seconds)
        self._cost_s = time.process_time() - before
        if time.monotonic() - self._told >= _NEWS_S:
            self._told = time.monotonic()
            self._news.send(("recording", self._figures()))

    def _figures(self) -> dict[str, Any]:
        with contextlib.suppress(OSError):
            size = self._path.stat().st_size
            return {"seconds": self._file.seconds, "frames": self._file.frames, "bytes": size}
        return {"seconds": 0.0, "frames": 0, "bytes": 0}

    def finish(self) -> tuple[str, dict[str, Any]]:
        """Complete the file; return the state and what to tell about it.

        Raises:
            AppError: nothing was recorded.
            OSError: the file cannot be written.
        """
        if self._file is None:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "There was no picture to record."),
                QT_TRANSLATE_NOOP("core", "Play, then record."),
            )
        self._file.finish()
        return "finished", self._figures()

    def fail(self, problem: AppError | OSError) -> tuple[str, dict[str, Any]]:
        """Let go of the file; return the state and what to tell."""
        if self._file is not None:
            self._file.abandon()
        found = self._figures() if self._file is not None else {"seconds": 0.0, "frames": 0, "bytes": 0}
        if isinstance(problem, OSError):
            problem = AppError(
                QT_TRANSLATE_NOOP("core", "The recording {path} cannot be written: {reason}."),
                QT_TRANSLATE_NOOP(
                    "core", "Free some space, or choose another folder. What was written can be played."
                ),
                path=self._path,
                reason=problem.strerror or problem,
            )
        return "failed", {**found, **problem.as_dict()}

    def close(self) -> None:
        """Unmap the pictures."""
        if self._ring is not None:
            self._ring.close()
