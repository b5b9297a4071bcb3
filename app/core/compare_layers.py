"""What every layer of two detectors takes inside the running model, side by side."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_PART = re.compile(r"\.(?:conv|act|bn)$")
"""Of ultralytics' Conv."""

_LAYER = re.compile(r"model\.(\d{1,4})(?:\.|$)")


@dataclass(frozen=True)
class ModuleMs:
    """A module on both sides, in milliseconds; None where a side has no such module."""

    path: str
    a_ms: float | None
    b_ms: float | None


@dataclass(frozen=True)
class LayerMs:
    """A layer and its modules.

    Attributes:
        path: `model.N`; "" for what the runtime could not attribute to a module.
        title: its type on both sides, for example "C3".
        a_ms, b_ms: what it takes, its modules together; None where a side has no such layer.
        modules: in order of execution.
    """

    path: str
    title: str
    a_ms: float | None
    b_ms: float | None
    modules: tuple[ModuleMs, ...]


@dataclass(frozen=True)
class SideMs:
    """One side as a whole.

    Attributes:
        weights: its file.
        p50_ms: the whole model, without a profiler, both sides taking turns.
        profiled_ms: the layers together, as the profiler tells them.
    """

    weights: str
    p50_ms: float
    profiled_ms: float


@dataclass(frozen=True)
class LayerComparison:
    """Both detectors layer by layer.

    Attributes:
        runtime, precision, device, threads, shape: what it was measured on.
        a, b: both sides.
        layers: by their place in the model.
        busy: share of the processors that others used meanwhile, where that was too much.
    """

    runtime: str
    precision: str
    device: str
    threads: int
    shape: tuple[int, int]
    a: SideMs
    b: SideMs
    layers: tuple[LayerMs, ...]
    busy: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> LayerComparison:
        """Read what `as_dict` gave.

        Raises:
            KeyError, TypeError: it is something else.
        """
        layers = tuple(
            LayerMs(**{**row, "modules": tuple(ModuleMs(**module) for module in row["modules"])})
            for row in data["layers"]
        )
        plain = {name: data[name] for name in ("runtime", "precision", "device", "threads", "busy")}
        shape = (int(data["shape"][0]), int(data["shape"][1]))
        return LayerComparison(
            **plain, shape=shape, a=SideMs(**data["a"]), b=SideMs(**data["b"]), layers=layers
        )


def layers_of(
    a: Mapping[str, float],
    b: Mapping[str, float],
    titles: Sequence[Mapping[str, str]],
    swapped: Collection[str] = (),
) -> tuple[LayerMs, ...]:
    """Return both sides' modules by layer, aligned by path.

    Args:
        a, b: module path → milliseconds.
        titles: path of a layer → its type, of both sides.
        swapped: modules that are swapped on either side: each counts as a whole.
    """
    a, b = (_folded(side, swapped) for side in (a, b))
    grouped: dict[str, dict[str, None]] = {}
    for path in (*a, *b):
        grouped.setdefault(_layer(path), {}).setdefault(path)
    return tuple(_row(path, list(grouped[path]), a, b, titles) for path in sorted(grouped, key=_place))


def _folded(rows: Mapping[str, float], swapped: Collection[str]) -> dict[str, float]:
    """Add up what belongs to one module: the parts of a swapped one, a convolution with its activation."""
    found: dict[str, float] = {}
    for path, ms in rows.items():
        site = next((one for one in swapped if path == one or path.startswith(f"{one}.")), None)
        whole = site if site is not None else _PART.sub("", path)
        found[whole] = found.get(whole, 0.0) + ms
    return found


def _layer(path: str) -> str:
    found = _LAYER.match(path)
    return f"model.{found[1]}" if found else ""


def _place(path: str) -> tuple[bool, int]:
    return path == "", int(path.rpartition(".")[2]) if path else 0


def _row(
    path: str,
    inside: Sequence[str],
    a: Mapping[str, float],
    b: Mapping[str, float],
    titles: Sequence[Mapping[str, str]],
) -> LayerMs:
    sums = [
        sum(side[one] for one in inside if one in side) if any(one in side for one in inside) else None
        for side in (a, b)
    ]
    words = dict.fromkeys(side[path] for side in titles if path in side)
    modules = tuple(ModuleMs(one, a.get(one), b.get(one)) for one in inside)
    return LayerMs(path, " / ".join(words), sums[0], sums[1], modules)
