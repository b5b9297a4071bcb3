"""The data set as ultralytics' trainer and validator take it: absolute paths, names, nothing to download."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from app.core.errors import AppError
from app.core.findings import Finding
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.dataset import prepare_dataset


def read_data(
    data: Path | str, folder: Path, split: str = "val", report: Callable[[Finding], None] | None = None
) -> dict[str, Any]:
    """Prepare a data set and return it as ultralytics describes one.

    Args:
        data: As `app.engine.dataset.open_dataset` takes it.
        folder: Where the clean data.yaml and the lists of pictures go.
        split: The split that is going to be evaluated.
        report: Receives what was left out.

    Returns:
        "train", "val", "test": lists of pictures, absolute paths; "names", "nc", "channels", "yaml_file";
        "images": pictures per split; "fingerprint": of the data, as plain data; "format": `yolo`, `voc` or `coco`;
        "split_made": whether the Studio divided it.

    Raises:
        AppError: There is nothing to use.
    """
    prepared = prepare_dataset(data, folder)
    for finding in prepared.findings if report else ():
        report(finding)  # type: ignore[misc]
    if split not in prepared.images:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The data set has no pictures in “{split}”."),
            QT_TRANSLATE_NOOP("core", "Take one of {names}."),
            split=split,
            names=", ".join(prepared.images),
        )
    content = yaml.safe_load(prepared.path.read_text(encoding="utf-8"))
    return {
        **{name: content[name] for name in ("train", "val", "test") if name in content},
        "names": dict(enumerate(prepared.names)),
        "nc": len(prepared.names),
        "channels": 3,
        "path": prepared.path.parent,
        "yaml_file": str(prepared.path),
        "images": prepared.images,
        "fingerprint": prepared.fingerprint.to_json(),
        "format": prepared.layout,
        "split_made": prepared.divided,
    }


def pictures_of(data: Mapping[str, Any], split: str = "train") -> list[Path]:
    """Return the pictures of a split of prepared data."""
    return [Path(line) for line in Path(data[split]).read_text(encoding="utf-8").splitlines()]
