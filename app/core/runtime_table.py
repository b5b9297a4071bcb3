"""What was measured of the runtimes of this machine, and what "auto" stands for."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
import platform
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.folders import cache_folder

RUNTIMES = ("openvino", "onnxruntime", "torch")

INT8 = "int8"

AGREEMENT = 0.97
"""Share of the boxes of float32 that a precision must find again to count as keeping the accuracy."""

_PACKAGES = ("openvino", "onnx", "onnxruntime", "torch", "ultralytics")
_NEEDS = {
    "openvino": ("openvino",),
    "onnxruntime": ("onnx", "onnxruntime"),
    "torch": ("torch",),
    INT8: ("openvino", "nncf"),
}


@dataclass(frozen=True)
class Choice:
    """A runtime on a device in a precision."""

    runtime: str
    device: str
    precision: str


@dataclass(frozen=True)
class Measured:
    """What a choice took per picture, all detectors together, and how well it keeps the boxes."""

    choice: Choice
    milliseconds: float
    agreement: float

    @property
    def keeps_accuracy(self) -> bool:
        """Whether it finds what float32 finds."""
        return self.agreement >= AGREEMENT


def resolve(
    runtime: str = "auto",
    precision: str = "auto",
    device: str = "auto",
    among: Collection[str] = RUNTIMES,
) -> Choice:
    """Return what "auto" stands for: the fastest measured here that fits; until then OpenVINO, or torch without it.

    Args:
        runtime: One of `RUNTIMES`, or "auto".
        precision: "f32", "bf16", "f16", "int8", or "auto", which never is "int8".
        device: "cpu", "cuda", "mps", or "auto".
        among: The runtimes that "auto" may be.
    """
    fitting = [
        row
        for row in measured()
        if _fits(row.choice, runtime, precision, device)
        and row.choice.runtime in among
        and (row.keeps_accuracy or precision != "auto")
    ]
    if fitting:
        return min(fitting, key=lambda row: row.milliseconds).choice
    if runtime == "auto":
        runtime = _sound(precision, device, among)
    return Choice(runtime, "cpu" if device == "auto" else device, "f32" if precision == "auto" else precision)


def _sound(precision: str, device: str, among: Collection[str]) -> str:
    if precision != INT8 and device.startswith(("cuda", "mps")) and "torch" in among:
        return "torch"
    able = [name for name in RUNTIMES if name in among and (name != "openvino" or has_openvino())]
    preferred = ("openvino", "torch", "onnxruntime")
    return min(able or list(among), key=preferred.index)


def _fits(choice: Choice, runtime: str, precision: str, device: str) -> bool:
    asked = {"runtime": runtime, "precision": precision, "device": device}
    return all(value in ("auto", getattr(choice, name)) for name, value in asked.items())


def table_file() -> Path:
    """Return the file that keeps the measured table."""
    return cache_folder() / "runtimes.json"


def measured() -> list[Measured]:
    """Return the table measured on this machine with these versions, or an empty one."""
    try:
        data = json.loads(table_file().read_text(encoding="utf-8"))
        if data["machine"] != machine():
            return []
        return [
            Measured(Choice(**row["choice"]), float(row["milliseconds"]), float(row["agreement"]))
            for row in data["rows"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


@functools.cache
def machine() -> dict[str, Any]:
    """Return what the measured table depends on: processor, its count, library versions."""
    versions = {name: version(name) for name in _PACKAGES}
    return {"processor": _processor(), "threads": processors(), **versions}


def processors() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_openvino() -> bool:
    """Return whether OpenVINO is installed: boards without a window may do without."""
    return not missing("openvino")


def has_onnxruntime() -> bool:
    """Return whether ONNX Runtime is installed, and the `onnx` that writing a model for it takes."""
    return not missing("onnxruntime")


def missing(what: str) -> tuple[str, ...]:
    """Return the packages that a runtime, or "int8", needs and that are not installed."""
    return tuple(name for name in _NEEDS[what] if importlib.util.find_spec(name) is None)


def version(package: str) -> str:
    """Return the version of an installed package, "" where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    wanted = ("model name", "model\t", "flags", "Features")
    told = "\n".join(sorted({line for line in lines if line.startswith(wanted)}))
    return hashlib.sha256(told.encode()).hexdigest()[:16]
