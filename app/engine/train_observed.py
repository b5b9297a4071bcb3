"""The trainer, observed: usage of the machine, pictures of batches and of predictions, the model card.

Nothing of it can end a training: what cannot be written is said once, and left.
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import torch
from ultralytics.models.yolo.detect import DetectionValidator
from ultralytics.utils import RANK

from app.core.errors import AppError
from app.core.files import write_bytes, write_text
from app.core.run_pictures import (
    EPOCHS,
    FOLDER,
    MOST_BATCHES,
    MOST_BOXES,
    MOST_PICTURES,
    TRUTH,
    batch_file,
    kept,
    val_file,
)
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.provenance import note_provenance, write_card
from app.engine.trainer import StudioTrainer
from app.engine.usage import UsageMeter

_LEADS = RANK in (-1, 0)
_LEAST_CONFIDENCE = 0.1
_SIDE, _CELL, _COLUMNS, _QUALITY = 416, 208, 4, 82
_OFTEN_S, _SELDOM_S = 2.0, 30.0
_UNWRITTEN = QT_TRANSLATE_NOOP(
    "core", "Pictures and card of this run cannot be written: {reason}. The training goes on."
)
_COLOURS = ((60, 160, 250), (90, 200, 90), (230, 140, 60), (200, 90, 200), (80, 80, 230), (210, 200, 60))
"""BGR, by class number."""


class ObservedTrainer(StudioTrainer):
    """A trainer that leaves behind what is needed for watching and judging."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        self._watched: list[list[list[float]]] = []
        self._batches = 0
        self._meter: UsageMeter | None = None
        self._looked = 0.0
        self._mute = False
        super().__init__(*arguments, **more)

    def get_validator(self) -> Any:
        """Return the validator, made to pass on what it finds on the first pictures."""
        validator = super().get_validator()
        if not _LEADS:
            return validator
        watching = WatchingValidator(
            validator.dataloader,
            save_dir=validator.save_dir,
            args=copy.copy(validator.args),
            _callbacks=defaultdict(list, validator.callbacks),
        )
        watching.take = self._on_validated
        return watching

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Keep pictures of the first batches, as augmented."""
        if _LEADS and self.epoch == 0 and self._batches < MOST_BATCHES:
            number, self._batches = self._batches, self._batches + 1
            self._safely(lambda: write_bytes(self._folder / batch_file(number), batch_picture(batch)))
        return super().preprocess_batch(batch)

    def _on_train_start(self) -> None:
        super()._on_train_start()
        if _LEADS:
            self._meter = UsageMeter(self.device)
            if self.start_epoch == 0:
                self._safely(lambda: note_provenance(self.plan.run, self.plan.data))
            self._safely(lambda: write_card(self.plan.run))

    def _on_train_batch_end(self) -> None:
        super()._on_train_batch_end()
        now = self.recorder.seconds
        if self._meter is not None and now - self._looked >= min(max(now / 500, _OFTEN_S), _SELDOM_S):
            self._looked = now
            usage = {name: round(value, 1) for name, value in self._meter.look().items()}
            self.recorder.record("usage", epoch=self._progress(), **usage)

    def _progress(self) -> float:
        """Return the epochs that are done, fractions counting."""
        return round(self.epoch + (self._batch_index + 1) / max(len(self.train_loader), 1), 4)

    def _on_fit_epoch_end(self) -> None:
        super()._on_fit_epoch_end()
        epoch = self.epoch + 1
        if _LEADS and self._watched and kept(epoch):
            line = json.dumps({"epoch": epoch, "boxes": self._watched}, separators=(",", ":"))
            self._safely(lambda: self._append(line))

    def _append(self, line: str) -> None:
        with (self._folder / EPOCHS).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(line + "\n")

    def _on_validated(self, batch: Mapping[str, Any], found: list[list[list[float]]]) -> None:
        """Take what was found on the first pictures; the first time the pictures themselves."""
        self._watched = found
        if not (self._folder / TRUTH).is_file():
            self._safely(lambda: self._keep_pictures(batch))

    def _keep_pictures(self, batch: Mapping[str, Any]) -> None:
        count = min(MOST_PICTURES, len(batch["im_file"]))
        for number in range(count):
            write_bytes(self._folder / val_file(number), _jpeg(_bgr(batch["img"][number]), _SIDE))
        names = [str(name).replace("\\", "/").rsplit("/", 1)[-1] for name in batch["im_file"][:count]]
        classes = [str(name) for name in self.plan.data["names"].values()]
        truth = [truth_of(batch, number) for number in range(count)]
        text = json.dumps({"names": names, "classes": classes, "truth": truth}, ensure_ascii=False)
        write_text(self._folder / TRUTH, text + "\n")

    @property
    def _folder(self) -> Any:
        return self.plan.run.path / FOLDER

    def _safely(self, write: Callable[[], None]) -> None:
        """Write something that a training can do without."""
        if self._mute:
            return
        try:
            write()
        except (OSError, AppError, cv2.error) as problem:
            self._mute = True
            self.recorder.message(_UNWRITTEN, "warning", reason=str(problem))


class WatchingValidator(DetectionValidator):
    """The stock validator; of the first batch it passes on what it finds on a few pictures."""

    take: Callable[[Mapping[str, Any], list[list[list[float]]]], None] = staticmethod(lambda *_: None)

    def update_metrics(self, preds: list[dict[str, torch.Tensor]], batch: dict[str, Any]) -> None:
        """Count as ever, and pass on."""
        if self.seen == 0:
            height, width = batch["img"].shape[2:]
            self.take(batch, [_found(pred, width, height) for pred in preds[:MOST_PICTURES]])
        super().update_metrics(preds, batch)


def _found(pred: Mapping[str, torch.Tensor], width: int, height: int) -> list[list[float]]:
    """Return [class, left, top, right, bottom, confidence] of the surest boxes; sides are shares of the picture."""
    sure = pred["conf"] >= _LEAST_CONFIDENCE
    scale = torch.tensor([width, height, width, height], device=pred["bboxes"].device)
    rows = torch.cat(
        [
            pred["cls"][sure, None].float(),
            pred["bboxes"][sure].float() / scale,
            pred["conf"][sure, None].float(),
        ],
        dim=1,
    )
    return [[int(row[0]), *(round(value, 4) for value in row[1:])] for row in rows[:MOST_BOXES].tolist()]


def truth_of(batch: Mapping[str, Any], number: int) -> list[list[float]]:
    """Return the labels of a picture of a batch, as `_found` has boxes, of confidence 1."""
    mine = (batch["batch_idx"] == number).flatten()
    rows = torch.cat([batch["cls"][mine].reshape(-1, 1), batch["bboxes"][mine]], dim=1).cpu().tolist()
    return [
        [int(cls), *(round(v, 4) for v in (x - w / 2, y - h / 2, x + w / 2, y + h / 2)), 1.0]
        for cls, x, y, w, h in rows[:MOST_BOXES]
    ]


def batch_picture(batch: Mapping[str, Any]) -> bytes:
    """Return a JPEG of the first pictures of a batch with their labels, as the model sees them."""
    count = min(len(batch["img"]), _COLUMNS * _COLUMNS // 2)
    columns = min(count, _COLUMNS)
    rows = -(-count // columns)
    sheet = np.full((rows * _CELL, columns * _CELL, 3), 40, dtype=np.uint8)
    for number in range(count):
        cell = cv2.resize(_bgr(batch["img"][number]), (_CELL - 4, _CELL - 4), interpolation=cv2.INTER_AREA)
        for cls, *sides, _ in truth_of(batch, number):
            left, top, right, bottom = (round(side * (_CELL - 4)) for side in sides)
            cv2.rectangle(cell, (left, top), (right, bottom), _COLOURS[int(cls) % len(_COLOURS)], 1)
        y, x = number // columns * _CELL + 2, number % columns * _CELL + 2
        sheet[y : y + _CELL - 4, x : x + _CELL - 4] = cell
    return _jpeg(sheet, max(sheet.shape[:2]))


def _bgr(picture: torch.Tensor) -> np.ndarray:
    """Return a 3×H×W picture, bytes or shares of 1, as BGR uint8 H×W×3."""
    shown = picture.detach().float().cpu()
    if shown.max() <= 1.0:
        shown = shown * 255
    return np.ascontiguousarray(shown.clamp(0, 255).byte().permute(1, 2, 0).numpy()[..., ::-1])


def _jpeg(picture: np.ndarray, side: int) -> bytes:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale < 1:
        size = max(round(width * scale), 1), max(round(height * scale), 1)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
