"""The frontier of risk against cost: what can be reached, where the design stands, and plain models as rivals.

Importing this module imports pyqtgraph: the dialog does so after it has been painted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent, QPen
from PySide6.QtWidgets import QWidget

from app.core.text import figure
from app.ui import theme
from app.ui.text import listed
from app.ui.widgets.mark_plot import MarkPlot
from app.ui.widgets.pareto_marks import FRONTIER, NARROWER, OPEN, PICKED, SMALLER, Chart, Mark

_NEAR_PX = 13.0
_RIVAL_PX = 7.0
_NAME_PX = 13.0
_TICK_PX = 26.0
_LEFT_AXIS_PX = 52
_BOTTOM_AXIS_PX = 38
_STRIP_PX, _MARGIN_PX = 70.0, 9.0
"""Heights of the strip below the risks where rivals stand, and of the room around marks."""
_ROOM = 1.06
"""Share of the axes that is kept free beyond the outermost marks."""
_NICE = (1.0, 2.0, 5.0)


class RiskAxis(pg.AxisItem):
    """An axis on which the root of the risk is drawn, and the risk is written: small ones matter most."""

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        """Return where ticks stand: round risks, none too close to the one below."""
        span = max(high - low, 1e-12)
        last, chosen = -math.inf, []
        for risk in (0.0, *_round_numbers(max(high, 0.0) ** 2)):
            place = math.sqrt(risk)
            if place <= high and (place - last) * size / span >= _TICK_PX:
                chosen.append(place)
                last = place
        return [(1.0, chosen)]

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Return the risks at the ticks."""
        return [figure(value * value, 1) for value in values]


class _View(pg.PlotWidget):
    """The plot; keys walk over its marks."""

    walked = Signal(int)
    taken = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk, Enter and Space take."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}
        if event.key() in steps:
            self.walked.emit(steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.taken.emit()
        else:
            event.ignore()


class ParetoPlot(MarkPlot):
    """Draws a chart; a click, or Enter, on a mark leaves as a signal."""

    mark_taken = Signal(object)
    """The mark that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        plot = _View(axisItems={"left": RiskAxis("left")})
        plot.setObjectName("paretoView")
        super().__init__("paretoPlot", plot, parent)
        self._chart = Chart("")
        self._items: list[pg.GraphicsObject] = []
        self._pointed: Mark | None = None
        self._floor = self._strip = 0.0
        self._ring = pg.ScatterPlotItem(pxMode=True)
        self._ring.setZValue(20)
        self._set_up(plot)
        self.setFocusProxy(plot)
        theme.notifier().changed.connect(self._draw)
        self.retranslate()

    def _set_up(self, plot: _View) -> None:
        plot.setMinimumHeight(150)
        plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        item = plot.getPlotItem()
        item.getAxis("left").setWidth(_LEFT_AXIS_PX)
        item.getAxis("left").setStyle(tickLength=0)
        item.getAxis("bottom").setHeight(_BOTTOM_AXIS_PX)
        item.getAxis("bottom").setStyle(tickLength=-4, maxTickLevel=0)
        item.getAxis("bottom").enableAutoSIPrefix(False)
        item.getViewBox().sigResized.connect(self._draw)
        plot.scene().sigMouseMoved.connect(self._on_scene_mouse_moved)
        plot.scene().sigMouseClicked.connect(self._on_scene_mouse_clicked)
        plot.walked.connect(self._walk)
        plot.taken.connect(self._take)

    @property
    def chart(self) -> Chart:
        """What is drawn."""
        return self._chart

    @property
    def pointed(self) -> Mark | None:
        """What the mouse or the keyboard is on."""
        return self._pointed

    def show_chart(self, chart: Chart) -> None:
        """Draw another chart."""
        if chart != self._chart:
            self._chart = chart
            if self._pointed not in chart.marks:
                self._point_at(None)
            self._draw()

    def place_of(self, mark: Mark) -> QPointF:
        """Return where a mark stands in the plot's viewport, in pixels."""
        return self.in_viewport(QPointF(mark.x, self._y(mark)))

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.plot.setAccessibleName(self.tr("Risk against cost"))
        self._draw()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Point at nothing when the mouse leaves."""
        if event.type() == QEvent.Type.Leave and not self.plot.hasFocus():
            self._point_at(None)
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    # --- drawing --------------------------------------------------------------------------------------------

    def _draw(self, *_: object) -> None:
        for item in self._items:
            self.plot.removeItem(item)
        self._items = []
        self.tint_axes()
        self._fit()
        chart = self._chart
        frontier = chart.of(FRONTIER)
        if chart.limit is not None:
            pen = pg.mkPen(theme.colour("accent", 0.7), width=1, style=Qt.PenStyle.DashLine)
            self._add(pg.InfiniteLine(chart.limit, 90, pen))
        if frontier:
            line = pg.PlotDataItem([m.x for m in frontier], [_height(m.risk or 0.0) for m in frontier])
            line.setPen(pg.mkPen(theme.colour("lightweight"), width=2))
            self._add(line)
        self._add(pg.InfiniteLine(0.0, 0, pg.mkPen(theme.tokens().strong_line, width=1)))
        self._draw_rivals()
        self._scatter(frontier, "o", 8, "lightweight", "surface")
        self._scatter(chart.of(OPEN), "d", 14, "warn", "surface")
        self._scatter(chart.of(PICKED), "star", 18, "accent", "surface")
        self.plot.addItem(self._ring, ignoreBounds=True)
        self._items.append(self._ring)
        self._show_ring()

    def _fit(self) -> None:
        """Choose the ranges: every mark, and below them a strip for what has no risk."""
        chart = self._chart
        right = max([mark.x for mark in chart.marks] + [chart.top], default=0.0) or 1.0
        highest = max((mark.risk or 0.0 for mark in chart.marks), default=0.0) or 1.0
        self.plot.setXRange(0.0, right * _ROOM, padding=0)
        strip = _STRIP_PX if chart.of(SMALLER, NARROWER) else _MARGIN_PX
        high = max(self.plot.getViewBox().height(), 2 * _STRIP_PX)
        top = _height(highest) * _ROOM
        self._strip = top / (high - strip)
        self._floor = -self._strip * (strip - _MARGIN_PX)
        self.plot.setYRange(-self._strip * strip, top, padding=0)
        self.label_axis("left", self.tr("Risk"))
        self.label_axis("bottom", chart.title)

    def _add(self, item: pg.GraphicsObject) -> None:
        self.plot.addItem(item, ignoreBounds=True)
        self._items.append(item)

    def _scatter(self, marks: Sequence[Mark], symbol: str, size: int, fill: str, edge: str) -> None:
        if marks:
            dots = pg.ScatterPlotItem(
                [mark.x for mark in marks],
                [_height(mark.risk or 0.0) for mark in marks],
                symbol=symbol,
                size=size,
                brush=theme.colour(fill),
                pen=pg.mkPen(theme.colour(edge), width=1.5),
            )
            dots.setZValue(10)
            self._add(dots)

    def _draw_rivals(self) -> None:
        """Draw plain models as triangles in the strip, their names upright above them, apart from each other."""
        rivals = sorted(self._chart.of(SMALLER, NARROWER), key=lambda mark: mark.x)
        if not rivals:
            return
        (low, high), width = self.plot.viewRange()[0], max(self.plot.getViewBox().width(), 1.0)
        step, last = (high - low) * _NAME_PX / width, -math.inf
        for rival in rivals:
            colour = theme.colour("standard", 1.0 if rival.kind == SMALLER else 0.6)
            place = max(rival.x, last + step)
            last = place
            text = pg.TextItem(rival.name, theme.colour("muted"), anchor=(0, 0.5), angle=90)
            text.setFont(theme.font(theme.SIZE_SMALL))
            text.setPos(place, self._floor + self._strip * _MARGIN_PX)
            self._add(text)
            dot = pg.ScatterPlotItem(
                [rival.x], [self._floor], symbol="t1", size=12 if rival.kind == SMALLER else 8
            )
            dot.setBrush(colour)
            dot.setPen(QPen(Qt.PenStyle.NoPen))
            self._add(dot)

    def _y(self, mark: Mark) -> float:
        """Return the height at which a mark stands."""
        return self._floor if mark.risk is None else _height(mark.risk)

    # --- pointing -------------------------------------------------------------------------------------------

    def mark_at(self, place: QPointF) -> Mark | None:
        """Return the mark at a point of the plot's viewport, the nearest one; None where there is none."""
        best: tuple[float, Mark] | None = None
        for mark in self._chart.marks:
            at = self.place_of(mark)
            dx, dy = place.x() - at.x(), place.y() - at.y()
            if mark.risk is None and abs(dx) <= _RIVAL_PX and -_NAME_PX * 4 <= dy <= _RIVAL_PX:
                dy = min(abs(dy), _RIVAL_PX)
            far = math.hypot(dx, dy)
            if far <= _NEAR_PX and (best is None or far < best[0]):
                best = far, mark
        return best[1] if best else None

    def _on_scene_mouse_moved(self, position: QPointF) -> None:
        self._point_at(self.mark_at(QPointF(self.plot.mapFromScene(position))))

    def _on_scene_mouse_clicked(self, event: object) -> None:
        place = event.scenePos()  # type: ignore[attr-defined]
        mark = self.mark_at(QPointF(self.plot.mapFromScene(place)))
        if mark is not None:
            self._point_at(mark)
            self._take()

    def _walk(self, step: int) -> None:
        """Go on to the next mark by cost."""
        marks = sorted(self._chart.marks, key=lambda mark: mark.x)
        if not marks:
            return
        before = marks.index(self._pointed) if self._pointed in marks else (-1 if step > 0 else len(marks))
        chosen = marks[min(max(before + step, 0), len(marks) - 1)]
        self._point_at(chosen)
        words = listed(chosen.words)
        self.plot.setAccessibleDescription(words)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.plot, words))

    def _take(self) -> None:
        if self._pointed is not None and self._pointed.able:
            self.mark_taken.emit(self._pointed)

    def _point_at(self, mark: Mark | None) -> None:
        if mark == self._pointed and mark is not None:
            return
        self._pointed = mark
        self.show_hand(mark is not None and mark.able)
        self._show_ring()
        if mark is None:
            self.reading.hide()
        else:
            self.read(self.place_of(mark), mark.words, above=True)

    def _show_ring(self) -> None:
        mark = self._pointed
        if mark is None:
            self._ring.setData([], [])
            return
        self._ring.setData([mark.x], [self._y(mark)], symbol="o", size=20, brush=None)
        self._ring.setPen(pg.mkPen(theme.colour("accent"), width=2))


def _height(risk: float) -> float:
    """Return where a risk stands on its axis."""
    return math.sqrt(max(risk, 0.0))


def _round_numbers(top: float) -> list[float]:
    """Return 1, 2 and 5 times the powers of ten of the last four decades up to a number."""
    if top <= 0:
        return []
    highest = math.floor(math.log10(top))
    return [
        factor * 10.0**power
        for power in range(highest - 4, highest + 1)
        for factor in _NICE
        if factor * 10.0**power <= top
    ]
