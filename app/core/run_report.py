"""A judgement as a document: CSV, Markdown, LaTeX or one self-contained HTML page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.run_compare import METRICS
from app.core.tables import latex_comment, latex_table, markdown_table
from app.core.text import figure

WORDS = {"map50_95": "mAP50-95", "map50": "mAP50", "precision": "precision", "recall": "recall"}
SIZES = ("small", "medium", "large")

Cell = str
Judgement = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table: its title, its head, its rows; the first column holds names."""

    title: str
    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables(judgement: Judgement) -> list[Table]:
    """Return everything a judgement says in numbers, as tables with one column per run."""
    runs = judgement["runs"]
    names = tuple(str(run["name"]) for run in runs)
    found = [
        Table("Accuracy, with 95 % intervals over pictures", ("", *names), tuple(_accuracy(runs))),
        Table("Cost", ("", *names), tuple(_costs(runs))),
        Table("AP50-95 by class", ("class", *names), tuple(_by_class(runs))),
        Table("AP50-95 by size of objects", ("size", *names), tuple(_by_size(runs))),
    ]
    if judgement["differences"]:
        others = tuple(str(row["b"]) for row in judgement["differences"])
        title = f"Change against {names[0]}, paired over pictures"
        found.insert(1, Table(title, ("", *others), tuple(_changes(judgement["differences"]))))
    found += [_confusion(run) for run in runs]
    settings = [row for row in judgement["settings"] if not row["same"]]
    if settings:
        rows = tuple((str(row["name"]), *(_told(value) for value in row["values"])) for row in settings)
        found.append(Table("Settings that differ", ("setting", *names), rows))
    return found


def with_interval(value: float | None, interval: Sequence[float] | None, sign: bool = False) -> str:
    """Write a score as `0.564 [0.534, 0.596]`."""
    if value is None:
        return "–"
    form: Callable[[float], str] = (
        (lambda v: f"{v:+.3f}".replace("-", "−")) if sign else (lambda v: f"{v:.3f}")
    )
    return form(value) + (f" [{form(interval[0])}, {form(interval[1])}]" if interval else "")


def _accuracy(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (WORDS[name], *(with_interval(run[name], run["intervals"][name]) for run in runs)) for name in METRICS
    ]


def _changes(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (WORDS[name], *(with_interval(row[name]["value"], row[name]["interval"], True) for row in rows))
        for name in METRICS
    ]


def _costs(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    kinds: list[tuple[str, str, float]] = [
        ("parameters, M", "parameters", 1e6),
        ("GFLOPs", "gflops", 1.0),
        ("checkpoint, MB", "bytes", 1e6),
        ("milliseconds here", "ms", 1.0),
    ]
    rows = []
    for words, name, unit in kinds:
        values = [run.get(name) for run in runs]
        if any(value is not None for value in values):
            rows.append((words, *("–" if v is None else figure(float(v) / unit) for v in values)))
    return rows


def _by_class(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    names = list(dict.fromkeys(name for run in runs for name in run["classes"]))
    rows = []
    for name in names:
        cells = [
            with_interval(
                (run["per_class"].get(name) or {}).get("ap50_95"), run["intervals"]["per_class"].get(name)
            )
            for run in runs
        ]
        rows.append((name, *cells))
    return rows


def _by_size(runs: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (
            f"{name} ({runs[0]['sizes'][name]['boxes']} objects)",
            *(with_interval(run["sizes"][name]["ap50_95"], None) for run in runs),
        )
        for name in SIZES
    ]


def _confusion(run: Mapping[str, Any]) -> Table:
    names = (*run["classes"], "background")
    rows = tuple(
        (name, *(str(count) for count in row)) for name, row in zip(names, run["confusion"], strict=True)
    )
    return Table(f"Confusion of {run['name']}: predicted in rows, true in columns", ("", *names), rows)


def _told(value: Any) -> str:
    if value is None:
        return "–"
    return figure(value, 4) if isinstance(value, float) else str(value)


def _source(judgement: Judgement) -> str:
    return f"{judgement['images']} pictures of “{judgement['split']}” in {judgement['data']}"


# --- forms ------------------------------------------------------------------------------------------------------


def as_csv(judgement: Judgement) -> str:
    """Return one row per run: every figure with the ends of its interval, full precision."""
    rows = []
    for run in judgement["runs"]:
        row: dict[str, Any] = {"run": run["name"], "split": judgement["split"], "data": judgement["data"]}
        for name in METRICS:
            low, high = run["intervals"][name] or ("", "")
            row |= {name: run[name], f"{name}_low": low, f"{name}_high": high}
        for name, values in run["per_class"].items():
            row |= {f"ap50 {name}": values["ap50"], f"ap50_95 {name}": values["ap50_95"]}
        for name in SIZES:
            row[f"ap50_95 {name}"] = run["sizes"][name]["ap50_95"]
        row |= {name: run.get(name) for name in ("parameters", "gflops", "bytes", "ms", "missed", "wrong")}
        rows.append({key: safe_cell(value) for key, value in row.items()})
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    table = csv.DictWriter(text, [safe_cell(column) for column in columns], restval="", lineterminator="\n")
    table.writeheader()
    table.writerows({safe_cell(key): value for key, value in row.items()} for row in rows)
    return text.getvalue()


def safe_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str) and value[:1] in "=+-@\t\r" and value:
        return f"'{value}"
    return "" if value is None else value


def as_markdown(judgement: Judgement) -> str:
    """Return a Markdown document."""
    from app.core.run_card import escaped

    parts = ["# Runs compared", escaped(_source(judgement)) + "."]
    for table in tables(judgement):
        parts += [f"## {escaped(table.title)}", markdown_table(table.head, table.rows)]
    return "\n\n".join(parts) + "\n"


def as_latex(judgement: Judgement) -> str:
    """Return one `tabular` per table, with rules of the package booktabs."""
    parts = [latex_comment(_source(judgement)), r"% needs \usepackage{booktabs}"]
    for table in tables(judgement):
        parts.append(latex_comment(table.title) + "\n" + latex_table(table.head, table.rows))
    return "\n\n".join(parts) + "\n"


def as_html(judgement: Judgement) -> str:
    """Return one HTML page with curves and pictures inside; it fetches and runs nothing."""
    from app.core.run_report_html import page

    return page(judgement, tables(judgement), _source(judgement))


FORMS: Mapping[str, Callable[[Judgement], str]] = {
    "csv": as_csv,
    "md": as_markdown,
    "tex": as_latex,
    "html": as_html,
}
"""Ending of the file → what writes it."""
