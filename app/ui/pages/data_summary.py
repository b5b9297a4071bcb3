"""What the check of a data set found, as the Data page shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.findings import Finding

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Summary:
    """A checked data set.

    Attributes:
        spec: what the user opened: a data.yaml, a folder, or the sample.
        data: its data.yaml.
        root: the folder that its paths start from.
        names: of the classes.
        images: pictures per split.
        boxes: per split, boxes per class.
        edges: of the size histogram's bins, shares of a picture's longer side.
        sizes: per class, boxes per bin.
        picture_sizes: width, height and number of the most frequent sizes.
        findings: errors first.
        layout: ``yolo``, ``voc`` or ``coco``.
        divided: whether the Studio chose what to train and what to validate on.
    """

    spec: str
    data: Path
    root: Path
    names: tuple[str, ...]
    images: Mapping[str, int]
    boxes: Mapping[str, tuple[int, ...]]
    edges: tuple[float, ...]
    sizes: tuple[tuple[int, ...], ...]
    picture_sizes: tuple[tuple[int, int, int], ...]
    findings: tuple[Finding, ...]
    layout: str = "yolo"
    divided: bool = False

    @classmethod
    def from_json(cls, spec: str, data: Mapping[str, Any]) -> Summary:
        """Read the result of the job "dataset.check"."""
        names = tuple(data["names"])
        sizes = data["box_sizes"]
        return cls(
            spec=spec,
            data=Path(data["data"]),
            root=Path(data["root"]),
            names=names,
            # A dictionary that came through a signal has its keys in the order of the alphabet.
            images={split: data["images"][split] for split in SPLITS if split in data["images"]},
            boxes={
                split: tuple(data["boxes_by_split"][split][name] for name in names)
                for split in SPLITS
                if split in data["boxes_by_split"]
            },
            edges=tuple(sizes["edges"]),
            sizes=tuple(tuple(sizes["counts"][name]) for name in names),
            picture_sizes=tuple(
                (item["width"], item["height"], item["count"]) for item in data["picture_sizes"]
            ),
            findings=tuple(Finding.from_json(item) for item in data["findings"]),
            layout=str(data["format"]),
            divided=bool(data["split_made"]),
        )

    @property
    def title(self) -> str:
        """Short name: the folder's."""
        return self.data.parent.name or str(self.data)

    @property
    def total_boxes(self) -> int:
        """Boxes of all splits and classes."""
        return sum(sum(counts) for counts in self.boxes.values())

    @property
    def total_images(self) -> int:
        """Pictures of all splits."""
        return sum(self.images.values())

    @property
    def aspect(self) -> float:
        """Height by width of most pictures."""
        width, height, _ = self.picture_sizes[0] if self.picture_sizes else (4, 3, 0)
        return height / width
