"""Which other run a run is best compared with."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.errors import AppError
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.core.train_config import TrainConfig


def role_of(state: RunState) -> str:
    """Return whether a run is "standard" or "lightweight"; empty before it started."""
    return str(state.about.get("role", ""))


def config_of(run: RunFolder) -> TrainConfig | None:
    """Return a run's record, or None where it cannot be read."""
    try:
        return run.config()
    except AppError:
        return None


def partner_of(state: RunState, others: Sequence[tuple[RunFolder, RunState]]) -> RunFolder | None:
    """Return the best run of the other role: the same data and picture size count most, then the newest.

    Args:
        state: Of the run that wants a partner.
        others: Every run, the newest first.
    """
    mine = state.about
    found: list[tuple[int, RunFolder]] = []
    for place, (other, theirs) in enumerate(others):
        if not role_of(theirs) or role_of(theirs) == role_of(state) or not other.best.is_file():
            continue
        alike = sum(theirs.about.get(name) == mine.get(name) for name in ("data", "imgsz", "base"))
        found.append((alike * 10_000 - place, other))
    return max(found, key=lambda pair: pair[0])[1] if found else None
