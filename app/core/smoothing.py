"""Smoothing of curves for the eye."""

from __future__ import annotations

import math
from collections.abc import Sequence


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """Return the exponential moving average, corrected for its beginning as in Adam (Kingma and Ba 2015, section 3).

    Args:
        values: NaN leaves a gap and counts for nothing.
        weight: What the past counts, from 0 (nothing is smoothed) to below 1.
    """
    if weight <= 0:
        return list(values)
    mean, share, result = 0.0, 0.0, []
    for value in values:
        if math.isfinite(value):
            mean = weight * mean + (1 - weight) * value
            share = weight * share + (1 - weight)
            result.append(mean / share)
        else:
            result.append(math.nan)
    return result
