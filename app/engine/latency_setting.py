"""Where and how something is measured: the names that go into the key of a figure."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from app.core.latency import Setting
from app.engine.model_cache import FORM
from app.engine.runtimes import default_threads

_PACKAGES = {"openvino": "openvino", "onnxruntime": "onnxruntime", "torch": "torch", "tensorrt": "tensorrt"}
_MEMORY = "memory kept"
"""Figures of PyTorch from before freed memory was kept in the process do not hold any more (ADR 19)."""
_SAYS_NOTHING = ("", "unknown", "x86_64", "aarch64", "arm64", "amd64")


def setting_of(
    runtime: str, device: str, precision: str, threads: int | None = None, batch: int = 1
) -> Setting:
    """Return the setting of a measurement here.

    Args:
        runtime: one of `runtimes.RUNTIMES`, or "tensorrt".
        device: "cpu", "cuda", "cuda:1", …
        precision: "f32", "bf16", "f16" or "int8".
        threads: processors to use; all where None.
        batch: pictures per call.
    """
    accelerator = device.startswith("cuda")
    return Setting(
        machine=_gpu(device) if accelerator else processor_name(),
        hardware=_gpu(device) if accelerator else _fingerprint(),
        device=device,
        runtime=runtime,
        version=_versions(runtime),
        precision=precision,
        threads=threads or default_threads(),
        batch=batch,
    )


@functools.cache
def _versions(runtime: str) -> str:
    """Return the versions of what runs the graph, and of what makes it."""
    package = _PACKAGES[runtime]
    names = dict.fromkeys((package, "torch", "ultralytics"))
    kept = (_MEMORY,) if runtime == "torch" else ()
    return ", ".join((*(f"{name} {_version(name)}" for name in names), FORM, *kept))


def _version(package: str) -> str:
    # ONNX Runtime comes under several names: onnxruntime-gpu, -directml, …
    names = (
        [package] if package != "onnxruntime" else ["onnxruntime", "onnxruntime-gpu", "onnxruntime-directml"]
    )
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "none"


def _gpu(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_name(device))


@functools.cache
def processor_name() -> str:
    """Return the name of the processor or, of a small computer, of its board."""
    for look in (_board, _linux_processor, _mac_processor, platform.processor, platform.machine):
        name = look().strip()
        if name.lower() not in _SAYS_NOTHING:
            return name
    return platform.machine() or "processor"


def _board() -> str:
    """Return what a Raspberry Pi, a Jetson and their like call themselves."""
    return _text(Path("/proc/device-tree/model")).strip("\0 \n")


def _linux_processor() -> str:
    for line in _text(Path("/proc/cpuinfo")).splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2]
    return ""


def _mac_processor() -> str:
    if platform.system() != "Darwin":
        return ""
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


@functools.cache
def _fingerprint() -> str:
    """Return a short hash of what the processor is and can; its clock of the moment is left out."""
    wanted = ("model name", "model\t", "cpu family", "stepping", "flags", "Features", "CPU part")
    lines = _text(Path("/proc/cpuinfo")).splitlines()
    told = sorted({line for line in lines if line.startswith(wanted)})
    told += [processor_name(), platform.machine(), str(os.cpu_count())]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
