"""How large the boxes of a data set are: a histogram on a logarithmic axis, stacked by class."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.core.text import figure, grouped
from app.ui import theme

REFERENCE_SIDE = 640
"""Side of the square that pictures are fitted into, at which sizes are also told in pixels."""
FINEST_STRIDE = 8
"""Smaller boxes fall between the cells of the finest of the detector's three grids, P3."""
_TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class SizeHistogram(QWidget):
    """Bars over the box's side, √(width × height), as a share of the picture's longer side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sizeHistogram")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._edges: Sequence[float] = (0.01, 1.0)
        self._counts: Sequence[Sequence[int]] = ()
        self._names: Sequence[str] = ()
        self._only: int | None = None
        theme.notifier().changed.connect(self.update)
        self.retranslate()

    def show_sizes(
        self, edges: Sequence[float], counts: Sequence[Sequence[int]], names: Sequence[str]
    ) -> None:
        """Show other sizes.

        Args:
            edges: of the bins, ascending shares; one more than there are bins.
            counts: per class, boxes per bin.
            names: of the classes.
        """
        self._edges, self._counts, self._names = edges, counts, names
        self._only = None
        self._describe()
        self.update()

    def show_only(self, cls: int | None) -> None:
        """Show one class alone, or all."""
        self._only = cls
        self._describe()
        self.update()

    def totals(self) -> list[int]:
        """Return the boxes per bin that are shown."""
        return [sum(counts[i] for counts in self._shown()) for i in range(len(self._edges) - 1)]

    def bin_at(self, x: float) -> int | None:
        """Return the bin under a horizontal position, px."""
        first, last = self._range()
        plot = self._plot()
        if not plot.left() <= x < plot.right():
            return None
        return first + math.floor((x - plot.left()) / plot.width() * (last - first))

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(320, 170)

    def minimumSizeHint(self) -> QSize:
        """Return the least size that can be read."""
        return QSize(200, 110)

    def retranslate(self) -> None:
        """Set the texts."""
        self.setAccessibleName(self.tr("Box sizes"))
        self._describe()

    def event(self, event: QEvent) -> bool:
        """Tell the numbers of the bar under the pointer."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = self.bin_at(event.pos().x())
            if place is None or not any(self.totals()):
                QToolTip.hideText()
            else:
                QToolTip.showText(event.globalPos(), self.words_of(place), self)
            return True
        return super().event(event)

    def words_of(self, place: int) -> str:
        """Return what the bar of a bin says."""
        low, high = self._edges[place], self._edges[place + 1]
        span = self.tr("{low} to {high} % of the longer side").format(
            low=figure(low * 100, 2), high=figure(high * 100, 2)
        )
        pixels = self.tr("{low} to {high} px at {side} px").format(
            low=figure(low * REFERENCE_SIDE, 2), high=figure(high * REFERENCE_SIDE, 2), side=REFERENCE_SIDE
        )
        classes = self._names if self._only is None else [self._names[self._only]]
        pairs = zip(classes, self._shown(), strict=True)
        held = [f"{name}: {grouped(counts[place])}" for name, counts in pairs if counts[place]]
        return "\n".join([span, pixels, *(held or [self.tr("no box")])])

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axes, lines and bars."""
        painter = QPainter(self)
        painter.setFont(theme.font(theme.SIZE_SMALL))
        totals = self.totals()
        top = _rounded_up(max(totals, default=0))
        plot = self._plot()
        self._paint_scale(painter, plot, top)
        self._paint_bars(painter, plot, top)
        self._paint_axis(painter, plot)
        self._paint_limit(painter, plot)

    def _paint_scale(self, painter: QPainter, plot: QRectF, top: int) -> None:
        for step in (0, top // 2, top) if top > 1 else (0, top):
            y = plot.bottom() - plot.height() * step / max(top, 1)
            painter.setPen(QPen(theme.colour("strong_line" if step == 0 else "grid"), 1))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(theme.colour("muted"))
            box = QRectF(0, y - 8, plot.left() - 6, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, grouped(step))

    def _paint_bars(self, painter: QPainter, plot: QRectF, top: int) -> None:
        first, last = self._range()
        step = plot.width() / (last - first)
        classes = range(len(self._counts)) if self._only is None else [self._only]
        painter.setPen(Qt.PenStyle.NoPen)
        for place in range(first, last):
            y = plot.bottom()
            for cls in classes:
                height = plot.height() * self._counts[cls][place] / max(top, 1) if self._counts else 0
                if height <= 0:
                    continue
                y -= height
                painter.setBrush(QColor(theme.class_colour(cls)))
                painter.drawRect(QRectF(plot.left() + (place - first) * step + 0.5, y, step - 1, height))

    def _paint_axis(self, painter: QPainter, plot: QRectF) -> None:
        painter.setPen(theme.colour("muted"))
        free_from = 0.0
        for tick in _TICKS:
            x = self._x(tick, plot)
            if x is None:
                continue
            text = f"{tick * 100:g} %"
            width = painter.fontMetrics().horizontalAdvance(text)
            left = min(max(x - width / 2, plot.left()), plot.right() - width)
            if left < free_from:
                continue
            painter.drawText(QPointF(left, plot.bottom() + 15), text)
            free_from = left + width + 8

    def _paint_limit(self, painter: QPainter, plot: QRectF) -> None:
        """Mark the size below which boxes fall between the cells of the finest grid."""
        x = self._x(FINEST_STRIDE / REFERENCE_SIDE, plot)
        if x is None or not any(self.totals()):
            return
        painter.setPen(QPen(theme.colour("muted"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        text = self.tr("{pixels} px at {side}").format(pixels=FINEST_STRIDE, side=REFERENCE_SIDE)
        painter.drawText(QPointF(x + 4, plot.top() + 10), text)

    def _plot(self) -> QRectF:
        metrics = self.fontMetrics()
        left = metrics.horizontalAdvance(grouped(_rounded_up(max(self.totals(), default=0)))) + 6
        return QRectF(left, 6, max(self.width() - left - 2, 10), max(self.height() - 6 - 20, 10))

    def _shown(self) -> Sequence[Sequence[int]]:
        return self._counts if self._only is None else [self._counts[self._only]]

    def _range(self) -> tuple[int, int]:
        """Return the first bin shown and the one after the last: from half a per cent on, or what is there."""
        held = [i for i in range(len(self._edges) - 1) if any(counts[i] for counts in self._counts)]
        usual = next((i for i, edge in enumerate(self._edges) if edge >= 0.01), 0)
        first = min([usual, *held[:1]])
        return max(first - 1, 0), len(self._edges) - 1

    def _x(self, share: float, plot: QRectF) -> float | None:
        """Return where a share stands on the axis; None outside."""
        first, last = self._range()
        low, high = math.log(self._edges[first]), math.log(self._edges[last])
        place = (math.log(share) - low) / (high - low) if high > low else -1
        return plot.left() + place * plot.width() if 0 <= place <= 1.0001 else None

    def _describe(self) -> None:
        totals = self.totals()
        boxes = sum(totals)
        if not boxes:
            self.setAccessibleDescription(self.tr("No boxes."))
            return
        place, seen = 0, 0
        while seen + totals[place] < boxes / 2:
            seen += totals[place]
            place += 1
        middle = math.sqrt(self._edges[place] * self._edges[place + 1])
        self.setAccessibleDescription(
            self.tr(
                "{count} boxes; the middle one measures {percent} % of the picture's longer side."
            ).format(count=grouped(boxes), percent=figure(middle * 100, 2))
        )


def _rounded_up(value: int) -> int:
    """Return the least even number of the form 1, 2 or 5 times a power of ten that is not below the value."""
    if value <= 2:
        return max(value, 1)
    power = 10 ** math.floor(math.log10(value))
    for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10):
        if factor * power >= value and float(factor * power).is_integer():
            return int(factor * power) + int(factor * power) % 2
    return value
