"""Measured figures on disk: one file a setting in the cache folder, and tables that travel to other machines.

A file that is broken, of another version or of another setting counts as none: what it held is measured again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.files import write_text
from app.core.folders import cache_folder
from app.core.latency import Figure, LatencyTable, Setting, UnitTime, Whole
from app.core.latency_units import Unit
from app.core.text import QT_TRANSLATE_NOOP

FORMAT = 1
"""Version of the file; also counts changes of the signatures."""

_WHAT = "latency table of Depthwise Studio"
_LARGEST = 64_000_000


def folder() -> Path:
    """Return the folder of the files, one a setting."""
    return cache_folder() / "latency"


def file_of(setting: Setting) -> Path:
    """Return the file that keeps the figures of a setting."""
    return folder() / f"{setting.key}.json"


def cached(setting: Setting, forms: Mapping[str, str] | None = None) -> LatencyTable:
    """Return what is known in a setting; an empty table where nothing is.

    Args:
        setting: where and how.
        forms: the forms that run there; kept from the file where None. Signatures name the form, so figures of
            other forms do not mix in.
    """
    known = read_table(file_of(setting))
    if known is None or known.setting != setting:
        return LatencyTable(setting, forms=forms or {})
    return LatencyTable(setting, known.wholes, known.forms if forms is None else forms)


def keep(table: LatencyTable) -> None:
    """Write a table to the cache, beside what another process may have added meanwhile.

    Raises:
        AppError: the cache folder cannot be written.
    """
    known = cached(table.setting)
    mine = {(whole.key, whole.shape) for whole in table.wholes}
    others = tuple(whole for whole in known.wholes if (whole.key, whole.shape) not in mine)
    merged = LatencyTable(table.setting, (*others, *table.wholes), table.forms)
    save_table(merged, file_of(table.setting))


def save_table(table: LatencyTable, path: Path) -> None:
    """Write a table to a file, whole or not at all.

    Raises:
        AppError: the file cannot be written.
    """
    try:
        write_text(path, json.dumps(to_json(table), separators=(",", ":")) + "\n")
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} cannot be written: {reason}."),
            QT_TRANSLATE_NOOP("core", "Choose another folder or name."),
            path=path,
            reason=error.strerror or error,
        ) from error


def load_table(path: Path) -> LatencyTable:
    """Read a table that `latency --save-table` wrote, perhaps on another machine.

    Raises:
        AppError: it cannot be read, or is no such table.
    """
    if not path.is_file():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no file {path}."),
            QT_TRANSLATE_NOOP("core", "Write one with: latency DESIGN --save-table FILE."),
            path=path,
        )
    table = read_table(path)
    if table is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is no latency table that this version can read."),
            QT_TRANSLATE_NOOP("core", "Write it again with: latency DESIGN --save-table FILE."),
            name=path.name,
        )
    return table


def read_table(path: Path) -> LatencyTable | None:
    """Read a table, or return None where the file is none."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        return from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None


def to_json(table: LatencyTable) -> dict[str, Any]:
    """Return a table as plain data; each signature stands in it once."""
    numbers: dict[str, int] = {}
    shared: list[list[Any]] = []
    wholes = []
    for whole in table.wholes:
        rows = []
        for row in whole.units:
            unit = row.unit
            number = numbers.setdefault(unit.signature, len(shared))
            if number == len(shared):
                shared.append([unit.signature, unit.family, unit.flops, unit.numbers])
            rows.append([unit.path, number, round(row.ms, 5)])
        wholes.append(
            {
                "key": whole.key,
                "base": whole.base,
                "classes": whole.classes,
                "shape": list(whole.shape),
                "figure": asdict(whole.figure),
                "standard_ms": whole.standard_ms,
                "ratio": whole.ratio,
                "units": rows,
            }
        )
    return {
        "what": _WHAT,
        "format": FORMAT,
        "setting": asdict(table.setting),
        "forms": dict(table.forms),
        "signatures": shared,
        "wholes": wholes,
    }


def from_json(data: Any) -> LatencyTable | None:
    """Read what `to_json` made; None for another version.

    Raises:
        KeyError, IndexError, TypeError, ValueError, AttributeError: it is something else.
    """
    if data["what"] != _WHAT or data["format"] != FORMAT:
        return None
    told = data["setting"]
    setting = Setting(
        **{
            name: str(told[name])
            for name in ("machine", "hardware", "device", "runtime", "version", "precision")
        },
        threads=int(told["threads"]),
        batch=int(told["batch"]),
    )
    shared = [(str(s), str(f), int(flops), int(n)) for s, f, flops, n in data["signatures"]]
    wholes = tuple(_whole(row, shared) for row in data["wholes"])
    return LatencyTable(setting, wholes, {str(k): str(v) for k, v in data["forms"].items()})


def _whole(data: Mapping[str, Any], shared: list[tuple[str, str, int, int]]) -> Whole:
    height, width = data["shape"]
    told = data["figure"]
    times = {name: _number(told[name]) for name in ("p50_ms", "p95_ms", "low_ms", "high_ms", "spread")}
    figure = Figure(**times, runs=int(told["runs"]))
    units = tuple(
        UnitTime(Unit(str(path), *shared[number]), _number(ms)) for path, number, ms in data["units"]
    )
    standard_ms, ratio = _number(data["standard_ms"]), _number(data["ratio"])
    if not (figure.p50_ms and standard_ms and ratio):
        raise ValueError("a model that takes no time")
    return Whole(
        key=str(data["key"]),
        base=str(data["base"]),
        classes=int(data["classes"]),
        shape=(int(height), int(width)),
        figure=figure,
        standard_ms=standard_ms,
        ratio=ratio,
        units=units,
    )


def _number(value: Any) -> float:
    """Return a number from 0 on.

    Raises:
        ValueError: it is negative, not finite or out of all proportion.
    """
    number = float(value)
    if not 0 <= number < 1e9:
        raise ValueError(f"no figure: {value}")
    return number
