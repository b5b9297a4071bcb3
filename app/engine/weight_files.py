"""Opens a checkpoint file, zip or legacy, as plain data; its tensors are read one by one, when asked for."""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import torch

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.safe_pickle import (
    STORAGE_TYPES,
    DamagedPickleError,
    StorageRecord,
    TensorRecord,
    UnsafePickleError,
    read_pickle,
)

LARGEST_FILE = 8 * 2**30
"""Bytes of a checkpoint; YOLOv5x with an optimizer's state has 0.7 GB."""

LARGEST_PICKLE = 64 * 2**20
"""Bytes of the pickle in a zip; YOLOv5x has under 1 MB."""

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_MOST_DIMENSIONS = 8
_OTHER = QT_TRANSLATE_NOOP("core", "Choose a .pt file of a YOLOv5 or YOLOv5u detector.")
_AGAIN = QT_TRANSLATE_NOOP("core", "Copy or download it again.")


class WeightFile:
    """The content of an open checkpoint; a context that closes the file.

    Attributes:
        content: plain data with `TensorRecord`s and inert objects.
    """

    def __init__(
        self, path: Path, content: Any, read: Callable[[StorageRecord], bytes], close: Callable[[], None]
    ) -> None:
        self.content = content
        self._path = path
        self._read = read
        self._close = close

    def __enter__(self) -> WeightFile:
        return self

    def __exit__(self, *_error: object) -> None:
        self._close()

    def tensor(self, record: TensorRecord) -> torch.Tensor:
        """Return a tensor, floating-point ones in float32.

        Raises:
            AppError: the record does not fit its storage, or the file ends before.
        """
        storage, dtype = _checked(record, self._path)
        raw = self._read(storage)
        if len(raw) < storage.numel * dtype.itemsize:
            raise _truncated(self._path)
        numel = storage.numel * getattr(torch, storage.dtype).itemsize // dtype.itemsize
        flat = (
            torch.frombuffer(bytearray(raw), dtype=dtype, count=numel)
            if numel
            else torch.empty(0, dtype=dtype)
        )
        view = flat.as_strided(record.size, record.stride, record.offset)
        return view.to(torch.float32 if dtype.is_floating_point else dtype, copy=True)


def open_weights(path: Path) -> WeightFile:
    """Read what a checkpoint says, running nothing of it.

    Raises:
        AppError: there is no such file, or it is no checkpoint, truncated, too large, or asks to run something.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise AppError(QT_TRANSLATE_NOOP("core", "{path} is not a file."), _OTHER, path=path)
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be opened: {reason}."),
            QT_TRANSLATE_NOOP("core", "Check the path."),
            path=path,
            reason=error.strerror or error,
        ) from error
    if size > LARGEST_FILE:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} has {size} GiB: too large for a detector."),
            _OTHER,
            name=path.name,
            size=f"{size / 2**30:.1f}",
        )
    if size == 0:
        raise AppError(QT_TRANSLATE_NOOP("core", "{name} is empty."), _AGAIN, name=path.name)
    try:
        return _open_zip(path) if start == b"PK\x03\x04" else _open_legacy(path)
    except UnsafePickleError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} was not opened: it asks to run {call}."),
            QT_TRANSLATE_NOOP("core", "Nothing of it was run. Use weights from a source you trust."),
            name=path.name,
            call=error.name,
        ) from error
    except DamagedPickleError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is damaged or no checkpoint: {reason}."),
            _AGAIN,
            name=path.name,
            reason=error,
        ) from error
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be read: {reason}."),
            _AGAIN,
            path=path,
            reason=error.strerror or error,
        ) from error


def _open_zip(path: Path) -> WeightFile:
    """Open the format of torch ≥ 1.6: a zip of stored entries, `PREFIX/data.pkl` and `PREFIX/data/KEY`."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise _truncated(path) from error
    try:
        prefix = _prefix(path, archive)

        def read(storage: StorageRecord) -> bytes:
            return _entry(path, archive, f"{prefix}data/{storage.key}")

        content = read_pickle(_entry(path, archive, f"{prefix}data.pkl"), _record)
        return WeightFile(path, content, read, archive.close)
    except BaseException:
        archive.close()
        raise


def _prefix(path: Path, archive: zipfile.ZipFile) -> str:
    """Return the folder of a checkpoint in its zip.

    Raises:
        AppError: the zip is no checkpoint, or claims more than it holds.
    """
    entries = {item.filename: item for item in archive.infolist()}
    pickles = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is a zip file, but no PyTorch checkpoint."),
            _OTHER,
            name=path.name,
        )
    prefix = pickles[0].removesuffix("data.pkl")
    if f"{prefix}constants.pkl" in entries:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is a TorchScript program, not a checkpoint."),
            QT_TRANSLATE_NOOP("core", "Choose the .pt it was exported from."),
            name=path.name,
        )
    _check_entries(path, entries)
    if entries[pickles[0]].file_size > LARGEST_PICKLE:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} describes more than a detector can hold."),
            _OTHER,
            name=path.name,
        )
    order = f"{prefix}byteorder"
    if order in entries and _entry(path, archive, order) != b"little":
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} was written on a big-endian machine."), _OTHER, name=path.name
        )
    return prefix


def _check_entries(path: Path, entries: dict[str, zipfile.ZipInfo]) -> None:
    """Refuse compressed entries and such that together claim more than the file holds (zip bombs)."""
    packed = any(item.compress_type != zipfile.ZIP_STORED for item in entries.values())
    if packed or sum(item.file_size for item in entries.values()) > path.stat().st_size:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} claims more data than it holds."),
            QT_TRANSLATE_NOOP("core", "Use weights from a source you trust."),
            name=path.name,
        )


def _entry(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return archive.read(name)  # checks the checksum
    except (zipfile.BadZipFile, EOFError, ValueError, LookupError, RuntimeError, struct.error) as error:
        raise _truncated(path) from error


def _record(pid: Any) -> StorageRecord:
    """Read a persistent id: ("storage", type, key, device, numel) and, in legacy files, a view."""
    if not isinstance(pid, tuple) or len(pid) not in (5, 6) or pid[0] != "storage":
        raise DamagedPickleError("it refers to unknown data")
    _, dtype, key, _, numel = pid[:5]
    if not isinstance(key, str) or not _is_count(numel) or dtype not in STORAGE_TYPES.values():
        raise DamagedPickleError("it refers to unknown data")
    return StorageRecord(key, dtype, numel)


def _open_legacy(path: Path) -> WeightFile:
    """Open the format before torch 1.6: five pickles one after the other, then the bytes of the storages."""
    stream = path.open("rb")
    try:
        content, known = _legacy_content(path, stream)
        places = _legacy_places(path, read_pickle(stream), known, stream)

        def read(storage: StorageRecord) -> bytes:
            start, size = places.get(storage.key, (0, 0))
            stream.seek(start)
            return stream.read(size)

        return WeightFile(path, content, read, stream.close)
    except BaseException:
        stream.close()
        raise


def _legacy_content(path: Path, stream: IO[bytes]) -> tuple[Any, dict[str, StorageRecord]]:
    """Return the fourth pickle, and the storages that it refers to by key."""
    try:
        magic = read_pickle(stream)
    except DamagedPickleError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is not a PyTorch checkpoint."), _OTHER, name=path.name
        ) from error
    if magic != _LEGACY_MAGIC:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is not a PyTorch checkpoint."), _OTHER, name=path.name
        )
    if read_pickle(stream) != _LEGACY_PROTOCOL:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} was written by an unknown version of PyTorch."),
            _OTHER,
            name=path.name,
        )
    system = read_pickle(stream)
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} was written on a big-endian machine."), _OTHER, name=path.name
        )
    known: dict[str, StorageRecord] = {}

    def record(pid: Any) -> Any:
        if isinstance(pid, tuple) and len(pid) == 4 and pid[0] == "module":
            return pid[1]  # a class with its source text beside it
        if isinstance(pid, tuple) and len(pid) == 6 and pid[5] is not None:
            raise DamagedPickleError("it holds views of storages, as only PyTorch 0.x wrote them")
        found = _record(pid)
        return known.setdefault(found.key, found)

    return read_pickle(stream, record), known


def _legacy_places(
    path: Path, keys: Any, known: dict[str, StorageRecord], stream: IO[bytes]
) -> dict[str, tuple[int, int]]:
    """Return key → (offset, bytes) of the storages; each begins with its length as a 64-bit number."""
    if not isinstance(keys, list):
        raise DamagedPickleError("its list of storages is missing")
    places: dict[str, tuple[int, int]] = {}
    size, start = path.stat().st_size, stream.tell()
    for key in keys:
        storage = known.get(key) if isinstance(key, str) else None
        stream.seek(start)
        head = stream.read(8)
        if storage is None or len(head) < 8 or struct.unpack("<q", head)[0] != storage.numel:
            raise _truncated(path)
        length = storage.numel * getattr(torch, storage.dtype).itemsize
        places[storage.key] = (start + 8, length)
        start += 8 + length
        if start > size:
            raise _truncated(path)
    return places


def _checked(record: TensorRecord, path: Path) -> tuple[StorageRecord, torch.dtype]:
    """Return storage and number format of a record that stays inside its storage."""
    storage, sizes, strides = record.storage, record.size, record.stride
    good = isinstance(storage, StorageRecord) and _is_count(record.offset)
    for numbers in (sizes, strides):
        good = good and isinstance(numbers, tuple) and len(numbers) <= _MOST_DIMENSIONS
        good = good and all(_is_count(number) for number in numbers)
    if good and len(sizes) == len(strides) and record.dtype in (None, *STORAGE_TYPES.values()):
        dtype: torch.dtype = getattr(torch, record.dtype or storage.dtype)
        held = storage.numel * getattr(torch, storage.dtype).itemsize // dtype.itemsize
        count = math.prod(sizes)
        last = record.offset + sum((n - 1) * step for n, step in zip(sizes, strides, strict=True))
        if count == 0 or (count <= held and last < held):
            return storage, dtype
    raise AppError(
        QT_TRANSLATE_NOOP("core", "{name} is damaged: a tensor reaches beyond its data."),
        _AGAIN,
        name=path.name,
    )


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_FILE


def _truncated(path: Path) -> AppError:
    return AppError(QT_TRANSLATE_NOOP("core", "{name} is truncated or damaged."), _AGAIN, name=path.name)
