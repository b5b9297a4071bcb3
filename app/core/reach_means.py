"""What reaching a target may use on a design: locked modules and allowed block kinds, remembered beside the designs.

They say how to search, not what the model is, so they stand in no design file: one readable file of the workspace,
`.reach.yaml`, keeps them by design. A design outside the workspace is known by its whole path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from app.core.blocks import BLOCKS
from app.core.errors import AppError
from app.core.files import write_text
from app.core.text import QT_TRANSLATE_NOOP

FILE_NAME = ".reach.yaml"
FORMAT = 1
_LARGEST = 1_000_000
_HEAD = (
    "# Depthwise Studio: locked modules and allowed kinds for reaching targets, by design. May be deleted."
)


@dataclass(frozen=True)
class Means:
    """What a search may use.

    Attributes:
        locked: module paths that stay as they are.
        kinds: allowed block kinds; None allows all.
    """

    locked: tuple[str, ...] = ()
    kinds: tuple[str, ...] | None = None


EVERYTHING = Means()
"""What a search may use where nothing was chosen."""


def kept_means(root: Path, design: Path | None) -> Means:
    """Return what was chosen for a design; `EVERYTHING` where nothing was, or the file cannot be read.

    Args:
        root: folder of the workspace.
        design: file of the design; None for one that has none.
    """
    if design is None:
        return EVERYTHING
    return _means(_read(root).get(_key(root, design)))


def keep_means(root: Path, design: Path, means: Means) -> None:
    """Remember what was chosen for a design; designs that are gone from the workspace are forgotten.

    Raises:
        AppError: the file cannot be written.
    """
    known = _read(root)
    if _means(known.get(_key(root, design))) == means:
        return
    rows = {name: row for name, row in known.items() if _is_there(root, name)}
    rows.pop(_key(root, design), None)
    if means != EVERYTHING:
        rows[_key(root, design)] = _row(means)
    body = yaml.safe_dump({"format": FORMAT, "designs": rows}, sort_keys=False, allow_unicode=True)
    file = root / FILE_NAME
    try:
        write_text(file, f"{_HEAD}\n{body}")
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core", "Locked layers and allowed kinds are not remembered: {path}: {reason}."
            ),
            QT_TRANSLATE_NOOP("core", "Check the folder and its permissions."),
            path=file,
            reason=error.strerror or error,
        ) from error


def _key(root: Path, design: Path) -> str:
    """Return what a design is called in the file: from the workspace on, so that the workspace can be moved."""
    whole, top = design.absolute(), root.absolute()
    return whole.relative_to(top).as_posix() if whole.is_relative_to(top) else str(whole)


def _is_there(root: Path, name: str) -> bool:
    """Return whether a design is still there; of one outside the workspace nobody knows."""
    return Path(name).is_absolute() or (root / name).is_file()


def _read(root: Path) -> dict[str, Any]:
    file = root / FILE_NAME
    try:
        if file.stat().st_size > _LARGEST:
            return {}
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        rows = data["designs"] if data["format"] == FORMAT else {}
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, RecursionError):
        return {}
    return {str(name): row for name, row in rows.items()} if isinstance(rows, Mapping) else {}


def _means(row: Any) -> Means:
    """Read one entry; what is unknown in it is passed over."""
    if not isinstance(row, Mapping):
        return EVERYTHING
    locked, kinds = row.get("locked"), row.get("kinds")
    paths = tuple(path for path in locked if isinstance(path, str)) if isinstance(locked, list) else ()
    if not isinstance(kinds, list):
        return Means(paths)
    return Means(paths, tuple(name for name in BLOCKS if name in kinds))


def _row(means: Means) -> dict[str, list[str]]:
    found = {"locked": list(means.locked)} if means.locked else {}
    if means.kinds is not None:
        found["kinds"] = list(means.kinds)
    return found
