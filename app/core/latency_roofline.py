"""The roofline: how fast each module could at best be, by the machine's memory and arithmetic, and how fast it is.

A module that does I operations for each byte it moves can do at most min(peak, I · bandwidth) operations a second
(Williams, Waterman and Patterson 2009, *Roofline: an insightful visual performance model*).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from app.core.cost import check_imgsz
from app.core.design import Design
from app.core.files import write_text
from app.core.folders import cache_folder
from app.core.latency import LatencyTable, Setting
from app.core.latency_units import changes

FORMAT = 1

BYTES: Mapping[str, int] = MappingProxyType({"f32": 4, "bf16": 2, "f16": 2, "int8": 1})
"""Precision → bytes of a number."""


@dataclass(frozen=True)
class Roof:
    """What a machine can do at best, measured.

    Attributes:
        bytes_per_s: memory bandwidth.
        flops_per_s: arithmetic, in the setting's precision.
    """

    bytes_per_s: float
    flops_per_s: float

    @property
    def ridge(self) -> float:
        """Operations per byte from which arithmetic is the limit, not memory."""
        return self.flops_per_s / self.bytes_per_s

    def attainable(self, intensity: float) -> float:
        """Return the operations a second that a module of so many operations per byte can reach."""
        return min(self.flops_per_s, intensity * self.bytes_per_s)


@dataclass(frozen=True)
class Point:
    """A module in the plot.

    Attributes:
        path: module path.
        kind: block kind, None where it is standard.
        intensity: operations per byte read and written, weights included; as if nothing stayed in a cache.
        flops_per_s: operations a second that it reaches.
        ms: what it takes.
    """

    path: str
    kind: str | None
    intensity: float
    flops_per_s: float
    ms: float


def points(table: LatencyTable, design: Design, imgsz: int | tuple[int, int] = 640) -> tuple[Point, ...]:
    """Return the modules of a design that compute something, in order of execution; none where nothing was measured.

    Args:
        table: what was measured.
        design: any design.
        imgsz: input side, or (height, width), in pixels.

    Raises:
        AppError: the size is not possible.
    """
    shape = check_imgsz(imgsz, design.architecture.cell)
    times = {row.path: row.lightweight_ms for row in table.modules(design, shape)}
    size, batch = BYTES.get(table.setting.precision, 4), table.setting.batch
    found = []
    for row in changes(design, shape, table.forms):
        ms = times.get(row.path, 0.0)
        flops = sum(unit.flops for unit in row.after) * batch
        moved = sum(unit.numbers for unit in row.after) * batch * size
        if flops and moved and ms > 0:
            found.append(Point(row.path, row.kind, flops / moved, flops / ms * 1e3, ms))
    return tuple(found)


def roof_file() -> Path:
    """Return the file of what was measured here."""
    return cache_folder() / "latency-roofs.json"


def kept_roof(setting: Setting) -> Roof | None:
    """Return the roof measured for a setting, or None."""
    try:
        row = _read()[roof_key(setting)]
        roof = Roof(float(row["bytes_per_s"]), float(row["flops_per_s"]))
    except (KeyError, TypeError, ValueError):
        return None
    return roof if 0 < roof.bytes_per_s < 1e18 and 0 < roof.flops_per_s < 1e21 else None


def keep_roof(setting: Setting, roof: Roof) -> None:
    """Write a measured roof; those of other settings stay.

    Raises:
        OSError: the cache folder cannot be written.
    """
    known = {**_read(), roof_key(setting): asdict(roof)}
    write_text(roof_file(), json.dumps({"format": FORMAT, "roofs": known}, indent=1, sort_keys=True) + "\n")


def roof_key(setting: Setting) -> str:
    """Return what a roof depends on: the machine, the threads and the precision, not the runtime."""
    return f"{setting.machine} {setting.hardware} {setting.device} {setting.threads} {setting.precision}"


def _read() -> dict[str, dict[str, float]]:
    try:
        data = json.loads(roof_file().read_text(encoding="utf-8"))
        return dict(data["roofs"]) if data["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
