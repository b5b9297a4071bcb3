"""Detectors in INT8: an OpenVINO model quantised by NNCF, calibrated on the training pictures of its own run."""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.folders import resources
from app.core.runs import RunFolder
from app.core.runtime_table import INT8, Choice
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.preprocess import Batch, plan, prepare

PICTURES = 96
"""Training pictures that are looked at: a choice, not tuned."""

SAMPLE = "sample"

_ENDS = ("Constant", "Parameter", "ShapeOf", "Convolution", "GroupConvolution")


def calibration_for(weights: Path, choice: Choice, given: str | None) -> str:
    """Return the data set to calibrate with, the given one or the run's own; "" where nothing is quantised.

    Raises:
        AppError: INT8 cannot be had on that runtime, or there is no data set.
    """
    if choice.precision != INT8:
        return ""
    from app.engine.latency_build import check_int8

    check_int8(choice.runtime)
    return given or calibration_data(weights)


def calibration_data(weights: Path) -> str:
    """Return the data set that weights were trained on.

    Raises:
        AppError: They belong to no run, nor to the sample.
    """
    if weights.resolve().parent == (resources() / "sample").resolve():
        return SAMPLE
    with contextlib.suppress(AppError, IndexError):
        return str(RunFolder(weights.resolve().parents[1]).config().data)
    raise AppError(
        QT_TRANSLATE_NOOP("core", "INT8 is calibrated on training pictures, and {name} belongs to no run."),
        QT_TRANSLATE_NOOP("core", "Choose a run of the Studio, or another precision."),
        name=weights.name,
    )


def training_pictures(data: str) -> list[Path]:
    """Return up to `PICTURES` training pictures of a data set, from all over it.

    Raises:
        AppError: The data set cannot be used, or has none.
    """
    from app.engine.train_data import pictures_of, read_data

    with tempfile.TemporaryDirectory(prefix="depthwise-") as folder:
        pictures = pictures_of(read_data(data, Path(folder), "train"), "train")
    step = max(len(pictures) / PICTURES, 1.0)
    return [pictures[int(index * step)] for index in range(min(len(pictures), PICTURES))]


def quantised(model: Any, pictures: list[Path], imgsz: int, stride: int) -> Any:
    """Return an OpenVINO model that computes its convolutions in INT8, for any input size.

    What turns the head's outputs into boxes stays in floats: a box 600 pixels away needs more than 8 bits.

    Args:
        model: From `openvino_model.convert`.
        pictures: What the ranges of the activations are taken from.
        imgsz: Longer side of the network input, pixels.
        stride: The detector's largest stride.

    Raises:
        AppError: NNCF is not installed, or no picture can be read.
    """
    from app.engine.latency_build import check_int8

    check_int8("openvino")
    nncf = importlib.import_module("nncf")
    nncf.set_log_level(logging.ERROR)
    batches = list(_batches(pictures, imgsz, stride))
    if not batches:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "None of the training pictures for INT8 can be read."),
            QT_TRANSLATE_NOOP("core", "Check the data set of the run, or choose another precision."),
        )
    with contextlib.redirect_stdout(sys.stderr):  # its progress bars
        return nncf.quantize(
            model,
            nncf.Dataset(batches),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(batches),
            ignored_scope=nncf.IgnoredScope(names=decoding(model)),
        )


def decoding(model: Any) -> list[str]:
    """Return the names of the operations that make boxes and scores of what the last convolutions say."""
    behind: list[str] = []
    waiting = [model.output(0).get_node().input_value(0).get_node()]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        name = node.get_friendly_name()
        kind = node.get_type_name()
        if name in seen or (kind in _ENDS and ".dfl" not in name):
            continue
        seen.add(name)
        behind.append(name)
        waiting += [value.get_node() for value in node.input_values()]
    return behind


def _batches(pictures: list[Path], imgsz: int, stride: int) -> Iterator[Batch]:
    from app.engine.pictures import read_picture

    for path in pictures:
        with contextlib.suppress(AppError, OSError, ValueError):
            picture = read_picture(path)
            yield prepare(picture, plan((picture.shape[0], picture.shape[1]), imgsz, stride)).copy()
