"""The sample's data set on disk: pictures and labels in YOLO's layout, the same ones for the same seed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.sample.arrange import Box, compose
from app.engine.sample.objects import KINDS

Progress = Callable[[float, str], None]
"""Told the share that is done and what is being made; may raise to stop."""

SPLITS = ("train", "val", "test")
_FORMAT = 1
"""Goes up whenever the same seed gives other pictures."""
_MANIFEST = "sample.json"
_QUALITY = 92


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a data set's content.

    Attributes:
        seed: another seed, other pictures.
        train, val, test: pictures in each split.
        size: width and height in pixels.
        labels_shuffled: the training pictures carry each other's labels, so that nothing can be learned;
            for checking that a training's figures come from the labels.
    """

    seed: int = 0
    train: int = 240
    val: int = 60
    test: int = 60
    size: tuple[int, int] = (320, 320)
    labels_shuffled: bool = False

    def __post_init__(self) -> None:
        if self.seed < 0 or min(self.train, self.val) < 1 or self.test < 0:
            raise AppError(
                QT_TRANSLATE_NOOP(
                    "core", "The sample needs at least one picture to train on and one to validate on."
                ),
                QT_TRANSLATE_NOOP("core", "Give counts above 0, and a seed of 0 or more."),
            )
        if not all(64 <= side <= 4096 for side in self.size):
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The sample's pictures cannot be {width}×{height} pixels."),
                QT_TRANSLATE_NOOP("core", "Choose a width and a height from 64 to 4096."),
                width=self.size[0],
                height=self.size[1],
            )

    def counts(self) -> dict[str, int]:
        """Give the number of pictures by split, without empty splits."""
        return {split: n for split, n in zip(SPLITS, (self.train, self.val, self.test), strict=True) if n}


def object_names() -> tuple[str, ...]:
    """Give the names of the classes, in the order of their numbers."""
    return tuple(kind.name for kind in KINDS)


def write_dataset(
    folder: Path,
    *,
    seed: int = 0,
    train: int = 240,
    val: int = 60,
    test: int = 60,
    size: tuple[int, int] = (320, 320),
    labels_shuffled: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Make the data set in `folder` and return its data.yaml; a complete one of the same recipe is kept.

    Args:
        folder: where; made if need be.
        seed: another seed, other pictures.
        train: pictures to train on.
        val: pictures to validate on.
        test: pictures to report on.
        size: width and height of every picture in pixels.
        labels_shuffled: give the training pictures each other's labels (see `Recipe`).
        progress: told how far it is.

    Raises:
        AppError: the recipe makes no sense, or the folder is taken by something else or cannot be written.
    """
    recipe = Recipe(seed, train, val, test, size, labels_shuffled)
    if _holds(folder, recipe):
        return folder / "data.yaml"
    if _taken(folder):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{folder} holds something else than a sample."),
            QT_TRANSLATE_NOOP("core", "Choose an empty folder or a new name."),
            folder=folder,
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
            made = Path(temporary)
            _fill(made, recipe, progress or (lambda _share, _text: None))
            _move(made, folder)
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The sample cannot be written to {folder}: {reason}."),
            QT_TRANSLATE_NOOP("core", "Check that the folder is writable and the disk has about 20 MB free."),
            folder=folder,
            reason=error.strerror or error,
        ) from error
    return folder / "data.yaml"


def _holds(folder: Path, recipe: Recipe) -> bool:
    try:
        known = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if known != _manifest(recipe) or not (folder / "data.yaml").is_file():
        return False
    return all(
        len(list((folder / kind / split).glob(f"*.{ending}"))) == count
        for split, count in recipe.counts().items()
        for kind, ending in (("images", "jpg"), ("labels", "txt"))
    )


def _taken(folder: Path) -> bool:
    if not folder.is_dir():
        return folder.exists()
    return any(folder.iterdir()) and not (folder / _MANIFEST).is_file()


def _manifest(recipe: Recipe) -> dict[str, object]:
    versions = {"opencv": cv2.__version__, "numpy": np.__version__}
    return {"format": _FORMAT, **asdict(recipe), "size": list(recipe.size), "versions": versions}


def _fill(folder: Path, recipe: Recipe, progress: Progress) -> None:
    counts = recipe.counts()
    total, done = sum(counts.values()), 0
    for number, split in enumerate(SPLITS):
        images, labels = folder / "images" / split, folder / "labels" / split
        if split not in counts:
            continue
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        texts = []
        for index in range(counts[split]):
            picture = compose(recipe.seed, number, index, recipe.size)
            (images / f"{index:04d}.jpg").write_bytes(_jpeg(picture.image))
            texts.append(_text(picture.boxes, recipe.size))
            done += 1
            progress(done / total, f"{split} {index + 1}/{counts[split]}")
        if split == "train" and recipe.labels_shuffled:
            texts = _shuffled(texts, recipe.seed)
        for index, text in enumerate(texts):
            (labels / f"{index:04d}.txt").write_text(text, encoding="utf-8", newline="\n")
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(object_names()))
    splits = "".join(f"{split}: images/{split}\n" for split in counts)
    (folder / "data.yaml").write_text(
        f"# The sample of Depthwise Studio, drawn from seed {recipe.seed}.\n{splits}names:\n{names}",
        encoding="utf-8",
        newline="\n",
    )
    manifest = json.dumps(_manifest(recipe), indent=1) + "\n"
    (folder / _MANIFEST).write_text(manifest, encoding="utf-8", newline="\n")


def _jpeg(image: np.ndarray) -> bytes:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "A picture of the sample could not be compressed."),
            QT_TRANSLATE_NOOP("core", "Reinstall opencv-python."),
        )
    return data.tobytes()


def _text(boxes: tuple[Box, ...], size: tuple[int, int]) -> str:
    width, height = size
    return "".join(
        f"{box.label} {(box.left + box.right) / 2 / width:.6f} {(box.top + box.bottom) / 2 / height:.6f} "
        f"{(box.right - box.left) / width:.6f} {(box.bottom - box.top) / height:.6f}\n"
        for box in boxes
    )


def _shuffled(texts: list[str], seed: int) -> list[str]:
    """Give every picture the labels of another one."""
    order = np.random.default_rng([seed, len(SPLITS)]).permutation(len(texts))
    moved = list(texts)
    for position, index in enumerate(order):
        moved[index] = texts[order[position - 1]]
    return moved


def _move(made: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in ("images", "labels"):
        if (folder / name).exists():
            shutil.rmtree(folder / name)
    for item in sorted(made.iterdir(), key=lambda path: path.name == _MANIFEST):
        item.replace(folder / item.name)
