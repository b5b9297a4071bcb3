"""What went wrong in a training, in words that a person can act on."""

from __future__ import annotations

import errno

from app.core.errors import AppError

_MEMORY_MARKS = ("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed")


class DivergedError(AppError):
    """The loss is no longer a number."""

    def __init__(self, epoch: int) -> None:
        super().__init__(
            f"The loss became infinite or undefined in epoch {epoch}: the training diverged.",
            "Lower the learning rate (lr0), switch mixed precision off (amp), or look at the data's findings.",
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
            "The memory is full.",
            "Take a smaller batch or picture size, or close other programs, then resume.",
        )
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return AppError(
            f"The disk is full ({error.filename or 'run folder'}).", "Free some space, then resume."
        )
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return AppError(
            f"{error.filename or 'The run folder'} cannot be written.", "Choose another workspace."
        )
    if isinstance(error, ModuleNotFoundError):
        return AppError(
            f"The Python package {error.name!r} is missing.", "`python main.py doctor` says what to do."
        )
    first = text.splitlines()[0]
    return AppError(f"{type(error).__name__}: {first}", "The log in the run folder has the details.")
