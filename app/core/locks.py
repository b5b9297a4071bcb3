"""A lock on a file that one process alone can hold, and that dies with it, however it ends."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.processes import ProcessIdentity, identify

_TRIES = 5
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
_FAR = 1 << 30
"""Windows lets nobody read a locked byte: this one lies behind the text."""


class HeldError(Exception):
    """Another process holds the lock.

    Attributes:
        holder: who it is; None where that cannot be read.
    """

    def __init__(self, holder: ProcessIdentity | None) -> None:
        super().__init__(str(holder))
        self.holder = holder


@contextmanager
def holding(path: Path) -> Iterator[bool]:
    """Hold the lock while the block runs; the file is there for as long, with the process in it.

    The system keeps it (POSIX `fcntl`, Windows `LockFile`): of any number that ask at the same moment one gets it, and
    a killed process holds nothing. Children do not inherit it.

    Args:
        path: The lock's file; its folder exists.

    Yields:
        Whether it is held; not where the folder cannot be written, or its drive knows no locks.

    Raises:
        HeldError: Another process holds it.
    """
    handle = _take(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            if os.name == "posix":  # while it is held: afterwards it could be another one's
                _remove(path)
            os.close(handle)
            if os.name != "posix":
                _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # the folder may be gone, or forbidden by now
        path.unlink()


def _take(path: Path) -> int | None:
    for _ in range(_TRIES):
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError:
            return None
        try:
            _lock(handle)
            if _is_still(handle, path):
                _write(handle)
                return handle
        except OSError as problem:
            os.close(handle)
            if problem.errno not in _TAKEN:
                return None
            raise HeldError(_holder(path)) from None
        os.close(handle)  # the one that held it has just removed the file
    return None


def _lock(handle: int) -> None:
    if os.name == "posix":
        import fcntl

        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        os.lseek(handle, _FAR, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]


def _is_still(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _write(handle: int) -> None:
    process = identify()
    text = json.dumps(process.to_dict() if process is not None else {})
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, text.encode())
    os.ftruncate(handle, len(text))


def _holder(path: Path) -> ProcessIdentity | None:
    try:
        return ProcessIdentity.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
