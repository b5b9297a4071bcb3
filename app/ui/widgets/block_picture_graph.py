"""A block as a graph: which operations it is made of, what they read, which of them repeat. No painting here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.core.architecture import Convolution
from app.core.blocks import Part

DEPTHWISE, POINTWISE, GROUPED, DENSE, SQUEEZE = "depthwise", "pointwise", "grouped", "dense", "squeeze"
BOXES = frozenset({DEPTHWISE, POINTWISE, GROUPED, DENSE, SQUEEZE})
"""What is drawn as a box; everything else is a small circle."""


@dataclass(frozen=True, slots=True)
class Op:
    """One thing that the picture shows.

    Attributes:
        what: one of BOXES, or "input", "concat", "add", "mul", "pool", "split", "shuffle", "other".
        conv: the convolution behind a box.
        inputs: indices of the operations that it reads.
        halves: those of them of which it reads half of the channels.
        rank: how far down it stands.
        lane: how far right.
    """

    what: str
    conv: Convolution | None
    inputs: tuple[int, ...]
    halves: tuple[int, ...] = ()
    rank: int = 0
    lane: int = 0


@dataclass(frozen=True, slots=True)
class Repeat:
    """A run of operations that stands several times, one after the other, and is drawn once."""

    first: int
    last: int
    times: int


@dataclass(frozen=True)
class BlockGraph:
    """The operations in order, the block's input first; the last one is its output."""

    ops: tuple[Op, ...]
    repeats: tuple[Repeat, ...]

    @property
    def ranks(self) -> int:
        """How many rows the picture has."""
        return max(op.rank for op in self.ops) + 1

    @property
    def lanes(self) -> int:
        """How many columns the picture has."""
        return max(op.lane for op in self.ops) + 1


def block_graph(parts: Sequence[Part], channels: int) -> BlockGraph:
    """Return the graph of a block's parts.

    A squeeze-and-excitation becomes one box, a shortcut that is added in place an operation of its own, and equal
    runs of parts are drawn once.

    Args:
        parts: the block.
        channels: of its input.
    """
    ops = _operations(parts, channels)
    shortened, repeats = _folded(ops)
    return BlockGraph(_placed(shortened), repeats)


def sort_of(conv: Convolution) -> str:
    """Return what sort of convolution it is: DEPTHWISE, POINTWISE, GROUPED or DENSE."""
    if conv.g > 1:
        return DEPTHWISE if conv.c1 == conv.g else GROUPED
    return POINTWISE if conv.is_pointwise else DENSE


def _operations(parts: Sequence[Part], channels: int) -> list[Op]:
    ops = [Op("input", None, ())]
    made = {0: 0}
    wide = {0: channels}
    skipped: dict[int, int] = {}
    for number, part in enumerate(parts, 1):
        conv = part.conv
        if (conv is None and part.op == "pool" and part.whole) or (conv is not None and conv.whole):
            skipped[number] = skipped.get(part.inputs[0], made.get(part.inputs[0], 0))
            if conv is not None and _ends_squeeze(parts, number):
                ops.append(Op(SQUEEZE, conv, (skipped[number],)))
                made[number] = len(ops) - 1
            continue
        reads = tuple(dict.fromkeys(made[one] for one in part.inputs))
        if conv is None:
            ops.append(Op(part.op, None, reads))
            wide[len(ops) - 1] = part.elements
        else:
            source = made[part.inputs[0]]
            half = (source,) if wide.get(source) == 2 * conv.c1 else ()
            ops.append(Op(sort_of(conv), conv, (source,), half))
            wide[len(ops) - 1] = conv.c2
            added = tuple(made[one] for one in part.inputs[1:])
            if added:
                ops.append(Op("add", None, (len(ops) - 1, *added)))
                wide[len(ops) - 1] = conv.c2
        made[number] = len(ops) - 1
    return ops


def _ends_squeeze(parts: Sequence[Part], number: int) -> bool:
    """Return whether what the part makes is multiplied onto the channels next."""
    return any(part.op == "mul" and number in part.inputs for part in parts)


def _shape(ops: list[Op], index: int) -> tuple[object, ...]:
    """Return what two operations must share to be the same one again, further on."""
    op = ops[index]
    return op.what, op.conv, tuple(index - one for one in op.inputs)


def _folded(ops: list[Op]) -> tuple[list[Op], tuple[Repeat, ...]]:
    """Return the operations with the longest equal runs drawn once."""
    best = (0, 0, 1)
    for size in range(2, len(ops) // 2 + 1):
        for first in range(1, len(ops) - size):
            times = _times(ops, first, size)
            if times > 1 and size * (times - 1) > best[1] * (best[2] - 1):
                best = (first, size, times)
    first, size, times = best
    if times == 1:
        return ops, ()
    gone = size * (times - 1)
    kept: list[Op] = []

    def moved(one: int) -> int:
        if one < first + size:
            return one
        return first + (one - first) % size if one < first + size * times else one - gone

    for index, op in enumerate(ops):
        if not first + size <= index < first + size * times:
            kept.append(replace(op, inputs=tuple(dict.fromkeys(moved(one) for one in op.inputs))))
    return kept, (Repeat(first, first + size - 1, times),)


def _times(ops: list[Op], first: int, size: int) -> int:
    """Return how often the run of `size` operations from `first` on stands in a row."""
    times = 1
    while True:
        start = first + size * times
        if start + size > len(ops):
            return times
        if any(_shape(ops, first + i) != _shape(ops, start + i) for i in range(size)):
            return times
        times += 1


def _placed(ops: list[Op]) -> tuple[Op, ...]:
    """Return the operations with their places: as far up as what they read allows, below it where that is free."""
    ranks: list[int] = []
    lanes: list[int] = []
    for op in ops:
        ranks.append(max((ranks[one] + 1 for one in op.inputs), default=0))
    busy: dict[int, set[int]] = {}
    for index, op in enumerate(ops):
        taken = busy.setdefault(ranks[index], set())
        wanted = sorted(lanes[one] for one in op.inputs)
        if op.what == SQUEEZE:
            wanted = [lane + 1 for lane in wanted]
        free = [lane for lane in wanted if lane not in taken]
        lane = free[0] if free else next(n for n in range(len(taken) + 1) if n not in taken)
        lanes.append(lane)
        for one in op.inputs:
            for rank in range(ranks[one] + 1, ranks[index]):
                busy.setdefault(rank, set()).add(lane if lane != lanes[one] else lanes[one])
        taken.add(lane)
    return tuple(replace(op, rank=ranks[i], lane=lanes[i]) for i, op in enumerate(ops))
