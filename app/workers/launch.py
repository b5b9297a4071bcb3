"""How the window starts an engine process, from source and from a frozen application alike."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from app.core.folders import door


def engine_command(job: str) -> list[str]:
    """Return the command line of an engine job."""
    return [*door("-X", "faulthandler"), "--engine", job]


def engine_environment(nice: int = 10) -> dict[str, str]:
    """Return the environment of an engine process."""
    environment = dict(os.environ)
    environment.update(
        {"DEPTHWISE_STUDIO_NICE": str(nice), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    )
    for name in ("OMP_NUM_THREADS", "QT_QPA_PLATFORM_PLUGIN_PATH"):
        environment.pop(name, None)
    return environment


def start_engine(job: str, nice: int = 10) -> subprocess.Popen[str]:
    """Start an engine job with pipes for its three streams, in a process group of its own."""
    return subprocess.Popen(
        engine_command(job),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=engine_environment(nice),
        text=True,
        encoding="utf-8",
        errors="replace",
        **new_group(),
    )


def new_group() -> dict[str, Any]:
    """Return the arguments of Popen that keep a child out of the window's process group."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags}
    return {"start_new_session": True}


def detached() -> dict[str, Any]:
    """Return the arguments of Popen that let a child outlive the window."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS
        return {"creationflags": flags}
    return {"start_new_session": True}
