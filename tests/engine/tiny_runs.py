"""Real trainings of a few pictures, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig

ROOT = Path(__file__).resolve().parents[2]
DESIGN = """format: 1
base: yolov5n
swaps:
  model.3: separable
  model.4.m.*.cv2: {block: separable, rank: 2}
  model.24.cv3.*.0: separable
"""
TRAIN_PICTURES, VAL_PICTURES, BATCH = 10, 4, 4
BATCHES = 3


def child(run: RunFolder, *arguments: str, wait: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DEPTHWISE_STUDIO_NICE": "0"}
    command = [sys.executable, "-m", "tests.engine.train_child", str(run.path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=run.path, env=environment, timeout=500)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def new_run(workspace: Path, name: str, data: Path, **changes: Any) -> RunFolder:
    run = Workspace(workspace).new_run(name)
    given = {"epochs": 2, "imgsz": 64, "batch": BATCH, "device": "cpu", **changes}
    run.write_config(
        TrainConfig(
            changes.pop("design_text", DESIGN),
            str(data),
            name=run.name,
            **{key: value for key, value in given.items() if key != "design_text"},
        )
    )
    return run


def until(condition: Any, seconds: float) -> None:
    """Wait for a condition, looking four times a second."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.25)
