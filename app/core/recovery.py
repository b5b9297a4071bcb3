"""What wins accuracy back in a training that follows a conversion: the options, and which of them are worth it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

if TYPE_CHECKING:
    from app.core.train_config import TrainConfig

AUTO, OFF = "auto", "off"
PLAIN, DISTILL, SPARE, RECALIBRATE, STAGED = "plain", "distill", "spare", "recalibrate", "staged"
QUANTISE = "quantise"
REFIT, RANK = "refit", "rank"
SWITCH, WARM_START, DESIGN = "switch", "warm start", "design"

SHORT_EPOCHS = 20
"""Up to so many epochs a training that starts from trained weights sees plain pictures."""

SCHEDULE = ("optimizer", "lr0", "warmup_epochs", "cos_lr", "mosaic")
"""Settings of the schedule: whoever chooses one of them chooses the schedule."""

STAGES = 2


@dataclass(frozen=True)
class Option:
    """One way to win accuracy back.

    Attributes:
        name: As the command line has it.
        title: A few words, to be translated.
        about: One sentence, to be translated.
        auto: Whether *Recover accuracy* takes it: because it helped where it was measured (docs/accuracy.md).
        place: Where it is chosen: `SWITCH` here, `WARM_START` with the first weights, `DESIGN` with the ranks.
    """

    name: str
    title: str
    about: str
    auto: bool
    place: str = SWITCH


OPTIONS = (
    Option(
        REFIT,
        QT_TRANSLATE_NOOP("core", "Conversion of a finished standard run"),
        QT_TRANSLATE_NOOP(
            "core",
            "New layers start as the best copy of the trained standard layers on your training pictures.",
        ),
        auto=True,
        place=WARM_START,
    ),
    Option(
        RANK,
        QT_TRANSLATE_NOOP("core", "Rank 2 to 4"),
        QT_TRANSLATE_NOOP(
            "core",
            "Several depthwise filters per channel keep more of the standard layer, for more operations.",
        ),
        auto=False,
        place=DESIGN,
    ),
    Option(
        PLAIN,
        QT_TRANSLATE_NOOP("core", "Plain pictures"),
        QT_TRANSLATE_NOOP(
            "core",
            "A training of at most 20 epochs takes small steps and sees pictures as they are, without mosaics or"
            " changed sizes and colours.",
        ),
        auto=True,
    ),
    Option(
        DISTILL,
        QT_TRANSLATE_NOOP("core", "Distillation"),
        QT_TRANSLATE_NOOP(
            "core",
            "The trained standard model shows what it predicts, and the new one learns that beside the labels.",
        ),
        auto=False,
    ),
    Option(
        SPARE,
        QT_TRANSLATE_NOOP("core", "No weight decay on depthwise filters"),
        QT_TRANSLATE_NOOP(
            "core", "The few weights of depthwise filters are not drawn towards zero, as others are."
        ),
        auto=False,
    ),
    Option(
        RECALIBRATE,
        QT_TRANSLATE_NOOP("core", "BatchNorm recalibration"),
        QT_TRANSLATE_NOOP(
            "core",
            "After the training the statistics of every BatchNorm are measured anew on the training pictures, and kept"
            " where the validation pictures agree.",
        ),
        auto=False,
    ),
    Option(
        STAGED,
        QT_TRANSLATE_NOOP("core", "In two stages"),
        QT_TRANSLATE_NOOP(
            "core", "The deep half of the layers is converted and trained first, the rest is converted then."
        ),
        auto=False,
    ),
    Option(
        QUANTISE,
        QT_TRANSLATE_NOOP("core", "Training for INT8"),
        QT_TRANSLATE_NOOP(
            "core",
            "The training sees weights and activations rounded to 8 bits, so that an INT8 export loses less; it needs"
            " the package nvidia-modelopt and takes longer.",
        ),
        auto=False,
    ),
)
"""Every option, in the order in which a training meets them."""

_SWITCHES = tuple(option.name for option in OPTIONS if option.place == SWITCH)


@dataclass(frozen=True)
class Facts:
    """What decides which options make sense for a training.

    Attributes:
        lightweight: Whether the design swaps anything.
        epochs: How many.
        trained: Whether it starts from a detector of the same classes, its new layers fitted.
        teacher: Whether there is a trained standard detector of the same classes.
        scheduled: Whether the user chose the schedule.
    """

    lightweight: bool
    epochs: int
    trained: bool
    teacher: bool
    scheduled: bool = False


def parse(recover: str) -> tuple[str, ...] | None:
    """Return the options that a text names; None for "auto", none for "off".

    Raises:
        AppError: One is unknown.
    """
    if recover == AUTO:
        return None
    names = [] if recover == OFF else [name.strip() for name in recover.split(",")]
    for name in names:
        if name not in _SWITCHES:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "There is no way “{name}” to recover accuracy."),
                QT_TRANSLATE_NOOP("core", "Write auto, off, or some of {choices}, with commas between."),
                name=name,
                choices=", ".join(_SWITCHES),
            )
    return tuple(name for name in _SWITCHES if name in names)


def chosen(recover: str, facts: Facts) -> tuple[str, ...]:
    """Return the options that a training uses: those named, or with "auto" those that help and make sense.

    Raises:
        AppError: An option is unknown.
    """
    named = parse(recover)
    if named is not None:
        return named
    sensible: Mapping[str, bool] = {
        PLAIN: facts.trained and not facts.scheduled and facts.epochs <= SHORT_EPOCHS,
        DISTILL: facts.lightweight and facts.teacher,
        SPARE: facts.lightweight,
        RECALIBRATE: facts.lightweight and facts.trained,
        STAGED: False,  # several runs: only where asked for
    }
    return tuple(option.name for option in OPTIONS if option.auto and sensible.get(option.name, False))


def facts_of(config: TrainConfig, trained: bool | None = None, teacher: bool | None = None) -> Facts:
    """Return what a record says by itself.

    Args:
        config: Of the training.
        trained: Whether its weights are a detector of the same classes, where that is known.
        teacher: Whether a teacher is there, where that is known.
    """
    begun = config.weights is not None and config.warm_start in ("refit", "factorise")
    return Facts(
        lightweight=config.role == "lightweight",
        epochs=config.epochs,
        trained=begun if trained is None else trained,
        teacher=config.teacher is not None if teacher is None else teacher,
        scheduled=any(name in config.overrides for name in SCHEDULE),
    )


def in_stages(config: TrainConfig) -> tuple[TrainConfig, ...]:
    """Return the trainings that a training in stages consists of, together of as many epochs; itself otherwise.

    The first converts the deep half of the swaps, the last ones in order of execution. The second starts from its
    best weights: `weights` is empty there until its folder is known.

    Raises:
        AppError: The design is broken.
    """
    from app.core.design import dump_design, parse_design

    named = parse(config.recover)
    if named is None or STAGED not in named:
        return (config,)
    recover = ",".join(name for name in named if name != STAGED) or OFF
    design = parse_design(config.design_text, "design.yaml")
    paths = list(design.resolved())
    if len(paths) < STAGES or config.epochs < STAGES:
        return (replace(config, recover=recover),)
    first = config.epochs // STAGES
    deep = design.without(paths[: len(paths) // STAGES])
    return (
        replace(
            config,
            name=f"{config.name}-stage1",
            design_text=dump_design(deep),
            epochs=first,
            recover=recover,
            partner="",
        ),
        replace(
            config, epochs=config.epochs - first, weights="", teacher=_teacher_of(config), recover=recover
        ),
    )


def _teacher_of(config: TrainConfig) -> str | None:
    """Return the teacher of the second stage: the standard model, which its weights no longer are."""
    return config.teacher or config.weights
