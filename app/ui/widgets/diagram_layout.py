"""Where the diagram's nodes, frames and links lie: geometry alone, in pixels at 100 %.

Layers run left to right in order of execution and stand in the row of the stride of their output (P1 to P5). A layer
that changes the row stays in the column, so that the staircase of a backbone takes half the width. Joins (Concat)
stand as small circles in the gap before what reads them; the head spans the rows of all that it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from app.core.architecture import Architecture, Layer
from app.ui.widgets.diagram_inner import GROUP_SIDE, NODES, Inner, inner_layout
from app.ui.widgets.diagram_links import arc, bend, descend

NODE_WIDTH, NODE_HEIGHT = 92.0, 40.0
JOIN_SIZE = 18.0
GROUP_TITLE = 8.0
"""Height above a group's nodes on which its title stands."""
_GAP, _JOIN_GAP = 18.0, 10.0
_LEFT, _RIGHT, _TOP = 14.0, 14.0, 0.0
_LANE = 9.0
_ROW_GAP = 36.0
_FRAME_SIDE, _FRAME_BOTTOM = 12.0, 12.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """Heights that a view may stretch so that the text stays readable when it shows everything."""

    node: float = NODE_HEIGHT
    row_gap: float = _ROW_GAP
    frame_title: float = 22.0


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that can be seen: a layer, what is inside an open one, or a join.

    Attributes:
        path: module path; "" for joins inside a layer.
        shape: "layer", "frame" (an open layer), "conv", "module" (swapped as a whole), "group" (the outline of what
            could be) or "join".
        rect: place in the diagram.
        level: pyramid level, 1 to 5.
        op: what a join does: "concat", "add" or "pool".
    """

    path: str
    shape: str
    rect: QRectF
    level: int
    op: str = ""

    @property
    def selectable(self) -> bool:
        """Whether it can be chosen; joins inside a layer cannot."""
        return bool(self.path)


@dataclass(frozen=True, slots=True)
class Link:
    """A line along which a tensor flows; skips are those that pass over layers."""

    source: str
    target: str
    kind: str
    path: QPainterPath


@dataclass(frozen=True, slots=True)
class Zone:
    """The columns of the backbone, the neck or the head."""

    part: str
    rect: QRectF


@dataclass(frozen=True, slots=True)
class Row:
    """The band of a pyramid level."""

    level: int
    rect: QRectF


@dataclass(frozen=True)
class Layout:
    """Everything the diagram draws, back to front: zones, rows, links, nodes."""

    size: QRectF
    zones: tuple[Zone, ...]
    rows: tuple[Row, ...]
    links: tuple[Link, ...]
    nodes: tuple[Node, ...]
    by_path: Mapping[str, Node] = field(repr=False)

    def node_at(self, point: QPointF) -> Node | None:
        """Return the node under a point of the diagram; what lies inside a frame comes before the frame."""
        for node in reversed(self.nodes):
            if node.selectable and node.rect.contains(point):
                return node
        return None


def lay_out(
    architecture: Architecture,
    opened: frozenset[str] = frozenset(),
    metrics: Metrics = Metrics(),
    swapped: frozenset[str] = frozenset(),
) -> Layout:
    """Return the geometry of a base model.

    Args:
        architecture: the base model.
        opened: paths of the layers whose inside is shown.
        metrics: heights of nodes and gaps.
        swapped: paths of modules that are swapped as a whole; they have no inside to show.
    """
    return _Builder(architecture, opened, metrics, swapped).build()


class _Builder:
    def __init__(
        self, architecture: Architecture, opened: frozenset[str], metrics: Metrics, swapped: frozenset[str]
    ) -> None:
        self.architecture = architecture
        self.metrics = metrics
        self.layers = architecture.layers
        self.inner: dict[int, Inner] = {
            layer.index: inner_layout(architecture, layer, metrics.node, swapped)
            for layer in self.layers
            if layer.path in opened - swapped and len(architecture.convolutions_in(layer.path)) > 1
        }
        self.columns = self.place_columns()
        self.places: dict[int, QRectF] = {}

    def place_columns(self) -> dict[int, int]:
        """Return layer index → column: one further for each layer, unless only the row changes."""
        columns: dict[int, int] = {}
        column = -1
        used: set[int] = set()
        before: Layer | None = None
        for layer in self.layers:
            same_row = before is None or layer.level == before.level or layer.level in used
            if (
                same_row
                or before is None
                or layer.part != before.part
                or self.is_join(layer)
                or self.is_join(before)
            ):
                column, used = column + 1, set()
            columns[layer.index] = column
            used.add(layer.level)
            before = layer
        return columns

    def is_join(self, layer: Layer) -> bool:
        return layer.type == "Concat"

    def is_head(self, layer: Layer) -> bool:
        return layer.c2 == 0 and len(layer.sources) > 1

    def width_of(self, layer: Layer) -> float:
        if layer.index in self.inner:
            return self.inner[layer.index].width + 2 * _FRAME_SIDE
        return JOIN_SIZE if self.is_join(layer) else NODE_WIDTH

    def height_of(self, layer: Layer) -> float:
        if layer.index in self.inner and not self.is_head(layer):
            return self.inner[layer.index].height + self.metrics.frame_title + _FRAME_BOTTOM
        return JOIN_SIZE if self.is_join(layer) else self.metrics.node

    def levels_of(self, layer: Layer) -> range:
        """Return the rows that a layer stands in."""
        if not self.is_head(layer):
            return range(layer.level, layer.level + 1)
        read = [self.layers[source].level for source in layer.sources]
        return range(min(read), max(read) + 1)

    def build(self) -> Layout:
        rows = self.place_rows()
        self.place_layers(rows)
        right = max(rect.right() for rect in self.places.values()) + _RIGHT
        bottom = rows[max(rows)].bottom()
        nodes = self.nodes(rows)
        by_path = {node.path: node for node in nodes if node.selectable}
        links = (*self.layer_links(rows), *self.inner_links())
        bands = tuple(Row(level, QRectF(0, rect.top(), right, rect.height())) for level, rect in rows.items())
        return Layout(QRectF(0, 0, right, bottom), self.zones(right, bottom), bands, links, nodes, by_path)

    def place_rows(self) -> dict[int, QRectF]:
        """Return level → its band; an open layer makes its row higher."""
        levels = sorted({level for layer in self.layers for level in self.levels_of(layer)})
        rows: dict[int, QRectF] = {}
        top = _TOP
        for level in levels:
            tall = max((self.height_of(layer) for layer in self.layers if layer.level == level), default=0.0)
            tall = max(tall, self.metrics.node)
            for layer in self.layers:
                if self.is_head(layer) and layer.index in self.inner and level in self.levels_of(layer):
                    tall = max(
                        tall,
                        self.inner[layer.index].level_height(level)
                        + self.metrics.frame_title
                        + _FRAME_BOTTOM,
                    )
            height = tall + self.metrics.row_gap
            rows[level] = QRectF(0, top, 0, height)
            top += height
        return rows

    def axis(self, rows: Mapping[int, QRectF], level: int) -> float:
        """Return the height on which the nodes of a row are centred; links arc in what is left above them."""
        return rows[level].center().y() + self.metrics.row_gap * 0.12

    def place_layers(self, rows: Mapping[int, QRectF]) -> None:
        x = _LEFT
        for column in range(max(self.columns.values()) + 1):
            inside = [layer for layer in self.layers if self.columns[layer.index] == column]
            width = max(self.width_of(layer) for layer in inside)
            join = all(self.is_join(layer) for layer in inside)
            if column:
                x += _JOIN_GAP if join or self.is_join_column(column - 1) else _GAP
            widest = next(layer for layer in inside if self.width_of(layer) == width)
            for layer in inside:
                own = self.width_of(layer)
                left = x + width - own if layer.index > widest.index else x
                self.places[layer.index] = self.rect_of(layer, left, own, rows)
            x += width

    def is_join_column(self, column: int) -> bool:
        return all(self.is_join(layer) for layer in self.layers if self.columns[layer.index] == column)

    def rect_of(self, layer: Layer, left: float, width: float, rows: Mapping[int, QRectF]) -> QRectF:
        levels = self.levels_of(layer)
        if self.is_head(layer) and layer.index in self.inner:
            top = rows[levels[0]].top() + self.metrics.row_gap * 0.4
            return QRectF(left, top, width, rows[levels[-1]].bottom() - top - 6)
        height = self.height_of(layer)
        top = self.axis(rows, levels[0]) - height / 2
        return QRectF(left, top, width, self.axis(rows, levels[-1]) + height / 2 - top)

    def zones(self, right: float, bottom: float) -> tuple[Zone, ...]:
        parts: dict[str, list[QRectF]] = {}
        for layer in self.layers:
            parts.setdefault(layer.part, []).append(self.places[layer.index])
        starts = [min(r.left() for r in rects) - _GAP / 2 for rects in parts.values()]
        starts[0] = 0.0
        ends = [*starts[1:], right]
        return tuple(
            Zone(part, QRectF(start, 0, end - start, bottom))
            for part, start, end in zip(parts, starts, ends, strict=True)
        )

    def nodes(self, rows: Mapping[int, QRectF]) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for layer in self.layers:
            rect = self.places[layer.index]
            if layer.index in self.inner:
                nodes.append(Node(layer.path, "frame", rect, layer.level))
                nodes.extend(self.inner_nodes(layer, rect, rows))
            elif self.is_join(layer):
                nodes.append(Node(layer.path, "join", rect, layer.level, "concat"))
            else:
                nodes.append(Node(layer.path, "layer", rect, layer.level))
        return tuple(nodes)

    def inner_nodes(self, layer: Layer, frame: QRectF, rows: Mapping[int, QRectF]) -> list[Node]:
        inner = self.inner[layer.index]
        placed = []
        for item in inner.items:
            level = item.level or layer.level
            if self.is_head(layer) and item.level and item.level in rows:
                top = self.axis(rows, item.level) - inner.level_height(item.level) / 2 + item.rect.top()
            elif self.is_head(layer):
                top = frame.center().y() - item.rect.height() / 2
            else:
                top = frame.top() + self.metrics.frame_title + item.rect.top()
            left = frame.left() + _FRAME_SIDE + item.rect.left()
            rect = QRectF(left, top, item.rect.width(), item.rect.height())
            shape = item.op if item.op in NODES else "join"
            placed.append(Node(item.path if item.op in NODES else "", shape, rect, level, item.op))
        self.inner[layer.index] = replace(inner, placed=tuple(node.rect for node in placed))
        return [*self.groups(layer, inner, placed), *placed]

    def groups(self, layer: Layer, inner: Inner, placed: list[Node]) -> list[Node]:
        """Return the outlines of what could be replaced as a whole inside an open layer."""
        found = []
        for group in inner.groups:
            rect = placed[group.items[0]].rect
            for index in group.items[1:]:
                rect = rect.united(placed[index].rect)
            rect = rect.adjusted(-GROUP_SIDE, -GROUP_SIDE - GROUP_TITLE, GROUP_SIDE, GROUP_SIDE)
            found.append(Node(group.path, "group", rect, layer.level))
        return found

    def layer_links(self, rows: Mapping[int, QRectF]) -> list[Link]:
        links: list[Link] = []
        lanes: dict[int, list[tuple[float, float, int]]] = {}
        for layer in self.layers:
            for source in layer.sources:
                if source < 0:
                    continue
                start, end = self.places[source], self.places[layer.index]
                name = self.layers[source].path
                if self.is_head(layer):
                    path = bend(self.exit(source), QPointF(end.left(), self.exit(source).y()))
                    links.append(
                        Link(name, layer.path, "flow" if source == layer.index - 1 else "skip", path)
                    )
                elif source == layer.index - 1:
                    links.append(Link(name, layer.path, "flow", self.flow(start, end, source, layer)))
                else:
                    links.append(Link(name, layer.path, "skip", self.skip(source, layer, lanes, rows)))
        return links

    def exit(self, index: int) -> QPointF:
        """Return where a layer's output leaves it."""
        rect = self.places[index]
        return QPointF(rect.right(), rect.center().y())

    def flow(self, start: QRectF, end: QRectF, source: int, layer: Layer) -> QPainterPath:
        if self.columns[source] != self.columns[layer.index]:
            return bend(self.exit(source), QPointF(end.left(), end.center().y()))
        x = min(start.right(), end.right()) - min(start.width(), end.width(), NODE_WIDTH) / 2
        down = end.top() > start.top()
        path = QPainterPath(QPointF(x, start.bottom() if down else start.top()))
        path.lineTo(QPointF(x, end.top() if down else end.bottom()))
        return path

    def skip(
        self,
        source: int,
        layer: Layer,
        lanes: dict[int, list[tuple[float, float, int]]],
        rows: Mapping[int, QRectF],
    ) -> QPainterPath:
        start, end = self.exit(source), self.places[layer.index]
        taken = lanes.setdefault(layer.level, [])
        clash = [lane for left, right, lane in taken if left < end.right() and right > start.x()]
        lane = next(n for n in range(len(clash) + 1) if n not in clash)
        taken.append((start.x(), end.right(), lane))
        y = rows[layer.level].top() + 7 + lane * _LANE
        return descend(start, QPointF(end.center().x(), end.top()), y)

    def inner_links(self) -> list[Link]:
        links: list[Link] = []
        for index, inner in self.inner.items():
            layer = self.layers[index]
            frame = self.places[index]
            for link in inner.links:
                target = inner.placed[link.target] if link.target is not None else None
                source = inner.placed[link.source] if link.source is not None else None
                start = QPointF(source.right(), source.center().y()) if source else None
                end = QPointF(target.left(), target.center().y()) if target else None
                if start is None and end is not None:
                    start = QPointF(frame.left(), end.y() if self.is_head(layer) else frame.center().y())
                if end is None and start is not None:
                    end = QPointF(frame.right(), start.y() if self.is_head(layer) else frame.center().y())
                assert start is not None
                assert end is not None
                path = arc(start, end, link.rise) if link.rise else bend(start, end)
                links.append(Link(layer.path, layer.path, "inner", path))
        return links
