"""Which runtime and precision is the fastest here among those that keep the accuracy: measured once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from app.core.arbiter import measuring
from app.core.errors import AppError
from app.core.files import write_text
from app.core.folders import resources
from app.core.runtime_table import (
    Choice,
    Measured,
    has_onnxruntime,
    has_openvino,
    machine,
    measured,
    resolve,
    table_file,
    version,
)
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import model_cache
from app.engine.preprocess import Image

BUDGET_S = 8.0
"""Time that the measuring itself may take, loading apart."""

_OVERLAP = 0.75
_WATCH_S = 1.0
_BUSY_PERCENT = 35.0


def sample_detectors() -> tuple[Path, ...]:
    """Return the checkpoints of the built-in sample that exist."""
    folder = resources() / "sample"
    return tuple(path for name in ("standard", "lightweight") if (path := folder / f"{name}.pt").is_file())


def measure(
    weights: Sequence[Path],
    pictures: Sequence[Image],
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
) -> list[Measured]:
    """Measure every runtime that works here, interleaved, and keep the table.

    Args:
        weights: Checkpoints to run; their times are added.
        pictures: What float32 and the other precisions must agree on; the first is the one timed.
        progress: Told how far it is.

    Raises:
        AppError: There is nothing to measure with.
    """
    if not weights or not pictures:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There are no detectors to measure with."),
            QT_TRANSLATE_NOOP("core", "Choose two checkpoints."),
        )
    runners: list[_Runner] = []
    choices = candidates()
    for index, choice in enumerate(choices):
        progress(0.7 * index / len(choices), f"{choice.runtime} {choice.device} {choice.precision}")
        runners.append(_Runner(choice, weights, pictures))
    progress(0.7, "timing")
    _time(runners)
    reference = runners[0].boxes
    rows = [Measured(r.choice, r.milliseconds, _agreement(reference, r.boxes)) for r in runners]
    rows.sort(key=lambda row: row.milliseconds)
    table = {"machine": machine(), "rows": [asdict(row) for row in rows]}
    write_text(table_file(), json.dumps(table, indent=1) + "\n")
    return rows


def candidates() -> list[Choice]:
    """Return what can be tried here; float32 on the CPU comes first, as the reference."""
    import torch

    found = _openvino_candidates() if has_openvino() else []
    if has_onnxruntime():
        found.append(Choice("onnxruntime", "cpu", "f32"))
    found.append(Choice("torch", "cpu", "f32"))
    if torch.cuda.is_available():
        found += [Choice("torch", "cuda", p) for p in ("f32", "f16")]
    if torch.backends.mps.is_available():
        found.append(Choice("torch", "mps", "f32"))
    return found


def _openvino_candidates() -> list[Choice]:
    from app.engine.openvino_model import openvino
    from app.engine.runtimes import OpenVinoRuntime

    precisions = OpenVinoRuntime.precisions(openvino().Core(), "CPU")
    return [Choice("openvino", "cpu", p) for p in sorted(precisions, key=lambda p: p != "f32")]


class _Runner:
    """The detectors of one choice, with what they found and how long they take."""

    def __init__(self, choice: Choice, weights: Sequence[Path], pictures: Sequence[Image]) -> None:
        from app.engine.detector import Detector

        self.choice = choice
        self.times: list[float] = []
        self._detectors = [
            Detector.load(path, choice.runtime, choice.precision, choice.device) for path in weights
        ]
        self.boxes = [detector.detect(picture) for detector in self._detectors for picture in pictures]
        self._batches = [detector.preprocess(pictures[0]).batch for detector in self._detectors]

    def run(self) -> None:
        """Time one picture through every detector."""
        pairs = zip(self._detectors, self._batches, strict=True)
        self.times.append(sum(detector.infer(batch)[1] for detector, batch in pairs))

    @property
    def milliseconds(self) -> float:
        """The median."""
        return float(np.median(self.times))


def _time(runners: Sequence[_Runner]) -> None:
    end = time.monotonic() + BUDGET_S
    rounds = 0
    while rounds < 5 or (rounds < 40 and time.monotonic() < end):
        for runner in runners if rounds % 2 else reversed(runners):
            runner.run()
        rounds += 1


def _agreement(reference: Sequence[Any], other: Sequence[Any]) -> float:
    from app.engine.matching import match

    found = total = 0
    for a, b in zip(reference, other, strict=True):
        found += 2 * len(match(a, b, threshold=_OVERLAP).agree)
        total += len(a) + len(b)
    return found / total if total else 0.0


def run(_request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Measure with the sample's detectors and clip: the engine job "runtimes".

    The detectors stay converted, so that the first comparison starts at once. On a busy machine nothing is
    measured: the figures would not be kept.
    """
    known, weights = measured(), sample_detectors()
    if known or not weights:
        return _told(known)
    for index, path in enumerate(weights if has_openvino() else ()):
        channel.progress(0.1 * index, QT_TRANSLATE_NOOP("core", "Converting the sample's detectors"))
        model_cache.converted(path)
    with measuring(patience_s=0) as turn:
        if turn.disturbance() or busy():
            return {**_told([]), "busy": True}
        rows = measure(weights, _sample_pictures(), channel.progress)
        disturbed = turn.disturbance() is not None
    if disturbed or busy():
        table_file().unlink(missing_ok=True)
        return {**_told([]), "busy": True}
    return _told(rows)


def busy() -> bool:
    """Return whether other programs need the processor right now."""
    import psutil

    return float(psutil.cpu_percent(interval=_WATCH_S)) > _BUSY_PERCENT


def _sample_pictures() -> list[Image]:
    from app.engine.sources import open_source

    source = open_source("sample")
    try:
        frames = [frame.image for _ in range(40) if (frame := source.read()) is not None]
    finally:
        source.close()
    return frames[::5]


def _told(rows: Sequence[Measured]) -> dict[str, Any]:
    return {"rows": [asdict(row) for row in rows], "choice": asdict(resolve())}


__all__ = [
    "Choice",
    "Measured",
    "has_onnxruntime",
    "has_openvino",
    "machine",
    "measured",
    "resolve",
    "table_file",
    "version",
]
