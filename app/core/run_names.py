"""Names of runs and designs: such as every system takes for a file's or a folder's."""

from __future__ import annotations

import re

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

_LONGEST_NAME = 80
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{i}" for i in range(10)), *(f"lpt{i}" for i in range(10))}


def check_name(name: str) -> str:
    """Return a name that is safe as a folder's on every system.

    Raises:
        AppError: It is not.
    """
    clean = name.strip()
    if not clean or len(clean) > _LONGEST_NAME:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "“{name}” cannot be a name."),
            QT_TRANSLATE_NOOP("core", "Take 1 to {count} characters."),
            name=name,
            count=_LONGEST_NAME,
        )
    if _FORBIDDEN.search(clean) or clean[0] == "." or clean[-1] == ".":
        raise AppError(
            QT_TRANSLATE_NOOP("core", "“{name}” cannot be a name."),
            QT_TRANSLATE_NOOP("core", 'Leave out / \\ : * ? " < > | and dots at the ends.'),
            name=name,
        )
    if clean.split(".")[0].lower() in _RESERVED:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "“{name}” cannot be a name: Windows reserves it."),
            QT_TRANSLATE_NOOP("core", "Take another one."),
            name=name,
        )
    return clean


def make_name(text: str, suffix: str = "") -> str:
    """Return a safe name that is as close to a text as can be.

    Args:
        text: What to name it after.
        suffix: An ending to keep whole.
    """
    clean = _FORBIDDEN.sub("-", text).strip(" .")[: _LONGEST_NAME - len(suffix) - 5].strip(" .")
    if not clean or clean.split(".")[0].lower() in _RESERVED:
        clean = f"run {clean}".strip()
    return check_name(clean + suffix)
