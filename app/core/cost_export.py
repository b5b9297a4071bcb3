"""Cost tables for other programs and for papers: CSV with exact numbers, Markdown and LaTeX for people.

Every table has a row per module, then one per total. LaTeX needs the package booktabs and nothing else.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.core.cost import Cost, CostTable
from app.core.tables import latex_table, markdown_table
from app.core.text import figure, grouped, percent_change

_FIGURES = ("parameters", "flops", "activation_bytes", "file_bytes")
_HEADER = ("module", "kind", "parameters", "lightweight", "GFLOPs", "lightweight", "change")
_TEXT_COLUMNS = 2


def cost_csv(table: CostTable) -> str:
    """Return the table as CSV: module, kind, and every figure as a whole number, standard and lightweight.

    Rows without a module path are totals: "total" of the training form, "deployed total" of the deployed form.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["module", "kind", *(f"{side}_{f}" for f in _FIGURES for side in ("standard", "lightweight"))]
    )
    for name, kind, before, after in _rows(table):
        values = [(getattr(before, f), getattr(after, f)) for f in _FIGURES]
        writer.writerow([name, kind, *(value for pair in values for value in pair)])
    return stream.getvalue()


def cost_markdown(table: CostTable) -> str:
    """Return the table as Markdown, with the input size below."""
    return f"{markdown_table(_HEADER, _shown(table), _TEXT_COLUMNS)}\n\nGFLOPs at {_size(table)} pixels.\n"


def cost_latex(table: CostTable) -> str:
    """Return the table as a LaTeX tabular for the package booktabs."""
    rows = _shown(table)
    modules, totals = rows[: len(table.modules)], rows[len(table.modules) :]
    told = f"% GFLOPs at {_size(table)} pixels; needs \\usepackage{{booktabs}}".replace("×", "x")
    return f"{told}\n{latex_table(_HEADER, modules, totals, _TEXT_COLUMNS)}\n"


FORMATS: Mapping[str, Callable[[CostTable], str]] = MappingProxyType(
    {"csv": cost_csv, "md": cost_markdown, "latex": cost_latex}
)
"""Name on the command line → the function that writes it."""


def _rows(table: CostTable) -> list[tuple[str, str, Cost, Cost]]:
    """Return (module or total, kind, standard, lightweight)."""
    rows = [(m.path, m.kind or "", m.standard, m.lightweight) for m in table.modules]
    rows.append(("total", "", table.standard, table.lightweight))
    rows.append(("deployed total", "", table.deployed_standard, table.deployed_lightweight))
    return rows


def _shown(table: CostTable) -> list[tuple[str, ...]]:
    """Return the cells as people read them."""
    return [
        (
            name,
            kind,
            grouped(before.parameters),
            grouped(after.parameters),
            figure(before.flops / 1e9),
            figure(after.flops / 1e9),
            percent_change(before.flops, after.flops),
        )
        for name, kind, before, after in _rows(table)
    ]


def _size(table: CostTable) -> str:
    return f"{table.imgsz[0]}×{table.imgsz[1]}"
