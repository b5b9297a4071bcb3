"""Colours that window, recordings and reports share: of classes, and of text on a fill."""

from __future__ import annotations

# Fills of class labels in pictures; label text on them is chosen by `text_on`.
CLASS_COLOURS = (
    "#E4572E", "#17BEBB", "#FFC914", "#7768AE", "#76B041", "#F06EA9", "#2E86DE", "#C08552",
    "#00A878", "#D7263D", "#A5BE00", "#7E5A92", "#F49D37", "#3F88C5", "#B5179E", "#55A630",
)  # fmt: skip


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#RRGGBB`` (WCAG 2.2)."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(fill: str) -> str:
    """Return black or white, whichever reads better on a fill."""
    return "#FFFFFF" if contrast(fill, "#FFFFFF") >= contrast(fill, "#0E1114") else "#0E1114"


def class_colour(index: int) -> str:
    """Return the fixed colour of a class by its index."""
    return CLASS_COLOURS[index % len(CLASS_COLOURS)]


def side_colours(names_a: dict[int, str], names_b: dict[int, str]) -> tuple[dict[int, int], dict[int, int]]:
    """Return class number → colour index of both sides: a class has one colour, whatever its number there is."""
    left = {name: number for number, name in names_a.items()}
    own = {number: number for number in names_a}
    return own, {number: left.get(name, number + len(left)) for number, name in names_b.items()}
