"""Arranging a table for one picture of the data set, and saying what a detector should find on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from app.engine.sample.clutter import CLUTTER, SHEET
from app.engine.sample.light import Light, Pattern
from app.engine.sample.objects import KINDS
from app.engine.sample.scene import (
    Image,
    Item,
    Owners,
    Rendering,
    Scene,
    View,
    pick_sprite,
    placed,
    render,
    window_of,
)
from app.engine.sample.surfaces import SURFACES

VARIANTS = 12
"""Different drawings of each kind."""
LEAST_VISIBLE = 0.35
"""An object of which less than this share can be seen has no label."""
LEAST_PIXELS = 5
"""Nor has one whose visible part is narrower or lower than this."""
_TRIES = 14


@dataclass(frozen=True)
class Box:
    """What a detector should find: class number and edges in pixels, right and bottom exclusive."""

    label: int
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Picture:
    """A labelled picture."""

    image: Image
    boxes: tuple[Box, ...]


def full_area(item: Item, view: View, size: tuple[int, int]) -> float:
    """Give the pixels that an item would cover if nothing hid it and the picture had no edge."""
    drawing = pick_sprite(item, view)
    matrix = placed(item, view, size, drawing)
    return drawing.area * abs(float(np.linalg.det(matrix[:, :2])))


def visible_boxes(scene: Scene, rendering: Rendering) -> tuple[Box, ...]:
    """Give the boxes of the labelled items' visible parts, without those that are hidden too much."""
    size = (rendering.image.shape[1], rendering.image.shape[0])
    boxes = []
    for number, item in enumerate(scene.items, start=1):
        if item.label is None:
            continue
        mine = np.asarray(rendering.owners == number, np.uint8)
        count = int(cv2.countNonZero(mine))
        left, top, width, height = cv2.boundingRect(mine)
        seen = count >= LEAST_VISIBLE * full_area(item, scene.view, size)
        if seen and min(width, height) >= LEAST_PIXELS:
            boxes.append(Box(item.label, left, top, left + width, top + height))
    return tuple(boxes)


def compose(seed: int, split: int, index: int, size: tuple[int, int]) -> Picture:
    """Make one picture of the data set; the same arguments always give the same picture."""
    rng = np.random.default_rng([seed, split, index])
    scene = arrange(rng, index % len(KINDS), size)
    rendering = render(scene, size)
    return Picture(photographed(rendering.image, rng), visible_boxes(scene, rendering))


def arrange(rng: np.random.Generator, first: int, size: tuple[int, int]) -> Scene:
    """Lay out a table: the class `first` for certain, and what chance adds."""
    span = float(rng.uniform(28, 50))
    view = View(zoom=min(size) / span, turn=float(rng.uniform(-np.pi, np.pi)))
    tidy = Layout(view, size, bool(rng.random() < 0.4))
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        tidy.add(_chosen(rng, SHEET.name, size, view), rng, force=True)
    wanted = [KINDS[first].name]
    wanted += [KINDS[i].name for i in rng.integers(0, len(KINDS), int(rng.integers(2, 9)))]
    wanted += [CLUTTER[i].name for i in rng.integers(0, len(CLUTTER), int(rng.integers(1, 6)))]
    for name in [wanted[0], *rng.permutation(np.array(wanted[1:])).tolist()]:
        for _ in range(_TRIES):
            if tidy.add(_chosen(rng, name, size, view), rng):
                break
    return Scene(
        items=tuple(tidy.items),
        view=view,
        surface=list(SURFACES)[int(rng.integers(len(SURFACES)))],
        table=(float(rng.uniform(-14, 14)), float(rng.uniform(-14, 14)), float(rng.uniform(-np.pi, np.pi))),
        light=_lamp(rng),
    )


class Layout:
    """The items laid so far, and how much of each can still be seen."""

    def __init__(self, view: View, size: tuple[int, int], tidy: bool) -> None:
        self.items: list[Item] = []
        self._view, self._size, self._tidy = view, size, tidy
        self._owners: Owners = np.zeros((size[1], size[0]), np.int16)
        self._area: list[float] = [1.0]
        self._seen: npt.NDArray[np.int64] = np.zeros(1, np.int64)

    def add(self, item: Item, rng: np.random.Generator, force: bool = False) -> bool:
        """Lay an item on top, unless it would be cut off or hide another too much."""
        drawing = pick_sprite(item, self._view)
        matrix = placed(item, self._view, self._size, drawing)
        window = window_of(drawing.colour, matrix, self._size)
        if window is None:
            return False
        cover = window.warp(drawing.colour[..., 3], matrix) > 0.5
        area = max(1.0, drawing.area * abs(float(np.linalg.det(matrix[:, :2]))))
        here = self._owners[window.slices]
        hidden = np.bincount(here[cover], minlength=len(self.items) + 1)
        if not force and not self._bearable(rng, hidden, int(cover.sum()), area):
            return False
        self._seen -= hidden
        here[cover] = len(self.items) + 1
        self._seen = np.append(self._seen, int(cover.sum()))
        self._area.append(area)
        self.items.append(item)
        return True

    def _bearable(
        self, rng: np.random.Generator, hidden: npt.NDArray[np.int64], shown: int, area: float
    ) -> bool:
        if shown < 0.66 * area:
            return False
        labelled = [i + 1 for i, other in enumerate(self.items) if other.kind != SHEET.name]
        if sum(int(hidden[i]) for i in labelled) > 0.04 * shown and (self._tidy or rng.random() < 0.35):
            return False
        return all(self._seen[i] - hidden[i] >= (LEAST_VISIBLE + 0.12) * self._area[i] for i in labelled)


def _chosen(rng: np.random.Generator, name: str, size: tuple[int, int], view: View) -> Item:
    reach = max(size) / view.zoom * 0.7
    radius = reach * float(np.sqrt(rng.random()))
    towards = float(rng.uniform(-np.pi, np.pi))
    gain = np.exp(rng.normal(0, 0.07, 3))
    return Item(
        kind=name,
        variant=int(rng.integers(VARIANTS)),
        x=radius * float(np.cos(towards)),
        y=radius * float(np.sin(towards)),
        angle=float(rng.uniform(-np.pi, np.pi)),
        scale=float(np.clip(np.exp(rng.normal(0, 0.16)), 0.7, 1.45)),
        tint=(float(gain[0]), float(gain[1]), float(gain[2])),
    )


def _lamp(rng: np.random.Generator) -> Light:
    patterns: tuple[Pattern, ...] = ("plain", "plain", "window", "foliage")
    return Light(
        azimuth=float(rng.uniform(-np.pi, np.pi)),
        elevation=float(rng.uniform(0.6, 1.2)),
        warmth=float(rng.uniform(-0.8, 1.0)),
        level=float(np.exp(rng.normal(0.0, 0.2))),
        softness=float(rng.uniform(0.0, 0.9)),
        falloff=float(rng.uniform(0.1, 0.65)),
        pattern=patterns[int(rng.integers(len(patterns)))],
        sway=float(rng.uniform(-np.pi, np.pi)),
    )


def photographed(image: Image, rng: np.random.Generator) -> Image:
    """Add what a camera adds: now and then a little blur, and always a little grain."""
    blur = float(rng.uniform(0.5, 1.5)) if rng.random() < 0.4 else 0.0
    if blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.uint8)
    strength = float(rng.uniform(1.0, 5.5))
    grain = rng.standard_normal(image.shape[:2], dtype=np.float32) * np.float32(strength)
    noisy = cv2.add(image, cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR), dtype=cv2.CV_8U)
    return np.asarray(noisy, np.uint8)
