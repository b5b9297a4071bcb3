"""Sources that run on their own: cameras and network streams."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2

from app.core.errors import AppError
from app.core.source_options import SourceOptions, without_password
from app.core.text import QT_TRANSLATE_NOOP, Text
from app.engine.source_cameras import Camera, camera_backend
from app.engine.source_capture import CaptureProcess, CaptureRequest
from app.engine.source_refusals import camera_refusal
from app.engine.source_screen import SCREEN_BACKEND
from app.engine.source_still import StillWatch
from app.engine.source_types import Frame, SourceLostError

STALL_S = 1.5
"""A live source that shows nothing new for so long counts as lost."""

_REOPEN_S = 5.0
_ENDING_S = 0.8
"""A capture that hangs takes so long to end; it counts into the time that opening may take."""

_LOST = QT_TRANSLATE_NOOP("core", "{name} shows nothing any more.")
_SAME = QT_TRANSLATE_NOOP("core", "{name} repeats the same picture.")
_BACK = QT_TRANSLATE_NOOP("core", "It is opened again as soon as it is back.")
_STILL = QT_TRANSLATE_NOOP("core", "{name} shows a still picture.")
_RESIZED = QT_TRANSLATE_NOOP("core", "The pictures of {name} changed from {before} to {after} pixels.")


class LiveSource:
    """A camera or a stream, captured in a process of its own; the newest picture wins.

    Args:
        name: what a person calls it.
        request: what the capture process opens.
        timeout_s: seconds until it must show its first picture.
        refusal: makes the error for one that does not, from whether time ran out.
        moves: whether the same picture again and again means that it has stopped.

    Raises:
        AppError: no picture came in time.
    """

    live = True

    def __init__(
        self,
        name: str,
        request: CaptureRequest,
        timeout_s: float,
        refusal: Callable[[bool], AppError],
        moves: bool = True,
    ) -> None:
        self.name = name
        self.fps: float | None = None
        self.frames: int | None = None
        self.notes: list[Text] = []
        self._request = request
        self._timeout_s = timeout_s
        self._refusal = refusal
        self._capture: CaptureProcess | None = None
        self._ended = False
        self._first = 0
        self._next = 0
        self._moves = moves
        self._still = StillWatch()
        self._shape: tuple[int, ...] | None = None
        self._open(timeout_s)

    def read(self) -> Frame | None:
        """Wait for a picture newer than the last one.

        Returns:
            None at the end of a stream of known length, or when the source is closed or interrupted.

        Raises:
            SourceLostError: nothing came for 1.5 s, the same picture for 2 s, or the other side closed. `reopen` may
                bring it back.
        """
        capture = self._capture
        if capture is None:
            return None
        frame = capture.read(STALL_S)
        if frame is not None:
            self._look_at(frame)
            self._next = self._first + frame.index + 1
            return Frame(self._first + frame.index, frame.image, frame.captured_at)
        self.close()
        if self._ended or self.frames is not None:
            return None
        raise SourceLostError(_LOST, _BACK, name=self.name)

    def _look_at(self, frame: Frame) -> None:
        """Notice another size, and a picture that never changes.

        Raises:
            SourceLostError: it moved, and has shown the same picture for 2 s now.
        """
        shape = frame.image.shape
        if self._shape is not None and shape != self._shape:
            before, after = (f"{s[1]}×{s[0]}" for s in (self._shape, shape))
            self.notes.append(Text(_RESIZED, {"name": self.name, "before": before, "after": after}))
        self._shape = shape
        verdict = self._still.add(frame) if self._moves else "moving"
        if verdict == "still":
            self._note_once(Text(_STILL, {"name": self.name}))
        elif verdict == "stopped":
            self.close()
            raise SourceLostError(_SAME, _BACK, name=self.name)

    def _note_once(self, note: Text) -> None:
        if all(str(note) != str(told) for told in self.notes):
            self.notes.append(note)

    def reopen(self) -> None:
        """Open the source anew; the numbers of its pictures go on.

        Raises:
            AppError: no picture came in time.
        """
        self._open(min(self._timeout_s, _REOPEN_S))

    def seek(self, index: int) -> None:
        """Do nothing: what was not taken in time is gone."""

    def interrupt(self) -> None:
        """End it for good from another thread, where `read` or `reopen` may be waiting."""
        self._ended = True
        capture = self._capture
        if capture is not None:
            capture.interrupt()

    def close(self) -> None:
        """Release the device or the connection."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.close()

    def _open(self, timeout_s: float) -> None:
        self.close()
        began = time.monotonic()
        self._capture = capture = CaptureProcess(self._request)
        opened = None if self._ended else capture.opened(timeout_s - min(_ENDING_S, timeout_s / 4))
        if opened is None:
            waited = time.monotonic() - began
            self.close()
            raise self._refusal(waited > timeout_s / 2)
        self.fps, self.frames = opened.fps, opened.frames
        self._first = self._next
        self._still = StillWatch()


def open_screen(number: int, timeout_s: float) -> LiveSource:
    """Open a monitor, from 1.

    Raises:
        AppError: there is none of that number, or programs may not look at it.
    """

    def refusal(_timed_out: bool) -> AppError:
        return AppError(
            QT_TRANSLATE_NOOP("core", "Screen {number} cannot be shown."),
            QT_TRANSLATE_NOOP(
                "core",
                "Choose another screen, or allow screen recording in the system's privacy settings; "
                "under Wayland, log in to an X11 session.",
            ),
            number=number,
        )

    request = CaptureRequest(number, SCREEN_BACKEND, 0, 0)
    return LiveSource(f"screen {number}", request, timeout_s, refusal, moves=False)


def open_camera(camera: Camera, timeout_s: float, options: SourceOptions) -> LiveSource:
    """Open a camera.

    Raises:
        AppError: it shows no picture in time.
    """

    def refusal(timed_out: bool) -> AppError:
        return camera_refusal(camera.label, camera.path, timeout_s if timed_out else None)

    wanted = options.width, options.height, options.fps
    request = CaptureRequest(camera.index, camera_backend(), 0, 0, *wanted)
    return LiveSource(camera.name, request, timeout_s, refusal)


def open_stream(address: str, timeout_s: float) -> LiveSource:
    """Open a network stream, such as MJPEG over HTTP, or RTSP.

    Raises:
        AppError: it shows no picture in time.
    """
    shown = without_password(address)

    def refusal(timed_out: bool) -> AppError:
        if timed_out:
            text = QT_TRANSLATE_NOOP("core", "The stream {address} showed no picture within {seconds} s.")
        else:
            text = QT_TRANSLATE_NOOP("core", "The stream {address} cannot be opened.")
        return AppError(
            text,
            QT_TRANSLATE_NOOP(
                "core",
                "Check that another player on this machine opens the address, and that the network reaches it.",
            ),
            address=shown,
            seconds=f"{timeout_s:g}",
        )

    open_ms = round(max(timeout_s - 1.5, timeout_s / 2) * 1000)
    request = CaptureRequest(address, cv2.CAP_FFMPEG, open_ms, round(STALL_S * 1000))
    return LiveSource(shown, request, timeout_s, refusal)
