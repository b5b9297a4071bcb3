"""Paints a block as a graph, from its input at the top to its output at the bottom."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.architecture import Convolution
from app.ui import theme
from app.ui.text import listed
from app.ui.widgets.block_picture_graph import (
    BOXES,
    DENSE,
    DEPTHWISE,
    GROUPED,
    POINTWISE,
    SQUEEZE,
    BlockGraph,
    Op,
)
from app.ui.widgets.diagram_marks import kind_colour

_BOX, _JOIN, _INPUT, _GAP = 24.0, 16.0, 14.0, 11.0
_LEFT, _RIGHT, _BETWEEN, _WIDEST = 8.0, 20.0, 14.0, 232.0
_END = 40.0
"""Width of the number at either end."""
_FILLS = {DENSE: 0.34, GROUPED: 0.24, DEPTHWISE: 0.16, POINTWISE: 0.07, SQUEEZE: 0.07}
_CENTRE = Qt.AlignmentFlag.AlignCenter


class GraphView(QWidget):
    """Shows one block."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("blockGraph")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._graph: BlockGraph | None = None
        self._kind = ""
        self._ends = (0, 0)
        theme.notifier().changed.connect(self.update)

    @property
    def graph(self) -> BlockGraph | None:
        """What is drawn."""
        return self._graph

    def show_graph(self, graph: BlockGraph, kind: str, c1: int, c2: int) -> None:
        """Show a block.

        Args:
            graph: its operations.
            kind: its kind, for the colour.
            c1, c2: channels of its input and its output.
        """
        self._graph, self._kind, self._ends = graph, kind, (c1, c2)
        self.setAccessibleName(listed(self.words(op) for op in graph.ops if op.what in BOXES))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(300, 40 if self._graph is None else round(sum(self._heights()) - _GAP + 5 + _INPUT))

    def minimumSizeHint(self) -> QSize:
        """It may become narrow: words are shortened."""
        return QSize(160, self.sizeHint().height())

    def words(self, op: Op) -> str:
        """Return what a box is, translated."""
        conv = op.conv
        assert conv is not None
        kernel = f"{conv.k[0]}×{conv.k[1]}"
        if op.what == SQUEEZE:
            return self.tr("weigh the channels")
        if op.what == DEPTHWISE:
            return self.tr("{kernel} depthwise").format(kernel=kernel)
        if op.what == GROUPED:
            return self.tr("{kernel} in {groups} groups").format(kernel=kernel, groups=conv.g)
        return (
            self.tr("1×1 pointwise")
            if op.what == POINTWISE
            else self.tr("{kernel} dense").format(kernel=kernel)
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint links, then operations."""
        if self._graph is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.SIZE_SMALL))
        places = self._places(self._graph)
        self._repeats(painter, self._graph, places)
        for index, op in enumerate(self._graph.ops):
            for source in op.inputs:
                self._link(painter, self._graph, places, source, index)
        for op, place in zip(self._graph.ops, places, strict=True):
            if op.what in BOXES:
                self._box(painter, op, place)
            elif op.what == "input":
                self._end(painter, place, self._ends[0])
            else:
                self._join(painter, op, place)
        last = places[-1]
        self._end(
            painter, QRectF(last.center().x() - _END / 2, last.bottom() + 5, _END, _INPUT), self._ends[1]
        )

    def _heights(self) -> list[float]:
        """Return the height of every rank with the gap below it."""
        assert self._graph is not None
        high = [0.0] * self._graph.ranks
        for op in self._graph.ops:
            own = _BOX if op.what in BOXES else (_INPUT if op.what == "input" else _JOIN)
            high[op.rank] = max(high[op.rank], own)
        return [one + _GAP for one in high]

    def _places(self, graph: BlockGraph) -> list[QRectF]:
        heights = self._heights()
        lanes = graph.lanes
        room = self.width() - _LEFT - _RIGHT
        wide = min((room - _BETWEEN * (lanes - 1)) / lanes, _WIDEST)
        left = _LEFT + (room - wide * lanes - _BETWEEN * (lanes - 1)) / 2
        places = []
        for op in graph.ops:
            top = sum(heights[: op.rank])
            middle = top + (heights[op.rank] - _GAP) / 2
            x = left + op.lane * (wide + _BETWEEN)
            if op.what in BOXES:
                places.append(QRectF(x, middle - _BOX / 2, wide, _BOX))
            elif op.what == "input":
                places.append(QRectF(x + wide / 2 - _END / 2, top, _END, _INPUT))
            else:
                places.append(QRectF(x + wide / 2 - _JOIN / 2, middle - _JOIN / 2, _JOIN, _JOIN))
        return places

    def _box(self, painter: QPainter, op: Op, place: QRectF) -> None:
        colour = kind_colour(self._kind)
        painter.setPen(QPen(colour, 1.1))
        painter.setBrush(theme.colour("surface"))
        painter.drawRoundedRect(place, 5, 5)
        painter.setBrush(kind_colour(self._kind, _FILLS[op.what]))
        painter.drawRoundedRect(place, 5, 5)
        conv = op.conv
        assert conv is not None
        stride = " /2" if conv.s != (1, 1) else ""
        figures = f"{conv.c2}→{conv.c1}→{conv.c2}" if op.what == SQUEEZE else f"{conv.c1}→{conv.c2}{stride}"
        metrics = QFontMetricsF(painter.font())
        inner = place.adjusted(7, 0, -7, 0)
        words = self._fitting(op, conv, metrics, inner.width() - metrics.horizontalAdvance(figures) - 6)
        painter.setPen(theme.colour("text"))
        if words:
            painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        painter.setPen(theme.colour("muted") if words else theme.colour("text"))
        side = Qt.AlignmentFlag.AlignRight if words else Qt.AlignmentFlag.AlignHCenter
        painter.drawText(inner, side | Qt.AlignmentFlag.AlignVCenter, figures)

    def _fitting(self, op: Op, conv: Convolution, metrics: QFontMetricsF, room: float) -> str:
        """Return the longest form of a box's words that fits."""
        kernel = f"{conv.k[0]}×{conv.k[1]}"
        short = {DEPTHWISE: f"{kernel} dw", SQUEEZE: "SE"}.get(op.what, kernel)
        forms = (self.words(op), short)
        return next((text for text in forms if metrics.horizontalAdvance(text) <= room), "")

    def _end(self, painter: QPainter, place: QRectF, channels: int) -> None:
        painter.setPen(theme.colour("muted"))
        painter.drawText(place, _CENTRE, str(channels))

    def _join(self, painter: QPainter, op: Op, place: QRectF) -> None:
        painter.setBrush(theme.colour("surface"))
        painter.setPen(QPen(theme.colour("strong_line"), 1.2))
        painter.drawEllipse(place)
        painter.setPen(QPen(theme.colour("text"), 1.4))
        c, r = place.center(), place.width() * 0.24
        lines = _SIGNS.get(op.what, ())
        for x1, y1, x2, y2 in lines:
            painter.drawLine(QPointF(c.x() + x1 * r, c.y() + y1 * r), QPointF(c.x() + x2 * r, c.y() + y2 * r))

    def _repeats(self, painter: QPainter, graph: BlockGraph, places: list[QRectF]) -> None:
        for repeat in graph.repeats:
            area = QRectF(places[repeat.first])
            for place in places[repeat.first + 1 : repeat.last + 1]:
                area = area.united(place)
            area = area.adjusted(-7, -5, 7, 5)
            pen = QPen(theme.colour("strong_line"), 1.0)
            pen.setDashPattern([3.0, 2.5])
            painter.setPen(pen)
            painter.setBrush(theme.colour("ground", 0.5))
            painter.drawRoundedRect(area, 6, 6)
            painter.setPen(theme.colour("text"))
            words = QRectF(area.right() - 30, area.bottom() - 17, 26, 14)
            painter.drawText(
                words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"×{repeat.times}"
            )

    def _link(
        self, painter: QPainter, graph: BlockGraph, places: list[QRectF], source: int, target: int
    ) -> None:
        """Draw what an operation reads: straight down, along a lane that is free, or around at the right."""
        one, other = graph.ops[source], graph.ops[target]
        start = QPointF(places[source].center().x(), places[source].bottom())
        end = QPointF(places[target].center().x(), places[target].top())
        path = QPainterPath(start)
        beside = False
        if other.rank - one.rank == 1 or _is_free(graph, one.lane, one.rank, other.rank):
            _descend(path, start, end, along=start.x())
        elif _is_free(graph, other.lane, one.rank, other.rank):
            _descend(path, start, end, along=end.x())
        else:
            beside = True
            end = QPointF(places[target].right(), places[target].center().y())
            path = self._around(graph, places, source, target, end)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("muted"), 1.1))
        painter.drawPath(path)
        self._arrow(painter, end, beside)
        if source in other.halves:
            painter.setPen(theme.colour("muted"))
            painter.drawText(QRectF(end.x() + 4, end.y() - 14, 16, 12), _CENTRE, "½")

    def _around(
        self, graph: BlockGraph, places: list[QRectF], source: int, target: int, end: QPointF
    ) -> QPainterPath:
        """Return a line that leaves at the right, or below where something stands at the right, and runs around."""
        one, other = graph.ops[source], graph.ops[target]
        passed = (p for op, p in zip(graph.ops, places, strict=True) if one.rank <= op.rank <= other.rank)
        x = max(place.right() for place in passed) + 11
        start = QPointF(places[source].right(), places[source].center().y())
        if any(op.rank == one.rank and op.lane > one.lane for op in graph.ops):
            start = QPointF(places[source].center().x(), places[source].bottom() + 4)
        path = QPainterPath(start)
        path.lineTo(QPointF(x - 4, start.y()))
        path.quadTo(QPointF(x, start.y()), QPointF(x, start.y() + 4))
        path.lineTo(QPointF(x, end.y() - 5))
        path.quadTo(QPointF(x, end.y()), QPointF(x - 5, end.y()))
        path.lineTo(end)
        return path

    def _arrow(self, painter: QPainter, tip: QPointF, leftwards: bool) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("muted"))
        wings = ((5, -3), (5, 3)) if leftwards else ((-3, -5), (3, -5))
        painter.drawPolygon(QPolygonF([tip, *(tip + QPointF(x, y) for x, y in wings)]))


_SIGNS = {
    "add": ((-1, 0, 1, 0), (0, -1, 0, 1)),
    "concat": ((-0.6, -1, -0.6, 1), (0.6, -1, 0.6, 1)),
    "mul": ((-0.8, -0.8, 0.8, 0.8), (-0.8, 0.8, 0.8, -0.8)),
    "pool": ((-1, -0.8, 0, 0.9), (0, 0.9, 1, -0.8)),
    "split": ((0, 1, -1, -0.8), (0, 1, 1, -0.8)),
    "shuffle": ((-1, -0.8, 0.2, -0.8), (0.2, -0.8, 1, 0.8), (-1, 0.8, -0.2, 0.8), (-0.2, 0.8, 1, -0.8)),
}
"""Signs in the circles, as lines in a square from −1 to 1."""


def _descend(path: QPainterPath, start: QPointF, end: QPointF, along: float) -> None:
    """Draw down along a lane, and bend into the end where that lies beside it."""
    if start.x() == end.x():
        path.lineTo(end)
        return
    bend = min(_GAP + 4.0, end.y() - start.y())
    if along == start.x():
        corner = QPointF(start.x(), end.y() - bend)
        path.lineTo(corner)
        path.cubicTo(corner + QPointF(0, bend * 0.7), QPointF(end.x(), end.y() - bend * 0.7), end)
        return
    corner = QPointF(end.x(), start.y() + bend)
    path.cubicTo(start + QPointF(0, bend * 0.7), QPointF(end.x(), start.y() + bend * 0.3), corner)
    path.lineTo(end)


def _is_free(graph: BlockGraph, lane: int, above: int, below: int) -> bool:
    return not any(op.lane == lane and above < op.rank < below for op in graph.ops)
