"""Keeps the newest picture of a source at hand, for whoever shows or measures in real time."""

from __future__ import annotations

import threading
import time
from typing import Literal, Protocol, runtime_checkable

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP, Text
from app.engine.source_files import pace
from app.engine.source_types import Frame, Source, SourceLostError, mirrored

State = Literal["playing", "paused", "opening", "lost", "ended", "failed", "closed"]

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 1.5
_FARTHEST_BEHIND_S = 1.0
_STOPPED = QT_TRANSLATE_NOOP("core", "{name} stopped unexpectedly.")
_OPEN_AGAIN = QT_TRANSLATE_NOOP("core", "Open it again.")


@runtime_checkable
class Reopenable(Protocol):
    """A source that can be opened again after it was lost, and ended while somebody waits for it."""

    def reopen(self) -> None:
        """Open the source anew."""

    def interrupt(self) -> None:
        """End it for good, from another thread."""


class LatestFrameReader:
    """A thread that reads a source in real time: the newest picture wins, the others are dropped and counted.

    Live sources run at their own pace and are opened again when they are lost, after 0.25 s, then with
    growing pauses of at most 1.5 s. Files are played at their own rate. A paused live source is released.

    Args:
        source: an open source; the reader closes it.
        loop: begin a file again when it ends.
        paced: play a file at its rate; False reads it as fast as it decodes.
    """

    def __init__(self, source: Source, *, loop: bool = False, paced: bool = True) -> None:
        self.source = source
        self.problem: AppError | None = None
        self.reason: Text | None = None
        self._loop = loop and not source.live
        self._own_interval = self._interval = pace(source.fps) if paced and not source.live else 0.0
        self._mirror = False
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._state: State = "playing"
        self._wanted: State = "playing"
        self._seek: int | None = None
        self._steps = 0
        self._dropped = 0
        self._delivered = 0
        self._last_index: int | None = None
        self._lost_at: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"frames of {source.name}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> State:
        """What it is doing.

        `lost` while a live source that gave out is being opened again, `opening` after a pause, `failed` with
        the reason in `problem`.
        """
        return self._state

    def _closing(self) -> bool:
        return self._wanted == "closed"

    @property
    def dropped(self) -> int:
        """How many pictures were never handed out because a newer one came."""
        return self._dropped

    @property
    def delivered(self) -> int:
        """How many pictures were handed out."""
        return self._delivered

    def next(self, timeout: float | None = None) -> Frame | None:
        """Return the newest picture that was not handed out yet, waiting for it.

        Args:
            timeout: seconds; None waits until there is one, or the source ends or is closed.

        Returns:
            None when none came in time, or none will come: see `state`.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._frame is not None or self._state in {"ended", "failed", "closed"}, timeout
            )
            frame, self._frame = self._frame, None
            if frame is not None:
                self._delivered += 1
            return frame

    def pause(self) -> None:
        """Stand still; a live source is released until `resume`."""
        self._want("paused")

    def resume(self) -> None:
        """Go on."""
        self._want("playing")

    def set_loop(self, loop: bool) -> None:
        """Begin a file again when it ends, or stop there."""
        with self._changed:
            self._loop = loop and not self.source.live
            if self._loop and self._state == "ended" and self._wanted == "playing":
                self._seek = 0
            self._changed.notify_all()

    def set_speed(self, speed: float) -> None:
        """Play a file so many times as fast as it is meant to be; live sources run at their own pace."""
        self._interval = self._own_interval / speed

    def set_mirror(self, mirror: bool) -> None:
        """Hand out pictures as a mirror shows them."""
        self._mirror = mirror

    def seek(self, index: int) -> None:
        """Go to a picture of a file; while paused, that picture alone is handed out."""
        with self._changed:
            self._seek = index
            self._steps = 1
            if self._state == "ended":
                self._state = self._wanted
            self._changed.notify_all()

    def step(self) -> None:
        """Hand out the next picture of a paused file."""
        with self._changed:
            self._steps += 1
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread and release the source."""
        self._want("closed")
        if isinstance(self.source, Reopenable):
            self.source.interrupt()
        self._thread.join()
        with self._changed:
            self._frame = None

    def _want(self, state: State) -> None:
        with self._changed:
            if self._wanted != "closed":
                self._wanted = state
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._play()
        except AppError as problem:
            self.problem = problem
        finally:
            self.source.close()
            orderly = self._closing()
            if not orderly and self.problem is None:
                self.problem = AppError(_STOPPED, _OPEN_AGAIN, name=self.source.name)
            self._set("closed" if orderly else "failed")

    def _play(self) -> None:
        due = time.monotonic()
        while not self._closing():
            if self._stand_still():
                due = time.monotonic()
            if self._closing():
                return
            try:
                frame = self.source.read()
            except SourceLostError as lost:
                self.reason = Text(lost.template, dict(lost.values))
                self._recover()
                continue
            if frame is None:
                self._at_end()
                due = time.monotonic()
                continue
            if self._mirror:
                frame = Frame(frame.index, mirrored(frame.image), frame.captured_at)
            due = self._wait_until(due)
            self._offer(frame)

    def _wait_until(self, due: float) -> float:
        """Sleep until a picture's time has come; return the time of the following one."""
        now = time.monotonic()
        if due < now - _FARTHEST_BEHIND_S:  # the machine cannot keep up: play slower, do not race for ever
            due = now
        with self._changed:
            self._changed.wait_for(
                lambda: self._wanted != "playing" or self._seek is not None, max(due - now, 0)
            )
        return due + self._interval

    def _offer(self, frame: Frame) -> None:
        with self._changed:
            if self._frame is not None:
                self._dropped += 1
            if self.source.live and self._last_index is not None:
                self._dropped += max(frame.index - self._last_index - 1, 0)
            self._last_index = frame.index
            # A picture is as old as its showing, not as the moment it was decoded ahead of it.
            self._frame = frame if self.source.live else Frame(frame.index, frame.image, time.monotonic())
            self._state = "paused" if self._wanted == "paused" and not self.source.live else "playing"
            self._changed.notify_all()

    def _stand_still(self) -> bool:
        """Wait while paused; carry out a seek; say whether time stood still."""
        released = self._wanted == "paused" and self.source.live
        if released:
            self.source.close()
        stood = False
        with self._changed:
            while self._wanted == "paused" and self._seek is None and (self._steps == 0 or self.source.live):
                self._state = "paused"
                stood = True
                self._changed.notify_all()
                self._changed.wait()
            target, self._seek = self._seek, None
            self._steps = max(self._steps - 1, 0) if self._wanted == "paused" else 0
            if target is not None:
                self._frame = None
        if target is not None:
            self.source.seek(target)
        if released and self._wanted == "playing":
            self._recover("opening", wait=0.0)
        return stood or target is not None

    def _recover(self, state: State = "lost", wait: float = FIRST_WAIT_S) -> None:
        """Open a live source again until it answers, or the reader is paused or closed."""
        if not isinstance(self.source, Reopenable):
            raise AppError(_STOPPED, _OPEN_AGAIN, name=self.source.name)
        self._set(state)
        while not self._interrupted(wait):
            try:
                self.source.reopen()
            except AppError as problem:
                self.problem = problem
                self._set("lost")
                wait = min(max(wait * 2, FIRST_WAIT_S), LONGEST_WAIT_S)
            else:
                self.problem = None
                return

    def _interrupted(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._wanted != "playing", seconds)

    def _at_end(self) -> None:
        """Begin again, or wait at the end until a seek or the close."""
        if self._loop and self._wanted == "playing" and self._last_index is not None:
            self._last_index = None
            self.source.seek(0)
            return
        self._set("ended")
        with self._changed:
            self._changed.wait_for(lambda: self._wanted == "closed" or self._seek is not None)

    def _set(self, state: State) -> None:
        with self._changed:
            self._state = state
            self._changed.notify_all()
