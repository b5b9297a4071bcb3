"""Tells what a path means as a data set: a data.yaml, a folder of YOLO, Pascal VOC or COCO data, a file, an archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.dataset_bare import read_bare
from app.engine.dataset_coco import coco_files, read_coco, with_siblings
from app.engine.dataset_tree import look_into
from app.engine.dataset_voc import read_voc
from app.engine.dataset_yaml import LARGEST_BYTES, Description, find_description, is_usual, read_description
from app.engine.dataset_zip import unpacked

Progress = Callable[[float, str], None]
Cancelled = Callable[[], bool]

ARCHIVE_SUFFIXES = frozenset({".zip"})
_KEYS = {"train", "val", "validation", "valid", "test", "names", "nc"}


def describe(path: Path, progress: Progress | None = None, cancelled: Cancelled | None = None) -> Description:
    """Open what a path means.

    Args:
        path: a data.yaml, the JSON file of a COCO data set, a folder, or a zip archive of one.
        progress: told how far it is.
        cancelled: asked now and then whether to give up.

    Raises:
        AppError: it is no data set, or it was cancelled.
    """
    path = path.absolute()
    suffix = path.suffix.lower()
    if path.is_file() and suffix in ARCHIVE_SUFFIXES:
        return _folder(unpacked(path, progress, cancelled), progress, cancelled)
    if path.is_file() and suffix == ".json":
        return _coco_file(path, progress, cancelled)
    if path.is_file() and suffix == ".xml":
        path = path.parent
    if path.is_dir():
        return _folder(path, progress, cancelled)
    return read_description(find_description(path))


def _folder(folder: Path, progress: Progress | None, cancelled: Cancelled | None) -> Description:
    """Read a folder: by its data.yaml, else by what lies in it; a single folder inside stands for it."""
    file = _description_in(folder)
    if file is not None:
        return read_description(file)
    tree = look_into(folder)
    found = read_coco(coco_files(tree), folder, tree, progress, cancelled)
    found = found or read_voc(tree, progress, cancelled)
    found = found or read_bare(tree, cancelled)
    if found is None and not _is_there(folder):
        inside = [one for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")]
        if len(inside) == 1:
            return _folder(inside[0], progress, cancelled)
    return found if found is not None else read_description(find_description(folder))


def _is_there(folder: Path) -> bool:
    return any(folder.glob("*.yaml")) or any(folder.glob("*.yml"))


def _description_in(folder: Path) -> Path | None:
    """Return the folder's data.yaml; None where it has no YAML file that names splits or classes."""
    found = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    if not any(is_usual(file) or _names_data(file) for file in found):
        inside = [one for one in folder.iterdir() if one.is_dir() and not one.name.startswith(".")]
        deeper = inside[0] if len(inside) == 1 and not found else None
        return _description_in(deeper) if deeper is not None else None
    return find_description(folder)


def _names_data(file: Path) -> bool:
    try:
        if file.stat().st_size > LARGEST_BYTES:
            return False
        tree = yaml.compose(file.read_text(encoding="utf-8-sig"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return True  # it will be refused with its reason
    if not isinstance(tree, yaml.MappingNode):
        return False
    return any(str(key.value) in _KEYS for key, _ in tree.value if isinstance(key, yaml.ScalarNode))


def _coco_file(file: Path, progress: Progress | None, cancelled: Cancelled | None) -> Description:
    """Read a JSON file; its pictures lie beside it, or below the folder above."""
    root = file.parent
    if root.name.lower() in {"annotations", "annotation", "labels"}:
        root = root.parent
    tree = look_into(root)
    if not tree.pictures and root.parent != root:
        root = root.parent
        tree = look_into(root)
    found = read_coco(with_siblings(file), root, tree, progress, cancelled)
    if found is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{file} is no COCO data set: it lacks pictures, boxes or categories."),
            QT_TRANSLATE_NOOP("core", "Choose the annotations of a COCO data set."),
            file=file,
        )
    return found
