"""The moving sample: things drift and turn on a table while the light wanders; its end meets its start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.sample.arrange import VARIANTS, Box, visible_boxes
from app.engine.sample.clutter import CLUTTER
from app.engine.sample.light import Light, Pattern
from app.engine.sample.objects import KINDS
from app.engine.sample.scene import Image, Item, Scene, View, render

Progress = Callable[[float, str], None]
_SETTINGS: tuple[tuple[str, Pattern], ...] = (
    ("oak", "foliage"),
    ("linen", "window"),
    ("slate", "window"),
    ("plaster", "foliage"),
    ("ash", "window"),
    ("felt", "foliage"),
    ("walnut", "foliage"),
)
_WIDE_CM = 46.0
_QUALITY = 92
FPS = 25.0
"""Pace of the clip."""
FRAMES = 300
"""Frames of one round of the clip."""
_TURN = 2 * np.pi


@dataclass(frozen=True)
class _Actor:
    """One thing's motion: every part of it comes back after a whole number of turns.

    Attributes:
        item: the thing where it starts.
        crossing: 1 to drift to the right across the table and come in again at the left, -1 the other way.
        span: centimetres after which it comes in again, out of sight.
        swing: how far it sways, right and down, in centimetres.
        phase: where its swaying starts, in turns.
        turns: how often it spins.
        rock: how far it rocks, in radians.
    """

    item: Item
    crossing: int
    span: float
    swing: tuple[float, float]
    phase: float
    turns: int
    rock: float

    def at(self, t: float) -> Item:
        """Give its place at time `t`; 0 and 1 are the same."""
        wave = _TURN * (t + self.phase)
        x = self.item.x + self.crossing * self.span * t + self.swing[0] * float(np.sin(wave))
        return replace(
            self.item,
            x=(x + self.span / 2) % self.span - self.span / 2,
            y=self.item.y + self.swing[1] * float(np.cos(wave)),
            angle=self.item.angle + _TURN * self.turns * t + self.rock * float(np.sin(2 * wave + 1)),
        )


class Clip:
    """An endless moving scene, any of whose frames can be asked for in any order."""

    def __init__(self, seed: int = 0, frames: int = FRAMES, size: tuple[int, int] = (640, 480)) -> None:
        """Plan the clip.

        Args:
            seed: chooses table, light, things and motion; 0 is the one that the Studio shows.
            frames: after so many frames it begins again without a seam.
            size: width and height in pixels.
        """
        rng = np.random.default_rng([seed, 5])
        self.size, self.frames = size, frames
        self._surface, self._pattern = _SETTINGS[seed % len(_SETTINGS)]
        self._zoom = size[0] / _WIDE_CM
        self._high = _WIDE_CM * size[1] / size[0]
        self._actors = self._cast(rng)
        grain = rng.standard_normal((size[1] + 64, size[0] + 64), dtype=np.float32) * np.float32(2.2)
        self._reel: dict[int, npt.NDArray[np.uint8]] = {}
        self._grain = np.asarray(cv2.cvtColor(grain, cv2.COLOR_GRAY2BGR), np.float32)

    def scene(self, index: int) -> Scene:
        """Give the scene of a frame."""
        t = (index % self.frames) / self.frames
        wave = _TURN * t
        light = Light(
            azimuth=-2.3 + 0.4 * float(np.sin(wave)),
            elevation=0.92 + 0.12 * float(np.cos(wave)),
            warmth=0.25 + 0.5 * float(np.sin(wave + 0.6)),
            level=1.04 + 0.07 * float(np.sin(wave * 2)),
            softness=0.3,
            falloff=0.4,
            pattern=self._pattern,
            sway=wave,
        )
        view = View(
            zoom=self._zoom * (1 + 0.03 * float(np.sin(wave))),
            x=1.6 * float(np.sin(wave)),
            y=1.1 * float(np.cos(wave)),
            turn=0.05 * float(np.sin(wave + 1)),
        )
        items = tuple(actor.at(t) for actor in self._actors)
        return Scene(items, view, self._surface, (2.0, -3.0, 0.12), light)

    def frame(self, index: int) -> Image:
        """Give a frame; beyond the last one it begins again.

        A frame is painted once and kept as a JPEG, so that the clip's second round costs next to nothing.
        """
        index %= self.frames
        if index not in self._reel:
            painted = self._grained(render(self.scene(index), self.size).image, index)
            self._reel[index] = cv2.imencode(".jpg", painted, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
        return np.asarray(cv2.imdecode(self._reel[index], cv2.IMREAD_COLOR), np.uint8)

    def boxes(self, index: int) -> tuple[Box, ...]:
        """Say what a detector should find on a frame."""
        scene = self.scene(index)
        return visible_boxes(scene, render(scene, self.size))

    def _grained(self, image: Image, index: int) -> Image:
        left, top = (index % self.frames) * 37 % 64, (index % self.frames) * 23 % 64
        grain = self._grain[top : top + self.size[1], left : left + self.size[0]]
        return np.asarray(cv2.add(image, grain, dtype=cv2.CV_8U), np.uint8)

    def _cast(self, rng: np.random.Generator) -> tuple[_Actor, ...]:
        others = [CLUTTER[i].name for i in rng.permutation(len(CLUTTER))[:5]]
        names = rng.permutation([*(kind.name for kind in KINDS), *(kind.name for kind in KINDS), *others])
        looks = {str(name): rng.permutation(VARIANTS).tolist() for name in sorted(set(names.tolist()))}
        lanes = 4
        actors = []
        for number, name in enumerate(names.tolist()):
            lane, place = number % lanes, number // lanes
            across = ((place + 0.5 * (lane % 2)) * lanes / len(names) + float(rng.normal(0, 0.03))) % 1 - 0.5
            down = ((lane + 0.5) / lanes - 0.5) * (self._high - 3) + float(rng.normal(0, 0.8))
            actors.append(self._actor(rng, name, looks[name].pop(), lane, (across, down)))
        return tuple(actors)

    def _actor(
        self, rng: np.random.Generator, name: str, variant: int, lane: int, place: tuple[float, float]
    ) -> _Actor:
        scale = float(rng.uniform(0.9, 1.15))
        span = _WIDE_CM * 1.04 + 5 + scale * next(k.length_cm for k in (*KINDS, *CLUTTER) if k.name == name)
        return _Actor(
            item=Item(
                kind=name,
                variant=variant,
                x=place[0] * span,
                y=place[1],
                angle=float(rng.uniform(-np.pi, np.pi)),
                scale=scale,
            ),
            crossing=-1 if lane % 2 else 1,
            span=span,
            swing=(float(rng.uniform(0.5, 2.5)), float(rng.uniform(0.5, 1.8))),
            phase=float(rng.random()),
            turns=int(rng.choice([-1, 0, 0, 1])),
            rock=float(rng.uniform(0.1, 0.4)),
        )


def clip_frames(
    seed: int = 0, frames: int = FRAMES, size: tuple[int, int] = (640, 480), start: int = 0
) -> Iterator[Image]:
    """Paint one round of the clip, frame by frame, from frame `start`."""
    clip = _clip(seed, frames, size)
    return (clip.frame(index) for index in range(start, frames))


@lru_cache(maxsize=1)
def _clip(seed: int, frames: int, size: tuple[int, int]) -> Clip:
    return Clip(seed, frames, size)


def write_clip(
    path: Path,
    *,
    seed: int = 0,
    frames: int = FRAMES,
    size: tuple[int, int] = (640, 480),
    fps: float = FPS,
    progress: Progress | None = None,
) -> Path:
    """Write the clip as a video: `.mp4` (MPEG-4 part 2) or `.avi` (Motion JPEG).

    Raises:
        AppError: the name ends otherwise, or the file cannot be written.
    """
    codes = {".mp4": "mp4v", ".avi": "MJPG"}
    if path.suffix.lower() not in codes:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The clip cannot be written as {name}."),
            QT_TRANSLATE_NOOP("core", "Choose a name ending in .mp4 or .avi."),
            name=path.name,
        )
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    code = cv2.VideoWriter.fourcc(*codes[path.suffix.lower()])
    writer = cv2.VideoWriter(str(partial), code, fps, size)
    if not writer.isOpened():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The clip cannot be written to {path}."),
            QT_TRANSLATE_NOOP("core", "Check that the folder is writable."),
            path=path,
        )
    try:
        for index, image in enumerate(clip_frames(seed, frames, size)):
            writer.write(image)
            if progress is not None:
                progress((index + 1) / frames, "clip")
    except BaseException:
        writer.release()
        partial.unlink(missing_ok=True)
        raise
    writer.release()
    partial.replace(path)
    return path
