"""Both sides of a pair as one picture of a recording: boxes, labels, and a strip of figures below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from app.core.colours import class_colour, side_colours, text_on
from app.core.statistics import median_interval, percentile
from app.core.text import figure, ratio
from app.engine.fonts import text_mask
from app.engine.preprocess import Image

_WIDEST, _NARROWEST, _HIGHEST = 960, 480, 800
"""Largest and smallest width, and largest height, of one side's picture in pixels."""

_GAP, _STRIP, _MARGIN = 4, 108, 14
_SURFACE, _TEXT, _MUTED = "#1C2026", "#E8EAED", "#A3ABB6"
_TONES = ("#A9B8CE", "#4CB3DB")
_LABEL, _DASH = 15, 7
_LONGEST_LABEL, _LONGEST_TITLE = 40, 48
_ELLIPSIS = "…"

Rows = Sequence[Sequence[float]]
"""Boxes as x1, y1, x2, y2, score, class, mark (0 agrees, 1 alone, 2 class changed), in pixels of the source."""


@dataclass(frozen=True)
class Side:
    """What stands below one side.

    Attributes:
        title: name of the detector.
        about: what it runs on.
        names: class number → name.
    """

    title: str
    about: str
    names: Mapping[int, str]


@dataclass(frozen=True)
class Layout:
    """Where everything lies, for sources of one size; both sides of the whole are even, as video needs them.

    Attributes:
        pane: width and height of one side's picture.
        size: width and height of the whole.
    """

    pane: tuple[int, int]

    @staticmethod
    def of(width: int, height: int) -> Layout:
        """Return the layout for sources of this width and height."""
        scale = min(_WIDEST / width, _HIGHEST / height)
        scale = min(scale, max(1.0, _NARROWEST / width))
        return Layout((max(_even(width * scale), _NARROWEST), _even(height * scale)))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole picture."""
        return 2 * self.pane[0] + _GAP, self.pane[1] + _STRIP


def _even(value: float) -> int:
    return max(round(value / 2) * 2, 2)


class Composer:
    """Draws pairs; the canvas is used again for each.

    Args:
        layout: for the first picture; one of another shape is laid into it.
        sides: what stands below the left and the right picture.
    """

    def __init__(self, layout: Layout, sides: tuple[Side, Side]) -> None:
        self.layout, self.sides = layout, sides
        width, height = layout.size
        self._canvas = np.zeros((height, width, 3), np.uint8)
        self._canvas[:] = _bgr(_SURFACE)
        self._colours = side_colours(dict(sides[0].names), dict(sides[1].names))

    def draw(
        self,
        image: Image,
        boxes: tuple[Rows, Rows],
        times: Sequence[Sequence[float]],
        counts: Mapping[str, int],
    ) -> Image:
        """Return the picture, valid until the next call.

        Args:
            image: H×W×3, BGR.
            boxes: of both sides.
            times: inference times of both sides in milliseconds, of the newest pairs.
            counts: how the boxes of this picture stand to each other.
        """
        wide, high = self.layout.pane
        scale = min(wide / image.shape[1], high / image.shape[0])
        size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = image if size == image.shape[1::-1] else cv2.resize(image, size, interpolation=method)
        left, top = (wide - size[0]) // 2, (high - size[1]) // 2
        for side, offset in enumerate((0, wide + _GAP)):
            pane = self._canvas[:high, offset : offset + wide]
            if size != (wide, high):
                pane[:] = _bgr(_SURFACE)
            area = pane[top : top + size[1], left : left + size[0]]
            area[:] = small
            self._draw_boxes(area, boxes[side], scale, side)
        self._draw_strip(times, counts)
        return self._canvas

    def _draw_boxes(self, area: Image, rows: Rows, scale: float, side: int) -> None:
        names, colours = self.sides[side].names, self._colours[side]
        for x1, y1, x2, y2, score, number, mark in reversed(rows):
            fill = class_colour(colours.get(int(number), int(number)))
            corners = [round(v * scale) for v in (x1, y1, x2, y2)]
            _rectangle(area, corners, _bgr(fill), dashed=mark != 0)
            name = _short(names.get(int(number), str(int(number))), _LONGEST_LABEL)
            _label(area, f"{name} {score:.2f}", corners[0], corners[1], fill)

    def _draw_strip(self, times: Sequence[Sequence[float]], counts: Mapping[str, int]) -> None:
        wide, high = self.layout.pane
        strip = self._canvas[high:]
        strip[:] = _bgr(_SURFACE)
        for side, shown in enumerate(self.sides):
            begin = side * (wide + _GAP) + _MARGIN
            ordered = sorted(row[side] for row in times)
            p50 = f"{figure(percentile(ordered, 0.5))} ms" if ordered else "–"
            used = _write(strip, p50, begin, 30, 24, _TONES[side], bold=True)
            limit = begin + wide - 2 * _MARGIN
            _write(strip, _short(shown.title, _LONGEST_TITLE), begin + used + 14, 30, 17, _TEXT, end=limit)
            _write(strip, shown.about, begin, 56, 13, _MUTED, end=limit)
        _write(strip, _verdict(times, counts), _MARGIN, 90, 17, _TEXT, end=strip.shape[1] - _MARGIN)


def _verdict(times: Sequence[Sequence[float]], counts: Mapping[str, int]) -> str:
    parts = []
    if times:
        speedup = median_interval([row[0] / row[1] for row in times if row[1] > 0] or [1.0])
        span = f"[{figure(speedup.low)}–{figure(speedup.high)}]"
        parts.append(f"Right is {ratio(speedup.median)} as fast as left {span}, {len(times)} pairs")
    parts.append(
        f"boxes: {counts.get('agree', 0)} agree, {counts.get('class_changed', 0)} of another class, "
        f"{counts.get('only_a', 0)} only left, {counts.get('only_b', 0)} only right"
    )
    return "   ".join(parts)


def _short(text: str, most: int) -> str:
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= most else line[: most - 1] + _ELLIPSIS


def _bgr(colour: str) -> tuple[int, int, int]:
    return int(colour[5:7], 16), int(colour[3:5], 16), int(colour[1:3], 16)


def _rectangle(area: Image, corners: Sequence[int], colour: tuple[int, int, int], *, dashed: bool) -> None:
    left, top, right, bottom = corners
    if not dashed:
        cv2.rectangle(area, (left, top), (right, bottom), colour, 2)
        return
    high, wide = area.shape[:2]
    for y in (top, bottom):
        for x in range(max(left, -_DASH), min(right, wide), 2 * _DASH):
            cv2.line(area, (x, y), (min(x + _DASH, right), y), colour, 2)
    for x in (left, right):
        for y in range(max(top, -_DASH), min(bottom, high), 2 * _DASH):
            cv2.line(area, (x, y), (x, min(y + _DASH, bottom)), colour, 2)


def _label(area: Image, text: str, left: int, top: int, fill: str) -> None:
    """Draw a filled label above a box, or inside it where there is no room above."""
    mask = text_mask(text, _LABEL)
    high, wide = mask.shape[0] + 2, mask.shape[1] + 8
    y = top - high if top >= high else top
    x = min(max(left - 1, 0), max(area.shape[1] - wide, 0))
    place = area[max(y, 0) : max(y, 0) + high, x : x + wide]
    if place.size:
        place[:] = _bgr(fill)
        _blend(place[1:], mask, 4, text_on(fill))


def _write(
    area: Image,
    text: str,
    left: int,
    base: int,
    size: int,
    colour: str,
    *,
    bold: bool = False,
    end: int | None = None,
) -> int:
    """Write a line whose foot stands at `base`; return how wide it is. It is cut at `end`."""
    mask = text_mask(text, size, bold=bold)
    limit = area.shape[1] if end is None else min(end, area.shape[1])
    _blend(area[max(base - size, 0) :, :limit], mask, left, colour)
    return mask.shape[1]


def _blend(area: Image, mask: Any, left: int, colour: str) -> None:
    place = area[: mask.shape[0], left : left + mask.shape[1]]
    if not place.size:
        return
    cover = mask[: place.shape[0], : place.shape[1], None]
    place[:] = (place * (1 - cover) + np.asarray(_bgr(colour), np.float32) * cover).astype(np.uint8)
