"""A ring of pictures in a file that one process writes and another maps: no copy through a pipe.

Layout, little endian, every part at a multiple of 64 bytes:

- header: magic `DWRING01`, number of slots (u32), zero (u32), bytes of a slot (u64);
- slot: sequence number (u64), width, height, stride in bytes (u32 each), then from byte 64 on the rows, BGR.

There is one writer. It sets a slot's sequence number to 0, writes the picture, then sets the new number.
A reader that finds the number it was told of before *and* after copying has a whole picture.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"DWRING01"
SLOTS = 4

_HEADER = struct.Struct("<8sIIQ")
_SEQUENCE = struct.Struct("<Q")
_SIZE = struct.Struct("<III")
_ALIGNMENT = 64


@dataclass(frozen=True)
class Picture:
    """A copy of a picture: rows of `stride` bytes, BGR, 8 bits each."""

    width: int
    height: int
    stride: int
    pixels: bytes


class RingWriter:
    """Creates a ring file and writes pictures to it.

    Args:
        path: File to create; one that exists is replaced.
        capacity: Bytes of the largest picture.
        slots: Pictures that stay readable; the reader must be quicker than this many.
    """

    def __init__(self, path: Path, capacity: int, slots: int = SLOTS) -> None:
        self.path = path
        self.capacity = capacity
        self._slots = slots
        self._slot_bytes = _aligned(_ALIGNMENT + capacity)
        size = _ALIGNMENT + slots * self._slot_bytes
        path.unlink(missing_ok=True)
        with path.open("xb") as file:
            file.truncate(size)
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), size)
        _HEADER.pack_into(self._map, 0, MAGIC, slots, 0, self._slot_bytes)
        self._sequence = 0

    def write(self, pixels: bytes | memoryview, width: int, height: int, stride: int) -> tuple[int, int]:
        """Write a picture; return its slot and its sequence number.

        Args:
            pixels: `height` rows of `stride` bytes.
            width: In pixels.
            height: In pixels.
            stride: Bytes from row to row.

        Raises:
            ValueError: The picture is larger than the ring was made for.
        """
        length = stride * height
        if length > self.capacity:
            raise ValueError(f"a picture of {length} bytes in a ring for {self.capacity}")
        self._sequence += 1
        slot = self._sequence % self._slots
        start = _ALIGNMENT + slot * self._slot_bytes
        _SEQUENCE.pack_into(self._map, start, 0)
        _SIZE.pack_into(self._map, start + _SEQUENCE.size, width, height, stride)
        body = start + _ALIGNMENT
        self._map[body : body + length] = memoryview(pixels).cast("B")[:length]
        _SEQUENCE.pack_into(self._map, start, self._sequence)
        return slot, self._sequence

    def close(self) -> None:
        """Unmap and delete the file; may be called again."""
        if not self._map.closed:
            self._map.close()
            self.path.unlink(missing_ok=True)


class RingReader:
    """Maps a ring file and copies pictures out of it.

    Raises:
        OSError: The file cannot be opened.
        ValueError: It is no ring.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if len(self._map) < _ALIGNMENT or _HEADER.unpack_from(self._map)[0] != MAGIC:
            self._map.close()
            raise ValueError(f"{path} is no ring of pictures")
        _, self._slots, _, self._slot_bytes = _HEADER.unpack_from(self._map)

    def read(self, slot: int, sequence: int) -> Picture | None:
        """Return a copy of the picture with this number, or None where it has been overwritten meanwhile."""
        if not 0 <= slot < self._slots or sequence <= 0:
            return None
        start = _ALIGNMENT + slot * self._slot_bytes
        if self._number(start) != sequence:
            return None
        width, height, stride = _SIZE.unpack_from(self._map, start + _SEQUENCE.size)
        body, length = start + _ALIGNMENT, stride * height
        if length > self._slot_bytes - _ALIGNMENT or width * 3 > stride:
            return None
        pixels = self._map[body : body + length]
        return Picture(width, height, stride, pixels) if self._number(start) == sequence else None

    def _number(self, start: int) -> int:
        number: int = _SEQUENCE.unpack_from(self._map, start)[0]
        return number

    def close(self) -> None:
        """Unmap the file; may be called again."""
        self._map.close()


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
