"""The report of a comparison: everything that was measured, and names from anywhere are only text in it."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest

from app.core.compare_figures import PARTS, Drift, Histogram, SessionFigures, SideFigures
from app.core.compare_report import CompareReport, Model, Picture, as_csv, as_html, as_json
from app.core.statistics import Interval, Spread

BAD = '<script>alert(1)</script>"=1+1'
JPEG = "/9j/4AAQ"


def side(weights: str, ms: float) -> SideFigures:
    times = {part: Spread(ms, ms * 1.2, ms * 1.5) for part in PARTS}
    counts = Histogram(5.0, 25.0, tuple(range(40)))
    return SideFigures(weights, "openvino", "f32", "cpu", 2, 640, (384, 640), times, counts, 12)


@pytest.fixture
def report() -> CompareReport:
    counts = {"agree": 9, "class_changed": 1, "only_a": 2, "only_b": 3}
    figures = SessionFigures(
        source=BAD, pairs=50_000, sampled=40_000, dropped=7, seconds=125.0,
        a=side(f"/runs/{BAD}/a.pt", 20.0), b=side("/b.pt", 10.0),
        speedup=Interval(2.0, 1.9, 2.1), speedup_total=Interval(1.8, 1.7, 1.9), pair_ms=Spread(31, 35, 40),
        age_ms=Spread(50, 60, 70), pairs_per_second=30.0, agreement=counts, by_class={BAD: counts},
        timeline=((0.0, 5, 0, 1, 1), (1.0, 4, 1, 1, 2), (2.0, 0, 0, 0, 0)), drift=Drift("b", 9.0, 12.0), notes=(BAD,),
    )  # fmt: skip
    box = (0.1, 0.1, 0.5, 0.5, 0.9, BAD, "alone")
    pictures = (
        Picture(3, JPEG, 640, 360, (box,), (), counts),
        Picture(4, '"><script>alert(2)</script>', 640, 360, (), (), counts),
    )
    left = Model(
        BAD, "/a.pt", 5_250_000, "studio", BAD, (BAD, "cell"), {"model.3": BAD}, 2_500_000, 7.7, 2_400_000, 7.6,
        f"swaps: {BAD}",
        BAD, 40, {"val": {"map50": 0.9, "map50_95": 0.6, "per_class": {BAD: {"ap50": 0.9, "ap50_95": 0.61}}}}, BAD, BAD,
    )  # fmt: skip
    settings = {"confidence": 0.25, "classes": [BAD, "cell"], BAD: BAD}
    return CompareReport(
        "2026-11-24",
        figures,
        (left, Model("light", "/b.pt")),
        {"processor": BAD},
        {BAD: "1"},
        settings,
        pictures,
    )


class Page(HTMLParser):
    """Everything that a browser would run or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("src", "href", "xlink:href", "action", "data"):
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_says_everything_and_runs_and_fetches_nothing(report: CompareReport) -> None:
    html = as_html(report)
    page = Page()
    page.feed(html)
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "form", "img"}
    assert page.links == [f"data:image/jpeg;base64,{JPEG}", "#picture0"]
    assert "default-src 'none'" in html
    for said in (
        "2.00×",
        "1.90–2.10",
        "20.0 ms",
        "40.0",
        "50\u202f000",
        "0.600",
        "0.610",
        "7.70",
        "60 %",
        "left out",
    ):
        assert said in page.text, said
    assert page.text.count("alert(1)") > 10  # shown as the text that it is
    assert "12.0 ms in the last" in page.text  # drift
    assert "even draw of 40\u202f000" in page.text
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_json_and_csv_say_the_same(report: CompareReport) -> None:
    document = json.loads(as_json(report))
    assert SessionFigures.from_dict(document["figures"]) == report.figures
    assert document["models"]["a"]["accuracy"]["val"]["map50"] == 0.9
    assert document["pictures"][0]["a"][0][5] == BAD
    assert JPEG not in as_json(report)
    rows = {(row["section"], row["figure"]): row for row in csv.DictReader(io.StringIO(as_csv(report)))}
    assert (rows["time", "inference_ms p99"]["left"], rows["time", "inference_ms p99"]["right"]) == (
        "30.0",
        "15.0",
    )
    assert rows["speed-up", "speedup low"]["both"] == "1.9"
    assert rows["accuracy on val", "map50_95"]["left"] == "0.6"
    assert rows["agreement by class", f"{BAD}: agree"]["both"] == "9"
    assert rows["session", "dropped"]["both"] == "7"
    assert not any(
        cell[:1] in "=+@" for row in csv.reader(io.StringIO(as_csv(report))) for cell in row if cell
    )


def test_a_report_without_runs_costs_or_pictures_still_reads(report: CompareReport) -> None:
    plain = CompareReport("now", report.figures, (Model("a", "/a.onnx"), Model("b", "/b.onnx")), {}, {}, {})
    html = as_html(plain)
    assert "neither file lies in the folder of a run" in html
    assert "<h2>Pictures" not in html
