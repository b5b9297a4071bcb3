"""Real, tiny trainings: complete events, and weights that stock YOLO opens."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import AppError
from app.core.runs import RunFolder
from tests.engine.tiny_runs import BATCHES, TRAIN_PICTURES, VAL_PICTURES

pytestmark = pytest.mark.timeout(600)


# --- what a run leaves -------------------------------------------------------------------------------------


def test_the_events_tell_the_whole_training(finished: tuple[RunFolder, list[dict[str, Any]]]) -> None:
    run, printed = finished
    events = list(run.events())
    assert events == printed
    kinds = [event["event"] for event in events if event["event"] not in ("message", "usage")]
    once = ["batch"] * BATCHES + ["epoch", "checkpoint"]
    # Batches are thinned out to ten a second; the last of each epoch is always there.
    epochs = [event for event in events if event["event"] == "epoch"]
    assert [kind for kind in kinds if kind != "batch"] == [
        "started",
        *["epoch", "checkpoint"] * 3,
        "finished",
    ]
    assert len(kinds) <= 1 + 3 * len(once) + 1
    last_batches = {
        event["epoch"] for event in events if event["event"] == "batch" and event["batch"] == BATCHES
    }
    assert last_batches == {1, 2, 3}
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    started = next(event for event in events if event["event"] == "started")
    assert (started["epochs"], started["batches"], started["device"]) == (3, BATCHES, "cpu")
    assert started["images"] == {"train": TRAIN_PICTURES, "val": VAL_PICTURES}
    assert started["threads"] == len(os.sched_getaffinity(0))
    assert started["parameters"] > 1_000_000
    assert [event["epoch"] for event in epochs] == [1, 2, 3]
    for event in epochs:
        assert set(event["train"]) == set(event["val"]) == {"box", "cls", "dfl"}
        assert {"precision", "recall", "map50", "map50_95", "lr", "seconds", "remaining"} <= set(event)
        assert set(event["per_class"]) == {"RBC", "WBC", "Platelets"}
        assert set(event["per_class"]["RBC"]) == {"ap50", "ap50_95"}
    assert epochs[-1]["remaining"] == 0
    for event in events:
        if event["event"] == "batch":
            assert event["images_per_second"] > 0
            assert event["memory"] > 1e8


def test_the_table_says_what_the_events_say(finished: tuple[RunFolder, list[dict[str, Any]]]) -> None:
    run, _ = finished
    epochs = [event for event in run.events() if event["event"] == "epoch"]
    rows = list(csv.DictReader(run.metrics_path.read_text().splitlines()))
    assert len(rows) == len(epochs)
    for row, event in zip(rows, epochs, strict=True):
        assert int(row["epoch"]) == event["epoch"]
        for name in ("map50", "map50_95", "precision", "recall", "lr", "seconds"):
            assert float(row[name]) == event[name]
        assert float(row["train_box"]) == event["train"]["box"]
        assert float(row["val_dfl"]) == event["val"]["dfl"]
        assert float(row["ap50 Platelets"]) == event["per_class"]["Platelets"]["ap50"]


def test_the_folder_is_complete_and_the_state_finished(
    finished: tuple[RunFolder, list[dict[str, Any]]],
) -> None:
    run, _ = finished
    state = run.state()
    assert (state.status, state.epoch, state.pid) == ("finished", 3, None)
    names = {path.name for path in run.path.iterdir()}
    assert {"run.yaml", "design.yaml", "events.jsonl", "metrics.csv", "checkpoints", "weights"} <= names
    assert "process.json" not in names
    assert {path.name for path in (run.path / "weights").iterdir()} == {"best.pt", "last.pt"}
    assert not list(run.path.rglob("*.part"))
    assert run.design().base == "yolov5n"
    assert run.best.stat().st_size < 6_000_000


def test_evaluating_the_best_weights_gives_the_recorded_figures(
    finished: tuple[RunFolder, list[dict[str, Any]]], few_cells: Path
) -> None:
    run, printed = finished
    from app.engine.evaluate import evaluate

    again = evaluate(run.best, few_cells, device="cpu")
    recorded = printed[-1]["best"]
    for name in ("map50", "map50_95", "precision", "recall", "per_class", "imgsz"):
        assert again[name] == recorded[name]
    assert again["images"] == VAL_PICTURES
    with pytest.raises(AppError, match="test"):
        evaluate(run.best, few_cells, "test", device="cpu")


# --- stock YOLO --------------------------------------------------------------------------------------------

STOCK = """
import importlib.abc, json, os, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "app" or name.startswith("app."):
            raise ImportError("the Studio is not here: " + name)

sys.meta_path.insert(0, Blocked())
from ultralytics import YOLO
model = YOLO(sys.argv[1])
swapped = model.model.model[3]
results = model.predict(sys.argv[2], imgsz=64, conf=0.001, verbose=False)
metrics = model.val(data=sys.argv[3], imgsz=64, device="cpu", plots=False, rect=False, workers=0,
                    project=os.getcwd(), verbose=False)
exported = model.export(format="onnx", imgsz=64, device="cpu", simplify=False)
print("RESULT " + json.dumps({
    "swapped": type(swapped).__name__ + "/" + type(swapped[0]).__name__,
    "design": "model.3: separable" in model.model.yaml["depthwise_studio"],
    "names": model.names[2], "shape": list(results[0].orig_shape), "map50": metrics.box.map50,
    "onnx": exported, "app": any(name == "app" or name.startswith("app.") for name in sys.modules),
}))
"""


def test_stock_yolo_opens_the_weights_where_the_studio_is_not(
    finished: tuple[RunFolder, list[dict[str, Any]]], few_cells: Path, tmp_path: Path
) -> None:
    run, printed = finished
    shutil.copy(run.best, tmp_path / "best.pt")
    picture = next((few_cells.parent / "images" / "val").iterdir())
    # The clean data.yaml of the run: its paths are absolute.
    clean = run.path / "data" / "data.yaml"
    config = tmp_path / "config"
    shutil.copytree(Path(os.environ["DEPTHWISE_STUDIO_CACHE"]) / "ultralytics", config)
    environment = {
        **{
            key: value
            for key, value in os.environ.items()
            if key not in ("PYTHONPATH", "ULTRALYTICS_SAFE_LOAD")
        },
        "YOLO_CONFIG_DIR": str(config),
        "YOLO_OFFLINE": "true",
        "YOLO_AUTOINSTALL": "false",
    }
    result = subprocess.run(
        [sys.executable, "-I", "-c", STOCK, str(tmp_path / "best.pt"), str(picture), str(clean)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    line = next(line for line in result.stdout.splitlines() if line.startswith("RESULT "))
    found = json.loads(line.removeprefix("RESULT "))
    assert found["swapped"] == "Sequential/DWConv"
    assert found["design"]
    assert found["names"] == "Platelets"
    assert not found["app"]
    assert found["map50"] == pytest.approx(printed[-1]["best"]["map50"], abs=1e-3)
    assert (tmp_path / "best.onnx").is_file()


def test_safe_loading_accepts_the_weights(
    finished: tuple[RunFolder, list[dict[str, Any]]], tmp_path: Path
) -> None:
    run, _ = finished
    code = "import sys; from ultralytics.nn.tasks import load_checkpoint as l; print(type(l(sys.argv[1])[0]).__name__)"
    environment = {
        **os.environ,
        "ULTRALYTICS_SAFE_LOAD": "1",
        "YOLO_OFFLINE": "true",
        "YOLO_CONFIG_DIR": str(tmp_path),
    }
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, str(run.best)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=200,
    )
    assert result.stdout.split()[-1:] == ["DetectionModel"], result.stderr[-2000:]
