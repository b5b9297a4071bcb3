"""Where the time of both sides goes: one bar each, in the same scale."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.text import figure
from app.ui import theme

_BAR = 14.0
_GAP = 10.0
_TONES = ("standard", "lightweight")
_ALPHAS = (0.45, 1.0, 0.65)
"""Strength of preprocess, inference, postprocess."""


class TimingBars(QWidget):
    """Two stacked bars, preprocess, inference and postprocess, with the sum at their ends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timingBars")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._parts: tuple[Sequence[float], Sequence[float]] | None = None
        self._words: Sequence[str] = ("", "", "")
        theme.notifier().changed.connect(self.update)

    def set_words(self, words: Sequence[str]) -> None:
        """Set the names of the three parts."""
        self._words = words
        self.update()

    def show_parts(self, a: Sequence[float] | None, b: Sequence[float] | None) -> None:
        """Show the three parts of both sides in milliseconds; None clears them."""
        self._parts = None if a is None or b is None else (a, b)
        self.update()

    def sizeHint(self) -> QSize:
        """Two bars and the names of the parts."""
        return QSize(240, 84)

    def minimumSizeHint(self) -> QSize:
        """As high, less wide."""
        return QSize(140, 72)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars and the legend."""
        painter = QPainter(self)
        painter.setFont(theme.font(theme.SIZE_SMALL))
        metrics = QFontMetricsF(painter.font())
        room = self.width() - metrics.horizontalAdvance("000.0") - theme.INSIDE
        top = max((self.height() - 2 * _BAR - _GAP - metrics.height() - _GAP) / 2, 0.0)
        longest = max((sum(side) for side in self._parts), default=0.0) if self._parts else 0.0
        for row, tone in enumerate(_TONES):
            y = top + row * (_BAR + _GAP)
            painter.fillRect(QRectF(0, y, room, _BAR), theme.colour("raised"))
            if self._parts and longest:
                end = self._draw_bar(painter, y, room / longest, self._parts[row], tone)
                painter.setPen(theme.colour(tone))
                words = QPointF(end + theme.INSIDE, y + _BAR / 2 + metrics.ascent() / 2 - 1)
                painter.drawText(words, figure(sum(self._parts[row])))
        self._draw_legend(painter, top + 2 * (_BAR + _GAP), metrics)

    def _draw_bar(
        self, painter: QPainter, y: float, scale: float, parts: Sequence[float], tone: str
    ) -> float:
        x = 0.0
        for value, alpha in zip(parts, _ALPHAS, strict=True):
            painter.fillRect(QRectF(x, y, value * scale, _BAR), theme.colour(tone, alpha))
            x += value * scale
        return x

    def _draw_legend(self, painter: QPainter, y: float, metrics: QFontMetricsF) -> None:
        x = 0.0
        side = metrics.ascent() - 2
        for words, alpha in zip(self._words, _ALPHAS, strict=True):
            width = side + 4 + metrics.horizontalAdvance(words)
            if x and x + width > self.width():
                return
            painter.fillRect(QRectF(x, y + 2, side, side), theme.colour("muted", alpha))
            painter.setPen(theme.colour("muted"))
            painter.drawText(QPointF(x + side + 4, y + metrics.ascent()), words)
            x += width + theme.BETWEEN
