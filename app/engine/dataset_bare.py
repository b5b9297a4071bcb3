"""YOLO folders without a data.yaml: pictures with label files beside them or in `labels`, perhaps a list of names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from app.core.findings import Finding
from app.engine.dataset_items import Item, fit_for_lists, one_line
from app.engine.dataset_labels import LabelFileError, read_labels
from app.engine.dataset_tree import Tree, check_cancelled, split_of
from app.engine.dataset_yaml import MOST_CLASSES, Description

_NAME_FILES = (
    "classes.txt",
    "obj.names",
    "labels.txt",
    "names.txt",
    "predefined_classes.txt",
    "_darknet.labels",
)
_IMAGES, _LABELS = f"{os.sep}images{os.sep}", f"{os.sep}labels{os.sep}"


def read_bare(tree: Tree, cancelled: Callable[[], bool] | None = None) -> Description | None:
    """Return what a folder of pictures with YOLO label files holds; None where no picture has one."""
    texts = {str(text) for text in tree.texts}
    items: dict[str, list[Item]] = {}
    findings: list[Finding] = []
    labels = []
    for picture in tree.pictures:
        if not fit_for_lists(str(picture)):
            findings.append(Finding("picture_name", str(picture)))
            continue
        label = _label(picture)
        labelled = str(label) in texts
        split = split_of(picture, tree.root)
        items.setdefault(split, []).append(Item(split, picture, label, labelled))
        if labelled:
            labels.append(label)
    if not labels:
        return None
    names, said_by = _names(tree.root)
    if not names:
        count = _highest_class(labels, cancelled) + 1
        names = tuple(f"class_{index}" for index in range(max(count, 1)))
        findings.append(Finding("names_missing", str(tree.root), None, {"last": len(names) - 1}))
    findings.append(Finding("no_description", str(said_by or tree.root)))
    divided = {split: tuple(found) for split, found in items.items()}
    return Description(tree.root, tree.root, names, {}, {}, tuple(findings), "yolo", divided)


def _label(picture: Path) -> Path:
    head, found, tail = str(picture).rpartition(_IMAGES)
    return Path(f"{head}{_LABELS}{tail}" if found else str(picture)).with_suffix(".txt")


def _names(root: Path) -> tuple[tuple[str, ...], Path | None]:
    """Return the classes' names from a file that holds one a line, and that file."""
    for folder in (root, root / "labels", root / "train", root / "train" / "labels"):
        for name in _NAME_FILES:
            file = folder / name
            try:
                if not file.is_file() or file.stat().st_size > 1_000_000:
                    continue
                lines = [one_line(line).strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
            except (OSError, UnicodeDecodeError):
                continue
            found = tuple(line[:200] for line in lines if line)
            if 0 < len(found) <= MOST_CLASSES:
                return found, file
    return (), None


def _highest_class(labels: list[Path], cancelled: Callable[[], bool] | None) -> int:
    highest = 0
    for number, label in enumerate(labels):
        if number % 500 == 0:
            check_cancelled(cancelled)
        try:
            rows = read_labels(label, MOST_CLASSES).rows
        except (LabelFileError, FileNotFoundError):
            continue
        highest = max((highest, *(row.cls for row in rows)))
    return highest
