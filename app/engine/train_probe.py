"""A few steps of a real training, to see what it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

import torch
from ultralytics.utils.torch_utils import autocast, unwrap_model

from app.core.text import QT_TRANSLATE_NOOP
from app.engine.jobs import Channel
from app.engine.memory import peak_memory
from app.engine.train_device import device_name
from app.engine.train_errors import StopNow
from app.engine.train_events import SilentRecorder
from app.engine.train_loader import Numbered
from app.engine.train_plan import Plan
from app.engine.trainer import StudioTrainer

_STEPS = 4
_ENOUGH_S = 8.0
_CHECKPOINTS = 3
_MEASURING = QT_TRANSLATE_NOOP("core", "Measuring a few steps.")


@dataclass(frozen=True)
class MemoryLine:
    """Memory by batch, a straight line.

    Attributes:
        fixed: Bytes without pictures.
        each: Bytes a picture of the batch.
    """

    fixed: float
    each: float

    def bytes_for(self, batch: int) -> int:
        """Return the bytes that a batch needs."""
        return round(self.fixed + self.each * batch)

    def batch_for(self, room: int) -> int:
        """Return the largest batch that fits; 0 where none does."""
        return int((room - self.fixed) / self.each) if room > self.fixed else 0


@dataclass(frozen=True)
class Pace:
    """Seconds a batch.

    Attributes:
        train: Of a training step, loading included.
        val: Of a validation batch, which is twice as large.
        batch: Pictures of the training step.
    """

    train: float
    val: float
    batch: int

    def scaled(self, batch: int) -> Pace:
        """Return the pace of another batch, time by pictures."""
        factor = batch / self.batch
        return Pace(self.train * factor, self.val * factor, batch)


def few_pictures(plan: Plan, batch: int) -> None:
    """Leave as many pictures in a plan as a few steps need, taken from all over the data set."""
    for split, count in (("train", _STEPS * batch), ("val", 2 * batch)):
        listed = Path(plan.data[split])
        lines = listed.read_text(encoding="utf-8").splitlines()
        step = max(len(lines) // count, 1)
        short = listed.with_name(f"few-{split}.txt")
        short.write_text("\n".join(lines[::step][:count]) + "\n", encoding="utf-8")
        plan.data[split] = str(short)


class Probe:
    """A training that makes a few steps and is then thrown away.

    Args:
        plan: What to train; its run folder is a temporary one.
        channel: Takes the progress, and says when to stop.
    """

    def __init__(self, plan: Plan, channel: Channel) -> None:
        self._channel = channel
        self._told = 0.1
        self._tell()
        self._trainer = StudioTrainer(plan, SilentRecorder(plan.run), lambda: None)
        self._trainer.batch_size = min(8, self._trainer.batch_size or 8)
        self._trainer._setup_train()
        self._trainer.epoch = 0
        self._trainer._use_all_cores()
        plan.recovery.begin(unwrap_model(self._trainer.model))

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        for loader in (self._trainer.train_loader, self._trainer.test_loader):
            loader.close()

    @property
    def device(self) -> torch.device:
        """What it runs on."""
        device: torch.device = self._trainer.device
        return device

    @property
    def device_name(self) -> str:
        """What people call it."""
        return device_name(self.device)

    def memory_line(self, small: int) -> MemoryLine:
        """Measure the memory of two small batches, and draw a line through them.

        Args:
            small: Pictures of the smaller one.
        """
        self._step(
            self._pictures(1)
        )  # what every training holds whatever its batch: gradients, the optimizer's state
        peaks = []
        for count in (small, 2 * small):
            self._step(self._pictures(count))
            peaks.append(peak_memory(self.device))
        picture = self._trainer.args.imgsz**2 * 3 * 4
        each = max((peaks[1] - peaks[0]) / small, picture)
        return MemoryLine(peaks[1] - 2 * small * each, each)

    def pace(self, batch: int) -> Pace:
        """Measure the time of steps at a batch, loading included, and of validating."""
        trainer = self._trainer
        trainer.batch_size = batch
        trainer._build_train_pipeline()
        trainer.validator.dataloader = trainer.test_loader
        times: list[float] = []
        loaded = min(batch, len(trainer.train_loader.dataset))
        begun = time.perf_counter()
        for pictures in trainer.train_loader:
            if len(pictures["im_file"]) < loaded:
                break
            self._step(pictures)
            times.append(time.perf_counter() - begun)
            if sum(times) > _ENOUGH_S:
                break
            begun = time.perf_counter()
        steps = times[1:] or times  # the first one allocates
        begun = time.perf_counter()
        trainer.validate()
        val = (time.perf_counter() - begun) / len(trainer.test_loader)
        whole = batch / loaded
        return Pace(median(steps) * whole, val, batch)

    def saving(self) -> tuple[float, int]:
        """Write weights and checkpoint as after an epoch; return the seconds, and the bytes that a run needs."""
        trainer = self._trainer
        trainer.best_epoch = {"epoch": 1, "fitness": 0.0}
        trainer.best_epoch |= dict.fromkeys(("precision", "recall", "map50", "map50_95"), 0.0)
        trainer.stop = False
        begun = time.perf_counter()
        trainer._save(1)
        seconds = time.perf_counter() - begun
        run = trainer.plan.run
        checkpoints = sum(path.stat().st_size for path in run.checkpoints.iterdir())
        weights = sum(path.stat().st_size for path in (run.best, run.last))
        return seconds, _CHECKPOINTS * checkpoints + weights + run.last.stat().st_size

    def _pictures(self, count: int) -> dict[str, Any]:
        dataset = self._trainer.train_loader.dataset
        items = dataset.__getitems__([Numbered(index % len(dataset), 0) for index in range(count)])
        batch: dict[str, Any] = dataset.collate_fn(items)
        return batch

    def _step(self, batch: dict[str, Any]) -> None:
        """Do what the training does with a batch: forward, backward, step."""
        if self._channel.cancelled:
            raise StopNow
        self._tell()
        trainer = self._trainer
        trainer._model_train()
        with autocast(trainer.amp, device=self.device.type):
            batch = trainer.preprocess_batch(batch)
            loss, trainer.loss_items = trainer.model(batch)
            trainer.loss = loss.sum()
        trainer.scaler.scale(trainer.loss).backward()
        trainer.optimizer_step()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def _tell(self) -> None:
        self._told = min(self._told + 0.1, 0.95)
        self._channel.progress(self._told, _MEASURING)
