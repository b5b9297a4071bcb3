"""The live comparison: newest frame wins, commands act at once, pictures go to the window in a ring file."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from app.core.arbiter import COMPARISON, Claim
from app.core.errors import AppError
from app.core.frames import RingWriter
from app.core.text import QT_TRANSLATE_NOOP, value_to_json
from app.engine.detector import Detector
from app.engine.pairing import Pair, PairRunner, PairStatistics, describe, rows
from app.engine.postprocess import CONFIDENCE, IOU
from app.engine.preprocess import Image
from app.engine.sources import Frame, LatestFrameReader, Source, open_source

STATISTICS_PERIOD_S = 0.25
WINDOW = 300
"""Newest pairs that the live figures cover."""

_WAIT_S = 0.05
_RATE_SPAN_S = 3.0


class Channel(Protocol):
    """The engine's end of the pipe to the window."""

    @property
    def cancelled(self) -> bool:
        """Whether to stop."""

    def emit(self, event: dict[str, Any]) -> None:
        """Send an event."""

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell how far the preparation is."""

    def commands(self) -> list[dict[str, Any]]:
        """Return the commands that have arrived."""


@dataclass(frozen=True)
class LiveRequest:
    """What the window asks for.

    Attributes:
        a: Left weights.
        b: Right weights.
        source: What `open_source` takes.
        ring: File to pass pictures through; one of another name beside it where a larger one is needed.
        loop: Begin a file again when it ends.
        playing: False shows the first picture and waits.
    """

    a: str
    b: str
    source: str
    ring: str
    runtime: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    imgsz: int | None = None
    threads: int | None = None
    confidence: float = CONFIDENCE
    iou: float = IOU
    loop: bool = True
    playing: bool = True

    @staticmethod
    def from_json(data: dict[str, Any]) -> LiveRequest:
        """Read a request.

        Raises:
            AppError: A part is missing.
        """
        known = {field.name for field in fields(LiveRequest)}
        try:
            return LiveRequest(**{name: value for name, value in data.items() if name in known})
        except TypeError as error:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The comparison's request is incomplete: {reason}."), reason=error
            ) from error


class LiveComparison:
    """Runs until it is told to close, or its channel is gone.

    Events: `ready` (both detectors and the source), `ring` (a file to map), `picture` (before the detectors
    are ready), `pair`, `statistics` (at most four a second), `source`, `state`, `problem`.
    """

    def __init__(self, request: LiveRequest, channel: Channel) -> None:
        self._request = request
        self._channel = channel
        self._confidence, self._iou = request.confidence, request.iou
        self._ring: RingWriter | None = None
        self._rings = 0
        self._runner: PairRunner | None = None
        self._reader: LatestFrameReader | None = None
        self._shown: dict[str, Any] | None = None
        self._state = ""
        self._closing = False
        self._claim = Claim(COMPARISON)
        self._start_counting()

    def run(self) -> dict[str, Any]:
        """Open the source, prepare the detectors, and compare; return the figures of everything shown."""
        self._claim.hold()
        try:
            self._channel.progress(0.0, "source")
            source = open_source(self._request.source)
            first = self._first_picture(source)
            self._prepare(first)
            self._read(source)
            while not self._closing and not self._channel.cancelled:
                self._step()
            return self._figures()
        finally:
            self._claim.release()
            if self._reader is not None:
                self._reader.close()
            if self._ring is not None:
                self._ring.close()

    def _first_picture(self, source: Source) -> Image:
        """Show the source's first picture while the detectors are prepared."""
        try:
            frame = source.read()
            if frame is None:
                raise AppError(
                    QT_TRANSLATE_NOOP("core", "{name} holds no picture."),
                    QT_TRANSLATE_NOOP("core", "Choose another source."),
                    name=source.name,
                )
            self._channel.emit({"event": "picture", **self._place(frame)})
            source.seek(0)
        except BaseException:
            source.close()
            raise
        return frame.image

    def _prepare(self, first: Image) -> None:
        request, detectors = self._request, []
        for side, weights in enumerate((request.a, request.b)):
            self._channel.progress(0.2 + 0.4 * side, "ab"[side])
            detectors.append(
                Detector.load(
                    weights,
                    request.runtime,
                    request.precision,
                    request.device,
                    request.imgsz,
                    request.threads,
                )
            )
        self._runner = PairRunner(*detectors)
        self._runner.warm_up(first)
        self._channel.progress(1.0, "")
        sides = {
            name: {**describe(d), "names": d.names, "shape": d.letterbox(*first.shape[:2]).shape}
            for name, d in zip("ab", detectors, strict=True)
        }
        self._channel.emit({"event": "ready", **sides, "same_classes": self._runner.same_classes})

    def _read(self, source: Source) -> None:
        self._start_counting()
        self._reader = LatestFrameReader(source, loop=self._request.loop)
        if not self._request.playing:
            self._reader.pause()
            self._reader.step()
        self._channel.emit(
            {
                "event": "source",
                "name": source.name,
                "live": source.live,
                "fps": source.fps,
                "frames": source.frames,
                "notes": [value_to_json(note) for note in source.notes],
            }
        )

    def _start_counting(self) -> None:
        self._recent = PairStatistics(WINDOW)
        self._ages_ms: deque[float] = deque(maxlen=WINDOW)
        self._ends: deque[float] = deque()
        self._plot: list[list[float]] = []
        self._told = 0.0

    def _step(self) -> None:
        for command in self._channel.commands():
            self._obey(command)
        reader = self._reader
        if reader is None:
            time.sleep(_WAIT_S)
            return
        frame = reader.next(_WAIT_S)
        if frame is not None:
            self._compare(frame)
        elif reader.state in ("ended", "failed"):
            time.sleep(_WAIT_S)
        self._tell_state(reader)
        if time.monotonic() - self._told >= STATISTICS_PERIOD_S and self._plot:
            self._tell_statistics(reader)

    def _compare(self, frame: Frame) -> None:
        assert self._runner is not None
        self._runner.warm_up(frame.image)
        pair = self._runner.run(frame.image, self._confidence, self._iou)
        now = time.monotonic()
        self._recent.add(pair)
        age_ms = (now - frame.captured_at) * 1e3
        self._ages_ms.append(age_ms)
        self._ends.append(now)
        while self._ends[0] < now - _RATE_SPAN_S:
            self._ends.popleft()
        self._plot.append([round(t.timings.inference_ms, 3) for t in (pair.a, pair.b)])
        self._shown = {**self._place(frame), "age_ms": round(age_ms, 1)}
        self._tell_pair(pair)

    def _place(self, frame: Frame) -> dict[str, Any]:
        """Write a picture to the ring and say where it is."""
        image = np.ascontiguousarray(frame.image)
        height, width = image.shape[:2]
        if self._ring is None or self._ring.capacity < image.nbytes:
            self._new_ring(image.nbytes)
        assert self._ring is not None
        slot, sequence = self._ring.write(image.data, width, height, width * 3)
        return {
            "slot": slot,
            "sequence": sequence,
            "index": frame.index,
            "captured_at": frame.captured_at,
            "width": width,
            "height": height,
        }

    def _new_ring(self, capacity: int) -> None:
        if self._ring is not None:
            self._ring.close()
        path = Path(self._request.ring)
        path = path.with_name(f"{path.name}.{self._rings}") if self._rings else path
        self._rings += 1
        self._ring = RingWriter(path, capacity)
        self._channel.emit({"event": "ring", "path": str(path)})

    def _tell_pair(self, pair: Pair) -> None:
        assert self._shown is not None
        agree, changed = pair.match.agree, pair.match.changed
        sides = {}
        for side, found in enumerate((pair.a, pair.b)):
            marked = [[numbers[side] for numbers in group] for group in (agree, changed)]
            timings = found.timings
            sides["ab"[side]] = {
                "boxes": rows(found, *marked),
                "timings_ms": [
                    round(t, 3) for t in (timings.preprocess_ms, timings.inference_ms, timings.postprocess_ms)
                ],
            }
        self._channel.emit({"event": "pair", **self._shown, **sides, "counts": pair.match.counts()})

    def _tell_statistics(self, reader: LatestFrameReader) -> None:
        self._told = time.monotonic()
        plot, self._plot = self._plot, []
        figures = self._figures()
        self._channel.emit({"event": "statistics", **figures, "dropped": reader.dropped, "recent": plot})

    def _figures(self) -> dict[str, Any]:
        ages = sorted(self._ages_ms)
        return {
            **self._recent.as_dict(),
            "frames": self._recent.pairs,
            "pairs_per_second": self._rate(),
            "age_ms": ages[len(ages) // 2] if ages else None,
        }

    def _rate(self) -> float | None:
        if len(self._ends) < 2:
            return None
        return (len(self._ends) - 1) / (self._ends[-1] - self._ends[0])

    def _tell_state(self, reader: LatestFrameReader) -> None:
        if reader.state == self._state:
            return
        self._state = reader.state
        if self._state == "playing":
            self._claim.hold()
        else:  # measurements may have the machine meanwhile
            self._claim.release()
            self._ends.clear()
        self._channel.emit({"event": "state", "state": self._state})
        if reader.problem is not None and self._state in ("failed", "lost"):
            self._channel.emit({"event": "problem", **reader.problem.as_dict()})

    def _obey(self, command: dict[str, Any]) -> None:
        action = self._actions().get(str(command.get("command")))
        if action is not None:
            action(command)

    def _actions(self) -> dict[str, Callable[[dict[str, Any]], None]]:
        return {
            "play": lambda _: self._with_reader(LatestFrameReader.resume),
            "pause": lambda _: self._with_reader(LatestFrameReader.pause),
            "step": self._move,
            "seek": lambda c: self._seek(int(c["index"])),
            "confidence": lambda c: self._limit(confidence=float(c["value"])),
            "iou": lambda c: self._limit(iou=float(c["value"])),
            "source": lambda c: self._change_source(str(c["source"])),
            "close": lambda _: self._close(),
        }

    def _close(self) -> None:
        self._closing = True

    def _with_reader(self, action: Callable[[LatestFrameReader], None]) -> None:
        if self._reader is not None:
            action(self._reader)

    def _move(self, command: dict[str, Any]) -> None:
        """Go one picture on, or back."""
        reader = self._reader
        if reader is None:
            return
        reader.pause()
        if int(command.get("by", 1)) > 0:
            reader.step()
        elif self._shown is not None:
            reader.seek(max(int(self._shown["index"]) + int(command["by"]), 0))

    def _seek(self, index: int) -> None:
        if self._reader is not None:
            self._reader.seek(index)

    def _limit(self, confidence: float | None = None, iou: float | None = None) -> None:
        """Show the last picture's boxes for other limits at once, without running the detectors again."""
        self._confidence = self._confidence if confidence is None else min(max(confidence, 0.0), 1.0)
        self._iou = self._iou if iou is None else min(max(iou, 0.0), 1.0)
        pair = self._runner.again(self._confidence, self._iou) if self._runner else None
        if pair is not None and self._shown is not None:
            self._tell_pair(pair)

    def _change_source(self, spec: str) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._state = ""
        self._channel.emit({"event": "state", "state": "opening"})
        try:
            self._read(open_source(spec))
        except AppError as problem:
            self._channel.emit({"event": "state", "state": "failed"})
            self._channel.emit({"event": "problem", **problem.as_dict()})
