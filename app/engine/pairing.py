"""One picture through two detectors with a fair clock, and the statistics of many such pairs."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.statistics import Interval, paired_speedup, spread
from app.engine.detector import Detections, Detector, Prepared, Timings
from app.engine.matching import Match, match, same_classes
from app.engine.postprocess import CONFIDENCE, IOU, Floats, Integers
from app.engine.preprocess import Batch, Image

_WARM_UP = 3

_NO_OUTPUT: Floats = np.empty((1, 4, 0), np.float32)

Shown = Integers | None
"""Numbers of the classes whose boxes count; all where None."""


@dataclass(frozen=True)
class Pair:
    """Both detectors' results on one picture.

    Attributes:
        a: What the left detector found, and what it took.
        b: What the right one did.
        match: Which boxes are the same thing.
        pair_ms: From the decoded picture to both results; a shared preprocessing counts once.
    """

    a: Detections
    b: Detections
    match: Match
    pair_ms: float


@dataclass
class _Raw:
    """What is needed to find the boxes of the last picture again."""

    prepared: tuple[Prepared, Prepared]
    outputs: list[Floats]
    inference_ms: list[float]


class PairRunner:
    """Gives every picture to two detectors in alternating order; prepares it once where inputs agree."""

    def __init__(self, a: Detector, b: Detector) -> None:
        self.detectors = (a, b)
        self._classes_of_b = same_classes(a.names, b.names)
        self._buffers: list[Batch | None] = [None, None]
        self._turn = 0
        self._last: _Raw | None = None
        self._shown: tuple[Shown, Shown] = (None, None)
        self.shown: tuple[str, ...] | None = None
        """Names of the classes whose boxes count; all where None."""

    @property
    def same_classes(self) -> bool:
        """Whether both detectors know the same class names."""
        a, b = self.detectors
        return set(a.names.values()) == set(b.names.values())

    @property
    def names(self) -> tuple[dict[int, str], dict[int, str]]:
        """Class number → name, of both sides."""
        return self.detectors[0].names, self.detectors[1].names

    def show_only(self, names: Collection[str] | None) -> None:
        """Let boxes of other classes than these vanish, on both sides; None shows all."""
        a, b = (None if names is None else _numbers(d.names, names) for d in self.detectors)
        self._shown = (a, b)
        self.shown = None if names is None else tuple(names)

    def warm_up(self, image: Image) -> None:
        """Compile for this size of picture and run it a few times, where that has not been done."""
        size = (image.shape[0], image.shape[1])
        if all(detector.is_warm(*size) for detector in self.detectors):
            return
        for detector in self.detectors:
            detector.warm_up(*size)
        for _ in range(_WARM_UP):
            self.run(image)

    def run(self, image: Image, confidence: float = CONFIDENCE, iou: float = IOU) -> Pair:
        """Return both detectors' results on a picture (H×W×3, BGR)."""
        begin = time.perf_counter()
        raw = _Raw(self._prepare(image), [_NO_OUTPUT, _NO_OUTPUT], [0.0, 0.0])
        found: dict[int, Detections] = {}
        for side in (0, 1) if self._turn % 2 == 0 else (1, 0):
            # What a detector found is read at once, while its output is still near the processor.
            raw.outputs[side], raw.inference_ms[side] = self.detectors[side].infer(raw.prepared[side].batch)
            found[side] = self._boxes(side, raw, confidence, iou)
        self._turn += 1
        self._last = raw
        return self._pair((found[0], found[1]), begin)

    def again(self, confidence: float, iou: float) -> Pair | None:
        """Return the last picture's results for other limits, without running the detectors again."""
        if self._last is None:
            return None
        begin = time.perf_counter()
        return self._pair([self._boxes(side, self._last, confidence, iou) for side in (0, 1)], begin)

    def _prepare(self, image: Image) -> tuple[Prepared, Prepared]:
        a, b = self.detectors
        first = a.preprocess(image, self._buffers[0])
        self._buffers[0] = first.batch
        if b.letterbox(image.shape[0], image.shape[1]) == first.letterbox:
            return first, first
        second = b.preprocess(image, self._buffers[1])
        self._buffers[1] = second.batch
        return first, second

    def _boxes(self, side: int, raw: _Raw, confidence: float, iou: float) -> Detections:
        prepared = raw.prepared[side]
        boxes, postprocess_ms = self.detectors[side].finish(
            raw.outputs[side], prepared.letterbox, confidence, iou
        )
        shown = self._shown[side]
        if shown is not None:
            boxes = boxes.only(np.isin(boxes.classes, shown))
        timings = Timings(prepared.preprocess_ms, raw.inference_ms[side], postprocess_ms)
        return Detections(boxes.xyxy, boxes.scores, boxes.classes, timings)

    def _pair(self, found: Sequence[Detections], begin: float) -> Pair:
        a, b = found
        same = match(a, b, self._classes_of_b)
        return Pair(a, b, same, (time.perf_counter() - begin) * 1e3)


def _numbers(known: Mapping[int, str], names: Collection[str]) -> Integers:
    """Return the class numbers of some names."""
    return np.array([number for number, name in known.items() if name in names], dtype=np.int64)


class PairStatistics:
    """Timings of many pairs.

    Args:
        window: How many of the newest pairs the figures cover; all where None.
    """

    def __init__(self, window: int | None = None) -> None:
        self.pairs = 0
        self.agreement: dict[str, int] = {}
        self.detections = [0, 0]
        self._timings: tuple[deque[Timings], deque[Timings]] = (deque(maxlen=window), deque(maxlen=window))
        self._pair_ms: deque[float] = deque(maxlen=window)

    def add(self, pair: Pair) -> None:
        """Count a pair."""
        self.pairs += 1
        for side, found in enumerate((pair.a, pair.b)):
            self._timings[side].append(found.timings)
            self.detections[side] += len(found)
        self._pair_ms.append(pair.pair_ms)
        for name, count in pair.match.counts().items():
            self.agreement[name] = self.agreement.get(name, 0) + count

    def side(self, side: int) -> dict[str, Any]:
        """Return p50, p95 and p99 of the three parts of a side (0 or 1), in milliseconds."""
        timings = self._timings[side]
        parts = ("preprocess_ms", "inference_ms", "postprocess_ms", "total_ms")
        return {part: spread([getattr(t, part) for t in timings]).as_dict() for part in parts}

    def speedup(self, part: str = "inference_ms") -> Interval:
        """Return how many times as fast the right detector is, on the same pictures.

        Raises:
            ValueError: Nothing was counted yet.
        """
        a, b = ([getattr(t, part) for t in timings] for timings in self._timings)
        return paired_speedup(a, b)

    def pair_ms(self) -> dict[str, float]:
        """Return p50, p95 and p99 of whole pairs, in milliseconds."""
        return spread(self._pair_ms).as_dict()

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, as events and `compare` name them; no speed-up before the first pair."""
        return {
            "a": {**self.side(0), "detections": self.detections[0]},
            "b": {**self.side(1), "detections": self.detections[1]},
            "speedup": self.speedup().as_dict() if self.pairs else None,
            "speedup_total": self.speedup("total_ms").as_dict() if self.pairs else None,
            "pair_ms": self.pair_ms(),
            "agreement": dict(self.agreement),
        }


def rows(found: Detections, agreeing: Sequence[int], changed: Sequence[int]) -> list[list[float]]:
    """Return x1, y1, x2, y2, score, class, mark (0 agrees, 1 alone, 2 class changed) of every box."""
    marks = np.ones(len(found), dtype=np.float64)
    marks[list(agreeing)] = 0
    marks[list(changed)] = 2
    table = np.column_stack([found.xyxy, found.scores, found.classes, marks]).astype(np.float64)
    return [
        [*(round(v, 1) for v in row[:4]), round(row[4], 4), int(row[5]), int(row[6])]
        for row in table.tolist()
    ]


def describe(detector: Detector) -> dict[str, Any]:
    """Return what stands beside every figure of a detector."""
    return {
        "weights": str(detector.weights),
        "runtime": detector.runtime,
        "precision": detector.precision,
        "device": detector.device,
        "threads": detector.threads,
        "imgsz": detector.imgsz,
    }
