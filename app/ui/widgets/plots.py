"""Line plots: quiet axes, current values at the right end of the curves, a crosshair that reads them all.

Importing this module imports pyqtgraph: pages do so when they are first shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedLayout, QWidget

from app.core.text import figure, scientific
from app.ui import theme
from app.ui.widgets.cards import Card, label

_WIDTH = 2.0
_THIN = 1.0
_MOST_LABELS = 6
_LABEL_PX = 14
_RIGHT_PX = 52
_EARLY_SHARE = 0.2
_TOP_PX = 9
_GAP_PX = 6
_SPIKE = 1.5
_LEGIBLE = 4.5
_LEFT_AXIS_PX = 46
_SMALL = 1e-3
_MOST_POINTS = 1000

Floats = npt.NDArray[np.float64]

pg.setConfigOptions(antialias=True)


@dataclass(frozen=True)
class Curve:
    """A line to draw.

    Attributes:
        key: What it is; the same key keeps its line.
        name: What people call it, for the crosshair.
        x: Epochs.
        y: Values; NaN leaves a gap.
        colour: `#RRGGBB`.
        dashed: Whether it is dashed.
        faint: A thin background line, left out of crosshair and end labels.
        labelled: Whether its last value stands at its right end.
    """

    key: str
    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    dashed: bool = False
    faint: bool = False
    labelled: bool = True


class Reading(QLabel):
    """The box of values beside the crosshair."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("plotReading")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setContentsMargins(4, 2, 4, 2)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ground, then the values."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.colour("line"))
        painter.setBrush(theme.colour("overlay", 0.94))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 4, 4)
        painter.end()
        super().paintEvent(event)


class EpochAxis(pg.AxisItem):
    """An axis of epochs: ticks at whole numbers alone."""

    def tickSpacing(self, low: float, high: float, size: float) -> list[tuple[float, float]]:
        """Return (spacing, offset) of the ticks, of at least one epoch."""
        spacing = super().tickSpacing(low, high, size)
        return [(max(1.0, float(round(step))), offset) for step, offset in spacing]


class ValueAxis(pg.AxisItem):
    """An axis of values: small ones as 8e-5, all of an axis in the same way."""

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Return what stands at the ticks."""
        if not values or max(abs(value * scale) for value in values) >= _SMALL:
            return list(super().tickStrings(values, scale, spacing))
        return ["0" if value == 0 else scientific(value * scale) for value in values]


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
        self.plot.setMouseEnabled(False, False)
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

    def _draw(self, line: pg.PlotDataItem, curve: Curve) -> None:
        """Give a line its points and its looks, in one call: each costs a repaint."""
        x, y = np.asarray(curve.x, dtype=float), np.asarray(curve.y, dtype=float)
        self._extents[curve.key] = _settled(y)
        line.setZValue(-1 if curve.faint else 1)
        line.setData(
            *thinned(x, y),
            pen=_pen(curve),
            connect="finite",
            symbol="o" if len(x) == 1 else None,
            symbolSize=6,
            symbolBrush=QColor(curve.colour),
            symbolPen=None,
        )

    def _fit(self) -> None:
        """Choose the ranges: all values, room for the labels at the right, 0 at the bottom."""
        curves = self._curves.values()
        solid = [curve for curve in curves if not curve.faint] or list(curves)
        extents = [extent for extent in (self._extents[curve.key] for curve in solid) if extent is not None]
        ends = [curve.x[-1] for curve in curves]
        starts = [curve.x[0] for curve in curves]
        if not extents or not ends:
            return
        low = 0.0 if self._from_zero else min(extent[0] for extent in extents)
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
        ends = [(_last(curve), curve) for curve in shown[:_MOST_LABELS]]
        placed = sorted(((end, curve) for end, curve in ends if end is not None), key=lambda pair: pair[0][1])
        height = max(self.plot.getViewBox().height(), 1.0)
        low, high = self.plot.viewRange()[1]
        step = (high - low) * _LABEL_PX / height
        below = -math.inf
        for text in self._ends[len(placed) :]:
            text.setVisible(False)
        for number, (end, curve) in enumerate(placed):
            assert end is not None
            y = max(end[1], below + step)
            below = y
            text = self._end(number)
            text.setText(self._form(end[1]))
            text.setColor(_readable(curve.colour))
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
        _readable.cache_clear()
        self._show_ends()


def _pen(curve: Curve) -> QPen:
    colour = QColor(curve.colour)
    if curve.faint:
        colour.setAlphaF(0.35)
    pen = QPen(colour, _THIN if curve.faint else _WIDTH)
    pen.setCosmetic(True)
    pen.setStyle(Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine)
    return pen


def thinned(x: Floats, y: Floats, most: int = _MOST_POINTS) -> tuple[Floats, Floats]:
    """Return points that look the same: of each stretch of many the lowest and the highest; all where they are few.

    Args:
        x: Epochs, rising.
        y: Values; NaN leaves a gap.
        most: Up to so many points are left as they are, and at most so many are returned.
    """
    if len(x) <= most:
        return x, y
    stretch = math.ceil(2 * len(x) / most)
    count = len(x) // stretch
    whole = y[: count * stretch].reshape(count, stretch)
    low = np.where(np.isnan(whole), np.inf, whole).argmin(axis=1)
    high = np.where(np.isnan(whole), -np.inf, whole).argmax(axis=1)
    begins = np.arange(count) * stretch
    kept = np.unique(np.concatenate([begins + low, begins + high, [0], np.arange(count * stretch, len(x))]))
    return x[kept], y[kept]


def _settled(y: Floats) -> tuple[float, float] | None:
    """Return the least and the greatest value, without those of the first epochs where they dwarf all that follows."""
    finite = y[np.isfinite(y)]
    if not len(finite):
        return None
    early = max(3, round(len(finite) * _EARLY_SHARE))
    later = finite[early:]
    taken = finite if len(later) < 5 or finite[:early].max() < _SPIKE * later.max() else later
    return float(taken.min()), float(taken.max())


def _last(curve: Curve) -> tuple[float, float] | None:
    """Return the last finite point."""
    pairs = zip(reversed(curve.x), reversed(curve.y), strict=True)
    return next(((x, y) for x, y in pairs if math.isfinite(y)), None)


@lru_cache(maxsize=64)
def _readable(colour: str) -> str:
    """Return the colour, mixed with the text's until it can be read as small print."""
    tokens = theme.tokens()
    ink, text = QColor(colour), QColor(tokens.text)
    for step in range(11):
        share = step / 10
        mixed = QColor.fromRgbF(
            ink.redF() * (1 - share) + text.redF() * share,
            ink.greenF() * (1 - share) + text.greenF() * share,
            ink.blueF() * (1 - share) + text.blueF() * share,
        ).name()
        if theme.contrast(mixed, tokens.surface) >= _LEGIBLE:
            return mixed
    return tokens.text
