"""Tells a stream that has stopped, and sends its last picture again and again, from one that shows a still scene."""

from __future__ import annotations

from typing import Literal

import numpy as np

from app.engine.source_types import Frame, Image

SAME_S = 1.8
"""The very same picture for so long is no chance: sensors and encoders have noise. Noticed within 2 s at 5 a second."""

_SAME_PICTURES = 5
_MOVES = 10
_SHORT_S = 0.5
_SPARSE = 8

Verdict = Literal["moving", "stopped", "still"]


class StillWatch:
    """Watches the pictures of a source that was just opened.

    Only a source that moved can have stopped: ten pictures in a row must have differed, none of them shown for
    longer than 0.5 s. One that never moved is a still scene, a slide show or a slow camera, and opening it anew
    would not help.
    """

    def __init__(self) -> None:
        self._shown: Image | None = None
        self._since = 0.0
        self._count = 0
        self._moves = 0
        self._told = False

    def add(self, frame: Frame) -> Verdict:
        """Look at a picture; all but `moving` is said once for each picture that repeats."""
        if self._shown is None or not _same(frame.image, self._shown):
            short = self._count == 1 or frame.captured_at - self._since < _SHORT_S
            self._moves = self._moves + 1 if short else 0
            self._shown, self._since, self._count, self._told = frame.image, frame.captured_at, 0, False
        self._count += 1
        if self._told or self._count <= _SAME_PICTURES or frame.captured_at - self._since < SAME_S:
            return "moving"
        self._told = True
        return "stopped" if self._moves >= _MOVES else "still"


def _same(image: Image, shown: Image) -> bool:
    """Return whether two pictures are equal in every byte; most that are not differ in a few of their pixels."""
    return (
        image.shape == shown.shape
        and np.array_equal(image[::_SPARSE, ::_SPARSE], shown[::_SPARSE, ::_SPARSE])
        and np.array_equal(image, shown)
    )
