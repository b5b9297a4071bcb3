"""Reports and cards of runs: what they say, and that names from anywhere are only text in them."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from app.core.events import encode_event
from app.core.run_card import PROVENANCE, card, card_markdown, escaped
from app.core.run_compare import diff, settings_table
from app.core.run_notes import FILE, Notes, read_notes, tags_of, write_notes
from app.core.run_pictures import EPOCHS, FOLDER, TRUTH, read_watched
from app.core.run_report import FORMS, as_csv, as_html, as_latex, as_markdown, with_interval
from app.core.run_tensorboard import scalars, write_event_files
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig

BAD = "<img src=x onerror=alert(1)>_&%|`=1+1"


def row(name: str, score: float) -> dict[str, Any]:
    return {
        "name": name,
        "role": "standard",
        "parameters": 2_500_000,
        "gflops": 1.77,
        "bytes": 5_250_000,
        "classes": [BAD],
        "map50": score + 0.3,
        "map50_95": score,
        "precision": 0.8,
        "recall": 0.9,
        "per_class": {BAD: {"ap50": 0.9, "ap50_95": score}},
        "sizes": {n: {"ap50": None, "ap50_95": None, "boxes": 0} for n in ("small", "medium", "large")},
        "intervals": {
            **{n: [0.1, 0.99] for n in ("map50", "map50_95", "precision", "recall")},
            "per_class": {BAD: [0.2, 0.8]},
        },
        "curves": {BAD: [1.0, 0.5, 0.0]},
        "confusion": [[5, 1], [2, 0]],
        "missed": 2,
        "wrong": 1,
    }


@pytest.fixture
def judgement() -> dict[str, Any]:
    change = {"value": -0.025, "interval": [-0.04, -0.01]}
    boxes = [[0, 0.1, 0.1, 0.4, 0.4, 0.9, True], [0, 0.5, 0.5, 0.9, 0.9, 0.5, False]]
    seen = {"run": BAD, "missed": 1, "wrong": 1, "boxes": boxes, "unseen": [0]}
    return {
        "data": f"/{BAD}/data.yaml",
        "split": "val",
        "images": 7,
        "runs": [row("standard", 0.6), row(BAD, 0.575)],
        "differences": [
            {"a": "standard", "b": BAD, "paired": True}
            | dict.fromkeys(("map50", "map50_95", "precision", "recall"), change)
        ],
        "settings": [{"name": "warm_start", "values": ["copy", BAD], "same": False}],
        "pictures": [
            {
                "name": BAD,
                "jpeg": "AAAA",
                "width": 640,
                "height": 480,
                "true": [[0, 0, 0, 1, 1]],
                "runs": [seen],
            },
            {"name": "x", "jpeg": '"/><script>', "width": 1, "height": 1, "true": [], "runs": []},
        ],
    }


class Tags(HTMLParser):
    """Counts elements, and collects what could fetch or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.suspicious: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        for name, value in attrs:
            inside = (value or "").startswith("data:image/jpeg;base64,")
            if name.startswith("on") or (name in ("src", "href") and not inside):
                self.suspicious.append(f"{tag} {name}={value}")


def test_html_holds_everything_and_runs_nothing(judgement: dict[str, Any]) -> None:
    text = as_html(judgement)
    tags = Tags()
    tags.feed(text)
    assert not tags.suspicious
    assert "script" not in tags.names
    assert "img" not in tags.names
    assert tags.names.count("polyline") == 2
    assert tags.names.count("image") == 1  # what is no base64 is left out
    assert "0.600 [0.100, 0.990]" in text
    assert "−0.025 [−0.040, −0.010]" in text
    assert "default-src 'none'" in text


def test_csv_has_a_row_a_run_and_no_formulas(judgement: dict[str, Any]) -> None:
    judgement["runs"][1]["name"] = "=cmd()"
    rows = list(csv.DictReader(io.StringIO(as_csv(judgement))))
    assert [r["run"] for r in rows] == ["standard", "'=cmd()"]
    assert [float(r["map50_95"]) for r in rows] == [0.6, 0.575]
    assert rows[0]["map50_95_low"] == "0.1"


def test_markdown_and_latex_say_the_same(judgement: dict[str, Any]) -> None:
    markdown, latex = as_markdown(judgement), as_latex(judgement)
    for score in ("0.600 [0.100, 0.990]", "0.575"):
        assert score in markdown.replace("\\[", "[").replace("\\]", "]")
        assert score in latex
    assert "<img" not in markdown.replace("\\<img", "")
    assert r"onerror=alert(1)>\_\&\%|`=1+1" in latex
    heights = [line.count("|") - line.count("\\|") for line in markdown.splitlines() if line.startswith("| ")]
    assert set(heights) <= {3, 4}
    assert set(FORMS) == {"csv", "md", "tex", "html"}
    assert with_interval(None, None) == "–"


def make_run(workspace: Path, name: str, **changes: Any) -> RunFolder:
    run = Workspace(workspace).new_run(name)
    run.write_config(TrainConfig("format: 1\nbase: yolov5n\n", "/data/data.yaml", name=name, **changes))
    events = [
        {"t": 1.0, "event": "started", "time": "2025-05-06T07:08:09+00:00", "epochs": 2, "batches": 4,
         "flops": 4e9, "parameters": 2_500_000, "optimizer": {"name": "AdamW", "lr0": 0.001}},
        {"t": 2.0, "event": "batch", "epoch": 1, "batch": 2, "losses": {"box": 1.5}},
        {"t": 3.0, "event": "epoch", "epoch": 1, "map50_95": 0.5, "lr": 0.01, "train": {"box": 1.0},
         "per_class": {"cat": {"ap50": 0.7, "ap50_95": None}}},
    ]  # fmt: skip
    run.events_path.write_bytes(b"".join(encode_event(event) for event in events))
    return run


def test_the_differences_of_two_runs_come_first(workspace: Path) -> None:
    a = make_run(workspace, "a", seed=1)
    b = make_run(workspace, "b", seed=2, overrides={"mosaic": 0.0})
    rows = settings_table([a, b])
    assert [r["name"] for r in rows if not r["same"]] == ["seed", "mosaic"]
    assert rows[0]["values"] == [1, 2]
    found = diff(a, b)
    assert found["settings"] == {"seed": [1, 2], "mosaic": [None, 0.0]}
    assert found["metrics"]["map50_95"] == [0.5, 0.5]
    assert found["design"] == []


def test_a_card_of_a_run_from_anywhere_is_only_text(workspace: Path) -> None:
    run = make_run(workspace, "run")
    (run.path / PROVENANCE).write_text(json.dumps({"machine": {"processor": BAD, "x": [1]}, "versions": 5}))
    text = card_markdown(card(run))
    assert escaped(BAD) in text
    assert "AdamW" in text
    (run.path / PROVENANCE).write_text("[" * 100_000)
    (run.path / "design.yaml").write_text("a: [")
    assert "could" in card_markdown(card(run)) or "yaml" in card_markdown(card(run))


def test_tags_and_notes_are_kept_and_cleaned(tmp_path: Path) -> None:
    assert tags_of(" good,  good ,40 + 40，最好,") == ("good", "40 + 40", "最好")
    write_notes(tmp_path, Notes(("a", "b"), "said\ntwice"))
    assert read_notes(tmp_path) == Notes(("a", "b"), "said\ntwice")
    write_notes(tmp_path, Notes())
    assert not (tmp_path / FILE).exists()
    for bad in ("[]", '{"tags": 5, "note": []}', '{"tags": [[1], "ok"]}', "x" * 100_000, "[" * 50_000):
        (tmp_path / FILE).write_text(bad)
        assert read_notes(tmp_path).note == ""


def test_predictions_by_epoch_are_read_with_care(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    assert read_watched(tmp_path).names == ()
    folder.mkdir()
    truth = {"names": ["a.jpg"], "classes": ["cat"], "truth": [[[0, 0.1, 0.1, 0.2, 0.2, 1.0]]]}
    (folder / TRUTH).write_text(json.dumps(truth))
    box = [0, 0.1, 0.1, 0.2, 0.2, 0.5]
    lines: list[Any] = [{"epoch": e, "boxes": [[box] * e]} for e in (1, 2, 3)]
    lines += [{"epoch": 2, "boxes": [[]]}, {"epoch": "x"}, [], {"epoch": 4, "boxes": [[[0, 1e400]]]}]
    (folder / EPOCHS).write_text("\n".join(json.dumps(line) for line in lines) + '\n{"epoch": 3, "bo')
    watched = read_watched(tmp_path)
    assert {epoch: len(boxes[0]) for epoch, boxes in watched.epochs.items()} == {1: 1, 2: 0}
    (folder / TRUTH).write_text('{"names": 5}')
    assert read_watched(tmp_path).epochs == {}


def test_tensorboard_reads_what_the_events_say(workspace: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto import event_pb2

    run = make_run(workspace, "run")
    expected = {(name, step): value for name, value, step, _ in scalars(run)}
    assert expected[("batch/box", 2)] == 1.5
    assert expected[("ap50/cat", 1)] == 0.7
    assert write_event_files(run, tmp_path / "tb") == len(expected)
    (path,) = (tmp_path / "tb").iterdir()
    data, found, at = path.read_bytes(), {}, 0
    while at < len(data):  # length, its checksum, the event, its checksum
        size = int.from_bytes(data[at : at + 8], "little")
        event = event_pb2.Event.FromString(data[at + 12 : at + 12 + size])
        for value in event.summary.value:
            found[(value.tag, event.step)] = value.simple_value
        at += 16 + size
    assert found == pytest.approx(expected)
