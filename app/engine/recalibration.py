"""Measures the statistics of every BatchNorm anew on plain training pictures, once a training is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from app.core.text import QT_TRANSLATE_NOOP
from app.engine.checkpoint import save_checkpoint
from app.engine.evaluate import Evaluation, evaluate_prepared
from app.engine.models import load_checkpoint
from app.engine.refit_pictures import evenly, load_pictures
from app.engine.train_data import pictures_of
from app.engine.train_events import Recorder
from app.engine.train_plan import Plan

MOST_PICTURES = 512
"""How many training pictures are looked at."""

_CHUNK = 32
_NAME = "recalibrated.pt"
_KEPT = QT_TRANSLATE_NOOP(
    "core",
    "BatchNorm statistics measured anew: mAP50-95 {after} on the validation pictures, {before} before.",
)
_LEFT = QT_TRANSLATE_NOOP(
    "core",
    "BatchNorm statistics stay as they were: measured anew they give mAP50-95 {after} instead of {before}.",
)


@torch.no_grad()
def recalibrate(model: nn.Module, pictures: Iterable[Tensor]) -> None:
    """Set the running statistics of every BatchNorm to the averages over some pictures.

    Args:
        model: a detection model in eval mode; its BatchNorms are changed, nothing else.
        pictures: batches, N × 3 × H × W, each of more than one picture.
    """
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    usual = [norm.momentum for norm in norms]
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the average of all batches alike
            norm.train()
        for batch in pictures:
            model(batch)
    finally:
        for norm, momentum in zip(norms, usual, strict=True):
            norm.momentum = momentum
            norm.eval()


def recalibrate_best(plan: Plan, recorder: Recorder) -> None:
    """Recalibrate the best weights of a run, and keep the result where validation does not get worse.

    What is measured is the same each time, so that a training killed here does it again without harm.

    Raises:
        AppError: The result cannot be written.
    """
    best = plan.run.best
    loaded = load_checkpoint(best)
    model = loaded.model.to(_first(plan.device))
    files = evenly(pictures_of(plan.data), MOST_PICTURES)
    if len(files) < 2:
        return
    recalibrate(model, _batches(files, plan.config.imgsz, next(model.parameters()).device))
    fresh = best.with_name(_NAME)
    before = _measured(plan, best)
    try:
        metrics = {name: before[name] for name in ("precision", "recall", "map50", "map50_95")}
        save_checkpoint(model, fresh, train_args=plan.overrides(), extra={"train_metrics": metrics})
        after = _measured(plan, fresh)
        better = after["map50_95"] > before["map50_95"]
        if better:
            metrics = {name: after[name] for name in metrics}
            save_checkpoint(model, best, train_args=plan.overrides(), extra={"train_metrics": metrics})
    finally:
        fresh.unlink(missing_ok=True)
    told = {"after": round(after["map50_95"], 4), "before": round(before["map50_95"], 4)}
    recorder.message(_KEPT if better else _LEFT, **told)


def _measured(plan: Plan, weights: Path) -> dict[str, Any]:
    size, batch = plan.config.imgsz, 2 * plan.config.batch
    how = Evaluation(imgsz=size, batch=batch, device=_first(plan.device))
    return evaluate_prepared(weights, plan.data, how)


def _first(device: str) -> str:
    """Return the first of several devices, as torch spells it."""
    name = device.split(",")[0]
    return f"cuda:{name}" if name.isdigit() else name


def _batches(files: Sequence[Path], side: int, device: torch.device) -> Iterator[Tensor]:
    """Yield all pictures in batches of equal size as far as possible, none of a single picture."""
    count = max(len(files) // _CHUNK, 1)
    for number in range(count):
        chunk = files[number * len(files) // count : (number + 1) * len(files) // count]
        yield load_pictures(chunk, len(chunk), side).to(device)
