"""How much memory a device has, how much is free, and how much this process has used at most."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Memory:
    """Memory of a device, bytes.

    Attributes:
        free: What this process could hold: what is free now, and what it holds already.
        total: All of it, or what a container may use.
    """

    free: int
    total: int


def memory_of(device: torch.device) -> Memory:
    """Return the memory of an accelerator, or the computer's."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return Memory(free + torch.cuda.memory_reserved(device), total)
    return host_memory()


def host_memory() -> Memory:
    """Return the computer's memory; a container's limit counts where there is one."""
    import psutil

    own = psutil.Process().memory_info().rss
    machine = psutil.virtual_memory()
    free, total = machine.available + own, machine.total
    limit, used = _number("memory.max"), _number("memory.current")
    if limit is not None and used is not None:
        total = min(total, limit)
        free = min(free, limit - used + _reclaimable() + own)
    return Memory(max(free, 0), total)


def peak_memory(device: torch.device) -> int:
    """Return the most that this process has held so far, bytes: on an accelerator, or as a whole."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device))
    status = Path("/proc/self/status")
    if status.is_file():  # not getrusage: Linux counts what the parent held before
        words = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()
        return int(words[1]) * 1024
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    import psutil

    return int(getattr(psutil.Process().memory_info(), "peak_wset", 0) or psutil.Process().memory_info().rss)


def _number(name: str) -> int | None:
    """Return a number of this container's control group; None where there is no such limit."""
    try:
        return int((_CGROUP / name).read_text())
    except (OSError, ValueError):
        return None


def _reclaimable() -> int:
    """Return the bytes of a control group that are files kept in memory, which make room when asked."""
    try:
        lines = (_CGROUP / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    counts = dict(line.split(maxsplit=1) for line in lines if " " in line)
    return int(counts.get("inactive_file", 0))
