"""What a bench measures: the given models, plain untrained rivals of them, and the ways to execute each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.core.bench import COST, Cell, Kept
from app.core.design import Design
from app.core.errors import AppError
from app.core.folders import cache_folder, resources
from app.core.rivals import Rival, smaller
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import model_cache
from app.engine.bench_process import BenchCancelledError, part
from app.engine.runtime_choice import candidates, has_openvino, version

INT8_PACKAGE = "nncf"
MOST_MODELS, MOST_RIVALS = 40, 3


@dataclass(frozen=True)
class Subject:
    """A model of the bench.

    Attributes:
        name: of the model, no other has it.
        path: its weights.
        identity: stands for what is in them.
        trained: False for a plain rival.
        cost: what `bench_child.cost` found; empty where that failed.
        problem: why nothing can be measured of it.
    """

    name: str
    path: Path
    identity: str
    trained: bool = True
    cost: Mapping[str, Any] = field(default_factory=dict)
    problem: AppError | None = None

    @property
    def role(self) -> str:
        """ "standard", "lightweight", "rival" or ""."""
        return str(self.cost.get("role", "")) if self.trained else "rival"

    @property
    def training_data(self) -> str:
        """The data set its run was trained on; "" where there is no run."""
        if self.path.parent.resolve() == (resources() / "sample").resolve():
            return "sample"
        try:
            return str(RunFolder(self.path.parents[1]).config().data)
        except (AppError, IndexError):
            return ""


def named(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """Return models with names that differ: a run's name for its best weights, else the file's, or a longer one.

    Raises:
        AppError: there are none, or too many.
    """
    paths = list(dict.fromkeys(paths))
    if not 1 <= len(paths) <= MOST_MODELS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{count} models cannot be put on one bench."),
            QT_TRANSLATE_NOOP("core", "Choose 1 to {most}."),
            count=len(paths),
            most=MOST_MODELS,
        )
    found: dict[str, Path] = {}
    for path in paths:
        of_run = path.stem in ("best", "last") and path.parent.name == "weights" and len(path.parts) > 2
        name = (
            path.parents[1].name if of_run else path.name.removesuffix("_openvino_model").removesuffix(".pt")
        )
        if of_run and path.stem == "last":
            name += " (last)"
        if name in found:
            name = str(path)
        found[name] = path
    return list(found.items())


def with_costs(
    models: Sequence[tuple[str, Path]],
    imgsz: int | None,
    kept: Kept,
    cancelled: Callable[[], bool],
    tell: Callable[[str], None],
) -> list[Subject]:
    """Return every model with what it costs; one that cannot be read has a problem instead."""
    found = []
    for name, path in models:
        try:
            identity = _identity(path)
            found.append(_costed(Subject(name, path, identity), imgsz, kept, cancelled, tell))
        except BenchCancelledError:
            raise
        except AppError as problem:
            found.append(Subject(name, path, "", problem=problem))
    return found


def _costed(
    subject: Subject,
    imgsz: int | None,
    kept: Kept,
    cancelled: Callable[[], bool],
    tell: Callable[[str], None],
) -> Subject:
    about = {"weights": subject.identity, "imgsz": imgsz, "ultralytics": version("ultralytics")}
    value = kept.get(COST, about)
    if value is None:
        tell(subject.name)
        value = part({"do": "cost", "weights": str(subject.path), "imgsz": imgsz}, cancelled)
        kept.keep(COST, about, value, subject.name)
    return replace(subject, cost=value)


def _identity(path: Path) -> str:
    """Return a short hash of a file, or of the files of a folder.

    Raises:
        AppError: there is nothing, or it cannot be read.
    """
    if not path.is_dir():
        beside = path.with_suffix(".bin")
        extra = model_cache.fingerprint(beside) if path.suffix == ".xml" and beside.is_file() else ""
        return model_cache.fingerprint(path) + extra
    files = sorted(file for file in path.iterdir() if file.is_file())
    told = "\n".join(f"{file.name} {model_cache.fingerprint(file)}" for file in files)
    return hashlib.sha256(told.encode()).hexdigest()[:24]


def rivals(
    subjects: Sequence[Subject],
    classes: int,
    imgsz: int | None,
    kept: Kept,
    cancelled: Callable[[], bool],
    tell: Callable[[str], None],
) -> list[Subject]:
    """Return plain untrained models that cost about what the lightweight ones do.

    For the base model of each lightweight model: itself, unless a trained standard model of it is on the bench; the
    largest smaller one of its family; and the plain one whose width brings it nearest to the lightweight model's
    GFLOPs. They have cost and speed; accuracy they would have after a training alone.
    """
    there = {str(one.cost.get("base")) for one in subjects if one.role == "standard"}
    wanted: dict[str, tuple[str, float]] = {}
    for one in subjects:
        if one.role != "lightweight" or not one.cost.get("base"):
            continue
        for name, base, width in _rivals_of(one, classes, imgsz, kept, cancelled):
            if not (width == 1.0 and base in there):
                wanted.setdefault(name, (base, width))
    taken = {one.name for one in subjects}
    found = []
    for plain, (base, width) in list(wanted.items())[:MOST_RIVALS]:
        name = f"{plain} (plain)" if plain in taken else plain
        side = imgsz or max((int(one.cost.get("imgsz", 0)) for one in subjects), default=0) or 640
        identity = f"untrained {plain}, {classes} classes, ultralytics {version('ultralytics')}"
        place = hashlib.sha256(f"{identity} {side}".encode()).hexdigest()[:24]
        path = cache_folder() / "bench" / f"{place}.pt"
        subject = Subject(name, path, identity, trained=False)
        try:
            if not path.is_file():
                tell(name)
                made = {"do": "rival", "base": base, "classes": classes, "width": width, "imgsz": side}
                part({**made, "weights": str(path)}, cancelled)
            found.append(_costed(subject, imgsz, kept, cancelled, tell))
        except BenchCancelledError:
            raise
        except AppError as problem:
            found.append(replace(subject, problem=problem))
    return found


def _rivals_of(
    one: Subject, classes: int, imgsz: int | None, kept: Kept, cancelled: Callable[[], bool]
) -> list[tuple[str, str, float]]:
    """Return name, base model and width of what a lightweight model competes with."""
    base = str(one.cost["base"])
    side = imgsz or int(one.cost["imgsz"])
    found = [(base, base, 1.0)]
    plain: Sequence[Rival] = smaller(Design.stock(base, classes), side)
    if plain:
        largest = max(plain, key=lambda rival: rival.cost.flops)
        found.append((largest.name, largest.base, 1.0))
    about = {"base": base, "classes": classes, "imgsz": side, "gflops": round(float(one.cost["gflops"]), 4)}
    known = kept.get(COST, about)
    if known is None:
        known = part({"do": "width", **about}, cancelled)
        kept.keep(COST, about, known, f"{base} as narrow as {one.name}")
    width = float(known["width"])
    found.append((f"{base} × {width:g}", base, width))
    return found


def cells(runtimes: Sequence[str], precisions: Sequence[str]) -> list[Cell]:
    """Return how every model is executed.

    Where both lists are given, each runtime with each precision, whether it can or not: a row says why it cannot.
    Otherwise what this machine can, INT8 included where the package that makes it is installed.

    Args:
        runtimes: empty for all.
        precisions: empty for all.
    """
    able = [Cell(one.runtime, one.precision, one.device) for one in candidates()]
    if has_openvino() and version(INT8_PACKAGE) and Cell("openvino", "int8") not in able:
        able.append(Cell("openvino", "int8"))
    if runtimes and precisions:
        return [Cell(runtime, precision) for runtime in runtimes for precision in precisions]
    chosen = [
        cell
        for cell in able
        if (not runtimes or cell.runtime in runtimes) and (not precisions or cell.precision in precisions)
    ]
    known = [cell.runtime for cell in chosen]
    # One that was named and is not here gets a row that says so.
    chosen += [Cell(runtime, "f32") for runtime in runtimes if runtime not in known]
    return chosen or [Cell("openvino", precision) for precision in precisions]
