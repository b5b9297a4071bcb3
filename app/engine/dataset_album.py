"""Small pictures of a data set, a page at a time, for the window to look through."""

from __future__ import annotations

import base64
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

from app.core.text import value_to_json
from app.engine.dataset_files import Listing
from app.engine.dataset_items import Item
from app.engine.dataset_labels import LabelFileError, Row
from app.engine.dataset_yaml import Description
from app.engine.pictures import PictureError, inspect_picture, large_pictures_allowed, thumbnail_jpeg

_MOST_THUMBNAILS = 400
_SIDES = (32, 1024)


class Channel(Protocol):
    """What the album needs of its way to the window."""

    @property
    def cancelled(self) -> bool:
        """Whether to stop."""

    def emit(self, event: dict[str, Any]) -> None:
        """Send an event."""


class Album:
    """The pictures of a data set, listed once.

    Args:
        description: what its data.yaml says.
    """

    def __init__(self, description: Description) -> None:
        self._classes = len(description.names)
        self._items = Listing(description).items
        self._chosen: dict[tuple[str, int | None], list[Item]] = {}

    def send(self, page: dict[str, Any], channel: Channel) -> int:
        """Send one page; return how many pictures there are in all."""
        items = self._of(str(page.get("split", "train")), page.get("cls"))
        head = {"token": page.get("token"), "split": page.get("split", "train")}
        channel.emit({"event": "page", **head, "total": len(items)})
        offset = max(int(page.get("offset", 0)), 0)
        count = min(max(int(page.get("count", 60)), 0), _MOST_THUMBNAILS)
        side = min(max(int(page.get("size", 220)), _SIDES[0]), _SIDES[1])
        wanted = list(enumerate(items))[offset : offset + count]
        with large_pictures_allowed(), ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            for event in pool.map(lambda pair: _thumbnail(pair[0], pair[1], self._classes, side), wanted):
                if channel.cancelled:
                    break
                channel.emit({"event": "thumbnail", **head, **event})
        return len(items)

    def find(self, path: str, channel: Channel) -> None:
        """Send the place of the picture that has this path, or whose label has it; nothing if there is none."""
        wanted = Path(path)
        for split, items in self._items.items():
            for index, item in enumerate(items):
                if wanted == item.picture or (wanted == item.label and wanted.suffix != ".json"):
                    channel.emit({"event": "place", "path": path, "split": split, "index": index})
                    return

    def _of(self, split: str, cls: int | None) -> list[Item]:
        items = self._items.get(split, [])
        if cls is None:
            return items
        if (split, cls) not in self._chosen:
            holding = [item for item in items if any(row.cls == cls for row in _rows(item, self._classes))]
            self._chosen[split, cls] = holding
        return self._chosen[split, cls]


def _thumbnail(index: int, item: Item, classes: int, side: int) -> dict[str, Any]:
    event: dict[str, Any] = {"index": index, "path": str(item.picture), "jpeg": ""}
    try:
        event["jpeg"] = base64.b64encode(thumbnail_jpeg(item.picture, side)).decode("ascii")
    except PictureError as problem:
        event["problem"] = value_to_json(problem.text)
    event["boxes"] = [[row.cls, *(round(value, 6) for value in row[1:])] for row in _rows(item, classes)]
    return event


def _rows(item: Item, classes: int) -> tuple[Row, ...]:
    """Return a picture's boxes; none where its label cannot be read, which is the check's affair to report."""
    try:
        if not item.labelled:
            return ()
        picture = inspect_picture(item.picture, thorough=False) if item.reader is not None else None
        return item.read(classes, picture).rows
    except (LabelFileError, FileNotFoundError, PictureError):
        return ()
