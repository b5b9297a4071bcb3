"""Where an interrupted training goes on, and what is different from what it was told before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.events import Event
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP
from app.core.train_config import TrainConfig
from app.engine.train_events import Recorder

if TYPE_CHECKING:
    from app.engine.run_checkpoint import Checkpoint

_RESUMED = QT_TRANSLATE_NOOP("core", "Resumed after epoch {epoch}.")
_DAMAGED = QT_TRANSLATE_NOOP(
    "core", "The checkpoint {name} is damaged: going on from the one before, after epoch {epoch}."
)
_CHANGED: Mapping[str, str] = {
    "epochs": QT_TRANSLATE_NOOP("core", "Epochs: {before} before, {after} now."),
    "batch": QT_TRANSLATE_NOOP("core", "Pictures per step: {before} before, {after} now."),
    "device": QT_TRANSLATE_NOOP("core", "Device: {before} before, {after} now."),
}


@dataclass(frozen=True)
class Resumption:
    """Where a training goes on.

    Attributes:
        checkpoint: The newest whole checkpoint; None where the training begins.
        damaged: Newer checkpoints that cannot be read.
    """

    checkpoint: Checkpoint | None = None
    damaged: tuple[Path, ...] = ()

    @property
    def position(self) -> int | None:
        """Bytes of events to keep; None where none are."""
        return self.checkpoint.position if self.checkpoint is not None else None

    def nothing_left(self, config: TrainConfig) -> bool:
        """Whether every epoch is done and only the final event is missing."""
        done = self.checkpoint
        if done is None:
            return False
        early = done.complete and done.asked.get("epochs", config.epochs) >= config.epochs
        return early or done.epoch >= config.epochs

    def tell(self, recorder: Recorder, config: TrainConfig) -> None:
        """Complete the events up to the checkpoint, and tell what is different from now on."""
        if self.checkpoint is None:
            return
        recorder.catch_up(self.checkpoint.event, self.checkpoint.position)
        recorder.message(_RESUMED, epoch=self.checkpoint.epoch)
        for path in self.damaged:
            recorder.message(_DAMAGED, "warning", name=path.name, epoch=self.checkpoint.epoch)
        for name, before in self.checkpoint.asked.items():
            after = getattr(config, name)
            if after != before:
                recorder.message(_CHANGED[name], before=before or "auto", after=after or "auto")


def find_resumption(run: RunFolder, leads: bool = True) -> Resumption:
    """Find the checkpoint to go on from, and clear away what a killed training left half-written.

    Args:
        run: The run folder.
        leads: Whether this process writes, and so may clear away; of several that train together only one does.

    Raises:
        AppError: There are checkpoints, but none can be read.
    """
    from app.engine.run_checkpoint import find_checkpoint

    found = Resumption(*find_checkpoint(run.checkpoints))
    if leads:
        for leftover in run.path.rglob(".*.part"):
            leftover.unlink(missing_ok=True)
    return found


def final_of(run: RunFolder, config: TrainConfig) -> Event | None:
    """Return the final event of a run that has nothing left to do."""
    if run.state().status != "finished":
        return None
    final: dict[str, Any] | None = next((e for e in run.events() if e["event"] == "finished"), None)
    return final if final is not None and final["epochs"] >= config.epochs else None
