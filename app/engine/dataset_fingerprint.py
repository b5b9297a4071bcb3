"""Which data a run saw, as a short text: from names, sizes and labels, the same on every machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.engine.dataset_scan import Seen
from app.engine.dataset_yaml import Description

_DIGITS = 6


@dataclass(frozen=True)
class Fingerprint:
    """What identifies a data set.

    Attributes:
        digest: 32 hexadecimal digits over the classes' names and, for each split and picture, its path from the root,
            the size of its file, and its boxes; not over the pictures' content.
        names: of the classes.
        splits: 32 digits likewise for each split alone, its pictures in any order.
        images: pictures per split that training uses.
        boxes: boxes per split.
        bytes: of all these pictures.
    """

    digest: str
    names: tuple[str, ...]
    splits: Mapping[str, str]
    images: Mapping[str, int]
    boxes: Mapping[str, int]
    bytes: int

    def of(self, split: str) -> str:
        """Return the digest of a split; of one that has no pictures of its own it is that of the training's."""
        return self.splits.get(split) or self.splits["train"]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "digest": self.digest,
            "names": list(self.names),
            "splits": dict(self.splits),
            "images": dict(self.images),
            "boxes": dict(self.boxes),
            "bytes": self.bytes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fingerprint:
        """Read what `to_json` wrote.

        Raises:
            KeyError: something is missing.
        """
        return cls(
            data["digest"],
            tuple(data["names"]),
            dict(data["splits"]),
            dict(data["images"]),
            dict(data["boxes"]),
            data["bytes"],
        )


def fingerprint(data: Path | str, cancelled: Callable[[], bool] | None = None) -> Fingerprint:
    """Return the fingerprint of a data set; where it was checked before, no picture is decoded.

    Raises:
        AppError: the data set cannot be understood, or it was cancelled.
    """
    from app.engine.dataset import open_dataset
    from app.engine.dataset_files import Listing
    from app.engine.dataset_scan import look_at_all

    description = open_dataset(data, cancelled=cancelled)
    listing = Listing(description, None, cancelled)
    return fingerprint_of(description, look_at_all(listing, description, None, cancelled))


def fingerprint_of(description: Description, everything: Iterable[Seen]) -> Fingerprint:
    """Return the fingerprint of what was seen; pictures that training leaves out do not count."""
    images: dict[str, int] = {}
    boxes: dict[str, int] = {}
    rows: dict[str, list[str]] = {}
    size = 0
    for seen in everything:
        if not seen.usable:
            continue
        split = seen.item.split
        images[split] = images.get(split, 0) + 1
        boxes[split] = boxes.get(split, 0) + len(seen.labels.rows)
        size += seen.bytes
        place = Path(os.path.relpath(seen.item.picture, description.root)).as_posix()
        said = " ".join(
            f"{row.cls}:" + ",".join(f"{v:.{_DIGITS}f}" for v in row[1:]) for row in seen.labels.rows
        )
        rows.setdefault(split, []).append(f"{split}\t{place}\t{seen.bytes}\t{said}")
    names = description.names
    whole = _digest((*names, *sorted(row for found in rows.values() for row in found)))
    splits = {split: _digest((*names, *sorted(found))) for split, found in rows.items()}
    return Fingerprint(whole, names, splits, images, boxes, size)


def _digest(lines: Iterable[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for line in lines:
        digest.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()
