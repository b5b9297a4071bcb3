"""Killed trainings go on exactly where they were; finished ones are left alone."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.core.runs import RunFolder
from tests.engine.tiny_runs import child, lines

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
