"""What lies in a folder that no description explains: pictures, annotations, and what folders' names tell of splits."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.pictures import PICTURE_SUFFIXES

UNDIVIDED = "all"
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_DEEPEST = 8


@dataclass
class Tree:
    """The files below a folder, in order.

    Attributes:
        root: the folder.
        pictures: picture files.
        xmls: `.xml` files.
        jsons: `.json` files.
        texts: `.txt` files.
    """

    root: Path
    pictures: list[Path] = field(default_factory=list)
    xmls: list[Path] = field(default_factory=list)
    jsons: list[Path] = field(default_factory=list)
    texts: list[Path] = field(default_factory=list)

    def by_stem(self) -> dict[str, list[Path]]:
        """Return the pictures by their names without suffix."""
        found: dict[str, list[Path]] = {}
        for picture in self.pictures:
            found.setdefault(picture.stem, []).append(picture)
        return found


def walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Go through a folder and those below it, links followed, hidden ones and loops of links left out.

    Yields:
        Each folder, by its path through the links, and the sorted names of the files in it.
    """
    seen = set()
    for current, folders, files in os.walk(folder, followlinks=True):
        here = Path(current).stat()
        key = (here.st_dev, here.st_ino) if here.st_ino else (0, hash(os.path.realpath(current)))
        if key in seen:
            folders.clear()
            continue
        seen.add(key)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(current), sorted(name for name in files if not name.startswith("."))


def look_into(root: Path) -> Tree:
    """List what lies below a folder, a few levels deep."""
    tree = Tree(root)
    kinds = {".xml": tree.xmls, ".json": tree.jsons, ".txt": tree.texts}
    for folder, names in walk(root):
        if len(folder.relative_to(root).parts) > _DEEPEST:
            continue
        for name in names:
            suffix = Path(name).suffix.lower()
            kept = tree.pictures if suffix in PICTURE_SUFFIXES else kinds.get(suffix)
            if kept is not None:
                kept.append(folder / name)
    return tree


def split_of(path: Path, root: Path) -> str:
    """Return the split that the folders between tell, nearest to the file first, or `UNDIVIDED`."""
    for part in reversed(path.relative_to(root).parts[:-1]):
        word = part.lower().rstrip("0123456789").rstrip("_-")
        if word in SPLIT_WORDS:
            return SPLIT_WORDS[word]
    return UNDIVIDED


def nearest(candidates: Sequence[Path], to: Path) -> Path:
    """Return the path that shares most folders with another one."""
    return max(candidates, key=lambda path: len(os.path.commonpath([path, to])))


def check_cancelled(cancelled: Callable[[], bool] | None) -> None:
    """Give up where that is wanted.

    Raises:
        AppError: it is.
    """
    if cancelled is not None and cancelled():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The check was cancelled."),
            QT_TRANSLATE_NOOP("core", "Start it again when you like."),
        )
