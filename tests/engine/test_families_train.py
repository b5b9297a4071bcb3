"""Other families end to end: one epoch on the sample's pictures, then the weights detect, here and in stock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.cli import run as verb
from app.core.blocks import eligible
from app.core.design import Design, Swap, dump_design, save_design
from app.engine.models import load_checkpoint
from app.engine.sample import object_names, write_dataset
from tests.engine.checkpoints import batch_of, lively_model, save_checkpoint
from tests.engine.tiny_runs import child, lines, new_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NAMES = dict(enumerate(object_names()))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("sample") / "data", train=8, val=4, test=2)


def separable(base: str) -> Design:
    """All that can be separable but the stem."""
    stock = Design.stock(base, len(NAMES))
    paths = [path for path in eligible(stock.architecture, "separable") if path != "model.0"]
    return stock.with_swap(paths, Swap("separable"))


@pytest.mark.parametrize(
    "base",
    [
        *("yolo11n", "yolo26n", "yolov4-tiny"),
        *(pytest.param(base, marks=pytest.mark.exhaustive) for base in ("yolov8n", "yolov10n", "yolov9t")),
    ],
)
def test_a_separable_design_trains(base: str, sample: Path, tmp_path: Path) -> None:
    from ultralytics import YOLO

    design = separable(base)
    run = new_run(tmp_path, base, sample, design_text=dump_design(design), epochs=1)
    done = child(run)
    assert done.returncode == 0, done.stderr[-3000:]
    events = lines(done.stdout)
    assert events[-1]["event"] == "finished"
    (epoch,) = [event for event in events if event["event"] == "epoch"]
    assert all(value == value and value < 1e4 for value in epoch["train"].values())
    loaded = load_checkpoint(run.best)
    assert loaded.design == design
    picture = torch.rand(1, 3, 64, 64)
    stock: Any = YOLO(str(run.best)).model.float().eval()
    assert {type(m).__module__.partition(".")[0] for m in stock.modules()} <= {"torch", "ultralytics"}
    with torch.no_grad():
        found = loaded.model(picture)[0]
        assert torch.isfinite(found).all()
        assert torch.equal(stock(picture)[0], found)


@pytest.mark.parametrize("base", [pytest.param("yolo11n", marks=pytest.mark.exhaustive), "yolo26n"])
def test_verbs_take_other_families_and_models_with_two_heads(
    base: str, sample: Path, frames: list[np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    standard = lively_model(Design.stock(base, len(NAMES)), batch_of(frames), names=NAMES)
    weights = save_checkpoint(standard, tmp_path / "standard.pt", imgsz=160)
    design, light = tmp_path / "light.yaml", tmp_path / "light.pt"
    save_design(separable(base), design)

    def told(*arguments: str | Path) -> Any:
        assert verb([*map(str, arguments), "--workspace", str(tmp_path / "space"), "--json"]) == 0
        text = capsys.readouterr().out  # with what libraries print: this process keeps its streams
        return json.loads(text[text.index("{\n") :])

    told("convert", weights, "--design", design, "--data", sample, "-o", light)
    assert load_checkpoint(light).design == separable(base)
    scores = told("val", light, "--data", sample)
    assert set(scores["per_class"]) == set(NAMES.values())
    pair = told("compare", weights, light, "--source", "sample", "--frames", "3", "--runtime", "torch")
    assert pair["frames"] == 3
    assert pair["a"]["detections"] > 0
