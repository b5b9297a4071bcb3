"""Weights on a runtime and a device: pictures in, boxes and timings out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.core.errors import AppError
from app.core.latency_forms import fast_forms, forms_by_path
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import model_cache, runtime_choice
from app.engine.model_cache import Card
from app.engine.postprocess import CONFIDENCE, IOU, MAX_DETECTIONS, Boxes, Floats, Integers, postprocess
from app.engine.preprocess import Batch, Image, Letterbox, Preparer, fit, plan
from app.engine.quantise import calibration_for
from app.engine.runtime_files import RuntimeFile, is_runtime_file, open_runtime_file, runtimes_of
from app.engine.runtimes import (
    INT8,
    PRECISIONS,
    RUNTIMES,
    OnnxRuntime,
    OpenVinoRuntime,
    Runtime,
    TorchRuntime,
    default_threads,
)

_CONVERTED: MappingProxyType[str, Any] = MappingProxyType(
    {"openvino": OpenVinoRuntime, "onnxruntime": OnnxRuntime}
)
"""Runtimes that read a converted file."""


@dataclass(frozen=True)
class Timings:
    """Milliseconds that one picture took."""

    preprocess_ms: float
    inference_ms: float
    postprocess_ms: float

    @property
    def total_ms(self) -> float:
        """All three together."""
        return self.preprocess_ms + self.inference_ms + self.postprocess_ms


@dataclass(frozen=True)
class Detections(Boxes):
    """Boxes on one picture, best first, and what they took."""

    timings: Timings


@dataclass(frozen=True)
class Prepared:
    """A picture made ready for every detector with the same input size."""

    batch: Batch
    letterbox: Letterbox
    preprocess_ms: float


class Detector:
    """Weights on a runtime; made by `load`.

    Attributes:
        weights: The checkpoint.
        card: Class names, picture size, stride and kind.
        imgsz: Longer side of the network input in pixels.
        shape: Height and width of the only input that it takes; None where any will do.
    """

    def __init__(
        self,
        weights: Path,
        card: Card,
        runtime: Runtime,
        imgsz: int,
        shape: tuple[int, int] | None = None,
    ) -> None:
        self.weights = weights
        self.card = card
        self.imgsz = imgsz
        self.shape = shape
        self._runtime = runtime
        self._preparer = Preparer()

    @staticmethod
    def load(
        weights: Path | str,
        runtime: str = "auto",
        precision: str = "auto",
        device: str = "auto",
        imgsz: int | None = None,
        threads: int | None = None,
        calibration: str | None = None,
    ) -> Detector:
        """Return a detector in the deployed form.

        Args:
            weights: A `.pt` of the Studio, of ultralytics or of the original YOLOv5, an ONNX file, or an OpenVINO
                folder or its .xml.
            runtime: One of `RUNTIMES`, or "auto": the fastest measured here that keeps the accuracy.
            precision: "f32", "bf16", "f16", "int8" or "auto", which never is "int8".
            device: "cpu", "cuda", "cuda:1", "mps", or "auto".
            imgsz: Longer side of the network input in pixels; the checkpoint's where None.
            threads: Processors to use; all where None.
            calibration: The data set with whose training pictures "int8" is calibrated; the run's own where None.

        Raises:
            AppError: The weights, or what is asked for, cannot be used here.
        """
        path = Path(weights)
        _check(path, runtime, precision, imgsz)
        if is_runtime_file(path):
            return _load_runtime_file(path, runtime, precision, device, imgsz, threads)
        choice = runtime_choice.resolve(runtime, precision, device)
        count = threads or default_threads()
        made: Runtime
        forms = fast_forms(choice.runtime, choice.precision, choice.device)
        data = calibration_for(path, choice, calibration)
        if choice.runtime in _CONVERTED:
            found = model_cache.converted(path, choice.runtime, forms, data)
            card = found.card
            made = _CONVERTED[choice.runtime](found.file, choice.precision, choice.device, count)
        else:
            from app.engine import models

            loaded = models.load_checkpoint(path, with_anchors=True)
            card = model_cache.card_of(loaded)
            deployed = models.deployed(loaded.model, forms=forms_by_path(loaded.design, forms))
            made = TorchRuntime(deployed, choice.precision, choice.device, count)
        return Detector(path, card, made, imgsz or card.imgsz)

    @property
    def names(self) -> dict[int, str]:
        """Class number → name."""
        return self.card.names

    @property
    def runtime(self) -> str:
        """What executes the detector, one of `RUNTIMES`."""
        return self._runtime.name

    @property
    def precision(self) -> str:
        """The precision it computes in."""
        return self._runtime.precision

    @property
    def device(self) -> str:
        """The device it computes on."""
        return self._runtime.device

    @property
    def threads(self) -> int:
        """The processors it may use."""
        return self._runtime.threads

    def resize(self, imgsz: int | None) -> None:
        """Take pictures of another size, the longer side in pixels; the checkpoint's own where None.

        Raises:
            AppError: That size is not possible.
        """
        _check_size(imgsz)
        self.imgsz = imgsz or self.card.imgsz
        if self.shape is not None:
            self.imgsz = max(self.shape)

    def letterbox(self, height: int, width: int) -> Letterbox:
        """Return how a picture of this size is laid into the network input: the source's own aspect where it can."""
        if self.shape is not None:
            return fit((height, width), self.shape)
        return plan((height, width), self.imgsz, self.card.stride)

    def is_warm(self, height: int, width: int) -> bool:
        """Return whether it is compiled for pictures of this size."""
        return self._runtime.is_ready(self.letterbox(height, width).shape)

    def warm_up(self, height: int, width: int, runs: int = 2) -> None:
        """Compile for pictures of this size and run, so that the first one is not the slow one."""
        import numpy as np

        box = self.letterbox(height, width)
        self._runtime.prepare(box.shape)
        blank = np.zeros((1, 3, *box.shape), dtype=np.float32)
        for _ in range(runs):
            self._runtime.infer(blank)

    def preprocess(self, image: Image, out: Batch | None = None) -> Prepared:
        """Return the network input of a picture; `out` is an array of an earlier call to write to."""
        begin = time.perf_counter()
        box = self.letterbox(image.shape[0], image.shape[1])
        reuse = out if out is not None and out.shape[2:] == box.shape else None
        batch = self._preparer.prepare(image, box, reuse)
        return Prepared(batch, box, _since(begin))

    def infer(self, batch: Batch) -> tuple[Floats, float]:
        """Return the raw output, valid until the next call, and the milliseconds it took."""
        begin = time.perf_counter()
        raw = self._runtime.infer(batch)
        return raw, _since(begin)

    def finish(
        self, raw: Floats, letterbox: Letterbox, confidence: float = CONFIDENCE, iou: float = IOU
    ) -> tuple[Boxes, float]:
        """Return the boxes of a raw output, and the milliseconds it took."""
        begin = time.perf_counter()
        boxes = postprocess(raw, letterbox, confidence, iou, MAX_DETECTIONS)
        return boxes, _since(begin)

    def detect(self, image: Image, confidence: float = CONFIDENCE, iou: float = IOU) -> Detections:
        """Return the boxes on a picture (H×W×3, BGR) and what they took."""
        prepared = self.preprocess(image)
        raw, inference_ms = self.infer(prepared.batch)
        boxes, postprocess_ms = self.finish(raw, prepared.letterbox, confidence, iou)
        timings = Timings(prepared.preprocess_ms, inference_ms, postprocess_ms)
        return Detections(boxes.xyxy, boxes.scores, boxes.classes, timings)


def _since(begin: float) -> float:
    return (time.perf_counter() - begin) * 1e3


def _load_runtime_file(
    path: Path, runtime: str, precision: str, device: str, imgsz: int | None, threads: int | None
) -> Detector:
    """Return the detector in an ONNX file or an OpenVINO folder, on a runtime that reads it."""
    found = open_runtime_file(path)
    if runtime != "auto" and runtime not in found.runtimes:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} cannot run on {runtime}: only {runtimes} read it."),
            QT_TRANSLATE_NOOP("core", "Choose one of these runtimes, or the .pt that it was made from."),
            name=found.file.name,
            runtime=runtime,
            runtimes=", ".join(found.runtimes),
        )
    choice = runtime_choice.resolve(runtime, precision, device, found.runtimes)
    if INT8 in (choice.precision, found.precision) and choice.precision != found.precision:
        choice = _as_quantised(choice, found, precision)
    made = _CONVERTED[choice.runtime](
        found.file, choice.precision, choice.device, threads or default_threads()
    )
    detector = Detector(path, found.card, made, imgsz or found.card.imgsz, found.shape)
    if found.shape is not None:
        detector.imgsz = max(found.shape)
    return detector


def _as_quantised(choice: runtime_choice.Choice, found: RuntimeFile, asked: str) -> runtime_choice.Choice:
    """Return the choice in the file's own precision, which a runtime cannot change."""
    if asked != "auto":
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} computes in {own}; that cannot be changed to {precision}."),
            QT_TRANSLATE_NOOP("core", "Choose any precision, or the .pt that it was made from."),
            name=found.file.name,
            own=found.precision or "floats",
            precision=asked,
        )
    return replace(choice, precision=found.precision or choice.precision)


def common_runtime(weights: Sequence[Path | str], runtime: str = "auto") -> str:
    """Return what "auto" stands for where several detectors shall run on the same: one that reads all of them.

    "auto" where nothing binds them, or no runtime reads them all.
    """
    files = [path for path in map(Path, weights) if is_runtime_file(path)]
    if runtime != "auto" or not files:
        return runtime
    shared = set(RUNTIMES).intersection(*(runtimes_of(path) for path in files))
    return runtime_choice.resolve(among=shared).runtime if shared else runtime


def _check(weights: Path, runtime: str, precision: str, imgsz: int | None) -> None:
    if not weights.is_file() and not is_runtime_file(weights):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no file {weights}."),
            QT_TRANSLATE_NOOP("core", "Choose a .pt checkpoint."),
            weights=weights,
        )
    if weights.suffix != ".pt" and not is_runtime_file(weights):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is no detector that can be run."),
            QT_TRANSLATE_NOOP("core", "Choose any YOLO .pt, an .onnx file, or an OpenVINO folder."),
            name=weights.name,
        )
    if runtime not in {*RUNTIMES, "auto"}:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no runtime “{runtime}”."),
            QT_TRANSLATE_NOOP("core", "Choose one of: auto, {choices}."),
            runtime=runtime,
            choices=", ".join(RUNTIMES),
        )
    if precision not in {*PRECISIONS, "auto"}:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no precision “{precision}”."),
            QT_TRANSLATE_NOOP("core", "Choose one of: auto, {choices}."),
            precision=precision,
            choices=", ".join(PRECISIONS),
        )
    _check_size(imgsz)


def _check_size(imgsz: int | None) -> None:
    if imgsz is not None and not 32 <= imgsz <= 4096:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "A picture size of {imgsz} pixels is not possible."),
            QT_TRANSLATE_NOOP("core", "Choose 32 to 4096."),
            imgsz=imgsz,
        )


__all__ = ["Boxes", "Detections", "Detector", "Floats", "Integers", "Prepared", "Timings"]
