"""Keeps the machine from sleeping while something trains, by each system's own means."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_WHY = "Depthwise Studio is training"
_CONTINUOUS, _SYSTEM_REQUIRED = 0x80000000, 0x00000001


@contextmanager
def keeping_awake(wanted: bool = True) -> Iterator[bool]:
    """Keep the machine awake for as long as the block runs; the screen may still go dark.

    Args:
        wanted: Whether to do so at all.

    Yields:
        Whether the system agreed. The system takes the wish back by itself if this process is killed.
    """
    release = _hold() if wanted else None
    try:
        yield release is not None
    finally:
        if release is not None:
            release()


def _hold() -> Callable[[], None] | None:
    """Ask the system to stay awake; return what takes that back, None where there is no way."""
    if sys.platform == "win32":
        return _hold_windows()
    if sys.platform == "darwin":
        return _hold_by(["caffeinate", "-i", "-s", "-w", str(os.getpid())])
    # cat ends when our end of its pipe is gone, and the lock with it
    return _hold_by(
        [
            "systemd-inhibit",
            "--what=sleep:idle",
            "--mode=block",
            "--who=Depthwise Studio",
            f"--why={_WHY}",
            "cat",
        ]
    )


def _hold_windows() -> Callable[[], None] | None:
    """See https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-setthreadexecutionstate."""
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    if not kernel.SetThreadExecutionState(ctypes.c_uint(_CONTINUOUS | _SYSTEM_REQUIRED)):
        return None
    return lambda: kernel.SetThreadExecutionState(ctypes.c_uint(_CONTINUOUS))


def _hold_by(command: list[str]) -> Callable[[], None] | None:
    """Run a helper that keeps the machine awake for as long as it lives."""
    if shutil.which(command[0]) is None:
        print(f"{command[0]} is not there: the machine may fall asleep while it trains.", file=sys.stderr)
        return None
    try:
        helper = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
            start_new_session=True,
        )
    except OSError as error:
        print(f"{command[0]}: {error}", file=sys.stderr)
        return None
    try:  # one that is refused says so at once
        status = helper.wait(0.3)
    except subprocess.TimeoutExpired:
        return lambda: _end(helper)
    print(
        f"{command[0]} ended with status {status}: the machine may fall asleep while it trains.",
        file=sys.stderr,
    )
    _end(helper)
    return None


def _end(helper: subprocess.Popen[bytes]) -> None:
    """End a helper and wait until it is gone."""
    if helper.stdin is not None:
        helper.stdin.close()
    if helper.poll() is None:
        helper.terminate()
    try:
        helper.wait(5.0)
    except subprocess.TimeoutExpired:
        helper.kill()
        helper.wait()
