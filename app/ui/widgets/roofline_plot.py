"""The roofline: modules by operations per byte and operations a second, under what memory and arithmetic allow.

Importing this module imports pyqtgraph: it is done when the plot is first asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from app.core.latency_roofline import Point, Roof
from app.core.text import figure
from app.ui import theme
from app.ui.widgets.mark_plot import MarkPlot

_GIGA = 1e9
_REACH_PX = 14
"""How near the mouse must be to a point."""

_SMALLEST, _LARGEST = 7.0, 22.0
_MARGIN = 0.18
"""Room around the points, in powers of ten."""


@dataclass(frozen=True)
class Spot:
    """A point with its words.

    Attributes:
        point: the module.
        name: what people call it.
        kind: its kind, in words.
    """

    point: Point
    name: str
    kind: str


class LogAxis(pg.AxisItem):
    """An axis of powers of ten; the numbers stand at 1, 2 and 5."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Return (spacing, values) of the ticks: fewer where there is little room."""
        steps = (1,) if size / max(high - low, 1e-6) < 110 else (1, 2, 5)
        powers = range(math.floor(low), math.ceil(high) + 1)
        values = [power + math.log10(step) for power in powers for step in steps]
        return [(1.0, [value for value in values if low <= value <= high])]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Return what stands at the ticks."""
        return [figure(10**value, 1) for value in values]


class RooflinePlot(MarkPlot):
    """Hovering names a module, a click or Enter chooses it, arrow keys walk from the slowest to the quickest."""

    chosen = Signal(tuple)
    """The module path that the user chose, alone in a tuple."""

    grid = 0.25

    def __init__(self, parent: QWidget | None = None) -> None:
        plot = pg.PlotWidget(axisItems={"bottom": LogAxis("bottom"), "left": LogAxis("left")})
        super().__init__("rooflinePlot", plot, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.spots: tuple[Spot, ...] = ()
        self._roof: Roof | None = None
        self._selected: frozenset[str] = frozenset()
        self._current: int | None = None
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._dots = pg.ScatterPlotItem(pxMode=True)
        self._line = pg.PlotCurveItem()
        self._memory, self._arithmetic = pg.TextItem(anchor=(0.5, 1)), pg.TextItem(anchor=(1, 1))
        for item in (self._line, self._dots):
            plot.addItem(item)
        for text in (self._memory, self._arithmetic):
            plot.addItem(text, ignoreBounds=True)
        theme.notifier().changed.connect(self._tint)
        self._tint()

    def show_spots(self, spots: Sequence[Spot], roof: Roof | None) -> None:
        """Draw modules, under a roof where it is known."""
        kept = self.spots[self._current].point.path if self._current is not None else None
        self.spots, self._roof = tuple(spots), roof
        paths = [spot.point.path for spot in self.spots]
        self._current = paths.index(kept) if kept in paths else None
        self._fit()
        self._draw()
        if self._current is None:
            self.reading.hide()
        else:
            self._read(self._current)

    def show_selection(self, paths: Sequence[str]) -> None:
        """Ring the modules at or below these paths."""
        self._selected = frozenset(paths)
        self._draw()

    def place_of(self, path: str) -> QPointF:
        """Return where a module is drawn, in pixels of the plot's viewport."""
        spot = next(spot for spot in self.spots if spot.point.path == path)
        return self.in_viewport(_at(spot.point))

    def _fit(self) -> None:
        """Show every point, and the ridge of the roof where it is known."""
        if not self.spots:
            return
        places = [_at(spot.point) for spot in self.spots]
        if self._roof is not None:
            places.append(
                QPointF(math.log10(self._roof.ridge), math.log10(self._roof.flops_per_s / _GIGA) + 0.1)
            )
        xs, ys = [place.x() for place in places], [place.y() for place in places]
        self.plot.setXRange(min(xs) - _MARGIN, max(xs) + _MARGIN, padding=0)
        self.plot.setYRange(min(ys) - _MARGIN, max(ys) + _MARGIN, padding=0)

    def _draw(self) -> None:
        longest = max((spot.point.ms for spot in self.spots), default=1.0)
        rows = []
        for number, spot in enumerate(self.spots):
            place, ringed = _at(spot.point), self._is_selected(spot.point.path) or number == self._current
            colour = theme.colour(_colour(spot.point.kind))
            fill = QColor(colour)
            fill.setAlphaF(0.55)
            pen = pg.mkPen(theme.colour("text"), width=2) if ringed else pg.mkPen(colour, width=1)
            size = _SMALLEST + (_LARGEST - _SMALLEST) * math.sqrt(spot.point.ms / longest)
            rows.append({"pos": (place.x(), place.y()), "size": size, "brush": fill, "pen": pen})
        self._dots.setData(rows)
        self._draw_roof()

    def _draw_roof(self) -> None:
        roof = self._roof
        for item in (self._line, self._memory, self._arithmetic):
            item.setVisible(roof is not None)
        if roof is None:
            return
        (left, right), (low, _) = self.plot.viewRange()
        ridge, top = math.log10(roof.ridge), math.log10(roof.flops_per_s / _GIGA)
        corner = [(ridge, top)] if left < ridge < right else []
        ends = [(x, math.log10(roof.attainable(10**x) / _GIGA)) for x in (left, right)]
        points = [ends[0], *corner, ends[1]]
        self._line.setData([x for x, _ in points], [y for _, y in points])
        memory, arithmetic = (
            self.tr("memory: {bandwidth} GB/s").format(bandwidth=figure(roof.bytes_per_s / _GIGA)),
            self.tr("arithmetic: {peak} GFLOP/s").format(peak=figure(roof.flops_per_s / _GIGA)),
        )
        self._memory.setText(memory)
        self._arithmetic.setText(arithmetic)
        middle = (max(left, ridge - (top - low)) + ridge) / 2
        self._memory.setPos(middle, top - (ridge - middle))
        self._memory.setAngle(self._slope())
        self._arithmetic.setPos(right, ends[1][1])

    def _slope(self) -> float:
        """Return the angle of the roof's slope on the screen, in degrees."""
        box = self.plot.getViewBox()
        (left, right), (low, high) = self.plot.viewRange()
        if right <= left or high <= low or not box.width():
            return 0.0
        return math.degrees(math.atan2(box.height() / (high - low), box.width() / (right - left)))

    def _is_selected(self, path: str) -> bool:
        return any(path == one or path.startswith(f"{one}.") for one in self._selected)

    def resizeEvent(self, event: object) -> None:
        """Turn the words on the slope along with it."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._draw_roof()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Name the module under the mouse; choose it on a click."""
        kinds = QEvent.Type
        if event.type() == kinds.Leave:
            self.reading.hide()
        elif isinstance(event, QMouseEvent):
            if event.type() == kinds.MouseMove:
                self._hover(event.position())
            elif event.type() == kinds.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
                self.setFocus(Qt.FocusReason.MouseFocusReason)
                self._hover(event.position())
                if self._current is not None:
                    self.chosen.emit((self.spots[self._current].point.path,))
            return event.type() in (kinds.MouseButtonPress, kinds.MouseButtonRelease)
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk through the modules by time, and choose one."""
        keys = Qt.Key
        order = sorted(range(len(self.spots)), key=lambda number: -self.spots[number].point.ms)
        step = {keys.Key_Right: 1, keys.Key_Down: 1, keys.Key_Left: -1, keys.Key_Up: -1}.get(
            keys(event.key()), 0
        )
        if step and order:
            place = order.index(self._current) + step if self._current in order else 0
            self._go(order[min(max(place, 0), len(order) - 1)])
        elif event.key() in (keys.Key_Return, keys.Key_Enter, keys.Key_Space) and self._current is not None:
            self.chosen.emit((self.spots[self._current].point.path,))
        else:
            super().keyPressEvent(event)

    def _hover(self, position: QPointF) -> None:
        nearest, best = None, float(_REACH_PX)
        for number, spot in enumerate(self.spots):
            gap = self.place_of(spot.point.path) - position
            distance = math.hypot(gap.x(), gap.y())
            if distance < best:
                nearest, best = number, distance
        self._go(nearest)

    def _go(self, number: int | None) -> None:
        if number != self._current:
            self._current = number
            self._draw()
        if number is None:
            self.reading.hide()
        else:
            self._read(number)
        self.show_hand(number is not None)

    def _read(self, number: int) -> None:
        """Show what there is to say of a module beside it."""
        lines = self.words_of(self.spots[number])
        self.setAccessibleDescription(" ".join(lines))
        self.read(self.place_of(self.spots[number].point.path), lines)

    def words_of(self, spot: Spot) -> tuple[str, ...]:
        """Return a module's name and figures, a line each."""
        point, roof = spot.point, self._roof
        lines = [
            spot.name,
            self.tr("{kind}, {ms} ms").format(kind=spot.kind, ms=figure(point.ms)),
            self.tr("{intensity} operations per byte, {speed} GFLOP/s").format(
                intensity=figure(point.intensity), speed=figure(point.flops_per_s / _GIGA)
            ),
        ]
        if roof is not None:
            share = f"{point.flops_per_s / roof.attainable(point.intensity) * 100:.0f}"
            waits = self.tr("{share} % of what memory allows")
            if point.intensity >= roof.ridge:
                waits = self.tr("{share} % of what arithmetic allows")
            lines.append(waits.format(share=share))
        return tuple(lines)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setAccessibleName(
            self.tr("Modules by operations per byte and operations a second; arrow keys walk through them")
        )
        self.label_axis("bottom", self.tr("operations per byte"))
        self.label_axis("left", self.tr("GFLOP/s"))
        self._draw_roof()

    def _tint(self) -> None:
        tokens = theme.tokens()
        self.tint_axes()
        for side in ("left", "bottom"):
            self.plot.getPlotItem().getAxis(side).setStyle(tickLength=0)
        self._line.setPen(pg.mkPen(tokens.strong_line, width=2))
        for text in (self._memory, self._arithmetic):
            text.setColor(tokens.muted)
            text.setFont(theme.font(theme.SIZE_SMALL, QFont.Weight.Medium))
        self.retranslate()
        self._draw()


def _at(point: Point) -> QPointF:
    return QPointF(math.log10(point.intensity), math.log10(point.flops_per_s / _GIGA))


def _colour(kind: str | None) -> str:
    if kind is None:
        return "standard"
    light, dark = theme.KIND_COLOURS[kind]
    return dark if theme.tokens().dark else light
