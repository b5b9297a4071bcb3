"""Memory, time and batch, measured before a training: on a few real steps, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import AppError
from app.core.text import duration
from app.core.train_config import TrainConfig
from app.engine import train_batch, train_estimate
from app.engine.distillation import TEACHER_LOSS, DistillingLoss
from app.engine.jobs import Channel
from app.engine.memory import Memory, host_memory, peak_memory
from app.engine.train_probe import MemoryLine
from tests.engine.tiny_runs import BATCH, BATCHES, DESIGN, ROOT, TRAIN_PICTURES, VAL_PICTURES

pytestmark = pytest.mark.timeout(300)

KEYS = {
    *(
        "device",
        "imgsz",
        "batch",
        "measured",
        "bytes_needed",
        "bytes_cache",
        "bytes_free",
        "bytes_total",
        "fits",
    ),
    *("largest_batch", "auto_batch", "images", "batches", "seconds_batch", "seconds_epoch", "seconds_total"),
    *("disk_needed", "disk_free", "advice"),
}


class Listener(Channel):
    """A channel that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[float] = []

    @property
    def cancelled(self) -> bool:
        return False

    def progress(self, fraction: float, text: str = "") -> None:
        self.told.append(fraction)


def config(data: Path, **changes: Any) -> TrainConfig:
    given = {"imgsz": 64, "batch": BATCH, "device": "cpu", "epochs": 10, **changes}
    return TrainConfig(DESIGN, str(data), **given)


def test_the_command_line_measures_and_trains_nothing(
    few_cells: Path, workspace: Path, tmp_path: Path
) -> None:
    design = tmp_path / "d.yaml"
    design.write_text(DESIGN)
    command = [sys.executable, str(ROOT / "main.py"), "train", str(design), "--data", str(few_cells)]
    command += ["--epochs", "10", "--imgsz", "64", "--batch", "4", "--device", "cpu", "--estimate", "--json"]
    done = subprocess.run(
        [*command, "--workspace", str(workspace)], capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert set(found) >= KEYS
    assert (found["batch"], found["batches"], found["device"]) == (BATCH, BATCHES, "cpu")
    assert found["images"] == {"train": TRAIN_PICTURES, "val": VAL_PICTURES}
    assert found["measured"]
    assert found["fits"]
    assert 3e8 < found["bytes_needed"] < found["bytes_free"] <= found["bytes_total"]
    assert found["seconds_epoch"] > BATCHES * found["seconds_batch"] > 0
    assert found["seconds_total"] == pytest.approx(10 * found["seconds_epoch"], rel=0.01)
    assert found["largest_batch"] == TRAIN_PICTURES
    assert found["disk_needed"] > 2e7
    assert not list(workspace.iterdir())


def test_where_it_does_not_fit_a_smaller_batch_is_named(
    few_cells: Path, standard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A computer that has little more than this process holds already; a teacher is counted as well."""
    taught: list[int] = []

    def teach(loss: DistillingLoss, predictions: Any, batch: Any) -> Any:
        told = loss_of(loss, predictions, batch)
        if TEACHER_LOSS in told[1]:
            taught.append(len(batch["img"]))
        return told

    loss_of = DistillingLoss.__call__
    monkeypatch.setattr(DistillingLoss, "__call__", teach)
    monkeypatch.setattr(
        train_estimate, "memory_of", lambda device: Memory(peak_memory(device) + 400_000_000, 1 << 34)
    )
    listener = Listener()
    learning = {"recover": "distill", "teacher": str(standard)}
    found = train_estimate.estimate(config(few_cells, batch=4000, imgsz=128, **learning), tmp_path, listener)
    assert taught[:3] == [1, 4, 8]  # as many as memory was measured with
    assert len(taught) > 3
    assert (found["fits"], found["measured"]) == (False, False)
    assert 0 <= found["largest_batch"] <= TRAIN_PICTURES
    assert found["auto_batch"] <= 16
    assert "4000" in found["advice"][0]["message"]
    assert found["advice"][0]["hint"]
    assert listener.told == sorted(listener.told)


def test_memory_is_a_line_and_advice_follows_from_the_figures() -> None:
    line = MemoryLine(fixed=1000.0, each=100.0)
    assert (line.bytes_for(7), line.batch_for(1700), line.batch_for(999)) == (1700, 7, 0)
    figures = {"batch": 8, "bytes_needed": 9e9, "bytes_free": 8e9, "fits": False, "largest_batch": 6}
    more = {"disk_needed": 5e9, "disk_free": 1e9, "seconds_total": 90_000.0}
    told = train_estimate.advice({**figures, **more})
    assert [str(item.message).split()[0] for item in told] == ["A", "The", "The"]
    assert "6 at most" in told[0].hint
    assert duration(90_000.0) in told[2].message
    assert (
        train_estimate.advice({**figures, **more, "fits": True, "disk_needed": 0, "seconds_total": 1.0}) == []
    )
    free = host_memory()
    assert 0 < free.free <= free.total


def test_a_batch_left_open_is_the_same_for_both_runs_of_a_pair(
    few_cells: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {DESIGN: 8, "format: 1\nbase: yolov5n\n": 16}
    monkeypatch.setattr(train_batch, "measured", lambda config: {"auto_batch": sizes[config.design_text]})
    open_ones = [TrainConfig(text, str(few_cells), batch=0) for text in sizes]
    settled, batch = train_batch.settled(open_ones)
    assert ([one.batch for one in settled], batch) == ([8, 8], 8)
    assert train_batch.settled(settled) == (settled, None)


def test_a_failing_estimate_says_why(few_cells: Path) -> None:
    with pytest.raises(AppError, match="/nowhere"):
        train_batch.measured(config(Path("/nowhere/data.yaml")))
