"""What a training will need: memory and time, measured on a few real steps; and which batch fits."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.recovery import in_stages
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP, duration, size
from app.core.train_config import TrainConfig
from app.engine.devices import resolve_device
from app.engine.jobs import Channel
from app.engine.memory import memory_of, peak_memory
from app.engine.train_errors import StopNow
from app.engine.train_events import SilentRecorder
from app.engine.train_prepare import prepare
from app.engine.train_probe import Probe, few_pictures

SAFE_SHARE = 0.9
"""Of what is free a training may plan to take so much."""
_SMALL = 4
_MOST_AUTO = 64
_MOST_AUTO_CPU = 16
_LONG_S = 24 * 3600
_PREPARING = QT_TRANSLATE_NOOP("core", "Reading the pictures.")


def estimate(config: TrainConfig, folder: Path, channel: Channel) -> dict[str, Any]:
    """Measure a few steps of a training.

    Args:
        config: What to train.
        folder: An empty one, for what a run writes.
        channel: Takes the progress, and says when to stop.

    Returns:
        "device", "imgsz", "batch", "measured", "bytes_needed", "bytes_cache", "bytes_free", "bytes_total", "fits",
        "largest_batch", "auto_batch", "images", "batches", "seconds_batch", "seconds_epoch", "seconds_total",
        "disk_needed", "disk_free", "advice".

    Raises:
        StopNow: It was cancelled.
        AppError: The data, the design, the device or the weights cannot be used.
    """
    devices = resolve_device(config.device).split(",")
    share = math.ceil(config.batch / len(devices))
    one = replace(in_stages(config)[0], device=devices[0])
    channel.progress(0.05, _PREPARING)
    run = RunFolder(folder)
    plan = prepare(one, run, SilentRecorder(run), None, lambda: None)
    images = dict(plan.data["images"])
    cached = _cached_bytes(plan.overrides(), one, images)
    few_pictures(plan, max(share, _MOST_AUTO_CPU))
    if channel.cancelled:
        raise StopNow
    with Probe(plan, channel) as probe:
        device = probe.device
        memory = memory_of(device)
        host_cache = cached if device.type == "cpu" else 0
        line = probe.memory_line(min(_SMALL, share or _SMALL))
        room = int(SAFE_SHARE * memory.free) - host_cache
        largest = max(min(line.batch_for(room), images["train"]), 0)
        most = _MOST_AUTO_CPU if device.type == "cpu" else _MOST_AUTO
        automatic = 2 ** int(math.log2(max(min(most, largest), 1)))
        batch = share or automatic
        measured = line.bytes_for(batch) <= room
        if measured:
            pace = probe.pace(batch)
            needed = peak_memory(device) + host_cache
        else:
            pace = probe.pace(min(_SMALL, batch)).scaled(batch)
            needed = line.bytes_for(batch) + host_cache
        seconds_save, disk = probe.saving()
    batches = math.ceil(images["train"] / (batch * len(devices)))
    judged = math.ceil(images["val"] / (2 * batch * len(devices)))
    epoch = batches * pace.train + judged * pace.val + seconds_save
    found = {
        "device": probe.device_name,
        "imgsz": config.imgsz,
        "batch": batch * len(devices),
        "measured": measured,
        "bytes_needed": needed,
        "bytes_cache": cached,
        "bytes_free": memory.free,
        "bytes_total": memory.total,
        "fits": needed <= SAFE_SHARE * memory.free,
        "largest_batch": largest * len(devices),
        "auto_batch": automatic * len(devices),
        "images": images,
        "batches": batches,
        "seconds_batch": round(pace.train, 4),
        "seconds_epoch": round(epoch, 2),
        "seconds_total": round(epoch * config.epochs, 1),
        "disk_needed": disk,
        "disk_free": _free_disk(config),
    }
    return {**found, "advice": [told.as_dict() for told in advice(found)]}


def advice(found: dict[str, Any]) -> list[AppError]:
    """Return what speaks against starting the training like that, each with what to do; nothing where all is well."""
    told = []
    if not found["fits"]:
        told.append(
            AppError(
                QT_TRANSLATE_NOOP("core", "A batch of {batch} needs {needed} of memory; {free} are free."),
                QT_TRANSLATE_NOOP("core", "Take a batch of {largest} at most, or smaller pictures.")
                if found["largest_batch"]
                else QT_TRANSLATE_NOOP("core", "Take smaller pictures or a smaller base model."),
                batch=found["batch"],
                needed=size(found["bytes_needed"]),
                free=size(found["bytes_free"]),
                largest=found["largest_batch"],
            )
        )
    if found["disk_needed"] > found["disk_free"]:
        told.append(
            AppError(
                QT_TRANSLATE_NOOP("core", "The run needs {needed} of disk space; {free} are free."),
                QT_TRANSLATE_NOOP("core", "Free some space, or choose another workspace."),
                needed=size(found["disk_needed"]),
                free=size(found["disk_free"]),
            )
        )
    if found["seconds_total"] > _LONG_S:
        told.append(
            AppError(
                QT_TRANSLATE_NOOP("core", "The training will take about {time}."),
                QT_TRANSLATE_NOOP("core", "Smaller pictures, fewer epochs or a GPU shorten it."),
                time=duration(found["seconds_total"]),
            )
        )
    return told


def _cached_bytes(arguments: dict[str, Any], config: TrainConfig, images: dict[str, int]) -> int:
    """Return the bytes of the decoded pictures that the training is going to keep in memory."""
    if arguments.get("cache") not in ("ram", True):
        return 0
    return (images["train"] + images.get("val", 0)) * config.imgsz * config.imgsz * 3


def _free_disk(config: TrainConfig) -> int:
    """Return the free bytes where the run is going to be."""
    folder = Path(config.workspace) if config.workspace else Path.home()
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free
