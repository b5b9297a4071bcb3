"""A bench of models as data: what is measured, under which key it is kept, and who is on the Pareto front.

Whatever was measured is one line of a file of JSON lines, under a key of everything it depends on: a bench that was
killed, or that gets one model more, measures only what is not there yet.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from app.core.latency_keys import digest

COST, ACCURACY, LATENCY = "cost", "accuracy", "latency"
FORMAT = 1


@dataclass(frozen=True)
class Cell:
    """How a model is executed."""

    runtime: str
    precision: str
    device: str = "cpu"


@dataclass(frozen=True)
class BenchRow:
    """A model on one runtime in one precision; None is what was not, or could not be, measured.

    Attributes:
        name: of the model.
        weights: its file; of an untrained rival "".
        role: "standard", "lightweight", "rival" or "" where nobody knows.
        trained: False for a plain model that stands here for its cost alone: it has no accuracy.
        runtime, precision, device, threads: what executed it.
        shape: height and width of the input in pixels.
        parameters: in the training form.
        gflops: 10⁹ floating-point operations at that shape, in the training form.
        bytes: size of the weights' file.
        map50, map50_95: on the bench's split, in this precision.
        images: pictures the accuracy was measured on.
        p50_ms, p95_ms: milliseconds of one inference.
        low_ms, high_ms: 95 % interval of the median.
        calls: inferences that were timed.
        ratio: how many times as fast as the reference, measured in turn with it: median, low, high.
        disturbed: share of the processors that others used, where that was too much: such a figure is not kept.
        problem: message and hint of what could not be done; None where all went well.
        front: whether no other trained row is as accurate and faster.
    """

    name: str
    weights: str
    role: str
    trained: bool
    runtime: str
    precision: str
    device: str
    threads: int
    shape: tuple[int, int]
    parameters: int | None = None
    gflops: float | None = None
    bytes: int | None = None
    map50: float | None = None
    map50_95: float | None = None
    images: int | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    low_ms: float | None = None
    high_ms: float | None = None
    calls: int | None = None
    ratio: tuple[float, float, float] | None = None
    disturbed: float | None = None
    problem: Mapping[str, Any] | None = None
    front: bool = False

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What tells it from the other rows."""
        return self.name, self.weights, self.runtime, self.precision, self.device

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> BenchRow:
        """Read what `to_json` wrote; what a newer Studio added is left out.

        Raises:
            KeyError, TypeError, ValueError: it is no row.
        """
        known = {one.name for one in fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        height, width = values["shape"]
        values["shape"] = (int(height), int(width))
        if values.get("ratio") is not None:
            middle, low, high = values["ratio"]
            values["ratio"] = (float(middle), float(low), float(high))
        return cls(**values)


@dataclass(frozen=True)
class Bench:
    """All rows, and what they have in common.

    Attributes:
        data: the data set, as it was named.
        split: the split that accuracy was measured on.
        images: its pictures.
        machine: name of the processor or accelerator.
        versions: package → version.
        reference: name of the model that the others are timed against.
        rows: every model on every runtime in every precision.
        rounds: how the milliseconds were taken, in words.
    """

    data: str
    split: str
    images: int
    machine: str
    versions: Mapping[str, str]
    reference: str
    rows: tuple[BenchRow, ...]
    rounds: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the bench as plain data."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Bench:
        """Read what `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is no bench.
        """
        return cls(
            data=str(data["data"]),
            split=str(data["split"]),
            images=int(data["images"]),
            machine=str(data["machine"]),
            versions={str(name): str(version) for name, version in data["versions"].items()},
            reference=str(data["reference"]),
            rows=tuple(BenchRow.from_json(row) for row in data["rows"]),
            rounds=str(data.get("rounds", "")),
        )

    def sorted_out(self) -> Bench:
        """Return it with the front marked anew."""
        best = {row.key for row in front(self.rows)}
        return replace(self, rows=tuple(replace(row, front=row.key in best) for row in self.rows))


def front(rows: Iterable[BenchRow], cost: str = "p50_ms") -> list[BenchRow]:
    """Return the trained rows that no other trained row beats: none is at least as good in both and better in one.

    Args:
        rows: of a bench.
        cost: field that counts as cost. Milliseconds that were disturbed do not take part.
    """
    known = [
        row
        for row in rows
        if row.trained
        and row.map50_95 is not None
        and getattr(row, cost) is not None
        and not (cost == "p50_ms" and row.disturbed is not None)
    ]
    places = {row.key: (float(getattr(row, cost)), -float(row.map50_95 or 0.0)) for row in known}
    return [row for row in known if not any(_beats(other, places[row.key]) for other in places.values())]


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] <= other[0] and one[1] <= other[1]


def ratios(times: Sequence[Sequence[float]], reference: Sequence[Sequence[float]]) -> list[float]:
    """Return, round by round, how many times as fast as the reference: the ratio of the medians of each turn."""
    from statistics import median

    pairs = zip(times, reference, strict=False)
    return [median(theirs) / median(own) for own, theirs in pairs if own and theirs]


# --- what is kept ------------------------------------------------------------------------------------------------


@dataclass
class Kept:
    """What was measured before, in a file of JSON lines that anybody can read.

    Every line is {"kind", "name", "key", "about", "value"}; of two lines with one key the later counts. A line that a
    kill cut off, and whatever else is no such line, is passed over.

    Attributes:
        path: the file.
    """

    path: Path
    _known: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._known[str(entry["kind"]), str(entry["key"])] = dict(entry["value"])
            except (ValueError, KeyError, TypeError):
                continue

    def get(self, kind: str, about: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what was measured of this, or None."""
        return self._known.get((kind, key_of(about)))

    def keep(self, kind: str, about: Mapping[str, Any], value: Mapping[str, Any], name: str = "") -> None:
        """Add a measurement; it is on the disk when this returns.

        Args:
            kind: COST, ACCURACY or LATENCY.
            about: everything it depends on.
            value: what was measured.
            name: of the model, for people who read the file.

        Raises:
            OSError: the file cannot be written.
        """
        key = key_of(about)
        entry = {"kind": kind, "name": name, "key": key, "about": dict(about), "value": dict(value)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            file.seek(0, os.SEEK_END)
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a kill cut the last line off
                    file.write(b"\n")
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._known[kind, key] = dict(value)


def key_of(about: Mapping[str, Any]) -> str:
    """Return a short text that stands for everything a measurement depends on."""
    return digest(json.dumps(about, sort_keys=True, ensure_ascii=False))
