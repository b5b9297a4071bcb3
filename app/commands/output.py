"""What the command line prints: text for people or JSON for scripts; what libraries print goes to stderr."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from app.core.errors import AppError
from app.core.files import write_text


class Output:
    """Standard output, kept for results alone.

    Args:
        json_lines: whether scripts read it.
    """

    def __init__(self, json_lines: bool) -> None:
        self.json = json_lines
        self._stream: TextIO = sys.stdout

    def reserve(self) -> None:
        """Send what libraries print to standard error from now on, at the level of file descriptors."""
        if self._stream is not sys.stdout:
            return  # already done: standard output is standard error by now
        sys.stdout.flush()
        try:
            kept = os.dup(sys.stdout.fileno())
        except (io.UnsupportedOperation, OSError):
            return
        os.dup2(2, 1)
        self._stream = os.fdopen(kept, "w", encoding="utf-8", newline="\n")

    def document(self, data: Mapping[str, Any], text: str) -> None:
        """Print one result: the data as JSON, or the text."""
        shown = json.dumps(data, ensure_ascii=False, indent=2, default=str) if self.json else text
        self._write(shown)

    def event(self, event: Mapping[str, Any], text: str | None) -> None:
        """Print one event of a running job: as a JSON line, or its text where it has one."""
        if self.json:
            self._write(json.dumps(event, ensure_ascii=False, default=str))
        elif text is not None:
            self._write(text)

    def note(self, text: str) -> None:
        """Tell people how far a job is, on standard error."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def write_result(path: Path, text: str) -> None:
    """Write a result to a file, whole or not at all.

    Raises:
        AppError: it cannot be written.
    """
    try:
        write_text(path, text)
    except OSError as error:
        raise AppError(
            "{path} cannot be written: {reason}.",
            "Choose another folder or name.",
            path=path,
            reason=error.strerror or error,
        ) from error


def table(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return rows as aligned columns, the first `left` ones to the left, numbers to the right."""
    lines = [list(header), *[list(row) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), "  ".join("-" * w for w in widths), *[line(row) for row in rows]])
