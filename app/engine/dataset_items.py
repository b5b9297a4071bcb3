"""One picture of a data set and where its boxes come from, whatever the layout."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.engine.dataset_labels import Labels, read_labels
from app.engine.pictures import PictureInfo

_UNFIT_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}


class Reader(Protocol):
    """Knows the boxes of pictures whose labels are no YOLO text files."""

    def read(self, item: Item, picture: PictureInfo | None) -> Labels:
        """Return a picture's boxes; without the picture's size none are known."""


@dataclass(frozen=True)
class Item:
    """A picture of a data set.

    Attributes:
        split: `train`, `val` or `test`.
        picture: the file by the path under which its label is found.
        label: the file with its boxes, or where it should lie.
        labelled: whether the label is there.
        reader: reads the boxes; None for YOLO text.
    """

    split: str
    picture: Path
    label: Path
    labelled: bool
    reader: Reader | None = field(default=None, compare=False, repr=False)

    def read(self, classes: int, picture: PictureInfo | None) -> Labels:
        """Read the boxes.

        Args:
            classes: how many classes there are.
            picture: its size, for labels in pixels.

        Raises:
            LabelFileError: the label file is no text.
            FileNotFoundError: there is none.
        """
        return read_labels(self.label, classes) if self.reader is None else self.reader.read(self, picture)


def fit_for_lists(text: str) -> bool:
    """Say whether a path can stand in a list of one path a line: no line break, control character or broken code."""
    return text.isprintable() or not any(unicodedata.category(c) in _UNFIT_CATEGORIES for c in text)


def one_line(text: str) -> str:
    """Return a text with spaces for control characters and line breaks."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(c) in _UNFIT_CATEGORIES else c for c in text)
