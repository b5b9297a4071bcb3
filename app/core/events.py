"""Events of a run: one JSON object a line, appended by the training, read by everyone else."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from app.core.files import replacing

Event = dict[str, Any]

FINAL = ("finished", "stopped", "failed")
"""Events after which nothing follows, unless the run is resumed."""

_CHUNK = 64 * 1024


def encode_event(event: Event) -> bytes:
    """Return the line of an event; numbers that are not finite become null."""
    return (json.dumps(_finite(event), ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def decode_event(line: bytes) -> Event | None:
    """Read a line; None where it is no complete event."""
    try:
        event = json.loads(line)
    except (ValueError, UnicodeDecodeError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def decode_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """Read lines, leaving out those that are no complete event."""
    for line in lines:
        event = decode_event(line)
        if event is not None:
            yield event


class EventLog:
    """Appends events to a file, each at once and as a whole.

    A half-written last line, left by a process that was killed, is cut off first.

    Args:
        path: File of the events; made where it is missing.
        keep: Bytes to keep of what is there; None keeps everything.
    """

    def __init__(self, path: Path, keep: int | None = None) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if keep is not None or _is_torn(path):
            _keep(path, keep)
        self._stream: BinaryIO = path.open("ab", buffering=0)

    @property
    def position(self) -> int:
        """Bytes written so far."""
        return os.fstat(self._stream.fileno()).st_size

    def append(self, event: Event) -> None:
        """Write an event, as a whole or not at all.

        Raises:
            OSError: The disk is full or gone.
        """
        line = memoryview(encode_event(event))
        begun = self.position
        try:
            while line:  # a disk that is nearly full takes a part first
                line = line[self._stream.write(line) or 0 :]
        except OSError:
            self._stream.truncate(begun)
            raise

    def sync(self) -> None:
        """Let everything written so far reach the disk.

        Raises:
            OSError: The disk is full or gone.
        """
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class EventTail:
    """Follows a file of events while another process writes it.

    Args:
        path: File of the events; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._inode = -1

    def poll(self) -> tuple[list[Event], bool]:
        """Read what is new.

        Returns:
            The complete events since the last call, and whether the file was replaced or cut since then, so
            that what was read before no longer counts.
        """
        try:
            with self.path.open("rb") as stream:
                return self._read(stream)
        except FileNotFoundError:
            restarted = self._offset > 0
            self._offset, self._inode = 0, -1
            return [], restarted

    def _read(self, stream: BinaryIO) -> tuple[list[Event], bool]:
        status = os.fstat(stream.fileno())
        restarted = self._offset > 0 and (status.st_ino != self._inode or status.st_size < self._offset)
        if restarted:
            self._offset = 0
        self._inode = status.st_ino
        stream.seek(self._offset)
        data = stream.read()
        end = data.rfind(b"\n") + 1
        self._offset += end
        return list(decode_events(data[:end].splitlines())), restarted


def read_events(path: Path) -> Iterator[Event]:
    """Yield every complete event of a file, in order; nothing where there is no file."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        yield from decode_events(stream)


def read_first(path: Path, name: str) -> Event | None:
    """Return the first event of that name near the beginning of a file."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_CHUNK)
    except FileNotFoundError:
        return None
    return next((event for event in decode_events(head.splitlines()) if event["event"] == name), None)


def read_backwards(path: Path) -> Iterator[bytes]:
    """Yield the complete lines of a file, the last first, reading no more of it than is asked for."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        return
    with stream:
        start = stream.seek(0, os.SEEK_END)
        held = b""
        torn = True
        while start > 0:
            step = min(_CHUNK, start)
            start -= step
            stream.seek(start)
            lines = (stream.read(step) + held).split(b"\n")
            held = lines.pop(0)
            if torn and lines:
                lines.pop()
                torn = False
            yield from reversed(lines)
        if held and not torn:
            yield held


def _finite(value: Any) -> Any:
    """Replace numbers that JSON cannot say by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def _is_torn(path: Path) -> bool:
    """Tell whether the last line lacks its end."""
    try:
        with path.open("rb") as stream:
            if stream.seek(0, os.SEEK_END) == 0:
                return False
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) != b"\n"
    except FileNotFoundError:
        return False


def _keep(path: Path, size: int | None) -> None:
    """Put a shortened copy in place of the file: who follows it notices by the new file."""
    try:
        data = path.read_bytes()[:size]
    except FileNotFoundError:
        return
    data = data[: data.rfind(b"\n") + 1]
    with replacing(path) as temporary:
        temporary.write_bytes(data)
