"""Chooses between the window, the command line and an engine job."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str]) -> int:
    """Return the exit status of what the arguments ask for."""
    if getattr(sys, "frozen", False):  # a frozen application starts itself again for a capture process
        import multiprocessing

        multiprocessing.freeze_support()
    given = list(arguments)
    if given[:1] == ["--engine"] and len(given) == 2:
        from app.engine.jobs import run_job

        return run_job(given[1])
    if given and not _are_files(given):
        from app.cli import run

        return run(given)
    if not has_display():
        sys.stderr.write("There is no display: the window cannot open. Running the demo instead.\n")
        from app.cli import run

        return run(["demo"])
    from app.ui.application import run as open_window

    return open_window([sys.argv[0], *given])


def _are_files(given: list[str]) -> bool:
    return all(Path(path).suffix and Path(path).exists() for path in given)


def has_display() -> bool:
    """Return whether a window can open; Qt aborts the process where it cannot, so it is asked first."""
    if os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in {"offscreen", "minimal", "vnc"}:
        return True
    if sys.platform in {"win32", "darwin"}:
        return True
    return _wayland_answers() or _x11_answers(os.environ.get("DISPLAY", ""))


def _wayland_answers() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY")
    if not name:
        return False
    return (Path(os.environ.get("XDG_RUNTIME_DIR", "/run")) / name).exists()


def _x11_answers(display: str) -> bool:
    host, colon, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if not colon or not number.isdigit():
        return False
    try:
        if host in {"", "unix"}:
            return _local_x11_answers(number)
        with socket.create_connection((host, 6000 + int(number)), timeout=2):
            return True
    except OSError:
        return False


def _local_x11_answers(number: str) -> bool:
    if not hasattr(socket, "AF_UNIX"):
        return False
    for name in (f"/tmp/.X11-unix/X{number}", f"\0/tmp/.X11-unix/X{number}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(2)
            try:
                probe.connect(name)
            except OSError:
                continue
            return True
    return False
