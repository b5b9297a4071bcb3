"""Everything that could be swapped, and exactly what each swap saves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from app.core.architecture import Architecture
from app.core.blocks import BLOCKS, BlockKind, refusal
from app.core.cost import check_imgsz, site_cost, swap_cost
from app.core.design import Design, Swap
from app.core.sites import mirrors, sites
from app.core.target_amount import NOTHING, Amount

_MOST_VARIANTS = 12


@dataclass(frozen=True, slots=True)
class Candidate:
    """A swap that could be made.

    Attributes:
        path: module path.
        swap: what it would become.
        saves: what that saves, exactly; negative where it costs more.
    """

    path: str
    swap: Swap
    saves: Amount


@dataclass(frozen=True)
class Speeds:
    """Milliseconds that add up, of some runtime on some device.

    Attributes:
        standard: of the whole standard model.
        changes: (module path, swap) → milliseconds that the swap adds; negative where it is faster.
        source: where they come from, for people.
        whole: predicts a whole design, where single changes do not quite add up to it.
    """

    standard: float
    changes: Mapping[tuple[str, Swap], float]
    source: str = ""
    whole: Callable[[Design], float | None] | None = None


class Predictor(Protocol):
    """What can tell milliseconds, such as `app.core.latency.LatencyTable`."""

    def predict(self, design: Design, imgsz: Any = ..., /) -> Any:
        """Return something with milliseconds in `.ms`, or None where nothing is known."""

    def saves(self, design: Design, path: str, swap: Swap, imgsz: Any = ..., /) -> float | None:
        """Return what a swap at a standard module saves, or None."""


def speeds_of(
    table: Predictor,
    design: Design,
    kinds: Sequence[str | Swap] | None = None,
    imgsz: int | tuple[int, int] = 640,
    source: str = "",
) -> Speeds | None:
    """Return the milliseconds of every swap on a design's base model, or None where nothing is known of it.

    Args:
        table: what was measured.
        design: whose base model and number of classes count.
        kinds: as `candidates` takes them.
        imgsz: input size in pixels.
        source: where they come from, for people.

    Raises:
        AppError: the size is not possible.
    """
    plain = design.cleared()
    standard = table.predict(plain, imgsz)
    if standard is None:
        return None
    changes: dict[tuple[str, Swap], float] = {}
    for path, swap in dict.fromkeys((*possible(design.architecture, kinds), *design.resolved().items())):
        saved = table.saves(plain, path, swap, imgsz)
        if saved is not None:
            changes[path, swap] = -saved

    def whole(made: Design) -> float | None:
        found = table.predict(made, imgsz)
        return None if found is None else float(found.ms)

    return Speeds(float(standard.ms), changes, source, whole)


def variants(kind: BlockKind) -> tuple[Swap, ...]:
    """Return a kind with its options: every combination that is offered, or, where those are many, one option
    changed at a time.
    """
    names = list(kind.options)
    offered = [kind.options[name].offered for name in names]
    count = 1
    for values in offered:
        count *= len(values)
    if count <= _MOST_VARIANTS:
        combinations = [dict(zip(names, values, strict=True)) for values in itertools.product(*offered)]
    else:
        combinations = [{}]
        combinations += [
            {name: value} for name, values in zip(names, offered, strict=True) for value in values
        ]
    return tuple(dict.fromkeys(Swap(kind.name, options) for options in combinations))


def candidates(
    architecture: Architecture,
    imgsz: int | tuple[int, int] = 640,
    kinds: Sequence[str | Swap] | None = None,
    speeds: Speeds | None = None,
) -> tuple[Candidate, ...]:
    """Return every swap that saves something, in the order of the modules.

    Args:
        architecture: the base model.
        imgsz: input size in pixels.
        kinds: block kinds to offer, with all their options, or swaps with these options alone; None offers all.
        speeds: milliseconds of swaps; where a swap has none, its saving of time is not known.

    Raises:
        AppError: the size is not possible.
    """
    found = []
    for path, swap in possible(architecture, kinds):
        one = candidate(architecture, path, swap, imgsz, speeds)
        if max(one.saves.flops, one.saves.parameters, one.saves.file_bytes, one.saves.ms or 0) > 0:
            found.append(one)
    return tuple(found)


def possible(
    architecture: Architecture, kinds: Sequence[str | Swap] | None = None
) -> Iterator[tuple[str, Swap]]:
    """Yield every module path with every swap that fits it, in the order of the modules."""
    allowed = _allowed(kinds)
    for path in sites(architecture):
        for swap in allowed:
            if refusal(architecture, path, swap.block, swap.options) is None:
                yield path, swap


def candidate(
    architecture: Architecture,
    path: str,
    swap: Swap,
    imgsz: int | tuple[int, int] = 640,
    speeds: Speeds | None = None,
) -> Candidate:
    """Return a swap with what it saves, be it nothing.

    Raises:
        AppError: the size is not possible.
    """
    height, width = check_imgsz(imgsz, architecture.cell)
    cells = (height // architecture.cell) * (width // architecture.cell)
    saves = NOTHING
    for twin in (path, *mirrors(architecture, path)):
        saves += Amount.of(site_cost(architecture, twin, cells), 0.0)
        saves -= Amount.of(swap_cost(architecture, twin, swap, cells), 0.0)
    change = None if speeds is None else speeds.changes.get((path, swap))
    return Candidate(path, swap, replace(saves, ms=None if change is None else -change))


def _allowed(kinds: Sequence[str | Swap] | None) -> tuple[Swap, ...]:
    def offered() -> Iterator[Swap]:
        for kind in BLOCKS if kinds is None else kinds:
            if isinstance(kind, Swap):
                yield kind
            else:
                yield from variants(BLOCKS[kind])

    return tuple(dict.fromkeys(offered()))
