"""A capture in a process of its own, because a camera or a stream can hang and a thread cannot be ended.

The child writes each picture into a ring of shared memory and tells its number over a pipe. When the other
end of its lifeline closes, however it comes, the child releases the device, or is gone half a second later.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

from app.engine.source_screen import SCREEN_BACKEND, ScreenCapture
from app.engine.source_types import Frame, Image

SLOTS = 4
_HEADER = 64
_GRACE_S = 0.5


@dataclass(frozen=True)
class CaptureRequest:
    """What the child shall open.

    Attributes:
        target: camera index, number of a monitor, or address of a stream.
        backend: OpenCV's number of the capture backend, or `SCREEN_BACKEND`.
        open_timeout_ms: how long FFmpeg may wait for a stream to answer.
        read_timeout_ms: how long it may wait for the next picture.
        width, height, fps: what a camera is asked for; it takes what comes nearest.
    """

    target: int | str
    backend: int
    open_timeout_ms: int
    read_timeout_ms: int
    width: int | None = None
    height: int | None = None
    fps: float | None = None


@dataclass(frozen=True)
class Opened:
    """What the child found: rate and length, where the source has them."""

    fps: float | None
    frames: int | None


class CaptureProcess:
    """A running child that captures; created by `start`, always ended by `close`.

    Args:
        request: what to open.
    """

    def __init__(self, request: CaptureRequest) -> None:
        context = multiprocessing.get_context("spawn")
        self._news, child_news = context.Pipe(duplex=False)
        child_lifeline, self._lifeline = context.Pipe(duplex=False)
        self._process = context.Process(
            target=serve, args=(request, child_news, child_lifeline), name="capture", daemon=True
        )
        self._process.start()
        child_news.close()
        child_lifeline.close()
        self._ring: Ring | None = None
        self._closing = threading.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Process id of the child."""
        return self._process.pid

    def opened(self, timeout: float) -> Opened | None:
        """Wait until the child has its first picture; None if it could not open, or not in time."""
        news = self._next_news(timeout)
        return news[1] if news is not None and news[0] == "opened" else None

    def read(self, timeout: float) -> Frame | None:
        """Return the newest picture that was not returned before, waiting for it.

        Returns:
            None when none came in time, or the child has ended.
        """
        deadline = time.monotonic() + timeout
        newest: Any = None
        while True:
            news = self._next_news(deadline - time.monotonic() if newest is None else 0)
            if news is not None and news[0] == "frame":
                newest = news
            elif news is not None and news[0] == "ring":
                self._attach(*news[1:])
                newest = None
            elif newest is None:
                return None
            else:
                _, number, captured_at, shape = newest
                image = self._ring.read(number, shape) if self._ring is not None else None
                if image is not None:
                    return Frame(number, image, captured_at)
                newest = None

    def interrupt(self) -> None:
        """Make the child end, so that a `read` or `opened` waiting in another thread returns at once."""
        with self._closing:
            self._lifeline.close()

    def close(self) -> None:
        """End the child, by force if need be, so that the device is free on return."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._lifeline.close()
            self._process.join(_GRACE_S + 0.5)
            if self._process.is_alive():
                self._process.kill()
                self._process.join(2)
            self._process.close()
            while (news := self._next_news(0)) is not None:
                if news[0] == "ring":  # nobody else would take its name away
                    self._attach(*news[1:])
            self._news.close()
            if self._ring is not None:
                self._ring.close()
                self._ring = None

    def _next_news(self, timeout: float) -> Any:
        try:
            return self._news.recv() if self._news.poll(max(timeout, 0)) else None
        except (EOFError, OSError):
            return None

    def _attach(self, name: str, capacity: int) -> None:
        if self._ring is not None:
            self._ring.close()
        self._ring = Ring.attach(name, capacity)


class Ring:
    """Shared memory with room for a few pictures, one writer, one reader, no lock.

    The header holds the number of the picture being written; a picture was read whole if, afterwards, the
    writer has not come round to its slot again.
    """

    def __init__(self, memory: SharedMemory, capacity: int) -> None:
        self.capacity = capacity
        self._memory = memory
        self._writing = np.ndarray((1,), np.int64, memory.buf)

    @classmethod
    def create(cls, capacity: int) -> Ring:
        """Make a ring whose slots hold `capacity` bytes each."""
        ring = cls(SharedMemory(create=True, size=_HEADER + SLOTS * capacity), capacity)
        ring._writing[0] = -1
        return ring

    @classmethod
    def attach(cls, name: str, capacity: int) -> Ring:
        """Open the other process' ring, and take its name away: it then vanishes with its users."""
        memory = SharedMemory(name)
        memory.unlink()
        return cls(memory, capacity)

    @property
    def name(self) -> str:
        """Name under which the other process finds it."""
        return self._memory.name

    def write(self, number: int, image: Image) -> None:
        """Put a picture into its slot."""
        self._writing[0] = number
        self._slot(number, image.shape)[:] = image

    def read(self, number: int, shape: tuple[int, ...]) -> Image | None:
        """Copy a picture out; None if it was overwritten meanwhile."""
        copy = self._slot(number, shape).copy()
        return copy if self._writing[0] < number + SLOTS else None

    def close(self) -> None:
        """Let go of the memory."""
        del self._writing
        self._memory.close()

    def _slot(self, number: int, shape: tuple[int, ...]) -> Image:
        offset = _HEADER + (number % SLOTS) * self.capacity
        return np.ndarray(shape, np.uint8, self._memory.buf, offset)


def serve(request: CaptureRequest, news: Connection, lifeline: Connection) -> None:
    """Capture until the source ends or the lifeline closes (the child's main function)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop = threading.Event()
    threading.Thread(target=_watch, args=(lifeline, stop), daemon=True).start()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        _capture(request, news.send, stop)


def _watch(lifeline: Connection, stop: threading.Event) -> None:
    """Stop the capture when the parent has closed the lifeline or is gone; end the process if it hangs."""
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv()
    stop.set()
    time.sleep(_GRACE_S)
    os._exit(0)


def _capture(request: CaptureRequest, tell: Callable[[tuple[Any, ...]], None], stop: threading.Event) -> None:
    import cv2

    from app.engine.source_files import plausible_fps

    capture = _open(request)
    image = _grab(capture) if capture.isOpened() else None
    if image is None:
        capture.release()
        tell(("refused",))
        return
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    fps = plausible_fps(capture.get(cv2.CAP_PROP_FPS))
    frames = int(count) if isinstance(request.target, str) and 0 < count < 1e9 else None
    tell(("opened", Opened(fps, frames)))
    ring, number, began = None, 0, time.monotonic()
    while image is not None and not stop.is_set():
        captured_at = time.monotonic()
        if ring is None or image.nbytes > ring.capacity:
            ring = Ring.create(image.nbytes)
            tell(("ring", ring.name, ring.capacity))
        ring.write(number, image)
        tell(("frame", number, captured_at, image.shape))
        number += 1
        if frames is not None and fps is not None:  # a file on a server would come as fast as it downloads
            stop.wait(max(began + number / fps - time.monotonic(), 0))
        image = _grab(capture)
    capture.release()
    tell(("ended",))


def _grab(capture: Any) -> Image | None:
    ok, image = capture.read()
    return image if ok else None


def _ask(capture: Any, request: CaptureRequest) -> None:
    """Ask a camera for a size and a rate; beyond VGA most cameras reach their rate in MJPEG alone."""
    import cv2

    if request.width and request.height:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, request.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, request.height)
    if request.fps:
        capture.set(cv2.CAP_PROP_FPS, request.fps)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)


def _open(request: CaptureRequest) -> Any:
    """Open the device or stream with OpenCV, quietly and with its time limits."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    # Media Foundation's hardware transforms make a camera take half a minute to open.
    os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
    import cv2

    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    if request.backend == SCREEN_BACKEND:
        return ScreenCapture(int(request.target))
    if isinstance(request.target, int):
        capture = cv2.VideoCapture(request.target, request.backend)
        if capture.isOpened():
            _ask(capture, request)
        return capture
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        request.open_timeout_ms,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        request.read_timeout_ms,
    ]
    return cv2.VideoCapture(request.target, request.backend, limits)
