"""What a training is told: one frozen record, kept in the run folder as run.yaml."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from app.core.errors import AppError
from app.core.recovery import AUTO, parse
from app.core.text import QT_TRANSLATE_NOOP

ROLES = ("standard", "lightweight")
WARM_STARTS = ("refit", "factorise", "copy", "fresh")
OPTIMIZERS = ("auto", "SGD", "MuSGD", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSProp")

_NUMBER = (int, float)
_OVERRIDES: Mapping[str, tuple[type, ...]] = {
    "optimizer": (str,),
    "cache": (bool, str),
    "freeze": (int, list),
    "amp": (bool,),
    "compile": (bool,),
    "channels_last": (bool,),
    "cos_lr": (bool,),
    "deterministic": (bool,),
    "rect": (bool,),
    "close_mosaic": (int,),
    "patience": (int,),
    "workers": (int,),
    "nbs": (int,),
    **dict.fromkeys(
        (
            *("lr0", "lrf", "momentum", "weight_decay", "warmup_epochs", "warmup_momentum", "warmup_bias_lr"),
            *("box", "cls", "cls_pw", "dfl", "multi_scale", "fraction"),
            *("hsv_h", "hsv_s", "hsv_v", "degrees", "translate", "scale", "shear", "perspective"),
            *("flipud", "fliplr", "bgr", "mosaic", "mixup", "cutmix", "copy_paste"),
        ),
        _NUMBER,
    ),
}
"""Settings of ultralytics that a training may change, and the types each takes."""

_SHARES = (
    *("cls_pw", "lrf", "momentum", "warmup_momentum", "multi_scale", "hsv_h", "hsv_s", "hsv_v", "translate"),
    *("flipud", "fliplr", "bgr", "mosaic", "mixup", "cutmix", "copy_paste"),
)
"""Those that are chances or shares: none is above 1. No number but an angle is below 0."""

_SIGNED = ("degrees", "shear")


def override_names() -> tuple[str, ...]:
    """Return the names that `TrainConfig.overrides` may hold."""
    return tuple(sorted(_OVERRIDES))


@dataclass(frozen=True)
class TrainConfig:
    """A training, completely described: with the same data it can be repeated anywhere.

    Attributes:
        design_text: The design, as a design file has it.
        data: data.yaml of the data set, an absolute path; or "sample".
        name: Name of the run; the folder's name once it exists.
        epochs: How many times every training picture is seen.
        imgsz: Side of the square the pictures are fitted into, pixels; a multiple of 32.
        batch: Pictures per step; 0 takes what fits, at most 64 (16 on a CPU).
        device: "" takes the best there is; "cpu", "mps", "0", "0,1", …
        weights: Checkpoint the weights start from; None starts fresh.
        warm_start: How swapped modules get their first weights, one of `WARM_STARTS`.
        role: One of `ROLES`.
        seed: Seed of every random number.
        workspace: Folder of the workspace, "" where it does not matter.
        overrides: Further settings by ultralytics' names, one of `override_names()` each.
        recover: What wins accuracy back: "auto", "off", or names of `recovery.OPTIONS` with commas between.
        teacher: Checkpoint of a trained standard model to learn from; None takes `weights` where they are one.
        distill: How strong the teacher is: its gradient at the predictions as a share of the labels'.
        partner: Name of the other run of a fair pair, "" where there is none.
    """

    design_text: str
    data: str
    name: str = "run"
    epochs: int = 40
    imgsz: int = 640
    batch: int = 16
    device: str = ""
    weights: str | None = None
    warm_start: str = "refit"
    role: str = "lightweight"
    seed: int = 0
    workspace: str = ""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    recover: str = AUTO
    teacher: str | None = None
    distill: float = 0.5
    partner: str = ""

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            AppError: A value is out of its range, or a setting is unknown.
        """
        object.__setattr__(self, "overrides", MappingProxyType(dict(self.overrides)))
        _check_whole("epochs", self.epochs, 1, 100_000)
        _check_whole("batch", self.batch, 0, 4096)
        _check_whole("imgsz", self.imgsz, 32, 4096)
        _check_whole("seed", self.seed, 0, 2**31)
        if self.imgsz % 32:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The picture size {size} is not a multiple of 32."),
                QT_TRANSLATE_NOOP("core", "Take {nearest}."),
                size=self.imgsz,
                nearest=max(round(self.imgsz / 32), 1) * 32,
            )
        _check_choice("role", self.role, ROLES)
        _check_choice("warm start", self.warm_start, WARM_STARTS)
        for name, value in self.overrides.items():
            _check_override(name, value)
        parse(self.recover)
        _check_share("distill", self.distill)

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data, in the order of the fields."""
        data = {item.name: getattr(self, item.name) for item in fields(self)}
        data["overrides"] = dict(self.overrides)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrainConfig:
        """Read a record; keys of a later version are left aside.

        Raises:
            AppError: A needed key is missing, or a value is of the wrong kind.
        """
        known = {item.name for item in fields(cls)}
        taken = {name: value for name, value in data.items() if name in known}
        missing = [name for name in ("design_text", "data") if not isinstance(taken.get(name), str)]
        if missing:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The training's record lacks “{name}”."),
                QT_TRANSLATE_NOOP("core", "Start the training anew."),
                name=missing[0],
            )
        taken["overrides"] = taken.get("overrides") or {}
        if not isinstance(taken["overrides"], Mapping):
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The training's “overrides” is no mapping."),
                QT_TRANSLATE_NOOP("core", "Start the training anew."),
            )
        return cls(**taken)


def _check_whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is {value}."),
            QT_TRANSLATE_NOOP("core", "Give a whole number from {low} to {high}."),
            name=name,
            value=repr(value),
            low=low,
            high=high,
        )


def _check_share(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is {value}."),
            QT_TRANSLATE_NOOP("core", "Give a number above 0, 1 at most."),
            name=name,
            value=repr(value),
        )


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The {name} “{value}” is unknown."),
            QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
            name=name,
            value=value,
            choices=", ".join(choices),
        )


def _check_override(name: str, value: Any) -> None:
    allowed = _OVERRIDES.get(name)
    if allowed is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The training setting “{name}” is unknown."),
            QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
            name=name,
            choices=", ".join(override_names()),
        )
    wrong_bool = isinstance(value, bool) and bool not in allowed
    infinite = isinstance(value, float) and not math.isfinite(value)
    if wrong_bool or infinite or not isinstance(value, allowed):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The training setting {name} cannot be {value}."),
            QT_TRANSLATE_NOOP("core", "See the user guide for its values."),
            name=name,
            value=repr(value),
        )
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(name, value)
    if name == "optimizer":
        _check_choice("optimizer", value, OPTIMIZERS)


def _check_range(name: str, value: float) -> None:
    """Refuse a number that ultralytics would stumble over in the middle of a training."""
    if name in _SHARES and not 0 <= value <= 1:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The training setting {name} cannot be {value}."),
            QT_TRANSLATE_NOOP("core", "Give a number from 0 to 1."),
            name=name,
            value=repr(value),
        )
    if value < 0 and name not in _SIGNED:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The training setting {name} cannot be {value}."),
            QT_TRANSLATE_NOOP("core", "Give a number that is not below 0."),
            name=name,
            value=repr(value),
        )
