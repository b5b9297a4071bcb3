"""A run's events as TensorBoard's event files, written by the optional package tensorboardX."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.events import Event
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP

_METRICS = ("precision", "recall", "map50", "map50_95", "lr")


def write_event_files(run: RunFolder, folder: Path) -> int:
    """Write losses by batch and epoch, metrics, learning rate and average precision by class.

    Args:
        run: Whose events.
        folder: Where to; what is there stays.

    Returns:
        How many values were written.

    Raises:
        AppError: tensorboardX is not installed, or the folder cannot be written.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core", "TensorBoard's files need a package that is not installed: tensorboardX."
            ),
            QT_TRANSLATE_NOOP("core", "Install it: pip install tensorboardX."),
        ) from None
    started = _start(run)
    count = 0
    try:
        with SummaryWriter(str(folder)) as writer:
            for name, value, step, seconds in scalars(run):
                writer.add_scalar(name, value, step, walltime=started + seconds)
                count += 1
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written: {reason}."),
            QT_TRANSLATE_NOOP("core", "Choose another folder."),
            path=folder,
            reason=error.strerror or error,
        ) from error
    return count


def scalars(run: RunFolder) -> Iterator[tuple[str, float, int, float]]:
    """Yield (name, value, step, seconds since the start) of everything that a run measured.

    Steps of "batch/…" count batches, those of everything else epochs.
    """
    batches = 0
    for event in run.events():
        seconds = _finite(event.get("t")) or 0.0
        if event["event"] == "started":
            batches = int(_finite(event.get("batches")) or 0)
        for name, value, step in _values(event, batches):
            if value is not None and step is not None:
                yield name, value, int(step), seconds


def _values(event: Event, batches: int) -> Iterator[tuple[str, float | None, float | None]]:
    epoch = _finite(event.get("epoch"))
    if event["event"] == "batch" and epoch is not None and batches:
        step = (epoch - 1) * batches + (_finite(event.get("batch")) or 0)
        for name, value in _pairs(event.get("losses")):
            yield f"batch/{name}", _finite(value), step
    if event["event"] != "epoch":
        return
    for name in _METRICS:
        yield f"metrics/{name}", _finite(event.get(name)), epoch
    for split in ("train", "val"):
        for name, value in _pairs(event.get(split)):
            yield f"{split}/{name}", _finite(value), epoch
    for name, row in _pairs(event.get("per_class")):
        for key, value in _pairs(row):
            yield f"{key}/{name}", _finite(value), epoch


def _pairs(data: Any) -> list[tuple[str, Any]]:
    return [(str(key), value) for key, value in data.items()] if isinstance(data, dict) else []


def _finite(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None


def _start(run: RunFolder) -> float:
    return run.state().started or run.created()
