"""Killed trainings go on exactly where they were; finished ones are left alone."""

from __future__ import annotations

import hashlib
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from app.core.runs import RunFolder
from tests.engine.tiny_runs import child, lines, new_run

pytestmark = pytest.mark.timeout(600)


def test_a_killed_training_goes_on_exactly_where_it_was(
    finished: tuple[RunFolder, list[dict[str, Any]]], few_cells: Path, workspace: Path
) -> None:
    """The resumed run ends with the very weights and figures of the one that was left alone."""
    import torch

    whole, _ = finished
    run = new_run(workspace, "whole", few_cells, epochs=3)
    killed = child(run, "kill", "2", "2")
    assert killed.returncode == -signal.SIGKILL
    assert run.state().status == "lost"
    with run.events_path.open("ab") as stream:
        stream.write(b'{"t": 9.9, "event": "ba')
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert lines(resumed.stdout)[0]["text"] == "Resumed after epoch 1."
    assert any(event["event"] == "started" and event["resumed_after"] == 1 for event in lines(resumed.stdout))
    events = [event for event in run.events() if event["event"] != "message"]
    kinds = [event["event"] for event in events if event["event"] != "batch"]
    assert kinds == ["started", *["epoch", "checkpoint"] * 3, "finished"]
    steps = [(event["epoch"], event["batch"]) for event in events if event["event"] == "batch"]
    assert steps == sorted(set(steps))
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    volatile = {"t", "seconds", "remaining"}
    mine = [{k: v for k, v in e.items() if k not in volatile} for e in run.events() if e["event"] == "epoch"]
    other = [
        {k: v for k, v in e.items() if k not in volatile} for e in whole.events() if e["event"] == "epoch"
    ]
    assert mine == other
    ours = torch.load(run.checkpoints / "last.ckpt", weights_only=True)
    theirs = torch.load(whole.checkpoints / "last.ckpt", weights_only=True)
    for part in ("model", "ema"):
        for name, value in theirs[part].items():
            assert torch.equal(ours[part][name], value), name
    assert len(run.metrics_path.read_text().splitlines()) == 4


def test_resuming_a_finished_run_writes_nothing(finished: tuple[RunFolder, list[dict[str, Any]]]) -> None:
    run, _ = finished

    def fingerprint() -> dict[str, tuple[str, int]]:
        files = (path for path in sorted(run.path.rglob("*")) if path.is_file())
        return {
            str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            for path in files
        }

    before = fingerprint()
    result = child(run, "resume")
    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    assert fingerprint() == before


def test_killed_before_its_first_checkpoint_it_starts_again(few_cells: Path, workspace: Path) -> None:
    run = new_run(workspace, "early", few_cells, epochs=1)
    assert child(run, "kill", "1", "1").returncode == -signal.SIGKILL
    assert not list(run.checkpoints.glob("*.ckpt"))
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    kinds = [event["event"] for event in run.events() if event["event"] not in ("message", "batch")]
    assert kinds == ["started", "epoch", "checkpoint", "finished"]


def test_a_broken_checkpoint_falls_back_to_the_one_before(
    finished: tuple[RunFolder, list[dict[str, Any]]], workspace: Path
) -> None:
    whole, _ = finished
    run = RunFolder(workspace / "runs" / "whole")
    shutil.copytree(whole.path, run.path)
    newest = run.checkpoints / "last.ckpt"
    newest.write_bytes(newest.read_bytes()[:1000])
    text = run.events_path.read_text().splitlines(keepends=True)
    run.events_path.write_text("".join(text[:-1]))
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert lines(resumed.stdout)[0]["text"] == "Resumed after epoch 2."
    assert [event["epoch"] for event in run.events() if event["event"] == "epoch"] == [1, 2, 3]
    for path in run.checkpoints.iterdir():
        path.write_bytes(b"rubbish")
    run.events_path.write_text("".join(text[:-1]))
    refused = child(run, "resume")
    assert refused.returncode == 1
    assert "cannot be read" in refused.stderr


def test_a_run_is_never_overwritten(finished: tuple[RunFolder, list[dict[str, Any]]]) -> None:
    run, _ = finished
    before = run.events_path.read_bytes()
    result = child(run)
    assert result.returncode == 1
    assert "exists" in result.stderr
    assert run.events_path.read_bytes() == before
