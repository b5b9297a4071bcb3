"""Why a camera cannot be opened, and which setting of the system to change."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

_LINUX = QT_TRANSLATE_NOOP(
    "core", "Close other programs that use it; if there are none, unplug it and plug it in again."
)
_WINDOWS = QT_TRANSLATE_NOOP(
    "core",
    "Close other programs that use it, and under Settings > Privacy & security > Camera "
    "let desktop apps access the camera.",
)
_MACOS = QT_TRANSLATE_NOOP(
    "core",
    "Close other programs that use it, and under System Settings > Privacy & Security > Camera "
    "allow the Studio, or the terminal it was started from; then start it again.",
)
_HINTS = {"win32": _WINDOWS, "darwin": _MACOS}


def no_permission(label: str, path: str) -> AppError | None:
    """Return why this user may not open a device file of Linux; None where they may.

    Args:
        label: what a person calls the camera.
        path: its device file; elsewhere than on Linux there is none.
    """
    if not path.startswith("/dev/") or os.access(path, os.R_OK | os.W_OK):
        return None
    return AppError(
        QT_TRANSLATE_NOOP("core", "The camera {camera} may not be opened: no permission for {path}."),
        QT_TRANSLATE_NOOP(
            "core",
            "Add your user to the group “{group}” (sudo usermod -aG {group} $USER), then log in again.",
        ),
        camera=label,
        path=path,
        group=_group_of(path),
    )


def camera_refusal(
    label: str,
    path: str,
    waited_s: float | None,
    platform: str = sys.platform,
    user_of: Callable[[str], str | None] | None = None,
) -> AppError:
    """Return the error for a camera that shows nothing.

    Args:
        label: what a person calls it.
        path: its device file, on Linux.
        waited_s: seconds that it let wait in vain; None where it was refused at once.
        platform: as `sys.platform` names it.
        user_of: tells which program has a device file open.
    """
    program = (user_of or _user_of)(path) if path.startswith("/dev/") else None
    if program:
        return AppError(
            QT_TRANSLATE_NOOP("core", "The camera {camera} is used by another program: {program}."),
            QT_TRANSLATE_NOOP("core", "Close that program, then choose the camera again."),
            camera=label,
            program=program,
        )
    if waited_s is not None:
        return AppError(
            QT_TRANSLATE_NOOP("core", "The camera {camera} showed no picture within {seconds} s."),
            QT_TRANSLATE_NOOP("core", "Unplug it and plug it in again, or choose another source."),
            camera=label,
            seconds=f"{waited_s:g}",
        )
    hint = _HINTS.get(platform, _LINUX)
    return AppError(QT_TRANSLATE_NOOP("core", "The camera {camera} cannot be opened."), hint, camera=label)


def _group_of(path: str) -> str:
    """Return the group that may open a device file; "video" where it has no name."""
    try:
        return Path(path).group()
    except (OSError, KeyError, NotImplementedError):
        return "video"


def _user_of(path: str) -> str | None:
    """Return the name of another program that has a file open, among those of this user."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            process = link.parts[2]
            if int(process) != os.getpid() and str(link.readlink()) == path:
                return (Path("/proc") / process / "comm").read_text("utf-8", "replace").strip()
        except OSError:  # another user's, or just gone
            continue
    return None
