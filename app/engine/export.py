"""A detector as a file for other programs, in the deployed form, checked against torch."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app import __version__
from app.core.errors import AppError
from app.core.export_formats import FORMATS, NO_BUNDLE
from app.core.files import put_in_place
from app.core.latency_forms import fast_forms, forms_by_path
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import export_bundle, export_tools
from app.engine.export_check import Check, can_run, pictures_for
from app.engine.export_check import check as _compare
from app.engine.export_writers import Plan, runner, write
from app.engine.model_cache import Card, card_of
from app.engine.openvino_model import for_export
from app.engine.preprocess import Image

BUNDLE = "-bundle"
"""What the name of a bundle ends in."""


def export(
    weights: Path | str,
    format: str,
    imgsz: int | tuple[int, int] | None = None,
    precision: str = "f32",
    output: Path | str | None = None,
    *,
    dynamic: bool = False,
    bundle: bool = False,
    data: str = "",
    pictures: Sequence[Image] | str | None = None,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Write a detector in the deployed form, and say how far it is from torch.

    Stock `ultralytics.YOLO(...)` opens ONNX, OpenVINO and TorchScript too: names, stride and picture size stand inside.

    Args:
        weights: A `.pt` of the Studio or of ultralytics.
        format: One of `export_formats.FORMATS`.
        imgsz: Input size in pixels, the checkpoint's where None: one number for a square, or (height, width),
            which costs less on sources that are no squares.
        precision: "f32", "f16" or "int8", of the stored weights; a format may have fewer.
        output: File or folder to write; a free name beside the weights where None. Its name has the format's ending;
            that of a bundle may be any.
        dynamic: Let the input have any size that is a multiple of 32; some runtimes are slower then.
        bundle: Write a folder with the model, its labels and a script that runs it without the Studio.
        data: Data set whose training pictures INT8 is calibrated with; the run's own where empty.
        pictures: What to check on: pictures, or what `open_source` takes; validation pictures of the weights' run
            where None, or else the sample.
        progress: Told how far it is.
        cancelled: Asked between the steps, and while a tool works.

    Returns:
        `output`, `format`, `precision`, `imgsz`, `dynamic`, `bundle`, `bytes`, `seconds` and `check`.

    Raises:
        AppError: The weights cannot be read, the format is unknown or lacks its tools, the output cannot be written, or
            it was cancelled.
    """
    _check_arguments(format, precision, dynamic=dynamic, bundle=bundle)
    state = export_tools.check(format)
    from app.engine import models

    begin = time.monotonic()

    def step(fraction: float, text: str) -> None:
        if cancelled():
            raise AppError(QT_TRANSLATE_NOOP("core", "The export was cancelled."))
        progress(fraction, text)

    path = Path(weights)
    step(0.0, QT_TRANSLATE_NOOP("core", "Reading the weights"))
    loaded = models.load_checkpoint(path, with_anchors=True)
    card = card_of(loaded)
    tool = export_tools.Tool(format, state.python, cancelled) if state.python else None
    calibration = _training_pictures(path, data) if precision == "int8" else ()
    how = Plan(format, _shape(imgsz or card.imgsz), dynamic, precision, card.stride, calibration, tool)
    target = _target(path, how, output, bundle=bundle)
    forms = forms_by_path(loaded.design, fast_forms(FORMATS[format].runtime, "f32"))
    module = for_export(models.deployed(loaded.model, forms=forms))
    meta = _metadata(loaded, card, how)
    step(0.2, QT_TRANSLATE_NOOP("core", "Converting"))
    with _draft(target) as draft:
        if bundle:
            draft.mkdir()
        model = draft / f"{export_bundle.STEM}{FORMATS[format].ending}" if bundle else draft
        write(module, model, how, meta)
        step(0.6, QT_TRANSLATE_NOOP("core", "Checking against torch"))
        found = Check()
        if can_run(format):
            found = _compare(module, runner(model, how), pictures_for(path, pictures), how)
        if bundle:
            export_bundle.fill(draft, how, meta, state.versions or {})
        step(0.99, "")
    progress(1.0, "")
    return {
        "output": str(target),
        "format": format,
        "precision": precision,
        "imgsz": list(how.shape),
        "dynamic": dynamic,
        "bundle": bundle,
        "bytes": sum(file.stat().st_size for file in _files(target)),
        "seconds": round(time.monotonic() - begin, 2),
        "check": asdict(found),
    }


def _training_pictures(weights: Path, data: str) -> tuple[Path, ...]:
    from app.engine.quantise import calibration_data, training_pictures

    return tuple(training_pictures(data or calibration_data(weights)))


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Export in the engine process: the job "export"; takes the arguments of `export`, or a `folder` for them."""
    output, format_ = request.get("output"), request["format"]
    precision, bundle = request.get("precision", "f32"), bool(request.get("bundle", False))
    if output is None and request.get("folder"):
        _check_arguments(format_, precision)
        name = _name(Path(request["weights"]), format_, precision, bundle=bundle)
        output = str(_free(Path(request["folder"]) / name))
    size = request.get("imgsz")
    return export(
        request["weights"],
        format_,
        tuple(size) if isinstance(size, list) else size,
        precision,
        output,
        dynamic=bool(request.get("dynamic", False)),
        bundle=bundle,
        data=str(request.get("data", "")),
        pictures=request.get("pictures"),
        progress=channel.progress,
        cancelled=lambda: bool(getattr(channel, "cancelled", False)),
    )


def _check_arguments(format_: str, precision: str, *, dynamic: bool = False, bundle: bool = False) -> None:
    if format_ not in FORMATS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no export format “{format}”."),
            QT_TRANSLATE_NOOP("core", "Choose one of: {choices}."),
            format=format_,
            choices=", ".join(FORMATS),
        )
    form = FORMATS[format_]
    if precision == "bf16":
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core", "Weights cannot be stored in “bf16”: it is chosen when the file is run."
            ),
            QT_TRANSLATE_NOOP("core", "Choose one of: {choices}."),
            choices=", ".join(form.precisions),
        )
    if precision not in form.precisions:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{title} is not written in “{precision}” here."),
            QT_TRANSLATE_NOOP("core", "Choose one of: {choices}."),
            title=form.title,
            precision=precision,
            choices=", ".join(form.precisions),
        )
    if dynamic and not form.dynamic:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{title} is written for one picture size here."),
            QT_TRANSLATE_NOOP("core", "Choose a fixed size, or another format."),
            title=form.title,
        )
    if bundle and format_ in NO_BUNDLE:
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core", "There is no bundle for {title}: its file runs on this kind of GPU alone."
            ),
            QT_TRANSLATE_NOOP("core", "Leave the bundle out, or bundle ONNX, which TensorRT reads."),
            title=form.title,
        )


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


def _name(weights: Path, format_: str, precision: str = "f32", *, bundle: bool = False) -> str:
    # best.pt says nothing: a run's checkpoint is named after its run.
    generic = weights.stem in {"best", "last"} and weights.parent.name == "weights"
    stem = weights.parent.parent.name if generic else weights.stem
    if precision != "f32":
        stem = f"{stem}-{precision}"
    return f"{stem}-{format_}{BUNDLE}" if bundle else f"{stem}{FORMATS[format_].ending}"


def _target(weights: Path, how: Plan, output: Path | str | None, *, bundle: bool) -> Path:
    form = FORMATS[how.format]
    if output is None:
        return _free(weights.with_name(_name(weights, how.format, how.precision, bundle=bundle)))
    target = Path(output)
    if not bundle and not target.name.endswith(form.ending):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is no name for {title}."),
            QT_TRANSLATE_NOOP("core", "Let it end in {ending}."),
            name=target.name,
            title=form.title,
            ending=form.ending,
        )
    if target.is_dir() and not _is_ours(target, bundle=bundle, is_folder=form.is_folder):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} is a folder that holds something else."),
            QT_TRANSLATE_NOOP("core", "Choose another name."),
            path=target,
        )
    return target


def _is_ours(folder: Path, *, bundle: bool, is_folder: bool) -> bool:
    """Return whether a folder is an earlier export, which may be replaced."""
    if bundle:
        return (folder / "model.json").is_file() and (folder / "detect.py").is_file()
    return is_folder and any((folder / name).is_file() for name in ("metadata.yaml", "Manifest.json"))


_ENDINGS = (BUNDLE, *(form.ending for form in FORMATS.values()))


def _free(path: Path) -> Path:
    """Return the path, numbered where something is there already."""
    suffix = next((ending for ending in _ENDINGS if path.name.endswith(ending)), "")
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
    return [file for file in target.rglob("*") if file.is_file()] if target.is_dir() else [target]


def _metadata(loaded: Any, card: Card, how: Plan) -> dict[str, Any]:
    """Return what ultralytics reads beside a model, and the design it was made from."""
    meta: dict[str, Any] = {
        "description": "A detector in its deployed form",
        "author": f"Depthwise Studio {__version__}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "license": "AGPL-3.0 License (https://ultralytics.com/license)",
        "stride": card.stride,
        "task": "detect",
        "batch": 1,
        "imgsz": list(how.shape),
        "names": card.names,
        "args": {"batch": 1, "dynamic": how.dynamic, "half": how.precision == "f16", "nms": False},
        "channels": 3,
        "end2end": bool(getattr(loaded.model.model[-1], "end2end", False)),
    }
    if loaded.design is not None:
        from app.core.design import dump_design

        meta["depthwise_studio"] = dump_design(loaded.design)
    return meta
