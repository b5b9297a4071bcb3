"""What a thorough look at each picture gave, kept between checks.

Kept in SQLite in the Studio's cache: numbers, short texts and a grey miniature; nothing that could run. An entry
counts as long as the file has the same size and time of change.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.folders import cache_folder
from app.engine.dataset_tree import check_cancelled
from app.engine.pictures import PictureError, PictureInfo, large_pictures_allowed, look_through

Progress = Callable[[float, str], None]
Grey = bytes

FORMAT = 1
_CHUNK = 128
_TABLE = """CREATE TABLE IF NOT EXISTS looks (
    path TEXT PRIMARY KEY, bytes INTEGER, changed INTEGER, reason TEXT, detail TEXT, format TEXT, width INTEGER,
    height INTEGER, loose INTEGER, orientation INTEGER, deep INTEGER, pages INTEGER, mode TEXT, grey BLOB
) WITHOUT ROWID"""
_COLUMNS = 14
_PATIENCE_S = 3.0
"""How long to wait for another process that writes: it does for some milliseconds at a time."""


@dataclass(frozen=True)
class Look:
    """What is known of a picture file.

    Attributes:
        bytes: its size; 0 where it cannot be asked.
        picture: what its header says; None where it cannot be used.
        reason: why it cannot be used: a reason of `PictureError`.
        detail: in a few words.
        grey: the picture upright, grey, 16×16, a byte a pixel; empty where it cannot be used.
    """

    bytes: int
    picture: PictureInfo | None
    reason: str = ""
    detail: str = ""
    grey: Grey = b""


def look(path: Path, bytes_: int | None = None) -> Look:
    """Look at a picture thoroughly; never fails."""
    size = bytes_ or 0
    try:
        size = path.stat().st_size if bytes_ is None else bytes_
        picture, grey = look_through(path)
        return Look(size, picture, grey=grey)
    except PictureError as problem:
        return Look(size, None, problem.reason, problem.detail)
    except OSError as problem:
        return Look(size, None, "unreadable", problem.strerror or type(problem).__name__)


class Looks:
    """The looks at the pictures of one data set; use it as a context.

    Args:
        root: of the data set, which names the file in the cache.
    """

    def __init__(self, root: Path) -> None:
        name = hashlib.blake2b(os.fsencode(root.absolute()), digest_size=12).hexdigest()
        self._path = cache_folder() / "datasets" / f"{name}-{FORMAT}.sqlite"
        self._base: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Looks:
        """Open the cache; without one everything is looked at anew.

        One that another process holds stays as it is: it is well, and a second look costs less than a long wait.
        """
        try:
            self._base = self._opened()
        except sqlite3.DatabaseError as problem:
            if problem.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                with contextlib.suppress(sqlite3.Error):
                    self._base = self._opened(anew=True)
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what was seen."""
        if self._base is not None:
            with contextlib.suppress(sqlite3.Error):
                self._base.commit()
            self._base.close()
            self._base = None

    def at(
        self,
        pictures: Sequence[Path],
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Iterator[Look]:
        """Look at pictures, those that have not changed from memory, the rest on all cores; in order.

        Raises:
            AppError: it was cancelled.
        """
        with large_pictures_allowed(), ThreadPoolExecutor(min(os.cpu_count() or 2, 16)) as pool:
            for start in range(0, len(pictures), _CHUNK):
                check_cancelled(cancelled)
                if progress is not None:
                    progress(start / len(pictures), f"{start} / {len(pictures)}")
                yield from self._chunk(pictures[start : start + _CHUNK], pool)

    def _chunk(self, pictures: Sequence[Path], pool: ThreadPoolExecutor) -> Iterable[Look]:
        known = self._known(pictures)
        marks = [_mark(picture) for picture in pictures]
        found = list(
            pool.map(
                lambda pair: _recalled(known.get(str(pair[0])), pair[1]) or look(pair[0]),
                zip(pictures, marks, strict=True),
            )
        )
        fresh = [
            _row(picture, mark, seen)
            for picture, mark, seen in zip(pictures, marks, found, strict=True)
            if mark is not None and _recalled(known.get(str(picture)), mark) is None
        ]
        self._keep(fresh)
        return found

    def _known(self, pictures: Sequence[Path]) -> dict[str, tuple[Any, ...]]:
        if self._base is None:
            return {}
        question = f"SELECT * FROM looks WHERE path IN ({','.join('?' * len(pictures))})"
        try:
            with self._lock:
                return {row[0]: row for row in self._base.execute(question, [str(path) for path in pictures])}
        except (sqlite3.Error, UnicodeError):
            return {}

    def _keep(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if self._base is None or not rows:
            return
        marks = ",".join("?" * _COLUMNS)
        try:
            with self._lock:
                self._base.executemany(f"INSERT OR REPLACE INTO looks VALUES ({marks})", rows)
                self._base.commit()
        except (sqlite3.Error, UnicodeError):
            self._base = None  # a full disk or a broken cache: the check goes on without

    def _opened(self, anew: bool = False) -> sqlite3.Connection | None:
        """Open the cache; None where there cannot be one.

        Raises:
            sqlite3.DatabaseError: Another process holds it, or it is no cache.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if anew:
                self._path.unlink(missing_ok=True)
            base = sqlite3.connect(self._path, timeout=_PATIENCE_S, check_same_thread=False)
        except (sqlite3.OperationalError, OSError):
            return None
        try:
            base.execute("PRAGMA synchronous=OFF")  # what is lost can be made again
            base.execute(_TABLE)
            base.execute("SELECT grey FROM looks LIMIT 1").fetchone()
        except sqlite3.Error:
            base.close()
            raise
        return base


def _mark(picture: Path) -> tuple[int, int] | None:
    """Return size and time of change; None where the file cannot be asked."""
    try:
        status = picture.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _row(picture: Path, mark: tuple[int, int], seen: Look) -> tuple[Any, ...]:
    info = seen.picture or PictureInfo("", 0, 0)
    return (
        *(str(picture), *mark, seen.reason, seen.detail, info.format, info.width, info.height),
        *(int(info.loose_end), info.orientation, int(info.deep), info.pages, info.mode, seen.grey),
    )


def _recalled(row: tuple[Any, ...] | None, mark: tuple[int, int] | None) -> Look | None:
    if row is None or mark is None or row[1:3] != mark:
        return None
    _, size, _, reason, detail, form, width, height, loose, orientation, deep, pages, mode, grey = row
    if reason:
        return Look(size, None, reason, detail)
    info = PictureInfo(form, width, height, bool(loose), orientation, bool(deep), pages, mode)
    return Look(size, info, grey=bytes(grey))
