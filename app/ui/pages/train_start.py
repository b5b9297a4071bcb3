"""From the form to run folders: what Train lightweight, standard and both make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.core.design import dump_design
from app.core.pairs import fair_pair, repeated
from app.core.recovery import in_stages
from app.core.run_queue import RunQueue
from app.core.runs import RunFolder, make_name
from app.core.train_config import TrainConfig
from app.ui.pages.train_form import FormValues
from app.ui.workspace import Workspace
from app.workers.queue import enqueue

LIGHTWEIGHT, STANDARD, BOTH = "lightweight", "standard", "both"
MODES = (LIGHTWEIGHT, STANDARD, BOTH)


def planned(workspace: Workspace, values: FormValues, mode: str) -> list[TrainConfig]:
    """Return what a mode trains with one seed, in order; in a pair the standard one comes first.

    Args:
        workspace: Whose design and data to train.
        values: What the form says.
        mode: One of `MODES`.

    Raises:
        AppError: A value is out of range.
    """
    config = _config(workspace, values, mode)
    return list(fair_pair(config)) if mode == BOTH else [config]


def begin(workspace: Workspace, values: FormValues, mode: str, awake: bool = True) -> list[RunFolder]:
    """Make the run folders and put them into the queue: the first begins at once where nothing else trains.

    Args:
        workspace: Whose design and data to train.
        values: What the form says; with several seeds all of it is trained once per seed.
        mode: One of `MODES`.
        awake: Whether the machine is kept from sleeping meanwhile.

    Raises:
        AppError: A value is out of range, the workspace cannot be written, or the process cannot be started.
    """
    seeds = repeated(_config(workspace, values, mode), values.seeds)
    parts = [part for one in seeds for part in (fair_pair(one) if mode == BOTH else (one,))]
    stages = [stage for part in parts for stage in in_stages(part)]
    made = [(config, workspace.folder.new_run(config.name)) for config in stages]
    names = {config.name: run.name for config, run in made}
    before = ""
    for config, run in made:
        weights = before if config.weights == "" else config.weights
        partner = names.get(config.partner, "")
        run.write_config(replace(config, name=run.name, partner=partner, weights=weights))
        before = str(run.best)
    runs = [run for _, run in made]
    enqueue(RunQueue(workspace.folder), [run.name for run in runs], awake=awake)
    return runs


def edited(config: TrainConfig, workspace: Workspace, values: FormValues) -> TrainConfig:
    """Return what a waiting run is told after its form was changed; name, design, role and partner stay.

    Raises:
        AppError: A value is out of range.
    """
    return replace(config, data=workspace.data, **_told(values))


def _config(workspace: Workspace, values: FormValues, mode: str) -> TrainConfig:
    design = workspace.design.cleared() if mode == STANDARD else workspace.design
    suffix = "" if values.name or mode == BOTH else f"-{mode}"
    return TrainConfig(
        design_text=dump_design(design),
        data=workspace.data,
        name=make_name(values.name or workspace.name, suffix),
        role=STANDARD if mode == STANDARD else LIGHTWEIGHT,
        workspace=str(workspace.folder.root),
        **_told(values),
    )


def _told(values: FormValues) -> dict[str, Any]:
    """Return the fields of a training's record that the form holds."""
    return {
        "epochs": values.epochs,
        "imgsz": values.imgsz,
        "batch": values.batch,
        "device": values.device,
        "weights": values.weights,
        "warm_start": values.warm_start,
        "seed": values.seed,
        "recover": values.recover,
        "teacher": values.teacher,
        "overrides": values.overrides,
    }
