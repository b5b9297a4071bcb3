"""The screen as a source: what stands on a monitor, as often as it can be fetched."""

from __future__ import annotations

import contextlib
import importlib.util
import time
from typing import Any

import numpy as np

from app.engine.source_types import Image

SCREEN_BACKEND = -77
"""Stands where OpenCV's number of a capture backend stands otherwise."""

_FASTEST_FPS = 30.0


class ScreenCapture:
    """A monitor with the methods of OpenCV's VideoCapture that a capture process uses.

    Args:
        number: of the monitor, from 1.
    """

    def __init__(self, number: int) -> None:
        self._due = 0.0
        self._grabber: Any = None
        self._area: Any = None
        with contextlib.suppress(*_refusals()):
            self._grabber = _grabber()
            monitors = self._grabber.monitors[1:]
            if 1 <= number <= len(monitors):
                self._area = monitors[number - 1]

    def isOpened(self) -> bool:
        """Return whether there is such a monitor, and it may be looked at."""
        return self._grabber is not None and self._area is not None

    def read(self) -> tuple[bool, Image | None]:
        """Return the next picture, H×W×3 BGR, at most 30 a second."""
        time.sleep(max(self._due - time.monotonic(), 0))
        self._due = time.monotonic() + 1 / _FASTEST_FPS
        try:
            shot = self._grabber.grab(self._area)
        except _refusals():  # the monitor is gone, or the session locked
            return False, None
        pixels = np.frombuffer(shot.raw, np.uint8).reshape(shot.height, shot.width, 4)
        return True, np.ascontiguousarray(pixels[:, :, :3])

    def get(self, _property: int) -> float:
        """Return 0: a screen promises neither a rate nor a length."""
        return 0.0

    def release(self) -> None:
        """Let go of the screen."""
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None


def count_screens() -> int:
    """Return how many monitors can be looked at; 0 where the system does not let programs do so."""
    with contextlib.suppress(*_refusals()), _grabber() as grabber:
        return max(len(grabber.monitors) - 1, 0)
    return 0


def _grabber() -> Any:
    import mss

    return mss.MSS()


def _refusals() -> tuple[type[Exception], ...]:
    """Return what looking at a screen fails with: not installed, no display, not allowed, no such library."""
    if importlib.util.find_spec("mss") is None:
        return (ImportError,)
    from mss.exception import ScreenShotError

    return (ScreenShotError, OSError, AttributeError, ValueError)
