"""Pictures on their way to the window: a ring file, replaced by a larger one where pictures grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from app.core.frames import RingWriter
from app.engine.live_request import Channel
from app.engine.source_types import Frame


class Screen:
    """Writes pictures where the window finds them.

    Args:
        path: first ring file; later ones have other names beside it.
        channel: told of every new ring.
    """

    def __init__(self, path: Path, channel: Channel) -> None:
        self._path, self._channel = path, channel
        self._ring: RingWriter | None = None
        self._rings = 0

    def place(self, frame: Frame) -> dict[str, Any]:
        """Write a picture, and return where it is and what it is."""
        image = np.ascontiguousarray(frame.image)
        height, width = image.shape[:2]
        if self._ring is None or self._ring.capacity < image.nbytes:
            self._ring = self._next(image.nbytes)
        slot, sequence = self._ring.write(image.data, width, height, width * 3)
        return {
            "slot": slot,
            "sequence": sequence,
            "index": frame.index,
            "captured_at": frame.captured_at,
            "width": width,
            "height": height,
        }

    def _next(self, capacity: int) -> RingWriter:
        self.close()
        path = self._path.with_name(f"{self._path.name}.{self._rings}") if self._rings else self._path
        self._rings += 1
        ring = RingWriter(path, capacity)
        self._channel.emit({"event": "ring", "path": str(path)})
        return ring

    def close(self) -> None:
        """Let go of the file."""
        if self._ring is not None:
            self._ring.close()
            self._ring = None
