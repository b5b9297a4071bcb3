"""Keeps ultralytics' hands off the user's data.

Stock training opens `labels.cache` beside the labels with pickle, which runs whatever its maker put in; it takes
an `.npy` beside a picture for the picture, and deletes it when it cannot read it; and it writes JPEGs anew whose
end it does not like.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from app.core.folders import cache_folder

_labels: dict[str, str] = {}
_stock: dict[str, Callable[..., list[str]]] = {}


def disable_foreign_caches() -> None:
    """Make ultralytics scan labels anew instead of loading caches, write none, and change no file of a data set.

    Acts on the whole process; may be called again. Every process that builds a data set must call it.
    """
    from app.engine.environment_setup import prepare

    prepare()
    from ultralytics.data import base, dataset, utils

    for module in (dataset, utils):
        if module.img2label_paths is not _label_files:
            _stock["label_files"] = module.img2label_paths
            module.img2label_paths = _label_files
        module.load_dataset_cache_file = _no_cache
        module.save_dataset_cache_file = _keep_nothing
    utils._replace_image = _leave_as_it_is
    if not isinstance(getattr(base.BaseDataset, "npy_files", None), property):
        base.BaseDataset.npy_files = property(_private_files, _set_private_files)


def use_labels(labels: Mapping[Path, Path]) -> None:
    """Tell where the labels of pictures lie that ultralytics would not find; for the whole process."""
    _labels.update((str(picture), str(label)) for picture, label in labels.items())


def _label_files(img_paths: list[str | Path], *args: Any, **more: Any) -> list[str]:
    """Stand in for `img2label_paths`, which looks beside the pictures alone."""
    found: list[str] = _stock["label_files"](img_paths, *args, **more)
    if args or more or not _labels:  # masks, not labels
        return found
    return [_labels.get(str(path), label) for path, label in zip(img_paths, found, strict=True)]


def _no_cache(path: Path) -> dict[str, Any]:
    """Stand in for `load_dataset_cache_file`; what it raises makes ultralytics scan the labels."""
    raise FileNotFoundError(f"{path} is not opened: a label cache can run code")


def _keep_nothing(prefix: str, path: Path, x: dict[str, Any], version: str) -> None:
    """Stand in for `save_dataset_cache_file`; as there, the version goes into the dictionary."""
    x["version"] = version


def _leave_as_it_is(im_file: str, write: Callable[[str], None]) -> None:
    """Stand in for `_replace_image`, which writes a "restored" JPEG over the user's."""


def _private_files(self: Any) -> list[Path]:
    files: list[Path] = self.__dict__["npy_files"]
    return files


def _set_private_files(self: Any, files: list[Path]) -> None:
    """Send decoded pictures (`cache="disk"`) to a folder of this process, and find none of anybody else's."""
    names = (hashlib.blake2b(str(file).encode(), digest_size=16).hexdigest() for file in files)
    self.__dict__["npy_files"] = [_private_folder() / f"{name}.npy" for name in names]


@cache
def _private_folder() -> Path:
    parent = cache_folder()
    parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="pictures-", dir=parent)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
