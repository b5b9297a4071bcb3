"""The built-in sample: a small data set, a moving clip and a card, all drawn by the Studio itself.

Everything is computed from a seed: no photograph, no network, no foreign file. On a table lie things of
six kinds that a detector learns (mug, key, leaf, pencil, die, scissors) among others that resemble them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from app.core.errors import AppError
from app.core.folders import cache_folder
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.sample.card import write_card
from app.engine.sample.clip import Clip, clip_frames, write_clip
from app.engine.sample.dataset import Recipe, object_names, write_dataset

__all__ = [
    "Clip",
    "Recipe",
    "clip_frames",
    "object_names",
    "run",
    "sample_data",
    "write_card",
    "write_clip",
    "write_dataset",
]

_PARTS = ("dataset", "clip", "card")


class Channel(Protocol):
    """What the job needs of its way to the caller."""

    @property
    def cancelled(self) -> bool:
        """Whether the caller has given up."""

    def progress(self, fraction: float, text: str) -> None:
        """Tell how far the job is."""


def sample_data(progress: Any = None) -> Path:
    """Give the data.yaml of the data set that "sample" stands for, making it in the cache at first."""
    return write_dataset(cache_folder() / "sample", progress=progress)


def run(request: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Make parts of the sample in a folder: the job "sample".

    Args:
        request: `folder`; and where wanted `parts` (a list of "dataset", "clip", "card"; the data set alone
            if missing), `seed`, `train`, `val`, `test`, `size` [width, height], `labels_shuffled`.
            Without `folder` the data set goes to the cache, where "sample" is looked for.
        channel: the way to the caller.

    Returns:
        `names` of the classes, and the path of each part made: `data`, `clip`, `card`.

    Raises:
        AppError: a part is unknown, the job was cancelled, or something cannot be written.
    """
    parts = list(request.get("parts", ["dataset"]))
    unknown = [part for part in parts if part not in _PARTS]
    if unknown or not parts:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The sample has no part {part}."),
            QT_TRANSLATE_NOOP("core", "Choose from {choices}."),
            part=", ".join(map(str, unknown)) or parts,
            choices=", ".join(_PARTS),
        )
    folder = Path(request["folder"]) if request.get("folder") else cache_folder() / "sample"
    made: dict[str, Any] = {"names": list(object_names())}
    for number, part in enumerate(parts):

        def tell(share: float, text: str, done: int = number) -> None:
            if channel.cancelled:
                raise AppError(
                    QT_TRANSLATE_NOOP("core", "The sample was cancelled."),
                    QT_TRANSLATE_NOOP("core", "Nothing is left behind; start it again when you like."),
                )
            channel.progress((done + share) / len(parts), text)

        made["data" if part == "dataset" else part] = str(_make(part, folder, request, tell))
    return made


def _make(part: str, folder: Path, request: dict[str, Any], tell: Any) -> Path:
    if part == "dataset":
        keys = ("seed", "train", "val", "test", "labels_shuffled")
        chosen = {key: request[key] for key in keys if key in request}
        if "size" in request:
            chosen["size"] = (int(request["size"][0]), int(request["size"][1]))
        return write_dataset(folder, progress=tell, **chosen)
    folder.mkdir(parents=True, exist_ok=True)
    if part == "clip":
        return write_clip(folder / "clip.mp4", seed=int(request.get("seed", 0)), progress=tell)
    card = write_card(folder / "card.pdf")
    tell(1.0, part)
    return card
