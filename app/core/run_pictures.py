"""The pictures a training keeps for watching: a few of the validation set, and what it finds on them by epoch.

`pictures/` of a run folder holds `val-N.jpg` and `batch-N.jpg`, small; `truth.json`, the labels of the first; and
`epochs.jsonl`, one line an epoch. A run folder may come from anybody: every line is checked before it is used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

FOLDER, TRUTH, EPOCHS = "pictures", "truth.json", "epochs.jsonl"
MOST_PICTURES, MOST_BATCHES, MOST_BOXES = 6, 3, 60
_MOST_BYTES = 64 << 20
_MOST_LINE = 1 << 20
_CHUNK = 1 << 17

Box = tuple[int, float, float, float, float, float]
"""Class number; left, top, right, bottom as shares of the picture; confidence, 1 for labels."""


@dataclass(frozen=True)
class Watched:
    """What a run keeps of a few validation pictures.

    Attributes:
        names: Their file names.
        classes: Names by class number.
        truth: Labels, picture by picture.
        epochs: Epoch → boxes found, picture by picture; in the order of the epochs.
    """

    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    truth: tuple[tuple[Box, ...], ...] = ()
    epochs: Mapping[int, tuple[tuple[Box, ...], ...]] = field(default_factory=dict)


def val_file(number: int) -> str:
    """Return the file name of a validation picture."""
    return f"val-{number}.jpg"


def batch_file(number: int) -> str:
    """Return the file name of a picture of an augmented batch."""
    return f"batch-{number}.jpg"


def kept(epoch: int) -> bool:
    """Tell whether an epoch is kept: all of the first 200, then fewer and fewer."""
    return epoch <= 200 or epoch % (5 if epoch <= 1000 else 50) == 0


def read_watched(run: Path) -> Watched:
    """Read what a run keeps; empty where it keeps nothing readable."""
    watched = read_truth(run)
    if not watched.names:
        return watched
    tail = EpochTail(run, len(watched.names))
    while tail.poll():
        continue
    return replace(watched, epochs=dict(tail.epochs))


def read_truth(run: Path) -> Watched:
    """Read names and labels of the pictures, without any epoch."""
    path = run / FOLDER / TRUTH
    try:
        if path.stat().st_size > _MOST_LINE:
            return Watched()
        data = json.loads(path.read_text(encoding="utf-8"))
        names = tuple(str(name)[:200] for name in data["names"][:MOST_PICTURES])
        classes = tuple(str(name)[:200] for name in data["classes"])
        return Watched(names, classes, _boxes(data["truth"], len(names)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Watched()


class EpochTail:
    """Follows what a training finds on its pictures, a little at a time, so that a window stays fluent.

    Attributes:
        epochs: Epoch → boxes found, picture by picture.

    Args:
        run: The run folder.
        pictures: How many pictures it keeps.
    """

    def __init__(self, run: Path, pictures: int) -> None:
        self.epochs: dict[int, tuple[tuple[Box, ...], ...]] = {}
        self._path = run / FOLDER / EPOCHS
        self._pictures = pictures
        self._offset = 0

    def poll(self) -> bool:
        """Read what is new, at most 128 kB; return whether there was anything."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._offset)
                data = stream.read(_CHUNK)
        except OSError:
            return False
        end = data.rfind(b"\n") + 1
        if not end and len(data) == _CHUNK:
            end = len(data)  # no line is as long: skip it
        self._offset += end
        if self._offset <= _MOST_BYTES:
            for line in data[:end].splitlines():
                self._take(line)
        return end > 0

    def _take(self, line: bytes) -> None:
        try:
            data: Any = json.loads(line)
            epoch, boxes = int(data["epoch"]), _boxes(data["boxes"], self._pictures)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return
        for later in [known for known in self.epochs if known >= epoch]:  # the run went back to a checkpoint
            del self.epochs[later]
        self.epochs[epoch] = boxes


def _boxes(data: Any, pictures: int) -> tuple[tuple[Box, ...], ...]:
    rows = [tuple(_box(box) for box in row[:MOST_BOXES]) for row in data[:pictures]]
    return tuple(rows + [()] * (pictures - len(rows)))


def _box(data: Any) -> Box:
    cls, *rest = data
    values = [float(value) for value in rest]
    if len(values) != 5 or not all(math.isfinite(value) for value in values):
        raise ValueError("no box")
    left, top, right, bottom, confidence = (min(max(value, -1.0), 2.0) for value in values)
    return int(cls), left, top, right, bottom, confidence
