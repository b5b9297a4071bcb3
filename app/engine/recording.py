"""Records a comparison: pairs go through shared memory to a process that draws and encodes them.

The comparing process copies a picture and sends a few numbers, and never waits: while the encoder is behind, pictures
are left out of the recording.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import AppError
from app.core.frames import RingWriter
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.detector import Detections, Detector
from app.engine.matching import Match
from app.engine.pairing import Pair, rows
from app.engine.preprocess import Image
from app.engine.recording_picture import Side
from app.engine.runtimes import default_threads

FASTEST_FPS = 30.0
"""Pictures a second that are recorded at most."""

SLOTS = 4
"""Pictures that may be on their way to the encoder."""

WINDOW = 300
"""Newest pairs that the figures in the picture cover, as those beside the live picture."""

SHARE = 0.03
"""Share of the processors that a recording may take from a comparison that never rests and uses them all."""

_RESTLESS = 0.8
_COST_S = 0.02
_MOST_BOXES = 100
_FINISH_S = 60.0
_MEMORY = Path("/dev/shm")
"""A folder that is memory, where the system has one."""

Tell = Callable[[dict[str, Any]], object]


class Recorder:
    """Records pairs from its making until `stop`.

    Events go to `tell`, from a thread of the recorder: {"event": "recording", "state", "path", "seconds", "frames",
    "dropped", "bytes"}, where "state" is "recording" (at the beginning and about once a second), "finished", or
    "failed", which has "message" and "hint" as well. After either of the last two nothing more comes.

    Args:
        path: the MP4 to write; one that is there is replaced.
        detectors: the left and the right one.
        tell: takes events.
        titles: names of both sides; those of the weights' files where None.
    """

    def __init__(
        self,
        path: Path,
        detectors: Sequence[Detector],
        tell: Tell,
        titles: Sequence[str] | None = None,
    ) -> None:
        self.path = path
        self.outcome: dict[str, Any] | None = None
        """The last event, once there is one."""
        self._tell = tell
        self._dropped, self._sent, self._taken = 0, 0, 0
        self._begin, self._due, self._before = 0.0, 0.0, 0.0
        self._busy, self._cost_s = 0.0, _COST_S
        threads = max(detector.threads for detector in detectors)
        self._processors = threads if threads >= default_threads() else 0
        self._times: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._ring: RingWriter | None = None
        self._rings = 0
        self._stopped, self._ended = False, False
        self._using = threading.Lock()
        memory = str(_MEMORY) if _MEMORY.is_dir() else None
        # Named as the window's own rings are: what is left of a killed process is removed with theirs.
        prefix = f"depthwise-studio-ring-{os.getpid()}-"
        self._folder = Path(tempfile.mkdtemp(prefix=prefix, dir=memory))
        context = multiprocessing.get_context("spawn")
        child_orders, self._orders = context.Pipe(duplex=False)
        self._news, child_news = context.Pipe(duplex=False)
        sides = tuple(_side(d, titles[i] if titles else None) for i, d in enumerate(detectors))
        from app.engine.recording_child import serve

        self._process = context.Process(
            target=serve,
            args=(path, sides, self._folder, child_orders, child_news),
            name="recording",
            daemon=True,
        )
        self._process.start()
        child_orders.close()
        child_news.close()
        self._state("recording", {"seconds": 0.0, "frames": 0, "bytes": 0})
        self._listener = threading.Thread(target=self._listen, name="recording", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int | None:
        """Process id of the encoder."""
        return self._process.pid

    def add(self, image: Image, pair: Pair, at: float | None = None, *, fresh: bool = True) -> None:
        """Record a pair, or leave it out; never waits.

        Args:
            image: H×W×3, BGR; copied.
            pair: both sides' results on it.
            at: monotonic seconds; now where None.
            fresh: False where the same picture is shown once more, with other limits: its times count once.
        """
        if self._stopped:
            return
        now = time.monotonic() if at is None else at
        self._note_rest(now, pair.pair_ms / 1e3)
        if fresh:
            self._times.append((pair.a.timings.inference_ms, pair.b.timings.inference_ms))
        if now < self._due:
            return
        with self._using:
            if self._ended:
                return
            if not self._has_room(image.nbytes):
                self._dropped += 1
                return
            self._send(image, pair, now)

    def _note_rest(self, now: float, taken_s: float) -> None:
        """Follow which share of the time the comparison is busy."""
        gap = now - self._before
        if 0 < gap < 1:
            self._busy += 0.1 * (min(taken_s / gap, 1.0) - self._busy)
        self._before = now

    def _period(self) -> float:
        """Return the seconds between two recorded pictures."""
        if self._processors and self._busy > _RESTLESS:
            return max(self._cost_s / (SHARE * self._processors), 1 / FASTEST_FPS)
        return 1 / FASTEST_FPS

    def _has_room(self, capacity: int) -> bool:
        waiting = self._sent - self._taken
        if self._ring is None or self._ring.capacity < capacity:
            return waiting == 0  # pictures on their way lie in the ring that there is
        return waiting < SLOTS - 1

    def _send(self, image: Image, pair: Pair, now: float) -> None:
        self._begin = self._begin or now
        # A little early counts, or a source of just this rate would lose every other picture.
        period = self._period()
        self._due = max(self._due, now - 0.5 * period) + 0.9 * period
        pixels = np.ascontiguousarray(image)
        height, width = pixels.shape[:2]
        with contextlib.suppress(BrokenPipeError, OSError):  # the listener tells when the encoder is gone
            if self._ring is None or self._ring.capacity < pixels.nbytes:
                self._new_ring(pixels.nbytes)
            assert self._ring is not None
            slot, sequence = self._ring.write(pixels.data, width, height, width * 3)
            boxes = tuple(_boxes(found, pair.match, side) for side, found in enumerate((pair.a, pair.b)))
            times = np.array(self._times, np.float32).reshape(-1, 2)
            self._orders.send(
                ("picture", slot, sequence, now - self._begin, boxes, times, pair.match.counts())
            )
            self._times.clear()
            self._sent += 1

    def _new_ring(self, capacity: int) -> None:
        if self._ring is not None:
            self._ring.close()
        path = self._folder / f"ring.{self._rings}"
        self._rings += 1
        self._ring = RingWriter(path, capacity, SLOTS)
        self._orders.send(("ring", path))

    def stop(self) -> None:
        """End the recording; the event that it has finished comes when the file is complete. Does not wait."""
        if not self._stopped:
            self._stopped = True
            with contextlib.suppress(BrokenPipeError, OSError):
                self._orders.send(("stop",))

    def close(self, timeout: float = _FINISH_S) -> dict[str, Any]:
        """Stop, wait until the file is complete, and return the last event; may be called again."""
        self.stop()
        self._listener.join(timeout)
        if self._listener.is_alive():
            with self._using:
                if not self._ended:
                    self._process.kill()
            self._listener.join()
        assert self.outcome is not None
        return self.outcome

    def _listen(self) -> None:
        """Relay the encoder's news until it has ended, then release what it used."""
        last: Mapping[str, Any] = {"seconds": 0.0, "frames": 0, "bytes": 0}
        end: tuple[str, Mapping[str, Any]] | None = None
        with contextlib.suppress(EOFError, OSError):
            while end is None:
                state, found = self._news.recv()
                if state == "taken":
                    self._taken += 1
                    self._cost_s = found or self._cost_s
                elif state == "recording":
                    last = found
                    self._state(state, found)
                else:
                    end = (state, found)
        self._process.join()
        status = self._process.exitcode
        with self._using:
            self._ended = True
            self._process.close()
            self._release()
        state, found = end or ("failed", {**last, **_gone(self.path, status).as_dict()})
        self._state(state, found)

    def _release(self) -> None:
        self._news.close()
        self._orders.close()
        if self._ring is not None:
            self._ring.close()
            self._ring = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def _state(self, state: str, found: Mapping[str, Any]) -> None:
        told = {
            "event": "recording",
            "state": state,
            "path": str(self.path),
            "dropped": self._dropped,
            **found,
        }
        if state != "recording":
            self.outcome = told
        self._tell(told)


def _side(detector: Detector, title: str | None) -> Side:
    about = f"{detector.runtime} {detector.precision} · {detector.device} · {detector.threads} threads"
    return Side(title or detector.weights.name, f"{about} · {detector.imgsz} px", dict(detector.names))


def _boxes(found: Detections, match: Match, side: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    marked = [[numbers[side] for numbers in group] for group in (match.agree, match.changed)]
    return np.array(rows(found, *marked)[:_MOST_BOXES], np.float32).reshape(-1, 7)


def _gone(path: Path, status: int | None) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "The process that records {name} has ended (status {status})."),
        QT_TRANSLATE_NOOP("core", "What it wrote until then can be played. Start recording again."),
        name=path.name,
        status=status if status is not None else "?",
    )
