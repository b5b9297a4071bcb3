"""What the Models page lists: runs with their figures, converted and exported models, opened files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.run_notes import Notes, read_notes
from app.core.run_state import RunState
from app.core.runs import RunFolder, Workspace

RUN, CHECKPOINT, ONNX, OPENVINO = "run", "checkpoint", "onnx", "openvino"
_OPENVINO_ENDING = "_openvino_model"


@dataclass(frozen=True)
class ModelRow:
    """One model.

    Attributes:
        name: What people call it.
        path: Its weights; a folder for OpenVINO.
        kind: ``run``, ``checkpoint``, ``onnx`` or ``openvino``.
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
    if path.is_dir() and path.name.endswith(_OPENVINO_ENDING):
        total = sum(_size(file) for file in path.iterdir() if file.is_file())
        return ModelRow(path.name.removesuffix(_OPENVINO_ENDING), path, OPENVINO, bytes=total)
    if path.is_file() and path.suffix == ".onnx":
        return ModelRow(path.stem, path, ONNX, bytes=_size(path))
    if path.is_file() and path.suffix == ".pt":
        return ModelRow(path.stem, path, CHECKPOINT, bytes=_size(path), figures=_read(figures_path(path)))
    return None


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
