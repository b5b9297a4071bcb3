"""What goes wrong during a training ends it with one clear sentence; the last checkpoint is kept, and it resumes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from app.core.runs import RunFolder
from app.engine.train_errors import explain
from tests.engine.tiny_runs import ROOT, new_run

pytestmark = pytest.mark.timeout(600)

ON_A_DISK = (
    "mount -t tmpfs -o size={size}m none {folder} && cp -r {source}/. {folder} && "
    "exec {python} -m {child} {run} {fault}"
)


def injected(run: RunFolder, fault: str) -> dict[str, Any]:
    """Train with a fault, and return what the run said afterwards."""
    command = [sys.executable, "-m", "tests.engine.fault_child", str(run.path), fault]
    return outcome(command)


def outcome(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def on_a_small_disk(run: RunFolder, fault: str, tmp_path: Path) -> dict[str, Any]:
    """Train on a file system of its own, in a name space where this user may mount one."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "none", str(tmp_path)],
            check=False,
            capture_output=True,
        ).returncode
    ):
        pytest.skip("this system lets no ordinary user mount a file system")
    source = tmp_path / "source"
    run.path.parent.rename(source)
    run.path.parent.mkdir()
    script = ON_A_DISK.format(
        size=64,
        folder=run.path.parent,
        source=source,
        python=sys.executable,
        child="tests.engine.fault_child",
        run=run.path,
        fault=fault,
    )
    return outcome(["unshare", "-rm", "sh", "-c", script])


def check(told: dict[str, Any], words: str, hint: str, least: int = 1) -> None:
    assert (told["status"], told["epoch"] >= least) == ("failed", True), told
    assert words in told["reason"]
    assert hint in told["hint"]
    assert told["said"] == f"{told['reason']} {told['hint']}"
    assert "checkpoints/last.ckpt" in told["files"]
    assert not [name for name in told["files"] if name.endswith(".part") or "reserve" in name]
    assert "process.json" not in told["files"]
    # What feeds a queue whose reader was killed ends with the process.
    assert [name for name in told["threads"] if name != "QueueFeederThread"] == ["MainThread"]
    assert not [status for status in told["children"] if status != "zombie"]


def test_a_full_disk(few_cells: Path, tmp_path: Path) -> None:
    run = new_run(tmp_path / "small", "disk", few_cells, epochs=3)
    check(on_a_small_disk(run, "disk", tmp_path), "The disk is full", "Free some space")


def test_a_folder_that_cannot_be_written_any_more(few_cells: Path, tmp_path: Path) -> None:
    run = new_run(tmp_path / "small", "folder", few_cells, epochs=3)
    check(on_a_small_disk(run, "folder", tmp_path), "cannot be written", "Allow writing")


def test_data_that_is_gone(few_cells: Path, tmp_path: Path) -> None:
    shutil.copytree(few_cells.parent, tmp_path / "few")
    run = new_run(
        tmp_path / "work", "data", tmp_path / "few" / "data.yaml", epochs=3, overrides={"cache": False}
    )
    told = injected(run, "data")
    check(told, ".jpg is gone", "is its drive connected?")
    assert str(tmp_path / "few") in told["reason"]


@pytest.mark.parametrize(
    ("fault", "words", "hint", "overrides"),
    [
        ("nan", "diverged", "lr0", {}),
        ("gpu", "The GPU's memory is full", "smaller batch", {}),
        ("memory", "The memory is full", "smaller batch", {}),
        ("loader", "A process that loads pictures has ended", "workers", {"workers": 1}),
    ],
)
def test_a_fault_after_the_first_epoch(
    few_cells: Path, workspace: Path, fault: str, words: str, hint: str, overrides: dict[str, Any]
) -> None:
    run = new_run(workspace, fault, few_cells, epochs=3, overrides=overrides)
    check(injected(run, fault), words, hint)
    kept = torch.load(run.checkpoints / "last.ckpt", weights_only=True)
    assert all(torch.isfinite(value).all() for value in kept["model"].values())
    assert kept["epoch"] == run.state().epoch


def test_a_gpu_that_is_full_at_first_gets_a_smaller_batch(few_cells: Path, workspace: Path) -> None:
    run = new_run(workspace, "gpu", few_cells, epochs=1)
    told = injected(run, "gpu-once")
    assert (told["status"], told["epoch"]) == ("finished", 1)
    words = [event["text"] for event in run.events() if event["event"] == "message"]
    assert any("the batch goes from 4 to 2" in text for text in words)
    assert run.state().batches == 5


def test_after_an_ordinary_end_nothing_is_left(few_cells: Path, workspace: Path) -> None:
    run = new_run(workspace, "whole", few_cells, epochs=2, overrides={"workers": 2})
    told = injected(run, "none")
    assert (told["status"], told["epoch"]) == ("finished", 2)
    assert told["threads"] == ["MainThread"]
    assert told["children"] == []
    here = str(workspace.resolve())
    assert not [name for name in told["open"] if name.startswith((here, str(few_cells.parent), "socket:"))]
    assert not [name for name in told["files"] if name.endswith((".part", "process.json", "control.json"))]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "The GPU's memory"),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "The GPU's memory"),
        (RuntimeError("could not create a primitive"), "The memory is full"),
        (
            FileNotFoundError(
                "Caught FileNotFoundError in DataLoader worker process 0.\nOriginal Traceback\n"
                "FileNotFoundError: Image Not Found /data/a b.jpg"
            ),
            "/data/a b.jpg is gone",
        ),
        (
            OSError(
                "Caught OSError in DataLoader worker process 1.\nOSError: [Errno 28] No space left on device"
            ),
            "disk is full",
        ),
        (RuntimeError("DataLoader worker (pid(s) 7, 8) exited unexpectedly"), "loads pictures has ended"),
        (OSError(5, "Input/output error", "/media/x/a.jpg"), "/media/x/a.jpg is gone"),
    ],
)
def test_what_libraries_say_in_many_words_is_said_in_one_sentence(error: Exception, words: str) -> None:
    told = explain(error)
    assert words in str(told.message)
    assert told.hint
