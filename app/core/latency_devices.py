"""The latency tables that designs can be predicted with: those measured here, and those brought from other devices.

A table from another device is copied, so that it stays when the stick that it came on is gone. The copies lie beside
the preferences: unlike what is measured here, nobody can make them again here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from app.core import latency_cache
from app.core.errors import AppError
from app.core.folders import config_folder
from app.core.latency import LatencyTable, Setting
from app.core.text import QT_TRANSLATE_NOOP

_THERE = "device-"


@dataclass(frozen=True, eq=False)
class KnownTable:
    """A table to choose.

    Attributes:
        table: what was measured.
        here: whether it was on this machine, where more can be measured.
    """

    table: LatencyTable
    here: bool

    @property
    def key(self) -> str:
        """What tells it from every other one, across restarts."""
        return self.table.setting.key if self.here else f"{_THERE}{self.table.setting.key}"


def devices_folder() -> Path:
    """Return the folder of tables from other devices."""
    return config_folder() / "latency"


def known_tables() -> Iterator[KnownTable]:
    """Yield the tables of this machine as it is installed now, the last measured first, then those of other devices."""
    for path in _newest_first(latency_cache.folder()):
        table = latency_cache.read_table(path)
        if table is not None and table.wholes and is_current(table.setting):
            yield KnownTable(table, here=True)
    for path in _newest_first(devices_folder()):
        table = latency_cache.read_table(path)
        if table is not None:
            yield KnownTable(table, here=False)


def has_tables() -> bool:
    """Return whether there is anything to read."""
    return any(next(folder.glob("*.json"), None) for folder in (latency_cache.folder(), devices_folder()))


def _newest_first(folder: Path) -> list[Path]:
    found = []
    for path in folder.glob("*.json"):
        try:
            found.append((path.stat().st_mtime, path))
        except OSError:
            continue  # another process took it away meanwhile
    return [path for _, path in sorted(found, reverse=True)]


def is_current(setting: Setting) -> bool:
    """Return whether the packages that were measured are the ones installed now; those not installed say nothing."""
    for part in setting.version.split(", "):
        package, _, version = part.partition(" ")
        if version and _installed(package) not in ("", version):
            return False
    return True


@lru_cache
def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def add_device(path: Path) -> KnownTable:
    """Take a table that `latency --save-table` wrote on another device, in place of an older one of the same setting.

    Raises:
        AppError: it is no such table, holds no figures, or the folder of the preferences cannot be written.
    """
    table = latency_cache.load_table(path)
    if not table.wholes:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} holds no figures yet."),
            QT_TRANSLATE_NOOP("core", "Write it again with: latency DESIGN --save-table FILE."),
            name=path.name,
        )
    latency_cache.save_table(table, _file(table.setting))
    return KnownTable(table, here=False)


def forget_device(setting: Setting) -> None:
    """Remove a table that was taken from another device.

    Raises:
        AppError: it cannot be removed.
    """
    path = _file(setting)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be removed: {reason}."),
            QT_TRANSLATE_NOOP("core", "Remove it by hand."),
            path=path,
            reason=error.strerror or error,
        ) from error


def _file(setting: Setting) -> Path:
    return devices_folder() / f"{setting.key}.json"
