"""The live comparison's process, and the thread that takes its pictures out of the ring."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from app.core.errors import AppError
from app.core.frames import Picture, RingReader
from app.workers.job import EngineJob

_MEMORY = Path("/dev/shm")
"""A folder that is memory, where the system has one."""

_PREFIX = "depthwise-studio-ring-"


@dataclass(frozen=True)
class Box:
    """A detection as it is drawn.

    Attributes:
        left: In pixels of the picture, as the other three sides.
        top: Upper edge.
        right: Right edge.
        bottom: Lower edge.
        score: Confidence, 0 to 1.
        number: The class's number.
        mark: "agree" where the other side has it too, "alone", or "changed" where that one says another class.
    """

    left: float
    top: float
    right: float
    bottom: float
    score: float
    number: int
    mark: str


@dataclass(frozen=True)
class LiveSide:
    """What one detector found on a picture, and the milliseconds of its three parts."""

    boxes: tuple[Box, ...] = ()
    timings_ms: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class LivePair:
    """A picture with both detectors' results.

    Attributes:
        image: The picture, shared by both sides.
        index: Its number in the source.
        captured_at: `time.monotonic()` of its capture, in seconds.
        a: Left results; None while the detectors are prepared.
        b: Right results.
        counts: How many boxes agree, differ, or stand on one side alone.
    """

    image: QImage
    index: int
    captured_at: float
    a: LiveSide | None = None
    b: LiveSide | None = None
    counts: Mapping[str, int] | None = None

    def age_ms(self) -> float:
        """Return how old the picture is now, in milliseconds."""
        return (time.monotonic() - self.captured_at) * 1e3


class CompareWorker(EngineJob):
    """Runs the job "compare"; `pair_ready` says that there is a newer pair, `take_pair` returns the newest.

    A pair that is not taken in time is replaced, never queued.
    """

    pair_ready = Signal()
    ready = Signal(dict)
    source_opened = Signal(dict)
    state_changed = Signal(str)
    statistics_changed = Signal(dict)
    lost_because = Signal(object)
    """Why the source gives no pictures, as `value_to_json` writes it; comes before the state "lost"."""
    recording_changed = Signal(dict)
    report_written = Signal(dict)
    problem = Signal(object)

    def __init__(self, request: Mapping[str, Any], parent: QObject | None = None) -> None:
        """Prepare the job.

        Args:
            request: The fields of the engine's `LiveRequest` but the ring.
            parent: Qt parent.
        """
        super().__init__("compare", request, parent)
        self._ring: RingReader | None = None
        self._shown: tuple[int, int, QImage] | None = None
        self._newest: LivePair | None = None
        self._told = False
        self._pair_lock = threading.Lock()
        self._handlers: Mapping[str, Callable[[dict[str, Any]], object]] = {
            "ring": self._on_ring,
            "picture": self._on_picture,
            "pair": self._on_pair,
            "ready": self.ready.emit,
            "source": self.source_opened.emit,
            "state": self._on_state,
            "statistics": self.statistics_changed.emit,
            "recording": self.recording_changed.emit,
            "report": self.report_written.emit,
            "problem": lambda event: self.problem.emit(AppError.from_dict(event)),
        }
        self.event_received.connect(self._on_event, Qt.ConnectionType.DirectConnection)

    def run(self) -> None:
        """Relay the child's events until it ends, then remove the ring."""
        folder = make_ring_folder()
        self._request["ring"] = str(folder / "ring")
        try:
            super().run()
        finally:
            if self._ring is not None:
                self._ring.close()
            shutil.rmtree(folder, ignore_errors=True)

    def take_pair(self) -> LivePair | None:
        """Return the newest pair, and expect another `pair_ready` for newer ones."""
        with self._pair_lock:
            self._told = False
            return self._newest

    def _on_event(self, event: dict[str, Any]) -> None:
        handler = self._handlers.get(str(event.get("event")))
        if handler is not None:
            handler(event)

    def _on_state(self, event: dict[str, Any]) -> None:
        if "reason" in event:
            self.lost_because.emit(event["reason"])
        self.state_changed.emit(str(event["state"]))

    def _on_ring(self, event: dict[str, Any]) -> None:
        if self._ring is not None:
            self._ring.close()
        self._ring = RingReader(Path(event["path"]))
        self._shown = None

    def _on_picture(self, event: dict[str, Any]) -> None:
        self._offer(self._pair(event))

    def _on_pair(self, event: dict[str, Any]) -> None:
        pair = self._pair(event)
        if pair is not None:
            self._offer(replace(pair, a=_side(event["a"]), b=_side(event["b"]), counts=event["counts"]))

    def _pair(self, event: dict[str, Any]) -> LivePair | None:
        image = self._image(int(event["slot"]), int(event["sequence"]))
        if image is None:
            return None
        return LivePair(image, int(event["index"]), float(event["captured_at"]))

    def _image(self, slot: int, sequence: int) -> QImage | None:
        """Return the picture, or None where newer ones have already taken its place."""
        if self._shown is not None and self._shown[:2] == (slot, sequence):
            return self._shown[2]
        picture = self._ring.read(slot, sequence) if self._ring is not None else None
        if picture is None:
            return None
        image = drawable(picture)
        self._shown = (slot, sequence, image)
        return image

    def _offer(self, pair: LivePair | None) -> None:
        if pair is None:
            return
        with self._pair_lock:
            self._newest = pair
            tell, self._told = not self._told, True
        if tell:
            self.pair_ready.emit()


def make_ring_folder() -> Path:
    """Return a new folder for a ring, and remove those that a killed Studio left behind."""
    parent = _MEMORY if _MEMORY.is_dir() else Path(tempfile.gettempdir())
    for old in parent.glob(f"{_PREFIX}*"):
        owner = old.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))


def drawable(picture: Picture) -> QImage:
    """Return a picture in the format that Qt draws fastest, with memory of its own."""
    borrowed = QImage(
        picture.pixels, picture.width, picture.height, picture.stride, QImage.Format.Format_BGR888
    )
    return borrowed.convertToFormat(QImage.Format.Format_RGB32)


_MARKS = ("agree", "alone", "changed")


def _side(data: Mapping[str, Any]) -> LiveSide:
    boxes = tuple(
        Box(left, top, right, bottom, score, int(number), _MARKS[int(mark)])
        for left, top, right, bottom, score, number, mark in data["boxes"]
    )
    preprocess, inference, postprocess = data["timings_ms"]
    return LiveSide(boxes, (preprocess, inference, postprocess))
