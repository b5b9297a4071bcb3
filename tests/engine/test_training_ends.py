"""How trainings end: asked to, terminated, or failed with a reason and a remedy."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import AppError
from app.engine.train_errors import explain
from tests.engine.tiny_runs import BATCH, ROOT, child, lines, new_run, until

pytestmark = pytest.mark.timeout(600)


def test_stopping_after_the_epoch_and_then_going_on(few_cells: Path, workspace: Path) -> None:
    run = new_run(workspace, "polite", few_cells, epochs=2)
    result = child(run, "stop_after_epoch", "1", "1")
    assert result.returncode == 0, result.stderr[-3000:]
    last = lines(result.stdout)[-1]
    assert (last["event"], last["by"], last["epoch"]) == ("stopped", "stop_after_epoch", 1)
    assert run.state().status == "stopped"
    assert run.last.is_file()
    resumed = child(run, "resume")
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    kinds = [event["event"] for event in run.events() if event["event"] not in ("message", "usage", "batch")]
    assert kinds == ["started", *["epoch", "checkpoint"] * 2, "finished"]


def test_stopping_now_keeps_the_last_checkpoint(few_cells: Path, workspace: Path) -> None:
    run = new_run(workspace, "hasty", few_cells, epochs=3)
    result = child(run, "stop_now", "2", "1")
    assert result.returncode == 0, result.stderr[-3000:]
    events = lines(result.stdout)
    assert (events[-1]["event"], events[-1]["by"], events[-1]["epoch"]) == ("stopped", "stop_now", 1)
    assert max((e["epoch"], e["batch"]) for e in events if e["event"] == "batch")[0] == 2
    assert events[-2]["event"] == "batch"
    assert (run.checkpoints / "last.ckpt").is_file()


def test_the_window_s_training_stops_by_the_run_folder(few_cells: Path, workspace: Path) -> None:
    """The engine's job: stdin closed and stdout nowhere, as when the window is gone."""
    run = new_run(workspace, "apart", few_cells, epochs=500)
    environment = {**os.environ, "DEPTHWISE_STUDIO_NICE": "0"}
    with run.log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), "--engine", "train"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=workspace,
            env=environment,
            start_new_session=True,
        )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"run": str(run.path)}).encode() + b"\n")
    process.stdin.close()
    try:
        until(lambda: run.state().epoch >= 1, 120)
        assert run.state().status == "running"
        assert run.state().pid == process.pid
        run.request("stop_now")
        assert process.wait(60) == 0
        assert run.state().status == "stopped"
        assert run.requested() is None
        assert b"Epoch" in run.log_path.read_bytes()
    finally:
        process.kill()
        process.wait()


def test_a_terminated_training_says_that_it_stopped(few_cells: Path, workspace: Path) -> None:
    run = new_run(workspace, "terminated", few_cells, epochs=500)
    with subprocess.Popen(
        [sys.executable, str(ROOT / "main.py"), "--engine", "train"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "DEPTHWISE_STUDIO_NICE": "0"},
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"run": str(run.path)}).encode() + b"\n")
        process.stdin.close()
        until(lambda: run.state().epoch >= 1, 120)
        process.terminate()
        process.wait(60)
    assert run.state().status == "stopped"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data": "/nowhere/data.yaml"}, "/nowhere"),
        ({"weights": "/nowhere/w.pt"}, "no weights"),
        ({"device": "7"}, "GPU 7"),
        ({"device": "toaster"}, "toaster"),
        ({"design_text": "format: 1\nbase: yolov5n\nclasses: 7\n"}, "7 classes"),
        ({"design_text": "format: 1\nbase: yolov5n\nswaps:\n  model.99: separable\n"}, "model.99"),
    ],
)
def test_what_cannot_be_trained_fails_with_a_reason(
    few_cells: Path, workspace: Path, changes: dict[str, Any], words: str
) -> None:
    from app.engine.training import run as train

    folder = new_run(workspace, "bad", Path(changes.pop("data", few_cells)), **changes)
    with pytest.raises(AppError) as caught:
        train(folder.config(), folder)
    assert words in caught.value.message
    state = folder.state()
    assert (state.status, state.reason, state.hint) == ("failed", caught.value.message, caught.value.hint)
    assert state.hint
    assert folder.process() is None


def test_a_loss_that_is_no_number_ends_the_training_with_a_word(few_cells: Path, workspace: Path) -> None:
    wild = {"optimizer": "SGD", "lr0": 1.0, "warmup_epochs": 0.0, "nbs": BATCH, "box": 1e38}
    run = new_run(workspace, "wild", few_cells, epochs=30, overrides=wild)
    result = child(run)
    assert result.returncode == 1
    last = list(run.events())[-1]
    assert last["event"] == "failed"
    assert "diverged" in last["reason"]
    assert "lr0" in last["hint"]
    for line in run.events_path.read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(name))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/last.ckpt"), "disk is full (/x/last.ckpt)"),
        (OSError(errno.EROFS, "Read-only file system", "/x"), "cannot be written"),
        (ValueError("a\nb"), "ValueError: a"),
        (AppError("Mine.", "Hint."), "Mine."),
    ],
)
def test_every_failure_is_one_sentence_with_a_hint(error: Exception, words: str) -> None:
    told = explain(error)
    assert words in told.message
    assert told.hint
    assert "\n" not in told.message


def test_a_relative_workspace_holds_all_that_a_training_writes(few_cells: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    command = [sys.executable, str(ROOT / "main.py"), "train", "yolov5n", "--data", str(few_cells)]
    command += ["--epochs", "1", "--imgsz", "64", "--batch", "4", "--device", "cpu"]
    done = subprocess.run(
        [*command, "--name", "near", "--workspace", "mine", "--json"],
        cwd=home, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert [path.name for path in home.iterdir()] == ["mine"]
    run = home / "mine" / "runs" / "near"
    assert json.loads(done.stdout.splitlines()[-1])["event"] == "finished"
    assert (run / "weights" / "best.pt").is_file()
    assert (run / "args.yaml").is_file()
    assert not (ROOT / "runs").exists()
