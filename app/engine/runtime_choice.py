"""Which runtime and precision is the fastest here among those that keep the accuracy: measured once."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from app.core.arbiter import measuring
from app.core.errors import AppError
from app.core.files import write_text
from app.core.folders import cache_folder, resources
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import model_cache
from app.engine.preprocess import Image
from app.engine.runtimes import INT8, default_threads

BUDGET_S = 8.0
"""Time that the measuring itself may take, loading apart."""

AGREEMENT = 0.97
"""Share of the boxes of float32 that a precision must find again to count as keeping the accuracy."""

_OVERLAP = 0.75
_WATCH_S = 1.0
_BUSY_PERCENT = 35.0
_PACKAGES = ("openvino", "onnx", "onnxruntime", "torch", "ultralytics")


@dataclass(frozen=True)
class Choice:
    """A runtime on a device in a precision."""

    runtime: str
    device: str
    precision: str


@dataclass(frozen=True)
class Measured:
    """What a choice took per picture, all detectors together, and how well it keeps the boxes."""

    choice: Choice
    milliseconds: float
    agreement: float

    @property
    def keeps_accuracy(self) -> bool:
        """Whether it finds what float32 finds."""
        return self.agreement >= AGREEMENT


def resolve(runtime: str = "auto", precision: str = "auto", device: str = "auto") -> Choice:
    """Return what "auto" stands for: the fastest measured here that fits; until then OpenVINO, or torch without it."""
    table = measured()
    fitting = [
        row
        for row in table
        if _fits(row.choice, runtime, precision, device) and (row.keeps_accuracy or precision != "auto")
    ]
    if fitting:
        return min(fitting, key=lambda row: row.milliseconds).choice
    if runtime == "auto" and precision == INT8:
        runtime = "openvino"
    if runtime == "auto":
        runtime = "torch" if device.startswith(("cuda", "mps")) or not has_openvino() else "openvino"
    return Choice(runtime, "cpu" if device == "auto" else device, "f32" if precision == "auto" else precision)


def _fits(choice: Choice, runtime: str, precision: str, device: str) -> bool:
    asked = {"runtime": runtime, "precision": precision, "device": device}
    return all(value in ("auto", getattr(choice, name)) for name, value in asked.items())


def table_file() -> Path:
    """Return the file that keeps the measured table."""
    return cache_folder() / "runtimes.json"


def measured() -> list[Measured]:
    """Return the table measured on this machine with these versions, or an empty one."""
    try:
        data = json.loads(table_file().read_text(encoding="utf-8"))
        if data["machine"] != machine():
            return []
        return [
            Measured(Choice(**row["choice"]), float(row["milliseconds"]), float(row["agreement"]))
            for row in data["rows"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


@functools.cache
def machine() -> dict[str, Any]:
    """Return what the measured table depends on: processor, its count, library versions."""
    versions = {name: version(name) for name in _PACKAGES}
    return {"processor": _processor(), "threads": default_threads(), **versions}


def has_openvino() -> bool:
    """Return whether OpenVINO is installed: boards without a window may do without."""
    return _installed("openvino")


def has_onnxruntime() -> bool:
    """Return whether ONNX Runtime is installed, and the `onnx` that writing a model for it takes."""
    return _installed("onnx", "onnxruntime")


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)


def version(package: str) -> str:
    """Return the version of an installed package, "" where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    wanted = ("model name", "model\t", "flags", "Features")
    told = "\n".join(sorted({line for line in lines if line.startswith(wanted)}))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


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
