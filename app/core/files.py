"""Files that are never half written: a temporary name first, then put in place."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ATTEMPTS = 20
_PAUSE_S = 0.02


def put_in_place(source: Path, target: Path) -> None:
    """Rename a file over another.

    On Windows a reader that has the target open for a moment makes that fail: it is tried again for a while.

    Raises:
        OSError: The target cannot be replaced.
    """
    for attempt in range(_ATTEMPTS):
        try:
            source.replace(target)
        except PermissionError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` that takes its place when the block ends without an error.

    The content reaches the disk before the rename: after a power cut there is the old file or the new one.

    Raises:
        OSError: The folder cannot be written, or the disk is full; nothing is left behind then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        _allow_others_to_read(temporary)
        put_in_place(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file with Unix line ends as a whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def _allow_others_to_read(path: Path) -> None:
    """Give the file the permissions of an ordinary new one; a temporary file is its owner's alone."""
    if os.name == "posix":
        path.chmod(0o644)
