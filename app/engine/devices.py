"""What a training or a validation runs on."""

from __future__ import annotations

import torch

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.runtimes import default_threads


def use_all_cores() -> None:
    """Let torch use every core; ultralytics leaves one idle, and sets that again whenever it picks a device."""
    torch.set_num_threads(default_threads())


def resolve_device(asked: str) -> str:
    """Return a device as ultralytics spells it; "" takes the best there is.

    Raises:
        AppError: There is no such device here.
    """
    name = asked.strip().lower().replace("cuda:", "").replace(" ", "")
    if not name or name == "auto":
        if torch.cuda.is_available():
            return "0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "cpu":
        return name
    if name == "mps":
        if not torch.backends.mps.is_available():
            raise AppError(
                QT_TRANSLATE_NOOP("core", "There is no Apple GPU (MPS) here."),
                QT_TRANSLATE_NOOP("core", "Take the device cpu."),
            )
        return name
    name = "0" if name == "cuda" else name
    indices = name.split(",")
    if not all(index.isdigit() for index in indices):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The device “{asked}” is unknown."),
            QT_TRANSLATE_NOOP("core", "Take cpu, mps, 0, or several GPUs such as 0,1."),
            asked=asked,
        )
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    missing = [index for index in indices if int(index) >= count]
    if missing or len(set(indices)) != len(indices):
        text = (
            QT_TRANSLATE_NOOP("core", "The GPU {names} cannot be used: there are {count}.")
            if count
            else QT_TRANSLATE_NOOP(
                "core", "The GPU {names} cannot be used: there is none that torch can use."
            )
        )
        raise AppError(
            text,
            QT_TRANSLATE_NOOP("core", "Take the device cpu; `python main.py doctor` says what a GPU needs."),
            names=", ".join(missing) or asked,
            count=count,
        )
    return ",".join(str(int(index)) for index in indices)
