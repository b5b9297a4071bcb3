"""The complete checkpoint of a run, from which it resumes as if nothing had happened."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from app.core.errors import AppError
from app.core.files import put_in_place
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.torch_files import load_checked, save_whole

_FORMAT = 1
_NEWEST = "last.ckpt"
_OLDER = "previous.ckpt"


@dataclass(frozen=True)
class Checkpoint:
    """Everything that makes the next epoch the same as if nothing had happened.

    Attributes:
        epoch: Complete epochs.
        complete: Whether the training is over with them.
        position: Bytes of events.jsonl that belong to them.
        model: Live weights in FP32.
        ema: Averaged weights in FP32.
        updates: How often they were averaged.
        optimizer: The optimizer's state.
        scaler: The gradient scaler's state.
        gradients: Gradients that were gathered and not yet applied, by parameter.
        last_step: Iteration of the last optimizer step.
        accumulate: Batches per optimizer step.
        best: Metrics of the best epoch, its fitness and number among them.
        stopper: State of the early stopping.
        random_states: States of every random number generator.
        mosaic_buffer: Indices of the pictures that mosaics are made of.
        batch: Pictures per step; memory may have forced it down.
        design: The design's text.
        asked: What the user asked for that resuming may change: "epochs", "batch", "device".
        settings: What the automatic optimizer chose, by ultralytics' names.
        event: The event that says that this checkpoint is there; written after it.
    """

    epoch: int
    complete: bool
    position: int
    model: dict[str, torch.Tensor]
    ema: dict[str, torch.Tensor]
    updates: int
    optimizer: dict[str, Any]
    scaler: dict[str, Any]
    gradients: dict[str, torch.Tensor]
    last_step: int
    accumulate: int
    best: dict[str, Any]
    stopper: dict[str, float]
    random_states: dict[str, Any]
    mosaic_buffer: list[int]
    batch: int
    design: str
    asked: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    event: dict[str, Any] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write the checkpoint as a whole, keeping the one before.

        Raises:
            OSError: The disk is full; the checkpoints that were there stay.
        """
        data = {"format": _FORMAT, **{item.name: getattr(self, item.name) for item in fields(self)}}
        fresh = folder / f"{_NEWEST}.new"
        save_whole(data, fresh)
        if (folder / _NEWEST).exists():
            put_in_place(folder / _NEWEST, folder / _OLDER)
        put_in_place(fresh, folder / _NEWEST)


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """Read the newest checkpoint that is whole; None where there is none.

    Raises:
        AppError: There are checkpoints, but none can be read.
    """
    return find_checkpoint(folder)[0]


def find_checkpoint(folder: Path) -> tuple[Checkpoint | None, tuple[Path, ...]]:
    """Read the newest checkpoint that is whole, None where there is none, and tell which newer ones are damaged.

    Raises:
        AppError: There are checkpoints, but none can be read.
    """
    problem: Exception | None = None
    damaged: list[Path] = []
    for name in (f"{_NEWEST}.new", _NEWEST, _OLDER):
        path = folder / name
        if not path.is_file():
            continue
        try:
            data = load_checked(path)
            if data.pop("format") != _FORMAT:
                raise ValueError("written by another version")
            return Checkpoint(**data), tuple(damaged)
        except Exception as error:  # noqa: BLE001 - what a damaged pickle raises is anybody's guess
            problem = error
            damaged.append(path)
    if problem is None:
        return None, ()
    raise AppError(
        QT_TRANSLATE_NOOP("core", "The checkpoints in {folder} cannot be read: {reason}"),
        QT_TRANSLATE_NOOP("core", "Start the training anew under another name."),
        folder=folder,
        reason=problem if isinstance(problem, AppError) else str(problem).splitlines()[0],
    )


def random_states() -> dict[str, Any]:
    """Return the states of Python's, NumPy's and torch's random numbers; the loaders' depend on the epoch alone."""
    version, words, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state()
    return {
        "python": (version, list(words), gauss),
        "numpy": (
            str(name),
            torch.from_numpy(np.asarray(keys).astype(np.int64)),
            int(position),
            int(has_gauss),
            cached,
        ),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_random_states(states: dict[str, Any]) -> None:
    """Set every random number generator to a state that `random_states` returned."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    name, keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])


def to_cpu(value: Any) -> Any:
    """Return a copy of nested data with every tensor on the CPU, detached from what goes on changing."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: to_cpu(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(to_cpu(item) for item in value)
    return value


def repair(ema: nn.Module, live: nn.Module) -> None:
    """Take the live value of every averaged tensor that is no longer finite."""
    current = live.state_dict()
    for name, value in ema.state_dict().items():
        if (
            value.is_floating_point()
            and not torch.isfinite(value).all()
            and torch.isfinite(current[name]).all()
        ):
            value.copy_(current[name])
