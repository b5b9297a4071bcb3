"""Light on the table: where it comes from, how warm it is, and the soft shapes it throws."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from app.engine.sample.canvas import Plane, floats

Pattern = Literal["plain", "window", "foliage"]
_COARSE = 4
"""The field of light is soft: it is computed at a quarter of the picture and enlarged."""


@dataclass(frozen=True)
class Light:
    """A lamp or a window beside the table.

    Attributes:
        azimuth: direction towards the light, radians, 0 to the right, a quarter turn is down.
        elevation: radians above the table.
        warmth: -1 (morning blue) to 1 (evening gold).
        level: brightness, 1 is neutral.
        softness: 0 gives dark shadows, 1 nearly none.
        falloff: how much darker the far side of the table is, 0 to 1.
        pattern: what stands between the light and the table.
        sway: moves the pattern, radians; it returns to its place after a full turn.
    """

    azimuth: float = -2.2
    elevation: float = 0.9
    warmth: float = 0.15
    level: float = 1.0
    softness: float = 0.3
    falloff: float = 0.35
    pattern: Pattern = "plain"
    sway: float = 0.0

    def towards(self) -> tuple[float, float, float]:
        """Give the unit vector to the light: right, down, up."""
        flat, up = float(np.cos(self.elevation)), float(np.sin(self.elevation))
        return flat * float(np.cos(self.azimuth)), flat * float(np.sin(self.azimuth)), up

    def field(self, width: int, height: int) -> Plane:
        """Give the colour of the light at each pixel, height×width×3, around 1."""
        columns, rows = max(8, width // _COARSE), max(8, height // _COARSE)
        longest = max(width, height)
        x = floats(((np.arange(columns) + 0.5) / columns * 2 - 1) * width / longest)[None, :]
        y = floats(((np.arange(rows) + 0.5) / rows * 2 - 1) * height / longest)[:, None]
        along = x * np.float32(np.cos(self.azimuth)) + y * np.float32(np.sin(self.azimuth))
        lit = 1 + self.falloff * (0.55 * along - 0.3 * (x * x + y * y))
        beam = self._beam(x, y)
        warm = np.asarray([1 - 0.16 * self.warmth, 1.0, 1 + 0.09 * self.warmth], np.float32)
        cool = np.asarray([1.06, 1.0, 0.93], np.float32)
        colour = warm * beam[..., None] + cool * (1 - beam[..., None]) * 0.62
        coarse = floats(colour * floats(lit * self.level)[..., None])
        return floats(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR))

    def _beam(self, x: Plane, y: Plane) -> Plane:
        """Give how much of the direct light arrives, 0 to 1."""
        if self.pattern == "window":
            return self._window(x, y)
        if self.pattern == "foliage":
            return self._foliage(x, y)
        return np.ones((y.shape[0], x.shape[1]), np.float32)

    def _window(self, x: Plane, y: Plane) -> Plane:
        c, s = np.float32(np.cos(self.azimuth)), np.float32(np.sin(self.azimuth))
        depth, side = x * c + y * s, y * c - x * s
        side = side + depth * 0.3 + np.float32(0.06 * np.sin(self.sway))
        panes = _edge(np.abs(side), 0.62) * _edge(np.abs(depth + 0.05), 0.78)
        bars = _edge(-np.abs(side), -0.035) * _edge(-np.abs(depth - 0.08), -0.035)
        return floats(panes * bars)

    def _foliage(self, x: Plane, y: Plane) -> Plane:
        near, far = _leaves()
        swing = np.float32(0.05 * np.sin(self.sway)), np.float32(0.04 * np.cos(2 * self.sway))
        shade = np.zeros((y.shape[0], x.shape[1]), np.float32)
        for leaves, share in ((near, 0.6), (far, 1.0)):
            u = x + y * 0.12 + swing[0] * share + 0.02 * np.sin(self.sway + 3 * y)
            v = y + swing[1] * share + 0.02 * np.sin(self.sway + 4 * x)
            u, v = floats((u + 1.5) * leaves.shape[1] / 3), floats((v + 1.5) * leaves.shape[0] / 3)
            layer = cv2.remap(leaves, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            shade = np.maximum(shade, floats(layer))
        return floats(1 - 0.62 * shade)


def _edge(value: Plane, limit: float) -> Plane:
    """Fall softly from 1 to 0 where `value` passes `limit`."""
    t = np.clip((np.float32(limit) - value) / np.float32(0.09) + 0.5, 0, 1)
    return floats(t * t * (3 - 2 * t))


@lru_cache(maxsize=1)
def _leaves() -> tuple[Plane, Plane]:
    """Draw the shadows of twigs nearer and farther from the table, 0 to 1, softer when farther."""
    return _twigs(1, 3, 2.2), _twigs(2, 2, 5.0)


def _twigs(seed: int, count: int, blur: float) -> Plane:
    rng = np.random.default_rng([11, seed])
    mask = np.zeros((384, 384), np.uint8)
    for twig in range(count):
        along = np.linspace(0, 1, 13)
        lean = float(rng.uniform(0.25, 0.7))
        x = 384 * (-0.05 + 1.1 * along)
        y = 384 * ((twig + 0.35) / count + lean * (along - 0.5) * 0.8 + 0.05 * np.sin(5 * along + twig))
        stem = np.stack([x, y], 1)
        cv2.polylines(mask, [np.round(stem * 8).astype(np.int32)], False, 255, 2, cv2.LINE_AA, 3)
        for root in stem[1:]:
            for side in (-1, 1):
                _leaf(mask, root, lean + side * float(rng.uniform(0.5, 1.0)), float(rng.uniform(30, 52)))
    return floats(cv2.GaussianBlur(mask, (0, 0), blur)) / np.float32(255)


def _leaf(mask: np.ndarray, root: np.ndarray, angle: float, length: float) -> None:
    t = np.linspace(0, 1, 12)
    half = 0.19 * np.sin(np.pi * t**0.8)
    outline = np.concatenate([np.stack([t, half], 1), np.stack([t, -half], 1)[::-1]]) * length
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = np.round((root + outline @ turn) * 8).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, 3)
