"""A training that lies still: it keeps everything it holds, and looks now and then whether it may go on."""

from __future__ import annotations

import time
from collections.abc import Callable

from app.engine.train_events import Recorder

PAUSE = "pause"
_LOOK_S = 0.25


def lie_still(recorder: Recorder, asked: Callable[[], str | None], epoch: int, batch: int) -> float:
    """Wait for as long as a pause is asked for.

    Args:
        recorder: Its clock stands meanwhile.
        asked: Returns the user's latest wish.
        epoch: The running epoch, from 1.
        batch: Batches of it that are done.

    Returns:
        Seconds that it took; 0 where no pause is asked for.
    """
    if asked() != PAUSE:
        return 0.0
    begun = time.monotonic()
    recorder.record("paused", epoch=epoch, batch=batch)
    while asked() == PAUSE:
        time.sleep(_LOOK_S)
    seconds = time.monotonic() - begun
    recorder.leave_out(seconds)
    recorder.record("continued", seconds=round(seconds, 3))
    return seconds
