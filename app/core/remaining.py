"""How long a training still takes, by the epochs it has behind it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

_RECENT = 5


def remaining_seconds(seconds: Sequence[float], left: int, since: int = 0) -> float:
    """Estimate the seconds left: the median of the last epochs, for each that is to come.

    The first epoch fills caches and counts only while it is the only one; a median ignores an epoch that something
    else on the machine held up.

    Args:
        seconds: Duration of every complete epoch, pauses left out.
        left: Epochs to come.
        since: Index of the first epoch of the kind that is to come; augmentation changes near the end.
    """
    if not seconds or left <= 0:
        return 0.0
    known = seconds[1:] or seconds
    alike = seconds[max(since, 1) :] or known
    return left * median(alike[-_RECENT:])
