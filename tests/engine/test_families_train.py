"""Other families end to end: one epoch on the sample's pictures, then the weights detect, here and in stock."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from app.core.blocks import eligible
from app.core.design import Design, Swap, dump_design
from app.engine.models import load_checkpoint
from app.engine.sample import write_dataset
from tests.engine.tiny_runs import child, lines, new_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("sample") / "data", train=8, val=4, test=2)


@pytest.mark.parametrize("base", ["yolo11n", "yolov8n", "yolo26n", "yolov10n", "yolov4-tiny", "yolov9t"])
def test_a_separable_design_trains(base: str, sample: Path, tmp_path: Path) -> None:
    stock = Design.stock(base, 6)
    paths = [path for path in eligible(stock.architecture, "separable") if path != "model.0"]
    design = stock.with_swap(paths, Swap("separable"))
    run = new_run(tmp_path, base, sample, design_text=dump_design(design), epochs=1)
    done = child(run)
    assert done.returncode == 0, done.stderr[-3000:]
    events = lines(done.stdout)
    assert events[-1]["event"] == "finished"
    (epoch,) = [event for event in events if event["event"] == "epoch"]
    assert all(value == value and value < 1e4 for value in epoch["train"].values())
    loaded = load_checkpoint(run.best)
    assert loaded.design == design
    with torch.no_grad():
        assert torch.isfinite(loaded.model(torch.rand(1, 3, 64, 64))[0]).all()
