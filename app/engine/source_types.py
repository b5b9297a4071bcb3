"""What every source of pictures has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.core.errors import AppError
from app.core.text import Text

Image = npt.NDArray[np.uint8]
"""BGR, H×W×3."""

FALLBACK_FPS = 25.0
"""Pace of a file that does not say how fast it is meant to be played."""


def mirrored(image: Image) -> Image:
    """Return a picture as a mirror shows it, H×W×3."""
    import cv2

    return np.asarray(cv2.flip(image, 1), np.uint8)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a source.

    Attributes:
        index: position in the source, from 0; live sources count every picture they captured.
        image: BGR uint8, H×W×3; nobody else writes to it.
        captured_at: `time.monotonic()` in seconds when it was captured or decoded.
    """

    index: int
    image: Image
    captured_at: float


class SourceLostError(AppError):
    """A live source that gave pictures gives none any more; it may come back."""


class Source(Protocol):
    """A camera, a stream, a video, a folder of pictures or the sample.

    Attributes:
        name: what a person calls it; free of passwords.
        live: whether it runs on its own, so that pictures not taken in time are gone.
        fps: pictures a second, where the source says so.
        frames: how many pictures it has; a promise that a broken file may not keep.
        notes: what a person should know about it, such as pictures that were left out.
    """

    name: str
    live: bool
    fps: float | None
    frames: int | None
    notes: list[Text]

    def read(self) -> Frame | None:
        """Return the next picture, or None at the end.

        Raises:
            SourceLostError: a live source gave no picture for 1.5 s, or was closed by its other side.
        """

    def seek(self, index: int) -> None:
        """Make `index` the next picture; beyond the end the next read returns None. Live: nothing happens."""

    def close(self) -> None:
        """Release the device or file; may be called again."""
