"""Pascal VOC and COCO from the first epoch to the last figure: trained, and judged as they lie there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.engine.dataset_fingerprint import fingerprint
from app.engine.evaluate import evaluate
from tests.engine.test_dataset_layouts import coco_folder
from tests.engine.tiny_runs import child, lines, new_run

Layout = Callable[[Path, Path], Path]


def _voc(shared_dir: Path, _folder: Path) -> Path:
    return shared_dir / "data" / "bccd_voc"


def _coco(_shared_dir: Path, folder: Path) -> Path:
    return coco_folder(folder / "pets")


@pytest.mark.parametrize(("layout", "classes"), [(_voc, 3), (_coco, 2)], ids=["voc", "coco"])
def test_a_training_and_a_validation_take_it_as_it_lies(
    layout: Layout, classes: int, shared_dir: Path, workspace: Path, tmp_path: Path
) -> None:
    data = layout(shared_dir, tmp_path)
    before = sorted(path for path in data.parent.rglob("*") if path.is_file())
    run = new_run(workspace, "run", data, epochs=1, design_text="format: 1\nbase: yolov5n\n")
    done = child(run)
    assert done.returncode == 0, done.stderr[-3000:]
    events = lines(done.stdout)
    told: dict[str, Any] = events[-1]
    assert told["event"] == "finished"
    said = [event["text"] for event in events if event["event"] == "message"]
    assert any("Nothing was set apart to validate on" in text for text in said)
    seen = fingerprint(data)
    (started,) = (event for event in events if event["event"] == "started")
    assert started["images"] == {name: seen.images[name] for name in ("train", "val")}
    found = evaluate(run.best, data, device="cpu", imgsz=64)
    assert len(found["per_class"]) == classes
    assert found["images"] == seen.images["val"]
    assert (found["map50"], found["map50_95"]) == (told["best"]["map50"], told["best"]["map50_95"])
    assert sorted(path for path in data.parent.rglob("*") if path.is_file()) == before
