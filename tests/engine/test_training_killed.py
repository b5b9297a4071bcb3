"""Trainings that are killed, five times over, lose nothing: not an event, not a figure, not a weight."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from app.core.runs import RunFolder
from tests.engine.tiny_runs import BATCHES, ROOT, child, lines, new_run

pytestmark = pytest.mark.timeout(600)

ASIDE = ("message", "usage")
VOLATILE = ("t", "seconds", "remaining")


def with_fault(run: RunFolder, fault: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.engine.fault_child", str(run.path), fault, *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=run.path, env=environment, timeout=300, check=False
    )


def killed_at_random(run: RunFolder, dice: random.Random) -> None:
    """Resume a training, and kill it at some moment after it has begun."""
    command = [sys.executable, "-m", "tests.engine.train_child", str(run.path), "resume"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=run.path
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(dice.uniform(0.0, 1.5))
        process.kill()


def assert_clean(run: RunFolder, epochs: int) -> None:
    """The events are one series: every step once, in order, epochs followed by their checkpoints."""
    events = [event for event in run.events() if event["event"] not in ASIDE]
    kinds = [event["event"] for event in events if event["event"] != "batch"]
    assert kinds == ["started", *["epoch", "checkpoint"] * epochs, "finished"]
    steps = [(event["epoch"], event["batch"]) for event in events if event["event"] == "batch"]
    assert steps == sorted(set(steps))
    assert {epoch for epoch, batch in steps if batch == BATCHES} == set(range(1, epochs + 1))
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    assert len(run.metrics_path.read_text().splitlines()) == epochs + 1
    assert not list(run.path.rglob("*.part"))


def figures(run: RunFolder) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in event.items() if name not in VOLATILE}
        for event in run.events()
        if event["event"] == "epoch"
    ]


def test_five_kills_change_nothing(
    finished: tuple[RunFolder, list[dict[str, Any]]], few_cells: Path, workspace: Path
) -> None:
    """The run ends with the very weights and figures of the one that was left alone."""
    import torch

    whole, _ = finished
    run = new_run(workspace, "whole", few_cells, epochs=3)
    assert child(run, "kill", "1", "2").returncode == -signal.SIGKILL  # before any checkpoint
    assert run.state().status == "lost"
    with run.events_path.open("ab") as stream:
        stream.write(b'{"t": 9.9, "event": "ba')
    assert with_fault(run, "kill-before-event", "resume").returncode == -signal.SIGKILL
    assert [event["event"] for event in run.events()][-1] == "epoch"  # the second checkpoint's is missing
    dice = random.Random(time.time_ns())
    for _ in range(2):
        killed_at_random(run, dice)
    in_writing = with_fault(run, "kill-in-checkpoint", "resume")
    assert in_writing.returncode == -signal.SIGKILL
    half = list(run.checkpoints.glob(".last.ckpt.new.*.part"))
    assert len(half) == 1
    assert 1_000_000 < half[0].stat().st_size < (run.checkpoints / "last.ckpt").stat().st_size
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    told = lines(resumed.stdout)
    assert any(event["event"] == "started" and event["resumed_after"] == 2 for event in told)
    assert sum(event["event"] == "epoch" for event in told) == 1  # the running epoch alone is repeated
    assert_clean(run, 3)
    assert figures(run) == figures(whole)
    ours, theirs = (torch.load(r.checkpoints / "last.ckpt", weights_only=True) for r in (run, whole))
    for part in ("model", "ema"):
        for name, value in theirs[part].items():
            assert torch.equal(ours[part][name], value), name


def test_a_changed_byte_in_the_newest_checkpoint_is_noticed(
    finished: tuple[RunFolder, list[dict[str, Any]]],
) -> None:
    import shutil
    import tempfile

    from app.engine.run_checkpoint import find_checkpoint

    whole, _ = finished
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder) / "checkpoints"
        shutil.copytree(whole.checkpoints, here)
        newest = bytearray((here / "last.ckpt").read_bytes())
        newest[len(newest) // 2] ^= 1  # in the middle of a tensor: torch reads it without a word
        (here / "last.ckpt").write_bytes(newest)
        checkpoint, damaged = find_checkpoint(here)
        assert checkpoint is not None
        assert (checkpoint.epoch, [path.name for path in damaged]) == (2, ["last.ckpt"])


def test_resuming_with_more_epochs_another_batch_and_what_a_gpu_left(
    finished: tuple[RunFolder, list[dict[str, Any]]], workspace: Path
) -> None:
    """A finished run goes on; its checkpoint looks as if it came from another device."""
    import shutil

    import torch

    whole, _ = finished
    run = RunFolder(workspace / "runs" / "whole")
    shutil.copytree(whole.path, run.path)
    for path in run.checkpoints.iterdir():
        data = torch.load(path, weights_only=True)
        data["random_states"]["cuda"] = [torch.get_rng_state()] * 2
        data["scaler"] = {
            "scale": 65536.0,
            "growth_factor": 2.0,
            "backoff_factor": 0.5,
            "growth_interval": 2000,
        }
        data["scaler"]["_growth_tracker"] = 7
        data["asked"]["device"] = "0"
        torch.save(data, path)
    command = [sys.executable, str(ROOT / "main.py"), "train", "--resume", "--name", "whole", "--epochs", "4"]
    command += ["--batch", "5", "--workspace", str(workspace), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    told = [event["text"] for event in run.events() if event["event"] == "message"]
    for words in (
        "Epochs: 3 before, 4 now.",
        "Pictures per step: 4 before, 5 now.",
        "Device: 0 before, cpu now.",
    ):
        assert words in told
    state = run.state()
    assert (state.status, state.epoch, state.epochs, state.batches) == ("finished", 4, 4, 2)
    assert figures(run)[:3] == figures(whole)
    checkpoint = torch.load(run.checkpoints / "last.ckpt", weights_only=True)
    before = torch.load(whole.checkpoints / "last.ckpt", weights_only=True)
    assert checkpoint["settings"] == before["settings"]
    decays = [
        [group["weight_decay"] for group in c["optimizer"]["param_groups"]] for c in (before, checkpoint)
    ]
    assert max(decays[1]) > 0
    assert checkpoint["batch"] == 5
    again = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (again.returncode, again.stdout) == (0, "")
