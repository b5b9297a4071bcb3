"""The file format of a base model's description: compressed JSON, the same bytes for the same description.

```
format       2
base         name
source       what it was written down from, for people
cell         side of a cell in pixels
class_width  [low, high]; the width of the class branches is the number of classes between these two
strides      input pixels per output pixel of each prediction level
layers       [index, type, sources, part, channels or null, stride or null]
modules      {path: class name}
steps        [op, path, inputs, elements, convolution, rest, flops], nulls at the end left out
tensors      {path: [parameters, bytes in an FP16 checkpoint]} outside convolutions
deployed     null, or {steps, tensors} of the deployed form where more than BatchNorm is folded
```

A number that depends on the number of classes is [a, b, c]: a + b · classes + c · class width. A convolution is
[c1, c2, kernel, stride, padding, groups, bias, norm, activation, pixels of a cell].
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

FORMAT = 2
"""Version of the format."""

SUFFIX = ".json.gz"

_LARGEST = 16 * 2**20
"""Bytes of a description; YOLOv9e has 0.3 MB."""

Number = Callable[[int | list[int]], int]


def encode(description: Mapping[str, Any]) -> bytes:
    """Return a description as the bytes of its file."""
    text = json.dumps(description, separators=(",", ":"), ensure_ascii=False)
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def decode(data: bytes, name: str) -> dict[str, Any]:
    """Return the description that a file holds.

    Raises:
        AppError: it is damaged, or of another version; the message names it.
    """
    try:
        unpacker = zlib.decompressobj(wbits=31)
        text = unpacker.decompress(data, _LARGEST)
        found = json.loads(text) if unpacker.eof else None
    except (zlib.error, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The description of {name} is damaged."),
            QT_TRANSLATE_NOOP("core", "Delete it, or install the Studio again."),
            name=name,
        )
    return found


def read(path: Path) -> dict[str, Any]:
    """Return the description in a file.

    Raises:
        AppError: it cannot be read, is damaged, or of another version.
    """
    try:
        return decode(path.read_bytes(), path.name.removesuffix(SUFFIX))
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be read: {reason}."),
            QT_TRANSLATE_NOOP("core", "Install the Studio again."),
            path=path,
            reason=error.strerror or error,
        ) from error


def number_reader(description: Mapping[str, Any], classes: int) -> Number:
    """Return the function that fills a number of classes into a description's numbers."""
    low, high = description["class_width"]
    width = max(low, min(classes, high))

    def number(value: int | list[int]) -> int:
        return value if isinstance(value, int) else value[0] + value[1] * classes + value[2] * width

    return number


def tensors(rows: Mapping[str, list[Any]], number: Number) -> Mapping[str, tuple[int, int]]:
    """Return path → (parameters, bytes) of the tensors outside convolutions."""
    return MappingProxyType({path: (number(row[0]), number(row[1])) for path, row in rows.items()})
