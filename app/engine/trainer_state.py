"""The state of a trainer, taken out into a checkpoint and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ultralytics.utils import RANK
from ultralytics.utils.torch_utils import ModelEMA, unwrap_model

from app.engine.run_checkpoint import Checkpoint, random_states, restore_random_states, to_cpu

if TYPE_CHECKING:
    from app.core.train_config import TrainConfig
    from app.engine.trainer import StudioTrainer

_SETTLED = ("optimizer", "lr0", "warmup_bias_lr")
"""What the automatic optimizer chooses by the number of epochs; the state of another one would not fit."""
_STOPPER = ("best_fitness", "best_epoch", "possible_stop")


def asked_of(config: TrainConfig) -> dict[str, Any]:
    """Return what resuming may change."""
    return {"epochs": config.epochs, "batch": config.batch, "device": config.device}


def resumed_settings(config: TrainConfig, checkpoint: Checkpoint | None) -> dict[str, Any]:
    """Return what a resumed training is told, by ultralytics' names, whatever the number of epochs suggests now."""
    if checkpoint is None:
        return {}
    same = checkpoint.asked.get("batch", config.batch) == config.batch
    return {**checkpoint.settings, "batch": checkpoint.batch if same else config.batch}


def capture(trainer: StudioTrainer, epoch: int, position: int, event: dict[str, Any]) -> Checkpoint:
    """Return everything that the next epoch depends on.

    Args:
        trainer: Between two epochs.
        epoch: Complete epochs.
        position: Bytes of events that belong to them, `event` included.
        event: The event that says that the checkpoint is there.
    """
    live = unwrap_model(trainer.model)
    gradients = {name: p.grad for name, p in live.named_parameters() if p.grad is not None}
    loader = trainer.train_loader
    return Checkpoint(
        epoch=epoch,
        complete=bool(trainer.stop),
        position=position,
        model=to_cpu(live.state_dict()),
        ema=to_cpu(trainer.ema.ema.state_dict()),
        updates=trainer.ema.updates,
        optimizer=to_cpu(trainer.optimizer.state_dict()),
        scaler=trainer.scaler.state_dict(),
        gradients=to_cpu(gradients),
        last_step=trainer.last_step,
        accumulate=trainer.nominal_accumulate,
        best=trainer.best_epoch,
        stopper={key: float(getattr(trainer.stopper, key)) for key in _STOPPER},
        random_states=random_states(),
        mosaic_buffer=list(getattr(loader.dataset, "buffer", [])),
        batch=trainer.batch_size,
        design=trainer.plan.config.design_text,
        asked=asked_of(trainer.plan.config),
        settings={name: getattr(trainer.args, name) for name in _SETTLED},
        event=event,
    )


def load_weights(trainer: StudioTrainer, checkpoint: Checkpoint) -> None:
    """Put back the weights, their average, the optimizer and the scaler."""
    live = unwrap_model(trainer.model)
    live.load_state_dict(checkpoint.model)
    decays = [group["weight_decay"] for group in trainer.optimizer.param_groups]
    trainer.optimizer.load_state_dict(checkpoint.optimizer)
    if checkpoint.batch != trainer.batch_size:  # the decay per step follows the batch
        for group, decay in zip(trainer.optimizer.param_groups, decays, strict=True):
            group["weight_decay"] = decay
    if checkpoint.scaler:
        trainer.scaler.load_state_dict(checkpoint.scaler)
    trainer.ema = ModelEMA(live)
    trainer.ema.ema.load_state_dict(checkpoint.ema)
    trainer.ema.updates = checkpoint.updates
    trainer.best_fitness = checkpoint.best.get("fitness")


def follow_epochs(model: Any, epochs: int) -> None:
    """Let the loss of an end-to-end head (v10, 26) weigh its two heads as after so many epochs.

    Ultralytics shifts the weight at the end of every epoch and forgets how far it was when a training goes on.

    Args:
        model: A detection model with the trainer's settings in `args`.
        epochs: Complete ones.
    """
    if not epochs or getattr(model.model[-1], "one2one_cv2", None) is None:
        return
    if getattr(model, "criterion", None) is None:
        model.criterion = model.init_criterion()
    loss = getattr(model.criterion, "stock", model.criterion)  # with a teacher beside it
    if hasattr(loss, "update"):
        loss.updates = epochs - 1
        loss.update()


def restore_rhythm(trainer: StudioTrainer, checkpoint: Checkpoint) -> None:
    """Put back what the first batch after resuming needs: gathered gradients, random numbers, mosaics."""
    if checkpoint.batch == trainer.batch_size:
        trainer.nominal_accumulate = checkpoint.accumulate
        trainer.last_step = checkpoint.last_step
        for name, parameter in unwrap_model(trainer.model).named_parameters():
            gradient = checkpoint.gradients.get(name)
            parameter.grad = None if gradient is None else gradient.to(parameter.device)
    else:  # gathered gradients of another batch do not add up with what comes
        trainer.last_step = trainer.start_epoch * len(trainer.train_loader) - 1
    trainer.resumed_step = trainer.last_step
    loader = trainer.train_loader
    if loader.dataset.cache != "ram":
        loader.dataset.buffer.clear()
        for index in checkpoint.mosaic_buffer:
            if index < len(loader.dataset.ims):
                loader.dataset.load_image(index)
    if RANK <= 0:  # further processes keep the states of their own
        restore_random_states(checkpoint.random_states)
