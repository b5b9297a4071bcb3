"""yaml, design --diff and cost --format as scripts see them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

from app.core.design import load_design, preset
from tests.test_cli import document, studio


def test_yaml_there_and_back(tmp_path: Path) -> None:
    target, design = tmp_path / "light.yaml", tmp_path / "d.yaml"
    made = document("yaml", "seed", "--classes", "3", "--for", "ultralytics", "-o", str(target))
    assert (made["for"], made["rows"], made["swaps"], made["left"]) == ("ultralytics", 25, 6, [])
    assert yaml.safe_load(target.read_text())["nc"] == 3
    back = document("yaml", str(target), "--import", "-o", str(design))
    assert back["base"] == "yolov5n"
    assert back["swaps"] == dict.fromkeys(preset("seed").resolved(), "dwconv")
    assert load_design(design).resolved() == preset("seed").resolved()
    assert document("yaml", "seed", "--for", "yolov5")["text"].count("anchors:") == 1


def test_partial_says_what_was_left(tmp_path: Path) -> None:
    made = document("yaml", "neck", "--for", "ultralytics", "--partial", "-o", str(tmp_path / "x.yaml"))
    assert made["swaps"] == 2
    assert {one["path"] for one in made["left"]} == {f"model.{i}.m.0.cv2" for i in (13, 17, 20, 23)}
    assert all("inside a C3" in one["why"] for one in made["left"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("yaml", "neck", "--for", "ultralytics"), "4 of 6 swaps cannot be said"),
        (("yaml", "seed", "--for", "ultralytics", "-o", "yolov5n6.yaml"), "scale in this name"),
        (("yaml", "seed", "--for", "ultralytics", "--weights", "w.pt"), "-o FILE"),
        (("yaml", "seed", "--for", "ultralytics", "--weights", "w.pt", "-o", "x.yaml"), "w.pt"),
        (("yaml", "none.yaml", "--import"), "none.yaml"),
        (("design", "--diff", "seed"), "--diff"),
        (("design", "seed", "--preset", "neck", "-o", "x.yaml"), "--preset"),
        (("cost", "seed", "--format", "csv", "-o", "/proc/none/x.csv"), "cannot be written"),
    ],
)
def test_bad_input_gets_one_line_and_status_1(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    done = studio(*arguments, status=1, cwd=tmp_path)
    assert words in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.yaml"))


def test_for_and_import_exclude_each_other() -> None:
    studio("yaml", "seed", status=2)
    studio("yaml", "seed", "--for", "yolov5", "--import", status=2)


def test_diff_names_what_differs() -> None:
    found = document("design", "seed", "--diff", "separable", "--classes", "3")
    changes = {one["path"]: (one["before"], one["after"]) for one in found["changes"]}
    assert changes["model.1"] == ("dwconv", "separable")
    assert changes["model.24.cv3.0.0"] == (None, "separable")
    assert "model.1 " in studio("design", "seed", "--diff", "separable").stdout
    assert "No module differs" in studio("design", "seed", "--diff", "seed").stdout


def test_a_design_can_begin_with_another(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    studio("design", "seed", "--classes", "3", "-o", str(first))
    studio("design", str(first), "--swap", "model.4=ghost_c3", "-o", str(second))
    assert load_design(second).resolved().keys() - load_design(first).resolved().keys() == {"model.4"}


def test_cost_tables(tmp_path: Path) -> None:
    target = tmp_path / "cost.csv"
    studio("cost", "seed", "--imgsz", "320", "--format", "csv", "-o", str(target))
    rows = {row["module"]: row for row in csv.DictReader(target.read_text().splitlines())}
    totals = json.loads(studio("cost", "seed", "--imgsz", "320", "--json").stdout)
    assert int(rows["total"]["lightweight_flops"]) == totals["lightweight"]["flops"]
    assert studio("cost", "seed", "--format", "md").stdout.startswith("| module |")
    assert "\\toprule" in document("cost", "seed", "--format", "latex")["text"]


def test_another_activation_there_and_back(tmp_path: Path) -> None:
    design, target, back = (str(tmp_path / name) for name in ("d.yaml", "light.yaml", "back.yaml"))
    made = document("design", "--preset", "seed", "--activation", "relu", "-o", design)
    assert (made["activation"], made["swaps"]) == ("relu", 6)
    assert "activation: relu\n" in Path(design).read_text()
    assert document("cost", design)["activation"] == "ReLU"
    assert document("design", "seed", "--diff", design)["activation"] == [None, "relu"]
    rows = studio("design", "seed", "--diff", design).stdout.splitlines()
    assert ["activation", "SiLU", "ReLU"] in [row.split() for row in rows]
    document("yaml", design, "--for", "ultralytics", "-o", target)
    assert "activation: torch.nn.ReLU()" in Path(target).read_text()
    document("yaml", target, "--import", "-o", back)
    assert load_design(Path(back)).activation == "relu"
    refused = studio("design", "--activation", "swish", "-o", design, status=2)
    assert "swish" in refused.stderr
