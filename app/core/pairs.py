"""Fair pairs: a standard and a lightweight training that differ in the design alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.core.errors import AppError
from app.core.recovery import OFF, PLAIN, chosen, facts_of, parse
from app.core.runs import RunFolder, make_name
from app.core.train_config import TrainConfig

_SAME = ("data", "imgsz", "batch", "seed")


def fair_pair(config: TrainConfig, names: tuple[str, str] | None = None) -> tuple[TrainConfig, TrainConfig]:
    """Return what trains the standard model and what trains a lightweight design of it, fairly.

    Both have the same first weights, data, picture size, batch, epochs, settings and seed, and with it the same
    pictures in the same order. What only concerns new layers is left out of the standard one.

    Args:
        config: Of the lightweight training.
        names: Of the standard and the lightweight run; made of the training's name by default.

    Raises:
        AppError: The design is broken.
    """
    from app.core.design import dump_design, parse_design

    own = names or (make_name(config.name, "-standard"), make_name(config.name, "-lightweight"))
    design = parse_design(config.design_text, "design.yaml")
    named = parse(config.recover)
    plain = config.recover if named is None else PLAIN if PLAIN in named else OFF
    standard = replace(
        config,
        design_text=dump_design(design.cleared()),
        name=own[0],
        role="standard",
        recover=plain,
        teacher=None,
        partner=own[1],
    )
    return standard, replace(config, name=own[1], role="lightweight", partner=own[0])


def standard_first(config: TrainConfig, epochs: int) -> TrainConfig:
    """Return the standard training from whose end a lightweight one, or a fair pair, begins.

    Args:
        config: Of the lightweight training.
        epochs: Of the standard one.

    Raises:
        AppError: The design is broken.
    """
    standard, _ = fair_pair(config)
    name = make_name(config.name, "-base")
    return replace(standard, name=name, epochs=epochs, recover=OFF, partner="")


def repeated(config: TrainConfig, seeds: int) -> tuple[TrainConfig, ...]:
    """Return a training again with as many seeds, counted up from its own, each with the seed in its name."""
    if seeds == 1:
        return (config,)
    return tuple(
        replace(config, seed=seed, name=make_name(config.name, f"-s{seed}"))
        for seed in range(config.seed, config.seed + seeds)
    )


def differences(a: TrainConfig, b: TrainConfig) -> tuple[str, ...]:
    """Return the names of what makes a comparison of two trainings unfair; none where it is fair.

    Raises:
        AppError: A record names an option to recover accuracy that is unknown.
    """
    found = [name for name in _SAME if getattr(a, name) != getattr(b, name)]
    if total_epochs(a) != total_epochs(b):
        found.append("epochs")
    settings = {*a.overrides, *b.overrides}
    found += sorted(name for name in settings if a.overrides.get(name) != b.overrides.get(name))
    plain = [PLAIN in chosen(config.recover, facts_of(config)) for config in (a, b)]
    if plain[0] != plain[1]:
        found.append("recover")
    return tuple(found)


def total_epochs(config: TrainConfig) -> int:
    """Return a training's epochs together with those of the runs that its weights come from.

    A converted file stands in no run folder: what was trained before it is not counted.
    """
    total, seen = config.epochs, set[Path]()
    weights = config.weights
    while weights:
        folder = Path(weights).parent.parent
        if Path(weights).parent.name != "weights" or folder in seen:
            break
        seen.add(folder)
        try:
            earlier = RunFolder(folder).config()
        except AppError:
            break
        total += earlier.epochs
        weights = earlier.weights
    return total
