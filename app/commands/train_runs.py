"""The runs that one call of `train` makes: one, a fair pair, several seeds, several stages."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.commands.output import Output
from app.core.design import Design, dump_design
from app.core.errors import AppError
from app.core.events import Event
from app.core.pairs import fair_pair, repeated
from app.core.recovery import in_stages
from app.core.runs import Workspace
from app.core.train_config import TrainConfig

_MOST_SEEDS = 100


def configs_of(
    options: Namespace, workspace: Workspace, design: Design, overrides: Mapping[str, Any]
) -> list[TrainConfig]:
    """Return what the command line asks for, in the order of training.

    Args:
        options: Of `train`.
        workspace: Where the runs go.
        design: What to train.
        overrides: Settings of ultralytics.

    Raises:
        AppError: A value is out of its range.
    """
    if not 1 <= options.seeds <= _MOST_SEEDS:
        raise AppError("--seeds is {count}.", "Take 1 to {most}.", count=options.seeds, most=_MOST_SEEDS)
    if options.pair and design.is_standard:
        raise AppError("--pair needs a lightweight design.", "Give one, or leave --pair out.")
    config = TrainConfig(
        design_text=dump_design(design),
        data=options.data if options.data == "sample" else str(Path(options.data).resolve()),
        name=options.name or Path(options.design).stem,
        epochs=options.epochs,
        imgsz=options.imgsz,
        batch=options.batch,
        device=options.device,
        weights=_absolute(options.weights),
        warm_start=options.warm_start,
        role="standard" if design.is_standard else "lightweight",
        seed=options.seed,
        workspace=str(workspace.root),
        overrides=overrides,
        recover=options.recover,
        teacher=_absolute(options.teacher),
        distill=options.distill,
    )
    seeds = repeated(config, options.seeds)
    return [part for one in seeds for part in (fair_pair(one) if options.pair else (one,))]


def train_all(
    config: TrainConfig, workspace: Workspace, output: Output, emit: Callable[[Event], None]
) -> bool:
    """Train what a record asks for, one run or one run a stage; return whether all of it was trained.

    Raises:
        AppError: A training failed.
    """
    from app.engine import training

    if config.weights is None:
        output.note("No --weights: training starts fresh, from random weights.")
    before = config.weights
    for stage in in_stages(config):
        ready = stage if stage.weights else replace(stage, weights=before)
        run = workspace.new_run(ready.name)
        final = training.run(replace(ready, name=run.name), run, emit=emit)
        if final["event"] != "finished":
            return False
        before = str(run.best)
    return True


def _absolute(path: str | None) -> str | None:
    return str(Path(path).resolve()) if path else None
