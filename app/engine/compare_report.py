"""Writes the report of a comparison: HTML, and beside it the same as JSON and CSV."""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import platform
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from importlib import metadata
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from app import __version__
from app.core.compare_figures import SessionFigures
from app.core.compare_report import CompareReport, Model, Picture, as_csv, as_html, as_json
from app.core.cost import compare_cost
from app.core.design import Design, dump_design
from app.core.errors import AppError
from app.core.files import write_text
from app.core.run_card import card
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP

_PACKAGES = ("openvino", "onnxruntime", "torch", "ultralytics", "numpy", "opencv-python")
_JUDGED = "judged"
_NICEST = 19

Tell = Callable[[dict[str, Any]], object]


def write_report(
    path: Path, figures: SessionFigures, settings: Mapping[str, Any], pictures: Sequence[Picture] = ()
) -> tuple[Path, ...]:
    """Write the report, and return the files: HTML, JSON, CSV. Reads both weights; imports torch for that.

    Args:
        path: the HTML file; the others stand beside it under the same name.
        figures: what was measured.
        settings: what else was chosen: name → value.
        pictures: from `PairPictures.pictures`.

    Raises:
        AppError: a file cannot be written.
    """
    shape = figures.a.shape
    models = [model_of(Path(side.weights), side.shape or shape) for side in (figures.a, figures.b)]
    if models[0].name == models[1].name and models[0].weights != models[1].weights:
        models = [replace(model, name=_longer_name(Path(model.weights))) for model in models]
    report = CompareReport(
        created=datetime.now().astimezone().isoformat(sep=" ", timespec="seconds"),
        figures=figures,
        models=(models[0], models[1]),
        machine=_machine(),
        versions=_versions(),
        settings=settings,
        pictures=tuple(pictures),
    )
    page = path if path.suffix.lower() in (".html", ".htm") else path.with_name(f"{path.name}.html")
    files = {page: as_html, page.with_suffix(".json"): as_json, page.with_suffix(".csv"): as_csv}
    for file, form in files.items():
        try:
            write_text(file, form(report))
        except OSError as error:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The report {path} cannot be written: {reason}."),
                QT_TRANSLATE_NOOP("core", "Choose another folder, or free some space."),
                path=file,
                reason=error.strerror or error,
            ) from error
    return tuple(files)


class ReportWriter:
    """Writes a report in a process of its own, so that a comparison goes on undisturbed and imports no torch.

    Tells {"event": "report", "path", "files"}, or {"event": "problem", …} as an `AppError` says it; from a thread.

    Args:
        path, figures, settings, pictures: as `write_report` takes them.
        tell: takes the one event.
    """

    def __init__(
        self,
        path: Path,
        figures: SessionFigures,
        settings: Mapping[str, Any],
        pictures: Sequence[Picture],
        tell: Tell,
    ) -> None:
        self._tell = tell
        context = multiprocessing.get_context("spawn")
        self._news, child_news = context.Pipe(duplex=False)
        material = (path, figures, dict(settings), tuple(pictures))
        self._process = context.Process(
            target=_serve, args=(material, child_news), name="report", daemon=True
        )
        self._process.start()
        child_news.close()
        self._listener = threading.Thread(target=self._listen, name="report", daemon=True)
        self._listener.start()

    @property
    def busy(self) -> bool:
        """Whether it is still writing."""
        return self._listener.is_alive()

    def close(self, timeout: float = 60.0) -> None:
        """Wait until it is written; end it where that takes longer."""
        self._listener.join(timeout)
        if self._listener.is_alive():
            self._process.kill()
            self._listener.join()

    def _listen(self) -> None:
        event: dict[str, Any] = {}
        with contextlib.suppress(EOFError, OSError):
            event = self._news.recv()
        self._news.close()
        self._process.join()
        if not event:
            problem = AppError(
                QT_TRANSLATE_NOOP("core", "The process that writes the report has ended (status {status})."),
                QT_TRANSLATE_NOOP("core", "Write it once more."),
                status=self._process.exitcode if self._process.exitcode is not None else "?",
            )
            event = {"event": "problem", **problem.as_dict()}
        self._tell(event)


def _serve(
    material: tuple[Path, SessionFigures, dict[str, Any], tuple[Picture, ...]], news: Connection
) -> None:
    """Write a report and tell about it (the child's main function)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICEST)
    from app.engine.environment_setup import prepare

    prepare()
    try:
        files = write_report(*material)
        event = {"event": "report", "path": str(files[0]), "files": [str(file) for file in files]}
    except AppError as problem:
        event = {"event": "problem", **problem.as_dict()}
    with contextlib.suppress(BrokenPipeError, OSError):
        news.send(event)


# --- models -----------------------------------------------------------------------------------------------------


def model_of(weights: Path, shape: tuple[int, int] | None = None) -> Model:
    """Return what is known of weights: from the run whose folder they lie in, else from the file itself.

    Args:
        weights: a checkpoint, or what stands for one.
        shape: height and width of the network's input, for the operations it takes.
    """
    folder = weights.parent.parent
    try:
        size = weights.stat().st_size if weights.is_file() else None
    except OSError:
        size = None
    plain = Model(name=weights.stem, weights=str(weights), bytes=size)
    try:
        if weights.parent.name == "weights" and (folder / "run.yaml").is_file():
            return _of_run(plain, RunFolder(folder), shape)
        return _of_file(plain, weights, shape) if weights.suffix == ".pt" else plain
    except AppError as problem:
        return replace(plain, problem=str(problem))


def _longer_name(weights: Path) -> str:
    parts = [part for part in weights.parts[-3:-1] if part not in ("weights", "/")]
    return "/".join((*parts, weights.stem))


def _of_file(plain: Model, weights: Path, shape: tuple[int, int] | None) -> Model:
    from app.engine.weights import read_weights, run_inspect

    told = run_inspect({"path": weights}, None)
    found = read_weights(weights)
    known = replace(
        plain,
        kind=str(told["kind"]),
        base=str(told["base"]),
        classes=tuple(str(name) for name in told["names"]),
        swaps=told["swaps"],
        parameters=int(told["parameters"]),
        data=str(told["provenance"].get("data", "")),
    )
    if found.kind == "yolov5-original":
        return known  # its head is none that the Studio counts
    design = found.design or Design.stock(found.base)
    return _with_costs(known, design.with_classes(found.classes or design.architecture.classes), shape)


def _of_run(plain: Model, run: RunFolder, shape: tuple[int, int] | None) -> Model:
    told = card(run)
    results, classes = told["results"], tuple(told["data"]["classes"])
    accuracy = {
        name: value for name, value in results.items() if name in ("map50_95", "map50", "precision", "recall")
    }
    known = replace(
        plain,
        name=run.name if Path(plain.weights).name == "best.pt" else f"{run.name}/{plain.name}",
        kind="studio",
        base=told["design"]["base"],
        classes=classes,
        run=run.name,
        epochs=results["epoch"],
        data=told["data"]["path"],
    )
    if accuracy.get("map50") is not None and Path(plain.weights).name == "best.pt":
        known = replace(
            known, accuracy={"val": {**accuracy, "per_class": results["per_class"]}, **_judged(run, plain)}
        )
    design = run.design()
    known = replace(known, base=design.base, design=dump_design(design))
    return _with_costs(known, design.with_classes(len(classes)) if classes else design, shape)


def _judged(run: RunFolder, plain: Model) -> dict[str, dict[str, Any]]:
    """Return the figures on the test pictures, where the run was judged on them with these very weights."""
    from app.engine.predictions import load_predictions

    with contextlib.suppress(OSError):
        with Path(plain.weights).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()[:16]
        for cache in sorted((run.path / _JUDGED).glob(f"test-*-{digest}.npz")):
            found = load_predictions(cache)
            if found is not None:
                from app.engine.judging import figures

                told = figures(found)
                names = ("map50_95", "map50", "precision", "recall", "per_class")
                return {"test": {name: told[name] for name in names}}
    return {}


def _with_costs(known: Model, design: Design, shape: tuple[int, int] | None) -> Model:
    costs = compare_cost(design, shape or 640)
    plain, deployed = costs.lightweight, costs.deployed_lightweight
    return replace(
        known,
        swaps={path: swap.block for path, swap in design.resolved().items()},
        design=known.design or dump_design(design),
        parameters=plain.parameters,
        gflops=plain.flops / 1e9,
        deployed_parameters=deployed.parameters,
        deployed_gflops=deployed.flops / 1e9,
    )


# --- machine ----------------------------------------------------------------------------------------------------


def _machine() -> dict[str, Any]:
    import psutil

    from app.engine.latency_setting import processor_name

    return {
        "processor": processor_name(),
        "cores": os.cpu_count() or 1,
        "memory_bytes": int(psutil.virtual_memory().total),
        "system": platform.platform(),
    }


def _versions() -> dict[str, str]:
    found = {"Depthwise Studio": __version__, "Python": platform.python_version()}
    for name in _PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
