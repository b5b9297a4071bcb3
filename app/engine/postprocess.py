"""From a detector's raw output to boxes: confidence, class-aware non-maximum suppression, source pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.engine.preprocess import Letterbox

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

CONFIDENCE = 0.25
IOU = 0.7
MAX_DETECTIONS = 300

_CLASS_OFFSET = 7680
"""Pixels between classes, wider than any picture: boxes of different classes never overlap."""

_MAX_CANDIDATES = 30_000
_FEW = 1_000
"""Up to so many boxes OpenCV's quadratic suppression is the faster one (measured)."""


@dataclass(frozen=True)
class Boxes:
    """Detections on one picture, best first: N×4 `xyxy` in source pixels, N scores, N class numbers."""

    xyxy: Floats
    scores: Floats
    classes: Integers

    def __len__(self) -> int:
        return len(self.scores)

    def only(self, kept: NDArray[np.bool_]) -> Boxes:
        """Return those boxes for which `kept` is true."""
        return Boxes(self.xyxy[kept], self.scores[kept], self.classes[kept])


_NOTHING = Boxes(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))


def postprocess(
    raw: Floats,
    letterbox: Letterbox,
    confidence: float = CONFIDENCE,
    iou: float = IOU,
    max_detections: int = MAX_DETECTIONS,
) -> Boxes:
    """Return what stock ultralytics' predict returns for the same raw output.

    Args:
        raw: 1×(4 + classes)×N with `xywh` boxes, or 1×N×6 from an end-to-end head.
        letterbox: How the picture was laid into the input.
        confidence: Boxes at or below it are dropped.
        iou: Of two boxes of a class that overlap more than this the worse is dropped.
        max_detections: At most so many boxes.
    """
    if raw.shape[2] == 6:
        found = _end_to_end(raw[0], confidence, max_detections)
    else:
        found = _suppressed(raw[0], confidence, iou, max_detections)
    return Boxes(letterbox.to_source(found.xyxy), found.scores, found.classes)


def _end_to_end(rows: Floats, confidence: float, max_detections: int) -> Boxes:
    kept = rows[rows[:, 4] > confidence][:max_detections]
    return Boxes(kept[:, :4], kept[:, 4].copy(), kept[:, 5].astype(np.int64))


def _suppressed(columns: Floats, confidence: float, iou: float, max_detections: int) -> Boxes:
    best = columns[4:].max(axis=0)
    candidates = np.flatnonzero(best > confidence)
    if not candidates.size:
        return _NOTHING
    order = np.argsort(-best[candidates], kind="stable")[:_MAX_CANDIDATES]
    candidates = candidates[order]
    scores = best[candidates]
    classes = columns[4:, candidates].argmax(axis=0)
    centre_x, centre_y, width, height = columns[:4, candidates]
    corner_x, corner_y = centre_x - width / 2, centre_y - height / 2
    offset = classes.astype(np.float32) * _CLASS_OFFSET
    kept = non_maximum_suppression(
        np.stack([corner_x + offset, corner_y + offset, width, height], axis=1), scores, iou, max_detections
    )
    xyxy = np.stack([corner_x, corner_y, centre_x + width / 2, centre_y + height / 2], axis=1)
    return Boxes(xyxy[kept], scores[kept], classes[kept])


def non_maximum_suppression(xywh: Floats, scores: Floats, iou: float, limit: int) -> Integers:
    """Return the indices of the boxes to keep, best first.

    Args:
        xywh: N×4, corner and size.
        scores: N, descending.
        iou: Overlap above which the worse box goes.
        limit: Keep at most so many.
    """
    if len(scores) <= _FEW:
        suppress: Any = cv2.dnn.NMSBoxes
        return np.asarray(suppress(xywh, scores, 0.0, iou), dtype=np.int64).reshape(-1)[:limit]
    return _greedy(xywh, iou, limit)


def _greedy(xywh: Floats, iou: float, limit: int) -> Integers:
    left, top, width, height = xywh.T
    right, bottom, area = left + width, top + height, width * height
    order = np.arange(len(xywh))
    kept: list[int] = []
    while order.size and len(kept) < limit:
        first, rest = order[0], order[1:]
        kept.append(int(first))
        across = np.minimum(right[first], right[rest]) - np.maximum(left[first], left[rest])
        down = np.minimum(bottom[first], bottom[rest]) - np.maximum(top[first], top[rest])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        order = rest[shared <= iou * (area[first] + area[rest] - shared)]
    return np.array(kept, dtype=np.int64)
