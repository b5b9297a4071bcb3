"""Converted detectors on disk, so that a second start neither converts nor imports torch."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.core.errors import AppError
from app.core.folders import cache_folder
from app.core.latency_forms import forms_by_path
from app.core.locks import HeldError, holding
from app.core.text import QT_TRANSLATE_NOOP

FORM = "deployed-1"
"""Name of the deployed form; a change of what is written must change it."""

_KEEP = 40
"""Converted detectors kept; the ones unused for longest go first."""

_PATIENCE_S = 300.0
_BETWEEN_LOOKS_S = 0.1


@dataclass(frozen=True)
class Card:
    """What must be known of a detector to run it: names, picture size, stride, kind of file."""

    names: dict[int, str]
    imgsz: int
    stride: int
    kind: str

    @staticmethod
    def from_json(data: dict[str, Any]) -> Card:
        """Read a card that `asdict` wrote."""
        names = {int(number): str(name) for number, name in data["names"].items()}
        return Card(names, int(data["imgsz"]), int(data["stride"]), str(data["kind"]))


@dataclass(frozen=True)
class Converted:
    """A detector as a runtime reads it: `model.xml` (with `model.bin`) or `model.onnx`."""

    file: Path
    card: Card


def fingerprint(weights: Path) -> str:
    """Return a short hash of a file's bytes.

    Raises:
        AppError: The file cannot be read.
    """
    try:
        status = weights.stat()
        return _hash(weights, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Cannot read the weights {weights}: {reason}."),
            QT_TRANSLATE_NOOP("core", "Choose a .pt file that exists."),
            weights=weights,
            reason=error.strerror,
        ) from error


@lru_cache(maxsize=64)
def _hash(weights: Path, _size: int, _modified: int) -> str:
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:24]


def folder() -> Path:
    """Return the folder of all converted detectors."""
    return cache_folder() / "detectors"


def _entry(weights: Path, runtime: str, forms: Mapping[str, str], calibration: str) -> Path:
    parts = [fingerprint(weights), FORM]
    if runtime != "openvino":
        parts.append(runtime)
    if calibration:
        parts.append("int8-" + hashlib.sha256(calibration.encode()).hexdigest()[:8])
    if forms:
        parts.append(hashlib.sha256(repr(sorted(forms.items())).encode()).hexdigest()[:8])
    return folder() / "-".join(parts)


def find(
    weights: Path,
    runtime: str = "openvino",
    forms: Mapping[str, str] = MappingProxyType({}),
    calibration: str = "",
) -> Converted | None:
    """Return the converted form of these weights if it is in the cache; imports nothing heavy."""
    return _found(_entry(weights, runtime, forms, calibration), runtime)


def _found(entry: Path, runtime: str) -> Converted | None:
    try:
        card = Card.from_json(json.loads((entry / "card.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    if not _is_whole(entry, runtime):
        return None
    with contextlib.suppress(OSError):
        os.utime(entry)
    return Converted(entry / _FILES[runtime][0], card)


def _is_whole(entry: Path, runtime: str) -> bool:
    return all((entry / name).is_file() for name in ("card.json", *_FILES[runtime]))


def converted(
    weights: Path,
    runtime: str = "openvino",
    forms: Mapping[str, str] = MappingProxyType({}),
    calibration: str = "",
) -> Converted:
    """Return the converted form of these weights, converting it first where needed (about two seconds).

    Where another process is converting the same, its result is waited for.

    Args:
        weights: A `.pt` of the Studio or of ultralytics.
        runtime: "openvino" or "onnxruntime".
        forms: from `latency_forms.fast_forms`: which equivalent form each block shall have.
        calibration: The data set whose training pictures it is quantised with, OpenVINO only; "" for floats.

    Raises:
        AppError: The file is no detector that the Studio can read, or the data set is none.
    """
    entry = _entry(weights, runtime, forms, calibration)
    known = _found(entry, runtime)
    if known is not None:
        return known
    folder().mkdir(parents=True, exist_ok=True)
    with _turn(entry):
        found = _found(entry, runtime)
        if found is None:
            _convert(weights, entry, runtime, forms, calibration)
            found = _found(entry, runtime)
    if found is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Cannot keep the converted detector in {folder}."),
            QT_TRANSLATE_NOOP("core", "Check that the disk is not full and can be written."),
            folder=folder(),
        )
    return found


@contextlib.contextmanager
def _turn(entry: Path) -> Iterator[None]:
    """Let one process convert, and the others wait for it; one that takes for ever is not waited for."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with holding(entry.with_name(f"{entry.name}.lock")):
                yield
            return
        except HeldError:
            if time.monotonic() > end:
                break
            time.sleep(_BETWEEN_LOOKS_S)
    yield


def _convert(weights: Path, entry: Path, runtime: str, forms: Mapping[str, str], calibration: str) -> None:
    from app.engine import models

    draft = entry.with_name(f"{entry.name}.{os.getpid()}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    with one_thread():
        loaded = models.load_checkpoint(weights, with_anchors=True)
        deployed = models.deployed(loaded.model, forms=forms_by_path(loaded.design, forms))
        if not calibration:
            _WRITERS[runtime](deployed, draft)
    if calibration:
        _write_quantised(deployed, draft, calibration, card_of(loaded))
    (draft / "card.json").write_text(json.dumps(asdict(card_of(loaded))), encoding="utf-8")
    _publish(draft, entry, runtime)
    _prune()


def _write_openvino(deployed: Any, draft: Path) -> None:
    from app.engine.openvino_model import convert, openvino

    openvino().save_model(convert(deployed), draft / "model.xml", compress_to_fp16=False)


def _write_quantised(deployed: Any, draft: Path, calibration: str, card: Card) -> None:
    from app.engine.openvino_model import convert, openvino
    from app.engine.quantise import quantised, training_pictures

    with one_thread():
        model = convert(deployed)
    model = quantised(model, training_pictures(calibration), card.imgsz, card.stride)
    openvino().save_model(model, draft / "model.xml", compress_to_fp16=False)


def _write_onnx(deployed: Any, draft: Path) -> None:
    from app.engine.onnx_model import onnx_bytes

    (draft / "model.onnx").write_bytes(onnx_bytes(deployed))


CONVERTED = ("openvino", "onnxruntime")
"""Runtimes that read a converted file."""

_WRITERS = MappingProxyType({"openvino": _write_openvino, "onnxruntime": _write_onnx})
_FILES = MappingProxyType({"openvino": ("model.xml", "model.bin"), "onnxruntime": ("model.onnx",)})
"""Runtime → what it reads; the first is the one it is given."""


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Run torch in one thread: on tiny pictures several wait for each other, for seconds on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def card_of(loaded: Any) -> Card:
    """Return the card of a `models.LoadedModel`."""
    stride = int(max(loaded.model.stride))
    return Card(dict(loaded.names), int(loaded.imgsz or 640), stride, str(loaded.kind))


def _publish(draft: Path, entry: Path, runtime: str) -> None:
    try:
        draft.replace(entry)
    except OSError:
        # Another process was quicker, or left a broken folder behind.
        if not _is_whole(entry, runtime):
            shutil.rmtree(entry, ignore_errors=True)
            draft.replace(entry)
            return
        shutil.rmtree(draft, ignore_errors=True)


def _prune() -> None:
    entries = [path for path in folder().iterdir() if path.is_dir() and path.suffix != ".new"]
    entries.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for entry in entries[_KEEP:]:
        shutil.rmtree(entry, ignore_errors=True)
