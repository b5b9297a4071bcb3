"""How far an exported detector is from torch, on real pictures: raw outputs, and what a user would see."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.export_writers import Infer, Plan
from app.engine.matching import match
from app.engine.postprocess import postprocess
from app.engine.preprocess import Image, fit, plan, prepare
from app.engine.sources import open_source

PICTURES = 8
_VISIBLE = 0.05
"""Score from which a box is compared: the others are never shown."""


@dataclass(frozen=True)
class Check:
    """What both found on the same pictures.

    Attributes:
        pictures: How many were compared; 0 where this computer cannot run the format.
        boxes: Boxes with a score of at least 0.05 on them, before suppression.
        max_box_px: Largest difference of a coordinate of one of them, in pixels of the network input.
        max_score: Largest difference of a score.
        agree: Detections (confidence 0.25, after suppression) that both have: same class, IoU of at least 0.5.
        only_torch, only_export: Those of one side alone.
        class_changed: Same place, other class.
    """

    pictures: int = 0
    boxes: int = 0
    max_box_px: float = 0.0
    max_score: float = 0.0
    agree: int = 0
    only_torch: int = 0
    only_export: int = 0
    class_changed: int = 0


def can_run(format_: str) -> bool:
    """Return whether this computer runs the format: CoreML runs on macOS alone."""
    return format_ != "coreml" or sys.platform == "darwin"


def check(module: Any, infer: Infer, pictures: Sequence[Image], how: Plan) -> Check:
    """Run torch and the exported file on the same pictures.

    Raises:
        AppError: The file computes something else.
    """
    import torch

    boxes_in = [
        plan((p.shape[0], p.shape[1]), max(how.shape), how.stride)
        if how.dynamic
        else fit((p.shape[0], p.shape[1]), how.shape)
        for p in pictures
    ]
    batches = [prepare(picture, box) for picture, box in zip(pictures, boxes_in, strict=True)]
    results = infer(batches)
    boxes, worst_box, worst_score = 0, 0.0, 0.0
    counts = dict.fromkeys(("agree", "class_changed", "only_a", "only_b"), 0)
    for batch, box, found in zip(batches, boxes_in, results, strict=True):
        with torch.inference_mode():
            expected = module(torch.from_numpy(batch)).numpy()
        if found.shape != expected.shape or not np.isfinite(found).all():
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The exported file computes something else than torch."),
                QT_TRANSLATE_NOOP("core", "Export again with f32 instead of {precision}."),
                precision=how.precision,
            )
        both = match(postprocess(expected, box), postprocess(found, box))
        for name, count in both.counts().items():
            counts[name] += count
        seen = _differences(expected[0], found[0])
        boxes += seen[0]
        worst_box, worst_score = max(worst_box, seen[1]), max(worst_score, seen[2])
    return Check(
        len(pictures),
        boxes,
        worst_box,
        worst_score,
        counts["agree"],
        counts["only_a"],
        counts["only_b"],
        counts["class_changed"],
    )


def _differences(expected: Any, found: Any) -> tuple[int, float, float]:
    """Return visible boxes, largest difference of a coordinate, largest difference of a score."""
    if expected.shape[1] == 6:  # rows of an end-to-end head: box, score, class
        expected, found = expected[:, :5].T, found[:, :5].T
    visible = expected[4:].max(axis=0) >= _VISIBLE
    difference = np.abs(found - expected)[:, visible]
    if not difference.size:
        return 0, 0.0, 0.0
    return int(visible.sum()), float(difference[:4].max()), float(difference[4:].max())


def pictures_for(weights: Path, asked: Sequence[Image] | str | None) -> list[Image]:
    """Return what to check on: what was asked for, or validation pictures of the weights' own run, or the sample.

    Raises:
        AppError: The source holds no picture.
    """
    if asked is not None:
        return _from_source(asked) if isinstance(asked, str) else list(asked)
    return _own_pictures(weights) or _from_source("sample")


def _own_pictures(weights: Path) -> list[Image]:
    from app.engine.pictures import read_picture
    from app.engine.quantise import SAMPLE, calibration_data
    from app.engine.train_data import pictures_of, read_data

    with contextlib.suppress(AppError, OSError):
        data = calibration_data(weights)
        if data == SAMPLE:
            return []
        with tempfile.TemporaryDirectory(prefix="depthwise-") as folder:
            paths = pictures_of(read_data(data, Path(folder), "val"), "val")
        step = max(len(paths) // PICTURES, 1)
        return [read_picture(path) for path in paths[::step][:PICTURES]]
    return []


def _from_source(asked: str) -> list[Image]:
    with closing(open_source(asked)) as source:
        step = max((source.frames or 0) // PICTURES, 1)
        found: list[Image] = []
        for index in range(PICTURES):
            source.seek(index * step)
            frame = source.read()
            if frame is None:
                break
            found.append(frame.image)
    if not found:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{asked} holds no picture to check the export on."),
            QT_TRANSLATE_NOOP("core", "Choose another source."),
            asked=asked,
        )
    return found
