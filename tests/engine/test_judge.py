"""Judging runs: the figures of `val`, what stands behind them, and a cache that nobody can abuse."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.errors import AppError
from app.core.folders import resources
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig
from app.engine import judge as jobs
from app.engine.evaluate import evaluate
from app.engine.judge import judge
from app.engine.judging import draw, figures, interval, mistakes, size_figures
from app.engine.predictions import Predictions, load_predictions
from app.engine.sample import write_dataset

IMGSZ, PICTURES = 320, 12
FIGURES = ("precision", "recall", "map50", "map50_95", "per_class")


@pytest.fixture(scope="module", autouse=True)
def _few_draws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.engine.judging._DRAWS", 200)
        yield


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("sample"), train=4, val=PICTURES, test=0)


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[RunFolder]:
    """Two runs with the sample's weights."""
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    made = []
    for name in ("standard", "lightweight"):
        run = workspace.new_run(name)
        text = "format: 1\nbase: yolov5n\n"
        run.write_config(TrainConfig(text, str(data), name, imgsz=IMGSZ, role=name))
        run.best.parent.mkdir()
        shutil.copy(resources() / "sample" / f"{name}.pt", run.best)
        made.append(run)
    return made


@pytest.fixture(scope="module")
def judged(runs: list[RunFolder]) -> dict[str, Any]:
    return judge(runs, device="cpu")


@pytest.fixture(scope="module")
def found(runs: list[RunFolder], judged: dict[str, Any]) -> Predictions:
    (path,) = (runs[0].path / jobs.FOLDER).iterdir()
    loaded = load_predictions(path)
    assert loaded is not None
    return loaded


def test_the_figures_are_those_of_val_to_the_last_digit(
    runs: list[RunFolder], judged: dict[str, Any], data: Path
) -> None:
    for run, row in zip(runs, judged["runs"], strict=True):
        val = evaluate(run.best, data, imgsz=IMGSZ, device="cpu")
        assert {name: row[name] for name in FIGURES} == {name: val[name] for name in FIGURES}
        assert row["images"] == val["images"] == PICTURES


def test_intervals_hold_the_figures_and_differences_are_paired(judged: dict[str, Any]) -> None:
    for row in judged["runs"]:
        for name in ("map50", "map50_95"):
            low, high = row["intervals"][name]
            assert low <= row[name] <= high
            assert high - low > 1e-3
    (difference,) = judged["differences"]
    assert difference["paired"]
    low, high = difference["map50_95"]["interval"]
    assert low <= difference["map50_95"]["value"] <= high
    widths = [row["intervals"]["map50_95"] for row in judged["runs"]]
    assert high - low < sum(high - low for low, high in widths)  # what both share cancels out


def test_a_run_against_itself_differs_by_nothing(runs: list[RunFolder]) -> None:
    (difference,) = judge([runs[0], runs[0]], device="cpu")["differences"]
    assert difference["map50_95"] == {"value": 0.0, "interval": [0.0, 0.0]}


def test_a_draw_of_every_picture_once_gives_the_figures(found: Predictions) -> None:
    """The arithmetic of the draws, on weights that are all one, is that of the figures."""
    from app.engine.judging import _OfClass, by_confidence

    exact = figures(found)["per_class"]
    weight = np.ones(len(found.names), dtype=int)
    for number, name in enumerate(found.class_names):
        one = _OfClass(found, by_confidence(found), number, 0.25)
        ap = one.precision_of(weight, int(one.objects.sum()))
        assert ap[0] == pytest.approx(exact[name]["ap50"], abs=1e-6)
        assert ap.mean() == pytest.approx(exact[name]["ap50_95"], abs=1e-6)


def test_draws_do_not_depend_on_who_asks(found: Predictions) -> None:
    one, other = draw(found, 0.25), draw(found, 0.25)
    assert np.array_equal(one.map50_95, other.map50_95)
    assert interval(np.array([np.nan])) is None


def test_sizes_are_those_of_coco(found: Predictions) -> None:
    """Where all objects are of one size, that size has all of the score, and the others have none."""
    huge = replace(found, boxes=found.boxes * 1000, true_boxes=found.true_boxes * 1000)
    all_of_them = figures(found)
    assert size_figures(huge, "large")["ap50_95"] == pytest.approx(all_of_them["map50_95"], abs=1e-6)
    assert size_figures(huge, "small") == {"ap50": None, "ap50_95": None, "boxes": 0}
    counts = [all_of_them["sizes"][name]["boxes"] for name in ("small", "medium", "large")]
    assert sum(counts) == all_of_them["boxes"]
    side = np.sqrt(2.0)  # 32² is medium already, and 96² large
    edge = np.array([[0, 0, 32, 32], [0, 0, 96, 96], [0, 0, 31, 32 * side / side]], dtype=np.float32)
    three = replace(
        found,
        true_boxes=edge,
        true_classes=np.zeros(3, np.int32),
        true_picture=np.zeros(3, np.int32),
        matched=np.full_like(found.matched, -1),
    )
    assert [size_figures(three, name)["boxes"] for name in ("small", "medium", "large")] == [1, 1, 1]


def test_the_worst_pictures_come_first_with_both_runs_boxes(
    judged: dict[str, Any], found: Predictions, runs: list[RunFolder]
) -> None:
    pictures = judged["pictures"]
    assert len(pictures) == jobs.MOST_PICTURES
    lost = [sum(row["missed"] + row["wrong"] for row in p["runs"][1:]) for p in pictures]
    had = [p["runs"][0]["missed"] + p["runs"][0]["wrong"] for p in pictures]
    change = [after - before for after, before in zip(lost, had, strict=True)]
    assert change == sorted(change, reverse=True)
    missed, wrong = mistakes(found)
    place = found.names.index(pictures[0]["name"])
    first = pictures[0]["runs"][0]
    assert (first["missed"], first["wrong"]) == (missed[place], wrong[place])
    assert len(first["unseen"]) == first["missed"]
    assert sum(not box[-1] for box in first["boxes"]) == first["wrong"]
    assert all(-0.05 <= value <= 1.05 for box in first["boxes"] for value in box[1:5])


def test_the_confusion_matrix_counts_every_object(judged: dict[str, Any]) -> None:
    for row in judged["runs"]:
        matrix = np.array(row["confusion"])
        assert matrix[:, :-1].sum() == row["boxes"]
        assert np.trace(matrix) > 0.5 * row["boxes"]


def test_the_second_time_nothing_is_predicted(
    runs: list[RunFolder], judged: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_more: Any) -> None:
        raise AssertionError("predicted again")

    monkeypatch.setattr("app.engine.evaluate.validate", refuse)
    again = judge(runs, device="cpu")
    assert again["runs"] == judged["runs"]


def test_other_labels_are_judged_anew(runs: list[RunFolder], data: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(data.parent, tmp_path / "copy")
    label = next(path for path in sorted((copy / "labels" / "val").iterdir()) if path.read_text())
    label.write_text("")
    row = judge(runs[:1], str(copy / data.name), device="cpu")["runs"][0]
    before = judge(runs[:1], device="cpu")["runs"][0]
    assert row["boxes"] < before["boxes"]


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_cache_of_somebody_else_cannot_run_code_or_break_the_judging(
    found: Predictions, tmp_path: Path
) -> None:
    path, trace = tmp_path / "cache.npz", tmp_path / "trace"
    found.save(path)
    assert load_predictions(path) is not None
    with np.load(path) as data:
        parts = dict(data)
    bad = {
        "pickle": {"boxes": np.array([_Trap(trace)], dtype=object)},
        "shape": {"boxes": parts["boxes"][:, :3]},
        "number": {"boxes": np.full_like(parts["boxes"], np.nan)},
        "class": {"classes": parts["classes"] + 100},
        "picture": {"picture": parts["picture"] - 10_000},
        "match": {"matched": np.full_like(parts["matched"], 10_000)},
        "length": {"confidence": parts["confidence"][:-1]},
        "text": {"head": np.frombuffer(b"[1]", dtype=np.uint8)},
    }
    for name, change in bad.items():
        np.savez(path, **{**parts, **change})
        assert load_predictions(path) is None, name
    path.write_bytes(pickle.dumps(_Trap(trace)))
    assert load_predictions(path) is None
    path.write_bytes(b"PK\x03\x04 cut off")
    assert load_predictions(path) is None
    assert not trace.exists()


def test_what_cannot_be_judged_is_said_and_the_rest_is_judged(
    runs: list[RunFolder], tmp_path: Path, data: Path
) -> None:
    empty = Workspace(tmp_path).new_run("empty")
    empty.write_config(TrainConfig("format: 1\nbase: yolov5n\n", str(data), "empty", imgsz=IMGSZ))
    result = judge([runs[0], empty], device="cpu")
    assert [row["name"] for row in result["runs"]] == ["standard"]
    assert "no weights yet" in result["problems"]["empty"]["message"]
    with pytest.raises(AppError, match="no weights yet"):
        judge([empty], device="cpu")
    with pytest.raises(AppError, match="no pictures in “test”"):
        judge(runs, split="test")


def test_it_can_be_cancelled(runs: list[RunFolder]) -> None:
    asked = iter([False, True])
    with pytest.raises(AppError, match="cancelled"):
        judge(runs, device="cpu", cancelled=lambda: next(asked, True))
