"""A drawing board for small objects: colour, cover and height, from which light and shadow follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]
"""A float picture: H×W, or H×W×channels; colours are BGR from 0 to 1."""
Point = tuple[float, float]
Colour = tuple[float, float, float]

_ROOM = 0.36
"""Empty margin around the object, in units, for its soft shadow."""
_OVERSAMPLE = 2
_SHIFT = 5


def ink(code: str) -> Colour:
    """Turn `#RRGGBB` into a BGR colour from 0 to 1."""
    red, green, blue = (int(code[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return blue, green, red


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Blend two colours; `share` is how much of `b`."""
    b0, b1, b2 = (x * (1 - share) + y * share for x, y in zip(a, b, strict=True))
    return b0, b1, b2


def floats(value: Any) -> Plane:
    """Give an array, or what OpenCV returned, as float32."""
    return np.asarray(value, dtype=np.float32)


def spline(points: Sequence[Point], steps: int = 14) -> list[Point]:
    """Draw a closed Catmull-Rom curve through the points."""
    p1 = np.asarray(points, dtype=np.float64)
    p0, p2, p3 = np.roll(p1, 1, 0), np.roll(p1, -1, 0), np.roll(p1, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (p[:, None, :] for p in (p0, p1, p2, p3))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return [(float(x), float(y)) for x, y in curve.reshape(-1, 2)]


def turned(points: Sequence[Point], angle: float, about: Point = (0.0, 0.0)) -> list[Point]:
    """Rotate points by `angle` (radians, clockwise as seen, y runs down)."""
    c, s = float(np.cos(angle)), float(np.sin(angle))
    ox, oy = about
    return [(ox + c * (x - ox) - s * (y - oy), oy + s * (x - ox) + c * (y - oy)) for x, y in points]


def rounded(half_width: float, half_height: float, radius: float, centre: Point = (0.0, 0.0)) -> list[Point]:
    """Outline a rectangle with round corners."""
    corners = ((1, 1, 0.0), (-1, 1, 0.5), (-1, -1, 1.0), (1, -1, 1.5))
    outline = []
    for sx, sy, start in corners:
        cx, cy = centre[0] + sx * (half_width - radius), centre[1] + sy * (half_height - radius)
        for step in range(9):
            angle = np.pi * (start + step / 16)
            outline.append((cx + radius * float(np.cos(angle)), cy + radius * float(np.sin(angle))))
    return outline


@dataclass(frozen=True, eq=False)
class Sprite:
    """An object ready to be laid on a table; the origin of its units is the middle of every plane.

    Attributes:
        colour: H×W×4, BGR multiplied by cover, and cover.
        relief: H×W×4, slope to the right, slope down, gloss, and nothing: four channels warp faster than three.
        near: cover blurred a little, for the shadow where it touches the table; has a margin.
        far: cover blurred a lot, for the shadow it casts; has the same margin.
        unit: pixels per unit.
        thickness: how far above the table it reaches, in units; shadows grow with it.
        area: covered pixels.
    """

    colour: Plane
    relief: Plane
    near: Plane
    far: Plane
    unit: float
    thickness: float
    area: float


class Canvas:
    """Builds a sprite shape by shape. Coordinates are units from -1 to 1, y down, origin in the middle."""

    def __init__(self, unit: float, flat: float = 1.0) -> None:
        """Take a blank board.

        Args:
            unit: pixels per unit of the finished sprite.
            flat: how far from the middle the object reaches up and down, in units.
        """
        self._unit = unit * _OVERSAMPLE
        self._size = (2 * round(unit * (flat + _ROOM)), 2 * round(unit * (1 + _ROOM)))
        rows, columns = self._shape = (self._size[0] * _OVERSAMPLE, self._size[1] * _OVERSAMPLE)
        self._colour = np.zeros((rows, columns, 3), np.float32)
        self._cover = np.zeros((rows, columns), np.float32)
        self._height = np.zeros((rows, columns), np.float32)
        self._gloss = np.full((rows, columns), 0.15, np.float32)
        self.x = floats((np.arange(columns) + 0.5 - columns / 2) / self._unit)[None, :]
        self.y = floats((np.arange(rows) + 0.5 - rows / 2) / self._unit)[:, None]

    # -- masks -------------------------------------------------------------------------------------------

    def polygon(self, points: Sequence[Point]) -> Plane:
        """Fill an outline."""
        mask = np.zeros(self._shape, np.uint8)
        cv2.fillPoly(mask, [self._pixels(points)], 255, cv2.LINE_AA, _SHIFT)
        return floats(mask) / np.float32(255)

    def disc(self, radius: float, centre: Point = (0.0, 0.0), squash: float = 1.0) -> Plane:
        """Fill a circle, or with `squash` an ellipse that is lower than wide."""
        distance = np.hypot(self.x - centre[0], (self.y - centre[1]) / np.float32(squash))
        return floats(np.clip((radius - distance) * np.float32(self._unit * squash) + 0.5, 0, 1))

    def stroke(self, points: Sequence[Point], width: float, closed: bool = False) -> Plane:
        """Draw a line with round ends."""
        return self.strokes([points], width, closed)

    def strokes(self, lines: Sequence[Sequence[Point]], width: float, closed: bool = False) -> Plane:
        """Draw several lines of the same width."""
        mask = np.zeros(self._shape, np.uint8)
        thick = max(1, round(width * self._unit))
        cv2.polylines(mask, [self._pixels(line) for line in lines], closed, 255, thick, cv2.LINE_AA, _SHIFT)
        return floats(mask) / np.float32(255)

    def soft(self, mask: Plane, radius: float) -> Plane:
        """Blur a mask."""
        return floats(cv2.GaussianBlur(mask, (0, 0), max(0.5, radius * self._unit)))

    def grain(self, rng: np.random.Generator, fine: float, stretch: float = 1.0) -> Plane:
        """Smooth noise around 0, about ±1; `fine` is the size of a grain in units, `stretch` its length."""
        rows = max(2, round(self._shape[0] / self._unit / fine))
        columns = max(2, round(self._shape[1] / self._unit / (fine * stretch)))
        noise = rng.standard_normal((rows, columns)).astype(np.float32)
        smooth = cv2.resize(noise, self._shape[::-1], interpolation=cv2.INTER_CUBIC)
        return floats(smooth) * np.float32(0.6)

    # -- painting ----------------------------------------------------------------------------------------

    def lay(
        self,
        mask: Plane,
        colour: Colour | Plane,
        *,
        bevel: float = 0.04,
        lift: float = 0.05,
        gloss: float | None = None,
    ) -> None:
        """Put a piece on top: it covers what is below, and has an edge rounded over `bevel` units."""
        part = mask[..., None]
        self._colour += part * (np.asarray(colour, np.float32) - self._colour)
        self._cover = np.maximum(self._cover, mask)
        self._height += mask * (lift + self._dome(mask, bevel) - self._height)
        if gloss is not None:
            self._gloss += mask * (np.float32(gloss) - self._gloss)

    def paint(self, mask: Plane, colour: Colour | Plane, strength: float = 1.0) -> None:
        """Colour what is there already, leaving its form."""
        part = (mask * self._cover * np.float32(strength))[..., None]
        self._colour += part * (np.asarray(colour, np.float32) - self._colour)

    def glow(self, amount: Plane | float) -> None:
        """Lighten (above 0) or darken (below 0) by a field."""
        field = np.asarray(amount, np.float32)
        self._colour *= 1 + (field[..., None] if field.ndim else field)
        np.clip(self._colour, 0, 1, out=self._colour)

    def press(self, mask: Plane, depth: float) -> None:
        """Push the surface down (above 0) or bulge it (below 0)."""
        self._height -= mask * np.float32(depth)

    def cut(self, mask: Plane) -> None:
        """Cut a hole through everything."""
        self._cover *= 1 - mask
        self._height *= 1 - mask

    def finish(self, thickness: float) -> Sprite:
        """Settle slopes and shadows, and reduce to the sprite's size."""
        height = cv2.GaussianBlur(self._height, (0, 0), max(0.6, 0.006 * self._unit))
        scale = self._unit / 8
        across = floats(cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=scale))
        down = floats(cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=scale))
        unit = self._unit / _OVERSAMPLE
        cover = self._reduced(self._cover)
        colour = np.dstack([self._colour * self._cover[..., None], self._cover])
        relief = np.dstack([across, down, self._gloss, np.zeros_like(across)])
        inner = _middle(cover)
        return Sprite(
            colour=np.ascontiguousarray(self._reduced(floats(colour))[inner]),
            relief=np.ascontiguousarray(self._reduced(floats(relief))[inner]),
            near=floats(cv2.GaussianBlur(cover, (0, 0), 0.035 * unit)),
            far=floats(cv2.GaussianBlur(cover, (0, 0), (0.03 + 0.28 * min(thickness, 0.3)) * unit)),
            unit=unit,
            thickness=thickness,
            area=float(cover.sum()),
        )

    # -- details -----------------------------------------------------------------------------------------

    def _reduced(self, plane: Plane) -> Plane:
        return floats(cv2.resize(plane, self._size[::-1], interpolation=cv2.INTER_AREA))

    def _pixels(self, points: Sequence[Point]) -> npt.NDArray[np.int32]:
        rows, columns = self._shape
        place = np.asarray(points, np.float64) * self._unit + (columns / 2 - 0.5, rows / 2 - 0.5)
        return np.round(place * (1 << _SHIFT)).astype(np.int32).reshape(-1, 1, 2)

    def _dome(self, mask: Plane, bevel: float) -> Plane | float:
        if bevel <= 0:
            return 0.0
        inside = np.asarray(mask > 0.5, np.uint8)
        depth = floats(cv2.distanceTransform(inside, cv2.DIST_L2, 5)) / np.float32(self._unit * bevel)
        rise = 1 - np.minimum(depth, 1)
        return np.float32(bevel) * np.sqrt(np.maximum(0, 1 - rise * rise))


def _middle(cover: Plane) -> tuple[slice, slice]:
    """Find the smallest part around the middle that holds all that is covered, and an empty rim."""
    spans = []
    for side in (0, 1):
        length = cover.shape[side]
        used = np.flatnonzero(cover.any(axis=1 - side))
        margin = min(int(used[0]), length - 1 - int(used[-1])) if used.size else 0
        spans.append(slice(max(0, margin - 1), length - max(0, margin - 1)))
    return spans[0], spans[1]
