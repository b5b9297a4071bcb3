"""Things on the table that belong to no class but resemble one, so that colour or outline alone misleads."""

from __future__ import annotations

import numpy as np

from app.engine.sample.canvas import Canvas, Point, floats, ink, mix, rounded, spline
from app.engine.sample.objects import (
    BIRCH,
    CHARCOAL,
    CORAL,
    CREAM,
    FOREST,
    GLAZES,
    METALS,
    MUSTARD,
    SKY,
    WHITE,
    WOOD,
    Kind,
    choice,
    draw_vessel,
)


def draw_bowl(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a bowl: a mug without a handle."""
    draw_vessel(canvas, rng, (0.0, 0.0), 0.96)
    return 0.28


def draw_saucer(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a plate with a ring or two."""
    glaze = choice(rng, GLAZES)
    canvas.lay(canvas.disc(0.97), glaze, bevel=0.12, lift=0.06, gloss=0.45)
    well = float(rng.uniform(0.45, 0.6))
    canvas.press(canvas.soft(canvas.disc(well), 0.02), 0.05)
    radius = np.hypot(canvas.x, canvas.y)
    canvas.paint(floats((radius > 0.86) & (radius < 0.9)), choice(rng, GLAZES), 0.7)
    return 0.1


def draw_ring(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a key ring without a key."""
    canvas.lay(canvas.disc(0.94), choice(rng, METALS), bevel=0.12, lift=0.05, gloss=0.9)
    canvas.cut(canvas.disc(float(rng.uniform(0.66, 0.76))))
    return 0.2


def draw_button(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a button: round with holes, as a die has pips."""
    canvas.lay(canvas.disc(0.95), choice(rng, GLAZES), bevel=0.25, lift=0.12, gloss=0.45)
    canvas.press(canvas.soft(canvas.disc(0.66), 0.04), 0.12)
    gap = float(rng.uniform(0.2, 0.28))
    places: list[Point] = [(-gap, -gap), (gap, gap), (gap, -gap), (-gap, gap)]
    holes = np.maximum.reduce([canvas.disc(0.11, p) for p in places[: 2 * int(rng.integers(1, 3))]])
    canvas.paint(holes, CHARCOAL, 0.85)
    canvas.press(canvas.soft(holes, 0.02), 0.06)
    return 0.25


def draw_block(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a plain block: a die without pips, or an eraser in its sleeve."""
    long = rng.random() < 0.5
    half = 0.55 if long else 0.94
    colour = choice(rng, (*GLAZES, BIRCH))
    corner = float(rng.uniform(0.1, 0.26))
    canvas.lay(canvas.polygon(rounded(0.94, half, corner)), colour, bevel=0.18, lift=0.45, gloss=0.25)
    if long:
        sleeve = canvas.polygon(rounded(0.6, half * 1.02, 0.02, (0.3, 0.0)))
        canvas.lay(sleeve, choice(rng, GLAZES), bevel=0.1, lift=0.5, gloss=0.3)
    else:
        inner = canvas.polygon(rounded(0.74, 0.74, corner))
        canvas.paint(canvas.soft(inner, 0.03), mix(colour, WHITE, 0.12))
    return 0.6


def draw_pebble(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a smooth stone: a leaf's silhouette without its veins, tip and stem."""
    angles = np.arange(9) * 2 * np.pi / 9
    flat = float(rng.uniform(0.45, 0.8))
    reach = rng.uniform(0.82, 0.98, 9)
    ring = [(float(r * np.cos(a)), float(flat * r * np.sin(a))) for r, a in zip(reach, angles, strict=True)]
    stones = (ink("#8C8F8C"), ink("#B9B2A4"), ink("#6B7278"), ink("#A78D78"), FOREST, MUSTARD, ink("#6E8B3D"))
    canvas.lay(canvas.polygon(spline(ring)), choice(rng, stones), bevel=0.42, lift=0.1, gloss=0.15)
    canvas.glow(canvas.grain(rng, 0.16) * np.float32(0.09))
    canvas.glow(floats(canvas.grain(rng, 0.03) > 0.75) * np.float32(0.12))
    return 0.4


def draw_stick(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a straw, a dowel or a pen cap: long and thin like a pencil, but with two blunt ends."""
    half, colour = float(rng.uniform(0.05, 0.08)), choice(rng, (*GLAZES, BIRCH, WOOD, MUSTARD))
    body = canvas.polygon(rounded(0.98, half, half * float(rng.uniform(0.2, 0.99))))
    canvas.lay(body, colour, bevel=half, lift=0.02, gloss=0.4)
    if rng.random() < 0.5:
        stripes = floats(np.sin((canvas.x + canvas.y * 1.4) * 24) > 0.2)
        canvas.paint(stripes, choice(rng, (CORAL, WHITE, SKY, FOREST)))
    return 0.12


def draw_clip(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a paper clip: bent wire, as keys and scissors have loops."""
    bow: list[Point] = []
    for x, y, radius, side in ((0.62, 0.0, 0.3, 1), (-0.58, 0.06, 0.24, -1), (0.36, 0.0, 0.18, 1)):
        for a in np.linspace(-np.pi / 2, np.pi / 2, 17):
            bow.append((x + side * radius * float(np.cos(a)), y + side * radius * float(np.sin(a))))
    wire = canvas.stroke([(-0.4, -0.3), *bow, (-0.3, 0.18)], 0.075)
    canvas.lay(wire, choice(rng, (*METALS, CORAL, SKY, MUSTARD)), bevel=0.05, lift=0.03, gloss=0.8)
    return 0.12


def draw_spoon(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a spoon: a round head on a shaft, like a key."""
    stuff = choice(rng, (*METALS, BIRCH, WOOD))
    gloss = 0.8 if rng.random() < 0.7 else 0.2
    upper = [(-0.25, -0.05), (0.5, -0.035), (0.9, -0.075)]
    handle = spline([*upper, (0.97, 0.0), *((x, -y) for x, y in reversed(upper))])
    canvas.lay(canvas.polygon(handle), stuff, bevel=0.04, lift=0.06, gloss=gloss)
    head = canvas.disc(0.35, (-0.62, 0.0), squash=0.68)
    canvas.lay(head, stuff, bevel=0.06, lift=0.07, gloss=gloss)
    hollow = np.clip(1 - np.hypot(canvas.x + 0.62, canvas.y / 0.68) / 0.3, 0, 1)
    canvas.press(floats(np.sqrt(hollow)), 0.1)
    return 0.12


def draw_sheet(canvas: Canvas, rng: np.random.Generator) -> float:
    """Draw a note, a page or a card: something flat to lie on."""
    pastels = (mix(MUSTARD, WHITE, 0.5), mix(CORAL, WHITE, 0.6), mix(SKY, WHITE, 0.4))
    tint = choice(rng, (WHITE, WHITE, CREAM, *pastels))
    half = float(rng.uniform(0.68, 0.96))
    canvas.lay(canvas.polygon(rounded(0.98, half, 0.015)), tint, bevel=0.006, lift=0.01, gloss=0.0)
    style = int(rng.integers(3))
    if style == 1:
        canvas.paint(floats((canvas.y * 9 % 1 < 0.05) & (np.abs(canvas.x) < 0.9)), mix(tint, SKY, 0.6))
    elif style == 2:
        dots = (canvas.y * 11 % 1 < 0.12) & (canvas.x * 11 % 1 < 0.12)
        canvas.paint(floats(dots), mix(tint, CHARCOAL, 0.35))
    canvas.glow(canvas.grain(rng, 0.7) * np.float32(0.012))
    return 0.02


CLUTTER = (
    Kind("bowl", "", 9.0, 1.0, draw_bowl),
    Kind("saucer", "", 12.5, 1.0, draw_saucer),
    Kind("ring", "", 3.6, 1.0, draw_ring),
    Kind("button", "", 2.8, 1.0, draw_button),
    Kind("block", "", 4.2, 1.0, draw_block),
    Kind("pebble", "", 5.5, 0.85, draw_pebble),
    Kind("stick", "", 13.0, 0.1, draw_stick),
    Kind("clip", "", 4.2, 0.35, draw_clip),
    Kind("spoon", "", 13.0, 0.3, draw_spoon),
)
"""Never labelled."""
SHEET = Kind("sheet", "", 17.0, 1.0, draw_sheet)
"""Lies under everything else."""
