"""Cost tables for other programs: exact in CSV, readable and escaped elsewhere."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

import pytest

from app.core.cost import CostTable, compare_cost
from app.core.cost_export import FORMATS, cost_csv, cost_latex, cost_markdown
from app.core.design import Design, Swap, preset


@pytest.fixture(scope="module")
def table() -> CostTable:
    design = preset("separable", classes=3).without(["model.4.m.0.cv2", "model.4.m.1.cv2"])
    return compare_cost(design.with_swap(["model.4"], Swap("ghost_c3")), (320, 640))


def test_csv_holds_every_number_exactly(table: CostTable) -> None:
    rows = list(csv.DictReader(cost_csv(table).splitlines()))
    assert [r["module"] for r in rows] == [*(m.path for m in table.modules), "total", "deployed total"]
    for row, module in zip(rows, table.modules, strict=False):
        assert row["kind"] == (module.kind or "")
        for side, cost in (("standard", module.standard), ("lightweight", module.lightweight)):
            assert {k: int(row[f"{side}_{k}"]) for k in cost.to_json()} == cost.to_json()
    assert int(rows[-2]["lightweight_flops"]) == table.lightweight.flops
    assert int(rows[-1]["lightweight_parameters"]) == table.deployed_lightweight.parameters
    assert sum(int(r["lightweight_flops"]) for r in rows[:-2]) == table.lightweight.flops


def test_markdown_is_a_table_of_as_many_cells(table: CostTable) -> None:
    lines = cost_markdown(table).splitlines()
    body = [line for line in lines if line.startswith("|")]
    assert len(body) == 2 + len(table.modules) + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in body} == {8}
    assert "320×640" in lines[-1]


def test_latex_escapes_and_needs_nothing_but_booktabs(table: CostTable) -> None:
    text = cost_latex(table)
    assert text.isascii()
    assert r"ghost\_c3" in text
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(body) == 1 + len(table.modules) + 2
    assert {len(re.findall(r"(?<!\\)&", line)) for line in body} == {6}
    for line in body:
        assert not re.search(r"(?<!\\)[%#_]", line)


def test_latex_takes_any_name_literally(table: CostTable) -> None:
    odd = replace(table, modules=(replace(table.modules[0], path=r"a\b{c}~^%$&#_|"),))
    row = next(line for line in cost_latex(odd).splitlines() if line.startswith("a"))
    assert row.startswith(r"a\textbackslash{}b\{c\}\textasciitilde{}\textasciicircum{}\%\$\&\#\_|")
    assert r"\|" in cost_markdown(odd)


@pytest.mark.parametrize("name", FORMATS)
def test_a_standard_model_has_a_table_too(name: str) -> None:
    assert "total" in FORMATS[name](compare_cost(Design.stock("yolov5n")))
