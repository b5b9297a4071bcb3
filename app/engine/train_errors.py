"""What went wrong in a training, in words that a person can act on."""

from __future__ import annotations

import errno
import re

from app.core.errors import AppError, missing_package
from app.core.text import QT_TRANSLATE_NOOP, Text

_MEMORY_MARKS = (
    *("out of memory", "can't allocate memory", "cannot allocate memory", "alloc_failed"),
    *("insufficient memory", "unable to allocate"),
    *("could not create a primitive", "could not create a memory object"),  # what oneDNN says of it
)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)
_GONE = (errno.ENOENT, errno.EIO, errno.ENODEV, errno.ENXIO, errno.ESTALE)
_NO_PICTURE = re.compile(r"Image (?:Not Found|not found or unreadable:?) (?P<path>.+)", re.IGNORECASE)


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
    text = _innermost(str(error)) or type(error).__name__
    for known in (_memory, _loader, _picture, _file):
        told = known(error, text)
        if told is not None:
            return told
    if isinstance(error, ModuleNotFoundError):
        return missing_package(error)
    return AppError(
        QT_TRANSLATE_NOOP("core", "{name}: {first}"),
        QT_TRANSLATE_NOOP("core", "The log in the run folder has the details."),
        name=type(error).__name__,
        first=text.splitlines()[0],
    )


def _innermost(text: str) -> str:
    """Return the message alone of an error that a loader process passed on together with its traceback."""
    lines = text.strip().splitlines()
    if not lines or "in DataLoader worker process" not in lines[0]:
        return text.strip()
    return lines[-1].partition(": ")[2].strip() or lines[-1].strip()


def _memory(error: BaseException, text: str) -> AppError | None:
    low = text.lower()
    if not isinstance(error, MemoryError) and not any(mark in low for mark in _MEMORY_MARKS):
        return None
    if any(mark in low for mark in ("cuda", "cublas", "cudnn", "mps backend")):
        return AppError(
            QT_TRANSLATE_NOOP("core", "The GPU's memory is full."),
            QT_TRANSLATE_NOOP(
                "core",
                "Resume with a smaller batch, or take smaller pictures; end other programs on the GPU.",
            ),
        )
    return AppError(
        QT_TRANSLATE_NOOP("core", "The memory is full."),
        QT_TRANSLATE_NOOP(
            "core", "Take a smaller batch or picture size, or close other programs, then resume."
        ),
    )


def _loader(error: BaseException, text: str) -> AppError | None:
    """A process that loads pictures has ended; where it was just handing some over, its socket breaks."""
    if not text.startswith("DataLoader worker") and not isinstance(error, ConnectionError | EOFError):
        return None
    return AppError(
        QT_TRANSLATE_NOOP("core", "A process that loads pictures has ended: {reason}"),
        QT_TRANSLATE_NOOP(
            "core",
            "Most often memory was short: close other programs, or take fewer of them (workers), then resume.",
        ),
        reason=(text or type(error).__name__).splitlines()[0],
    )


def _picture(error: BaseException, text: str) -> AppError | None:
    """A picture that cannot be read any more; OpenCV says of a missing one no more than that."""
    found = _NO_PICTURE.match(text)
    gone = isinstance(error, OSError) and error.errno in _GONE
    if found is None and not gone:
        return None
    path = found["path"].strip() if found else getattr(error, "filename", None)
    return AppError(
        QT_TRANSLATE_NOOP("core", "{path} is gone, or cannot be read any more."),
        QT_TRANSLATE_NOOP("core", "Put it back (is its drive connected?), then resume."),
        path=path or text.splitlines()[0],
    )


def _file(error: BaseException, text: str) -> AppError | None:
    number = getattr(error, "errno", None) or _number_in(text)
    path = getattr(error, "filename", None)
    if number in _FULL:
        return AppError(
            QT_TRANSLATE_NOOP("core", "The disk is full ({path})."),
            QT_TRANSLATE_NOOP("core", "Free some space, then resume."),
            path=path or Text(QT_TRANSLATE_NOOP("core", "the run folder")),
        )
    if number in _FORBIDDEN:
        return AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written."),
            QT_TRANSLATE_NOOP("core", "Allow writing there, or choose another workspace; then resume."),
            path=path or Text(QT_TRANSLATE_NOOP("core", "The run folder")),
        )
    return None


def _number_in(text: str) -> int | None:
    """Return the error number of an OSError that arrives as text from another process."""
    found = re.match(r"\[Errno (\d+)\]", text)
    return int(found[1]) if found else None
