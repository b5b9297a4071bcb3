"""Table tops: wood, cloth, plaster and the like, drawn once and then photographed from all sides."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from app.engine.sample.canvas import Colour, Plane, floats, ink, mix

SIDE = 1024
"""Pixels along each side of a surface."""
DENSITY = 18.0
"""Pixels per centimetre of a surface."""

Image = npt.NDArray[np.uint8]
Finish = Callable[[np.random.Generator], Plane]


def _noise(rng: np.random.Generator, across: float, down: float) -> Plane:
    """Give smooth noise about ±1; `across` and `down` are the size of a grain in pixels."""
    grid = rng.standard_normal((max(3, round(SIDE / down)), max(3, round(SIDE / across))))
    return floats(cv2.resize(grid.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))


def _cloudy(rng: np.random.Generator, coarse: float, octaves: int = 4) -> Plane:
    """Give fractal noise about ±1."""
    total = np.zeros((SIDE, SIDE), np.float32)
    for octave in range(octaves):
        total += _noise(rng, coarse / 2**octave, coarse / 2**octave) * np.float32(0.55**octave)
    return total * np.float32(0.7)


def _coloured(colour: Colour, tone: Plane) -> Plane:
    """Apply a relative brightness to one colour."""
    return floats(np.asarray(colour, np.float32) * (1 + tone[..., None]))


def _boards(rng: np.random.Generator, pale: Colour, dark: Colour, width: int) -> Plane:
    """Lay boards side by side, each with its own grain."""
    rows = np.arange(SIDE, dtype=np.float32)[:, None]
    rings = _noise(rng, 520, 60) * 2.2 + _noise(rng, 240, 16) * 0.5
    share = np.empty((SIDE, SIDE), np.float32)
    seams = np.zeros((SIDE, SIDE), np.float32)
    for top in range(0, SIDE, width):
        board = slice(top, min(top + width, SIDE))
        centre = top + width * float(rng.uniform(-0.3, 1.3))
        bow = np.abs(rows[board] - centre) / np.float32(width)
        shift = int(rng.integers(SIDE))
        seams[board, max(0, shift - 1) : shift + 1] = 1
        figure = np.sin(np.roll(rings, shift, 1)[board] * 2.1 + bow * 17)
        share[board] = 0.36 + 0.13 * figure + float(rng.normal(0, 0.11))
        seams[top : top + 2] = 1
    share += _noise(rng, 90, 2.2) * 0.07 + _noise(rng, 34, 1.4) * 0.04
    pale_, dark_ = np.asarray(pale, np.float32), np.asarray(dark, np.float32)
    wood = pale_ + (dark_ - pale_) * np.clip(share, 0, 1)[..., None]
    return floats(wood * (1 - 0.42 * floats(cv2.GaussianBlur(seams, (0, 0), 0.9))[..., None]))


def _oak(rng: np.random.Generator) -> Plane:
    return _boards(rng, ink("#E2C59B"), ink("#B98E5C"), 230)


def _walnut(rng: np.random.Generator) -> Plane:
    return _boards(rng, ink("#9A7152"), ink("#573A29"), 300)


def _ash(rng: np.random.Generator) -> Plane:
    return _boards(rng, ink("#E9E2D6"), ink("#C3B6A3"), 170)


def _cloth(rng: np.random.Generator, colour: Colour, thread: float) -> Plane:
    """Weave two threads, each uneven along its length."""
    axis = np.arange(SIDE, dtype=np.float32)
    warp = np.sin(axis * 2 * np.pi / thread)[None, :]
    weft = np.sin(axis * 2 * np.pi / thread)[:, None]
    uneven = _noise(rng, 3, 130) * 0.05 + _noise(rng, 130, 3) * 0.05
    fold = _cloudy(rng, 420, 2) * 0.025
    return _coloured(colour, floats(warp * weft * 0.05 + uneven + fold))


def _linen(rng: np.random.Generator) -> Plane:
    return _cloth(rng, ink("#D9CDB8"), 9)


def _denim(rng: np.random.Generator) -> Plane:
    return _cloth(rng, ink("#5F7C96"), 7)


def _felt(rng: np.random.Generator) -> Plane:
    fibre = _noise(rng, 2, 2) * 0.05 + _noise(rng, 7, 3) * 0.04 + _noise(rng, 3, 8) * 0.04
    return _coloured(ink("#7E9A86"), floats(fibre + _cloudy(rng, 260, 2) * 0.03))


def _plaster(rng: np.random.Generator) -> Plane:
    return _coloured(ink("#E4CFC3"), floats(_cloudy(rng, 300, 6) * 0.035 + _noise(rng, 2, 2) * 0.012))


def _slate(rng: np.random.Generator) -> Plane:
    cleft = np.abs(_cloudy(rng, 260, 5))
    return _coloured(ink("#59636B"), floats(cleft * 0.11 - 0.05 + _noise(rng, 2, 2) * 0.03))


def _terrazzo(rng: np.random.Generator) -> Plane:
    stone = _coloured(ink("#E6E2DA"), _cloudy(rng, 200, 3) * np.float32(0.015))
    chips = [ink(code) for code in ("#C9A690", "#A9B5AE", "#8C9AA6", "#D9C9AE", "#B9897A", "#B7B2A8")]
    for _ in range(420):
        count = int(rng.integers(4, 7))
        angles = np.sort(rng.uniform(0, 2 * np.pi, count))
        radius = float(rng.lognormal(2.15, 0.5))
        corners = rng.uniform(0, SIDE, 2) + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
        colour = mix(chips[int(rng.integers(len(chips)))], ink("#E6E2DA"), float(rng.uniform(0, 0.5)))
        cv2.fillPoly(stone, [np.round(corners * 16).astype(np.int32)], colour, cv2.LINE_8, 4)
    return floats(cv2.GaussianBlur(stone, (0, 0), 0.8))


def _cork(rng: np.random.Generator) -> Plane:
    speck = np.clip(_noise(rng, 6, 6) - 0.9, 0, 1) * -0.22 + np.clip(_noise(rng, 11, 9) - 0.8, 0, 1) * 0.16
    return _coloured(ink("#CDA577"), floats(speck + _cloudy(rng, 60, 3) * 0.04))


def _mat(rng: np.random.Generator) -> Plane:
    """Draw a cutting mat with its grid."""
    tone = _cloudy(rng, 300, 2) * 0.02 + _noise(rng, 2, 2) * 0.012
    axis = np.arange(SIDE)
    fine, coarse = (axis % 18) < 1, (axis % 90) < 2
    grid = np.maximum(fine[:, None] | fine[None, :], 2.6 * (coarse[:, None] | coarse[None, :]))
    return _coloured(ink("#49706A"), floats(tone + grid * 0.06))


SURFACES: dict[str, Finish] = {
    "oak": _oak,
    "walnut": _walnut,
    "ash": _ash,
    "linen": _linen,
    "denim": _denim,
    "felt": _felt,
    "plaster": _plaster,
    "slate": _slate,
    "terrazzo": _terrazzo,
    "cork": _cork,
    "mat": _mat,
}


@lru_cache(maxsize=len(SURFACES))
def surface(name: str) -> tuple[Image, ...]:
    """Draw a table top, BGR; then the same at half and a quarter of the size."""
    number = list(SURFACES).index(name)
    drawn = SURFACES[name](np.random.default_rng([7, number]))
    levels = [np.asarray(np.clip(drawn * 255 + 0.5, 0, 255), np.uint8)]
    for _ in range(2):
        smaller = cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(smaller, np.uint8))
    return tuple(levels)
