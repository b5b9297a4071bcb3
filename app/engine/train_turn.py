"""The job `train.estimate`: waits until nothing else needs the machine, and measures again what was disturbed.

It waits with little in memory: torch is imported when its turn has come.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from app.core.arbiter import Activity, Measuring, measuring
from app.core.text import QT_TRANSLATE_NOOP
from app.core.train_config import TrainConfig
from app.engine.jobs import Channel

_WAITING = QT_TRANSLATE_NOOP("core", "Waiting until nothing else trains, compares or measures.")


class DisturbedError(Exception):
    """Something that needs the machine began beside the estimate."""


class _Turn(Channel):
    """A channel that also ends an estimate which is disturbed."""

    def __init__(self, channel: Channel, turn: Measuring, patient: bool) -> None:
        self._channel = channel
        self._turn = turn
        self._patient = patient

    @property
    def cancelled(self) -> bool:
        """Whether to stop as soon as possible.

        Raises:
            DisturbedError: Something began that needs the machine more.
        """
        if self._patient and not self._channel.cancelled and self._turn.disturbance() is not None:
            raise DisturbedError
        return self._channel.cancelled

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell how far the estimate is."""
        self._channel.progress(fraction, text)


def run(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Estimate a training; nothing is written but into a temporary folder.

    Args:
        request: "config": the training's record; a batch of 0 asks for the best one. "wait": whether trainings,
            comparisons and other measurements go first, even those that begin in the middle; otherwise it is made
            at once, and only later measurements wait for it.
        channel: Takes the progress, and {"event": "waiting", "for": what goes first, or ""}.

    Returns:
        See `app.engine.train_estimate.estimate`; nothing where it was cancelled.
    """
    config = TrainConfig.from_dict(request["config"])
    patient = bool(request.get("wait"))

    def tell(activity: Activity) -> None:
        channel.emit({"event": "waiting", "for": activity.kind})
        channel.progress(0.0, _WAITING)

    with measuring(lambda: channel.cancelled, None if patient else 0, tell if patient else _ignore) as turn:
        while not channel.cancelled:
            channel.emit({"event": "waiting", "for": ""})
            try:
                return _estimate(config, _Turn(channel, turn, patient))
            except DisturbedError:
                turn.wait()
    return {}


def _ignore(_activity: Activity) -> None:
    """Nobody has to know what an estimate does not wait for."""


def _estimate(config: TrainConfig, channel: Channel) -> dict[str, Any]:
    from app.engine.train_errors import StopNow
    from app.engine.train_estimate import estimate

    with tempfile.TemporaryDirectory(prefix="estimate-", ignore_cleanup_errors=True) as folder:
        try:
            return estimate(config, Path(folder), channel)
        except StopNow:  # cancelled
            return {}
