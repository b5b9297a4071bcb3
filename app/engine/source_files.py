"""Sources that wait for their reader: a video file, a folder of pictures, the sample's clip."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP, Text
from app.engine.pictures import PICTURE_SUFFIXES, PictureError, read_picture
from app.engine.source_types import FALLBACK_FPS, Frame, Image

_FASTEST_FPS = 1000.0
_BREAKS_OFF = QT_TRANSLATE_NOOP("core", "{name} promises {promised} pictures and breaks off after {held}.")
_LEFT_OUT = QT_TRANSLATE_NOOP("core", "Left out {name}: {problem}")
_MEMORY_QUALITY = 95


def plausible_fps(value: float) -> float | None:
    """Return a rate that a source claims, or None where it claims nonsense (0, NaN, 90 000)."""
    return value if math.isfinite(value) and 0 < value <= _FASTEST_FPS else None


class VideoFile:
    """A video, decoded by OpenCV's FFmpeg picture by picture.

    A broken clip ends where it breaks: `frames` is then set to what was really there.

    Args:
        path: an existing file.

    Raises:
        AppError: the file holds no video that can be decoded.
    """

    live = False

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.notes: list[Text] = []
        # An absolute path cannot be taken for a protocol ("file:…"), nor FFmpeg replaced by a pattern reader.
        self._capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
        self._next = 0
        if not self._capture.isOpened():
            self._capture.release()
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{path} holds no video that can be read."),
                QT_TRANSLATE_NOOP(
                    "core", "Choose another file; MP4, AVI, MKV, MOV and WEBM files usually work."
                ),
                path=path,
            )
        self.fps = plausible_fps(self._capture.get(cv2.CAP_PROP_FPS))
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frames: int | None = int(count) if 0 < count < 1e9 else None

    def read(self) -> Frame | None:
        """Return the next picture, or None at the end or where the clip breaks off."""
        ok, image = self._capture.read()
        if not ok or image is None:
            self._note_end()
            return None
        frame = Frame(self._next, image, time.monotonic())
        self._next += 1
        return frame

    def seek(self, index: int) -> None:
        """Make `index` the next picture; one beyond the end leaves the source at its end."""
        index = max(index, 0)
        if index == self._next:
            return
        self._capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        self._next = round(self._capture.get(cv2.CAP_PROP_POS_FRAMES))
        while self._next < index and self._capture.grab():
            self._next += 1

    def close(self) -> None:
        """Release the file."""
        self._capture.release()

    def _note_end(self) -> None:
        if self._capture.isOpened() and self.frames != self._next:
            if self.frames is not None and self._next < self.frames:
                promised, held = str(self.frames), str(self._next)
                told = {"name": self.name, "promised": promised, "held": held}
                self.notes.append(Text(_BREAKS_OFF, told))
            self.frames = self._next


class PictureFolder:
    """The pictures of a folder in the order of their names, numbers by value (2 before 10).

    Pictures that cannot be read are left out, with a note.

    Args:
        path: a folder, or one picture.

    Raises:
        AppError: the folder holds no picture.
    """

    live = False
    fps: float | None = None

    def __init__(self, path: Path) -> None:
        self.name = path.name or str(path)
        self.notes: list[Text] = []
        self.paths = [path] if path.is_file() else _pictures(path)
        self.frames: int | None = len(self.paths)
        self._next = 0
        if not self.paths:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The folder {path} holds no pictures."),
                QT_TRANSLATE_NOOP("core", "Choose a folder with pictures in it: {endings}."),
                path=path,
                endings=", ".join(sorted(PICTURE_SUFFIXES)),
            )

    def read(self) -> Frame | None:
        """Return the next picture that can be read, or None at the end."""
        while self._next < len(self.paths):
            index, self._next = self._next, self._next + 1
            try:
                image = read_picture(self.paths[index])
            except PictureError as problem:
                note = Text(_LEFT_OUT, {"name": self.paths[index].name, "problem": problem.text})
                if note not in self.notes:
                    self.notes.append(note)
                continue
            return Frame(index, image, time.monotonic())
        return None

    def seek(self, index: int) -> None:
        """Make `index` the next picture."""
        self._next = max(index, 0)

    def close(self) -> None:
        """Do nothing: no file is open between two pictures."""


class PaintedClip:
    """A clip that is painted while it is played, and remembered as JPEGs, so that later rounds cost little.

    Every round shows the same pixels: the first one, too, is seen through its JPEGs.

    Args:
        name: what a person calls it.
        paint: makes the picture of an index, BGR uint8 H×W×3.
        fps: pictures a second.
        frames: how many pictures.
    """

    live = False

    def __init__(self, name: str, paint: Callable[[int], Image], fps: float, frames: int) -> None:
        self.name = name
        self.fps: float | None = fps
        self.frames: int | None = frames
        self.notes: list[Text] = []
        self._paint = paint
        self._count = frames
        self._jpegs: dict[int, Image] = {}
        self._next = 0

    def read(self) -> Frame | None:
        """Return the next picture, or None at the end."""
        index = self._next
        if index >= self._count:
            return None
        self._next += 1
        if index not in self._jpegs:
            quality = [cv2.IMWRITE_JPEG_QUALITY, _MEMORY_QUALITY]
            self._jpegs[index] = np.asarray(cv2.imencode(".jpg", self._paint(index), quality)[1], np.uint8)
        image = np.asarray(cv2.imdecode(self._jpegs[index], cv2.IMREAD_COLOR), np.uint8)
        return Frame(index, image, time.monotonic())

    def seek(self, index: int) -> None:
        """Make `index` the next picture."""
        self._next = max(index, 0)

    def close(self) -> None:
        """Forget the pictures."""
        self._jpegs.clear()


def pace(source_fps: float | None) -> float:
    """Return the seconds from one picture to the next."""
    return 1.0 / (source_fps or FALLBACK_FPS)


def _pictures(folder: Path) -> list[Path]:
    """List the pictures directly inside a folder, numbers in their names ordered by value."""
    found = [item for item in folder.iterdir() if item.suffix.lower() in PICTURE_SUFFIXES and item.is_file()]
    return sorted(found, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name
