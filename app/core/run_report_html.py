"""The HTML page of a judgement: tables, curves as SVG, pictures as data; no script, nothing fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.core.run_report import Table

COLOURS = ("#566780", "#0B6E99", "#B45F06", "#14703F", "#7B3FA0", "#B3261E", "#4E7A00", "#8A5A00")
_WIDE, _HIGH, _LEFT, _BELOW = 340, 240, 40, 34
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 32px auto; max-width: 1100px; padding: 0 16px;
  color: #1B1F24; background: #FFF; }
h1 { font-size: 26px; } h2 { font-size: 18px; margin-top: 36px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px; text-align: right; border-bottom: 1px solid #D9DDE3; }
th:first-child, td:first-child { text-align: left; }
.wrap { overflow-x: auto; } .row { display: flex; flex-wrap: wrap; gap: 16px; }
figure { margin: 0; } figcaption { color: #57606A; font-size: 13px; }
svg { max-width: 100%; height: auto; } p { color: #57606A; }
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(judgement: Mapping[str, Any], tables: Sequence[Table], source: str) -> str:
    """Return the page.

    Args:
        judgement: What `engine.judge` returned.
        tables: Its numbers.
        source: Which pictures of which data.
    """
    runs = judgement["runs"]
    body = [f"<h1>Runs compared</h1><p>{escape(source)}.</p>", _table(tables[0])]
    if judgement["differences"]:
        body.append(_table(tables[1]))
        tables = tables[1:]
    body += [_curves(runs), *(_table(table) for table in tables[1:]), _pictures(judgement)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width"><title>Runs compared</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in table.rows)
    return f'<h2>{escape(table.title)}</h2><div class="wrap"><table><tr>{head}</tr>{rows}</table></div>'


def _curves(runs: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for run in runs for name in run["curves"]))
    figures = [_curve(name, runs) for name in names[:60]]
    legend = " ".join(
        f'<span style="color:{COLOURS[i % len(COLOURS)]}">━ {escape(str(run["name"]))}</span>'
        for i, run in enumerate(runs)
    )
    title = "<h2>Precision against recall at an overlap of 0.5</h2>"
    return f'{title}<p>{legend}</p><div class="row">{"".join(figures)}</div>'


def _curve(name: str, runs: Sequence[Mapping[str, Any]]) -> str:
    """Draw one class."""
    wide, high = _WIDE - _LEFT - 8, _HIGH - _BELOW - 8
    lines = [f'<rect x="{_LEFT}" y="8" width="{wide}" height="{high}" fill="none" stroke="#D9DDE3"/>']
    for tick in (0.0, 0.5, 1.0):
        x, y = _LEFT + tick * wide, 8 + (1 - tick) * high
        lines.append(
            f'<text x="{x:.0f}" y="{_HIGH - 16}" font-size="11" text-anchor="middle">{tick:g}</text>'
        )
        lines.append(
            f'<text x="{_LEFT - 6}" y="{y + 4:.0f}" font-size="11" text-anchor="end">{tick:g}</text>'
        )
    for number, run in enumerate(runs):
        values = run["curves"].get(name) or []
        step = wide / max(len(values) - 1, 1)
        points = " ".join(
            f"{_LEFT + i * step:.1f},{8 + (1 - float(v)) * high:.1f}" for i, v in enumerate(values)
        )
        colour = COLOURS[number % len(COLOURS)]
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    drawing = "".join(lines)
    return (
        f'<figure><svg viewBox="0 0 {_WIDE} {_HIGH}" width="{_WIDE}" height="{_HIGH}" role="img">'
        f"{drawing}</svg><figcaption>{escape(name)}</figcaption></figure>"
    )


def _pictures(judgement: Mapping[str, Any]) -> str:
    rows = [_picture(picture, judgement["runs"]) for picture in judgement["pictures"]]
    if not rows:
        return ""
    words = "Green: right. Red: wrong. Dashed: missed. Boxes of at least 0.25 confidence."
    return f"<h2>Pictures that tell most</h2><p>{words}</p>{''.join(rows)}"


def _picture(picture: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    jpeg = str(picture["jpeg"])
    if not _BASE64.fullmatch(jpeg):
        return ""
    wide = 340
    high = wide * float(picture["height"]) / max(float(picture["width"]), 1.0)
    cells = []
    for row in picture["runs"]:
        marks = [_box(box[1:5], wide, high, "#2EA043" if box[6] else "#E5484D") for box in row["boxes"]]
        true = picture["true"]
        marks += [
            _box(true[i][1:5], wide, high, "#F5A524", dashed=True) for i in row["unseen"] if i < len(true)
        ]
        said = f"{row['run']}: {row['missed']} missed, {row['wrong']} wrong"
        cells.append(
            f'<figure><svg viewBox="0 0 {wide} {high:.0f}" width="{wide}" height="{high:.0f}">'
            f'<image href="data:image/jpeg;base64,{jpeg}" width="{wide}" height="{high:.0f}"/>{"".join(marks)}'
            f"</svg><figcaption>{escape(said)}</figcaption></figure>"
        )
    return f'<h3>{escape(str(picture["name"]))}</h3><div class="row">{"".join(cells)}</div>'


def _box(sides: Sequence[Any], wide: float, high: float, colour: str, dashed: bool = False) -> str:
    left, top, right, bottom = (float(side) for side in sides)
    dash = ' stroke-dasharray="5 3"' if dashed else ""
    return (
        f'<rect x="{left * wide:.1f}" y="{top * high:.1f}" width="{(right - left) * wide:.1f}" '
        f'height="{(bottom - top) * high:.1f}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}/>'
    )
