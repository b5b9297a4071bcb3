"""Measures which layers of two detectors cost what, on the runtime of the comparison: the job "compare.layers"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.core.arbiter import Activity, measuring
from app.core.architecture import load_architecture
from app.core.compare_layers import LayerComparison, SideMs, layers_of
from app.core.errors import AppError
from app.core.latency_forms import fast_forms, forms_by_path
from app.core.statistics import spread
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import model_cache, runtime_choice
from app.engine.latency import CancelledError
from app.engine.latency_clock import LoadMeter, Pace, take_turns
from app.engine.latency_profile import profile
from app.engine.model_cache import Card
from app.engine.preprocess import plan
from app.engine.runtime_choice import Choice
from app.engine.runtime_files import is_runtime_file, open_runtime_file
from app.engine.runtimes import OnnxRuntime, OpenVinoRuntime, TorchRuntime, default_threads

_READERS: Mapping[str, Any] = {"openvino": OpenVinoRuntime, "onnxruntime": OnnxRuntime}
_PACE = Pace(rounds=12, seconds=4.0)
_PICTURE = (720, 1280)
"""Height and width of the pictures where nobody says them."""


@dataclass(frozen=True)
class _Loaded:
    """Weights that can be run again and again with other options; what `latency_profile.profile` looks at."""

    setting: Choice
    card: Card
    titles: Mapping[str, str]
    swapped: tuple[str, ...]
    make: Callable[..., Any]

    def runtime(self, *, counting: bool = False, profile: Path | None = None) -> Any:
        """Return the model on its runtime; it times its operations, or writes a profile, where asked to."""
        if profile is not None:
            return self.make(profile=profile)
        return self.make(counting=True) if counting else self.make()


def measure_layers(
    a: Path,
    b: Path,
    runtime: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    imgsz: int | None = None,
    threads: int | None = None,
    picture: tuple[int, int] = _PICTURE,
    *,
    pace: Pace = _PACE,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> LayerComparison:
    """Return what every layer of two detectors takes.

    It waits until nothing trains or compares. Whole models are timed in turn, without a profiler; then the runtime
    tells what each of its operations took, in another compilation that counts.

    Args:
        a, b: left and right weights.
        runtime, precision, device, imgsz, threads: as in `Detector.load`.
        picture: height and width of the pictures, for the input's aspect.
        pace: how long whole models are timed.
        progress: told how far it is.
        cancelled: asked between turns.

    Raises:
        AppError: weights or runtime cannot be used.
        CancelledError: it was called off.
    """
    progress(0.0, QT_TRANSLATE_NOOP("core", "Preparing the detectors"))
    count = threads or default_threads()
    sides = [_load(path, runtime, precision, device, count) for path in (a, b)]
    boxes = [plan(picture, imgsz or side.card.imgsz, side.card.stride) for side in sides]
    generator = np.random.default_rng(0)
    batches = [generator.random((1, 3, *box.shape), dtype=np.float32) for box in boxes]

    def waiting(_activity: Activity) -> None:
        progress(0.3, QT_TRANSLATE_NOOP("core", "Waiting until nothing trains or compares"))

    with measuring(cancelled, None, waiting) as turn:
        progress(0.35, QT_TRANSLATE_NOOP("core", "Timing both models in turn"))
        runtimes = [side.runtime() for side in sides]
        for made, box in zip(runtimes, boxes, strict=True):
            made.prepare(box.shape)
        meter = LoadMeter()
        calls = [_call(made, batch) for made, batch in zip(runtimes, batches, strict=True)]
        times = take_turns(calls, pace, cancelled)
        rows = []
        for number, (side, batch) in enumerate(zip(sides, batches, strict=True)):
            _leave_if(cancelled)
            progress(0.7 + 0.15 * number, QT_TRANSLATE_NOOP("core", "Looking inside the models"))
            rows.append(profile(side, batch))
        disturbed = meter.is_busy() or turn.disturbance() is not None
        busy = meter.others() if disturbed else None
    _leave_if(cancelled)
    progress(1.0, "")
    left, right = (
        SideMs(str(path), spread(one).p50, sum(row.values()))
        for path, one, row in zip((a, b), times, rows, strict=True)
    )
    swapped = {path for side in sides for path in side.swapped}
    layers = layers_of(rows[0], rows[1], [side.titles for side in sides], swapped)
    choice = sides[0].setting
    on = (choice.runtime, choice.precision, choice.device, count, boxes[0].shape)
    return LayerComparison(*on, left, right, layers, busy)


def _call(runtime: Any, batch: Any) -> Callable[[], object]:
    return lambda: runtime.infer(batch)


def _leave_if(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise CancelledError(QT_TRANSLATE_NOOP("core", "The measurement was cancelled."))


def _load(path: Path, runtime: str, precision: str, device: str, threads: int) -> _Loaded:
    if precision == "int8":
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Layers are not measured in INT8: it fuses them across modules."),
            QT_TRANSLATE_NOOP("core", "Choose another precision."),
        )
    if is_runtime_file(path):
        found = open_runtime_file(path)
        choice = runtime_choice.resolve(
            found.runtimes[0] if runtime == "auto" else runtime, precision, device
        )
        return _Loaded(choice, found.card, {}, (), _maker(choice, found.file, threads))
    choice = runtime_choice.resolve(runtime, precision, device)
    forms = fast_forms(choice.runtime, choice.precision, choice.device)
    if choice.runtime in _READERS:
        converted = model_cache.converted(path, choice.runtime, forms)
        return _Loaded(choice, converted.card, *_titles(path), _maker(choice, converted.file, threads))
    from app.engine import models

    loaded = models.load_checkpoint(path, with_anchors=True)
    deployed = models.deployed(loaded.model, forms=forms_by_path(loaded.design, forms))

    def make(**_options: Any) -> TorchRuntime:
        return TorchRuntime(deployed, choice.precision, choice.device, threads)

    return _Loaded(choice, model_cache.card_of(loaded), *_titles(path), make)


def _maker(choice: Choice, file: Path, threads: int) -> Callable[..., Any]:
    reader = _READERS[choice.runtime]
    return lambda **options: reader(file, choice.precision, choice.device, threads, **options)


def _titles(path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return what each layer is: its class, and how many of its modules are swapped; and which are."""
    from app.engine.weights import read_weights

    found = read_weights(path)
    swapped = found.design.resolved() if found.design is not None else {}
    titles = {}
    for layer in load_architecture(found.base).layers:
        inside = [one for one in swapped if one == layer.path or one.startswith(f"{layer.path}.")]
        titles[layer.path] = swapped[layer.path].block if layer.path in swapped else layer.type
        if inside and layer.path not in swapped:
            titles[layer.path] += f" ({len(inside)})"
    return titles, tuple(swapped)


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Measure in the engine process: the job "compare.layers".

    Args:
        request: "a", "b", and as in `measure_layers` "runtime", "precision", "device", "imgsz", "threads", "picture".
        channel: told how far it is.
    """
    picture = request.get("picture") or _PICTURE
    found = measure_layers(
        Path(str(request["a"])),
        Path(str(request["b"])),
        str(request.get("runtime", "auto")),
        str(request.get("precision", "auto")),
        str(request.get("device", "auto")),
        request.get("imgsz"),
        request.get("threads"),
        (int(picture[0]), int(picture[1])),
        progress=channel.progress,
        cancelled=lambda: channel.cancelled,
    )
    return found.as_dict()
