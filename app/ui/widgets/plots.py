"""Line plots: quiet axes, current values at the right end of the curves, a crosshair that reads them all.

Importing this module imports pyqtgraph: pages do so when they are first shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout

from app.core.smoothing import smoothed
from app.core.text import figure
from app.ui import theme
from app.ui.widgets.cards import Card, label
from app.ui.widgets.plot_axes import EpochAxis, Reading, ValueAxis, pen_of, readable
from app.ui.widgets.plot_curves import MOST_POINTS, Curve, Floats, last, settled, table_of, thinned

__all__ = ["Curve", "LinePlot", "Reading", "thinned"]

_MOST_LABELS = 6
_LABEL_PX = 14
_RIGHT_PX = 52
_TOP_PX = 9
_GAP_PX = 6
_LEFT_AXIS_PX = 46
_AGAIN_MS = 60

pg.setConfigOptions(antialias=True)


class LinePlot(Card):
    """A card with a title and a plot; a sentence in its place while there is nothing to draw.

    Args:
        name: Its ``objectName``.
        from_zero: Whether the vertical axis begins at 0.
        form: Writes a value for crosshair and labels.
    """

    def __init__(self, name: str, from_zero: bool = True, form: Callable[[float], str] = figure) -> None:
        super().__init__(margin=theme.INSIDE)
        self.setObjectName(name)
        self._from_zero = from_zero
        self._form = form
        self._curves: dict[str, Curve] = {}
        self._lines: dict[str, pg.PlotDataItem] = {}
        self._ends: list[pg.TextItem] = []
        self._extents: dict[str, tuple[float, float] | None] = {}
        self._smoothing = 0.0
        self._log = False
        self._zoomed = False
        self.heading = label(role="strong")
        self.corner = QHBoxLayout()
        self.sentence = label(role="muted", wrap=True)
        self.plot = pg.PlotWidget(axisItems={"bottom": EpochAxis("bottom"), "left": ValueAxis("left")})
        self._lay_out()
        self._set_up_plot()
        theme.notifier().changed.connect(self._tint)
        self._tint()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(4, 0, 4, 0)
        row.addWidget(self.heading)
        row.addLayout(self.corner)
        row.addStretch(1)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._place = QStackedLayout()
        self._place.addWidget(self.sentence)
        self._place.addWidget(self.plot)
        self.body.setSpacing(2)
        self.body.addLayout(row)
        self.body.addLayout(self._place, 1)

    def _set_up_plot(self) -> None:
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(True, True)
        self.plot.getViewBox().sigRangeChangedManually.connect(self._on_view_range_changed_manually)
        self._again = QTimer(self, singleShot=True, interval=_AGAIN_MS)
        self._again.timeout.connect(self._redraw)
        self.plot.setMinimumHeight(70)
        item = self.plot.getPlotItem()
        item.getAxis("left").setWidth(_LEFT_AXIS_PX)
        item.getAxis("left").setStyle(tickLength=0, maxTickLevel=0)
        item.getAxis("bottom").setStyle(tickLength=-4, maxTickLevel=0)
        item.getViewBox().setDefaultPadding(0.04)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._cursor.setVisible(False)
        item.addItem(self._cursor, ignoreBounds=True)
        self.plot.scene().sigMouseMoved.connect(self._on_scene_mouse_moved)
        self.plot.viewport().installEventFilter(self)
        self.reading = Reading(self.plot)

    def curve(self, key: str) -> tuple[list[float], list[float]]:
        """Return what is drawn for a key; empty lists where nothing is."""
        line = self._lines.get(key)
        if line is None:
            return [], []
        x, y = line.getData()
        return ([], []) if x is None else (list(map(float, x)), list(map(float, y)))

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the curves that are drawn."""
        return tuple(self._lines)

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Draw these curves and no others."""
        wanted = {curve.key: curve for curve in curves if len(curve.x)}
        for key in [key for key in self._lines if key not in wanted]:
            self.plot.removeItem(self._lines.pop(key))
            self._extents.pop(key, None)
        for key, curve in wanted.items():
            if key not in self._lines:
                self._lines[key] = self.plot.plot([], [], connect="finite")
            if self._curves.get(key) != curve:
                self._draw(self._lines[key], curve)
        self._curves = wanted
        self._place.setCurrentIndex(1 if wanted else 0)
        self._fit()
        self._show_ends()

    # --- what the user chose -------------------------------------------------------------------------------

    @property
    def zoomed(self) -> bool:
        """Whether the user chose the range: it stays while data arrives."""
        return self._zoomed

    @property
    def logarithmic(self) -> bool:
        """Whether the values stand on a logarithmic axis."""
        return self._log

    def smooth(self, weight: float) -> None:
        """Draw moving averages; crosshair, labels and files keep the measured values."""
        if weight != self._smoothing:
            self._smoothing = weight
            self._redraw()

    def set_logarithmic(self, on: bool) -> None:
        """Put the values on a logarithmic axis, or on an even one; what is not above 0 is left out there."""
        self._log = on
        self.plot.getPlotItem().getAxis("left").setLogMode(y=on)
        self.plot.getPlotItem().getAxis("left").setStyle(maxTickLevel=1 if on else 0)
        self._redraw()

    def show_all(self) -> None:
        """Give the choice of the range back."""
        self._zoomed = False
        self._redraw()

    def table(self) -> str:
        """Return what is drawn as CSV, as measured."""
        return table_of(self._curves.values())

    def _on_view_range_changed_manually(self, *_: object) -> None:
        self._zoomed = True
        self._again.start()

    def _redraw(self) -> None:
        for key, curve in self._curves.items():
            self._draw(self._lines[key], curve)
        self._fit()
        self._show_ends()

    def mouseDoubleClickEvent(self, event: object) -> None:
        """Show everything again."""
        self.show_all()

    def _height(self, value: float) -> float:
        """Return where a value stands on the axis."""
        if not self._log:
            return value
        return math.log10(value) if value > 0 else math.nan

    def _points(self, curve: Curve) -> tuple[Floats, Floats]:
        """Return a curve's points as they are drawn: smoothed, on the axis, and of a zoomed plot those in view."""
        x, y = np.asarray(curve.x, dtype=float), np.asarray(curve.y, dtype=float)
        if self._smoothing and not curve.faint:
            y = np.array(smoothed(curve.y, self._smoothing))
        if self._log:
            with np.errstate(divide="ignore", invalid="ignore"):
                y = np.where(y > 0, np.log10(y), np.nan)
        self._extents[curve.key] = settled(y)
        if self._zoomed and len(x) > MOST_POINTS:
            low, high = self.plot.viewRange()[0]
            begin, end = np.searchsorted(x, [low, high])
            x, y = x[max(begin - 1, 0) : end + 1], y[max(begin - 1, 0) : end + 1]
        return x, y

    # --- drawing --------------------------------------------------------------------------------------------

    def _draw(self, line: pg.PlotDataItem, curve: Curve) -> None:
        """Give a line its points and its looks, in one call: each costs a repaint."""
        x, y = self._points(curve)
        line.setZValue(-1 if curve.faint else 1)
        line.setData(
            *thinned(x, y),
            pen=pen_of(curve, len(x) > MOST_POINTS),
            connect="finite",
            symbol="o" if len(x) == 1 else None,
            symbolSize=6,
            symbolBrush=QColor(curve.colour),
            symbolPen=None,
        )

    def _fit(self) -> None:
        """Choose the ranges: all values, room for the labels at the right, 0 at the bottom."""
        if self._zoomed:
            return
        curves = self._curves.values()
        solid = [curve for curve in curves if not curve.faint] or list(curves)
        extents = [extent for extent in (self._extents[curve.key] for curve in solid) if extent is not None]
        ends = [curve.x[-1] for curve in curves]
        starts = [curve.x[0] for curve in curves]
        if not extents or not ends:
            return
        low = 0.0 if self._from_zero and not self._log else min(extent[0] for extent in extents)
        high = max(extent[1] for extent in extents)
        if high - low < 1e-9:
            high = low + (abs(low) * 0.1 or 1.0)
        first, last = min(starts), max(ends)
        if last - first < 1e-9:
            first, last = first - 0.5, last + 0.5
        width = max(self.plot.getViewBox().width(), 2.0 * _RIGHT_PX)
        room = (last - first) * _RIGHT_PX / (width - _RIGHT_PX)
        self.plot.setXRange(first, last + room, padding=0.02)
        margin = (high - low) * _TOP_PX / max(self.plot.getViewBox().height(), 4.0 * _TOP_PX)
        self.plot.setYRange(low, high + margin, padding=0.02)

    def _show_ends(self) -> None:
        """Write the last value at the right end of each curve, moved apart where they would overlap."""
        shown = [curve for curve in self._curves.values() if curve.labelled and not curve.faint]
        ends = [(last(curve), curve) for curve in shown[:_MOST_LABELS]]
        known = (
            (end, curve) for end, curve in ends if end is not None and not math.isnan(self._height(end[1]))
        )
        placed = sorted(known, key=lambda pair: pair[0][1])
        height = max(self.plot.getViewBox().height(), 1.0)
        low, high = self.plot.viewRange()[1]
        step = (high - low) * _LABEL_PX / height
        below = -math.inf
        for text in self._ends[len(placed) :]:
            text.setVisible(False)
        for number, (end, curve) in enumerate(placed):
            assert end is not None
            y = max(self._height(end[1]), below + step)
            below = y
            text = self._end(number)
            text.setText(self._form(end[1]))
            text.setColor(readable(curve.colour))
            text.setPos(end[0], y)
            text.setVisible(True)

    def _end(self, number: int) -> pg.TextItem:
        """Return the label of that number; labels are kept, for making one costs more than changing it."""
        if number == len(self._ends):
            made = pg.TextItem("", anchor=(0, 0.5))
            made.setFont(theme.font(theme.SIZE_SMALL))
            self.plot.addItem(made, ignoreBounds=True)
            self._ends.append(made)
        return self._ends[number]

    def resizeEvent(self, event: object) -> None:
        """Place the labels anew: their distance is in pixels."""
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._fit()
        self._show_ends()

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Take the crosshair away when the mouse leaves."""
        if event.type() == QEvent.Type.Leave:
            self._cursor.setVisible(False)
            self.reading.hide()
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    def _on_scene_mouse_moved(self, position: QPointF) -> None:
        box = self.plot.getViewBox()
        solid = [curve for curve in self._curves.values() if not curve.faint]
        if not solid or not box.sceneBoundingRect().contains(position):
            return
        self.read_at(box.mapSceneToView(position).x())

    def read_at(self, x: float) -> None:
        """Put the crosshair at the epoch nearest to `x` and tell every curve's value there."""
        solid = [curve for curve in self._curves.values() if not curve.faint]
        epochs = sorted({epoch for curve in solid for epoch in curve.x})
        if not epochs:
            return
        nearest = min(epochs, key=lambda epoch: abs(epoch - x))
        self._cursor.setPos(nearest)
        self._cursor.setVisible(True)
        place = self.tr("epoch {epoch}").format(epoch=f"{nearest:g}")
        rows = [f"<tr><td colspan=3>{place}</td></tr>"]
        for curve in solid:
            found = dict(zip(curve.x, curve.y, strict=True)).get(nearest)
            if found is not None and math.isfinite(found):
                mark = "┅" if curve.dashed else "━"
                rows.append(
                    f"<tr><td style='color:{curve.colour}'>{mark}&nbsp;</td><td>{escape(curve.name)}&nbsp;</td>"
                    f"<td align=right>{self._form(found)}</td></tr>"
                )
        self.reading.setText(f"<table cellspacing=0>{''.join(rows)}</table>")
        self._place_reading(nearest)

    def _place_reading(self, epoch: float) -> None:
        """Put the box of values beside the crosshair, on the side with more room."""
        self.reading.adjustSize()
        at = self.plot.mapFromScene(self.plot.getViewBox().mapViewToScene(QPointF(epoch, 0))).x()
        left = at - self.reading.width() - _GAP_PX
        x = left if at > self.plot.width() / 2 else at + _GAP_PX
        self.reading.move(round(min(max(x, 0), self.plot.width() - self.reading.width())), 0)
        self.reading.show()

    def _tint(self) -> None:
        tokens = theme.tokens()
        self.plot.setBackground(tokens.surface)
        for name in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(name)
            axis.setPen(QPen(QColor(tokens.line)))
            axis.setTextPen(QPen(QColor(tokens.muted)))
            axis.setTickFont(theme.font(theme.SIZE_SMALL))
        self.plot.getPlotItem().getAxis("left").setPen(QPen(Qt.PenStyle.NoPen))
        self.plot.showGrid(y=True, alpha=0.25)
        self._cursor.setPen(pg.mkPen(tokens.strong_line, width=1))
        self.reading.setFont(theme.font(theme.SIZE_SMALL))
        readable.cache_clear()
        self._show_ends()
