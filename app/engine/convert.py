"""A trained standard model becomes a lightweight one in seconds, without training."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from app.core.design import Design, parse_design
from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.checkpoint import save_checkpoint
from app.engine.foreign_weights import ForeignWeights, read_weights
from app.engine.models import build_model
from app.engine.refit_pictures import MOST_PICTURES
from app.engine.transfer import TransferReport
from app.engine.warm_start import warm_start

Listener = Callable[[Mapping[str, Any]], None]
"""Receives events: {"event": "message", "text"} and {"event": "progress", "fraction", "text"}."""

_SEED = 0
REPORT_SUFFIX = ".transfer.json"
_CONVERTING = QT_TRANSLATE_NOOP("core", "Converting")


@dataclass(frozen=True)
class Conversion:
    """A finished conversion.

    Attributes:
        path: the lightweight checkpoint.
        report: where every module's weights come from.
        seconds: how long it took, reading and writing included.
    """

    path: Path
    report: TransferReport
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {"weights": str(self.path), "seconds": self.seconds, "transfer": self.report.to_json()}


def convert(
    weights: Path | str,
    design: Design,
    data: Path | str | None = None,
    *,
    pictures: int = MOST_PICTURES,
    imgsz: int | None = None,
    output: Path | None = None,
    emit: Listener | None = None,
) -> Conversion:
    """Convert a trained model to a design and write the result as a checkpoint.

    Args:
        weights: checkpoint of a standard model, or of another lightweight one, with a YOLOv5u head.
        design: what to make of it; where it leaves the number of classes open, the weights say it.
        data: data.yaml, a folder that holds one, or "sample"; only its training pictures are looked at, no labels.
            None only factorises, which costs much accuracy.
        pictures: how many pictures to look at, at most.
        imgsz: side of the pictures in pixels; None takes the one that the weights were trained at.
        output: the file to write; None stands it beside the weights.
        emit: receives events; may raise to end the conversion.

    Raises:
        AppError: the weights, the design or the data cannot be used, or the file cannot be written.
    """
    begin = time.monotonic()
    listener = emit or _silent

    def say(text: str, **values: Any) -> None:
        listener({"event": "message", "text": text.format(**values), "source": text, "values": values})

    source = read_weights(Path(weights))
    target = output or source.path.with_name(f"{source.path.stem}-lightweight.pt")
    if target.resolve() == source.path.resolve():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{target} holds the weights to convert."),
            QT_TRANSLATE_NOOP("core", "Choose another file for the result."),
            target=target,
        )
    fitted = _fitted(source, design)
    files = training_pictures(data) if data is not None and pictures > 0 else []
    if data is not None and pictures > 0 and not files:
        say(QT_TRANSLATE_NOOP("core", "{data} names no training pictures."), data=str(data))

    def tell(share: float) -> None:
        listener({"event": "progress", "fraction": share, "text": _CONVERTING})

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)  # what of a block is not fitted is random, but the same each time
        model = build_model(fitted, names=source.names)
        report = warm_start(
            model, fitted, source, "refit", files, say, imgsz=imgsz, limit=max(pictures, 1), tell=tell
        )
    arguments = {
        "imgsz": imgsz or source.imgsz or 640,
        "task": "detect",
        "mode": "train",
        "model": f"{fitted.base}.yaml",
    }
    save_checkpoint(model, target, train_args=arguments, extra={"transfer": report.to_json()})
    return Conversion(target, report, time.monotonic() - begin)


def _silent(_event: Mapping[str, Any]) -> None:
    """Stand in for a listener."""


def _fitted(source: ForeignWeights, design: Design) -> Design:
    """Return the design with the number of classes that the weights have.

    Raises:
        AppError: the two do not go together.
    """
    name = source.path.name
    if source.classes is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} has no YOLOv5u head: a conversion could not detect anything."),
            QT_TRANSLATE_NOOP(
                "core", "Train with it as the starting weights first, then convert the result."
            ),
            name=name,
        )
    if design.classes not in (None, source.classes):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The design has {classes} classes, {name} has {count}."),
            QT_TRANSLATE_NOOP("core", "Leave the number open in the design."),
            classes=design.classes,
            name=name,
            count=source.classes,
        )
    fitted = design.with_classes(source.classes)
    if fitted.is_standard and (source.design is None or source.design.is_standard):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The design swaps nothing: there is nothing to convert."),
            QT_TRANSLATE_NOOP("core", "Choose a lightweight design."),
        )
    return fitted


def training_pictures(data: Path | str) -> list[Path]:
    """Return the pictures of a data set's training split, never those of another split.

    Raises:
        AppError: the data set cannot be understood.
    """
    from app.engine.dataset import open_dataset
    from app.engine.dataset_files import Listing

    items = Listing(open_dataset(data)).items
    held_out = {item.picture for split in ("val", "test") for item in items.get(split, ())}
    own = [item.picture for item in items.get("train", ())]
    apart = [picture for picture in own if picture not in held_out]
    return apart or own


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Job "convert".

    Args:
        request: {"weights", "design": text of a design file, "data", "output", "imgsz", "pictures"}; the last three
            and "data" may be left out.
        channel: of the engine process.

    Raises:
        AppError: see `convert`; or it was cancelled.
    """

    def emit(event: Mapping[str, Any]) -> None:
        if channel.cancelled:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The conversion was cancelled."),
                QT_TRANSLATE_NOOP("core", "Nothing was written."),
            )
        channel.emit(event)

    made = convert(
        request["weights"],
        parse_design(request["design"], "the design"),
        request.get("data"),
        pictures=int(request.get("pictures") or MOST_PICTURES),
        imgsz=request.get("imgsz"),
        output=Path(request["output"]) if request.get("output") else None,
        emit=emit,
    )
    return made.to_json()
