"""Measured risks on disk: a file of JSON lines for each set of weights and pictures, added to as they are measured."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.design import Swap
from app.core.errors import AppError
from app.core.folders import cache_folder
from app.core.risk import Key, Risk, read_lines, risk_row
from app.core.text import QT_TRANSLATE_NOOP

_KEEP = 200
"""Files kept; those unused for longest go first."""


@dataclass(frozen=True)
class RiskFile:
    """Where the risks of one set of weights and settings are kept."""

    path: Path

    @classmethod
    def of(cls, kind: str, weights: str, settings: str) -> RiskFile:
        """Return the file of weights (hash of their bytes) and settings (likewise)."""
        return cls(cache_folder() / "risk" / f"{kind}-{weights}-{settings}.jsonl")

    def read(self) -> dict[Key, Risk]:
        """Return what was measured so far."""
        return read_lines(self.path)

    @contextmanager
    def writing(self, source: str, pictures: int) -> Iterator[Callable[[str, Swap, Risk], None]]:
        """Yield what adds a risk; every line is on its own, so that a crash loses one at most.

        Raises:
            AppError: the file cannot be written.
        """
        with self._opened() as stream:
            _end_line(stream)
            if stream.tell() == 0:
                self._write(stream, {"source": source, "pictures": pictures})
            yield lambda path, swap, risk: self._write(stream, risk_row(path, swap, risk))

    def _opened(self) -> Any:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            _prune(self.path.parent)
            return self.path.open("a+b")
        except OSError as error:
            raise self._refused(error) from error

    def _write(self, stream: Any, row: dict[str, Any]) -> None:
        try:
            stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            stream.flush()
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> AppError:
        return AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written: {reason}."),
            QT_TRANSLATE_NOOP("core", "Check that the disk is not full and can be written."),
            path=self.path,
            reason=error.strerror or error,
        )


def _end_line(stream: Any) -> None:
    """End a line that a crash cut off, so that the next one can be read."""
    size = stream.seek(0, os.SEEK_END)
    if size:
        stream.seek(size - 1)
        if stream.read(1) != b"\n":
            stream.write(b"\n")


def _prune(folder: Path) -> None:
    files = sorted(folder.glob("*.jsonl"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files[_KEEP:]:
        file.unlink(missing_ok=True)
