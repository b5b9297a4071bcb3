"""What this machine has, what is missing, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from typing import Any

_PACKAGES = (
    "PySide6",
    "torch",
    "torchvision",
    "ultralytics",
    "opencv-python",
    "openvino",
    "onnx",
    "onnxruntime",
)


def examine() -> dict[str, Any]:
    """Return findings: {"findings": [{"topic", "state": "ok"|"missing"|"problem", "text", "remedy"}]}."""
    findings: list[dict[str, str]] = []
    for look in (_system, _packages, _accelerators, _openvino, _cameras, _display, _disk):
        try:
            findings.extend(look())
        except Exception as error:  # noqa: BLE001 - a broken part is a finding, the others are still looked at
            topic, text = look.__name__.strip("_"), f"{type(error).__name__}: {error}"
            findings.append(_finding(topic, "problem", text, "Install the Studio again."))
    return {"findings": findings, "problems": sum(f["state"] == "problem" for f in findings)}


def run(_request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Examine the machine for the window."""
    channel.progress(0.1, "")
    return examine()


def _finding(topic: str, state: str, text: str, remedy: str = "") -> dict[str, str]:
    return {"topic": topic, "state": state, "text": text, "remedy": remedy}


def _system() -> list[dict[str, str]]:
    python = platform.python_version()
    text = f"{platform.platform()}, Python {python}, {os.cpu_count()} cores"
    return [_finding("system", "ok", text)]


def _packages() -> list[dict[str, str]]:
    found = []
    for name in _PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found.append(_finding(name, "problem", "not installed", f"pip install {name}"))
            continue
        if name == "PySide6" and version.startswith("6.12.0") and sys.version_info[:2] == (3, 11):
            remedy = "pip install 'PySide6!=6.12.0'"
            found.append(
                _finding(name, "problem", f"{version} corrupts reference counts on Python 3.11", remedy)
            )
        else:
            found.append(_finding(name, "ok", version))
    return found


def _accelerators() -> list[dict[str, str]]:
    import torch

    found = []
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        found.append(_finding("CUDA", "ok", ", ".join(names)))
    elif torch.version.cuda is None:
        remedy = "With an NVIDIA GPU install a CUDA build of torch; README says how."
        found.append(
            _finding("CUDA", "missing", "this torch is built without CUDA; training runs on the CPU", remedy)
        )
    else:
        remedy = "With an NVIDIA GPU install its driver; without one nothing needs to be done."
        found.append(_finding("CUDA", "missing", "no GPU answers; training runs on the CPU", remedy))
    if sys.platform == "darwin":
        able = torch.backends.mps.is_available()
        found.append(
            _finding("Apple GPU", "ok" if able else "missing", "MPS" if able else "MPS is not available")
        )
    return found


def _openvino() -> list[dict[str, str]]:
    import openvino

    core = openvino.Core()
    devices = [f"{d} ({core.get_property(d, 'FULL_DEVICE_NAME')})" for d in core.available_devices]
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    precisions = ", ".join(sorted(p for p in able if p in {"FP32", "BF16", "FP16", "INT8"}))
    return [_finding("OpenVINO devices", "ok", f"{', '.join(devices)}; CPU: {precisions}")]


def _cameras() -> list[dict[str, str]]:
    from app.engine.sources import list_cameras

    cameras = list_cameras()
    if not cameras:
        remedy = (
            "Plug one in, or allow camera access in the system's privacy settings. The sample works without."
        )
        return [_finding("cameras", "missing", "none found", remedy)]
    return [_finding("cameras", "ok", ", ".join(f"{c.index}: {c.name}" for c in cameras))]


def _display() -> list[dict[str, str]]:
    has = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) or sys.platform in {
        "win32",
        "darwin",
    }
    if has:
        return [_finding("display", "ok", "present")]
    return [_finding("display", "missing", "none", "Use the command line, or start a desktop session.")]


def _disk() -> list[dict[str, str]]:
    import shutil
    from pathlib import Path

    from app.core.settings import load_settings

    folder = Path(load_settings().workspace)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    state = "ok" if free > 2 else "problem"
    return [
        _finding(
            "disk", state, f"{free:.0f} GB free in {folder}", "" if free > 2 else "Free some space for runs."
        )
    ]
