"""YOLO label files: one object a line, `class x y width height`, centre and size as shares of the picture.

The limits are ultralytics' own (`verify_image_label`), which leaves a picture out when one of its rows breaks
them; so a file with an error counts for nothing here, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from app.core.findings import FINDING_KINDS
from app.core.text import QT_TRANSLATE_NOOP

TOLERANCE = 0.01
"""How far beyond 0 and 1 a value may lie."""
LARGEST_BYTES = 20_000_000
_NAMES = ("x", "y", "width", "height")


class Row(NamedTuple):
    """A box: class, centre and size as shares of the picture."""

    cls: int
    x: float
    y: float
    width: float
    height: float


class Problem(NamedTuple):
    """What is wrong with a line: a code of `FINDING_KINDS`, the line, the values of its text."""

    code: str
    line: int | None
    values: dict[str, Any]

    @property
    def fatal(self) -> bool:
        """Whether training leaves the whole picture out."""
        return FINDING_KINDS[self.code].severity == "error"


@dataclass(frozen=True)
class Labels:
    """A label file.

    Attributes:
        rows: every different box that can be learned, in the order of the file.
        problems: what is wrong, in the order of the file.
        blank: whether the file holds no row at all.
        polygons: whether its rows are polygons.
    """

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]
    blank: bool = False
    polygons: bool = False

    @property
    def usable(self) -> bool:
        """Whether training uses the picture."""
        return not any(problem.fatal for problem in self.problems)


class LabelFileError(Exception):
    """A label file that is no text; the message says why, in a few words."""


def read_labels(path: Path, classes: int) -> Labels:
    """Read a label file.

    Raises:
        LabelFileError: it cannot be opened, is too large or not UTF-8.
        FileNotFoundError: there is none.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= LARGEST_BYTES else None
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise LabelFileError(problem.strerror or type(problem).__name__) from problem
    if data is None:
        raise LabelFileError(QT_TRANSLATE_NOOP("core", "it is larger than 20 MB"))
    try:
        return parse_labels(data.decode("utf-8-sig"), classes)
    except UnicodeDecodeError as problem:
        raise LabelFileError(QT_TRANSLATE_NOOP("core", "it is not UTF-8 text")) from problem


def parse_labels(text: str, classes: int) -> Labels:
    """Read the text of a label file; never fails, whatever the text.

    Args:
        text: the whole file.
        classes: how many classes there are.
    """
    rows: list[Row] = []
    problems: list[Problem] = []
    first_lines: dict[tuple[float, ...], int] = {}
    shapes: set[bool] = set()
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for number, words in lines:
        values = _values(number, words, classes, problems)
        if values is None:
            continue
        polygon = len(values) > 6
        if shapes == {not polygon}:
            problems.append(Problem("mixed_rows", number, {}))
        shapes.add(polygon)
        first = first_lines.setdefault(values, number)
        if first != number:
            problems.append(Problem("row_duplicate", number, {"first": first}))
            continue
        row = _enclosing(values) if polygon else Row(int(values[0]), *values[1:])
        if _judge(number, row, problems):
            rows.append(row)
    return Labels(tuple(rows), tuple(problems), blank=not lines, polygons=True in shapes)


def rows_as_text(rows: Sequence[Row]) -> list[str]:
    """Return the lines of a label file with these boxes."""
    return [" ".join((str(row.cls), *(f"{value:.8g}" for value in row[1:]))) for row in rows]


def _values(
    number: int, words: Sequence[str], classes: int, problems: list[Problem]
) -> tuple[float, ...] | None:
    """Return the numbers of a row that ultralytics accepts, or None and the problem."""
    if len(words) != 5 and (len(words) < 7 or len(words) % 2 == 0):
        problems.append(Problem("columns", number, {"count": len(words)}))
        return None
    values = []
    for word in words:
        value = _number(word)
        if value is None:
            problems.append(Problem("not_a_number", number, {"text": word[:40]}))
            return None
        values.append(value)
    if not (values[0].is_integer() and 0 <= values[0] < classes):
        problems.append(Problem("unknown_class", number, {"value": words[0][:40], "last": classes - 1}))
        return None
    for place, value in enumerate(values[1:]):
        least = 0.0 if len(words) == 5 and place >= 2 else -TOLERANCE
        if not least <= value <= 1 + TOLERANCE:
            name = _NAMES[place] if len(words) == 5 else _NAMES[place % 2]
            problems.append(Problem("out_of_range", number, {"name": name, "value": words[place + 1][:40]}))
            return None
    return tuple(values)


def _number(word: str) -> float | None:
    """Return what a word says; None for anything but a finite decimal number."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in word else None


def _judge(number: int, row: Row, problems: list[Problem]) -> bool:
    """Note what is odd about a box; return whether it can be learned."""
    for name, size in (("width", row.width), ("height", row.height)):
        if size <= 0:
            problems.append(Problem("zero_size", number, {"name": name}))
            return False
    beyond = max(
        row.width / 2 - row.x,
        row.height / 2 - row.y,
        row.x + row.width / 2 - 1,
        row.y + row.height / 2 - 1,
    )
    if beyond > TOLERANCE:
        problems.append(Problem("box_past_edge", number, {"percent": f"{beyond * 100:.1f}"}))
    return True


def _enclosing(values: tuple[float, ...]) -> Row:
    """Return the box around a polygon."""
    xs, ys = values[1::2], values[2::2]
    left, right, top, bottom = min(xs), max(xs), min(ys), max(ys)
    return Row(int(values[0]), (left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
