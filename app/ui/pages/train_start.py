"""From the form to run folders: what Train lightweight, standard and both make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.design import Design, dump_design, parse_design
from app.core.run_queue import RunQueue
from app.core.runs import RunFolder, make_name
from app.core.train_config import TrainConfig
from app.ui.pages.train_form import FormValues
from app.ui.workspace import Workspace
from app.workers.queue import enqueue

LIGHTWEIGHT, STANDARD, BOTH = "lightweight", "standard", "both"
MODES = (LIGHTWEIGHT, STANDARD, BOTH)


@dataclass(frozen=True)
class _Part:
    role: str
    design: Design
    name: str


def begin(workspace: Workspace, values: FormValues, mode: str, awake: bool = True) -> list[RunFolder]:
    """Make the run folders and put them into the queue: the first begins at once where nothing else trains.

    Args:
        workspace: Whose design and data to train.
        values: What the form says; with several seeds every part is trained once per seed.
        mode: One of `MODES`.
        awake: Whether the machine is kept from sleeping meanwhile.

    Raises:
        AppError: A value is out of range, the workspace cannot be written, or the process cannot be started.
    """
    parts = _parts(workspace.design, workspace.name, values.name, mode)
    seeds = range(values.seed, values.seed + values.seeds)
    configs = [_config(workspace, values, part, seed) for seed in seeds for part in parts]
    runs = []
    for config in configs:
        run = workspace.folder.new_run(config.name)
        run.write_config(_named(config, run.name))
        runs.append(run)
    enqueue(RunQueue(workspace.folder), [run.name for run in runs], awake=awake)
    return runs


def edited(config: TrainConfig, workspace: Workspace, values: FormValues) -> TrainConfig:
    """Return what a waiting run is told after its form was changed; name, design and role stay.

    Raises:
        AppError: A value is out of range.
    """
    part = _Part(config.role, parse_design(config.design_text, config.name), config.name)
    return _named(_config(workspace, values, part, values.seed), config.name)


def _parts(design: Design, design_name: str, name: str, mode: str) -> Sequence[_Part]:
    """Return what to train; in a pair the standard one comes first."""
    both = mode == BOTH
    stem = name or design_name
    standard = _Part(STANDARD, design.cleared(), make_name(stem, "-standard") if both or not name else name)
    light = _Part(LIGHTWEIGHT, design, make_name(stem, "-lightweight") if both or not name else name)
    return {STANDARD: (standard,), LIGHTWEIGHT: (light,), BOTH: (standard, light)}[mode]


def _config(workspace: Workspace, values: FormValues, part: _Part, seed: int) -> TrainConfig:
    return TrainConfig(
        design_text=dump_design(part.design),
        data=workspace.data,
        name=part.name if values.seeds == 1 else make_name(part.name, f"-seed{seed}"),
        epochs=values.epochs,
        imgsz=values.imgsz,
        batch=values.batch,
        device=values.device,
        weights=values.weights,
        warm_start=values.warm_start,
        role=part.role,
        seed=seed,
        workspace=str(workspace.folder.root),
        overrides=values.overrides,
    )


def _named(config: TrainConfig, name: str) -> TrainConfig:
    return TrainConfig.from_dict({**config.to_dict(), "name": name})
