"""Data sets: opened safely, looked through, and handed to ultralytics in a form that holds no trap.

A data set is a foreign folder. Its data.yaml is read as data, its label caches are never opened, its pictures are
measured before they are decoded, and nothing in it is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from app.core.errors import AppError
from app.core.files import write_text
from app.core.findings import Finding
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.dataset_album import Album
from app.engine.dataset_cache import disable_foreign_caches, use_labels
from app.engine.dataset_files import Listing
from app.engine.dataset_fingerprint import Fingerprint, fingerprint_of
from app.engine.dataset_fix import FixedCopy, write_fixed
from app.engine.dataset_items import Item, one_line
from app.engine.dataset_labels import rows_as_text
from app.engine.dataset_open import describe
from app.engine.dataset_scan import DatasetSummary, Seen, look_at_all, scan
from app.engine.dataset_yaml import SPLITS, Description

__all__ = [
    "DatasetSummary",
    "Description",
    "Finding",
    "Prepared",
    "check_dataset",
    "disable_foreign_caches",
    "fix_dataset",
    "open_dataset",
    "prepare_dataset",
    "prepare_for_training",
    "run_check",
    "run_fix",
    "run_thumbnails",
]

SAMPLE = "sample"

Progress = Callable[[float, str], None]


class Channel(Protocol):
    """What the jobs need of their way to the window."""

    @property
    def cancelled(self) -> bool:
        """Whether to stop."""

    def emit(self, event: dict[str, Any]) -> None:
        """Send an event."""

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell how far the job is."""

    def wait_command(self, seconds: float) -> dict[str, Any] | None:
        """Return the next command, or None when none comes in time."""

    def commands(self) -> list[dict[str, Any]]:
        """Return the commands that have arrived meanwhile."""


def open_dataset(
    data: Path | str, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> Description:
    """Open a data set without looking at its pictures.

    Args:
        data: a data.yaml, a COCO JSON file, the folder of a YOLO, Pascal VOC or COCO data set, a zip archive of one,
            or "sample", which is made at first.
        progress: told how far the unpacking, the reading of annotations or the making of the sample is.
        cancelled: asked now and then whether to give up.

    Raises:
        AppError: there is none, it cannot be understood, or it was cancelled.
    """
    if str(data) == SAMPLE:
        from app.engine.sample import sample_data

        data = sample_data(progress)
    return describe(Path(data).expanduser(), progress, cancelled)


def check_dataset(
    data: Path | str, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> DatasetSummary:
    """Open a data set and look through all of it.

    Raises:
        AppError: it cannot be understood, or the check was cancelled.
    """
    return scan(open_dataset(data, progress, cancelled), progress, cancelled)


def fix_dataset(
    data: Path | str,
    folder: Path,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> FixedCopy:
    """Write a corrected copy of a data set, as a plain YOLO data set; see `write_fixed`.

    Raises:
        AppError: the data cannot be understood, the folder cannot be used, or it was cancelled.
    """
    return write_fixed(open_dataset(data, progress, cancelled), folder, progress, cancelled)


@dataclass(frozen=True)
class Prepared:
    """A data set, ready for ultralytics.

    Attributes:
        path: the clean data.yaml.
        names: of the classes.
        images: pictures per split that training uses.
        findings: what was left out, and why.
        fingerprint: of what training uses.
        layout: `yolo`, `voc` or `coco`.
        divided: whether the Studio chose what to train and what to validate on.
    """

    path: Path
    names: tuple[str, ...]
    images: dict[str, int]
    findings: tuple[Finding, ...]
    fingerprint: Fingerprint
    layout: str
    divided: bool


def prepare_for_training(data: Path | str, run_folder: Path) -> Path:
    """Do what `prepare_dataset` does, and return the clean data.yaml alone."""
    return prepare_dataset(data, run_folder).path


def prepare_dataset(data: Path | str, run_folder: Path, progress: Progress | None = None) -> Prepared:
    """Write a clean data.yaml and lists of pictures, by absolute paths, into the folder `data` of a run.

    Left out are `download:` and whatever else ultralytics might act on, pictures that cannot be decoded or claim
    to be huge, pictures whose label has an error, and links that would lose the labels. Without pictures to validate
    on, some of the training pictures are set apart; a single one serves for both. Label caches are switched off for
    this process.

    Args:
        data: as `open_dataset` takes it.
        run_folder: where the run keeps its files.
        progress: told how far it is.

    Raises:
        AppError: nothing is left to train on, or the run's folder cannot be written.
    """
    disable_foreign_caches()
    description = open_dataset(data, progress)
    listing = Listing(description, progress)
    everything = list(look_at_all(listing, description, progress))
    told = [finding for finding in listing.findings if finding.code == "split_made"]
    wrong = [finding for seen in everything for finding in seen.findings if _is_told(seen, finding)]
    findings = [*description.findings, *listing.findings, *wrong]
    findings.sort(key=lambda finding: finding not in told)
    chosen: dict[str, list[Seen]] = {split: [] for split in listing.items}
    for seen in everything:
        if seen.usable:
            chosen[seen.item.split].append(seen)
    boxes = {split: sum(len(seen.labels.rows) for seen in found) for split, found in chosen.items()}
    if not boxes.get("train"):
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core", "{file}: there is nothing to train on: no picture of “train” has a usable box."
            ),
            QT_TRANSLATE_NOOP("core", "Check the data set on the Data page, or with the command “check”."),
            file=description.file,
        )
    if not chosen.get("val"):
        chosen["val"] = chosen["train"]
    folder = run_folder.absolute() / "data"
    used = {split: chosen[split] for split in SPLITS if chosen.get(split)}
    try:
        path = _write(
            description, {split: [seen.item for seen in found] for split, found in used.items()}, folder
        )
        use_labels(_write_labels(used, folder / "labels"))
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The run's folder {folder} cannot be written: {why}."),
            QT_TRANSLATE_NOOP("core", "Check the disk's free space and the folder's permissions."),
            folder=folder,
            why=error.strerror or str(error),
        ) from error
    return Prepared(
        path,
        description.names,
        {split: len(found) for split, found in chosen.items()},
        tuple(findings),
        fingerprint_of(description, everything),
        description.layout,
        listing.divided,
    )


def _is_told(seen: Seen, finding: Finding) -> bool:
    """Say whether a training mentions a finding: where something is left out."""
    return finding.severity == "error" or (seen.item.reader is not None and finding.severity == "warning")


def _write_labels(chosen: dict[str, list[Seen]], folder: Path) -> dict[Path, Path]:
    """Write the labels of pictures that have none in YOLO's form; return where each lies."""
    written = {}
    for split, found in chosen.items():
        for number, seen in enumerate(found):
            if seen.item.reader is None:
                continue
            label = folder / split / f"{number:06d}.txt"
            label.parent.mkdir(parents=True, exist_ok=True)
            label.write_text(
                "".join(f"{line}\n" for line in rows_as_text(seen.labels.rows)), encoding="utf-8"
            )
            written[seen.item.picture] = label
    return written


def _write(description: Description, chosen: dict[str, list[Item]], folder: Path) -> Path:
    content: dict[str, Any] = {"path": str(folder)}
    for split, items in chosen.items():
        listed = folder / f"{split}.txt"
        write_text(listed, "".join(f"{item.picture}\n" for item in items))
        content[split] = str(listed)
    content["names"] = dict(enumerate(description.names))
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path = folder / "data.yaml"
    write_text(path, f"# From {one_line(str(description.file))}\n{text}")
    return path


def run_check(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Look through a data set: the job "dataset.check".

    Args:
        request: `data`: a data.yaml, its folder, or "sample".
        channel: the way to the window.

    Returns:
        What `check --json` prints.
    """
    return check_dataset(request["data"], channel.progress, lambda: channel.cancelled).to_json()


def run_fix(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Write a corrected copy: the job "dataset.fix".

    Args:
        request: `data`, as `open_dataset` takes it; `folder`: of the copy.
        channel: the way to the window.

    Returns:
        `folder`, `data` (the copy's data.yaml), `log`, `images` per split, `changes` per kind.
    """
    return fix_dataset(
        request["data"], Path(request["folder"]), channel.progress, lambda: channel.cancelled
    ).to_json()


def run_thumbnails(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Send small pictures with their boxes, a page at a time: the job "dataset.thumbnails".

    A page begins with an event `page` (`token`, `total`: how many pictures there are to show). Each picture is an
    event `thumbnail` with `token`, `index`, `path`, `jpeg` (base64; empty where the picture cannot be decoded,
    then `problem` says why) and `boxes`, a list of [class, x, y, width, height] as shares of the picture.

    Args:
        request: `data`, and the first page: `split`, `offset`, `count`, `size` (longer side in pixels), and where
            wanted `cls` (only pictures with this class) and `token` (comes back in the events). With `follow`
            the job goes on until it is cancelled: {"command": "page", ...the same keys} asks for a further page,
            {"command": "forget"} drops the pages that were asked for before, {"command": "find", "path"} asks for
            the place of a picture, by its own or its label's path: an event `place` with `path`, `split` and
            `index`, if it is there.
        channel: the way to the window.

    Returns:
        `total` of the last page.
    """
    album = Album(open_dataset(request["data"], channel.progress))
    total = album.send(request, channel)
    while request.get("follow") and not channel.cancelled:
        first = channel.wait_command(1.0)
        for command in _wanted([*([first] if first else []), *channel.commands()]):
            if command["command"] == "page":
                total = album.send(command, channel)
            elif command["command"] == "find":
                album.find(str(command.get("path", "")), channel)
    return {"total": total}


def _wanted(commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the commands that are still to be obeyed: no page before a "forget"."""
    kept: list[dict[str, Any]] = []
    for command in commands:
        if command.get("command") == "forget":
            kept = [earlier for earlier in kept if earlier["command"] != "page"]
        elif command.get("command") in ("page", "find"):
            kept.append(command)
    return kept
