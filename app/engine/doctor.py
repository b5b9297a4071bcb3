"""What this machine has, what is missing, and what to do about it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from app.core.text import QT_TRANSLATE_NOOP, Value, filled

Found = dict[str, Any]

_SYSTEM = QT_TRANSLATE_NOOP("core", "system")
_PACKAGES_TOPIC = QT_TRANSLATE_NOOP("core", "packages")
_DEVICES = QT_TRANSLATE_NOOP("core", "OpenVINO devices")
_CAMERAS = QT_TRANSLATE_NOOP("core", "cameras")
_DISPLAY = QT_TRANSLATE_NOOP("core", "display")
_DISK = QT_TRANSLATE_NOOP("core", "disk")
_EXPORT = QT_TRANSLATE_NOOP("core", "export")
_REINSTALL = QT_TRANSLATE_NOOP("core", "Install the Studio again.")
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
    """Return findings: {"findings": [{"topic", "state": "ok"|"missing"|"problem", "text", "remedy"}]}.

    Beside `text` and `remedy` stand `text_template`, `remedy_template` and `values`, for the window's language.
    """
    findings: list[Found] = []
    for topic, look in _LOOKS.items():
        try:
            findings.extend(look())
        except Exception as error:  # noqa: BLE001 - a broken part is a finding, the others are still looked at
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            findings.append(_finding(topic, "problem", "{error}", _REINSTALL, error=text))
    return {"findings": findings, "problems": sum(f["state"] == "problem" for f in findings)}


def run(_request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Examine the machine for the window."""
    channel.progress(0.1, "")
    return examine()


def _finding(topic: str, state: str, text: str, remedy: str = "", **values: Value) -> Found:
    return {
        "topic": topic,
        "state": state,
        "text": filled(text, values),
        "remedy": filled(remedy, values),
        "text_template": text,
        "remedy_template": remedy,
        "values": values,
    }


def _system() -> list[Found]:
    return [
        _finding(
            _SYSTEM,
            "ok",
            QT_TRANSLATE_NOOP("core", "{system}, Python {python}, {count} cores"),
            system=platform.platform(),
            python=platform.python_version(),
            count=os.cpu_count() or 1,
        )
    ]


def _packages() -> list[Found]:
    found = []
    for name in _PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found.append(
                _finding(name, "problem", QT_TRANSLATE_NOOP("core", "not installed"), f"pip install {name}")
            )
            continue
        if name == "PySide6" and version.startswith("6.12.0") and sys.version_info[:2] == (3, 11):
            remedy = "pip install 'PySide6!=6.12.0'"
            found.append(
                _finding(
                    name,
                    "problem",
                    QT_TRANSLATE_NOOP("core", "{version} corrupts reference counts on Python 3.11"),
                    remedy,
                    version=version,
                )
            )
        else:
            found.append(_finding(name, "ok", version))
    return found


def _accelerators() -> list[Found]:
    import torch

    found = []
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        found.append(_finding("CUDA", "ok", ", ".join(names)))
    elif torch.version.cuda is None:
        found.append(
            _finding(
                "CUDA",
                "missing",
                QT_TRANSLATE_NOOP("core", "this torch is built without CUDA; training runs on the CPU"),
                QT_TRANSLATE_NOOP(
                    "core", "With an NVIDIA GPU install a CUDA build of torch; README says how."
                ),
            )
        )
    else:
        found.append(
            _finding(
                "CUDA",
                "missing",
                QT_TRANSLATE_NOOP("core", "no GPU answers; training runs on the CPU"),
                QT_TRANSLATE_NOOP(
                    "core", "With an NVIDIA GPU install its driver; without one nothing needs to be done."
                ),
            )
        )
    if sys.platform == "darwin":
        able = torch.backends.mps.is_available()
        found.append(
            _finding(
                "Apple GPU",
                "ok" if able else "missing",
                "MPS" if able else QT_TRANSLATE_NOOP("core", "MPS is not available"),
            )
        )
    return found


def _openvino() -> list[Found]:
    from app.engine.openvino_model import openvino
    from app.engine.runtime_choice import has_openvino

    if not has_openvino():
        words = QT_TRANSLATE_NOOP("core", "OpenVINO is not installed")
        remedy = QT_TRANSLATE_NOOP("core", "Detectors run on torch. For OpenVINO: pip install openvino.")
        return [_finding(_DEVICES, "missing", words, remedy)]
    core = openvino().Core()
    devices = [f"{d} ({core.get_property(d, 'FULL_DEVICE_NAME')})" for d in core.available_devices]
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    precisions = ", ".join(sorted(p for p in able if p in {"FP32", "BF16", "FP16", "INT8"}))
    return [_finding(_DEVICES, "ok", f"{', '.join(devices)}; CPU: {precisions}")]


def _exports() -> list[Found]:
    """Say which export formats can be written, and what the others lack."""
    from app.core.export_formats import FORMATS
    from app.engine.export_tools import missing_values, missing_words, states

    found = states()
    ready = ", ".join(FORMATS[one.format].title for one in found if one.ready)
    lines = [_finding(_EXPORT, "ok", QT_TRANSLATE_NOOP("core", "ready: {formats}"), formats=ready)]
    for one in found:
        if not one.ready:
            values = missing_values(one, FORMATS[one.format])
            lines.append(_finding(_EXPORT, "missing", *missing_words(one), **values))
    return lines


def _cameras() -> list[Found]:
    from app.engine.sources import list_cameras

    cameras = list_cameras()
    if not cameras:
        remedy = QT_TRANSLATE_NOOP(
            "core",
            "Plug one in, or allow camera access in the system's privacy settings. The sample works without.",
        )
        return [_finding(_CAMERAS, "missing", QT_TRANSLATE_NOOP("core", "none found"), remedy)]
    return [_finding(_CAMERAS, "ok", ", ".join(f"{c.index}: {c.name}" for c in cameras))]


def _display() -> list[Found]:
    has = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")) or sys.platform in {
        "win32",
        "darwin",
    }
    if has:
        return [_finding(_DISPLAY, "ok", QT_TRANSLATE_NOOP("core", "present"))]
    return [
        _finding(
            _DISPLAY,
            "missing",
            QT_TRANSLATE_NOOP("core", "none"),
            QT_TRANSLATE_NOOP("core", "Use the command line, or start a desktop session."),
        )
    ]


def _disk() -> list[Found]:
    import shutil
    from pathlib import Path

    from app.core.settings import load_settings

    folder = Path(load_settings().workspace)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    enough = free > 2
    return [
        _finding(
            _DISK,
            "ok" if enough else "problem",
            QT_TRANSLATE_NOOP("core", "{size} GB free in {folder}"),
            "" if enough else QT_TRANSLATE_NOOP("core", "Free some space for runs."),
            size=f"{free:.0f}",
            folder=str(folder),
        )
    ]


_LOOKS: Mapping[str, Callable[[], list[Found]]] = MappingProxyType(
    {
        _SYSTEM: _system,
        _PACKAGES_TOPIC: _packages,
        "CUDA": _accelerators,
        _DEVICES: _openvino,
        _EXPORT: _exports,
        _CAMERAS: _cameras,
        _DISPLAY: _display,
        _DISK: _disk,
    }
)
