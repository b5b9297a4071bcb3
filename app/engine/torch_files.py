"""Files that torch writes and reads: whole or not at all, and checked when they are read back."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import serialization

from app.core.files import replacing


def save_whole(data: Any, path: Path) -> None:
    """Write with torch into a temporary file that then takes the place of `path`.

    Raises:
        OSError: The disk is full, or the folder cannot be written; what was there stays. torch itself would say
            "unexpected pos" instead.
    """
    with replacing(path) as temporary, temporary.open("wb") as stream:
        sink = _Sink(stream)
        try:
            # `torch.save` is ultralytics' by now, which would write once more behind what failed.
            serialization.save(data, cast(IO[bytes], sink))
        except RuntimeError:
            if sink.error is not None:
                raise sink.error from None
            raise


def load_checked(path: Path) -> Any:
    """Read what `save_whole` wrote, tensors and plain data alone, onto the CPU.

    Raises:
        ValueError: A byte has changed since; torch would not notice.
        Exception: It is no such file: what a damaged one raises is anybody's guess.
    """
    with zipfile.ZipFile(path) as archive:
        broken = archive.testzip()
    if broken is not None:
        raise ValueError(f"the checksum of {broken} is wrong")
    return torch.load(path, map_location="cpu", weights_only=True)


class _Sink:
    """A stream that remembers why writing failed; torch forgets it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write, and remember what went wrong."""
        try:
            return self._stream.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Pass it on."""
        self._stream.flush()
