"""What the Models page lists: runs with their figures, converted and exported models, opened files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.export_formats import FORMATS
from app.core.run_notes import Notes, read_notes
from app.core.run_state import RunState
from app.core.runs import RunFolder, Workspace

RUN, CHECKPOINT, BUNDLE = "run", "checkpoint", "bundle"
_BUNDLE_ENDING = "-bundle"


@dataclass(frozen=True)
class ModelRow:
    """One model.

    Attributes:
        name: What people call it.
        path: Its weights; a folder for OpenVINO and other formats that are one.
        kind: ``run``, ``checkpoint``, ``bundle`` or the name of an export format.
        run: The run it comes from, or None.
        state: How that run stands, or None.
        bytes: Size of the weights; 0 where there are none yet.
        figures: What an evaluation of it gave; empty where there was none.
        notes: Tags and a note of the run.
    """

    name: str
    path: Path
    kind: str
    run: RunFolder | None = None
    state: RunState | None = None
    bytes: int = 0
    figures: Mapping[str, Any] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)

    @property
    def map50(self) -> float | None:
        """mAP50 of the best epoch, or None."""
        return _figure(self, "map50")

    @property
    def map50_95(self) -> float | None:
        """mAP50-95 of the best epoch, or None."""
        return _figure(self, "map50_95")

    @property
    def gflops(self) -> float | None:
        """Cost at the size it was trained for, or None."""
        flops = self._about.get("flops")
        return float(flops) / 1e9 if isinstance(flops, (int, float)) else None

    @property
    def role(self) -> str:
        """``standard``, ``lightweight``, or empty."""
        return str(self._about.get("role", ""))

    @property
    def parameters(self) -> int:
        """Parameters of the model; 0 where they are not known."""
        value = self._about.get("parameters")
        return value if isinstance(value, int) else 0

    @property
    def imgsz(self) -> int | None:
        """Size in pixels that it was trained or measured at, or None."""
        value = self._about.get("imgsz")
        return value if isinstance(value, int) else None

    @property
    def _about(self) -> Mapping[str, Any]:
        return self.state.about if self.state is not None else self.figures

    @property
    def usable(self) -> bool:
        """Whether there are weights."""
        return self.bytes > 0

    @property
    def exportable(self) -> bool:
        """Whether it is a checkpoint, which alone can be exported."""
        return self.usable and self.kind in (RUN, CHECKPOINT)


def model_rows(workspace: Workspace, opened: Iterable[Path] = ()) -> list[ModelRow]:
    """Return every model of a workspace, runs first, and the files that were opened."""
    rows = [_run_row(run) for run in workspace.list_runs()]
    exports = workspace.root / "exports"
    found = sorted(exports.iterdir()) if exports.is_dir() else []
    rows += [row for row in map(_file_row, found) if row is not None]
    known = {row.path for row in rows}
    rows += [row for row in map(_file_row, opened) if row is not None and row.path not in known]
    return rows


def _run_row(run: RunFolder) -> ModelRow:
    return ModelRow(run.name, run.best, RUN, run, run.state(), _size(run.best), notes=read_notes(run.path))


def _file_row(path: Path) -> ModelRow | None:
    """Return the row of a checkpoint, an exported file or folder, or a bundle; None for anything else."""
    if path.is_file() and path.suffix == ".pt":
        return ModelRow(path.stem, path, CHECKPOINT, bytes=_size(path), figures=_read(figures_path(path)))
    if path.is_dir() and path.name.endswith(_BUNDLE_ENDING):
        return ModelRow(path.name.removesuffix(_BUNDLE_ENDING), path, BUNDLE, bytes=_size_of_all(path))
    for form in FORMATS.values():
        if path.name.endswith(form.ending) and path.is_dir() == form.is_folder:
            total = _size_of_all(path) if form.is_folder else _size(path)
            return ModelRow(path.name.removesuffix(form.ending), path, form.name, bytes=total)
    return None


def _size_of_all(folder: Path) -> int:
    """Return the bytes of the files in a folder and in those within it."""
    return sum(_size(file) for file in folder.rglob("*") if file.is_file())


def figures_path(weights: Path) -> Path:
    """Return where the figures of a converted checkpoint are kept."""
    return weights.with_suffix(".val.json")


def _read(path: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _figure(row: ModelRow, name: str) -> float | None:
    figures = (row.state.best or row.state.metrics) if row.state is not None else row.figures
    value = figures.get(name)
    return float(value) if isinstance(value, (int, float)) else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
