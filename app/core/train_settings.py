"""What an expert may change about a training: every setting with its group, its range and its stock default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.core.text import QT_TRANSLATE_NOOP
from app.core.train_augmentation import AUGMENTATIONS
from app.core.train_config import OPTIMIZERS
from app.core.train_setting import LOSS, MACHINE, OPTIMIZER, SCHEDULE, Setting

CACHES = ("auto", "ram", "disk", "off")


SETTINGS = (
    Setting(
        "optimizer",
        OPTIMIZER,
        QT_TRANSLATE_NOOP("core", "Optimizer"),
        QT_TRANSLATE_NOOP("core", "Automatic chooses optimizer and learning rate by the number of steps."),
        "auto",
        choices=OPTIMIZERS,
    ),
    Setting(
        "lr0",
        OPTIMIZER,
        QT_TRANSLATE_NOOP("core", "Learning rate"),
        QT_TRANSLATE_NOOP("core", "Where it starts; the automatic optimizer ignores it."),
        0.01,
        0.00001,
        1.0,
        0.001,
        5,
    ),
    Setting(
        "lrf",
        OPTIMIZER,
        QT_TRANSLATE_NOOP("core", "Final share of it"),
        QT_TRANSLATE_NOOP("core", "The last epoch's learning rate as a share of the first."),
        0.01,
        0.0,
        1.0,
        0.01,
        4,
    ),
    Setting(
        "momentum",
        OPTIMIZER,
        QT_TRANSLATE_NOOP("core", "Momentum"),
        QT_TRANSLATE_NOOP("core", "Momentum of SGD, or the first beta of Adam and its kin."),
        0.937,
        0.0,
        0.999,
        0.01,
        3,
    ),
    Setting(
        "weight_decay",
        OPTIMIZER,
        QT_TRANSLATE_NOOP("core", "Weight decay"),
        QT_TRANSLATE_NOOP("core", "Draws weights towards zero, biases and BatchNorm left out."),
        0.0005,
        0.0,
        0.1,
        0.0001,
        5,
    ),
    Setting(
        "nbs",
        OPTIMIZER,
        QT_TRANSLATE_NOOP("core", "Pictures per step"),
        QT_TRANSLATE_NOOP("core", "Gradients of smaller batches are gathered up to so many pictures."),
        64,
        1,
        4096,
        16,
    ),
    Setting(
        "cos_lr",
        SCHEDULE,
        QT_TRANSLATE_NOOP("core", "Cosine schedule"),
        QT_TRANSLATE_NOOP("core", "The learning rate falls along a cosine, not along a line."),
        False,
    ),
    Setting(
        "warmup_epochs",
        SCHEDULE,
        QT_TRANSLATE_NOOP("core", "Warm-up, epochs"),
        QT_TRANSLATE_NOOP("core", "The learning rate rises during these epochs."),
        3.0,
        0.0,
        100.0,
        0.5,
        1,
    ),
    Setting(
        "warmup_momentum",
        SCHEDULE,
        QT_TRANSLATE_NOOP("core", "Warm-up momentum"),
        QT_TRANSLATE_NOOP("core", "Momentum at the start of the warm-up."),
        0.8,
        0.0,
        0.999,
        0.05,
        3,
    ),
    Setting(
        "warmup_bias_lr",
        SCHEDULE,
        QT_TRANSLATE_NOOP("core", "Warm-up, biases"),
        QT_TRANSLATE_NOOP("core", "Learning rate of biases at the start of the warm-up."),
        0.1,
        0.0,
        1.0,
        0.01,
        3,
    ),
    Setting(
        "patience",
        SCHEDULE,
        QT_TRANSLATE_NOOP("core", "Patience, epochs"),
        QT_TRANSLATE_NOOP("core", "Training ends after so many epochs without a better result."),
        100,
        1,
        100_000,
        10,
    ),
    Setting(
        "freeze",
        SCHEDULE,
        QT_TRANSLATE_NOOP("core", "Frozen layers"),
        QT_TRANSLATE_NOOP("core", "The first layers of the model, so many, keep their weights."),
        0,
        0,
        60,
        1,
    ),
    Setting(
        "box",
        LOSS,
        QT_TRANSLATE_NOOP("core", "Box loss"),
        QT_TRANSLATE_NOOP("core", "Weight of how well boxes overlap."),
        7.5,
        0.0,
        100.0,
        0.5,
        2,
    ),
    Setting(
        "cls",
        LOSS,
        QT_TRANSLATE_NOOP("core", "Class loss"),
        QT_TRANSLATE_NOOP("core", "Weight of naming the right class."),
        0.5,
        0.0,
        100.0,
        0.1,
        2,
    ),
    Setting(
        "dfl",
        LOSS,
        QT_TRANSLATE_NOOP("core", "Edge loss"),
        QT_TRANSLATE_NOOP("core", "Weight of the distribution of each edge's place."),
        1.5,
        0.0,
        100.0,
        0.1,
        2,
    ),
    Setting(
        "cls_pw",
        LOSS,
        QT_TRANSLATE_NOOP("core", "Class weights"),
        QT_TRANSLATE_NOOP(
            "core", "Rare classes weigh more: 0 all alike, 1 in inverse proportion to how often they occur."
        ),
        0.0,
        0.0,
        1.0,
        0.1,
        2,
    ),
    *AUGMENTATIONS,
    Setting(
        "cache",
        MACHINE,
        QT_TRANSLATE_NOOP("core", "Decoded pictures"),
        QT_TRANSLATE_NOOP("core", "Automatic keeps them in memory where they easily fit."),
        "auto",
        choices=CACHES,
    ),
    Setting(
        "amp",
        MACHINE,
        QT_TRANSLATE_NOOP("core", "Mixed precision"),
        QT_TRANSLATE_NOOP(
            "core", "Half precision where a GPU is faster with it; on a CPU it changes nothing."
        ),
        True,
    ),
    Setting(
        "compile",
        MACHINE,
        QT_TRANSLATE_NOOP("core", "Compile"),
        QT_TRANSLATE_NOOP(
            "core",
            "Takes minutes at the start and makes each step faster; where it fails training goes on without.",
        ),
        False,
    ),
    Setting(
        "deterministic",
        MACHINE,
        QT_TRANSLATE_NOOP("core", "Repeatable"),
        QT_TRANSLATE_NOOP("core", "The same seed gives the same weights; off, a GPU may be faster."),
        True,
    ),
)
"""Every setting, in the order in which the form shows them."""


def overrides_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the overrides that differ from stock training.

    Args:
        values: Value of every setting by name.
    """
    found = {setting.name: setting.override(values[setting.name]) for setting in SETTINGS}
    changed = {name: value for name, value in found.items() if value is not None}
    if changed.get("optimizer") is None:
        changed.pop("lr0", None)
    return changed
