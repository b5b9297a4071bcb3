"""Who a process is: its number and when it started, for numbers are given again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TOLERANCE_S = 2.0


@dataclass(frozen=True)
class ProcessIdentity:
    """A process of this machine, told apart from a later one with the same number.

    Attributes:
        pid: Number of the process.
        started: When it started, seconds since 1970.
        host: Name of the machine; a workspace may lie on a network drive.
    """

    pid: int
    started: float
    host: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the identity as plain data."""
        return {"pid": self.pid, "started": self.started, "host": self.host}

    @classmethod
    def from_dict(cls, data: Any) -> ProcessIdentity | None:
        """Read an identity; None where the data is none."""
        if not isinstance(data, Mapping):
            return None
        pid, started = data.get("pid"), data.get("started")
        if not isinstance(pid, int) or not isinstance(started, (int, float)):
            return None
        return cls(pid, float(started), str(data.get("host", "")))


def identify(pid: int | None = None) -> ProcessIdentity | None:
    """Return the identity of a process, by default of this one; None where there is no such process."""
    import psutil

    try:
        process = psutil.Process(pid or os.getpid())
        return ProcessIdentity(process.pid, process.create_time(), host_name())
    except psutil.Error:
        return None


def is_alive(identity: ProcessIdentity) -> bool:
    """Tell whether that very process still runs.

    A process of another machine cannot be looked at; it counts as alive until its events fall silent.
    """
    import psutil

    if identity.host and identity.host != host_name():
        return True
    try:
        process = psutil.Process(identity.pid)
        same = abs(process.create_time() - identity.started) < _TOLERANCE_S
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def host_name() -> str:
    """Return the name of this machine."""
    import platform

    return platform.node()
