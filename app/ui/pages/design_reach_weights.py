"""Which trained weights and pictures the risks of swaps can be measured on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import AppError
from app.core.folders import resources
from app.core.runs import RunFolder
from app.core.runs import Workspace as Folder
from app.core.user_models import same_base
from app.ui.requests import SAMPLE

_MOST = 12
_SAMPLE_BASE = "yolov5n"


@dataclass(frozen=True)
class Trained:
    """A trained standard model, and what it was trained on.

    Attributes:
        name: of the run; "" for the sample's model.
        weights: its checkpoint.
        data: data.yaml, or "sample".
    """

    name: str
    weights: Path
    data: str


def trained_runs(folder: Folder, base: str) -> Iterator[Trained]:
    """Yield the finished standard runs of a base model in a workspace, the newest first."""
    for run in folder.list_runs():
        found = _standard(run, base)
        if found is not None:
            yield found


def choices(folder: Folder, base: str) -> list[Trained]:
    """Return what a base model can be measured on: its runs, and the sample's model where it is of that base."""
    found = []
    for one in trained_runs(folder, base):
        found.append(one)
        if len(found) == _MOST:
            break
    sample = resources() / "sample" / "standard.pt"
    if base == _SAMPLE_BASE and sample.is_file():
        found.append(Trained("", sample, SAMPLE))
    return found


def _standard(run: RunFolder, base: str) -> Trained | None:
    """Return a run's weights where it trained a standard model of that base to its end."""
    if not run.best.is_file():
        return None
    try:
        design, data = run.design(), run.config().data
        if not design.is_standard or not same_base(design.base, base):
            return None
    except AppError:
        return None
    if run.state().status not in ("finished", "stopped"):
        return None
    return Trained(run.name, run.best, data)
