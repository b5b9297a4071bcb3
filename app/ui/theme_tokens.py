"""Colours, sizes and spaces of the Studio, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme, as ``#RRGGBB``.

    Every token that text is written in (``TEXT_TOKENS``) has a contrast of at least 4.5:1 on ``ground``,
    ``surface`` and ``selection``; a test measures it.
    """

    name: str
    dark: bool
    ground: str
    surface: str
    raised: str
    """Hover, pressed and header backgrounds."""
    overlay: str
    """What floats over a page: notes, pop-ups."""
    line: str
    strong_line: str
    """Borders of fields and outlined buttons, a step above ``line``."""
    text: str
    muted: str
    disabled: str
    accent: str
    accent_hover: str
    on_accent: str
    """Text on ``accent``."""
    selection: str
    """Background of selected rows and of the active page."""
    good: str
    warn: str
    bad: str
    standard: str
    """The standard model's side, everywhere."""
    lightweight: str
    """The lightweight model's side, everywhere; the accent."""
    backbone: str
    """Bands of the diagram: the backbone's, the neck's and the head's faint grounds."""
    neck: str
    head: str
    grid: str
    """Horizontal lines of plots."""


LIGHT = Tokens(
    name="light",
    dark=False,
    ground="#F5F6F8",
    surface="#FFFFFF",
    raised="#ECEFF3",
    overlay="#FFFFFF",
    line="#D9DDE3",
    strong_line="#B9C0CA",
    text="#1B1F24",
    muted="#57606A",
    disabled="#9AA3AE",
    accent="#0B6E99",
    accent_hover="#095C80",
    on_accent="#FFFFFF",
    selection="#DDECF4",
    good="#14703F",
    warn="#8A5A00",
    bad="#B3261E",
    standard="#566780",
    lightweight="#0B6E99",
    backbone="#EEF2F7",
    neck="#F1F5EF",
    head="#F7F2EC",
    grid="#E6E9EE",
)

DARK = Tokens(
    name="dark",
    dark=True,
    ground="#14171B",
    surface="#1C2026",
    raised="#272D35",
    overlay="#272D35",
    line="#343A43",
    strong_line="#4A525E",
    text="#E8EAED",
    muted="#A3ABB6",
    disabled="#69727E",
    accent="#4CB3DB",
    accent_hover="#6CC3E6",
    on_accent="#0E1114",
    selection="#1D3A49",
    good="#4CC38A",
    warn="#E5B454",
    bad="#FF8A80",
    standard="#9DAEC4",
    lightweight="#4CB3DB",
    backbone="#1A2029",
    neck="#1A2121",
    head="#221F1F",
    grid="#2A3038",
)

TEXT_TOKENS = ("text", "muted", "accent", "good", "warn", "bad", "standard", "lightweight")

# Okabe and Ito, "Color universal design" (2008): told apart with every common colour vision. Without black.
OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")

# Block kinds: name → colour in the light and in the dark theme. Chosen by a search for the largest distance between any
# two (OKLab) as everybody and as protanopes, deuteranopes and tritanopes see them, at 3:1 and more on every ground of
# the diagram; text on them is chosen by `text_on`.
KIND_COLOURS = {
    "separable": ("#0B6E99", "#4CB3DB"),
    "dwconv": ("#5634A0", "#A34F9E"),
    "ghost": ("#1F9B62", "#AFFCA8"),
    "ghost_c3": ("#18346D", "#5FE6FC"),
    "shufflenetv2": ("#DA6425", "#EDA24B"),
    "mobilenetv3": ("#9A5505", "#BE810A"),
    "efficientnetv2": ("#961308", "#C24145"),
    "lcnet": ("#7C70E1", "#7078E7"),
    "scdown": ("#371802", "#377A67"),
    "cib": ("#67063E", "#F67080"),
    "c3k2": ("#9A81A6", "#BCCFA6"),
    "repconv": ("#6B424E", "#EFD133"),
}

SIZE_SMALL, SIZE_BODY, SIZE_SECTION, SIZE_TITLE, SIZE_FIGURE = 11, 13, 16, 22, 40
"""Type scale in px: muted labels, body, section, page title, live figures."""

INSIDE, BETWEEN, AROUND, GROUPS = 8, 12, 16, 24
"""Spaces in px: inside a control, between controls, around a card, between groups."""

RADIUS, ROW_HEIGHT, CONTROL_HEIGHT, RAIL_WIDTH = 8, 28, 32, 72


def run_colour(index: int) -> str:
    """Return the fixed colour of a run by its place in the list of runs."""
    return OKABE_ITO[index % len(OKABE_ITO)]
