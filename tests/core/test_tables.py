"""Tables for people: every cell stays one cell, whatever it holds."""

from __future__ import annotations

from app.core.tables import latex_comment, latex_table, markdown_table
from app.core.text import THIN_SPACE

_ROWS = [("a|b\nc", f"1{THIN_SPACE}000"), ("50 %", "")]


def test_markdown_keeps_a_cell_a_cell() -> None:
    assert markdown_table(("name", "value"), _ROWS).splitlines() == [
        "| name | value |",
        "|---|--:|",
        f"| a\\|b c | 1{THIN_SPACE}000 |",
        "| 50 % |  |",
    ]


def test_latex_parts_totals_from_rows_by_a_rule() -> None:
    lines = latex_table(("name", "value"), _ROWS[:1], _ROWS[1:]).splitlines()
    assert lines[0] == r"\begin{tabular}{lr}"
    assert lines[3:7] == [r"\midrule", r"a|b c & 1\,000 \\", r"\midrule", r"50 \% &  \\"]
    assert latex_table(("name", "value"), _ROWS).count(r"\midrule") == 1


def test_a_comment_never_becomes_text() -> None:
    assert latex_comment("one\ntwo % three") == r"% one two \% three"
