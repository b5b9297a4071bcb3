"""Data sets in a zip archive: unpacked into the Studio's own cache, and only what a data set is made of.

An archive is a foreign file. Members that would land outside the folder, links, encrypted members and archives that
grow beyond all measure are refused before anything is written; programs, pickles and archives in it stay there.
"""

from __future__ import annotations

import hashlib
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from app.core.errors import AppError
from app.core.folders import cache_folder
from app.core.text import QT_TRANSLATE_NOOP, Text, size
from app.engine.dataset_items import fit_for_lists
from app.engine.dataset_tree import check_cancelled
from app.engine.pictures import PICTURE_SUFFIXES

Progress = Callable[[float, str], None]

MOST_MEMBERS = 2_000_000
MOST_BYTES = 200_000_000_000
LARGEST_RATIO = 1000
_KEPT_SUFFIXES = PICTURE_SUFFIXES | {".txt", ".xml", ".json", ".yaml", ".yml", ".names"}
_BLOCK = 1 << 20
_RESERVE = 500_000_000
_HINT = QT_TRANSLATE_NOOP("core", "Do not use it, or ask whoever made it for a plain archive.")


def unpacked(
    archive: Path, progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
) -> Path:
    """Return the folder with an archive's content; the same archive is unpacked once.

    Raises:
        AppError: the archive is broken, hostile or too large, the disk is full, or it was cancelled.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _checked(archive, opened)
            target = cache_folder() / "archives" / _digest(archive, opened)
            if not target.is_dir():
                _unpack(archive, opened, members, target, progress, cancelled)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as problem:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The archive {file} is broken: {why}."),
            QT_TRANSLATE_NOOP("core", "Fetch it again, or unpack it yourself and open the folder."),
            file=archive,
            why=str(problem)[:120] or type(problem).__name__,
        ) from problem
    except OSError as problem:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The archive {file} cannot be unpacked: {why}."),
            QT_TRANSLATE_NOOP(
                "core", "Check the disk's free space, or unpack it yourself and open the folder."
            ),
            file=archive,
            why=problem.strerror or str(problem),
        ) from problem
    return target


def _checked(archive: Path, opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members to unpack.

    Raises:
        AppError: a member could do harm.
    """
    infos = opened.infolist()
    if len(infos) > MOST_MEMBERS:
        raise _refusal(archive, QT_TRANSLATE_NOOP("core", "it holds more than 2 000 000 files"))
    kept, total, names = [], 0, set()
    for info in infos:
        _check_place(archive, info)
        suffix = PurePosixPath(info.filename).suffix.lower()
        if info.is_dir() or suffix not in _KEPT_SUFFIXES:
            continue
        if info.flag_bits & 0x1:
            raise _refusal(archive, QT_TRANSLATE_NOOP("core", "it is encrypted"))
        if info.file_size > LARGEST_RATIO * max(info.compress_size, 1000):
            raise _refusal(
                archive, QT_TRANSLATE_NOOP("core", "“{name}” would grow beyond all measure"), info.filename
            )
        if info.filename in names:
            raise _refusal(archive, QT_TRANSLATE_NOOP("core", "it holds “{name}” twice"), info.filename)
        names.add(info.filename)
        total += info.file_size
        kept.append(info)
    free = shutil.disk_usage(_existing(cache_folder())).free - _RESERVE
    if total > min(free, MOST_BYTES):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The archive {file} holds {size}, more than there is room for."),
            QT_TRANSLATE_NOOP("core", "Free some space, or unpack it yourself and open the folder."),
            file=archive,
            size=size(total),
        )
    return kept


def _check_place(archive: Path, info: zipfile.ZipInfo) -> None:
    name = info.filename
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0]:
        raise _refusal(archive, QT_TRANSLATE_NOOP("core", "“{name}” would lie outside its folder"), name)
    if not fit_for_lists(name):
        raise _refusal(archive, QT_TRANSLATE_NOOP("core", "the name “{name}” holds control characters"), name)
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refusal(archive, QT_TRANSLATE_NOOP("core", "“{name}” is a link or a device"), name)


def _refusal(archive: Path, why: str, name: str = "") -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "The archive {file} is refused: {why}."),
        _HINT,
        file=archive,
        why=Text(why, {"name": name[:120]} if name else None),
    )


def _digest(archive: Path, opened: zipfile.ZipFile) -> str:
    """Return a name for the content: from the members' names, sizes and checksums."""
    digest = hashlib.blake2b(digest_size=12)
    for info in opened.infolist():
        digest.update(repr((info.filename, info.file_size, info.CRC)).encode("utf-8", "surrogatepass"))
    return f"{archive.stem[:40]}-{digest.hexdigest()}" if fit_for_lists(archive.stem) else digest.hexdigest()


def _unpack(
    archive: Path,
    opened: zipfile.ZipFile,
    members: list[zipfile.ZipInfo],
    target: Path,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> None:
    """Unpack into a folder that takes its name only when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=target.parent))
    try:
        for number, info in enumerate(members):
            if number % 50 == 0:
                check_cancelled(cancelled)
                if progress is not None:
                    progress(0.0, f"{number} / {len(members)}")
            place = partial.joinpath(*info.filename.replace("\\", "/").split("/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            _copy(archive, opened, info, place, cancelled)
        if not target.is_dir():
            partial.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _copy(
    archive: Path,
    opened: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    place: Path,
    cancelled: Callable[[], bool] | None,
) -> None:
    """Copy one member, never more of it than it claims."""
    left = info.file_size
    with opened.open(info) as source, place.open("xb") as sink:
        while block := source.read(_BLOCK):
            check_cancelled(cancelled)
            left -= len(block)
            if left < 0:
                raise _refusal(
                    archive, QT_TRANSLATE_NOOP("core", "“{name}” is larger than it claims"), info.filename
                )
            sink.write(block)


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
