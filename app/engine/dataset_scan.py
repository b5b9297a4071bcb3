"""Looks through every picture and label of a data set, on all cores."""

from __future__ import annotations

import hashlib
import math
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.findings import Finding, arranged
from app.engine.dataset_alike import pairs
from app.engine.dataset_files import Listing
from app.engine.dataset_items import Item
from app.engine.dataset_labels import LabelFileError, Labels, Row
from app.engine.dataset_looks import Grey, Look, Looks
from app.engine.dataset_tree import check_cancelled
from app.engine.dataset_yaml import Description
from app.engine.pictures import PictureInfo

Progress = Callable[[float, str], None]

SIZE_EDGES = tuple(2.0 ** (-8 + step / 4) for step in range(33))
"""Edges of the size histogram: √(width × height) of a box over the longer side of its picture."""
_SUFFIXES = {
    "JPEG": {".jpg", ".jpeg", ".mpo"},
    "MPO": {".jpg", ".jpeg", ".mpo"},
    "PNG": {".png"},
    "BMP": {".bmp"},
    "WEBP": {".webp"},
    "TIFF": {".tif", ".tiff", ".dng"},
}
_LOOKS = 0.85
"""Share of a scan after which every picture was looked at."""
_BEAT = 256
_BLANK = Labels((), (), blank=True)


@dataclass(frozen=True)
class Seen:
    """What a look at one picture and its label gave."""

    item: Item
    picture: PictureInfo | None
    labels: Labels
    bytes: int
    findings: tuple[Finding, ...]
    grey: Grey = b""

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
        layout: `yolo`, `voc` or `coco`.
        divided: whether the Studio chose what to train and what to validate on.
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
    layout: str = "yolo"
    divided: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what `check --json` prints; two classes of one name are told apart by their number."""
        shown = [
            name if self.names.count(name) == 1 else f"{name} ({i})" for i, name in enumerate(self.names)
        ]
        totals = [sum(counts[i] for counts in self.boxes.values()) for i in range(len(shown))]
        return {
            "data": str(self.data),
            "root": str(self.root),
            "format": self.layout,
            "split_made": self.divided,
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

    def rest(share: float) -> None:
        """Tell how much is done of what is left after every picture was looked at."""
        check_cancelled(cancelled)
        tell(_LOOKS + (1 - _LOOKS) * share, "compare")

    def looks(share: float, text: str) -> None:
        tell(_LOOKS * share, text)

    tell(0.0, "list")
    listing = Listing(description, progress, cancelled)
    tally = _Tally(len(description.names))
    findings = [*description.findings, *listing.findings]
    everything: list[Seen] = []
    for seen in look_at_all(listing, description, looks, cancelled):
        tally.add(seen)
        findings.extend(seen.findings)
        everything.append(seen)
    rest(0.0)
    findings.extend(_folder_findings(listing, tally))
    findings.extend(_duplicates(everything, lambda share: rest(0.1 + 0.3 * share)))
    findings.extend(_near_leaks(everything, lambda share: rest(0.4 + 0.6 * share)))
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
        layout=description.layout,
        divided=listing.divided,
    )


def look_at_all(
    listing: Listing,
    description: Description,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Seen]:
    """Look at every picture and label, in order.

    Raises:
        AppError: it was cancelled.
    """
    items = [item for split in listing.items.values() for item in split]
    with Looks(description.root) as looks:
        found = looks.at([item.picture for item in items], progress, cancelled)
        for item, look in zip(items, found, strict=True):
            yield look_at(item, len(description.names), look)


def look_at(item: Item, classes: int, look: Look) -> Seen:
    """Judge one picture and its label."""
    findings = list(_picture_findings(item, look))
    labels = _BLANK
    try:
        if item.labelled:
            labels = item.read(classes, look.picture)
            place = item.picture if item.label.suffix == ".json" else item.label
            findings.extend(Finding(p.code, str(place), p.line, p.values) for p in labels.problems)
            if labels.blank:
                findings.append(Finding("label_empty", str(place)))
        else:
            findings.append(Finding("label_missing", str(item.picture), None, {"label": item.label.name}))
    except (LabelFileError, FileNotFoundError) as problem:
        findings.append(Finding("label_unreadable", str(item.label), None, {"why": str(problem)}))
    return Seen(item, look.picture, labels, look.bytes, tuple(findings), look.grey)


def _picture_findings(item: Item, look: Look) -> Iterator[Finding]:
    path, picture = str(item.picture), look.picture
    if picture is None:
        yield Finding(f"picture_{look.reason}", path, None, {"why": look.detail})
        return
    if picture.loose_end:
        yield Finding("picture_loose_end", path)
    if item.picture.suffix.lower() not in _SUFFIXES.get(picture.format, {item.picture.suffix.lower()}):
        yield Finding("picture_suffix", path, None, {"format": picture.format})
    if picture.deep:
        yield Finding("picture_deep", path)
    if picture.pages > 1:
        yield Finding("picture_pages", path, None, {"count": picture.pages})


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
        if first.picture != item.picture and item.labelled and item.reader is None:
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


def _near_leaks(everything: Sequence[Seen], progress: Callable[[float], None]) -> Iterator[Finding]:
    """Find pictures of different splits that are nearly the same, but not byte for byte."""
    told: set[Path] = set()
    for first, second in pairs([seen.grey for seen in everything], progress):
        a, b = everything[first], everything[second]
        same = a.bytes == b.bytes and digest_of(a.item.picture) == digest_of(b.item.picture)
        if a.item.split == b.item.split or same or b.item.picture in told:
            continue
        told.add(b.item.picture)
        values = {
            "other": str(a.item.picture),
            "split": b.item.split,
            "other_split": a.item.split,
        }
        yield Finding("near_leak", str(b.item.picture), None, values)


def _duplicates(everything: Sequence[Seen], progress: Callable[[float], None]) -> Iterator[Finding]:
    """Find pictures that are the same, byte for byte; only files of one size that look alike are read."""
    by_file: dict[Path, Seen] = {}
    shared: Counter[tuple[str, str]] = Counter()
    by_size: defaultdict[tuple[int, bytes], list[Seen]] = defaultdict(list)
    folders: dict[Path, Path] = {}
    for number, seen in enumerate(everything):
        if number % _BEAT == 0:
            progress(number / len(everything))
        first = by_file.setdefault(_real(seen.item.picture, folders), seen)
        if first is not seen:
            shared[first.item.split, seen.item.split] += 1
        elif seen.bytes:
            by_size[seen.bytes, seen.grey].append(seen)
    for (split, other_split), count in shared.items():
        if split != other_split:
            values = {"split": split, "other_split": other_split, "count": count}
            place = next(s.item.picture.parent for s in everything if s.item.split == other_split)
            yield Finding("splits_overlap", str(place), None, values)
    for number, group in enumerate(by_size.values()):
        if number % _BEAT == 0:
            progress(1.0)
        yield from _same_bytes(group)


def _real(path: Path, folders: dict[Path, Path]) -> Path:
    """Return a file's path without links, asking for each folder once."""
    if path.is_symlink():
        return path.resolve()
    folder = path.parent
    if folder not in folders:
        folders[folder] = folder.resolve()
    return folders[folder] / path.name


def _same_bytes(group: list[Seen]) -> Iterator[Finding]:
    first_of: dict[bytes, Seen] = {}
    for seen in group if len(group) > 1 else []:
        digest = digest_of(seen.item.picture)
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


def digest_of(path: Path) -> bytes:
    """Return what identifies a file's content; empty where it cannot be read."""
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
