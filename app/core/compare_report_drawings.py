"""Drawings of a comparison's report as inline SVG, in the page's own colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.core.colours import class_colour
from app.core.compare_figures import Histogram
from app.core.compare_report import Picture
from app.core.html_page import (
    captioned,
    drawing,
    heading,
    side_by_side,
    svg_again,
    svg_box,
    svg_picture,
    svg_text,
)
from app.core.text import figure

_WIDE, _HIGH, _LEFT, _RIGHT, _TOP, _BELOW = 900, 220, 12, 12, 26, 26
_TONES = ("var(--standard)", "var(--lightweight)")
_COUNT_TONES = (
    ("agree", "var(--good)"),
    ("of another class", "var(--warn)"),
    ("only left", "var(--standard)"),
    ("only right", "var(--lightweight)"),
)
_TICKS = 6
_PICTURE = 500


def distributions(a: Histogram, b: Histogram, medians: Sequence[float]) -> str:
    """Draw how long both sides' inference took: two histograms over the same axis, with their medians."""
    low, high = min(a.low, b.low), max(a.high, b.high)
    span = high - low or 1.0
    wide, bottom = _WIDE - _LEFT - _RIGHT, _HIGH - _BELOW
    most = max(max(a.counts, default=0), max(b.counts, default=0), 1)

    def across(value: float) -> float:
        return _LEFT + (min(max(value, low), high) - low) / span * wide

    marks = [f'<line x1="{_LEFT}" y1="{bottom}" x2="{_WIDE - _RIGHT}" y2="{bottom}" stroke="var(--line)"/>']
    for histogram, tone in zip((a, b), _TONES, strict=True):
        step = (histogram.high - histogram.low) / max(len(histogram.counts), 1)
        for number, count in enumerate(histogram.counts):
            begin, end = (across(histogram.low + (number + more) * step) for more in (0, 1))
            tall = count / most * (bottom - _TOP)
            if count:
                marks.append(
                    f'<rect x="{begin:.1f}" y="{bottom - tall:.1f}" width="{max(end - begin - 0.5, 0.5):.1f}" '
                    f'height="{tall:.1f}" fill="{tone}" fill-opacity="0.65"/>'
                )
    for number, (words, value, tone) in enumerate(zip(("left", "right"), medians, _TONES, strict=True)):
        x = across(value)
        marks.append(
            f'<line x1="{x:.1f}" y1="{_TOP - 4}" x2="{x:.1f}" y2="{bottom}" stroke="{tone}" stroke-width="2"/>'
        )
        anchor = "end" if (value >= medians[1 - number]) == (x > _WIDE * 0.8) and x > 140 else "start"
        marks.append(svg_text(x, _TOP - 10, f"{words} p50 {figure(value)} ms", anchor))
    for tick in range(_TICKS + 1):
        value = low + span * tick / _TICKS
        anchor = "start" if tick == 0 else "end" if tick == _TICKS else "middle"
        marks.append(svg_text(across(value), _HIGH - 8, f"{figure(value)} ms", anchor))
    return captioned(
        drawing(_WIDE, _HIGH, marks),
        "Inference times of all pictures; the slowest hundredth is gathered at the right.",
    )


def agreement_over_time(timeline: Sequence[Sequence[float]]) -> str:
    """Draw how the boxes of both sides stood to each other, as shares of all boxes of each stretch of time."""
    first, last = timeline[0][0], timeline[-1][0]
    wide, bottom = _WIDE - _LEFT - _RIGHT, _HIGH - _BELOW
    each = wide / len(timeline)
    marks = []
    for number, row in enumerate(timeline):
        boxes = sum(row[1:5])
        y = float(bottom)
        for count, (_, tone) in zip(row[1:5], _COUNT_TONES, strict=True):
            tall = count / boxes * (bottom - _TOP) if boxes else 0.0
            y -= tall
            if tall:
                marks.append(
                    f'<rect x="{_LEFT + number * each:.1f}" y="{y:.1f}" width="{each + 0.3:.1f}" '
                    f'height="{tall:.1f}" fill="{tone}" fill-opacity="0.7"/>'
                )
    x = float(_LEFT)
    for words, tone in _COUNT_TONES:
        marks.append(f'<rect x="{x:.0f}" y="6" width="10" height="10" fill="{tone}" fill-opacity="0.7"/>')
        marks.append(svg_text(x + 15, 15, words))
        x += 35 + 7 * len(words)
    for place, value, anchor in ((_LEFT, first, "start"), (_WIDE - _RIGHT, last, "end")):
        marks.append(svg_text(place, _HIGH - 8, f"{value:.0f} s", anchor))
    return captioned(drawing(_WIDE, _HIGH, marks), "Shares of the boxes over time.")


def picture_pair(picture: Picture, number: int, colours: dict[str, int]) -> str:
    """Draw a picture twice, with the boxes of either side; the JPEG stands in the page once.

    Args:
        picture: what to draw.
        number: its place in the page.
        colours: class name → number of its colour; classes that are missing are added.
    """
    high = _PICTURE * picture.height / max(picture.width, 1)
    name = f"picture{number}"
    shown = svg_picture(picture.jpeg, _PICTURE, high, name)
    if not shown:
        return ""
    cells = []
    for words, boxes, image in (("Left", picture.a, shown), ("Right", picture.b, svg_again(name))):
        marks = [image]
        for box in boxes:
            *sides, score, label, mark = box
            colour = class_colour(colours.setdefault(str(label), len(colours)))
            said = f"{label} {float(score):.2f}" + _MARK_WORDS.get(str(mark), "")
            marks.append(svg_box(sides, _PICTURE, high, colour, dashed=mark != "agree", words=said))
        cells.append(captioned(drawing(_PICTURE, high, marks), f"{words}: {_names(boxes)}"))
    counts = picture.counts
    title = (
        f"Picture {picture.index}: {counts.get('agree', 0)} agree, {counts.get('class_changed', 0)} of another class, "
        f"{counts.get('only_a', 0)} only left, {counts.get('only_b', 0)} only right"
    )
    return heading(title, 3) + side_by_side(cells)


_MARK_WORDS = {"alone": ", on this side alone", "changed": ", another class on the other side"}


def _names(boxes: Sequence[Sequence[Any]]) -> str:
    """Return how many boxes of which class there are."""
    counts: dict[str, int] = {}
    for box in boxes:
        counts[str(box[5])] = counts.get(str(box[5]), 0) + 1
    return (
        ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda row: -row[1]))
        or "no boxes"
    )
