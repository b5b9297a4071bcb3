"""Runs as a training would have left them, and what the Train page must draw of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from app.core.events import encode_event
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig
from app.ui.pages.train import TrainPage

DESIGNS = {
    "standard": "format: 1\nbase: yolov5n\n",
    "lightweight": "format: 1\nbase: yolov5n\nswaps:\n  model.3: separable\n",
}
EPOCHS, BATCHES = 6, 3


def events_of(
    epochs: int,
    final: dict[str, Any] | None = None,
    seed: float = 0.0,
    role: str = "standard",
    data: str = "/d.yaml",
) -> list[dict[str, Any]]:
    """Return the events of a run, all values different."""
    events: list[dict[str, Any]] = [
        {"t": 0.1, "event": "message", "level": "info", "text": "Reading the pictures."},
        {
            "t": 1.0,
            "event": "started",
            "time": "2025-05-06T07:08:09+00:00",
            "epochs": EPOCHS,
            "batches": BATCHES,
            "device": "cpu",
            "parameters": 2_500_000,
            "role": role,
            "data": data,
            "imgsz": 64,
            "flops": 4.1e9,
        },
    ]
    t = 1.0
    for epoch in range(1, epochs + 1):
        for batch in range(1, BATCHES + 1):
            t += 1.0
            losses = {"box": 5.0 / epoch, "cls": 4.0 / epoch, "dfl": 3.0 / epoch + batch}
            events.append(
                {"t": t, "event": "batch", "epoch": epoch, "batch": batch, "losses": losses, "lr": 0.01 / epoch,
                 "images_per_second": 20.0, "memory": 1e9}
            )  # fmt: skip
        score = epoch / 10 + seed
        events.append(
            {"t": t, "event": "epoch", "epoch": epoch, "train": {"box": 5 / epoch, "cls": 4 / epoch, "dfl": 3 / epoch},
             "val": {"box": 5.5 / epoch, "cls": 4.5 / epoch, "dfl": None if epoch == 2 else 3.5 / epoch},
             "precision": score + 0.01, "recall": score + 0.02, "map50": score + 0.03, "map50_95": score,
             "per_class": {"RBC": {"ap50": score, "ap50_95": None}}, "lr": 0.01 / epoch, "seconds": 3.0,
             "remaining": 3.0 * (EPOCHS - epoch), "best_so_far": {"epoch": epoch, "map50_95": score}}
        )  # fmt: skip
    if final is not None:
        events.append({"t": t, **final})
    return events


def make_run(
    workspace: Path, name: str, events: list[dict[str, Any]], role: str = "standard", **changes: Any
) -> RunFolder:
    """Write a run folder as a training would."""
    run = Workspace(workspace).new_run(name)
    values = {"epochs": EPOCHS, "imgsz": 64, "role": role, **changes}
    run.write_config(TrainConfig(DESIGNS[role], "/data/data.yaml", name=run.name, **values))
    if events:
        run.events_path.write_bytes(b"".join(encode_event(event) for event in events))
    if any(event["event"] == "epoch" for event in events):
        run.best.parent.mkdir()
        run.best.write_bytes(b"weights")
    return run


FINISHED = {
    "event": "finished",
    "epoch": EPOCHS,
    "epochs": EPOCHS,
    "best": {"epoch": EPOCHS, "map50_95": 0.6},
}


def drawn(page: TrainPage, qtbot: QtBot) -> None:
    """Wait until every plot has drawn what there is."""
    qtbot.waitUntil(lambda: not any(page.plots.tick() for _ in range(6)), timeout=10_000)


def expected(run: RunFolder, value: Callable[[dict[str, Any]], Any]) -> tuple[list[float], list[float]]:
    """Return what a curve must show, from the run's events alone."""
    epochs = [event for event in run.events() if event["event"] == "epoch"]
    numbers = (value(event) for event in epochs)
    return [float(event["epoch"]) for event in epochs], [math.nan if n is None else float(n) for n in numbers]


def same(one: tuple[list[float], list[float]], other: tuple[list[float], list[float]]) -> bool:
    """Compare curves; a gap equals a gap."""
    close = all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one[1], other[1], strict=True))
    return one[0] == other[0] and close


def assert_curves(page: TrainPage, run: RunFolder) -> None:
    """Check every curve of a run against its events."""

    def total(losses: dict[str, Any]) -> float | None:
        values = [losses[name] for name in ("box", "cls", "dfl")]
        return None if None in values else sum(values)

    plots, name = page.plots, run.name
    for plot, key, value in (
        (plots.loss, "train/total", lambda e: total(e["train"])),
        (plots.loss, "val/total", lambda e: total(e["val"])),
        (plots.map50, "map50", lambda e: e["map50"]),
        (plots.map50_95, "map50_95", lambda e: e["map50_95"]),
        (plots.precision_recall, "precision", lambda e: e["precision"]),
        (plots.precision_recall, "recall", lambda e: e["recall"]),
        (plots.lr, "lr", lambda e: e["lr"]),
    ):
        assert same(plot.curve(f"{name}/{key}"), expected(run, value)), key
