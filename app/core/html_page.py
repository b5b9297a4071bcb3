"""One self-contained HTML page: no script, nothing fetched, light or dark as the reader's system is, fit for print.

Whatever is not a number is escaped here; what callers hand over as `body` must come from these functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ground: #FFF; --card: #F5F6F8; --text: #1B1F24; --muted: #57606A; --line: #D9DDE3;
  --standard: #566780; --lightweight: #0B6E99; --good: #14703F; --warn: #8A5A00; --bad: #B3261E; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171B; --card: #1C2026; --text: #E8EAED; --muted: #A3ABB6;
  --line: #343A43; --standard: #A9B8CE; --lightweight: #4CB3DB; --good: #4CC38A; --warn: #E5B454; --bad: #FF8A80; } }
@media print { :root { --ground: #FFF; --card: #FFF; --text: #1B1F24; --muted: #57606A; --line: #B9C0CA;
  --standard: #566780; --lightweight: #0B6E99; --good: #14703F; --warn: #8A5A00; --bad: #B3261E; }
  body { margin: 0; max-width: none; } figure, table, .tile { break-inside: avoid; } h2, h3 { break-after: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 32px auto; max-width: 1100px; padding: 0 16px;
  color: var(--text); background: var(--ground); overflow-wrap: anywhere; }
h1 { font-size: 26px; line-height: 1.3; margin-bottom: 8px; } h2 { font-size: 18px; margin-top: 36px; }
h3 { font-size: 15px; margin-bottom: 8px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 12px; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.wrap { overflow-x: auto; } .row { display: flex; flex-wrap: wrap; gap: 16px; }
.words th, .words td { text-align: left; } .wrap { margin: 12px 0; }
figure { margin: 0; } figcaption { color: var(--muted); font-size: 13px; }
svg { max-width: 100%; height: auto; } svg text { fill: var(--muted); font-size: 11px; }
p { color: var(--muted); } p.warn { color: var(--warn); } .standard { color: var(--standard); }
.lightweight { color: var(--lightweight); }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px;
  min-width: 130px; }
.tile b { display: block; font-size: 24px; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tile span { color: var(--muted); font-size: 13px; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px; overflow-x: auto;
  font-size: 13px; }
"""


def page(title: str, body: Sequence[str]) -> str:
    """Return the whole page.

    Args:
        title: what stands in the window's title; escaped here.
        body: HTML, from the functions of this module and from numbers.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body></html>\n"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: bool = False) -> str:
    """Return a table; figures stand at the right, words at the left."""
    top = f"<tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>" if any(head) else ""
    below = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    kind = ' class="words"' if words else ""
    return f'<div class="wrap"><table{kind}>{top}{below}</table></div>'


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph; `kind` is one of the page's classes."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def heading(text: str, level: int = 2) -> str:
    """Return a heading."""
    return f"<h{level}>{escape(text)}</h{level}>"


def preformatted(text: str) -> str:
    """Return text whose lines stay as they are."""
    return f"<pre>{escape(text)}</pre>"


def tile(figure: str, words: str, kind: str = "") -> str:
    """Return a figure in large letters, above what it is."""
    return f'<div class="tile"><b class="{kind}">{escape(figure)}</b><span>{escape(words)}</span></div>'


def side_by_side(parts: Sequence[str]) -> str:
    """Return parts in a row that breaks where the page is narrow."""
    return f'<div class="row">{"".join(parts)}</div>'


def captioned(drawing: str, caption: str) -> str:
    """Return a drawing above its caption."""
    return f"<figure>{drawing}<figcaption>{escape(caption)}</figcaption></figure>"


def drawing(wide: float, high: float, marks: Sequence[str]) -> str:
    """Return an inline SVG."""
    size = f'viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" height="{high:.0f}"'
    return f'<svg {size} role="img">{"".join(marks)}</svg>'


def svg_text(x: float, y: float, text: str, anchor: str = "start") -> str:
    """Return a short text in a drawing."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def svg_picture(jpeg: str, wide: float, high: float, name: str = "") -> str:
    """Return a picture in a drawing; nothing where it is no base64. With a name, `svg_again` shows it once more."""
    if not _BASE64.fullmatch(jpeg):
        return ""
    mark = f' id="{name}"' if name.isalnum() else ""
    return f'<image{mark} href="data:image/jpeg;base64,{jpeg}" width="{wide:.0f}" height="{high:.0f}"/>'


def svg_again(name: str) -> str:
    """Return the picture of that name once more."""
    return f'<use href="#{name}"/>' if name.isalnum() else ""


def svg_box(
    sides: Sequence[float], wide: float, high: float, colour: str, *, dashed: bool = False, words: str = ""
) -> str:
    """Return a box on a picture.

    Args:
        sides: left, top, right and bottom as shares of width and height.
        wide, high: the picture's size in the drawing.
        colour: `#RRGGBB`.
        dashed: whether its line is broken.
        words: what a reader is told who points at it.
    """
    left, top, right, bottom = (float(side) for side in sides)
    dash = ' stroke-dasharray="5 3"' if dashed else ""
    told = f"<title>{escape(words)}</title>" if words else ""
    return (
        f'<rect x="{left * wide:.1f}" y="{top * high:.1f}" width="{(right - left) * wide:.1f}" '
        f'height="{(bottom - top) * high:.1f}" fill="none" stroke="{colour}" stroke-width="1.5"{dash}>{told}</rect>'
    )
