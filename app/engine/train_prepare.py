"""Gets a training ready: data, device, design, first weights."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from app.core.cost import compare_cost
from app.core.design import Design, parse_design
from app.core.errors import AppError
from app.core.files import write_text
from app.core.findings import Finding
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP
from app.core.train_config import TrainConfig
from app.engine.devices import resolve_device
from app.engine.models import build_model
from app.engine.recovery import prepare_recovery
from app.engine.run_checkpoint import Checkpoint
from app.engine.train_data import pictures_of, read_data
from app.engine.train_events import Recorder, SilentRecorder
from app.engine.train_plan import Plan
from app.engine.weights import ForeignWeights, read_weights, warm_start

_CARRYING = QT_TRANSLATE_NOOP("core", "Carrying the weights over from {weights}.")
_FRESH = QT_TRANSLATE_NOOP("core", "Starting from fresh weights: nothing was carried over.")
_FINDING = QT_TRANSLATE_NOOP("core", "{place}: {message}")
_MORE_FINDINGS = QT_TRANSLATE_NOOP("core", "There are more findings: see the Data page.")
_MOST_FINDINGS = 12
_CACHE_SHARE = 0.25


def prepare(
    config: TrainConfig,
    run: RunFolder,
    recorder: Recorder,
    checkpoint: Checkpoint | None,
    leave_if_asked: Callable[[], None],
) -> Plan:
    """Check everything a training needs, before anything slow begins.

    Args:
        config: What was asked for.
        run: Where it writes.
        recorder: Takes messages.
        checkpoint: Where to go on; None starts.
        leave_if_asked: Raises where the user wants to stop; called while weights are carried over.

    Raises:
        AppError: The data, the design, the device or the weights cannot be used.
    """
    device = resolve_device(config.device)
    design = parse_design(config.design_text, "design.yaml")
    if config.weights and checkpoint is None and not Path(config.weights).is_file():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There are no weights {weights}."),
            QT_TRANSLATE_NOOP("core", "Choose others, or start fresh."),
            weights=config.weights,
        )
    source = None
    if config.weights and checkpoint is None and config.warm_start != "fresh":
        source = read_weights(Path(config.weights))
    data = read_data(config.data, run.path, report=_reporter(recorder))
    if design.classes is not None and design.classes != data["nc"]:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The design has {classes} classes, the data has {count}."),
            QT_TRANSLATE_NOOP("core", "Leave the number open in the design, or choose other data."),
            classes=design.classes,
            count=data["nc"],
        )
    design = design.with_classes(data["nc"])
    about = _about(config, run, design, data)

    def build() -> nn.Module:
        model = build_model(design, data["nc"], data["names"])
        if checkpoint is None:
            about["transfer"] = _first_weights(
                model, design, config, run, data, source, recorder, leave_if_asked
            )
        return model

    form = build_model(design, data["nc"], data["names"], device="meta")
    recovery, teacher = prepare_recovery(config, source, design, form, recorder)
    if recorder.started is None:
        settings = {**_cache(config, data), **recovery.settings}
    else:  # resumed: as it was
        settings = dict(recorder.started.get("settings") or {})
    about |= {"settings": settings, "recovery": list(recovery.options), "teacher": teacher}
    return Plan(config, run, data, device, settings, build, about, checkpoint, recovery)


def _reporter(recorder: Recorder) -> Callable[[Finding], None]:
    """Return a function that tells the first findings, and then how many more there are of a kind no longer."""
    told = 0

    def report(finding: Finding) -> None:
        nonlocal told
        told += 1
        if told <= _MOST_FINDINGS:
            place = finding.path if finding.line is None else f"{finding.path}:{finding.line}"
            level = "info" if finding.severity == "info" else "warning"
            recorder.message(_FINDING, level, place=place, message=finding.message)
        elif told == _MOST_FINDINGS + 1:
            recorder.message(_MORE_FINDINGS, "warning")

    return report


def _about(config: TrainConfig, run: RunFolder, design: Design, data: Mapping[str, Any]) -> dict[str, Any]:
    costs = compare_cost(design, config.imgsz)
    return {
        "run": run.name,
        "role": config.role,
        "base": design.base,
        "swaps": len(design.resolved()),
        "data": config.data,
        "classes": list(data["names"].values()),
        "parameters": costs.lightweight.parameters,
        "flops": costs.lightweight.flops,
        "weights": config.weights,
        "warm_start": config.warm_start if config.weights else "fresh",
        "seed": config.seed,
    }


def _cache(config: TrainConfig, data: Mapping[str, Any]) -> dict[str, Any]:
    """Choose where decoded pictures are kept: in memory where they easily fit."""
    if "cache" in config.overrides:
        return {}
    import psutil

    needed = (data["images"]["train"] + data["images"]["val"]) * config.imgsz * config.imgsz * 3
    return {"cache": "ram" if 0 < needed < _CACHE_SHARE * psutil.virtual_memory().available else False}


def _first_weights(
    model: nn.Module,
    design: Design,
    config: TrainConfig,
    run: RunFolder,
    data: Mapping[str, Any],
    source: ForeignWeights | None,
    recorder: Recorder,
    leave_if_asked: Callable[[], None],
) -> dict[str, Any] | None:
    """Carry weights over, and write the report; return its totals."""
    if source is None:
        recorder.message(_FRESH)
        return None
    if isinstance(
        recorder, SilentRecorder
    ):  # one of several processes: the first one's weights are sent to all
        return None
    recorder.message(_CARRYING, weights=source.path.name)
    random = torch.get_rng_state()
    report = warm_start(
        model,
        design,
        source,
        config.warm_start,
        pictures_of(data),
        recorder.message,
        imgsz=config.imgsz,
        tell=lambda _share: leave_if_asked(),
    )
    torch.set_rng_state(random)
    write_text(run.transfer_path, json.dumps(report.to_json(), ensure_ascii=False, indent=1) + "\n")
    return report.totals
