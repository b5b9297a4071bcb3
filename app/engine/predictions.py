"""Every box that weights find on a split, matched with the labels as ultralytics matches them, and their cache.

The cache is an .npz of plain numbers, never a pickle; whoever made it, it is checked before it is used.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from ultralytics.models.yolo.detect import DetectionValidator
from ultralytics.utils import ops
from ultralytics.utils.metrics import ConfusionMatrix, box_iou

from app.core.files import replacing

Array = npt.NDArray[Any]

THRESHOLDS = 10
"""Overlaps at which boxes are matched: 0.5, 0.55, …, 0.95."""
SHOWN_CONFIDENCE = 0.25
"""Boxes of at least this confidence count in confusion matrices and are drawn."""

_FORMAT = 1
_MOST_BYTES = 1 << 30
_KINDS = {
    "boxes": ("f", (4,)),
    "confidence": ("f", ()),
    "classes": ("i", ()),
    "picture": ("i", ()),
    "matched": ("i", (THRESHOLDS,)),
    "true_boxes": ("f", (4,)),
    "true_classes": ("i", ()),
    "true_picture": ("i", ()),
    "sizes": ("i", (2,)),
}


@dataclass(frozen=True)
class Predictions:
    """What weights find on a split, picture after picture, within a picture by falling confidence.

    Attributes:
        boxes: N×4 `xyxy`, pixels of the picture.
        confidence: N.
        classes: N class numbers.
        picture: N picture numbers.
        matched: N×10; which label of its picture a box matches at each overlap, from 0; -1 where none.
        true_boxes: M×4 `xyxy` labels, pixels.
        true_classes: M.
        true_picture: M.
        sizes: P×2 heights and widths of the pictures, pixels.
        names: P file names of the pictures.
        class_names: names by class number.
        confusion: (classes+1)×(classes+1) counts, predicted by true, the last one is the background.
    """

    boxes: Array
    confidence: Array
    classes: Array
    picture: Array
    matched: Array
    true_boxes: Array
    true_classes: Array
    true_picture: Array
    sizes: Array
    names: tuple[str, ...]
    class_names: tuple[str, ...]
    confusion: Array

    @property
    def right(self) -> Array:
        """N×10: whether a box is right at each overlap."""
        return self.matched >= 0

    def save(self, path: Path) -> None:
        """Write the arrays.

        Raises:
            OSError: The folder cannot be written.
        """
        head = {"format": _FORMAT, "names": self.names, "class_names": self.class_names}
        text = np.frombuffer(json.dumps(head, ensure_ascii=False).encode(), dtype=np.uint8)
        arrays = {name: getattr(self, name) for name in (*_KINDS, "confusion")}
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, head=text, **arrays)


def load_predictions(path: Path) -> Predictions | None:
    """Read what `Predictions.save` wrote; None where there is nothing that could be it."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                return None
        with np.load(path, allow_pickle=False) as data:
            head = json.loads(data["head"].tobytes().decode())
            arrays = {name: data[name] for name in (*_KINDS, "confusion")}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError, NotImplementedError, MemoryError):
        return None
    if not isinstance(head, dict) or head.get("format") != _FORMAT:
        return None
    names, class_names = _texts(head.get("names")), _texts(head.get("class_names"))
    if names is None or class_names is None:
        return None
    found = Predictions(**arrays, names=names, class_names=class_names)
    return found if _is_sound(found) else None


def _texts(value: Any) -> tuple[str, ...] | None:
    good = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return tuple(value) if good else None


def _is_sound(found: Predictions) -> bool:
    """Tell whether shapes, kinds and numbers of an untrusted file fit each other."""
    for name, (kind, shape) in _KINDS.items():
        array = getattr(found, name)
        if array.dtype.kind != kind or array.ndim != 1 + len(shape) or array.shape[1:] != shape:
            return False
    n, m, pictures, classes = (
        len(found.boxes),
        len(found.true_boxes),
        len(found.names),
        len(found.class_names),
    )
    lengths = [len(getattr(found, name)) for name in ("confidence", "classes", "picture", "matched")]
    true_lengths = [len(found.true_classes), len(found.true_picture)]
    if any(length != n for length in lengths) or any(length != m for length in true_lengths):
        return False
    if len(found.sizes) != pictures or found.confusion.shape != (classes + 1, classes + 1):
        return False
    ranges = (
        (found.classes, 0, classes),
        (found.true_classes, 0, classes),
        (found.picture, 0, pictures),
        (found.true_picture, 0, pictures),
        (found.matched, -1, max(m, 1)),
    )
    inside = all(a.size == 0 or (a.min() >= low and a.max() < high) for a, low, high in ranges)
    numbers = (found.boxes, found.confidence, found.true_boxes, found.confusion)
    return inside and all(bool(np.isfinite(array).all()) for array in numbers) and _points(found)


def _points(found: Predictions) -> bool:
    """Tell whether every match points at a label of the same picture."""
    labels = np.bincount(found.true_picture, minlength=len(found.names))
    ordered = bool((np.diff(found.true_picture) >= 0).all())
    return ordered and bool((found.matched < labels[found.picture][:, None]).all())


class _Collector:
    """Takes the boxes of one validation, picture by picture."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Array]] = {name: [] for name in _KINDS}
        self.names: list[str] = []

    def add(
        self, predicted: dict[str, Array], true: dict[str, Array], size: tuple[int, int], name: str
    ) -> None:
        number = len(self.names)
        self.names.append(name)
        n, m = len(predicted["confidence"]), len(true["true_classes"])
        marks = {"picture": np.full(n, number), "true_picture": np.full(m, number), "sizes": np.array([size])}
        for key, value in {**predicted, **true, **marks}.items():
            self.rows[key].append(value)

    def result(self, class_names: tuple[str, ...], confusion: Array) -> Predictions:
        kinds = {"f": np.float32, "i": np.int32}
        arrays = {}
        for name, (kind, shape) in _KINDS.items():
            parts = self.rows[name] or [np.zeros((0, *shape))]
            arrays[name] = np.concatenate(parts).astype(kinds[kind]).reshape(-1, *shape)
        return Predictions(
            **arrays, names=tuple(self.names), class_names=class_names, confusion=confusion.astype(np.int64)
        )


def collecting() -> tuple[Callable[..., Any], Callable[[], Predictions]]:
    """Return what makes a validator that keeps every box, and a function that returns them afterwards."""
    collector = _Collector()
    made: list[Any] = []

    class Collecting(DetectionValidator):
        def update_metrics(self, preds: list[dict[str, torch.Tensor]], batch: dict[str, Any]) -> None:
            matrix: ConfusionMatrix = self.confusion_matrix
            super().update_metrics(preds, batch)
            for index, pred in enumerate(preds):
                truth = self._prepare_batch(index, batch)
                self._keep(pred, truth)
                matrix.process_batch(pred, truth, conf=SHOWN_CONFIDENCE)

        def _keep(self, pred: dict[str, torch.Tensor], truth: dict[str, Any]) -> None:
            shape = tuple(int(side) for side in truth["ori_shape"])
            predicted = {
                "boxes": self._in_picture(pred["bboxes"], truth),
                "confidence": pred["conf"].cpu().numpy(),
                "classes": pred["cls"].cpu().numpy(),
                "matched": _matches(pred, truth, self.iouv),
            }
            true = {
                "true_boxes": self._in_picture(truth["bboxes"], truth),
                "true_classes": truth["cls"].cpu().numpy(),
            }
            collector.add(predicted, true, (shape[0], shape[1]), Path(truth["im_file"]).name)

        @staticmethod
        def _in_picture(boxes: torch.Tensor, truth: dict[str, Any]) -> Array:
            scaled = ops.scale_boxes(
                truth["imgsz"], boxes.clone(), truth["ori_shape"], ratio_pad=truth["ratio_pad"]
            )
            return np.asarray(scaled.cpu().numpy()).reshape(-1, 4)

    def make(**arguments: Any) -> Any:
        made.append(Collecting(**arguments))
        return made[-1]

    def result() -> Predictions:
        names = made[-1].names
        return collector.result(
            tuple(str(names[number]) for number in sorted(names)), made[-1].confusion_matrix.matrix
        )

    return make, result


def _matches(pred: dict[str, torch.Tensor], truth: dict[str, Any], thresholds: torch.Tensor) -> Array:
    """Return which label each box matches, by the rule of ultralytics' `match_predictions`.

    In the order of confidence each box takes the free label of its class with the largest overlap. ultralytics tells
    whether a box is right; sizes of objects need to know which object it was.
    """
    n, m = len(pred["cls"]), len(truth["cls"])
    found = np.full((n, len(thresholds)), -1, dtype=np.int32)
    if not n or not m:
        return found
    overlap = box_iou(truth["bboxes"], pred["bboxes"]) * (truth["cls"][:, None] == pred["cls"])
    shared, limits = overlap.cpu().numpy(), thresholds.cpu().numpy()
    taken = np.zeros((m, len(limits)), dtype=bool)
    columns = np.arange(len(limits))
    for box in np.flatnonzero((shared >= limits.min()).any(0)):
        free = np.where(taken, 0, shared[:, box, None])
        best = free.argmax(0)
        right = free[best, columns] >= limits
        found[box, right] = best[right]
        taken[best, columns] |= right
    return found
