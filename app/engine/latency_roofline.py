"""Measures a machine's memory bandwidth and arithmetic peak, for the roofline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from app.core.arbiter import measuring
from app.core.errors import AppError
from app.core.latency import Setting
from app.core.latency_roofline import Roof, keep_roof, kept_roof
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.latency import setting_of_request
from app.engine.latency_clock import LoadMeter

_NUMBERS = 24_000_000
"""Length of each of three vectors of f32: far more than a processor's caches hold."""

_SIDES = (768, 1536)
_SECONDS = 0.5


def measure_roof(setting: Setting, seconds: float = _SECONDS, *, strict: bool = True) -> Roof:
    """Return the roof of a setting, measured once and kept; PyTorch's kernels stand for the machine's best.

    Bandwidth by the triad a = b + s·c, counting two reads and one write (McCalpin 1995, *STREAM*); arithmetic by
    multiplying square matrices. Of several calls the fastest counts: a roof is what is possible.

    Args:
        setting: device, threads and precision count.
        seconds: for each of the measurements.
        strict: whether to keep nothing that a busy machine measured.

    Raises:
        AppError: PyTorch cannot compute in this precision here.
    """
    known = kept_roof(setting)
    if known is not None:
        return known
    import torch

    types = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
    if setting.precision not in types:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The roofline cannot be measured in {precision}."),
            QT_TRANSLATE_NOOP("core", "Choose f32, bf16 or f16."),
            precision=setting.precision,
        )
    torch.set_num_threads(setting.threads)
    meter = LoadMeter()
    with measuring(patience_s=0) as turn, torch.inference_mode():
        roof = Roof(
            _bandwidth(setting.device, seconds), _peak(setting.device, types[setting.precision], seconds)
        )
        disturbed = turn.disturbance() is not None
    if not strict or not (disturbed or meter.is_busy()):
        keep_roof(setting, roof)
    return roof


def _bandwidth(device: str, seconds: float) -> float:
    import torch

    b, c = (torch.rand(_NUMBERS, device=device) for _ in range(2))
    a = torch.empty_like(b)
    return 3 * 4 * _NUMBERS / _fastest(lambda: torch.add(b, c, alpha=3.0, out=a), device, seconds)


def _peak(device: str, kind: Any, seconds: float) -> float:
    import torch

    best = 0.0
    for side in _SIDES:
        left, right = (torch.rand(side, side, device=device).to(kind) for _ in range(2))
        best = max(
            best, 2 * side**3 / _fastest(partial(torch.matmul, left, right), device, seconds / len(_SIDES))
        )
    return best


def _fastest(call: Callable[[], object], device: str, seconds: float) -> float:
    """Return the seconds of the fastest of several calls."""
    import torch

    def wait() -> None:
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)

    best = float("inf")
    end = time.perf_counter() + seconds
    for number in range(1000):
        begin = time.perf_counter()
        call()
        wait()
        best = min(best, time.perf_counter() - begin)
        if number >= 3 and time.perf_counter() >= end:
            break
    return best


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Measure in the engine process: the job "latency.roof"."""
    setting = setting_of_request(request)
    channel.progress(0.1, "")
    return {"setting": asdict(setting), "roof": asdict(measure_roof(setting))}
