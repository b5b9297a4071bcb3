"""How busy the machine is while a training runs: processor, memory, graphics card; a look takes about a millisecond."""

from __future__ import annotations

import os
from typing import Any

import torch


class UsageMeter:
    """Looks at the machine.

    Args:
        device: What trains; of a CUDA device the card's own figures are read through NVML.
    """

    def __init__(self, device: torch.device) -> None:
        import psutil

        self._psutil = psutil
        self._process = psutil.Process(os.getpid())
        psutil.cpu_percent(None)
        self._card = _card(device) if device.type == "cuda" else None

    def look(self) -> dict[str, float]:
        """Return shares in per cent since the last look, and bytes.

        "cpu" of all cores; "memory" in use and "memory_total" of the machine; "process" of this process; where there
        is a card: "gpu", "gpu_memory", "gpu_memory_total".
        """
        memory = self._psutil.virtual_memory()
        found = {
            "cpu": self._psutil.cpu_percent(None),
            "memory": float(memory.total - memory.available),
            "memory_total": float(memory.total),
            "process": float(self._process.memory_info().rss),
        }
        return found | (_look_at(self._card) if self._card is not None else {})


def _card(device: torch.device) -> Any:
    """Return NVML's handle of a card, found by its identity: torch may number cards otherwise; None without NVML."""
    try:
        import pynvml

        pynvml.nvmlInit()
        uuid = str(torch.cuda.get_device_properties(device).uuid)
        return pynvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")
    except Exception as problem:  # noqa: BLE001 - whatever a driver says: then the card's figures are missing
        import sys

        sys.stderr.write(f"NVML: {problem}\n")
        return None


def _look_at(card: Any) -> dict[str, float]:
    import pynvml

    try:
        memory = pynvml.nvmlDeviceGetMemoryInfo(card)
        busy = pynvml.nvmlDeviceGetUtilizationRates(card).gpu
    except pynvml.NVMLError:
        return {}
    return {"gpu": float(busy), "gpu_memory": float(memory.used), "gpu_memory_total": float(memory.total)}
