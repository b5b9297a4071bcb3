"""Killed trainings go on exactly where they were; finished ones are left alone."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ultralytics.cfg import get_cfg

from app.core.design import Design
from app.core.errors import AppError
from app.core.runs import RunFolder
from app.engine import training
from app.engine.distillation import distil
from app.engine.models import build_model
from app.engine.trainer_state import follow_epochs
from app.engine.training import LOCK
from tests.core.test_locks import CHILD
from tests.engine.tiny_runs import ROOT, child, lines

pytestmark = pytest.mark.timeout(600)


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
    told = [event["text"] for event in lines(resumed.stdout)[:2]]
    assert told[0] == "Resumed after epoch 2."
    assert "last.ckpt is damaged" in told[1]
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


def test_a_run_that_another_process_goes_on_with_is_left_alone(
    finished: tuple[RunFolder, list[dict[str, Any]]], workspace: Path
) -> None:
    """The other one was quicker by a moment: its process is not noted yet, the lock is held."""
    run = RunFolder(workspace / "runs" / "whole")
    shutil.copytree(finished[0].path, run.path)
    text = run.events_path.read_text().splitlines(keepends=True)
    run.events_path.write_text("".join(text[:-1]))
    other = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(run.path / LOCK), "0"], cwd=ROOT, stdin=-1, stdout=-1
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(AppError, match=f"trained by process {other.pid}"):
            training.run(run.config(), run, resume=True)
    finally:
        other.communicate(timeout=10)
    assert run.events_path.read_text() == "".join(text[:-1])
    assert not (run.path / LOCK).exists()


@pytest.mark.parametrize("taught", [False, True])
def test_the_two_heads_weigh_as_they_did(taught: bool) -> None:
    """v10 and 26 learn with two heads, whose weights shift from epoch to epoch: also in an epoch after a break."""
    model: Any = build_model(Design.stock("yolo26n", 3))
    model.args = get_cfg(overrides={"epochs": 10})
    whole = model.init_criterion()
    for _ in range(4):
        whole.update()
    if taught:
        distil(model, build_model(Design.stock("yolo26n", 3)), 0.5)
    follow_epochs(model, 4)
    loss = model.criterion.stock if taught else model.criterion
    assert (loss.updates, loss.o2m, loss.o2o) == (whole.updates, whole.o2m, whole.o2o)
    assert loss.o2m != model.init_criterion().o2m
    model.criterion.update()
    whole.update()
    assert loss.o2m == whole.o2m
