"""The inside of an open layer: its convolutions and joins, from left to right, in lanes.

What was swapped as a whole stands there as one node; what could be is outlined as a group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from app.core.architecture import Architecture, Layer, Step
from app.core.sites import original, sites

CONV_WIDTH = 88.0
_JOIN = 16.0
_GAP = 14.0
_LANE_GAP = 22.0
GROUP_SIDE = 7.0
"""Room between a group's outline and what it holds."""
_TITLE = 12.0
"""Room above the nodes for the titles of groups."""
NODES = frozenset({"conv", "module"})
"""Operations that are shown as boxes; the others are joins."""
_RISE = 8.0
"""How far above the nodes a shortcut passes."""


@dataclass(frozen=True, slots=True)
class Item:
    """A convolution or join, placed relative to the inside of its frame (in the head: to its level's block).

    Attributes:
        path: module path.
        op: "conv", "module" (swapped as a whole), "add", "concat" or "pool".
        rect: its place.
        level: pyramid level of its output; 0 where it has none.
    """

    path: str
    op: str
    rect: QRectF
    level: int


@dataclass(frozen=True, slots=True)
class InnerLink:
    """A link between two items by index; None is the frame's edge. `rise` is the height it arcs by, 0 for none."""

    source: int | None
    target: int | None
    rise: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """The outline of a module that can be replaced as a whole, around its items by index."""

    path: str
    items: tuple[int, ...]


@dataclass(frozen=True)
class Inner:
    """The inside of a layer.

    Attributes:
        items: what it shows, in order of execution.
        links: the links between them.
        width, height: size of the inside.
        levels: level → height of its block, for a head.
        groups: modules inside it that can be replaced as a whole.
        placed: rectangles of the items in the diagram, once they have been placed there.
    """

    items: tuple[Item, ...]
    links: tuple[InnerLink, ...]
    width: float
    height: float
    levels: tuple[tuple[int, float], ...]
    groups: tuple[Group, ...] = ()
    placed: tuple[QRectF, ...] = ()

    def level_height(self, level: int) -> float:
        """Return the height of what a head shows in the row of a level."""
        return dict(self.levels).get(level, 0.0)


def inner_layout(
    architecture: Architecture, layer: Layer, node_height: float, swapped: frozenset[str] = frozenset()
) -> Inner:
    """Return how the inside of a layer is laid out.

    Args:
        architecture: the base model.
        layer: a layer with several convolutions.
        node_height: height of a convolution.
        swapped: paths of modules that are swapped as a whole.
    """
    graph = _Graph(architecture, layer, swapped)
    lanes = graph.lanes()
    head = layer.c2 == 0
    levels = [_level(step, architecture.cell) for step in graph.steps]
    if head:
        read = {architecture.layers[source].level for source in layer.sources}
        levels = [level if level in read else 0 for level in levels]
    ranks = _behind(graph.ranks(), levels) if head else graph.ranks()
    groups = _groups(architecture, layer, graph)
    lefts, width = _columns(graph, ranks, groups)
    rows = _rows(levels, lanes) if head else lanes
    rise = _RISE + (_TITLE if groups else 0.0)
    pitch = node_height + _LANE_GAP
    items = []
    for index, op in enumerate(graph.ops):
        is_node = op in NODES
        wide, high = (CONV_WIDTH, node_height) if is_node else (_JOIN, _JOIN)
        top = rise + rows[index] * pitch + (node_height - high) / 2
        place = QRectF(lefts[ranks[index]], top, wide, high)
        items.append(Item(graph.paths[index], op, place, levels[index]))
    heights: dict[int, float] = {}
    for index, item in enumerate(items):
        heights[item.level] = max(heights.get(item.level, 0.0), rise + (rows[index] + 1) * pitch - _LANE_GAP)
    links = graph.links(lanes, ranks, node_height / 2 + _RISE)
    tall = max(heights.values()) + (GROUP_SIDE if groups else 0.0)
    return Inner(tuple(items), links, width, tall, tuple(heights.items()), groups)


def _groups(architecture: Architecture, layer: Layer, graph: _Graph) -> tuple[Group, ...]:
    """Return the modules strictly inside a layer that can be replaced as a whole and are not."""
    found = []
    for path in sites(architecture):
        if path not in architecture.convolutions and path.startswith(f"{layer.path}."):
            inside = tuple(
                i
                for i, (one, op) in enumerate(zip(graph.paths, graph.ops, strict=True))
                if one.startswith(f"{path}.") or (one == path and op not in NODES)
            )
            if inside:
                found.append(Group(path, inside))
    return tuple(found)


def _level(step: Step, cell: int) -> int:
    """Return the pyramid level of a convolution's output, 0 where its pixels make no square."""
    if step.conv is None:
        return 0
    side = math.isqrt(step.conv.pixels)
    if not side or side * side != step.conv.pixels or cell % side:
        return 0
    return (cell // side).bit_length() - 1


def _columns(graph: _Graph, ranks: list[int], groups: tuple[Group, ...]) -> tuple[dict[int, float], float]:
    """Return rank → left edge, and the whole width; a group's outline has room at both ends."""
    starts = {min(ranks[i] for i in group.items) for group in groups}
    ends = {max(ranks[i] for i in group.items) for group in groups}
    lefts: dict[int, float] = {}
    x = 0.0
    for rank in range(max(ranks) + 1):
        ops = [op for op, r in zip(graph.ops, ranks, strict=True) if r == rank]
        x += GROUP_SIDE if rank in starts else 0.0
        lefts[rank] = x
        x += (CONV_WIDTH if any(op in NODES for op in ops) else _JOIN) + _GAP
        x += GROUP_SIDE if rank in ends else 0.0
    return lefts, x - _GAP


def _behind(ranks: list[int], levels: list[int]) -> list[int]:
    """Return the ranks of a head's items, with what belongs to no level behind all that does."""
    last = max((rank for rank, level in zip(ranks, levels, strict=True) if level), default=-1)
    loose = [rank for rank, level in zip(ranks, levels, strict=True) if not level]
    first = min(loose, default=0)
    return [
        rank if level or last < first else last + 1 + rank - first
        for rank, level in zip(ranks, levels, strict=True)
    ]


def _rows(levels: list[int], lanes: list[int]) -> list[int]:
    """Return the row of each item of a head, in which they count anew for each level."""
    by_level: dict[int, list[int]] = {}
    for level, lane in zip(levels, lanes, strict=True):
        known = by_level.setdefault(level, [])
        if lane not in known:
            known.append(lane)
    return [by_level[level].index(lane) for level, lane in zip(levels, lanes, strict=True)]


class _Graph:
    """The steps of a layer that are shown, and what each reads.

    Attributes:
        steps: what is shown; of a module that is swapped as a whole its last step.
        paths, ops: path and operation of each; "module" is one that is swapped as a whole.
        inputs: what each reads by index; None is the layer's input.
        outputs: what leaves the layer.
    """

    def __init__(self, architecture: Architecture, layer: Layer, swapped: frozenset[str]) -> None:
        self.steps: list[Step] = []
        self.paths: list[str] = []
        self.ops: list[str] = []
        self.inputs: list[list[int | None]] = []
        origin: dict[int, list[int | None]] = {}
        inside = {path for path in swapped if path.startswith(f"{layer.path}.")}
        last = 0
        for number in architecture.steps_in(layer.path):
            step = architecture.steps[number]
            if original(step.path) != step.path:
                shown = [i for i, path in enumerate(self.paths) if path == original(step.path)]
                origin[number + 1] = list(shown)
                last = number + 1
                continue
            reads: list[int | None] = []
            for tensor in step.inputs:
                reads.extend(source for source in origin.get(tensor, [None]) if source not in reads)
            holder = next((path for path in inside if _holds(path, step.path)), "")
            if holder and self.paths and self.paths[-1] == holder:
                self.steps[-1] = step
                self.inputs[-1] += [r for r in reads if r != len(self.paths) - 1 and r not in self.inputs[-1]]
            elif holder or self.is_shown(step, layer):
                self.steps.append(step)
                self.paths.append(holder or step.path)
                self.ops.append("module" if holder else step.op)
                self.inputs.append(reads)
            else:
                origin[number + 1] = reads
                last = number + 1
                continue
            origin[number + 1] = [len(self.steps) - 1]
            last = number + 1
        self.outputs = [source for source in origin[last] if source is not None]

    @staticmethod
    def is_shown(step: Step, layer: Layer) -> bool:
        """A head's own operations only decode its predictions: they are passed through."""
        if step.conv is not None:
            return True
        return step.op in {"add", "concat", "pool"} and not (layer.c2 == 0 and step.path == layer.path)

    def ranks(self) -> list[int]:
        ranks: list[int] = []
        for reads in self.inputs:
            ranks.append(max((ranks[source] + 1 for source in reads if source is not None), default=0))
        return ranks

    def lanes(self) -> list[int]:
        """Give each item the lane of what it reads first, or the first lane that is still free."""
        lanes: list[int] = []
        ends: dict[int, int] = {}
        ranks = self.ranks()
        for index, reads in enumerate(self.inputs):
            sources = [source for source in reads if source is not None]
            wanted = [lanes[source] for source in sources]
            free = [lane for lane in wanted if ends.get(lane, -1) < ranks[index]]
            lane = min(free) if free else next(n for n in range(len(ends) + 1) if ends.get(n, -1) < 0)
            lanes.append(lane)
            ends[lane] = ranks[index]
        return lanes

    def links(self, lanes: list[int], ranks: list[int], rise: float) -> tuple[InnerLink, ...]:
        """Return the links; one that would run through what stands in its lane rises over it."""
        links = []
        for target, reads in enumerate(self.inputs):
            for source in reads:
                over = (
                    source is not None
                    and lanes[source] == lanes[target]
                    and ranks[target] - ranks[source] > 1
                )
                links.append(InnerLink(source, target, rise if over else 0.0))
        links.extend(InnerLink(source, None) for source in self.outputs)
        return tuple(links)


def _holds(path: str, inner: str) -> bool:
    return inner == path or inner.startswith(f"{path}.")
