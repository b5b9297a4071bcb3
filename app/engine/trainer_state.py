"""The state of a trainer, taken out into a checkpoint and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ultralytics.utils import RANK
from ultralytics.utils.torch_utils import ModelEMA, unwrap_model

from app.engine.run_checkpoint import Checkpoint, random_states, restore_random_states, to_cpu

if TYPE_CHECKING:
    from app.engine.trainer import StudioTrainer

_STOPPER = ("best_fitness", "best_epoch", "possible_stop")


def capture(trainer: StudioTrainer, epoch: int, position: int) -> Checkpoint:
    """Return everything that the next epoch depends on.

    Args:
        trainer: Between two epochs.
        epoch: Complete epochs.
        position: Bytes of events that belong to them.
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
        random_states=random_states(loader.generator),
        mosaic_buffer=list(getattr(loader.dataset, "buffer", [])),
        batch=trainer.batch_size,
        design=trainer.plan.config.design_text,
    )


def load_weights(trainer: StudioTrainer, checkpoint: Checkpoint) -> None:
    """Put back the weights, their average, the optimizer and the scaler."""
    live = unwrap_model(trainer.model)
    live.load_state_dict(checkpoint.model)
    trainer.optimizer.load_state_dict(checkpoint.optimizer)
    if checkpoint.scaler:
        trainer.scaler.load_state_dict(checkpoint.scaler)
    trainer.ema = ModelEMA(live)
    trainer.ema.ema.load_state_dict(checkpoint.ema)
    trainer.ema.updates = checkpoint.updates
    trainer.best_fitness = checkpoint.best.get("fitness")


def restore_rhythm(trainer: StudioTrainer, checkpoint: Checkpoint) -> None:
    """Put back what the first batch after resuming needs: gathered gradients, random numbers, mosaics."""
    trainer.nominal_accumulate = checkpoint.accumulate
    trainer.last_step = checkpoint.last_step
    trainer.resumed_step = checkpoint.last_step
    for name, parameter in unwrap_model(trainer.model).named_parameters():
        gradient = checkpoint.gradients.get(name)
        parameter.grad = None if gradient is None else gradient.to(parameter.device)
    loader = trainer.train_loader
    if loader.dataset.cache != "ram":
        loader.dataset.buffer.clear()
        for index in checkpoint.mosaic_buffer:
            if index < len(loader.dataset.ims):
                loader.dataset.load_image(index)
    if RANK <= 0:  # further processes keep the states of their own
        restore_random_states(checkpoint.random_states, loader.generator)
