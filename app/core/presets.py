"""Presets: ready designs, as readable files in `resources/presets`, and their like on any base model."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from app.core.architecture import load_architecture
from app.core.design import Design, load_design
from app.core.errors import AppError
from app.core.folders import resources
from app.core.preset_rules import RULES, by_rule
from app.core.text import QT_TRANSLATE_NOOP

_FILES_FIT = frozenset(f"yolov5{scale}" for scale in "nsmlx")
"""Base models that are laid out as the preset files say."""

PRESET_SUMMARIES = (
    QT_TRANSLATE_NOOP(
        "core",
        "Balanced: depthwise separable everywhere but in the stem, of rank 4 in the backbone and rank 2 elsewhere; "
        "half the cost, and hardly a loss of accuracy.",
    ),
    QT_TRANSLATE_NOOP("core", "Every 3×3 convolution but the stem becomes depthwise separable."),
    QT_TRANSLATE_NOOP(
        "core",
        "Smallest: C3 modules become ShuffleNetV2 units, all other 3×3 convolutions but the stem depthwise "
        "separable; less than a quarter of the cost, and a clear loss of accuracy.",
    ),
    QT_TRANSLATE_NOOP(
        "core", "The 3×3 convolutions of the backbone, but the stem, become depthwise separable."
    ),
    QT_TRANSLATE_NOOP("core", "The 3×3 convolutions of the neck become depthwise separable."),
    QT_TRANSLATE_NOOP(
        "core", "The 3×3 convolutions of the head's box and class branches become depthwise separable."
    ),
    QT_TRANSLATE_NOOP(
        "core",
        "Head classes: only the 3×3 convolutions of the head's class branches become depthwise separable.",
    ),
    QT_TRANSLATE_NOOP(
        "core",
        "Ghost: the stride-2 convolutions but the stem become Ghost convolutions, the C3 modules Ghost C3.",
    ),
    QT_TRANSLATE_NOOP(
        "core",
        "ShuffleNetV2 backbone: every stride-2 convolution but the stem and every C3 of the backbone becomes "
        "ShuffleNetV2 units.",
    ),
    QT_TRANSLATE_NOOP(
        "core",
        "MobileNetV3 backbone: every stride-2 convolution but the stem and every C3 of the backbone becomes "
        "MobileNetV3 blocks.",
    ),
    QT_TRANSLATE_NOOP(
        "core",
        "EfficientNetV2 backbone: every stride-2 convolution but the stem and every C3 of the backbone becomes "
        "EfficientNetV2 blocks.",
    ),
    QT_TRANSLATE_NOOP(
        "core", "The seed recipe: the stride-2 convolutions but the stem become grouped (DWConv)."
    ),
)
"""What the presets' notes say, here for the translators alone."""


def preset_names(base: str | None = None) -> tuple[str, ...]:
    """Return the names of the presets, in the order in which the window offers them.

    Args:
        base: only those that change something on this base model; None returns all.

    Raises:
        AppError: unknown base model.
    """
    order = list(RULES)
    files = [path.stem for path in (resources() / "presets").glob("*.yaml")]
    names = sorted(files, key=lambda name: (order.index(name) if name in order else len(order), name))
    return tuple(name for name in names if base is None or _on_base(name, base).swaps)


def preset(name: str, base: str = "yolov5n", classes: int | None = None) -> Design:
    """Return a preset on a base model.

    On a base that is laid out otherwise than yolov5n, the preset changes what its rule says (`preset_rules`).

    Raises:
        AppError: there is no such preset or base model, or the base has nothing that the preset changes.
    """
    if name not in preset_names():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no preset “{name}”."),
            QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
            name=name,
            choices=", ".join(preset_names()),
        )
    made = _on_base(name, base)
    if not made.swaps:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{base} has nothing that the preset “{name}” changes."),
            QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
            base=base,
            name=name,
            choices=", ".join(preset_names(base)),
        )
    return made.with_classes(classes)


def preset_summary(name: str) -> str:
    """Return the sentence that explains a preset; the text is to be translated.

    Raises:
        AppError: there is no such preset.
    """
    return _file(name).notes


@lru_cache(maxsize=1024)
def _on_base(name: str, base: str) -> Design:
    if name not in RULES or base in _FILES_FIT:
        return replace(_file(name).with_base(base), notes="")
    found = by_rule(name, load_architecture(base))
    return Design(base, None, tuple(found.items()))


@lru_cache(maxsize=32)
def _file(name: str) -> Design:
    return load_design(resources() / "presets" / f"{name}.yaml")
