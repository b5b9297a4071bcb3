"""Measures how well weights detect: mAP on a split of a data set, by ultralytics' own validator."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import environment_setup


def evaluate(
    weights: Path,
    data: Path,
    split: str = "val",
    imgsz: int | None = None,
    batch: int = 16,
    device: str = "",
    rect: bool = False,
) -> dict[str, Any]:
    """Return precision, recall, mAP50 and mAP50-95, over all classes and per class.

    Args:
        weights: A checkpoint, or an exported model.
        data: data.yaml of the data set.
        split: "val", "test" or "train".
        imgsz: Side of the square the pictures are fitted into, pixels; the checkpoint's by default.
        batch: Pictures at once.
        device: As `resolve_device` takes it.
        rect: Fit the pictures into rectangles of their own shape instead; moves mAP50 by about 0.006.

    Raises:
        AppError: Weights or data cannot be used, or do not fit each other.
    """
    environment_setup.prepare()
    from app.engine.train_data import read_data

    with tempfile.TemporaryDirectory(prefix="depthwise-") as folder:
        prepared = read_data(data, Path(folder), split)
        metrics = evaluate_prepared(weights, prepared, split, imgsz, batch, device, rect)
    return {"weights": str(weights), "data": str(data), "split": split, **metrics}


def evaluate_prepared(
    weights: Path,
    data: dict[str, Any],
    split: str = "val",
    imgsz: int | None = None,
    batch: int = 16,
    device: str = "",
    rect: bool = False,
) -> dict[str, Any]:
    """Do what `evaluate` does, on data that `read_data` returned."""
    from ultralytics.models.yolo.detect import DetectionValidator

    from app.engine.devices import resolve_device, use_all_cores
    from app.engine.metrics import mean_metrics, per_class_metrics

    model, trained_at = _model(weights, data)
    size = imgsz or trained_at or 640
    on = resolve_device(device).split(",")[0]
    arguments = {
        "task": "detect",
        "mode": "val",
        "model": str(weights),
        "data": data["yaml_file"],
        "split": split,
        "imgsz": size,
        "batch": batch,
        "device": on,
        "rect": rect,
        "plots": False,
        "workers": 0,
        "verbose": False,
    }
    callbacks = defaultdict(list, {"on_val_start": [lambda _: use_all_cores()] if on == "cpu" else []})
    with tempfile.TemporaryDirectory(prefix="depthwise-") as folder, _given(data):
        validator = DetectionValidator(save_dir=Path(folder), args=arguments, _callbacks=callbacks)
        validator(model=model)
    metrics = validator.metrics
    return {
        **mean_metrics(metrics),
        "per_class": per_class_metrics(metrics),
        "images": int(validator.seen),
        "imgsz": size,
        "rect": rect,
    }


def run_job(request: dict[str, Any], _channel: Any = None) -> dict[str, Any]:
    """Evaluate for the window; the request has the arguments of `evaluate`."""
    known = ("split", "imgsz", "batch", "device", "rect")
    options = {name: request[name] for name in known if request.get(name) is not None}
    return evaluate(Path(request["weights"]), Path(request["data"]), **options)


def _model(weights: Path, data: dict[str, Any]) -> tuple[Any, int | None]:
    """Return a safely read checkpoint, or None for ultralytics to open an exported model, and its picture size."""
    if weights.suffix != ".pt":
        if not weights.exists():
            raise AppError(
                QT_TRANSLATE_NOOP("core", "There is no model {weights}."),
                QT_TRANSLATE_NOOP("core", "Check the path."),
                weights=weights,
            )
        return None, None
    from app.engine.models import load_checkpoint

    loaded = load_checkpoint(weights)
    if len(loaded.names) != data["nc"]:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} knows {known} classes, the data has {count}."),
            QT_TRANSLATE_NOOP("core", "Evaluate it on the data it was trained for."),
            name=weights.name,
            known=len(loaded.names),
            count=data["nc"],
        )
    return loaded.model, loaded.imgsz


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
