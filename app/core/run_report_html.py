"""The HTML page of a judgement: tables, curves as SVG, pictures as data; no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from app.core import html_page
from app.core.html_page import (
    captioned,
    drawing,
    heading,
    paragraph,
    side_by_side,
    svg_box,
    svg_picture,
    svg_text,
)

if TYPE_CHECKING:
    from app.core.run_report import Table

COLOURS = ("#566780", "#0B6E99", "#B45F06", "#14703F", "#7B3FA0", "#B3261E", "#4E7A00", "#8A5A00")
_WIDE, _HIGH, _LEFT, _BELOW = 340, 240, 40, 34
_MOST_CURVES = 60


def page(judgement: Mapping[str, Any], tables: Sequence[Table], source: str) -> str:
    """Return the page.

    Args:
        judgement: What `engine.judge` returned.
        tables: Its numbers.
        source: Which pictures of which data.
    """
    runs = judgement["runs"]
    body = [heading("Runs compared", 1), paragraph(f"{source}."), _table(tables[0])]
    if judgement["differences"]:
        body.append(_table(tables[1]))
        tables = tables[1:]
    body += [_curves(runs), *(_table(table) for table in tables[1:]), _pictures(judgement)]
    return html_page.page("Runs compared", body)


def _table(table: Table) -> str:
    return heading(table.title) + html_page.table(table.head, table.rows)


def _curves(runs: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for run in runs for name in run["curves"]))
    figures = [_curve(name, runs) for name in names[:_MOST_CURVES]]
    legend = " ".join(
        f'<span style="color:{COLOURS[i % len(COLOURS)]}">━</span> {escape(str(run["name"]))}'
        for i, run in enumerate(runs)
    )
    return f"{heading('Precision against recall at an overlap of 0.5')}<p>{legend}</p>{side_by_side(figures)}"


def _curve(name: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """Draw one class."""
    wide, high = _WIDE - _LEFT - 8, _HIGH - _BELOW - 8
    lines = [f'<rect x="{_LEFT}" y="8" width="{wide}" height="{high}" fill="none" stroke="var(--line)"/>']
    for tick in (0.0, 0.5, 1.0):
        x, y = _LEFT + tick * wide, 8 + (1 - tick) * high
        lines.append(svg_text(x, _HIGH - 16, f"{tick:g}", "middle"))
        lines.append(svg_text(_LEFT - 6, y + 4, f"{tick:g}", "end"))
    for number, run in enumerate(runs):
        values = run["curves"].get(name) or []
        step = wide / max(len(values) - 1, 1)
        points = " ".join(
            f"{_LEFT + i * step:.1f},{8 + (1 - float(v)) * high:.1f}" for i, v in enumerate(values)
        )
        colour = COLOURS[number % len(COLOURS)]
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    return captioned(drawing(_WIDE, _HIGH, lines), name)


def _pictures(judgement: Mapping[str, Any]) -> str:
    rows = [_picture(picture) for picture in judgement["pictures"]]
    if not any(rows):
        return ""
    words = "Green: right. Red: wrong. Dashed: missed. Boxes of at least 0.25 confidence."
    return f"{heading('Pictures that tell most')}{paragraph(words)}{''.join(rows)}"


def _picture(picture: Mapping[str, Any]) -> str:
    wide = 340
    high = wide * float(picture["height"]) / max(float(picture["width"]), 1.0)
    shown = svg_picture(str(picture["jpeg"]), wide, high)
    if not shown:
        return ""
    cells = []
    for row in picture["runs"]:
        marks = [svg_box(box[1:5], wide, high, "#2EA043" if box[6] else "#E5484D") for box in row["boxes"]]
        true = picture["true"]
        marks += [
            svg_box(true[i][1:5], wide, high, "#F5A524", dashed=True) for i in row["unseen"] if i < len(true)
        ]
        said = f"{row['run']}: {row['missed']} missed, {row['wrong']} wrong"
        cells.append(captioned(drawing(wide, high, [shown, *marks]), said))
    return heading(str(picture["name"]), 3) + side_by_side(cells)
