"""One part of a bench, in a process of its own: what a model costs, how accurate it is, or how long it takes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

_WATCH_S = 0.5
_PICTURES = 8
"""Pictures that take turns as input; what they show moves the time of an inference by nothing that was seen."""


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Do one part: the job "bench.cell".

    Args:
        request: {"do": "cost", "accuracy" or "latency", "weights", …}: see the function of each.
        channel: of the process; with "latency" it says when to run.
    """
    _end_with_owner(channel)
    return _PARTS[str(request["do"])](request, channel)


def _end_with_owner(channel: Any) -> None:
    """End at once when whoever asked is gone or calls it off: a validation asks nobody."""

    def watch() -> None:
        while not channel.cancelled:
            time.sleep(_WATCH_S)
        os._exit(3)

    threading.Thread(target=watch, daemon=True, name="owner").start()


def cost(request: Mapping[str, Any], _channel: Any = None) -> dict[str, Any]:
    """Return parameters, GFLOPs, size of the file, picture size and class names of a model.

    Args:
        request: {"weights", "imgsz": the side that FLOPs count at, or None}.

    Raises:
        AppError: it is no model that can be run.
    """
    from app.engine.runtime_files import is_runtime_file, open_runtime_file

    path = Path(str(request["weights"]))
    if is_runtime_file(path):
        found = open_runtime_file(path)
        folder = path if path.is_dir() else None
        files = [*folder.iterdir()] if folder else [found.file, found.file.with_suffix(".bin")]
        total = sum(file.stat().st_size for file in files if file.is_file())
        shape = found.shape or (found.card.imgsz, found.card.imgsz)
        return {"bytes": total, "imgsz": max(shape), "names": list(found.card.names.values())}
    return {**_checkpoint_cost(path, request.get("imgsz")), "bytes": path.stat().st_size}


def _checkpoint_cost(path: Path, imgsz: int | None) -> dict[str, Any]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from app.engine.models import load_checkpoint

    loaded = load_checkpoint(path, with_anchors=True)
    side = imgsz or loaded.imgsz or 640
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        loaded.model(torch.zeros(1, 3, side, side))
    design = loaded.design
    return {
        "parameters": sum(parameter.numel() for parameter in loaded.model.parameters()),
        "gflops": counter.get_total_flops() / 1e9,
        "imgsz": loaded.imgsz or 640,
        "names": list(loaded.names.values()),
        "base": design.base,
        "role": "standard" if design.is_standard else "lightweight",
    }


def accuracy(request: Mapping[str, Any], _channel: Any = None) -> dict[str, Any]:
    """Return what `evaluate` finds.

    Args:
        request: {"weights", "data", "split", "imgsz", "runtime", "precision", "device", "calibration"}.
    """
    from app.engine.evaluate import evaluate

    device = str(request.get("device") or "cpu")
    how: dict[str, Any] = {
        "imgsz": request.get("imgsz"),
        "runtime": request["runtime"],
        "precision": request["precision"],
        "device": device.partition(":")[2] or "0" if device.startswith("cuda") else device,
    }
    if request["precision"] == "int8":
        how["calibration"] = str(request["calibration"])
    found = evaluate(Path(str(request["weights"])), Path(str(request["data"])), str(request["split"]), **how)
    kept = ("map50", "map50_95", "precision", "recall", "images", "imgsz", "per_class")
    return {name: found[name] for name in kept}


def latency(request: Mapping[str, Any], channel: Any) -> dict[str, Any]:
    """Load a model, say "ready", and run it whenever it is told to, until it is told to end.

    Args:
        request: {"weights", "imgsz", "runtime", "precision", "device", "threads", "calibration": the data set
            that int8 is calibrated with, "pictures": paths}.
        channel: its commands are {"command": "turn", "calls": n}, answered with {"event": "turn", "ms": […]}, and
            {"command": "end"}.

    Raises:
        AppError: the runtime does not take this model here.
    """
    from app.engine.detector import Detector

    more: dict[str, Any] = {"calibration": request["calibration"]} if request["precision"] == "int8" else {}
    detector = Detector.load(
        Path(str(request["weights"])),
        str(request["runtime"]),
        str(request["precision"]),
        str(request.get("device") or "cpu"),
        request.get("imgsz"),
        request.get("threads"),
        **more,
    )
    shape = detector.shape or (detector.imgsz, detector.imgsz)
    batches = _batches(request, shape)
    for batch in batches:
        detector.infer(batch)
    channel.emit({"event": "ready", "shape": list(shape), "threads": detector.threads})
    number = 0
    while not channel.cancelled:
        command = channel.wait_command(60.0)
        if command is None or command.get("command") not in ("turn", "end"):
            continue
        if command["command"] == "end":
            break
        detector.infer(
            batches[number % len(batches)]
        )  # its weights are in the caches again, as when it runs alone
        taken = []
        for _ in range(int(command["calls"])):
            number += 1
            taken.append(detector.infer(batches[number % len(batches)])[1])
        channel.emit({"event": "turn", "ms": taken})
    return {}


def _batches(request: Mapping[str, Any], shape: tuple[int, int]) -> list[Any]:
    """Return a few pictures laid into a shape; noise where there are none."""
    from app.engine.pictures import read_picture
    from app.engine.preprocess import fit, prepare

    found = []
    for path in list(request.get("pictures") or ())[:_PICTURES]:
        picture = read_picture(Path(str(path)))
        found.append(prepare(picture, fit((picture.shape[0], picture.shape[1]), shape)).copy())
    if not found:
        found.append(np.random.default_rng(0).random((1, 3, *shape), dtype=np.float32))
    return found


def rival(request: Mapping[str, Any], _channel: Any = None) -> dict[str, Any]:
    """Write a plain untrained model, so that it can be timed like any other; return its path.

    Args:
        request: {"base", "classes", "width": share of the base model's, "imgsz", "weights": the file to write}.

    Raises:
        AppError: there is no such base model, or the file cannot be written.
    """
    import torch

    from app.core.design import Design
    from app.engine.checkpoint import save_checkpoint
    from app.engine.models import build_model
    from app.engine.rivals import narrow_design

    base, classes, width = str(request["base"]), int(request["classes"]), float(request["width"])
    design = Design.stock(base, classes) if width == 1.0 else narrow_design(base, classes, width)
    torch.manual_seed(0)
    model = build_model(design).eval()
    path = Path(str(request["weights"]))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written: {reason}."),
            QT_TRANSLATE_NOOP("core", "Choose another folder, or free some space."),
            path=path.parent,
            reason=error.strerror or error,
        ) from error
    save_checkpoint(model, path, train_args={"imgsz": int(request["imgsz"])})
    return {"weights": str(path)}


def width(request: Mapping[str, Any], _channel: Any = None) -> dict[str, Any]:
    """Return the width at which the plain model comes nearest to some GFLOPs.

    Args:
        request: {"base", "classes", "imgsz", "gflops"}.
    """
    from app.core.design import Design
    from app.core.rivals import WIDTHS
    from app.engine.rivals import narrower

    design = Design.stock(str(request["base"]), int(request["classes"]))
    wanted, side = float(request["gflops"]), int(request["imgsz"])
    costs = {share: narrower(design, share, side).cost.flops / 1e9 for share in WIDTHS}
    return {"width": min(costs, key=lambda share: abs(costs[share] - wanted))}


_PARTS: Mapping[str, Callable[[Mapping[str, Any], Any], dict[str, Any]]] = MappingProxyType(
    {"cost": cost, "accuracy": accuracy, "latency": latency, "rival": rival, "width": width}
)
