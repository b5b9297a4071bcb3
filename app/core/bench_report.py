"""A bench as a document: text, CSV, Markdown, JSON, or one self-contained HTML page with its Pareto plot."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.core.bench import Bench, BenchRow, front
from app.core.run_report import safe_cell
from app.core.tables import markdown_table
from app.core.text import figure, ratio

HEAD = (
    "model",
    "runtime",
    "precision",
    "mAP50-95",
    "mAP50",
    "parameters, M",
    "GFLOPs",
    "file, MB",
    "p50, ms",
    "p95, ms",
    "× reference",
    "front",
)
NAMES = 3
"""Columns that hold words."""

_NONE = "–"
UNTRAINED = "untrained: cost and speed alone"


def cells(row: BenchRow) -> tuple[str, ...]:
    """Return a row as texts, in the order of `HEAD`."""
    return (
        row.name if row.trained else f"{row.name} ({UNTRAINED})",
        row.runtime,
        row.precision,
        _score(row.map50_95),
        _score(row.map50),
        _NONE if row.parameters is None else figure(row.parameters / 1e6),
        _NONE if row.gflops is None else figure(row.gflops),
        _NONE if row.bytes is None else figure(row.bytes / 1e6),
        _ms(row.p50_ms, row),
        _ms(row.p95_ms, row),
        speed_up(row),
        "●" if row.front else "",
    )


def speed_up(row: BenchRow) -> str:
    """Return how many times as fast as the reference a row is, with the interval: ``1.69× [1.66, 1.72]``."""
    if row.ratio is None:
        return _NONE
    middle, low, high = row.ratio
    if low == middle == high:  # the reference itself
        return ratio(middle)
    mark = "*" if row.disturbed is not None else ""
    return f"{ratio(middle)} [{figure(low)}, {figure(high)}]{mark}"


def _score(value: float | None) -> str:
    return _NONE if value is None else f"{value:.3f}"


def _ms(value: float | None, row: BenchRow) -> str:
    if value is None:
        return _NONE
    return figure(value) + ("*" if row.disturbed is not None else "")


def notes(bench: Bench) -> list[str]:
    """Return the sentences below the table: how it was measured, what was disturbed, what could not be done."""
    first = bench.rows[0] if bench.rows else None
    said = [
        f"Accuracy on {bench.images} pictures of “{bench.split}” in {bench.data}; an untrained rival has none.",
    ]
    if first is not None:
        shapes = sorted({f"{row.shape[1]}×{row.shape[0]}" for row in bench.rows})
        said.append(
            f"Milliseconds of one inference at {', '.join(shapes)} on {bench.machine}, {first.threads} threads; "
            f"preprocessing and postprocessing apart. {bench.rounds}"
        )
    said.append(
        f"× reference: how many times as fast as {bench.reference} on the same runtime and precision."
    )
    said.append(", ".join(f"{name} {version}" for name, version in bench.versions.items()) + ".")
    if any(row.disturbed is not None for row in bench.rows):
        said.append(
            "* Something else used the machine meanwhile: not kept, and measured again the next time."
        )
    said += [
        f"{row.name} on {row.runtime} {row.precision}: {row.problem.get('message', '')}"
        for row in bench.rows
        if row.problem is not None
    ]
    return [sentence for sentence in said if sentence.strip(" .")]


def as_csv(bench: Bench) -> str:
    """Return one line per row, full precision."""
    columns = [
        *(
            "name",
            "weights",
            "role",
            "trained",
            "runtime",
            "precision",
            "device",
            "threads",
            "height",
            "width",
        ),
        *(
            "parameters",
            "gflops",
            "bytes",
            "map50_95",
            "map50",
            "images",
            "p50_ms",
            "p95_ms",
            "low_ms",
            "high_ms",
        ),
        *("calls", "ratio", "ratio_low", "ratio_high", "disturbed", "front", "problem"),
    ]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    for row in bench.rows:
        values = row.to_json()
        values["height"], values["width"] = row.shape
        values["ratio"], values["ratio_low"], values["ratio_high"] = row.ratio or ("", "", "")
        values["problem"] = "" if row.problem is None else str(row.problem.get("message", ""))
        table.writerow([safe_cell(values[name]) for name in columns])
    return text.getvalue()


def as_markdown(bench: Bench) -> str:
    """Return a Markdown document."""
    from app.core.run_card import escaped

    table = markdown_table(HEAD, [cells(row) for row in bench.rows], NAMES)
    below = "\n".join(f"- {escaped(note)}" for note in notes(bench))
    return f"# Bench of models\n\n{table}\n\n{below}\n"


def as_json(bench: Bench) -> str:
    """Return everything as one JSON document."""
    return json.dumps(bench.to_json(), ensure_ascii=False, indent=1) + "\n"


def as_html(bench: Bench) -> str:
    """Return one HTML page with tables and the plot inside; it fetches and runs nothing."""
    from app.core import html_page

    body = [
        html_page.heading("Bench of models", 1),
        html_page.table(HEAD, [cells(row) for row in bench.rows]),
        *(html_page.paragraph(note) for note in notes(bench)),
    ]
    plot = _plot(bench)
    if plot:
        body[1:1] = [html_page.heading("mAP50-95 against milliseconds"), plot]
    return html_page.page("Bench of models", body)


_WIDE, _HIGH, _LEFT, _BELOW, _AROUND = 760.0, 360.0, 56.0, 40.0, 16.0


def _plot(bench: Bench) -> str:
    """Draw accuracy over milliseconds, the front as a line."""
    from html import escape

    from app.core import html_page

    shown = [row for row in bench.rows if row.p50_ms is not None and row.map50_95 is not None]
    if not shown:
        return ""
    most_ms = max(float(row.p50_ms or 0) for row in shown) * 1.08 or 1.0
    scores = [float(row.map50_95 or 0) for row in shown]
    low, high = max(min(scores) - 0.03, 0.0), min(max(scores) + 0.03, 1.0)
    wide, tall = _WIDE - _LEFT - _AROUND, _HIGH - _BELOW - _AROUND

    def place(row: BenchRow) -> tuple[float, float]:
        share = (float(row.map50_95 or 0) - low) / (high - low or 1.0)
        return _LEFT + float(row.p50_ms or 0) / most_ms * wide, _AROUND + (1 - share) * tall

    frame = f'x="{_LEFT}" y="{_AROUND}" width="{wide}" height="{tall}"'
    marks = [f'<rect {frame} fill="none" stroke="var(--line)"/>']
    for tick in range(5):
        x, y = _LEFT + tick / 4 * wide, _AROUND + (1 - tick / 4) * tall
        marks.append(html_page.svg_text(x, _HIGH - 22, figure(tick / 4 * most_ms), "middle"))
        marks.append(html_page.svg_text(_LEFT - 6, y + 4, f"{low + tick / 4 * (high - low):.3f}", "end"))
    best = sorted(front(shown), key=lambda row: float(row.p50_ms or 0))
    points = " ".join("{:.1f},{:.1f}".format(*place(row)) for row in best)
    marks.append(f'<polyline points="{points}" fill="none" stroke="var(--lightweight)" stroke-width="2"/>')
    names = {row.key for row in best}
    for row in shown:
        x, y = place(row)
        colour = "var(--lightweight)" if row.key in names else "var(--standard)"
        told = f"{row.name}, {row.runtime} {row.precision}"
        words = escape(f"{told}: {_ms(row.p50_ms, row)} ms, mAP50-95 {_score(row.map50_95)}")
        marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"><title>{words}</title></circle>'
        )
        if row.key in names:
            end = x > _LEFT + 0.75 * wide
            marks.append(html_page.svg_text(x + (-9 if end else 9), y - 7, told, "end" if end else "start"))
    marks.append(html_page.svg_text(_LEFT + wide / 2, _HIGH - 4, "milliseconds, p50", "middle"))
    caption = "The line joins what no other trained row beats in both; pointing at a dot reads it."
    return html_page.captioned(html_page.drawing(_WIDE, _HIGH, marks), caption)


FORMS: Mapping[str, Callable[[Bench], str]] = MappingProxyType(
    {"csv": as_csv, "md": as_markdown, "json": as_json, "html": as_html}
)
"""Ending of the file → what writes it."""
