"""What figures mean, in one sentence."""

from __future__ import annotations

from app.core.cost import CostTable, compare_cost
from app.core.design import Design
from app.core.latency import Prediction, Setting
from app.core.latency_measurement import Measurement
from app.core.text import QT_TRANSLATE_NOOP, THIN_SPACE, Text, percent_change

SAME = 0.02
"""Relative difference below which two models count as equally fast."""

RUNTIME_TITLES = {
    "openvino": "OpenVINO",
    "onnxruntime": "ONNX Runtime",
    "torch": "PyTorch",
    "tensorrt": "TensorRT",
}

_AND_FASTER = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, and {percent} faster here on {where}.")
_BUT_SLOWER = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, but {percent} slower here on {where}.")
_BUT_SAME = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, but no faster here on {where}.")
_MORE_SLOWER = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, and {percent} slower here on {where}.")
_MORE_FASTER = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, yet {percent} faster here on {where}.")
_SAME = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, equally fast here on {where}.")
_THERE_FASTER = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, and {percent} faster on {machine} ({where}).")
_THERE_SLOWER = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, but {percent} slower on {machine} ({where}).")
_THERE_SAME = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, but no faster on {machine} ({where}).")
_THERE_MORE_SLOWER = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, and {percent} slower on {machine} ({where}).")
_THERE_MORE_FASTER = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, yet {percent} faster on {machine} ({where}).")
_THERE_EQUAL = QT_TRANSLATE_NOOP("core", "{flops} GFLOPs, equally fast on {machine} ({where}).")
_ON_ANOTHER = {
    _AND_FASTER: _THERE_FASTER,
    _BUT_SLOWER: _THERE_SLOWER,
    _BUT_SAME: _THERE_SAME,
    _MORE_SLOWER: _THERE_MORE_SLOWER,
    _MORE_FASTER: _THERE_MORE_FASTER,
    _SAME: _THERE_EQUAL,
}
_BUSY = QT_TRANSLATE_NOOP(
    "core",
    "Other programs used {percent} of the processors meanwhile: these figures are not kept; "
    "only their ratio says something.",
)


def where(setting: Setting) -> str:
    """Return runtime and precision as people say them, for example "OpenVINO bf16"."""
    return f"{RUNTIME_TITLES.get(setting.runtime, setting.runtime)} {setting.precision}"


def verdict(design: Design, measurement: Measurement) -> Text:
    """Say what a design saves in operations and what that is worth here, from a measurement."""
    speed = measurement.speedup
    unsure = speed.low <= 1 <= speed.high
    return _verdict(design, measurement.shape, 1.0 if unsure else 1 / speed.median, measurement.setting)


def predicted_verdict(
    design: Design,
    imgsz: int | tuple[int, int],
    standard: Prediction,
    lightweight: Prediction,
    setting: Setting,
    *,
    here: bool = True,
    costs: CostTable | None = None,
) -> Text:
    """Say the same from predictions.

    Args:
        design: what it is about.
        imgsz: input side, or (height, width), in pixels.
        standard, lightweight: what the two models are expected to take.
        setting: where.
        here: whether that is this machine; another one is named.
        costs: of the design at that size, where they are known already.
    """
    return _verdict(design, imgsz, lightweight.ms / standard.ms, setting, here, costs)


def _verdict(
    design: Design,
    imgsz: int | tuple[int, int],
    times: float,
    setting: Setting,
    here: bool = True,
    costs: CostTable | None = None,
) -> Text:
    """Return the sentence; `times` is lightweight over standard milliseconds."""
    costs = costs or compare_cost(design, imgsz)
    before, after = costs.standard.flops, costs.lightweight.flops
    slower, faster, fewer = times > 1 + SAME, times < 1 - SAME, after < before
    template = {
        (True, True): _AND_FASTER,
        (True, False): _BUT_SLOWER if slower else _BUT_SAME,
        (False, True): _MORE_FASTER,
        (False, False): _MORE_SLOWER if slower else _SAME,
    }[fewer, faster]
    share = times - 1 if slower else 1 / times - 1
    values = {"flops": percent_change(before, after), "percent": percent(share), "where": where(setting)}
    if not here:
        template, values = _ON_ANOTHER[template], {**values, "machine": setting.machine}
    return Text(template, values)


def percent(share: float) -> str:
    """Write a share from 0 on in per cent: ``2 %``."""
    return f"{share * 100:.0f}{THIN_SPACE}%"


def busy_text(share: float) -> Text:
    """Say that the machine was busy."""
    return Text(_BUSY, {"percent": percent(share)})
