"""A bench as data: the front, what is kept through kills, the documents."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.bench import ACCURACY, LATENCY, Bench, BenchRow, Kept, front, ratios
from app.core.bench_report import FORMS, HEAD, as_csv, as_html, as_json, as_markdown, cells


def row(name: str, score: float | None, ms: float | None, **more: Any) -> BenchRow:
    values: dict[str, Any] = {
        "weights": f"/models/{name}.pt",
        "role": "",
        "trained": score is not None,
        "runtime": "openvino",
        "precision": "f32",
        "device": "cpu",
        "threads": 2,
        "shape": (320, 320),
        "parameters": 2_500_000,
        "gflops": 1.77,
        "bytes": 5_250_000,
        "p95_ms": None if ms is None else ms * 1.1,
    }
    return BenchRow(name, map50_95=score, map50=score, p50_ms=ms, **{**values, **more})


def bench(*rows: BenchRow) -> Bench:
    return Bench("/data.yaml", "val", 60, "A machine", {"torch": "2.9"}, "std", rows).sorted_out()


ROWS = (
    row("std", 0.71, 12.0, role="standard", ratio=(1.0, 1.0, 1.0)),
    row("light", 0.66, 6.0, role="lightweight", ratio=(2.0, 1.9, 2.1)),
    row("worse", 0.65, 7.0),
    row("twin", 0.66, 6.0),
    row("yolov5n × 0.5", None, 3.0, role="rival", weights=""),
    row("hasty", 0.70, 1.0, disturbed=0.4),
    row("mute", 0.72, None, problem={"message": "No precision “int8”.", "hint": "Choose f32."}),
)


def test_the_front_is_of_trained_undisturbed_rows_that_nothing_beats() -> None:
    assert [one.name for one in front(ROWS)] == ["std", "light", "twin"]
    assert [one.name for one in bench(*ROWS).rows if one.front] == ["std", "light", "twin"]
    # By size alone the disturbed and the unmeasured take part again; all are as large, so the best is alone.
    assert [one.name for one in front(ROWS, "bytes")] == ["mute"]


def test_ratios_are_of_the_same_round() -> None:
    slow = [[10.0, 10.0, 90.0], [20.0, 20.0, 20.0]]  # a machine that grows slower slows both
    fast = [[5.0, 5.0, 5.0], [10.0, 10.0, 10.0]]
    assert ratios(fast, slow) == [2.0, 2.0]


def test_a_cut_off_line_costs_itself_alone(tmp_path: Path) -> None:
    file = tmp_path / "bench" / "measured.jsonl"
    about = {"weights": "abc", "threads": 2}
    Kept(file).keep(LATENCY, about, {"p50_ms": 5.0}, "std")
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"kind": "latency", "key": "x", "val')
    kept = Kept(file)
    assert kept.get(LATENCY, dict(reversed(about.items()))) == {"p50_ms": 5.0}
    assert kept.get(LATENCY, {**about, "threads": 1}) is None
    assert kept.get(ACCURACY, about) is None
    kept.keep(ACCURACY, about, {"map50": 0.5})
    kept.keep(LATENCY, about, {"p50_ms": 4.0})
    again = Kept(file)
    assert again.get(ACCURACY, about) == {"map50": 0.5}
    assert again.get(LATENCY, about) == {"p50_ms": 4.0}
    assert json.loads(file.read_text().splitlines()[0])["about"] == about


def test_every_document_says_the_same(tmp_path: Path) -> None:
    found = bench(*ROWS, row("=cmd()|<script>", 0.1, 99.0))
    assert Bench.from_json(json.loads(as_json(found))) == found
    lines = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [line["front"] for line in lines[:3]] == ["True", "True", "False"]
    assert (lines[1]["ratio_low"], lines[4]["map50_95"], lines[4]["trained"]) == ("1.9", "", "False")
    assert lines[-1]["name"].startswith("'=")
    text = as_markdown(found)
    assert "| light | openvino | f32 | 0.660 |" in text
    assert "untrained: cost and speed alone" in text
    assert "mute on openvino f32: No precision" in text
    page = as_html(found)
    assert "<script" not in page.replace("&lt;script", "")
    assert page.count("<circle") == sum(
        one.map50_95 is not None and one.p50_ms is not None for one in found.rows
    )
    assert set(FORMS) == {"csv", "md", "json", "html"}


def test_cells_say_what_is_missing_and_what_was_disturbed() -> None:
    told = dict(zip(HEAD, cells(ROWS[5]), strict=True))
    assert told["p50, ms"] == "1.00*"
    assert dict(zip(HEAD, cells(ROWS[1]), strict=True))["× reference"] == "2.00× [1.90, 2.10]"
    assert dict(zip(HEAD, cells(ROWS[0]), strict=True))["× reference"] == "1.00×"
    assert dict(zip(HEAD, cells(ROWS[6]), strict=True))["p50, ms"] == "–"


@pytest.mark.parametrize("broken", [{}, {"rows": 3}, {"data": "x", "rows": [{"name": "a"}]}])
def test_what_is_no_bench_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Bench.from_json(broken)


def test_a_row_of_a_newer_studio_opens() -> None:
    assert BenchRow.from_json({**ROWS[0].to_json(), "joules": 3}) == replace(ROWS[0])
