"""Checkpoints that stock `ultralytics.YOLO(...)` opens, in a process where the Studio cannot be imported."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MethodType
from typing import Any

import torch
from torch import nn
from ultralytics import __version__ as ultralytics_version
from ultralytics.utils import DEFAULT_CFG_KEYS
from ultralytics.utils.torch_utils import qat_state, strip_qat

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.torch_files import save_whole


def save_checkpoint(
    model: nn.Module, path: Path, *, train_args: Mapping[str, Any], extra: Mapping[str, Any] | None = None
) -> None:
    """Write a model as a stripped checkpoint of ultralytics: FP16, whole or not at all.

    Only classes of torch and ultralytics are pickled; the design stands in `model.yaml`. What a training for INT8 put
    around the layers stands beside them, under "modelopt", where stock exports look for it.

    Args:
        model: the model; it is not changed.
        path: the file.
        train_args: settings by ultralytics' names; others are left out.
        extra: more entries of the checkpoint, plain data.

    Raises:
        AppError: the file cannot be written.
    """
    kept = {key: value for key, value in train_args.items() if key in DEFAULT_CFG_KEYS}
    stripped = strip(model)
    stripped.args = kept
    content = {
        "date": datetime.now().astimezone().isoformat(),
        "version": ultralytics_version,
        "license": "AGPL-3.0 License (https://ultralytics.com/license)",
        "docs": "https://docs.ultralytics.com",
        "epoch": -1,
        "best_fitness": None,
        "model": stripped,
        "ema": None,
        "updates": None,
        "optimizer": None,
        "train_args": kept,
        **(extra or {}),
    }
    ranges = qat_state(model)
    if ranges is not None:
        content["modelopt"] = ranges
    try:
        save_whole(content, path)
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written: {reason}."),
            QT_TRANSLATE_NOOP("core", "Choose another folder, or free some space."),
            path=path,
            reason=error.strerror or error,
        ) from error


def strip(model: nn.Module) -> Any:
    """Return a copy on the CPU in FP16 without what only training needs."""
    stripped: Any = copy.deepcopy(model)
    strip_qat(stripped)
    stripped = stripped.to("cpu", memory_format=torch.contiguous_format).half().eval()
    if hasattr(stripped, "criterion"):
        stripped.criterion = None
    for module in stripped.modules():
        # A bound method would be pickled together with the whole module it belongs to.
        for name in [name for name, value in vars(module).items() if isinstance(value, MethodType)]:
            delattr(module, name)
    for parameter in stripped.parameters():
        parameter.requires_grad_(False)
    for value in stripped.state_dict().values():
        if value.is_floating_point():
            torch.nan_to_num_(value)
    return stripped
