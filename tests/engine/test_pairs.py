"""A fair pair sees the same pictures in the same order, whatever recovers its accuracy, and whatever interrupts it."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from app.core.design import Design
from app.core.pairs import fair_pair, total_epochs
from app.core.runs import RunFolder, Workspace
from app.engine.checkpoint import save_checkpoint
from app.engine.models import build_model
from tests.engine.tiny_runs import DESIGN, ROOT, child, lines, new_run

pytestmark = pytest.mark.timeout(600)


def epochs_of(run: RunFolder) -> list[dict[str, Any]]:
    return [event for event in run.events() if event["event"] == "epoch"]


def detector(path: Path, bias: float) -> Path:
    """Write a standard model of three classes that gives every place a score."""
    torch.manual_seed(0)
    model: Any = build_model(Design.stock("yolov5n", 3))
    with torch.no_grad():
        for level in model.model[-1].cv3:
            level[-1].bias.fill_(bias)
    save_checkpoint(model, path, train_args={"imgsz": 64})
    return path


def test_a_pair_sees_the_same_pictures_in_the_same_order(
    few_cells: Path, workspace: Path, tmp_path: Path
) -> None:
    """The lightweight one learns from the standard one, spares its filters, and is killed in its second epoch."""
    weights, teacher = (detector(tmp_path / name, bias) for name, bias in (("a.pt", -6.0), ("b.pt", -1.0)))
    run = new_run(workspace, "light", few_cells)
    options = "plain,distill,spare"
    config = replace(run.config(), weights=str(weights), teacher=str(teacher), recover=options)
    standard, light = fair_pair(config, ("standard", "light"))
    other = new_run(workspace, "standard", few_cells)
    other.write_config(standard)
    run.write_config(light)

    done = child(other)
    assert done.returncode == 0, done.stderr[-3000:]
    assert child(run, "kill", "2", "2").returncode == -signal.SIGKILL
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]

    seen = [event["order"] for event in epochs_of(run)]
    assert seen == [event["order"] for event in epochs_of(other)]
    assert len(set(seen)) == 2  # another order in each epoch
    said = next(event for event in lines(resumed.stdout) if event["event"] == "started")
    assert said["recovery"] == ["plain", "distill", "spare"]
    assert said["teacher"] == str(teacher)
    for event in epochs_of(run):
        assert event["train"]["dis"] > 0
        assert set(event["val"]) == {"box", "cls", "dfl"}
        assert event["lr"] <= 0.0002
    saved = torch.load(run.checkpoints / "last.ckpt", weights_only=True)["optimizer"]["param_groups"]
    assert [group["weight_decay"] for group in saved if group["param_group"] == "spared"] == [0.0]
    told = next(event for event in other.events() if event["event"] == "started")
    assert (told["recovery"], told["teacher"]) == (["plain"], None)
    assert told["settings"] == said["settings"]
    assert "dis" not in epochs_of(other)[0]["train"]


def test_one_call_trains_the_standard_model_then_the_pair_in_stages(few_cells: Path, tmp_path: Path) -> None:
    """The command line: a standard training first, then both from its end, the lightweight one in two stages."""
    design = tmp_path / "light.yaml"
    design.write_text(DESIGN)
    command = [
        sys.executable, str(ROOT / "main.py"), "train", str(design), "--data", str(few_cells), "--epochs", "2",
        "--first", "1", "--pair", "--recover", "plain,staged", "--imgsz", "64", "--batch", "4", "--device", "cpu",
        "--workspace", str(tmp_path), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    runs = {run.name: run.config() for run in Workspace(tmp_path).list_runs()}
    base, first = (
        str(tmp_path / "runs" / f"light-{name}" / "weights" / "best.pt")
        for name in ("base", "lightweight-stage1")
    )
    assert {name: (config.role, config.epochs, config.weights) for name, config in runs.items()} == {
        "light-base": ("standard", 1, None),
        "light-standard": ("standard", 2, base),
        "light-lightweight-stage1": ("lightweight", 1, base),
        "light-lightweight": ("lightweight", 1, first),
    }
    assert runs["light-standard"].partner == "light-lightweight"
    assert total_epochs(runs["light-standard"]) == total_epochs(runs["light-lightweight"]) == 3
    transfer = Workspace(tmp_path).run("light-lightweight").transfer()
    assert transfer is not None
    kinds = {row["path"]: row["how"] for row in transfer["modules"]}
    assert kinds["model.3"] == "refitted"  # made in the second stage
