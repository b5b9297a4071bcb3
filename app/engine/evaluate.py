"""Measures how well weights detect, on any runtime: mAP on a split of a data set, by ultralytics' own validator."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import environment_setup


@dataclass(frozen=True)
class Evaluation:
    """How weights are evaluated.

    Attributes:
        split: "val", "test" or "train".
        imgsz: Side of the square the pictures are fitted into, pixels; the checkpoint's by default.
        batch: Pictures at once.
        device: As `resolve_device` takes it; of another runtime, as `Detector.load` takes it.
        rect: Fit the pictures into rectangles of their own shape instead; moves mAP50 by about 0.006.
        runtime: "torch", "openvino" or "auto". Pictures, suppression and mAP are the same on each.
        precision: "f32", "bf16", "f16", "int8" or "auto".
        calibration: The data set with whose training pictures "int8" is calibrated; the run's own, or else the one
            that is evaluated on, by default.
    """

    split: str = "val"
    imgsz: int | None = None
    batch: int = 16
    device: str = ""
    rect: bool = False
    runtime: str = "torch"
    precision: str = "f32"
    calibration: str = ""


def evaluate(weights: Path, data: Path, split: str = "val", **how: Any) -> dict[str, Any]:
    """Return precision, recall, mAP50 and mAP50-95, over all classes and per class.

    Args:
        weights: A checkpoint, or an exported model.
        data: data.yaml of the data set.
        split: "val", "test" or "train".
        how: See `Evaluation`.

    Raises:
        AppError: Weights or data cannot be used, or do not fit each other.
    """
    environment_setup.prepare()
    from app.engine.train_data import read_data

    asked = Evaluation(split, **how)
    if asked.precision == "int8" and not asked.calibration:
        asked = replace(asked, calibration=_calibration(weights, data))
    with tempfile.TemporaryDirectory(prefix="depthwise-") as folder:
        metrics = evaluate_prepared(weights, read_data(data, Path(folder), split), asked)
    return {"weights": str(weights), "data": str(data), "split": split, **metrics}


def evaluate_prepared(weights: Path, data: dict[str, Any], how: Evaluation) -> dict[str, Any]:
    """Do what `evaluate` does, on data that `read_data` returned."""
    from app.engine.metrics import mean_metrics, per_class_metrics

    validated = validate(weights, data, how)
    validator = validated.validator
    return {
        **mean_metrics(validator.metrics),
        "per_class": per_class_metrics(validator.metrics),
        "images": int(validator.seen),
        "imgsz": validated.imgsz,
        "rect": how.rect,
        "runtime": validated.runtime,
        # "precision" is already the share of the boxes that are right.
        "inference_precision": validated.precision,
    }


@dataclass(frozen=True)
class Validated:
    """A validation that is over.

    Attributes:
        validator: ultralytics' validator with its metrics.
        imgsz: Side of the square the pictures were fitted into, pixels.
        runtime: What executed the model.
        precision: What it computed in; None where an exported model and its runtime decided.
    """

    validator: Any
    imgsz: int
    runtime: str
    precision: str | None


def validate(
    weights: Path,
    data: dict[str, Any],
    how: Evaluation,
    make: Callable[..., Any] | None = None,
    on_batch: Callable[[Any], None] | None = None,
) -> Validated:
    """Run ultralytics' validator on data that `read_data` returned.

    Args:
        weights: A checkpoint, or an exported model.
        data: What `read_data` returned.
        how: On what, and by what.
        make: Makes the validator, as `DetectionValidator`, which it is by default, is made.
        on_batch: Called with the validator after every batch; what it raises ends the validation.
    """
    from ultralytics.models.yolo.detect import DetectionValidator

    from app.engine.devices import use_all_cores

    subject = _subject(weights, data, how)
    size, on = how.imgsz or subject.imgsz or 640, subject.device
    arguments = {
        "task": "detect",
        "mode": "val",
        "model": str(weights),
        "data": data["yaml_file"],
        "split": how.split,
        "imgsz": size,
        "batch": how.batch,
        "device": on,
        "rect": how.rect,
        "plots": False,
        "workers": 0,
        "verbose": False,
    }
    callbacks = defaultdict(list)
    if on == "cpu":
        callbacks["on_val_start"].append(lambda _: use_all_cores())
    if on_batch is not None:
        callbacks["on_val_batch_end"].append(on_batch)
    with tempfile.TemporaryDirectory(prefix="depthwise-") as folder, _given(data):
        validator = (make or DetectionValidator)(save_dir=Path(folder), args=arguments, _callbacks=callbacks)
        validator(model=subject.model)
    return Validated(validator, size, subject.runtime, subject.precision)


def run_job(request: dict[str, Any], _channel: Any = None) -> dict[str, Any]:
    """Evaluate for the window; the request has "weights", "data" and what `Evaluation` has."""
    known = (field.name for field in fields(Evaluation))
    options = {name: request[name] for name in known if request.get(name) is not None}
    return evaluate(Path(request["weights"]), Path(request["data"]), **options)


@dataclass(frozen=True)
class _Subject:
    """What is evaluated.

    Attributes:
        model: A module; None for ultralytics to open an exported model.
        device: What the validator computes on, as ultralytics spells it.
        imgsz: The checkpoint's picture size.
        runtime: What executes it.
        precision: What it computes in; None where an exported model and its runtime decide.
    """

    model: Any
    device: str
    imgsz: int | None
    runtime: str
    precision: str | None


def _subject(weights: Path, data: dict[str, Any], how: Evaluation) -> _Subject:
    """Return a safely read checkpoint on the runtime that was asked for, or an exported model."""
    from app.engine.devices import resolve_device

    runtime, precision, device = how.runtime, how.precision, how.device
    if weights.suffix != ".pt" and (runtime, precision) == ("torch", "f32"):
        if not weights.exists():
            raise AppError(
                QT_TRANSLATE_NOOP("core", "There is no model {weights}."),
                QT_TRANSLATE_NOOP("core", "Check the path."),
                weights=weights,
            )
        kind = "onnxruntime" if weights.suffix == ".onnx" else "openvino"
        return _Subject(None, resolve_device(device).split(",")[0], None, kind, None)
    if "auto" in (runtime, precision):
        from app.engine.runtime_choice import resolve

        choice = resolve(runtime, precision, device or "auto")
        runtime, precision = choice.runtime, choice.precision
    if (runtime, precision) != ("torch", "f32"):
        return _detector(weights, data, runtime, precision, device, how.calibration)
    from app.engine.models import load_checkpoint

    loaded = load_checkpoint(weights)
    _check_classes(weights, loaded.names, data)
    return _Subject(loaded.model, resolve_device(device).split(",")[0], loaded.imgsz, runtime, precision)


def _calibration(weights: Path, data: Path) -> str:
    """Return the data set that weights are calibrated with: the one of their run, or else the one at hand."""
    from app.engine.quantise import calibration_data

    try:
        return calibration_data(weights)
    except AppError:
        return str(data.resolve() if data.exists() else data)


def _detector(
    weights: Path, data: dict[str, Any], runtime: str, precision: str, device: str, calibration: str
) -> _Subject:
    from app.engine.detector import Detector
    from app.engine.devices import resolve_device

    if runtime == "torch":
        first = resolve_device(device).split(",")[0]
        device = f"cuda:{first}" if first.isdigit() else first
    detector = Detector.load(weights, runtime, precision, device or "auto", calibration=calibration or None)
    _check_classes(weights, detector.names, data)
    return _Subject(_as_module(detector), "cpu", detector.imgsz, detector.runtime, detector.precision)


def _as_module(detector: Any) -> Any:
    """Return a module that the validator takes for a model, and that the detector's runtime executes."""
    import torch

    class Executed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.names = detector.names
            self.stride = torch.tensor([float(detector.card.stride)])

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            # The runtimes take one picture, and reuse the array of their output.
            found = [detector.infer(picture[None].contiguous().numpy())[0].copy() for picture in pictures]
            return torch.cat([torch.from_numpy(raw) for raw in found])

    return Executed()


def _check_classes(weights: Path, names: dict[int, str], data: dict[str, Any]) -> None:
    if len(names) != data["nc"]:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} knows {known} classes, the data has {count}."),
            QT_TRANSLATE_NOOP("core", "Evaluate it on the data it was trained for."),
            name=weights.name,
            known=len(names),
            count=data["nc"],
        )


@contextmanager
def _given(data: dict[str, Any]) -> Iterator[None]:
    """Hand the validator data that is prepared: ultralytics would look for fonts and downloads."""
    from ultralytics.engine import validator

    original = validator.check_det_dataset
    validator.check_det_dataset = lambda *_args, **_more: dict(data)
    try:
        yield
    finally:
        validator.check_det_dataset = original
