"""COCO: one JSON file for many pictures. Addresses in it are never followed, and paths never lead outside."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.findings import Finding
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.dataset_items import Item, fit_for_lists, one_line
from app.engine.dataset_labels import Labels, Problem
from app.engine.dataset_pixels import PixelBox, to_shares
from app.engine.dataset_tree import SPLIT_WORDS, UNDIVIDED, Tree, check_cancelled, split_of
from app.engine.dataset_yaml import MOST_CLASSES, Description
from app.engine.pictures import PICTURE_SUFFIXES, PictureInfo

Progress = Callable[[float, str], None]

LARGEST_BYTES = 1_500_000_000
_PEEK = 65_536
_WORD = re.compile(r"[a-z]+")


@dataclass
class _Labelled:
    """A picture's part of the file: the size it claims, its boxes, and what is wrong with others."""

    size: tuple[float, float]
    boxes: list[PixelBox] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class CocoReader:
    """Knows the boxes of pictures, which one file holds.

    Args:
        labelled: by picture.
    """

    def __init__(self, labelled: Mapping[Path, _Labelled]) -> None:
        self._labelled = labelled

    def read(self, item: Item, picture: PictureInfo | None) -> Labels:
        """Return a picture's boxes."""
        found = self._labelled.get(item.picture)
        if found is None:
            return Labels((), (), blank=True)
        if picture is None:
            return Labels((), ())
        return to_shares(found.boxes, found.size, picture, found.problems)


def looks_like_coco(file: Path) -> bool:
    """Say whether a JSON file names `images`, `annotations` or `categories` near its beginning or end."""
    try:
        with file.open("rb") as stream:
            text = stream.read(_PEEK)
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(size - _PEEK, 0))
            text += stream.read(_PEEK)
    except OSError:
        return False
    return any(f'"{key}"'.encode() in text for key in ("images", "annotations", "categories"))


def coco_files(tree: Tree) -> list[Path]:
    """Return the files of a folder that hold boxes of objects, rather than captions or key points."""
    found = [file for file in tree.jsons if looks_like_coco(file)]
    instances = [file for file in found if file.name.startswith("instances")]
    return instances or found


def with_siblings(file: Path) -> list[Path]:
    """Return a file and those beside it whose names differ in the word for the split alone."""
    if _split_word(file) is None:
        return [file]
    pattern = _without_split(file)
    return sorted(
        other for other in file.parent.glob("*.json") if other == file or _without_split(other) == pattern
    )


def read_coco(
    files: Sequence[Path],
    root: Path,
    tree: Tree,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Description | None:
    """Return what COCO files hold; None where none of them is one.

    Args:
        files: of the splits.
        root: the folder that pictures must lie in.
        tree: what lies in it.
        progress: told which file is being read.
        cancelled: asked between files.

    Raises:
        AppError: a file is too large or broken, there are no classes, or it was cancelled.
    """
    documents = []
    for number, file in enumerate(files):
        check_cancelled(cancelled)
        if progress is not None:
            progress(0.0, f"{number} / {len(files)}")
        content = _load(file)
        if _is_coco(content):
            documents.append((file, content))
    if not documents:
        return None
    names = _names(root, [content["categories"] for _, content in documents])
    findings: list[Finding] = []
    items: dict[str, list[Item]] = {}
    places = _Places(root, tree)
    for file, content in documents:
        _add(file, content, names, places, items, findings)
    for key, found in items.items():
        items[key] = sorted({item.picture: item for item in found}.values(), key=lambda item: item.picture)
    only = documents[0][0] if len(documents) == 1 else root
    divided = {split: tuple(found) for split, found in items.items()}
    return Description(only, root, tuple(names), {}, {}, tuple(findings), "coco", divided)


def _load(file: Path) -> Any:
    hint = QT_TRANSLATE_NOOP("core", "Choose the annotations of a COCO data set.")
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise AppError(QT_TRANSLATE_NOOP("core", "{file} is larger than 1.5 GB."), hint, file=file)
        return json.loads(file.read_bytes())
    except OSError as problem:
        why = problem.strerror or str(problem)
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{file} cannot be read: {why}."), hint, file=file, why=why
        ) from problem
    except (ValueError, RecursionError) as problem:
        why = str(problem)[:120]
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{file} is not valid JSON: {why}."), hint, file=file, why=why
        ) from problem


def _is_coco(content: Any) -> bool:
    if not isinstance(content, dict):
        return False
    lists = [content.get(key) for key in ("images", "annotations", "categories")]
    if not all(isinstance(found, list) for found in lists):
        return False
    annotations = content["annotations"]
    return not annotations or any("bbox" in one for one in annotations[:100] if isinstance(one, dict))


def _names(root: Path, categories: Iterable[list[Any]]) -> dict[str, int]:
    """Number the classes: by their ids, those of later files after them; the same name is the same class.

    Roboflow writes the name of the whole data set as a category without a parent that others have as their parent:
    it is no class.
    """
    found: dict[str, int] = {}
    for listed in categories:
        good = [one for one in listed if isinstance(one, dict) and isinstance(one.get("id"), int)]
        parents = {one.get("supercategory") for one in good}
        for one in sorted(good, key=lambda one: int(one["id"])):
            heading = one.get("supercategory") in (None, "none") and one.get("name") in parents
            if not (heading and len(good) > 1):
                found.setdefault(_name(one), len(found))
    if not 0 < len(found) <= MOST_CLASSES:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The annotations in {folder} name {count} classes."),
            QT_TRANSLATE_NOOP("core", "Choose the annotations of a COCO data set."),
            folder=root,
            count=len(found),
        )
    return found


def _name(category: Mapping[str, Any]) -> str:
    return one_line(str(category.get("name", "")))[:200].strip() or f"class_{category['id']}"


def _add(
    file: Path,
    content: Mapping[str, Any],
    names: Mapping[str, int],
    places: _Places,
    items: dict[str, list[Item]],
    findings: list[Finding],
) -> None:
    """Take the pictures and boxes of one file."""
    classes = {
        one["id"]: names[_name(one)]
        for one in content["categories"]
        if isinstance(one, dict) and isinstance(one.get("id"), int) and _name(one) in names
    }
    labelled: dict[Path, _Labelled] = {}
    by_id: dict[Any, Path] = {}
    reader = CocoReader(labelled)
    split = _split_word(file) or split_of(file, places.root)
    for image in content["images"]:
        picture = places.find(image, file, split, findings)
        if picture is None:
            continue
        size = (_size(image.get("width")), _size(image.get("height")))
        labelled.setdefault(picture, _Labelled(size))
        by_id[_id(image.get("id"))] = picture
        own = split if split != UNDIVIDED else split_of(picture, places.root)
        items.setdefault(own, []).append(Item(own, picture, file, True, reader))
    crowds = 0
    for one in content["annotations"]:
        picture = by_id.get(_id(one.get("image_id"))) if isinstance(one, dict) else None
        if picture is None:
            continue
        if one.get("iscrowd"):
            crowds += 1
            continue
        _take(one, classes, labelled[picture])
    if crowds:
        findings.append(Finding("crowds", str(file), None, {"count": crowds}))


def _take(one: Mapping[str, Any], classes: Mapping[int, int], labelled: _Labelled) -> None:
    box, kind = one.get("bbox"), one.get("category_id")
    good = isinstance(box, list) and len(box) == 4 and all(_is_number(value) for value in box)
    cls = classes.get(kind) if isinstance(kind, int) else None
    if not good or cls is None or not isinstance(box, list):
        labelled.problems.append(Problem("object_broken", None, {}))
        return
    x, y, width, height = (float(value) for value in box)
    labelled.boxes.append(PixelBox(cls, x, y, x + width, y + height))


class _Places:
    """Finds pictures: where the file says, in the folders around it, or by their names anywhere in the root."""

    def __init__(self, root: Path, tree: Tree) -> None:
        self.root = root
        self._known = {os.path.normpath(picture) for picture in tree.pictures}
        self._by_name: dict[str, list[Path]] = {}
        for picture in tree.pictures:
            self._by_name.setdefault(picture.name, []).append(picture)

    def find(self, image: Any, file: Path, split: str, findings: list[Finding]) -> Path | None:
        """Return the picture that an entry means; None, and why, where it cannot be used."""
        name = image.get("file_name") if isinstance(image, dict) else None
        if not isinstance(name, str) or not name:
            findings.append(Finding("entry_broken", str(file)))
            return None
        shown = {"picture": name[:200]}
        parts = re.split(r"[\\/]", name)
        if not fit_for_lists(name):
            findings.append(Finding("picture_name", str(file), None, shown))
            return None
        if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0]:
            findings.append(Finding("outside", str(file), None, shown))
            return None
        if Path(name).suffix.lower() not in PICTURE_SUFFIXES:
            findings.append(Finding("entry_missing", str(file), None, shown))
            return None
        for folder in self._folders(file, split):
            path = os.path.normpath(folder.joinpath(*parts))
            if path in self._known:
                return Path(path)
        same = self._by_name.get(parts[-1], [])
        if len(same) == 1:
            return same[0]
        findings.append(Finding("entry_missing", str(file), None, shown))
        return None

    def _folders(self, file: Path, split: str) -> list[Path]:
        here = file.parent
        year = "".join(c for c in file.stem if c.isdigit())[-4:]
        around = [here, *([here.parent] if here != self.root else [])]
        below = ["", "images", split, f"images/{split}", f"{split}{year}", f"images/{split}{year}"]
        return [folder / name for folder in around for name in below]


def _split_word(file: Path) -> str | None:
    for word in _WORD.findall(file.stem.lower()):
        if word in SPLIT_WORDS:
            return SPLIT_WORDS[word]
    return None


def _without_split(file: Path) -> str:
    return re.sub(r"[a-z]+", lambda found: "*" if found[0] in SPLIT_WORDS else found[0], file.stem.lower())


def _id(value: Any) -> Any:
    return value if isinstance(value, int | str) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _size(value: Any) -> float:
    return float(value) if _is_number(value) else 0.0
