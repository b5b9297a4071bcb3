"""Tables of text, for people: as Markdown, and as LaTeX with the rules of the package booktabs.

The first columns hold names and stand at the left, figures stand at the right. Whatever is in a cell is shown as it
is, on one line.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.core.latex import latex_escaped
from app.core.markdown import markdown_escaped

Row = Sequence[str]


def markdown_table(head: Row, rows: Sequence[Row], names: int = 1) -> str:
    """Return a table as Markdown, without a line end behind it; `names` counts the columns at the left."""
    rule = "|" + "".join(["---|"] * names + ["--:|"] * (len(head) - names))
    lines = [
        "| " + " | ".join(markdown_escaped(_one_line(cell)) for cell in row) + " |" for row in (head, *rows)
    ]
    return "\n".join([lines[0], rule, *lines[1:]])


def latex_table(head: Row, rows: Sequence[Row], totals: Sequence[Row] = (), names: int = 1) -> str:
    r"""Return a `tabular`, without a line end behind it; a rule parts the totals from the rows."""
    lines = [rf"\begin{{tabular}}{{{'l' * names}{'r' * (len(head) - names)}}}", r"\toprule", _latex(head)]
    for part in (rows, totals):
        if part:
            lines += [r"\midrule", *(_latex(row) for row in part)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def latex_comment(text: str) -> str:
    """Return a line of LaTeX that prints nothing, whatever the text holds."""
    return f"% {latex_escaped(_one_line(text))}"


def _latex(row: Row) -> str:
    return " & ".join(latex_escaped(_one_line(cell)) for cell in row) + r" \\"


def _one_line(text: str) -> str:
    """Join lines; thin spaces between digits stay, which `str.split` would take for any space."""
    return " ".join(text.splitlines())
