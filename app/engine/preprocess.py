"""From a picture to what a detector takes: letterbox with grey borders, RGB, 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture as OpenCV gives it: H×W×3, BGR."""

Batch = NDArray[np.float32]
"""Network input, 1×3×H×W, RGB, 0 to 1."""

GREY = 114
"""Value of the borders that ultralytics trains with."""


@dataclass(frozen=True)
class Letterbox:
    """How a picture of `source` size is laid into a network input of `shape`; sizes are (height, width)."""

    source: tuple[int, int]
    shape: tuple[int, int]
    resized: tuple[int, int]
    top: int
    left: int

    def to_source(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return `xyxy` boxes of the network input in pixels of the picture, clipped to it."""
        height, width = self.source
        scale = np.array([width / self.resized[1], height / self.resized[0]] * 2, dtype=np.float32)
        offset = np.array([self.left, self.top] * 2, dtype=np.float32)
        limit = np.array([width, height] * 2, dtype=np.float32)
        moved: NDArray[np.float32] = np.clip((boxes - offset) * scale, 0, limit)
        return moved


@lru_cache(maxsize=64)
def plan(source: tuple[int, int], imgsz: int, stride: int = 32) -> Letterbox:
    """Return the smallest letterbox whose sides are multiples of `stride`, as stock predict on a `.pt` does.

    Args:
        source: Height and width of the picture in pixels.
        imgsz: Longer side of the network input in pixels.
        stride: Largest stride of the model in pixels.
    """
    imgsz = _up(imgsz, stride)
    ratio = min(imgsz / source[0], imgsz / source[1])
    resized = (max(round(source[0] * ratio), 1), max(round(source[1] * ratio), 1))
    return _centred(source, (_up(resized[0], stride), _up(resized[1], stride)), resized)


@lru_cache(maxsize=64)
def fit(source: tuple[int, int], shape: tuple[int, int]) -> Letterbox:
    """Return the letterbox of a picture in a network input of fixed `shape` (height, width)."""
    ratio = min(shape[0] / source[0], shape[1] / source[1])
    return _centred(source, shape, (max(round(source[0] * ratio), 1), max(round(source[1] * ratio), 1)))


def _centred(source: tuple[int, int], shape: tuple[int, int], resized: tuple[int, int]) -> Letterbox:
    # Half pixels go to the bottom and the right, as in ultralytics.
    top, left = (round((shape[i] - resized[i]) / 2 - 0.1) for i in (0, 1))
    return Letterbox(source, shape, resized, top, left)


def _up(size: int, stride: int) -> int:
    return -(-size // stride) * stride


_SHARES: NDArray[np.float32] = np.arange(256, dtype=np.float32) / np.float32(255)
"""Byte → share of full brightness; looking it up is exact, and faster than dividing."""


def prepare(image: Image, letterbox: Letterbox, out: Batch | None = None) -> Batch:
    """Return the network input of a picture.

    Args:
        image: H×W×3, BGR.
        letterbox: From `plan` or `fit` for this picture's size.
        out: Array to write to, of the right shape; a new one where None.
    """
    return Preparer().prepare(image, letterbox, out)


class Preparer:
    """Prepares picture after picture in the same memory: fresh pages cost more than the arithmetic."""

    def __init__(self) -> None:
        self._small = np.empty((0, 0, 3), np.uint8)
        self._planes: list[Any] = []

    def prepare(self, image: Image, letterbox: Letterbox, out: Batch | None = None) -> Batch:
        """Return the network input of a picture, as the function `prepare` does."""
        if out is None:
            out = np.empty((1, 3, *letterbox.shape), dtype=np.float32)
        rows, columns = letterbox.resized
        if self._small.shape[:2] != (rows, columns):
            self._small = np.empty((rows, columns, 3), np.uint8)
            self._planes = [np.empty((rows, columns), np.uint8) for _ in range(3)]
        if image.shape[:2] != (rows, columns):
            image = cv2.resize(image, (columns, rows), dst=self._small, interpolation=cv2.INTER_LINEAR)
        top, left = letterbox.top, letterbox.left
        _fill_borders(out[0], top, left, top + rows, left + columns)
        inner = out[0, :, top : top + rows, left : left + columns]
        # Planes first: contiguous bytes are several times as fast as an interleaved picture.
        planes = cv2.split(image, self._planes)
        for channel, plane in enumerate(reversed(planes)):
            cv2.LUT(plane, _SHARES, dst=inner[channel])
        return out


def _fill_borders(planes: NDArray[np.float32], top: int, left: int, bottom: int, right: int) -> None:
    """Make everything around the picture grey."""
    for border in (
        planes[:, :top],
        planes[:, bottom:],
        planes[:, top:bottom, :left],
        planes[:, top:bottom, right:],
    ):
        if border.size:
            border[...] = _SHARES[GREY]
