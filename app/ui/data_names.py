"""What a data set is called: by its folder, not by a path that nobody reads."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.core.folders import cache_folder
from app.ui import drops
from app.ui.requests import SAMPLE

_ORDINARY = ("data", "dataset")


def short_name(spec: str) -> str:
    """Return the folder's name for a data.yaml in it, else the name of file and folder."""
    path = Path(spec)
    if path.stem.lower() in _ORDINARY and path.suffix.lower() in drops.YAML_SUFFIXES:
        return path.parent.name or str(path)
    return f"{path.parent.name}/{path.name}" if path.suffix else path.name


def spoken_name(spec: str) -> str:
    """Return the same in the window's language: the sample is the sample, also by its place in the cache."""
    path = Path(spec)
    if spec == SAMPLE or cache_folder() / SAMPLE in (path, path.parent):
        return QCoreApplication.translate("DataPage", "the sample")
    return short_name(spec)
