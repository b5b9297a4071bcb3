"""Looks through every picture and label of a data set, on all cores."""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.findings import Finding, arranged
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.dataset_files import Item, Listing
from app.engine.dataset_labels import LabelFileError, Labels, Row, read_labels
from app.engine.dataset_yaml import Description
from app.engine.pictures import PictureError, PictureInfo, inspect_picture, large_pictures_allowed

Progress = Callable[[float, str], None]

SIZE_EDGES = tuple(2.0 ** (-8 + step / 4) for step in range(33))
"""Edges of the size histogram: √(width × height) of a box over the longer side of its picture."""
_CHUNK = 64
_BLANK = Labels((), (), blank=True)


@dataclass(frozen=True)
class Seen:
    """What a look at one picture and its label gave."""

    item: Item
    picture: PictureInfo | None
    labels: Labels
    bytes: int
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether training uses the picture."""
        return not any(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True)
class DatasetSummary:
    """What a data set holds and what is wrong with it.

    Attributes:
        data: the data.yaml.
        root: the folder that its paths start from.
        names: of the classes.
        images: pictures per split, unusable ones too.
        usable: of these, how many training uses.
        boxes: per split, boxes per class.
        sizes: per class, boxes per bin of `SIZE_EDGES`.
        boxes_per_picture: how many pictures have so many boxes.
        picture_sizes: how many pictures have this width and height, the most frequent ones.
        findings: errors first.
    """

    data: Path
    root: Path
    names: tuple[str, ...]
    images: dict[str, int]
    usable: dict[str, int]
    boxes: dict[str, list[int]]
    sizes: list[list[int]]
    boxes_per_picture: dict[int, int]
    picture_sizes: list[tuple[int, int, int]]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what `check --json` prints; two classes of one name are told apart by their number."""
        shown = [
            name if self.names.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(self.names)
        ]
        totals = [sum(counts[i] for counts in self.boxes.values()) for i in range(len(shown))]
        return {
            "data": str(self.data),
            "root": str(self.root),
            "names": shown,
            "images": self.images,
            "boxes": dict(zip(shown, totals, strict=True)),
            "usable": self.usable,
            "boxes_by_split": {
                split: dict(zip(shown, counts, strict=True)) for split, counts in self.boxes.items()
            },
            "box_sizes": {"edges": list(SIZE_EDGES), "counts": dict(zip(shown, self.sizes, strict=True))},
            "boxes_per_picture": {
                str(boxes): count for boxes, count in sorted(self.boxes_per_picture.items())
            },
            "picture_sizes": [
                {"width": width, "height": height, "count": count}
                for width, height, count in self.picture_sizes
            ],
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass
class _Tally:
    """Counts what has been seen so far."""

    classes: int
    usable: Counter[str] = field(default_factory=Counter)
    boxes: dict[str, list[int]] = field(default_factory=dict)
    sizes: list[list[int]] = field(default_factory=list)
    per_picture: Counter[int] = field(default_factory=Counter)
    picture_sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    polygons: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sizes = [[0] * (len(SIZE_EDGES) - 1) for _ in range(self.classes)]

    def add(self, seen: Seen) -> None:
        counts = self.boxes.setdefault(seen.item.split, [0] * self.classes)
        self.usable[seen.item.split] += seen.usable
        self.per_picture[len(seen.labels.rows)] += 1
        if seen.labels.polygons and seen.labels.usable:
            self.polygons.append(seen.item.label)
        if seen.picture is not None:
            self.picture_sizes[seen.picture.width, seen.picture.height] += 1
        for row in seen.labels.rows:
            counts[row.cls] += 1
            if seen.picture is not None:
                self.sizes[row.cls][_size_bin(row, seen.picture)] += 1


def scan(
    description: Description,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> DatasetSummary:
    """Look through a data set.

    Args:
        description: what its data.yaml says.
        progress: told the share that is done and what is being done.
        cancelled: asked now and then whether to give up.

    Raises:
        AppError: it was cancelled.
    """
    tell = progress or (lambda _share, _text: None)
    stop = cancelled or (lambda: False)
    tell(0.0, "list")
    listing = Listing(description)
    tally = _Tally(len(description.names))
    findings = [*description.findings, *listing.findings]
    everything: list[Seen] = []
    for seen in _look(listing, len(description.names), tell, stop):
        tally.add(seen)
        findings.extend(seen.findings)
        everything.append(seen)
    findings.extend(_folder_findings(listing, tally))
    findings.extend(_duplicates(everything, stop))
    findings.extend(_class_findings(description, tally))
    tell(1.0, "done")
    return DatasetSummary(
        data=description.file,
        root=description.root,
        names=description.names,
        images={split: len(items) for split, items in listing.items.items()},
        usable={split: tally.usable[split] for split in listing.items},
        boxes={split: tally.boxes.get(split, [0] * tally.classes) for split in listing.items},
        sizes=tally.sizes,
        boxes_per_picture=dict(tally.per_picture),
        picture_sizes=[(*size, count) for size, count in tally.picture_sizes.most_common(8)],
        findings=arranged(findings),
    )


def look_at(item: Item, classes: int, *, thorough: bool = True) -> Seen:
    """Look at one picture and its label."""
    findings: list[Finding] = []
    picture, size = None, 0
    try:
        size = item.picture.stat().st_size
        picture = inspect_picture(item.picture, thorough=thorough)
        if picture.loose_end:
            findings.append(Finding("picture_loose_end", str(item.picture)))
    except PictureError as problem:
        findings.append(
            Finding(f"picture_{problem.reason}", str(item.picture), None, {"why": problem.detail})
        )
    except OSError as problem:
        values = {"why": problem.strerror or type(problem).__name__}
        findings.append(Finding("picture_unreadable", str(item.picture), None, values))
    labels = _BLANK
    try:
        if item.labelled:
            labels = read_labels(item.label, classes)
            findings.extend(Finding(p.code, str(item.label), p.line, p.values) for p in labels.problems)
            if labels.blank:
                findings.append(Finding("label_empty", str(item.label)))
        else:
            findings.append(Finding("label_missing", str(item.picture), None, {"label": item.label.name}))
    except (LabelFileError, FileNotFoundError) as problem:
        findings.append(Finding("label_unreadable", str(item.label), None, {"why": str(problem)}))
    return Seen(item, picture, labels, size, tuple(findings))


def _look(listing: Listing, classes: int, tell: Progress, stop: Callable[[], bool]) -> Iterator[Seen]:
    """Look at everything, a chunk at a time, in order."""
    items = [item for split in listing.items.values() for item in split]
    with large_pictures_allowed(), ThreadPoolExecutor(min(os.cpu_count() or 2, 16)) as pool:
        for start in range(0, len(items), _CHUNK):
            if stop():
                raise _cancelled()
            tell(start / len(items), f"{start} / {len(items)}")
            yield from pool.map(lambda item: look_at(item, classes), items[start : start + _CHUNK])


def _cancelled() -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "The check was cancelled."),
        QT_TRANSLATE_NOOP("core", "Start it again when you like."),
    )


def _folder_findings(listing: Listing, tally: _Tally) -> Iterator[Finding]:
    for orphan in listing.orphans():
        yield Finding("label_orphan", str(orphan))
    for cache in listing.caches():
        yield Finding("cache_ignored", str(cache))
    for folder, count in listing.saved_pixels():
        yield Finding("saved_pixels_ignored", str(folder), None, {"count": count})
    owners: dict[Path, Item] = {}
    for item in (item for items in listing.items.values() for item in items):
        first = owners.setdefault(item.label, item)
        if first.picture != item.picture and item.labelled:
            values = {"first": first.picture.name, "second": item.picture.name}
            yield Finding("label_shared", str(item.label), None, values)
    if tally.polygons:
        common = os.path.commonpath([path.parent for path in tally.polygons])
        yield Finding("polygons", common, None, {"count": len(tally.polygons)})


def _class_findings(description: Description, tally: _Tally) -> Iterator[Finding]:
    trained = tally.boxes.get("train")
    if not trained:
        return
    if not sum(trained):
        yield Finding("nothing_to_learn", str(description.file), description.lines.get("train"))
        return
    for name, count in zip(description.names, trained, strict=True):
        if not count:
            yield Finding(
                "class_absent", str(description.file), description.lines.get("names"), {"name": name}
            )


def _duplicates(everything: Iterable[Seen], stop: Callable[[], bool]) -> Iterator[Finding]:
    """Find pictures that are the same, byte for byte; only files of one size are read."""
    by_file: dict[Path, Seen] = {}
    shared: Counter[tuple[str, str]] = Counter()
    by_size: defaultdict[int, list[Seen]] = defaultdict(list)
    for seen in everything:
        first = by_file.setdefault(seen.item.picture.resolve(), seen)
        if first is not seen:
            shared[first.item.split, seen.item.split] += 1
        elif seen.bytes:
            by_size[seen.bytes].append(seen)
    for (split, other_split), count in shared.items():
        if split != other_split:
            values = {"split": split, "other_split": other_split, "count": count}
            place = next(s.item.picture.parent for s in everything if s.item.split == other_split)
            yield Finding("splits_overlap", str(place), None, values)
    for group in by_size.values():
        if stop():
            raise _cancelled()
        yield from _same_bytes(group)


def _same_bytes(group: list[Seen]) -> Iterator[Finding]:
    first_of: dict[bytes, Seen] = {}
    for seen in group if len(group) > 1 else []:
        digest = _digest(seen.item.picture)
        first = first_of.setdefault(digest, seen) if digest else seen
        if first is seen:
            continue
        if first.item.split == seen.item.split:
            values = {"other": first.item.picture.name, "split": seen.item.split}
            yield Finding("picture_duplicate", str(seen.item.picture), None, values)
        else:
            values = {
                "other": str(first.item.picture),
                "split": seen.item.split,
                "other_split": first.item.split,
            }
            yield Finding("leak", str(seen.item.picture), None, values)


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, hashlib.blake2b).digest()
    except OSError:
        return b""


def _size_bin(row: Row, picture: PictureInfo) -> int:
    """Return the bin of a box; anything smaller than the first edge goes into the first bin."""
    area = row.width * picture.width * row.height * picture.height
    relative = math.sqrt(area) / max(picture.width, picture.height)
    place = math.floor(4 * (math.log2(relative) + 8)) if relative > 0 else 0
    return min(max(place, 0), len(SIZE_EDGES) - 2)
