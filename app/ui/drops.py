"""What a dropped or opened file is, told by its name and, for YAML, by its first keys."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import yaml

DESIGN, DATA, WEIGHTS, VIDEO, FOLDER, UNKNOWN = "design", "data", "weights", "video", "folder", "unknown"
TABLE = "table"

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".ts"})
WEIGHT_SUFFIXES = frozenset({".pt"})
RUNTIME_SUFFIXES = frozenset({".onnx", ".xml"})
TABLE_SUFFIXES = frozenset({".json"})
ARCHIVE_SUFFIXES = frozenset({".zip"})
YAML_SUFFIXES = frozenset({".yaml", ".yml"})
_MAX_YAML_BYTES = 5_000_000
_PEEK = 65_536


def kind_of(path: Path) -> str:
    """Return ``design``, ``data``, ``weights``, ``video``, ``folder``, ``table`` (of latencies) or ``unknown``."""
    if path.is_dir():
        return FOLDER
    suffix = path.suffix.lower()
    if suffix in WEIGHT_SUFFIXES:
        return WEIGHTS
    if suffix in VIDEO_SUFFIXES:
        return VIDEO
    if suffix in ARCHIVE_SUFFIXES:
        return DATA
    if suffix in TABLE_SUFFIXES:
        return DATA if _names_pictures(path) else TABLE
    if suffix in YAML_SUFFIXES:
        return _kind_of_yaml(path)
    return UNKNOWN


def _kind_of_yaml(path: Path) -> str:
    """A data set names its classes and splits; anything else is for the design reader to accept or refuse."""
    try:
        if path.stat().st_size > _MAX_YAML_BYTES:
            return UNKNOWN
        tree = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return DESIGN
    if not isinstance(tree, yaml.MappingNode):
        return DESIGN
    keys = {str(key.value) for key, _ in tree.value if isinstance(key, yaml.ScalarNode)}
    looks_like_data = not keys & {"base", "backbone"} and bool(keys & {"train", "val", "names"})
    return DATA if looks_like_data else DESIGN


def _names_pictures(path: Path) -> bool:
    """Say whether a JSON file is a COCO data set: it names pictures or boxes near its beginning or end."""
    try:
        with path.open("rb") as stream:
            text = stream.read(_PEEK)
            stream.seek(max(path.stat().st_size - _PEEK, 0))
            text += stream.read(_PEEK)
    except OSError:
        return False
    return any(key in text for key in (b'"annotations"', b'"images"', b'"categories"'))


def is_detector(path: Path) -> bool:
    """Say whether a path can be a side of a comparison: a checkpoint, an ONNX file, an OpenVINO folder or its .xml."""
    if path.is_dir():
        return any(path.glob("*.xml"))
    return path.suffix.lower() in WEIGHT_SUFFIXES | RUNTIME_SUFFIXES


def local_paths(urls: list[str]) -> list[Path]:
    """Return the files among dropped addresses that exist on this machine."""
    from PySide6.QtCore import QUrl

    names = [QUrl(url).toLocalFile() for url in urls if urlsplit(url).scheme == "file"]
    return [path for path in map(Path, names) if path.exists()]
