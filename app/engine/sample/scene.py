"""A table seen from above: what lies on it, how it is painted, and what can be seen of each thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from app.engine.sample.canvas import Canvas, Colour, Plane, Sprite, floats
from app.engine.sample.clutter import CLUTTER, SHEET
from app.engine.sample.light import Light
from app.engine.sample.objects import KINDS, Kind
from app.engine.sample.surfaces import DENSITY, SIDE, surface

Image = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]
Owners = npt.NDArray[np.int16]
"""For each pixel the number of the item on top, from 1; 0 is the table."""

_ALL: dict[str, Kind] = {kind.name: kind for kind in (*KINDS, *CLUTTER, SHEET)}
_DENSITIES = (13.0, 18.0, 36.0, 72.0, 144.0)
"""Sprites are drawn at so many pixels per centimetre; a picture takes the least that serves it."""
_ENLARGED = 1.1
"""As far as this a sprite may be enlarged before the next density is taken."""


@dataclass(frozen=True)
class Item:
    """Something on the table.

    Attributes:
        kind: name of its kind.
        variant: which drawing of that kind.
        x, y: its middle in centimetres from the middle of the table, y down.
        angle: radians, clockwise.
        scale: its size relative to the usual.
        tint: gain of blue, green, red.
    """

    kind: str
    variant: int
    x: float
    y: float
    angle: float = 0.0
    scale: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def label(self) -> int | None:
        """Its class number, None for clutter."""
        return _LABELS.get(self.kind)


_LABELS = {kind.name: number for number, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class View:
    """Where the camera is: pixels per centimetre, what it looks at (cm) and its turn (radians)."""

    zoom: float
    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0


@dataclass(frozen=True)
class Scene:
    """A whole picture as data; the same scene always gives the same pixels.

    Attributes:
        items: what lies on the table, the topmost last.
        view: the camera.
        surface: name of the table top, or one colour.
        table: how the table top lies under the items: right, down (cm), radians.
        light: the light.
    """

    items: tuple[Item, ...]
    view: View
    surface: str | Colour = "oak"
    table: tuple[float, float, float] = (0.0, 0.0, 0.0)
    light: Light = field(default_factory=Light)


@dataclass(frozen=True, eq=False)
class Rendering:
    """A painted scene.

    Attributes:
        image: BGR.
        owners: which item is seen at each pixel.
    """

    image: Image
    owners: Owners


@lru_cache(maxsize=256)
def sprite(kind: str, variant: int, density: float) -> Sprite:
    """Draw an object at so many pixels per centimetre; the same one for the same arguments."""
    recipe = _ALL[kind]
    canvas = Canvas(density * recipe.length_cm / 2, recipe.flat)
    rng = np.random.default_rng([list(_ALL).index(kind), variant])
    return canvas.finish(recipe.draw(canvas, rng))


def placed(item: Item, view: View, size: tuple[int, int], drawing: Sprite) -> Matrix:
    """Give the 2×3 matrix from the sprite's units, multiplied by `unit`, to the picture's pixels."""
    scale = _ALL[item.kind].length_cm / 2 * item.scale * view.zoom / drawing.unit
    cos, sin = np.cos(view.turn), np.sin(view.turn)
    x, y = (item.x - view.x) * view.zoom, (item.y - view.y) * view.zoom
    middle = np.array([size[0] / 2 - 0.5 + cos * x - sin * y, size[1] / 2 - 0.5 + sin * x + cos * y])
    angle = item.angle + view.turn
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, middle])


def pick_sprite(item: Item, view: View) -> Sprite:
    """Choose the sprite whose detail suits the picture."""
    wanted = item.scale * view.zoom / _ENLARGED
    return sprite(item.kind, item.variant, next((d for d in _DENSITIES if d >= wanted), _DENSITIES[-1]))


@dataclass(frozen=True)
class Window:
    """The part of a picture that an item may touch."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the part in an array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def warp(self, plane: Plane, matrix: Matrix) -> Plane:
        """Bring a sprite's plane into this part."""
        local = matrix @ _centred(plane) - np.array([[0, 0, self.left], [0, 0, self.top]])
        return floats(cv2.warpAffine(plane, local, (self.right - self.left, self.bottom - self.top)))


def _centred(plane: Plane) -> Matrix:
    """Give the 3×3 matrix from a plane's pixels (centres at whole numbers) to distances from its middle."""
    rows, columns = plane.shape[:2]
    return np.array([[1, 0, 0.5 - columns / 2], [0, 1, 0.5 - rows / 2], [0, 0, 1]])


def window_of(plane: Plane, matrix: Matrix, size: tuple[int, int]) -> Window | None:
    """Find the part of a picture of `size` (width, height) that a sprite's plane covers."""
    rows, columns = plane.shape[0] / 2, plane.shape[1] / 2
    edges = [[-columns, columns, -columns, columns], [-rows, -rows, rows, rows], [1, 1, 1, 1]]
    corners = matrix @ np.array(edges)
    left, top = np.floor(corners.min(axis=1)).astype(int) - 1
    right, bottom = np.ceil(corners.max(axis=1)).astype(int) + 2
    found = Window(max(0, int(left)), max(0, int(top)), min(size[0], int(right)), min(size[1], int(bottom)))
    return found if found.right > found.left and found.bottom > found.top else None


def render(scene: Scene, size: tuple[int, int]) -> Rendering:
    """Paint a scene at `size` (width, height)."""
    table = _table(scene, size) if isinstance(scene.surface, str) else _plain(scene.surface, size)
    planes = tuple(floats(plane) for plane in cv2.split(table))
    owners: Owners = np.zeros((size[1], size[0]), np.int16)
    for number, item in enumerate(scene.items, start=1):
        drawing = pick_sprite(item, scene.view)
        matrix = placed(item, scene.view, size, drawing)
        _shadow(planes, drawing, matrix, scene.light, size)
        cover = _body(planes, item, drawing, matrix, scene, size)
        if cover is not None:
            window, mask = cover
            owners[window.slices][mask > 0.5] = number
    picture = cv2.multiply(cv2.merge(planes), scene.light.field(*size))
    return Rendering(_developed(floats(picture)), owners)


def _plain(colour: Colour, size: tuple[int, int]) -> Plane:
    return np.full((size[1], size[0], 3), colour, np.float32)


def _table(scene: Scene, size: tuple[int, int]) -> Plane:
    view = scene.view
    x, y, turn = scene.table
    levels = surface(str(scene.surface))
    level = 0 if view.zoom > 0.7 * DENSITY else 1 if view.zoom > 0.35 * DENSITY else 2
    density = DENSITY / 2**level
    scale = view.zoom / density
    angle = turn + view.turn
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    cos, sin = np.cos(-turn), np.sin(-turn)
    eye = np.array([cos * view.x - sin * view.y + x, sin * view.x + cos * view.y + y])
    source = SIDE / 2**level / 2 - 0.5 + eye * density
    matrix = np.column_stack([rotation, np.array([size[0] / 2 - 0.5, size[1] / 2 - 0.5]) - rotation @ source])
    seen = cv2.warpAffine(levels[level], matrix, size, borderMode=cv2.BORDER_REFLECT_101)
    return floats(seen) * np.float32(1 / 255)


def _shadow(
    planes: tuple[Plane, ...], drawing: Sprite, matrix: Matrix, light: Light, size: tuple[int, int]
) -> None:
    """Darken what lies under an item and away from the light; shadows are a little blue."""
    lx, ly, lz = light.towards()
    reach = drawing.thickness * drawing.unit * float(np.hypot(*matrix[:, 0])) / max(0.35, lz) * 0.75
    away = np.array([[0, 0, -lx * reach], [0, 0, -ly * reach]])
    for plane, moved, strength in (
        (drawing.near, matrix + 0.25 * away, 0.34),
        (drawing.far, matrix + away, 0.62 * (1 - light.softness)),
    ):
        window = window_of(plane, moved, size)
        if window is None:
            continue
        dark = window.warp(plane, moved)
        for channel, share in zip(planes, (0.86, 0.95, 1.0), strict=True):
            channel[window.slices] *= 1 - dark * np.float32(strength * share)


def _body(
    planes: tuple[Plane, ...],
    item: Item,
    drawing: Sprite,
    matrix: Matrix,
    scene: Scene,
    size: tuple[int, int],
) -> tuple[Window, Plane] | None:
    """Paint an item in the light; give where it is and how much of each pixel it covers."""
    window = window_of(drawing.colour, matrix, size)
    if window is None:
        return None
    *colours, cover = cv2.split(window.warp(drawing.colour, matrix))
    relief = window.warp(drawing.relief, matrix)
    shine, gleam = _shading(relief, item.angle + scene.view.turn, scene.light)
    gleam *= cover
    keep = 1 - cover
    for channel, colour, gain in zip(planes, colours, item.tint, strict=True):
        part = channel[window.slices]
        part *= keep
        part += colour * shine * np.float32(gain) + gleam
    return window, floats(cover)


def _shading(relief: Plane, angle: float, light: Light) -> tuple[Plane, Plane]:
    """Give diffuse light relative to a flat surface, and highlights (Lambert and Blinn)."""
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    across, along, gloss = (floats(plane) for plane in cv2.split(relief)[:3])
    right, down = cos * across - sin * along, sin * across + cos * along
    upright = 1 / np.sqrt(1 + right * right + down * down)
    (lx, ly, lz), softness = light.towards(), light.softness
    direct = np.maximum(0, (np.float32(lz) - lx * right - ly * down) * upright) / np.float32(lz)
    half = np.array([lx, ly, lz + 1])
    hx, hy, hz = (float(v) for v in half / np.linalg.norm(half))
    sharp = np.maximum(0, (np.float32(hz) - hx * right - hy * down) * upright)
    for _ in range(5):
        sharp = sharp * sharp
    ambient = np.float32(0.34 + 0.25 * softness)
    diffuse = ambient * (0.6 + 0.4 * upright) + (1 - ambient) * direct
    return floats(diffuse), floats(sharp * gloss * np.float32(0.5 * (1 - 0.5 * softness)))


def _developed(picture: Plane) -> Image:
    """Turn light into a picture: a gentle curve that keeps highlights from burning out."""
    linear = np.asarray(cv2.convertScaleAbs(picture, alpha=200.0), np.uint8)
    return np.asarray(cv2.LUT(linear, _curve()), np.uint8)


@lru_cache(maxsize=1)
def _curve() -> Image:
    value = np.arange(256) / 200.0
    shoulder = np.where(value > 0.72, 0.72 + 0.28 * np.tanh((value - 0.72) / 0.28), value)
    contrast = shoulder + 0.05 * np.sin(2 * np.pi * (shoulder - 0.5)) * np.where(shoulder < 1, 1, 0)
    return np.clip(contrast * 255 + 0.5, 0, 255).astype(np.uint8)
