"""A detector as a file for other programs: ONNX or OpenVINO, in the deployed form, checked against torch."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from app import __version__
from app.core.errors import AppError
from app.core.files import put_in_place
from app.core.latency_forms import fast_forms, forms_by_path
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.model_cache import Card, card_of
from app.engine.onnx_model import onnxruntime, write_onnx
from app.engine.openvino_model import convert, for_export, openvino
from app.engine.postprocess import Floats
from app.engine.preprocess import Batch, Image, fit, plan, prepare
from app.engine.sources import open_source

FORMATS = ("onnx", "openvino")
PRECISIONS = ("f32", "f16")

_RUNTIMES = MappingProxyType({"onnx": "onnxruntime", "openvino": "openvino"})
"""Format → the runtime that reads it, whose fast forms are written."""

CHECK_PICTURES = 8
_VISIBLE = 0.05
"""Score from which a box is compared: the others are never shown."""

Infer = Callable[[Batch], Floats]


@dataclass(frozen=True)
class Check:
    """How far an exported detector is from torch on real pictures.

    Attributes:
        pictures: How many were compared.
        boxes: Boxes with a score of at least 0.05 on them, before suppression.
        max_box_px: Largest difference of a coordinate of one of them, in pixels of the network input.
        max_score: Largest difference of a score.
    """

    pictures: int
    boxes: int
    max_box_px: float
    max_score: float


@dataclass(frozen=True)
class Plan:
    """What is written: input size (height, width), whether any other works too, precision of the weights."""

    shape: tuple[int, int]
    dynamic: bool
    precision: str


def export(
    weights: Path | str,
    format: str,
    imgsz: int | tuple[int, int] | None = None,
    precision: str = "f32",
    output: Path | str | None = None,
    *,
    dynamic: bool = False,
    pictures: Sequence[Image] | str = "sample",
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
) -> dict[str, Any]:
    """Write a detector in the deployed form, and say how far it is from torch.

    Stock `ultralytics.YOLO(...)` opens the result too: names, stride and picture size stand inside.

    Args:
        weights: A `.pt` of the Studio or of ultralytics.
        format: "onnx" or "openvino".
        imgsz: Input size in pixels, the checkpoint's where None: one number for a square, or (height, width),
            which costs less on sources that are no squares.
        precision: "f32" or "f16", of the stored weights.
        output: File or folder to write; a free name beside the weights where None. For OpenVINO the name ends in
            `_openvino_model`, as ultralytics wants it.
        dynamic: Let the input have any size that is a multiple of 32; some runtimes are slower then.
        pictures: What to check on: pictures, or what `open_source` takes.
        progress: Told how far it is.

    Returns:
        `output`, `format`, `precision`, `imgsz`, `dynamic`, `bytes`, `seconds` and `check`.

    Raises:
        AppError: The weights cannot be read, the format is unknown, or the output cannot be written.
    """
    _check_arguments(format, precision)
    from app.engine import models

    begin = time.monotonic()
    path = Path(weights)
    progress(0.0, QT_TRANSLATE_NOOP("core", "Reading the weights"))
    loaded = models.load_checkpoint(path, with_anchors=True)
    card = card_of(loaded)
    plan_ = Plan(_shape(imgsz or card.imgsz), dynamic, precision)
    target = _target(path, format, output)
    forms = forms_by_path(loaded.design, fast_forms(_RUNTIMES[format], "f32"))
    module = for_export(models.deployed(loaded.model, forms=forms))
    meta = _metadata(loaded, card, plan_)
    progress(0.2, QT_TRANSLATE_NOOP("core", "Converting"))
    with _draft(target) as draft:
        _WRITERS[format](module, draft, plan_, meta)
        progress(0.6, QT_TRANSLATE_NOOP("core", "Checking against torch"))
        found = _compare(module, _RUNNERS[format](draft), _pictures(pictures), card, plan_)
    progress(1.0, "")
    return {
        "output": str(target),
        "format": format,
        "precision": precision,
        "imgsz": list(plan_.shape),
        "dynamic": dynamic,
        "bytes": sum(file.stat().st_size for file in _files(target)),
        "seconds": round(time.monotonic() - begin, 2),
        "check": asdict(found),
    }


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Export in the engine process: the job "export"; takes the arguments of `export`, or a `folder` for them."""
    output = request.get("output")
    if output is None and request.get("folder"):
        name = _name(Path(request["weights"]), request["format"])
        output = str(_free(Path(request["folder"]) / name))
    size = request.get("imgsz")
    return export(
        request["weights"],
        request["format"],
        tuple(size) if isinstance(size, list) else size,
        request.get("precision", "f32"),
        output,
        dynamic=bool(request.get("dynamic", False)),
        pictures=request.get("pictures", "sample"),
        progress=channel.progress,
    )


def _check_arguments(format_: str, precision: str) -> None:
    if format_ not in FORMATS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no export format “{format}”."),
            QT_TRANSLATE_NOOP("core", "Choose one of: {choices}."),
            format=format_,
            choices=", ".join(FORMATS),
        )
    if precision not in PRECISIONS:
        text = (
            QT_TRANSLATE_NOOP(
                "core", "Weights cannot be stored in “bf16”: it is chosen when the file is run."
            )
            if precision == "bf16"
            else QT_TRANSLATE_NOOP("core", "Weights cannot be stored in “{precision}”.")
        )
        raise AppError(text, QT_TRANSLATE_NOOP("core", "Choose f32 or f16."), precision=precision)


def _shape(imgsz: int | tuple[int, int]) -> tuple[int, int]:
    height, width = imgsz if isinstance(imgsz, tuple) else (imgsz, imgsz)
    if any(size < 32 or size > 4096 or size % 32 for size in (height, width)):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "An input of {width}×{height} pixels is not possible."),
            QT_TRANSLATE_NOOP("core", "Choose multiples of 32 from 32 to 4096."),
            width=width,
            height=height,
        )
    return height, width


def _name(weights: Path, format_: str) -> str:
    # best.pt says nothing: a run's checkpoint is named after its run.
    generic = weights.stem in {"best", "last"} and weights.parent.name == "weights"
    stem = weights.parent.parent.name if generic else weights.stem
    return f"{stem}.onnx" if format_ == "onnx" else f"{stem}_openvino_model"


def _target(weights: Path, format_: str, output: Path | str | None) -> Path:
    if output is None:
        return _free(weights.with_name(_name(weights, format_)))
    target = Path(output)
    if format_ == "onnx" and target.suffix != ".onnx":
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is no name for an ONNX file."),
            QT_TRANSLATE_NOOP("core", "Let it end in .onnx."),
            name=target.name,
        )
    if format_ == "openvino" and not target.name.endswith("_openvino_model"):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is no name for an OpenVINO folder."),
            QT_TRANSLATE_NOOP("core", "Let it end in _openvino_model."),
            name=target.name,
        )
    if target.is_dir() and (format_ == "onnx" or not (target / "metadata.yaml").is_file()):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} is a folder that holds something else."),
            QT_TRANSLATE_NOOP("core", "Choose another name."),
            path=target,
        )
    return target


def _free(path: Path) -> Path:
    """Return the path, numbered where something is there already."""
    suffix = path.suffix or ("_openvino_model" if path.name.endswith("_openvino_model") else "")
    stem = path.name.removesuffix(suffix)
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{stem}-{number}{suffix}")
        number += 1
    return candidate


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Yield a path of the same name in a folder beside `target` that takes its place when all went well."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".export-", dir=target.parent))
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Cannot write to {parent}: {reason}."),
            QT_TRANSLATE_NOOP("core", "Choose another folder."),
            parent=target.parent,
            reason=error.strerror,
        ) from error
    try:
        draft = folder / target.name
        yield draft
        if target.is_dir():
            target.replace(folder / "previous")
        put_in_place(draft, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _files(target: Path) -> list[Path]:
    return [file for file in target.iterdir() if file.is_file()] if target.is_dir() else [target]


def _metadata(loaded: Any, card: Card, plan_: Plan) -> dict[str, Any]:
    """Return what ultralytics reads beside a model, and the design it was made from."""
    meta: dict[str, Any] = {
        "description": "A detector in its deployed form",
        "author": f"Depthwise Studio {__version__}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "license": "AGPL-3.0 License (https://ultralytics.com/license)",
        "stride": card.stride,
        "task": "detect",
        "batch": 1,
        "imgsz": list(plan_.shape),
        "names": card.names,
        "args": {"batch": 1, "dynamic": plan_.dynamic, "half": plan_.precision == "f16", "nms": False},
        "channels": 3,
        "end2end": bool(getattr(loaded.model.model[-1], "end2end", False)),
    }
    if loaded.design is not None:
        from app.core.design import dump_design

        meta["depthwise_studio"] = dump_design(loaded.design)
    return meta


def _write_onnx(module: Any, draft: Path, plan_: Plan, meta: Mapping[str, Any]) -> None:
    import onnx

    write_onnx(module, draft, None if plan_.dynamic else (1, 3, *plan_.shape))
    model = onnx.load(str(draft))
    if plan_.precision == "f16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        model = convert_float_to_float16(model, keep_io_types=True)
    for key, value in meta.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.save(model, str(draft))


def _write_openvino(module: Any, draft: Path, plan_: Plan, meta: Mapping[str, Any]) -> None:
    import yaml

    model = convert(module)
    if not plan_.dynamic:
        model.reshape([1, 3, *plan_.shape])
    labels = [name.replace(" ", "_") for name in meta["names"].values()]
    about = {"model_type": "YOLO", "reverse_input_channels": True, "pad_value": 114, "scale_values": [255.0]}
    for key, value in {**about, "resize_type": "fit_to_window_letterbox", "labels": labels}.items():
        model.set_rt_info(value, ["model_info", key])
    draft.mkdir()
    stem = draft.name.removesuffix("_openvino_model")
    openvino().save_model(model, draft / f"{stem}.xml", compress_to_fp16=plan_.precision == "f16")
    (draft / "metadata.yaml").write_text(yaml.safe_dump(dict(meta), sort_keys=False), encoding="utf-8")


def _run_onnx(draft: Path) -> Infer:
    library = onnxruntime()
    options = library.SessionOptions()
    options.log_severity_level = 3
    session = library.InferenceSession(draft, options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run(None, {"images": batch})[0]


def _run_openvino(draft: Path) -> Infer:
    compiled = openvino().compile_model(next(draft.glob("*.xml")), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda batch: compiled(batch)[0].copy()


_WRITERS = MappingProxyType({"onnx": _write_onnx, "openvino": _write_openvino})
_RUNNERS: Mapping[str, Callable[[Path], Infer]] = MappingProxyType(
    {"onnx": _run_onnx, "openvino": _run_openvino}
)


def _pictures(asked: Sequence[Image] | str) -> list[Image]:
    if not isinstance(asked, str):
        return list(asked)
    with closing(open_source(asked)) as source:
        step = max((source.frames or 0) // CHECK_PICTURES, 1)
        found: list[Image] = []
        for index in range(CHECK_PICTURES):
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


def _compare(module: Any, infer: Infer, pictures: Sequence[Image], card: Card, plan_: Plan) -> Check:
    """Run torch and the exported file on the same pictures."""
    import torch

    boxes, worst_box, worst_score = 0, 0.0, 0.0
    for picture in pictures:
        size = (picture.shape[0], picture.shape[1])
        box = plan(size, max(plan_.shape), card.stride) if plan_.dynamic else fit(size, plan_.shape)
        batch = prepare(picture, box)
        with torch.inference_mode():
            expected = module(torch.from_numpy(batch)).numpy()[0]
        found = infer(batch)[0]
        if found.shape != expected.shape or not np.isfinite(found).all():
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The exported file computes something else than torch."),
                QT_TRANSLATE_NOOP("core", "Export again with f32 instead of {precision}."),
                precision=plan_.precision,
            )
        visible = expected[4:].max(axis=0) >= _VISIBLE
        boxes += int(visible.sum())
        difference = np.abs(found - expected)[:, visible]
        if difference.size:
            worst_box = max(worst_box, float(difference[:4].max()))
            worst_score = max(worst_score, float(difference[4:].max()))
    return Check(len(pictures), boxes, worst_box, worst_score)
