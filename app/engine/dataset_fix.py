"""A corrected copy of a data set: a plain YOLO data set that any program trains on. The user's files stay as they are.

The copy has `images/SPLIT`, `labels/SPLIT`, `data.yaml`, and `changes.csv`, which says of each file what was changed.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from app.core.errors import AppError
from app.core.files import write_text
from app.core.findings import Finding
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.dataset_files import Listing
from app.engine.dataset_labels import Row, rows_as_text
from app.engine.dataset_scan import Seen, digest_of, look_at_all
from app.engine.dataset_tree import check_cancelled
from app.engine.dataset_yaml import SPLITS, Description

Progress = Callable[[float, str], None]

_CHUNK = 64
_SUFFIX_OF = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tif"}
_LEFT_OUT = ("picture_", "label_unreadable")
_UNSAID = {"label_missing", "label_empty", "near_leak", "picture_deep", "picture_pages", "picture_loose_end"}


@dataclass
class FixedCopy:
    """What was written.

    Attributes:
        folder: of the copy.
        images: pictures per split.
        changes: of each kind, how many.
    """

    folder: Path
    images: dict[str, int] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "folder": str(self.folder),
            "data": str(self.folder / "data.yaml"),
            "log": str(self.folder / "changes.csv"),
            "images": self.images,
            "changes": dict(self.changes),
        }


def write_fixed(
    description: Description,
    folder: Path,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FixedCopy:
    """Write a corrected copy of a data set.

    Pictures that cannot be used stay behind, and those of “train” that are also in another split; wrong and repeated
    rows are left out, boxes cut off at the edge, polygons become boxes; names and suffixes tell what a file is.

    Args:
        description: of the data set.
        folder: of the copy; new, or empty, and outside the data set.
        progress: told how far it is.
        cancelled: asked now and then whether to give up; nothing is left behind then.

    Raises:
        AppError: the folder cannot be used, the disk is full, nothing is left to train on, or it was cancelled.
    """
    folder = folder.expanduser().absolute()
    _check_target(description, folder)
    listing = Listing(description, progress, cancelled)
    half = _half(progress, 0.0)
    everything = list(look_at_all(listing, description, half, cancelled))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            writer = _Writer(description, partial, FixedCopy(folder))
            writer.note_all([*description.findings, *listing.findings])
            writer.write(everything, _half(progress, 0.5), cancelled)
            partial.chmod(0o755)
            if folder.exists():
                folder.rmdir()
            partial.replace(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as problem:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The copy {folder} cannot be written: {why}."),
            QT_TRANSLATE_NOOP("core", "Check the disk's free space and the folder's permissions."),
            folder=folder,
            why=problem.strerror or str(problem),
        ) from problem
    return writer.copy


def _check_target(description: Description, folder: Path) -> None:
    file = description.file
    sources = {description.root.resolve(), (file if file.is_dir() else file.parent).resolve()}
    sources |= {place.resolve() for places in description.splits.values() for place in places}
    if any(folder.resolve().is_relative_to(source) for source in sources):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The copy must not lie inside the data set: {folder}."),
            QT_TRANSLATE_NOOP("core", "Choose a folder elsewhere."),
            folder=folder,
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is something in {folder} already."),
            QT_TRANSLATE_NOOP("core", "Choose a new or an empty folder."),
            folder=folder,
        )


def _half(progress: Progress | None, start: float) -> Progress | None:
    return None if progress is None else lambda share, text: progress(start + share / 2, text)


class _Writer:
    """Writes the copy into a folder that is renamed when it is whole."""

    def __init__(self, description: Description, folder: Path, copy: FixedCopy) -> None:
        self._description, self._folder, self.copy = description, folder, copy
        self._log: list[tuple[str, str, str, str]] = []
        self._taken: set[str] = set()

    def note_all(self, findings: list[Finding]) -> None:
        for finding in findings:
            if finding.code not in ("no_description", "split_made"):
                self._note("said" if finding.severity == "info" else "noted", finding, "")

    def write(
        self, everything: list[Seen], progress: Progress | None, cancelled: Callable[[], bool] | None
    ) -> None:
        """Copy what can be used, then write description and log."""
        kept = [seen for seen in self._without_repeats(everything) if self._is_usable(seen)]
        if not any(seen.item.split == "train" and seen.labels.rows for seen in kept):
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{file}: nothing would be left to train on."),
                QT_TRANSLATE_NOOP("core", "See the findings for what is wrong."),
                file=self._description.file,
            )
        targets = [(seen, self._target(seen)) for seen in kept]
        with ThreadPoolExecutor(4) as pool:
            for start in range(0, len(targets), _CHUNK):
                check_cancelled(cancelled)
                if progress is not None:
                    progress(start / len(targets), f"{start} / {len(targets)}")
                list(pool.map(lambda pair: self._copy(*pair), targets[start : start + _CHUNK]))
        for seen in kept:
            split = seen.item.split
            self.copy.images[split] = self.copy.images.get(split, 0) + 1
        self._describe()

    def _without_repeats(self, everything: list[Seen]) -> list[Seen]:
        """Leave out copies: those in “train” of what another split holds, else all but the first."""
        order = sorted(everything, key=lambda seen: seen.item.split == "train")
        first_of: dict[bytes, Seen] = {}
        sizes = Counter((seen.bytes, seen.grey) for seen in everything)
        dropped = set()
        for seen in order:
            if sizes[seen.bytes, seen.grey] < 2 or not seen.grey:
                continue
            first = first_of.setdefault(digest_of(seen.item.picture), seen)
            if first is not seen:
                dropped.add(id(seen))
                self._row("left out", "copy", seen.item.picture, f"same as {first.item.picture}")
        return [seen for seen in everything if id(seen) not in dropped]

    def _is_usable(self, seen: Seen) -> bool:
        lost = [f for f in seen.findings if f.severity == "error" and f.code.startswith(_LEFT_OUT)]
        for finding in lost:
            self._note("left out", finding, "")
        if not lost:
            for finding in seen.findings:
                if finding.code not in _UNSAID:
                    self._note("corrected", finding, seen.item.picture.name)
        return not lost

    def _target(self, seen: Seen) -> Path:
        """Return where a picture goes, without suffix clashes: two pictures never share a label."""
        picture, info = seen.item.picture, seen.picture
        suffix = _SUFFIX_OF.get(info.format if info else "", picture.suffix.lower())
        if suffix != picture.suffix.lower() and picture.suffix.lower() not in (".jpeg", ".tiff", ".mpo"):
            self._row("renamed", "picture_suffix", picture, suffix)
        stem, number = picture.stem, 1
        while f"{seen.item.split}/{stem}".lower() in self._taken:
            number += 1
            stem = f"{picture.stem}-{number}"
        if stem != picture.stem:
            self._row("renamed", "name_twice", picture, stem)
        self._taken.add(f"{seen.item.split}/{stem}".lower())
        return self._folder / "images" / seen.item.split / f"{stem}{suffix}"

    def _copy(self, seen: Seen, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if seen.picture is not None and seen.picture.loose_end:
            data = seen.item.picture.read_bytes()
            target.write_bytes(data[: data.rfind(b"\xff\xd9") + 2] or data)
            self._row("corrected", "picture_loose_end", seen.item.picture, "cut off behind its end")
        else:
            shutil.copyfile(seen.item.picture, target)
        if not seen.item.labelled:
            return
        rows = tuple(_inside(row) for row in seen.labels.rows)
        label = self._folder / "labels" / target.parent.name / f"{target.stem}.txt"
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("".join(f"{line}\n" for line in rows_as_text(rows)), encoding="utf-8")

    def _describe(self) -> None:
        splits = [split for split in SPLITS if self.copy.images.get(split)]
        content: dict[str, Any] = {split: f"images/{split}" for split in splits}
        if "val" not in content:
            content["val"] = content["train"]
        content["names"] = dict(enumerate(self._description.names))
        write_text(self._folder / "data.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        stream = io.StringIO()
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("change", "kind", "file", "detail"))
        table.writerows(self._log)
        write_text(self._folder / "changes.csv", stream.getvalue())

    def _note(self, change: str, finding: Finding, detail: str) -> None:
        place = finding.path if finding.line is None else f"{finding.path}:{finding.line}"
        self._row(
            change,
            finding.code,
            place,
            str(finding.message) if not detail else f"{detail}: {finding.message}",
        )

    def _row(self, change: str, kind: str, file: Path | str, detail: str) -> None:
        fit = os.fsencode(str(file)).decode("utf-8", "replace")
        self._log.append((change, kind, fit, detail.encode("utf-8", "replace").decode("utf-8")))
        if change not in ("said", "noted"):
            self.copy.changes[kind] += 1


def _inside(row: Row) -> Row:
    """Cut a box off at the picture's edge."""
    left, right = max(row.x - row.width / 2, 0.0), min(row.x + row.width / 2, 1.0)
    top, bottom = max(row.y - row.height / 2, 0.0), min(row.y + row.height / 2, 1.0)
    if left >= right or top >= bottom:
        return row
    return Row(row.cls, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top)
