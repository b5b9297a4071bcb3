"""The trainer: ultralytics' loop with our model, our events, our checkpoints."""

from __future__ import annotations

import copy
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import distributed as dist
from ultralytics.data import build_yolo_dataset
from ultralytics.models.yolo.detect import DetectionTrainer, DetectionValidator
from ultralytics.utils import RANK
from ultralytics.utils.torch_utils import unwrap_model

from app.core.remaining import remaining_seconds
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.checkpoint import save_checkpoint
from app.engine.devices import use_all_cores
from app.engine.distillation import TEACHER_LOSS
from app.engine.metrics import mean_metrics, per_class_metrics
from app.engine.run_checkpoint import Checkpoint, load_checkpoint, repair
from app.engine.train_device import amp_checked_on, device_name, laid_out, memory_in_use
from app.engine.train_errors import DivergedError, StopNow
from app.engine.train_events import Recorder
from app.engine.train_loader import make_repeatable
from app.engine.train_order import SeenOrder
from app.engine.train_pause import PAUSE, lie_still
from app.engine.train_plan import Plan
from app.engine.trainer_state import (
    asked_of,
    capture,
    follow_epochs,
    load_weights,
    restore_rhythm,
    resumed_settings,
)

_STRIKES = 3
_LEADS = RANK in (-1, 0)
"""Whether this process writes: the only one, or the first of several."""
_BATCH_HALVED = QT_TRANSLATE_NOOP(
    "core",
    "The memory is full: the batch goes from {before} to {after} pictures. A fair pair needs equal batches.",
)
_RECOVERED = QT_TRANSLATE_NOOP(
    "core",
    "The loss became infinite or undefined in epoch {epoch}: back to the last checkpoint, attempt {attempt}.",
)


class StudioTrainer(DetectionTrainer):
    """Trains one design and records it.

    Args:
        plan: What to train.
        recorder: Takes the events.
        should_stop: Returns "stop_now", "stop_after_epoch" or None; asked after every batch.
    """

    def __init__(self, plan: Plan, recorder: Recorder, should_stop: Callable[[], str | None]) -> None:
        self.plan = plan
        self.recorder = recorder
        self.should_stop = should_stop
        self.ended_by: str | None = None
        self.best_epoch: dict[str, Any] = {}
        self._batch_index = 0
        self._batch_ended = 0.0
        self._speed = 0.0
        self._strikes = 0
        self.nominal_accumulate = 1
        self.last_step = -1
        self.resumed_step: int | None = None
        self._pending: Checkpoint | None = None
        self._epoch_begun = 0.0
        self._order = SeenOrder()
        self.epoch = 0  # a training for INT8 looks at pictures before the first one
        overrides = {**plan.overrides(), **resumed_settings(plan.config, plan.checkpoint)}
        super().__init__(overrides=overrides, _callbacks=defaultdict(list))
        self.args.workers = overrides["workers"]  # stock allows none on a CPU

    # --- what ultralytics asks for -------------------------------------------------------------------------

    def run_callbacks(self, event: str) -> None:
        """Call the method of ours that follows the event; no other callback exists here."""
        method = getattr(self, f"_{event}", None)
        if method is not None:
            method()

    def get_dataset(self) -> dict[str, Any]:
        """Return the data as it was prepared: nothing is downloaded or run."""
        return dict(self.plan.data)

    def setup_model(self) -> None:
        """Build the design's model with its first weights, laid out as the device computes fastest."""
        self.model = laid_out(self.plan.build(), self.device, self.args.channels_last)

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
        """Build a data set; unlike stock, validation is rectangular only where asked for."""
        stride = max(int(unwrap_model(self.model).stride.max()), 32)
        return build_yolo_dataset(self.args, img_path, batch, self.data, mode=mode, rect=False, stride=stride)

    def get_dataloader(
        self, dataset_path: str, batch_size: int = 16, rank: int = 0, mode: str = "train"
    ) -> Any:
        """Build a loader; for training one whose pictures depend on the epoch alone."""
        loader = super().get_dataloader(dataset_path, batch_size, rank, mode)
        if mode == "train":
            make_repeatable(loader, self.args.seed, lambda: getattr(self, "epoch", self.start_epoch))
        return loader

    def get_validator(self) -> Any:
        """Return the stock validator, told to look for the user's wish to stop."""
        callbacks = defaultdict(list, {"on_val_batch_end": [lambda _: self._leave_if_asked()]})
        return DetectionValidator(
            self.test_loader, save_dir=self.save_dir, args=copy.copy(self.args), _callbacks=callbacks
        )

    def _setup_train(self) -> None:
        with amp_checked_on(self.device):
            super()._setup_train()

    def _build_train_pipeline(self) -> None:
        if self.optimizer is not None:  # ultralytics halved the batch
            self.recorder.message(
                _BATCH_HALVED, "warning", before=self.plan.config.batch, after=self.batch_size
            )
        super()._build_train_pipeline()

    @property
    def accumulate(self) -> int:
        """Batches per optimizer step; longer once after resuming, to keep the rhythm of the interrupted run."""
        return (
            self.nominal_accumulate
            if self.resumed_step is None
            else self.nominal_accumulate + self.resumed_step + 1
        )

    @accumulate.setter
    def accumulate(self, value: int) -> None:
        self.nominal_accumulate = value

    def build_optimizer(self, *arguments: Any, **more: Any) -> torch.optim.Optimizer:
        """Build an optimizer, and spare what is to be spared of weight decay."""
        optimizer: torch.optim.Optimizer = super().build_optimizer(*arguments, **more)
        self.plan.recovery.regroup(optimizer, unwrap_model(self.model))
        return optimizer

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Note what is seen, before it goes to the device."""
        self._order.add(batch)
        prepared: dict[str, Any] = super().preprocess_batch(batch)
        return prepared

    def optimizer_step(self) -> None:
        """Step, and note when."""
        super().optimizer_step()
        self.resumed_step = None
        self.last_step = self.epoch * len(self.train_loader) + self._batch_index

    def resume_training(self, ckpt: Any) -> None:
        """Put back everything that the checkpoint holds."""
        checkpoint = self.plan.checkpoint
        if checkpoint is None:
            return
        load_weights(self, checkpoint)
        self.start_epoch = checkpoint.epoch
        self.best_epoch = dict(checkpoint.best)
        self.stopper.__dict__.update(checkpoint.stopper)
        if checkpoint.complete:  # more epochs were asked for: patience begins anew
            self.stopper.best_epoch = checkpoint.epoch
        self._pending = checkpoint

    def save_metrics(self, metrics: dict[str, float]) -> None:
        """Leave the table to the recorder."""

    def save_model(self) -> bool:
        """Leave weights and checkpoint to the end of the epoch, after its event."""
        return False

    def final_eval(self) -> None:
        """Leave the files alone: they are complete after every epoch."""

    def close(self) -> None:
        """End the processes that load pictures, also where the training did not come to its end."""
        for name in ("train_loader", "test_loader"):
            loader = getattr(self, name, None)
            if loader is not None:
                loader.reset()

    # --- events --------------------------------------------------------------------------------------------

    def _on_train_start(self) -> None:
        self._use_all_cores()
        self.plan.recovery.begin(unwrap_model(self.model))
        self._epoch_begun = time.monotonic()
        if not _LEADS:
            return
        optimizer = {
            "name": type(self.optimizer).__name__,
            "lr0": self.args.lr0,
            "momentum": self.args.momentum,
        }
        images = {"train": len(self.train_loader.dataset), "val": len(self.test_loader.dataset)}
        self.recorder.start(
            epochs=self.epochs,
            batches=len(self.train_loader),
            batch_size=self.batch_size,
            imgsz=self.args.imgsz,
            device=device_name(self.device),
            threads=torch.get_num_threads(),
            images=images,
            optimizer=optimizer,
            amp=self.amp,
            **self.plan.about,
        )

    def _on_train_epoch_start(self) -> None:
        self._batch_index = -1
        self._order.restart()
        follow_epochs(unwrap_model(self.model), self.epoch)
        self._batch_ended = time.monotonic()
        if self._pending is not None:
            restore_rhythm(self, self._pending)
            self._pending = None

    def _on_train_batch_start(self) -> None:
        self._batch_index += 1

    def _on_train_batch_end(self) -> None:
        now = time.monotonic()
        speed = self.batch_size / max(now - self._batch_ended, 1e-9)
        self._speed = speed if not self._speed else 0.8 * self._speed + 0.2 * speed
        self._batch_ended = now
        if not _LEADS:
            return
        if self.recorder.batch_due or self._batch_index + 1 == len(self.train_loader):
            losses = _losses(self.loss_items)
            self._look_for_divergence(losses)
            self.recorder.record(
                "batch",
                epoch=self.epoch + 1,
                epochs=self.epochs,
                batch=self._batch_index + 1,
                batches=len(self.train_loader),
                losses=losses,
                lr=self._lr(),
                images_per_second=round(self._speed, 2),
                memory=memory_in_use(self.device),
            )
        self._leave_if_asked()

    def _on_fit_epoch_end(self) -> None:
        if not _LEADS:
            return
        epoch = self.epoch + 1
        now = time.monotonic()
        seconds = now - self._epoch_begun
        self._epoch_begun = now
        metrics = mean_metrics(self.validator.metrics)
        fitness = float(self.fitness)
        if not self.best_epoch or fitness > self.best_epoch["fitness"]:
            self.best_epoch = {"epoch": epoch, "fitness": fitness, **metrics}
        self.recorder.epoch(
            epoch=epoch,
            train=_losses(self.tloss),
            val={
                name: self.metrics.get(f"val/{key}")
                for key, name in _loss_names(self.tloss)
                if key != TEACHER_LOSS
            },
            **metrics,
            per_class=per_class_metrics(self.validator.metrics),
            lr=self._lr(),
            fitness=fitness,
            best=self.best_epoch["epoch"] == epoch,
            best_so_far=self.best_epoch,
            order=self._order.digest,
            epochs=self.epochs,
            batches=len(self.train_loader),
            batch_size=self.batch_size,
            device=device_name(self.device),
            seconds=round(seconds, 3),
            remaining=self._remaining(seconds),
        )
        self._save(epoch)
        asked = self.should_stop()
        if asked not in (None, PAUSE) and epoch < self.epochs:
            self.ended_by = asked
            self.stop = True
        self._use_all_cores()

    def _remaining(self, seconds: float) -> float:
        """Estimate the seconds left, from epochs like those to come: on this device, with or without mosaics."""
        known = [float(event["seconds"]) for event in self.recorder.epochs if event.get("seconds")]
        closed = self.epochs - int(self.args.close_mosaic or 0)
        since = closed if self.args.close_mosaic and self.epoch >= closed else 0
        checkpoint = self.plan.checkpoint
        if checkpoint is not None and checkpoint.asked != asked_of(self.plan.config):
            since = max(since, self.start_epoch)
        return round(remaining_seconds([*known, seconds], self.epochs - self.epoch - 1, since), 1)

    def _leave_if_asked(self) -> None:
        paused = lie_still(self.recorder, self.should_stop, self.epoch + 1, self._batch_index + 1)
        self._epoch_begun += paused
        self._batch_ended += paused
        if self.should_stop() == "stop_now":
            self.ended_by = "stop_now"
            raise StopNow

    # --- weights and checkpoints ---------------------------------------------------------------------------

    def _save(self, epoch: int) -> None:
        repair(self.ema.ema, unwrap_model(self.model))
        is_best = self.best_epoch["epoch"] == epoch
        arguments = vars(self.args)
        metrics = {name: self.best_epoch[name] for name in ("precision", "recall", "map50", "map50_95")}
        extra = {"train_metrics": metrics}
        save_checkpoint(self.ema.ema, self.plan.run.last, train_args=arguments, extra=extra)
        if is_best:
            save_checkpoint(self.ema.ema, self.plan.run.best, train_args=arguments, extra=extra)
        written = self.recorder.draft("checkpoint", epoch=epoch, best=is_best, path="checkpoints/last.ckpt")
        position = self.recorder.position_after(written)
        self.recorder.sync()
        capture(self, epoch, position, written).save(self.plan.run.checkpoints)
        self.recorder.commit(written)

    # --- trouble -------------------------------------------------------------------------------------------

    def _look_for_divergence(self, losses: Mapping[str, float]) -> None:
        """Give up after some reported batches in a row without a finite loss."""
        finite = all(math.isfinite(value) for value in losses.values())
        self._strikes = 0 if finite else self._strikes + 1
        if self._strikes >= _STRIKES and self.epoch == self.start_epoch:
            raise DivergedError(self.epoch + 1)

    def _handle_nan_recovery(self, epoch: int) -> bool:
        """Go back to our own checkpoint when the loss is no number, a few times; then give up."""
        loss_broken = self.loss is not None and not bool(self.loss.isfinite().all())
        fitness_broken = self.fitness is not None and not math.isfinite(float(self.fitness))
        if not self._agreed(loss_broken or fitness_broken):
            return False
        checkpoint = load_checkpoint(self.plan.run.checkpoints)
        self.nan_recovery_attempts += 1
        if checkpoint is None or self.nan_recovery_attempts > _STRIKES:
            raise DivergedError(epoch + 1)
        self.recorder.message(_RECOVERED, "warning", epoch=epoch + 1, attempt=self.nan_recovery_attempts)
        self._model_train()
        load_weights(self, checkpoint)
        self.scheduler.last_epoch = epoch - 1
        self.train_loader.reset()
        return True

    @staticmethod
    def _agreed(broken: bool) -> bool:
        """Return what the first of several processes found, in all of them."""
        if RANK == -1:
            return broken
        said = [broken if _LEADS else None]
        dist.broadcast_object_list(said, 0)
        return bool(said[0])

    # --- device --------------------------------------------------------------------------------------------

    def _use_all_cores(self) -> None:
        if self.device.type == "cpu":
            use_all_cores()

    def _lr(self) -> float:
        groups = self.optimizer.param_groups
        return float(next((g for g in groups if g.get("param_group") == "weight"), groups[0])["lr"])


def _loss_names(losses: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (ultralytics' name, ours): `box_loss` is `box`."""
    return [(name, name.removesuffix("_loss")) for name in losses]


def _losses(losses: Mapping[str, torch.Tensor]) -> dict[str, float]:
    return {name: round(float(losses[key]), 5) for key, name in _loss_names(losses)}
