"""Which other run a run is best compared with."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.errors import AppError
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.core.train_config import TrainConfig


def role_of(run: RunFolder) -> str:
    """Return whether a run is "standard" or "lightweight"; empty where its record cannot be read."""
    config = config_of(run)
    return config.role if config is not None else ""


def config_of(run: RunFolder) -> TrainConfig | None:
    """Return a run's record, or None where it cannot be read."""
    try:
        return run.config()
    except AppError:
        return None


def partner_of(run: RunFolder, others: Sequence[tuple[RunFolder, RunState]]) -> RunFolder | None:
    """Return the best run of the other role: the same data and picture size count most, then the newest."""
    mine = config_of(run)
    if mine is None:
        return None
    found: list[tuple[int, RunFolder]] = []
    for place, (other, _) in enumerate(others):
        theirs = config_of(other)
        if theirs is None or theirs.role == mine.role or not other.best.is_file():
            continue
        alike = 2 * (theirs.data == mine.data) + (theirs.imgsz == mine.imgsz)
        found.append((alike * 10_000 - place, other))
    return max(found, key=lambda pair: pair[0])[1] if found else None
