"""What the last pairs took, drawn as it happens."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.text import figure
from app.ui import theme

KEPT = 300
"""Pairs drawn, the newest at the right."""

_AXIS = 34.0
_ENDS = 46.0
_LABEL = 14.0


class LatencyPlot(QWidget):
    """Inference times of both sides, pair by pair: the standard in grey-blue, the lightweight in the accent.

    The scale covers 97 % of what is shown, so that one hiccup does not flatten everything.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("latencyPlot")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._times: tuple[deque[float], deque[float]] = (deque(maxlen=KEPT), deque(maxlen=KEPT))
        self._top = 0.0
        self._sentence = ""
        theme.notifier().changed.connect(self.update)

    @property
    def times_ms(self) -> tuple[list[float], list[float]]:
        """What is drawn: left and right, the newest last."""
        return list(self._times[0]), list(self._times[1])

    def set_sentence(self, sentence: str) -> None:
        """Set what stands there before the first pair."""
        self._sentence = sentence
        self.update()

    def clear(self) -> None:
        """Begin anew."""
        for times in self._times:
            times.clear()
        self._top = 0.0
        self.update()

    def extend(self, pairs_ms: Iterable[Sequence[float]]) -> None:
        """Add pairs of inference times in milliseconds."""
        for a, b in pairs_ms:
            self._times[0].append(a)
            self._times[1].append(b)
        self._scale()
        self.update()

    def _scale(self) -> None:
        """Fit the scale to a round number; let it shrink only when it would be half empty."""
        values = sorted((*self._times[0], *self._times[1]))
        if not values:
            return
        wanted = _round_up(values[math.ceil(0.97 * len(values)) - 1] * 1.05)
        if wanted > self._top or wanted < self._top / 2:
            self._top = wanted

    def sizeHint(self) -> QSize:
        """Low and wide."""
        return QSize(420, 120)

    def minimumSizeHint(self) -> QSize:
        """Room for two lines."""
        return QSize(160, 64)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the scale and both lines, or the sentence."""
        painter = QPainter(self)
        painter.setFont(theme.font(theme.SIZE_SMALL))
        if not self._times[0]:
            painter.setPen(theme.colour("muted"))
            words = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), words, self._sentence)
            return
        area = QRectF(self.rect()).adjusted(_AXIS, _LABEL / 2, -_ENDS, -_LABEL / 2)
        self._draw_scale(painter, area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for times, token in zip(self._times, ("standard", "lightweight"), strict=True):
            self._draw_line(painter, area, times, token)
        self._draw_ends(painter, area)

    def _y(self, area: QRectF, value: float) -> float:
        return area.bottom() - min(value / self._top, 1.0) * area.height()

    def _draw_scale(self, painter: QPainter, area: QRectF) -> None:
        metrics = QFontMetricsF(painter.font())
        for share in (0.0, 0.5, 1.0):
            y = self._y(area, share * self._top)
            painter.setPen(QPen(theme.colour("grid"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            words = f"{share * self._top:g}"
            painter.setPen(theme.colour("muted"))
            left = area.left() - metrics.horizontalAdvance(words) - 6
            painter.drawText(QPointF(left, y + metrics.ascent() / 2 - 1), words)

    def _draw_line(self, painter: QPainter, area: QRectF, times: Sequence[float], token: str) -> None:
        step = area.width() / (KEPT - 1)
        first = area.right() - step * (len(times) - 1)
        points = [QPointF(first + step * i, self._y(area, value)) for i, value in enumerate(times)]
        painter.setPen(QPen(theme.colour(token), 1.5))
        painter.drawPolyline(QPolygonF(points))

    def _draw_ends(self, painter: QPainter, area: QRectF) -> None:
        """Write the newest values at the right ends, apart from each other."""
        ends = sorted(
            (self._y(area, times[-1]), times[-1], token)
            for times, token in zip(self._times, ("standard", "lightweight"), strict=True)
        )
        upper = min(ends[0][0], area.bottom() - _LABEL)
        lower = min(max(ends[1][0], upper + _LABEL), area.bottom())
        for y, (_, value, token) in zip((upper, lower), ends, strict=True):
            painter.setPen(theme.colour(token))
            painter.drawText(QPointF(area.right() + 6, y + 4), figure(value))


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 4, 5, 6, 8, 10 × a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 6, 8, 10) if step * power >= value * 0.999)
