"""What one page may ask of another: plain data, carried by ``Workspace.go_to``.

Pages are made at their first visit, so a request travels with the change of page: the window shows the page,
then hands the request to its ``receive``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOME, DESIGN, DATA, TRAIN, COMPARE, MODELS = "home", "design", "data", "train", "compare", "models"
PAGE_NAMES = (HOME, DESIGN, DATA, TRAIN, COMPARE, MODELS)

SAMPLE = "sample"
"""Names the built-in sample wherever a data set, a source or a detector's weights may be named."""


@dataclass(frozen=True)
class DataRequest:
    """Open this data set on the Data page: a data.yaml, a folder, or ``SAMPLE``."""

    data: str


@dataclass(frozen=True)
class TrainRequest:
    """Prepare a training of the open design; ``data`` empty keeps what is chosen."""

    data: str = ""


@dataclass(frozen=True)
class RunRequest:
    """Show a run of this name on the Train page."""

    name: str


@dataclass(frozen=True)
class CompareRequest:
    """Compare two detectors on one source; an empty field keeps what is chosen.

    Attributes:
        a: Weights of the left side (the standard one), a path or ``SAMPLE``.
        b: Weights of the right side (the lightweight one), a path or ``SAMPLE``.
        source: As ``app.engine.sources.open_source`` takes it, or ``SAMPLE``.
        play: Start at once.
    """

    a: str = ""
    b: str = ""
    source: str = ""
    play: bool = False


@dataclass(frozen=True)
class ModelRequest:
    """Show these weights on the Models page."""

    weights: Path


@dataclass(frozen=True)
class TableRequest:
    """Predict on the Design page for the device of this latency table."""

    path: Path


Request = DataRequest | TrainRequest | RunRequest | CompareRequest | ModelRequest | TableRequest
