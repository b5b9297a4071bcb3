"""What a comparison has measured so far: plain data that events, reports and the command line share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.core.statistics import Interval, Spread, median_interval

PARTS = ("preprocess_ms", "inference_ms", "postprocess_ms", "total_ms")
"""What the time of one side on one picture consists of, and all of it."""

COUNTS = ("agree", "class_changed", "only_a", "only_b")
"""How the boxes of both sides on one picture can stand to each other."""

DRIFT_S = 60.0
"""Length of the first and of the last stretch that are held against each other."""

DRIFT_SHARE = 0.05
"""Medians that differ by less than this share are the same, however narrow their intervals are."""

_STEPS = 40


@dataclass(frozen=True)
class Histogram:
    """How often values fell into steps of equal width.

    Attributes:
        low, high: ends of the range; what lies outside counts into the first or last step.
        counts: how many values each step holds.
    """

    low: float
    high: float
    counts: tuple[int, ...]

    @staticmethod
    def of(values: Sequence[float], low: float, high: float, steps: int = _STEPS) -> Histogram:
        """Count values between two ends."""
        counts = [0] * steps
        width = (high - low) / steps or 1.0
        for value in values:
            counts[min(max(int((value - low) / width), 0), steps - 1)] += 1
        return Histogram(low, high, tuple(counts))

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Histogram:
        """Read what `asdict` wrote."""
        return Histogram(float(data["low"]), float(data["high"]), tuple(int(n) for n in data["counts"]))


@dataclass(frozen=True)
class Drift:
    """The first and the last minute disagree: the machine became slower or faster meanwhile.

    Attributes:
        side: "a" or "b", the one that changed more.
        first_ms, last_ms: median inference of that side in the first and in the last minute.
    """

    side: str
    first_ms: float
    last_ms: float

    @property
    def ratio(self) -> float:
        """How many times as long the last minute's pictures took."""
        return self.last_ms / self.first_ms


def drift_between(side: str, first: Sequence[float], last: Sequence[float]) -> Drift | None:
    """Return how two stretches disagree: intervals of their medians apart, and medians by more than 5 %."""
    if not first or not last:
        return None
    early, late = median_interval(first), median_interval(last)
    apart = early.high < late.low or late.high < early.low
    if not apart or abs(late.median / early.median - 1) <= DRIFT_SHARE:
        return None
    return Drift(side, early.median, late.median)


@dataclass(frozen=True)
class SideFigures:
    """One detector and its times.

    Attributes:
        weights: file of the detector.
        runtime, precision, device, threads: what it ran on.
        shape: height and width of the network input in pixels.
        times: part → spread in milliseconds, of `PARTS`.
        inference: distribution of the inference times.
        detections: boxes found, all pictures together.
    """

    weights: str
    runtime: str
    precision: str
    device: str
    threads: int
    imgsz: int
    shape: tuple[int, int] | None
    times: Mapping[str, Spread]
    inference: Histogram
    detections: int

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> SideFigures:
        """Read what `asdict` wrote."""
        shape = data["shape"]
        return SideFigures(
            str(data["weights"]),
            str(data["runtime"]),
            str(data["precision"]),
            str(data["device"]),
            int(data["threads"]),
            int(data["imgsz"]),
            (int(shape[0]), int(shape[1])) if shape else None,
            {part: Spread(**told) for part, told in data["times"].items()},
            Histogram.from_dict(data["inference"]),
            int(data["detections"]),
        )


@dataclass(frozen=True)
class SessionFigures:
    """Everything that a comparison measured since its beginning, or since it was reset.

    Attributes:
        source: what the pictures came from.
        pairs: pictures that both detectors have seen.
        sampled: pairs that the spreads rest on: all of them, or an even draw once there are very many.
        dropped: pictures of the source that were left out because a newer one had come.
        seconds: wall time of the pairs, pauses apart.
        a, b: both sides.
        speedup: median ratio of the inference times on the same picture, with its 95 % interval.
        speedup_total: the same with pre- and postprocessing.
        pair_ms: from decoded picture to both results.
        age_ms: from capture to both results; None where files are taken as fast as they decode.
        pairs_per_second: over `seconds`.
        agreement: of `COUNTS`, all pictures together.
        by_class: class name → counts.
        timeline: rows of (second, agree, class_changed, only_a, only_b), at most a few hundred.
        drift: where the first and the last minute disagree.
        notes: what a person should know about the source.
    """

    source: str
    pairs: int
    sampled: int
    dropped: int
    seconds: float
    a: SideFigures
    b: SideFigures
    speedup: Interval
    speedup_total: Interval
    pair_ms: Spread
    age_ms: Spread | None
    pairs_per_second: float
    agreement: Mapping[str, int]
    by_class: Mapping[str, Mapping[str, int]]
    timeline: tuple[tuple[float, int, int, int, int], ...] = ()
    drift: Drift | None = None
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> SessionFigures:
        """Read what `as_dict` gave, as JSON keeps it."""
        plain = {
            name: data[name]
            for name in (
                "source", "pairs", "sampled", "dropped", "seconds", "pairs_per_second", "agreement", "by_class"
            )
        }  # fmt: skip
        return SessionFigures(
            **plain,
            a=SideFigures.from_dict(data["a"]),
            b=SideFigures.from_dict(data["b"]),
            speedup=Interval(**data["speedup"]),
            speedup_total=Interval(**data["speedup_total"]),
            pair_ms=Spread(**data["pair_ms"]),
            age_ms=Spread(**data["age_ms"]) if data["age_ms"] else None,
            timeline=tuple((float(s), int(a), int(c), int(x), int(y)) for s, a, c, x, y in data["timeline"]),
            drift=Drift(**data["drift"]) if data["drift"] else None,
            notes=tuple(data["notes"]),
        )
