"""Which pictures a data set has, and where the label of each lies."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from app.core.findings import Finding
from app.engine.dataset_items import Item, fit_for_lists
from app.engine.dataset_split import divide
from app.engine.dataset_tree import check_cancelled, walk
from app.engine.dataset_yaml import Description
from app.engine.pictures import PICTURE_SUFFIXES

_IMAGES, _LABELS = f"{os.sep}images{os.sep}", f"{os.sep}labels{os.sep}"
_BEAT = 256
_NOT_LABELS = {"classes.txt", "labels.txt", "names.txt", "notes.txt", "predefined_classes.txt", "readme.txt"}


def label_path(picture: Path) -> Path:
    """Return where a picture's label lies: the last folder `images` of its path becomes `labels`."""
    head, found, tail = str(picture).rpartition(_IMAGES)
    text = f"{head}{_LABELS}{tail}" if found else str(picture)
    return Path(text).with_suffix(".txt")


class Listing:
    """Finds the pictures of a description, and divides them where nobody has; each folder is listed once.

    Args:
        description: of the data set.
        progress: told how far the division is, which looks at every picture the first time.
        cancelled: asked now and then whether to give up.

    Raises:
        AppError: it was cancelled.

    Attributes:
        items: per split, in the order in which ultralytics sorts them.
        findings: what is wrong with folders, lists and links.
        divided: whether the Studio chose what to train and what to validate on.
    """

    def __init__(
        self,
        description: Description,
        progress: Callable[[float, str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._description = description
        self._folders: dict[Path, frozenset[str]] = {}
        self.findings: list[Finding] = []
        self.items: dict[str, list[Item]] = {}
        if description.items is not None:
            self.items = {split: list(items) for split, items in description.items.items()}
        for split, places in description.splits.items():
            found: dict[str, Item] = {}
            for place in places:
                for number, item in enumerate(self._of_place(split, place)):
                    if number % _BEAT == 0:
                        check_cancelled(cancelled)
                        if progress is not None:
                            progress(0.0, "list")
                    found.setdefault(str(item.picture), item)
            self.items[split] = [found[path] for path in sorted(found)]
            if not found and any(place.exists() for place in places):
                self._note("split_empty", split)
        division = divide(description.root, self.items, progress, cancelled)
        self.divided = division is not None
        if division is not None:
            self.items = division.items
            self.findings.extend(division.findings)

    def has(self, file: Path) -> bool:
        """Say whether a file is there, from a listing of its folder."""
        return file.name in self._names(file.parent)

    def orphans(self) -> Iterator[Path]:
        """Find label files to which no picture belongs, in the folders where labels are looked for."""
        claimed = {item.label for items in self.items.values() for item in items}
        for folder in sorted({label.parent for label in claimed}):
            head, found, tail = f"{folder}{os.sep}".rpartition(_LABELS)
            if not found:
                continue  # labels beside the pictures: any text file may lie there
            pictures = {Path(name).stem for name in self._names(Path(f"{head}{_IMAGES}{tail}"))}
            for name in sorted(self._names(folder)):
                label = folder / name
                known = label in claimed or label.stem in pictures or name.lower() in _NOT_LABELS
                if label.suffix == ".txt" and not known:
                    yield label

    def caches(self) -> Iterator[Path]:
        """Find label caches that ultralytics would open (with pickle) for these pictures."""
        parents = {item.label.parent for items in self.items.values() for item in items}
        for folder in sorted(parents):
            cache = folder.with_suffix(".cache")
            if self.has(cache):
                yield cache

    def saved_pixels(self) -> Iterator[tuple[Path, int]]:
        """Count the .npy files beside pictures, per folder, that ultralytics would take for the pictures."""
        counts: dict[Path, int] = {}
        for items in self.items.values():
            for item in items:
                if self.has(item.picture.with_suffix(".npy")):
                    folder = item.picture.parent
                    counts[folder] = counts.get(folder, 0) + 1
        yield from sorted(counts.items())

    def _of_place(self, split: str, place: Path) -> Iterator[Item]:
        if place.is_dir():
            yield from self._of_folder(split, place)
        elif place.is_file():
            yield from self._of_list(split, place)
        else:
            self._note("split_missing", split, folder=str(place))

    def _of_folder(self, split: str, folder: Path) -> Iterator[Item]:
        """List a folder's pictures; ultralytics looks for their labels only behind a link, here both count."""
        resolved = folder.resolve()
        rescued = 0
        for relative in _pictures_below(folder):
            if not fit_for_lists(str(folder / relative)):
                self.findings.append(Finding("picture_name", str(folder / relative)))
                continue
            behind, plain = resolved / relative, folder / relative
            item = self._item(split, plain)
            if item.labelled:
                rescued += not self.has(label_path(behind))
                yield item
            else:
                yield self._item(split, behind)
        if rescued:
            values = {"target": str(resolved), "count": rescued, "split": split}
            self.findings.append(Finding("symlink_trap", str(folder), None, values))

    def _of_list(self, split: str, file: Path) -> Iterator[Item]:
        """Read a text file that names one picture a line, from the root, or from its own folder after `./`."""
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            self._note("split_missing", split, folder=str(file))
            return
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if not text:
                continue
            base = file.parent if text.startswith("./") else self._description.root
            picture = Path(os.path.normpath(base / text))
            fit = picture.suffix.lower() in PICTURE_SUFFIXES and fit_for_lists(str(picture))
            if fit and self.has(picture):
                yield self._item(split, picture)
            else:
                self.findings.append(Finding("listed_missing", str(file), number, {"picture": text[:200]}))

    def _item(self, split: str, picture: Path) -> Item:
        label = label_path(picture)
        return Item(split, picture, label, self.has(label))

    def _names(self, folder: Path) -> frozenset[str]:
        if folder not in self._folders:
            try:
                self._folders[folder] = frozenset(entry.name for entry in os.scandir(folder))
            except OSError:
                self._folders[folder] = frozenset()
        return self._folders[folder]

    def _note(self, code: str, split: str, **values: str) -> None:
        line = self._description.lines.get(split)
        found = Finding(code, str(self._description.file), line, {"split": split, **values})
        self.findings.append(found)


def _pictures_below(folder: Path) -> Iterator[Path]:
    """Find the pictures of a folder and those below it; paths relative to it."""
    for current, names in walk(folder):
        below = current.relative_to(folder)
        yield from (below / name for name in names if Path(name).suffix.lower() in PICTURE_SUFFIXES)
