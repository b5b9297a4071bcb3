"""The Train page under load: ten events a second, and more than nine curves of 10,000 points each.

    sh tools/with_display.sh python -m tests.benchmarks.curves [--seconds 40] [--points 10000]

Three runs of 10,000 epochs are drawn over each other: loss, mAP50, mAP50-95, precision, recall and learning rate of
each. One of them gets ten events a second, one of them an epoch, from a process of its own; beside it as many
processes as there are cores compute at the priority of a training. A bare Qt window in another process is measured at
the same time. The share of a core is the whole window process's, the beating thread included.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from app.core.events import Event, EventLog, encode_event
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig
from tests.benchmarks.window import beside_a_bare_loop, open_studio, wait, wait_until

LIMITS = {"p999": 50.0, "maximum": 150.0, "core": 0.08}
BURN = "import os; os.nice(10)\nwhile True: sum(i * i for i in range(10000))"
RUNS = 3
BATCHES = 9


def epoch_event(epoch: int, points: int, seed: float, t: float) -> Event:
    """Return the event of an epoch; every curve moves."""
    share = epoch / points
    score = min(0.6 * (1 - 1 / (1 + 8 * share)) + 0.01 * ((epoch * 7919) % 13 - 6) / 6 + seed, 0.99)
    losses = {
        name: base / (1 + 4 * share) + seed for name, base in (("box", 2.0), ("cls", 1.5), ("dfl", 1.2))
    }
    return {
        "t": t, "event": "epoch", "epoch": epoch, "train": losses, "val": losses, "precision": score + 0.02,
        "recall": score + 0.01, "map50": score + 0.1, "map50_95": score, "per_class": {}, "lr": 0.01 * (1 - share),
        "seconds": 1.0, "remaining": 1.0, "best_so_far": {"epoch": epoch, "map50_95": score},
    }  # fmt: skip


def batch_event(epoch: int, batch: int, t: float) -> Event:
    """Return the event of a batch."""
    losses = {"box": 1.0 + 0.1 * (batch % 3), "cls": 0.8, "dfl": 0.9}
    return {
        "t": t, "event": "batch", "epoch": epoch, "batch": batch, "losses": losses, "lr": 0.001,
        "images_per_second": 20.0, "memory": 1e9,
    }  # fmt: skip


def make_run(workspace: Path, name: str, points: int, seed: float) -> RunFolder:
    """Write a run of so many epochs."""
    run = Workspace(workspace).new_run(name)
    run.write_config(TrainConfig("format: 1\nbase: yolov5n\n", "/d.yaml", name, min(2 * points, 100_000)))
    started = {
        "t": 0.0, "event": "started", "time": "2025-01-01T00:00:00+00:00", "epochs": 2 * points, "batches": BATCHES,
        "device": "cpu", "parameters": 2_500_000, "role": "standard", "data": "/d.yaml", "imgsz": 320, "flops": 4e9,
    }  # fmt: skip
    events = [started, *(epoch_event(epoch, points, seed, float(epoch)) for epoch in range(1, points + 1))]
    run.events_path.write_bytes(b"".join(encode_event(event) for event in events))
    return run


def feed(path: str, points: int) -> None:
    """Append ten events a second: nine batches, then the epoch."""
    log = EventLog(Path(path))
    due, epoch, batch = time.monotonic(), points + 1, 0
    while True:
        batch += 1
        t = points + (epoch - points) + batch / 10
        last = batch > BATCHES
        log.append(epoch_event(epoch, points, 0.0, t) if last else batch_event(epoch, batch, t))
        if last:
            epoch, batch = epoch + 1, 0
        due += 0.1
        time.sleep(max(0.0, due - time.monotonic()))


def measure(seconds: float, points: int) -> dict[str, Any]:
    """Return delays in milliseconds, the share of a core, and how many events arrived."""
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["DEPTHWISE_STUDIO_CONFIG"] = str(Path(temporary) / "config")
        workspace = Path(temporary) / "workspace"
        workspace.mkdir()
        runs = [make_run(workspace, f"run-{number}", points, number / 100) for number in range(RUNS)]
        feeder = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.curves", "--feed", str(runs[0].events_path), str(points)]
        )
        burners = [
            subprocess.Popen([sys.executable, "-c", BURN], start_new_session=True)
            for _ in range(os.cpu_count() or 1)
        ]
        runs[0].claim(feeder.pid)
        try:
            return _measured(workspace, runs, seconds, points)
        finally:
            for process in (feeder, *burners):
                process.kill()
                process.wait()


def _measured(workspace: Path, runs: list[RunFolder], seconds: float, points: int) -> dict[str, Any]:
    made = open_studio(workspace)
    made.window.show_page("train")
    page: Any = made.window.page("train")
    wait_until(lambda: len(page.table.runs) == RUNS, 30)
    for run in runs:
        page.table.check(run.name)
    page.table.select(runs[0].name)
    wait_until(lambda: all(page.watch.series(run.name).points >= points for run in runs), 120)
    wait(3.0)
    before, process = runs[0].events_path.stat().st_size, psutil.Process()
    used, begun = sum(process.cpu_times()[:2]), time.perf_counter()
    result = beside_a_bare_loop(seconds)
    took = time.perf_counter() - begun
    result["core"] = round((sum(process.cpu_times()[:2]) - used) / took, 4)
    result["bytes"] = runs[0].events_path.stat().st_size - before
    result["points"] = page.watch.series(runs[0].name).points
    result["limits"] = LIMITS
    for shown in made.window.pages:
        shown.confirm_close = lambda: True  # type: ignore[method-assign]
    made.services.workspace.undo_stack.setClean()
    made.window.end()
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--feed", nargs=2)
    options = parser.parse_args()
    if options.feed:
        feed(options.feed[0], int(options.feed[1]))
    else:
        print(json.dumps(measure(options.seconds, options.points), indent=1))
