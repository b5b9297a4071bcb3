"""Who needs the machine right now: trainings, comparisons and measurements tell each other.

Each writes a small file with its process into the cache folder and removes it when it is done; files of processes that
are gone do not count. Nothing is locked: a training or a comparison starts when the user says so, and it is for the
measurement to wait, or to drop what was disturbed (decision 5 of the design).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.files import write_text
from app.core.folders import cache_folder
from app.core.processes import ProcessIdentity, identify, is_alive

TRAINING = "training"
COMPARISON = "comparison"
MEASUREMENT = "measurement"

_PAUSE_S = 0.5
_counter = itertools.count()


@dataclass(frozen=True)
class Activity:
    """Something that needs the machine.

    Attributes:
        kind: "training", "comparison" or "measurement".
        process: who does it.
        since: when it began, seconds since 1970.
    """

    kind: str
    process: ProcessIdentity
    since: float


class Claim:
    """What this process says that it does; a comparison that is paused takes it back for a while.

    Attributes:
        since: when it was first said, seconds since 1970.
    """

    def __init__(self, kind: str) -> None:
        self.since = time.time()
        self._kind = kind
        self._path: Path | None = None

    def hold(self) -> None:
        """Say so; nothing happens where it is said already, or the cache folder cannot be written."""
        process = identify()
        if self._path is not None or process is None:
            return
        path = folder() / f"{process.pid}-{self._kind}-{next(_counter)}.json"
        text = json.dumps({"kind": self._kind, "since": self.since, "process": process.to_dict()})
        with contextlib.suppress(OSError):
            write_text(path, text)
            self._path = path

    def release(self) -> None:
        """Take it back."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            self._path = None


def folder() -> Path:
    """Return the folder of the files, one for the whole machine whatever the workspace."""
    return cache_folder() / "activity"


@contextmanager
def active(kind: str) -> Iterator[Claim]:
    """Say that this process does something that needs the machine, for as long as the block runs."""
    claim = Claim(kind)
    claim.hold()
    try:
        yield claim
    finally:
        claim.release()


def others() -> tuple[Activity, ...]:
    """Return what other living processes do, oldest first; files of dead ones are removed."""
    found = []
    for path in sorted(folder().glob("*.json")):
        activity = _read(path)
        if activity is None:
            continue
        if activity.process.pid == os.getpid():
            continue
        if is_alive(activity.process):
            found.append(activity)
        else:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
    return tuple(sorted(found, key=lambda activity: (activity.since, activity.process.pid)))


def _read(path: Path) -> Activity | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        process = ProcessIdentity.from_dict(data["process"])
        return None if process is None else Activity(str(data["kind"]), process, float(data["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def disturbance(since: float) -> Activity | None:
    """Return what a measurement that has announced itself must wait for, or None.

    Args:
        since: when the measurement announced itself; of two measurements the older goes first.
    """
    for activity in others():
        if activity.kind != MEASUREMENT or activity.since < since:
            return activity
    return None


@contextmanager
def measuring(
    cancelled: Callable[[], bool] = lambda: False,
    patience_s: float | None = None,
    waiting: Callable[[Activity], None] = lambda _activity: None,
) -> Iterator[Measuring]:
    """Announce a measurement and wait until nothing else needs the machine.

    Args:
        cancelled: asked while waiting.
        patience_s: how long to wait; for ever where None, not at all where 0.
        waiting: told once what is waited for.

    Yields:
        What tells whether it is quiet; ask it again after measuring.
    """
    with active(MEASUREMENT) as claim:
        turn = Measuring(claim.since, cancelled, patience_s, waiting)
        turn.wait()
        yield turn


class Measuring:
    """A measurement that has announced itself; see `measuring`."""

    def __init__(
        self,
        since: float,
        cancelled: Callable[[], bool],
        patience_s: float | None,
        waiting: Callable[[Activity], None],
    ) -> None:
        self._since = since
        self._cancelled = cancelled
        self._patience_s = patience_s
        self._waiting = waiting

    def disturbance(self) -> Activity | None:
        """Return what needs the machine besides, or None."""
        return disturbance(self._since)

    def wait(self) -> bool:
        """Wait until it is quiet; return whether it is: not where it was cancelled or patience ended."""
        end = None if self._patience_s is None else time.monotonic() + self._patience_s
        told = False
        while (activity := self.disturbance()) is not None:
            if not told:
                self._waiting(activity)
                told = True
            if self._cancelled() or (end is not None and time.monotonic() >= end):
                return False
            time.sleep(_PAUSE_S if end is None else min(_PAUSE_S, max(end - time.monotonic(), 0.0)))
        return not self._cancelled()
