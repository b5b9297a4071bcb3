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
from app.core.pairs import fair_pair, repeated, standard_first
from app.core.recovery import in_stages
from app.core.runs import Workspace
from app.core.train_config import TrainConfig

_MOST_SEEDS = 100


def configs_of(
    options: Namespace, workspace: Workspace, design: Design, overrides: Mapping[str, Any]
) -> tuple[TrainConfig, ...]:
    """Return what the command line asks for, one record a seed.

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
    if (options.pair or options.first) and design.is_standard:
        raise AppError("--pair and --first need a lightweight design.", "Give one, or leave them out.")
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
    return repeated(config, options.seeds)


def parts_of(config: TrainConfig, *, first: int = 0, pair: bool = False) -> tuple[TrainConfig, ...]:
    """Return the trainings that `train_all` makes of one record, for an estimate: stages and weights left aside.

    Raises:
        AppError: The design is broken.
    """
    base = (standard_first(config, first),) if first else ()
    return base + (fair_pair(config) if pair else (config,))


def train_all(
    config: TrainConfig,
    workspace: Workspace,
    output: Output,
    emit: Callable[[Event], None],
    *,
    first: int = 0,
    pair: bool = False,
) -> bool:
    """Train what a record asks for; return whether all of it was trained.

    Args:
        config: Of the lightweight training, or of the only one.
        workspace: Where the runs go.
        output: Takes notes.
        emit: Receives every event.
        first: Epochs of a standard training from whose end the others begin; 0 leaves it out.
        pair: Whether the standard model is trained too, with the same settings.

    Raises:
        AppError: A training failed.
    """
    if first:
        base = _train(standard_first(config, first), workspace, output, emit)
        if base is None:
            return False
        config = replace(config, weights=base, warm_start="refit")
    parts = fair_pair(config) if pair else (config,)
    return all(_train(part, workspace, output, emit) for part in parts)


def _train(
    config: TrainConfig, workspace: Workspace, output: Output, emit: Callable[[Event], None]
) -> str | None:
    """Train one run, or one run a stage; return the best weights, None where it was stopped.

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
            return None
        before = str(run.best)
    return before


def _absolute(path: str | None) -> str | None:
    return str(Path(path).resolve()) if path else None
