"""The six kinds of object that the sample's detector tells apart: how each is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.engine.sample.canvas import Canvas, Colour, Plane, Point, floats, ink, mix, rounded, turned

Artist = Callable[[Canvas, np.random.Generator], float]
"""Draws one object, a different one for each state of the generator; gives its thickness in units."""

CREAM, WHITE, CHARCOAL = ink("#EFE3CC"), ink("#F4F1EA"), ink("#35383D")
TERRACOTTA, CORAL, BLUSH = ink("#C2603F"), ink("#DF7A5E"), ink("#E2B5A5")
MUSTARD, SAGE, FOREST = ink("#D8A03C"), ink("#8BA587"), ink("#3D6A55")
NAVY, SKY, PLUM = ink("#2C4870"), ink("#86AFC9"), ink("#704B68")
BRASS, STEEL, COPPER = ink("#C9A24E"), ink("#AEB4BA"), ink("#B9764C")
WOOD, BIRCH, RUBBER = ink("#B98555"), ink("#E3C394"), ink("#DE9A92")
GLAZES = (CREAM, WHITE, CHARCOAL, TERRACOTTA, CORAL, BLUSH, MUSTARD, SAGE, FOREST, NAVY, SKY, PLUM)
METALS = (BRASS, STEEL, COPPER, mix(STEEL, CHARCOAL, 0.45), mix(BRASS, CHARCOAL, 0.35))


FOLIAGE = (FOREST, SAGE, ink("#6E8B3D"), ink("#4F7F4A"), MUSTARD, TERRACOTTA, ink("#9B4B3A"), PLUM)


def choice(rng: np.random.Generator, colours: tuple[Colour, ...]) -> Colour:
    """Pick one colour, slightly off its recipe."""
    picked = colours[int(rng.integers(len(colours)))]
    return mix(picked, (float(rng.random()), float(rng.random()), float(rng.random())), 0.06)


def draw_vessel(canvas: Canvas, rng: np.random.Generator, centre: Point, radius: float) -> Colour:
    """Draw a round vessel from above: wall, shaded inside and perhaps a drink. Gives its glaze."""
    glaze = choice(rng, GLAZES)
    wall = radius * float(rng.uniform(0.1, 0.16))
    canvas.lay(canvas.disc(radius, centre), glaze, bevel=wall * 0.9, lift=0.24, gloss=0.5)
    hollow = canvas.disc(radius - wall, centre)
    inside = mix(choice(rng, (CREAM, WHITE, glaze)), CHARCOAL, 0.12)
    canvas.lay(hollow, inside, bevel=0, lift=0.16, gloss=0.1)
    distance = np.hypot(canvas.x - centre[0], canvas.y - centre[1]) / (radius - wall)
    canvas.glow(hollow * floats(-0.42 * np.clip(distance, 0, 1) ** 6))
    if rng.random() < 0.7:
        drink = choice(rng, (ink("#4A2C1D"), ink("#7B4A2B"), ink("#B9824F"), ink("#A8612A"), ink("#93A062")))
        level = (radius - wall) * float(rng.uniform(0.82, 0.93))
        surface = canvas.disc(level, centre)
        canvas.lay(surface, drink, bevel=0, lift=0.17, gloss=0.55)
        rim = canvas.disc(level, centre) * floats(np.clip(distance * 1.15, 0, 1) ** 14)
        canvas.paint(rim, mix(drink, CREAM, 0.45), 0.8)
        canvas.paint(surface, mix(drink, CREAM, 0.3), 0.35 * float(rng.random()))
    return glaze


def draw_mug(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a mug from above; its handle is what tells it from a bowl."""
    centre, radius = (-0.27, 0.0), float(rng.uniform(0.66, 0.7))
    state = rng.bit_generator.state
    glaze = draw_vessel(canvas, rng, centre, radius)
    half, width = float(rng.uniform(0.2, 0.28)), float(rng.uniform(0.12, 0.16))
    bow = np.linspace(-np.pi / 2, np.pi / 2, 25)
    tip = 0.98 - width / 2
    arc = [(0.3 + (tip - 0.3) * abs(float(np.cos(a))) ** 0.7, half * float(np.sin(a))) for a in bow]
    grip = canvas.stroke([(0.1, -half * 1.2), *arc, (0.1, half * 1.2)], width)
    canvas.lay(grip, glaze, bevel=width * 0.5, lift=0.12, gloss=0.5)
    rng.bit_generator.state = state
    draw_vessel(canvas, rng, centre, radius)
    return 0.3


def draw_key(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a key: a bow with a hole, a shaft and a bit with cuts."""
    metal, shape = choice(rng, METALS), int(rng.integers(4))
    bow, half = (-0.58, 0.0), float(rng.uniform(0.075, 0.11))
    shaft = canvas.polygon(rounded(0.72, half, half, (0.26, 0.0)))
    canvas.lay(shaft, metal, bevel=0.05, lift=0.05, gloss=0.8)
    _draw_bit(canvas, rng, metal, half, old=shape == 0)
    if shape == 0:
        lobes = _around(bow, 0.17, 0.21, (0.4, 1.9, 3.14, 4.4, 5.9))
        head = np.maximum.reduce([canvas.disc(0.23, lobe) for lobe in lobes])
    elif shape == 1:
        head = canvas.polygon(rounded(0.37, 0.36, 0.14, bow))
    elif shape == 2:
        head = canvas.disc(0.41, bow, squash=0.92)
    else:
        head = canvas.polygon(_around(bow, 0.42, 0.42, [step * np.pi / 3 for step in range(6)]))
    canvas.lay(head, metal, bevel=0.07, lift=0.06, gloss=0.8)
    hole = canvas.disc(0.24, bow, 0.9) if shape in (0, 2) else canvas.disc(0.13, (bow[0] - 0.17, 0.0))
    if shape in (1, 3):
        canvas.press(canvas.soft(canvas.disc(0.15, (bow[0] + 0.14, 0.0)), 0.02), 0.02)
    canvas.press(canvas.soft(hole, 0.03), 0.02)
    canvas.cut(hole)
    canvas.press(canvas.soft(canvas.polygon(rounded(0.5, 0.02, 0.02, (0.36, -0.015))), 0.008), 0.03)
    canvas.glow(canvas.grain(rng, 0.02, 9.0) * np.float32(0.05))
    return 0.1


def _around(centre: Point, across: float, down: float, angles: Sequence[float]) -> list[Point]:
    """Give points on an ellipse."""
    return [(centre[0] + across * float(np.cos(a)), centre[1] + down * float(np.sin(a))) for a in angles]


def _draw_bit(canvas: Canvas, rng: np.random.Generator, metal: Colour, half: float, old: bool) -> None:
    if old:
        for x in (0.62, 0.84):
            drop = float(rng.uniform(0.3, 0.36))
            tooth = canvas.polygon(rounded(0.075, drop / 2, 0.02, (x, drop / 2)))
            canvas.lay(tooth, metal, bevel=0.03, lift=0.05, gloss=0.8)
        canvas.lay(canvas.disc(half + 0.045, (-0.1, 0.0)), metal, bevel=0.04, lift=0.07, gloss=0.8)
        return
    depth = half + rng.uniform(0.05, 0.18, 6)
    edge: list[Point] = [(0.12, 0.0), (0.12, half)]
    for i, low in enumerate(depth):
        left = 0.18 + 0.125 * i
        edge += [(left, float(low)), (left + 0.06, float(low)), (left + 0.0925, half + 0.015)]
    canvas.lay(canvas.polygon([*edge, (0.95, half), (0.95, 0.0)]), metal, bevel=0.04, lift=0.05, gloss=0.8)


def draw_leaf(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a leaf: stem, midrib, side veins, and one of four outlines."""
    tone = choice(rng, FOLIAGE)
    shape, width = int(rng.integers(4)), float(rng.uniform(0.36, 0.5))
    t = np.linspace(0, 1, 90)
    fullness = (0.85, 0.6, 1.25, 0.8)[shape]
    side = np.sin(np.pi * t**fullness) ** (0.9, 1.1, 1.0, 0.8)[shape] * width * (0.95, 0.62, 1.0, 1.0)[shape]
    if shape == 3:
        side = side * (0.72 + 0.28 * np.cos(2 * np.pi * 4.5 * t))
    elif shape == 0:
        side = side * (1 + 0.035 * ((t * 16) % 1 - 0.5))
    bend = float(rng.uniform(-0.16, 0.16))
    spine_x, spine_y = -0.62 + 1.6 * t, bend * np.sin(np.pi * t)
    upper = list(zip(spine_x.tolist(), (spine_y - side).tolist(), strict=True))
    lower = list(zip(spine_x.tolist(), (spine_y + side).tolist(), strict=True))
    spine = list(zip(spine_x.tolist(), spine_y.tolist(), strict=True))
    stem = canvas.stroke([(-0.98, -0.3 * bend), (-0.8, -0.12 * bend), spine[0], spine[8]], 0.045)
    canvas.lay(stem, mix(tone, BIRCH, 0.35), bevel=0.02, lift=0.04)
    blade = canvas.polygon(upper + lower[::-1])
    canvas.lay(blade, mix(tone, CREAM, 0.12), bevel=0.13, lift=0.05, gloss=0.2)
    canvas.paint(blade * np.clip(canvas.x * 0.5 + 0.5, 0, 1), mix(tone, CHARCOAL, 0.2))
    _draw_veins(canvas, spine, floats(side), blade, mix(tone, CREAM, 0.4))
    canvas.glow(canvas.grain(rng, 0.09) * np.float32(0.05))
    canvas.press(canvas.grain(rng, 0.35), 0.03)
    return 0.12


def _draw_veins(canvas: Canvas, spine: list[Point], side: Plane, blade: Plane, colour: Colour) -> None:
    veins: list[list[Point]] = []
    for start in range(10, 74, 9):
        x, y = spine[start]
        reach = float(side[min(start + 9, 89)]) * 0.86
        for sign in (-1, 1):
            veins.append([(x, y), (x + 0.12, y + sign * reach * 0.45), (x + 0.28, y + sign * reach)])
    ribs = canvas.strokes(veins, 0.014) * blade
    midrib = canvas.stroke(spine[:-3], 0.03) * blade
    canvas.paint(np.maximum(ribs * 0.6, midrib), colour, 0.75)
    canvas.press(canvas.soft(np.maximum(ribs, midrib), 0.012), 0.02)


def draw_pencil(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a pencil: rubber, ferrule, six-sided body, sharpened tip."""
    half, colour = float(rng.uniform(0.058, 0.075)), choice(rng, (*GLAZES, MUSTARD, MUSTARD))
    start, cone = float(rng.uniform(-0.6, -0.2)) if rng.random() < 0.25 else -0.74, 0.66
    if rng.random() < 0.7:
        end = canvas.polygon(rounded(0.09, half * 0.92, 0.04, (start - 0.15, 0)))
        canvas.lay(end, choice(rng, (RUBBER, WHITE)), bevel=half, lift=0.02, gloss=0.05)
        ferrule = canvas.polygon(rounded(0.065, half * 1.02, 0.012, (start - 0.055, 0)))
        canvas.lay(ferrule, choice(rng, METALS), bevel=half, lift=0.02, gloss=0.9)
        bands = floats(np.sin(canvas.x * 150) > 0.2) * ferrule
        canvas.glow(bands * np.float32(-0.22))
    wood = canvas.polygon([(cone - 0.06, -half), (0.99, -0.006), (0.99, 0.006), (cone - 0.06, half)])
    canvas.lay(wood, mix(BIRCH, WOOD, float(rng.random()) * 0.4), bevel=half, lift=0.02, gloss=0.1)
    lead = mix(colour, CHARCOAL, 0.15) if rng.random() < 0.45 else CHARCOAL
    canvas.paint(wood * floats(canvas.x > 0.875), lead)
    scallop: list[Point] = [(start, -half), (cone, -half)]
    for i in range(3):
        y = half * (2 * i - 2) / 3
        scallop += [(cone + 0.045, y - half / 6), (cone + 0.045, y + half / 6), (cone - 0.015, y + half / 3)]
    body = canvas.polygon([*scallop[:2], *scallop[2:-1], (cone, half), (start, half)])
    canvas.lay(body, colour, bevel=0.0, lift=0.02, gloss=0.5)
    face = np.clip(canvas.y / half * 1.5, -1.5, 1.5)
    canvas.glow(body * floats(np.where(face < -0.5, 0.14, np.where(face > 0.5, -0.2, 0.0)) + 0 * canvas.x))
    canvas.press(body * floats(np.abs(canvas.y) / half), 0.035)
    if rng.random() < 0.6:
        band = floats((canvas.x > start + 0.09) & (canvas.x < start + 0.115))
        canvas.paint(body * band, choice(rng, (CREAM, BRASS)))
    return 0.12


def draw_die(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a die from above; its pips tell it from a plain block."""
    colour = choice(rng, (WHITE, CREAM, CHARCOAL, TERRACOTTA, NAVY, BIRCH, FOREST, SKY, MUSTARD))
    dark = sum(colour) < 1.5
    corner, half = float(rng.uniform(0.14, 0.26)), 0.94
    cube, top = rounded(half, half, corner), rounded(half - 0.2, half - 0.2, corner)
    canvas.lay(canvas.polygon(cube), mix(colour, CHARCOAL, 0.1), bevel=0.2, lift=0.55, gloss=0.5)
    canvas.paint(canvas.soft(canvas.polygon(top), 0.03), mix(colour, WHITE, 0.1))
    value = int(rng.integers(1, 7))
    gap, radius = float(rng.uniform(0.44, 0.5)), float(rng.uniform(0.14, 0.18))
    places: list[Point] = [(0.0, 0.0)] if value % 2 else []
    places += [(-gap, -gap), (gap, gap)] if value > 1 else []
    places += [(gap, -gap), (-gap, gap)] if value > 3 else []
    places += [(-gap, 0.0), (gap, 0.0)] if value == 6 else []
    radius *= 1.5 if value == 1 else 1.0
    pips = np.maximum.reduce([canvas.disc(radius, place) for place in places])
    canvas.paint(pips, mix(WHITE if dark else CHARCOAL, colour, 0.08))
    canvas.press(canvas.soft(pips, 0.03), 0.08)
    return 0.8


def draw_scissors(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a pair of scissors, opened more or less: two blades, a rivet and two loops."""
    opening, grip = float(rng.uniform(0.12, 0.5)), choice(rng, (*GLAZES, CHARCOAL, CORAL))
    metal, pivot = mix(STEEL, WHITE, float(rng.random()) * 0.35), (-0.02, 0.0)
    loop = float(rng.uniform(0.2, 0.25))
    for sign in (-1, 1):
        angle = sign * opening / 2
        blade = [(-0.1, -0.06), (0.15, -0.075), (0.7, -0.05), (0.97, 0.01), (0.7, 0.03), (0.0, 0.06)]
        blade = turned([(x, -sign * y) for x, y in blade], angle, pivot)
        canvas.lay(canvas.polygon(blade), metal, bevel=0.035, lift=0.07, gloss=0.9)
        tang = [(0.0, 0.0), (-0.2, -sign * 0.045), (-0.42, -sign * (loop * 0.5 + 0.05))]
        arm = canvas.stroke(turned(tang, angle * 0.8, pivot), 0.11)
        canvas.lay(arm, grip, bevel=0.05, lift=0.08, gloss=0.35)
        ring = canvas.stroke(turned(_loop(loop, -sign), angle * 0.8, pivot), 0.085, closed=True)
        canvas.lay(ring, grip, bevel=0.045, lift=0.08, gloss=0.35)
    canvas.lay(canvas.disc(0.055, pivot), mix(metal, CHARCOAL, 0.25), bevel=0.04, lift=0.11, gloss=0.9)
    canvas.glow(canvas.grain(rng, 0.015, 12.0) * np.float32(0.03))
    return 0.1


def _loop(size: float, side: int) -> list[Point]:
    """Outline a finger loop: an egg, its thin end towards the blades."""
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    thin = 1 - 0.22 * np.cos(turn)
    egg = [(0.29 * float(np.cos(a)), size * float(np.sin(a) * t)) for a, t in zip(turn, thin, strict=True)]
    tilted = turned(egg, -0.25 * side)
    return [(x - 0.66, y + side * (size + 0.08)) for x, y in tilted]


@dataclass(frozen=True)
class Kind:
    """A kind of object that the detector learns.

    Attributes:
        name: its class name in the data set.
        chinese: its name on the card.
        length_cm: how long two units of its drawing are on the table.
        flat: how far it reaches to either side of its long axis, in units.
        draw: its artist.
    """

    name: str
    chinese: str
    length_cm: float
    flat: float
    draw: Artist


KINDS = (
    Kind("mug", "马克杯", 11.0, 0.75, draw_mug),
    Kind("key", "钥匙", 7.0, 0.5, draw_key),
    Kind("leaf", "树叶", 9.0, 0.62, draw_leaf),
    Kind("pencil", "铅笔", 15.5, 0.1, draw_pencil),
    Kind("die", "骰子", 3.6, 1.0, draw_die),
    Kind("scissors", "剪刀", 14.0, 0.85, draw_scissors),
)
"""In the order of their class numbers."""
