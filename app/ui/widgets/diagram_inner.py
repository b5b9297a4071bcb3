"""The inside of an open layer: its convolutions and joins, from left to right, in lanes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from app.core.architecture import CELL, Architecture, Layer, Step

CONV_WIDTH = 88.0
_JOIN = 16.0
_GAP = 14.0
_LANE_GAP = 22.0
_RISE = 8.0
"""How far above the nodes a shortcut passes."""


@dataclass(frozen=True, slots=True)
class Item:
    """A convolution or join, placed relative to the inside of its frame (in the head: to its level's block).

    Attributes:
        path: module path.
        op: "conv", "add", "concat" or "pool".
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


@dataclass(frozen=True)
class Inner:
    """The inside of a layer.

    Attributes:
        items: what it shows, in order of execution.
        links: the links between them.
        width, height: size of the inside.
        levels: level → height of its block, for a head.
        placed: rectangles of the items in the diagram, once they have been placed there.
    """

    items: tuple[Item, ...]
    links: tuple[InnerLink, ...]
    width: float
    height: float
    levels: tuple[tuple[int, float], ...]
    placed: tuple[QRectF, ...] = ()

    def level_height(self, level: int) -> float:
        """Return the height of what a head shows in the row of a level."""
        return dict(self.levels).get(level, 0.0)


def inner_layout(architecture: Architecture, layer: Layer, node_height: float) -> Inner:
    """Return how the inside of a layer is laid out.

    Args:
        architecture: the base model.
        layer: a layer with several convolutions.
        node_height: height of a convolution.
    """
    graph = _Graph(architecture, layer)
    lanes = graph.lanes()
    ranks = graph.ranks()
    lefts, width = _columns(graph.steps, ranks)
    head = layer.c2 == 0
    rows = _rows(graph.steps, lanes, head)
    pitch = node_height + _LANE_GAP
    items = []
    for index, step in enumerate(graph.steps):
        wide, high = (CONV_WIDTH, node_height) if step.conv else (_JOIN, _JOIN)
        top = _RISE + rows[index] * pitch + (node_height - high) / 2
        items.append(Item(step.path, step.op, QRectF(lefts[ranks[index]], top, wide, high), _level(step)))
    heights: dict[int, float] = {}
    for index, item in enumerate(items):
        heights[item.level] = max(heights.get(item.level, 0.0), _RISE + (rows[index] + 1) * pitch - _LANE_GAP)
    tall = max(heights.values())
    return Inner(
        tuple(items), graph.links(lanes, ranks, node_height / 2 + _RISE), width, tall, tuple(heights.items())
    )


def _level(step: Step) -> int:
    """Return the pyramid level of a convolution's output, 0 where its pixels make no square."""
    if step.conv is None:
        return 0
    side = math.isqrt(step.conv.pixels)
    return (CELL // side).bit_length() - 1 if side * side == step.conv.pixels and CELL % side == 0 else 0


def _columns(steps: list[Step], ranks: list[int]) -> tuple[dict[int, float], float]:
    """Return rank → left edge, and the whole width."""
    lefts: dict[int, float] = {}
    x = 0.0
    for rank in range(max(ranks) + 1):
        wide = max(
            (CONV_WIDTH if step.conv else _JOIN) for step, r in zip(steps, ranks, strict=True) if r == rank
        )
        lefts[rank] = x
        x += wide + _GAP
    return lefts, x - _GAP


def _rows(steps: list[Step], lanes: list[int], head: bool) -> list[int]:
    """Return the row of each item; in a head they count anew for each level."""
    if not head:
        return lanes
    by_level: dict[int, list[int]] = {}
    for step, lane in zip(steps, lanes, strict=True):
        known = by_level.setdefault(_level(step), [])
        if lane not in known:
            known.append(lane)
    return [by_level[_level(step)].index(lane) for step, lane in zip(steps, lanes, strict=True)]


class _Graph:
    """The steps of a layer that are shown, and what each reads."""

    def __init__(self, architecture: Architecture, layer: Layer) -> None:
        inside = f"{layer.path}."
        self.steps: list[Step] = []
        self.inputs: list[list[int | None]] = []
        origin: dict[int, list[int | None]] = {}
        last = 0
        for number, step in enumerate(architecture.steps):
            if step.path != layer.path and not step.path.startswith(inside):
                continue
            reads: list[int | None] = []
            for tensor in step.inputs:
                reads.extend(source for source in origin.get(tensor, [None]) if source not in reads)
            if self.is_shown(step, layer):
                origin[number + 1] = [len(self.steps)]
                self.steps.append(step)
                self.inputs.append(reads)
            else:
                origin[number + 1] = reads
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
