"""From the form to run folders: what Train lightweight, standard and both make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.design import Design, dump_design
from app.core.runs import RunFolder, make_name
from app.core.train_config import TrainConfig
from app.ui.pages.train_form import FormValues
from app.ui.workspace import Workspace
from app.workers.training import start_training

LIGHTWEIGHT, STANDARD, BOTH = "lightweight", "standard", "both"
MODES = (LIGHTWEIGHT, STANDARD, BOTH)


@dataclass(frozen=True)
class _Part:
    role: str
    design: Design
    name: str


def begin(workspace: Workspace, values: FormValues, mode: str) -> list[RunFolder]:
    """Make the run folders and start the process that trains them, one after the other.

    Args:
        workspace: Whose design and data to train.
        values: What the form says.
        mode: One of `MODES`.

    Raises:
        AppError: A value is out of range, the workspace cannot be written, or the process cannot be started.
    """
    parts = _parts(workspace.design, workspace.name, values.name, mode)
    configs = [_config(workspace, values, part) for part in parts]
    runs = []
    for config in configs:
        run = workspace.folder.new_run(config.name)
        run.write_config(_named(config, run.name))
        runs.append(run)
    start_training(runs)
    return runs


def _parts(design: Design, design_name: str, name: str, mode: str) -> Sequence[_Part]:
    """Return what to train; in a pair the standard one comes first."""
    both = mode == BOTH
    stem = name or design_name
    standard = _Part(STANDARD, design.cleared(), make_name(stem, "-standard") if both or not name else name)
    light = _Part(LIGHTWEIGHT, design, make_name(stem, "-lightweight") if both or not name else name)
    return {STANDARD: (standard,), LIGHTWEIGHT: (light,), BOTH: (standard, light)}[mode]


def _config(workspace: Workspace, values: FormValues, part: _Part) -> TrainConfig:
    return TrainConfig(
        design_text=dump_design(part.design),
        data=workspace.data,
        name=part.name,
        epochs=values.epochs,
        imgsz=values.imgsz,
        batch=values.batch,
        device=values.device,
        weights=values.weights,
        warm_start=values.warm_start,
        role=part.role,
        seed=values.seed,
        workspace=str(workspace.folder.root),
        overrides=values.overrides,
    )


def _named(config: TrainConfig, name: str) -> TrainConfig:
    return TrainConfig.from_dict({**config.to_dict(), "name": name})
