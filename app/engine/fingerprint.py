"""What data a run saw, as a short text: the same pictures with the same labels give the same fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from app.engine.train_data import pictures_of

SPLITS = ("train", "val", "test")
_SHOWN = 16
_MOST_LABELS = 20_000
"""Of larger splits the sizes of the label files count, not what they say: reading them would take minutes."""


def fingerprint(data: Mapping[str, Any], split: str) -> str:
    """Return the first 16 hexadecimal digits of a SHA-256 over a split of prepared data.

    It covers the class names, and of every picture its name, its size in bytes and its labels; not where they lie,
    and not in which order.

    Args:
        data: What `read_data` returned.
        split: One that `data` holds.
    """
    from ultralytics.data.utils import img2label_paths

    pictures = pictures_of(data, split)
    labels = [Path(label) for label in img2label_paths([str(picture) for picture in pictures])]
    whole = len(pictures) <= _MOST_LABELS
    rows = (_row(picture, label, whole) for picture, label in zip(pictures, labels, strict=True))
    return _digest([*(str(name) for name in data["names"].values()), *sorted(rows)])


def fingerprints(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the fingerprint of every split that prepared data holds."""
    return {split: fingerprint(data, split) for split in SPLITS if data.get(split)}


def file_digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:_SHOWN]


def _row(picture: Path, label: Path, whole: bool) -> str:
    try:
        said = hashlib.sha256(label.read_bytes()).hexdigest() if whole else str(label.stat().st_size)
    except OSError:
        said = ""
    try:
        size = picture.stat().st_size
    except OSError:
        size = 0
    return f"{picture.name} {size} {said}"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:_SHOWN]
