"""What went wrong in a training, in words that a person can act on."""

from __future__ import annotations

import errno

from app.core.errors import AppError, missing_package
from app.core.text import QT_TRANSLATE_NOOP, Text

_MEMORY_MARKS = ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed")


class DivergedError(AppError):
    """The loss is no longer a number."""

    def __init__(self, epoch: int) -> None:
        super().__init__(
            QT_TRANSLATE_NOOP(
                "core", "The loss became infinite or undefined in epoch {epoch}: the training diverged."
            ),
            QT_TRANSLATE_NOOP(
                "core",
                "Lower the learning rate (lr0), switch mixed precision off (amp), or look at the data's findings.",
            ),
            epoch=epoch,
        )


class StopNow(Exception):  # noqa: N818 - not an error: the user's wish, on its way out of the training loop
    """The user wants the training to end after this batch."""


def explain(error: BaseException) -> AppError:
    """Return what to tell the user about an exception that ended a training."""
    if isinstance(error, AppError):
        return error
    text = str(error).strip() or type(error).__name__
    if isinstance(error, MemoryError) or any(mark in text.lower() for mark in _MEMORY_MARKS):
        return AppError(
            QT_TRANSLATE_NOOP("core", "The memory is full."),
            QT_TRANSLATE_NOOP(
                "core", "Take a smaller batch or picture size, or close other programs, then resume."
            ),
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return AppError(
            QT_TRANSLATE_NOOP("core", "The disk is full ({path})."),
            QT_TRANSLATE_NOOP("core", "Free some space, then resume."),
            path=error.filename or Text(QT_TRANSLATE_NOOP("core", "the run folder")),
        )
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written."),
            QT_TRANSLATE_NOOP("core", "Choose another workspace."),
            path=error.filename or Text(QT_TRANSLATE_NOOP("core", "The run folder")),
        )
    if isinstance(error, ModuleNotFoundError):
        return missing_package(error)
    first = text.splitlines()[0]
    return AppError(
        QT_TRANSLATE_NOOP("core", "{name}: {first}"),
        QT_TRANSLATE_NOOP("core", "The log in the run folder has the details."),
        name=type(error).__name__,
        first=first,
    )
