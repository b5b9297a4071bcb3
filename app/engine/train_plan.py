"""A training, prepared: what the trainer needs to know."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from app.core.runs import RunFolder
from app.core.train_config import TrainConfig
from app.engine.recovery import Recovery
from app.engine.run_checkpoint import Checkpoint


@dataclass
class Plan:
    """A training, prepared.

    Attributes:
        config: What was asked for.
        run: Where it writes.
        data: The data set as ultralytics has it: absolute paths, names, number of classes.
        device: As ultralytics spells it.
        arguments: Further settings by ultralytics' names.
        build: Makes the model with its first weights.
        about: What the event of the start says of model and data.
        checkpoint: Where to go on; None starts.
        recovery: What wins accuracy back.
    """

    config: TrainConfig
    run: RunFolder
    data: dict[str, Any]
    device: str
    arguments: Mapping[str, Any]
    build: Callable[[], nn.Module]
    about: dict[str, Any]
    checkpoint: Checkpoint | None = None
    recovery: Recovery = field(default_factory=Recovery)

    def overrides(self) -> dict[str, Any]:
        """Return everything that ultralytics is told."""
        config = self.config
        batch = self.checkpoint.batch if self.checkpoint else config.batch
        return {
            "task": "detect",
            "mode": "train",
            "model": "yolov5n.yaml",  # a name only: the model comes from `build`
            "data": self.data["yaml_file"],
            "epochs": config.epochs,
            "imgsz": config.imgsz,
            "batch": batch,
            "device": self.device,
            "seed": config.seed,
            "project": str(self.run.path.parent),
            "name": self.run.path.name,
            "exist_ok": True,
            "pretrained": False,
            "plots": False,
            "rect": False,
            "workers": 0 if self.device in ("cpu", "mps") else min(8, os.cpu_count() or 1),
            **self.arguments,
            **config.overrides,
        }
