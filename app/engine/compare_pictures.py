"""The pairs of a comparison that disagree most, kept small as the session goes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2

from app.core.compare_report import Picture
from app.engine.detector import Detections
from app.engine.matching import Match
from app.engine.pairing import Pair
from app.engine.preprocess import Image

MOST = 6
"""Pairs that are kept."""

_WIDEST = 640
_APART_S = 1.0
"""Of pairs that are closer together than this, one is kept: neighbours in a video show the same."""

_MOST_BOXES = 100
_QUALITY = 82


@dataclass(frozen=True)
class _Kept:
    disagreeing: int
    at: float
    index: int
    image: Image
    size: tuple[int, int]
    pair: Pair
    names: tuple[Mapping[int, str], Mapping[int, str]]


class PairPictures:
    """Keeps the pairs that disagree most, reduced to 640 pixels; JPEGs are made when they are asked for.

    Args:
        most: pairs that are kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: list[_Kept] = []

    def add(
        self, image: Image, pair: Pair, index: int, at: float, names: Sequence[Mapping[int, str]]
    ) -> None:
        """Look at a pair; costs a comparison of numbers, and a small copy where it is kept.

        Args:
            image: H×W×3, BGR.
            pair: both sides' results on it.
            index: number of the picture in its source.
            at: when, in seconds.
            names: class names of both sides.
        """
        counts = pair.match.counts()
        disagreeing = sum(counts.values()) - counts["agree"]
        replaced = self._replaced_by(disagreeing, at)
        if replaced is None:
            return
        height, width = image.shape[:2]
        scale = min(_WIDEST / width, 1.0)
        small = (max(round(width * scale), 1), max(round(height * scale), 1))
        copy = cv2.resize(image, small, interpolation=cv2.INTER_AREA) if scale < 1 else image.copy()
        kept = _Kept(disagreeing, at, index, copy, (width, height), pair, (names[0], names[1]))
        self._kept = [*(one for number, one in enumerate(self._kept) if number != replaced), kept]

    def _replaced_by(self, disagreeing: int, at: float) -> int | None:
        """Return which kept pair a new one takes the place of, -1 where there is room, None where it is not kept."""
        for number, one in enumerate(self._kept):
            if abs(at - one.at) < _APART_S:
                return number if disagreeing > one.disagreeing else None
        if len(self._kept) < self._most:
            return -1
        least = min(range(len(self._kept)), key=lambda number: self._kept[number].disagreeing)
        return least if disagreeing > self._kept[least].disagreeing else None

    def clear(self) -> None:
        """Forget all of them."""
        self._kept = []

    def pictures(self) -> tuple[Picture, ...]:
        """Return them as a report shows them, those that disagree most first."""
        order = sorted(self._kept, key=lambda one: (-one.disagreeing, one.at))
        return tuple(_picture(one) for one in order)


def _picture(kept: _Kept) -> Picture:
    _, jpeg = cv2.imencode(".jpg", kept.image, (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
    match = kept.pair.match
    boxes = [
        _boxes(found, match, side, kept.size, kept.names[side])
        for side, found in enumerate((kept.pair.a, kept.pair.b))
    ]
    height, width = kept.image.shape[:2]
    text = base64.b64encode(jpeg.tobytes()).decode("ascii")
    return Picture(kept.index, text, width, height, boxes[0], boxes[1], match.counts())


def _boxes(
    found: Detections, match: Match, side: int, size: tuple[int, int], names: Mapping[int, str]
) -> tuple[tuple[Any, ...], ...]:
    marks = dict.fromkeys((pair[side] for pair in match.agree), "agree")
    marks |= dict.fromkeys((pair[side] for pair in match.changed), "changed")
    wide, high = size
    rows = []
    for number in range(min(len(found), _MOST_BOXES)):
        left, top, right, bottom = (float(v) for v in found.xyxy[number])
        cls = int(found.classes[number])
        sides = (round(v, 4) for v in (left / wide, top / high, right / wide, bottom / high))
        score = round(float(found.scores[number]), 3)
        rows.append((*sides, score, names.get(cls, str(cls)), marks.get(number, "alone")))
    return tuple(rows)
