"""What a training does beside the stock loop to win accuracy back: chosen once, called from the trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from app.core.design import Design
from app.core.errors import AppError
from app.core.recovery import DISTILL, OPTIONS, PLAIN, QUANTISE, SPARE, STAGED, chosen, facts_of
from app.core.text import QT_TRANSLATE_NOOP, Text
from app.core.train_config import TrainConfig
from app.engine.distillation import check_teacher, distil
from app.engine.train_events import Recorder
from app.engine.warm_start import load_teacher
from app.engine.weights import ForeignWeights, read_weights

PLAIN_SCHEDULE: Mapping[str, Any] = MappingProxyType(
    {
        "optimizer": "AdamW",
        "lr0": 0.0002,
        "warmup_epochs": 0.0,
        "cos_lr": True,
        **dict.fromkeys(("mosaic", "scale", "translate", "hsv_h", "hsv_s", "hsv_v"), 0.0),
        "close_mosaic": 0,
    }
)
"""Settings of the option "plain": docs/adr/0013 has the measurements."""

_PLAIN = QT_TRANSLATE_NOOP(
    "core",
    "Few epochs from trained weights: AdamW from a learning rate of {lr}, no warm-up, pictures as they are.",
)
_RECOVERING = QT_TRANSLATE_NOOP("core", "To recover accuracy: {what}.")
_SPARED = "spared"


@dataclass(frozen=True)
class Recovery:
    """The options of one training.

    Attributes:
        options: Names of `core.recovery.OPTIONS`.
        teacher: Whom to learn from.
        share: How strong the teacher is.
        settings: What ultralytics is told.
    """

    options: tuple[str, ...] = ()
    teacher: nn.Module | None = None
    share: float = 0.5
    settings: Mapping[str, Any] = field(default_factory=dict)

    def regroup(self, optimizer: torch.optim.Optimizer, model: nn.Module) -> None:
        """Take what is spared out of the groups with weight decay."""
        if SPARE in self.options:
            spare_depthwise(optimizer, model)

    def begin(self, model: nn.Module) -> None:
        """Let the model learn from its teacher; it is on its device, and its average was already made."""
        if self.teacher is not None:
            distil(model, self.teacher, self.share)


def prepare_recovery(
    config: TrainConfig,
    source: ForeignWeights | None,
    design: Design,
    model: nn.Module,
    recorder: Recorder,
) -> tuple[Recovery, str | None]:
    """Choose the options of a training and get ready what they need.

    Args:
        config: What was asked for.
        source: The first weights, where a training begins.
        design: The design, its number of classes fixed.
        model: Of the design; only its form is looked at.
        recorder: Takes messages; a resumed training takes what its first event says.

    Returns:
        The options, and the file of the teacher.

    Raises:
        AppError: The teacher is missing or does not fit, or the options need several runs.
    """
    begun = recorder.started
    if begun is not None:
        options, file = tuple(begun.get("recovery") or ()), begun.get("teacher")
    else:
        file = _teacher_file(config, source, design)
        options = chosen(config.recover, facts_of(config, _is_trained(config, source, design), bool(file)))
        _tell(options, recorder)
    if STAGED in options:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "A training in stages consists of two runs."),
            QT_TRANSLATE_NOOP("core", "Start it anew with --recover, without --resume."),
        )
    teacher = None
    if DISTILL in options:
        teacher = _load(file, model)
    settings = dict(PLAIN_SCHEDULE) if PLAIN in options else {}
    if QUANTISE in options:
        _need_modelopt()
        settings["quantize"] = 8
    return Recovery(options, teacher, config.distill, settings), file if teacher is not None else None


def _is_trained(config: TrainConfig, source: ForeignWeights | None, design: Design) -> bool:
    """Whether a training starts from a detector of the same classes that still detects once it is carried over."""
    if source is None or source.classes != design.classes:
        return False
    same = (source.design or Design.stock(source.base)).resolved() == design.resolved()
    return config.warm_start in ("refit", "factorise") or (config.warm_start == "copy" and same)


def _teacher_file(config: TrainConfig, source: ForeignWeights | None, design: Design) -> str | None:
    """Return the teacher that was named, or the first weights where they are a standard detector."""
    if config.teacher:
        return config.teacher
    standard = source is not None and (source.design is None or source.design.is_standard)
    if source is not None and standard and source.classes == design.classes:
        return str(source.path)
    return None


def _load(file: str | None, model: nn.Module) -> nn.Module:
    if not file:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Distillation needs a trained standard model to learn from."),
            QT_TRANSLATE_NOOP("core", "Name it with --teacher, or start from its weights."),
        )
    if not Path(file).is_file():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no teacher {file}."),
            QT_TRANSLATE_NOOP("core", "Put it back, or train without distillation."),
            file=file,
        )
    teacher, _ = load_teacher(read_weights(Path(file)))
    check_teacher(teacher, model, Path(file).name)
    return teacher


def _need_modelopt() -> None:
    """Refuse to train for INT8 without the package that ultralytics does it with."""
    if find_spec("modelopt") is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Training for INT8 needs the package nvidia-modelopt."),
            QT_TRANSLATE_NOOP("core", "Install it: pip install nvidia-modelopt"),
        )


def _tell(options: Sequence[str], recorder: Recorder) -> None:
    for option in OPTIONS:
        if option.name == PLAIN and PLAIN in options:
            recorder.message(_PLAIN, lr=PLAIN_SCHEDULE["lr0"])
        elif option.name in options:
            recorder.message(_RECOVERING, what=Text(option.title))


def spare_depthwise(optimizer: torch.optim.Optimizer, model: nn.Module) -> int:
    """Move the kernels of depthwise convolutions into groups without weight decay; return how many."""
    depthwise = {
        id(module.weight)
        for module in model.modules()
        if isinstance(module, nn.Conv2d) and 1 < module.groups == module.in_channels
    }
    moved = 0
    for group in list(optimizer.param_groups):
        if not group.get("weight_decay"):
            continue
        spared = [weight for weight in group["params"] if id(weight) in depthwise]
        if not spared:
            continue
        group["params"] = [weight for weight in group["params"] if id(weight) not in depthwise]
        rest = {name: value for name, value in group.items() if name != "params"}
        optimizer.add_param_group({**rest, "params": spared, "weight_decay": 0.0, "param_group": _SPARED})
        moved += len(spared)
    return moved
