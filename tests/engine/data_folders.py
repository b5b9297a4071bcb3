"""Small data sets on disk, to be spoilt, and a channel that keeps what it was told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.engine.dataset import DatasetSummary, check_dataset

GOOD = "0 0.5 0.5 0.25 0.25\n1 0.25 0.25 0.1 0.2\n"


class Channel:
    """A channel that keeps what it was told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.fractions: list[float] = []
        self.cancel_after: int | None = None
        self.waiting: list[dict[str, Any]] = []

    @property
    def cancelled(self) -> bool:
        return self.cancel_after is not None and len(self.fractions) + len(self.events) > self.cancel_after

    def emit(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def progress(self, fraction: float, text: str = "") -> None:
        self.fractions.append(fraction)

    def wait_command(self, seconds: float) -> dict[str, Any] | None:
        if not self.waiting:
            self.cancel_after = -1
            return None
        return self.waiting.pop(0)

    def commands(self) -> list[dict[str, Any]]:
        found, self.waiting = self.waiting, []
        return found

    @property
    def thumbnails(self) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == "thumbnail"]


class Folder:
    """A small data set on disk: three pictures to train on, two to validate on."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.yaml = root / "data.yaml"
        self.describe("train: images/train\nval: images/val\nnames: [cat, dog]\n")
        for split, count in (("train", 3), ("val", 2)):
            for number in range(count):
                self.add(split, f"{split}{number}", GOOD)

    def describe(self, text: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.yaml.write_text(text, encoding="utf-8")

    def add(self, split: str, name: str, label: str | None) -> Path:
        picture = self.root / "images" / split / f"{name}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(abs(hash((split, name)))).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(noise).save(picture, quality=90)
        if label is not None:
            self.label(split, name).parent.mkdir(parents=True, exist_ok=True)
            self.label(split, name).write_text(label, encoding="utf-8")
        return picture

    def picture(self, split: str, name: str) -> Path:
        return self.root / "images" / split / f"{name}.jpg"

    def label(self, split: str, name: str) -> Path:
        return self.root / "labels" / split / f"{name}.txt"

    def check(self) -> DatasetSummary:
        return check_dataset(self.yaml)

    def found(self) -> list[tuple[str, str, int | None]]:
        """Return code, path from the root, and line of every finding."""
        return [
            (f.code, Path(f.path).relative_to(self.root).as_posix(), f.line) for f in self.check().findings
        ]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]
