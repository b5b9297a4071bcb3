"""How well both detectors agree, second by second, and what the kinds of boxes look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.core.text import THIN_SPACE
from app.ui import theme
from app.ui.widgets.frame_boxes import draw_frame

KEPT = 60
"""Seconds drawn, the newest at the right."""

KINDS = ("agree", "class_changed", "only_a", "only_b")
"""How a box of one side can stand to the other side, as the engine names it."""

_LOOKS: Mapping[str, tuple[str, str]] = {
    "agree": ("agree", "a"),
    "class_changed": ("changed", "a"),
    "only_a": ("alone", "a"),
    "only_b": ("alone", "b"),
}
_AXIS, _END, _HALF = 34.0, 46.0, 7.0
_SWATCH = QSize(18, 12)
_BETWEEN, _INSIDE = 14, 6


def agreement_share(counts: Mapping[str, float]) -> float | None:
    """Return which share of all boxes both sides have and call the same, 0 to 1; None without boxes."""
    boxes = sum(counts.get(kind, 0) for kind in KINDS)
    return counts.get("agree", 0) / boxes if boxes else None


class AgreementPlot(QWidget):
    """The share of boxes that agree, one point a second."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("agreementPlot")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.shares: list[float | None] = []
        self._sentence = ""
        theme.notifier().changed.connect(self.update)

    def set_sentence(self, sentence: str) -> None:
        """Set what stands there before the first boxes."""
        self._sentence = sentence
        self.update()

    def show_rows(self, rows: Sequence[Sequence[float]]) -> None:
        """Show rows of (second, agree, class_changed, only_a, only_b); none clears it."""
        self.shares = [agreement_share(dict(zip(KINDS, row[1:], strict=True))) for row in rows[-KEPT:]]
        self.update()

    def sizeHint(self) -> QSize:
        """Low and wide."""
        return QSize(220, 84)

    def minimumSizeHint(self) -> QSize:
        """Room for a line."""
        return QSize(120, 56)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the scale and the line, or the sentence."""
        painter = QPainter(self)
        painter.setFont(theme.font(theme.SIZE_SMALL))
        known = [(i, share) for i, share in enumerate(self.shares) if share is not None]
        if not known:
            painter.setPen(theme.colour("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), flags, self._sentence)
            return
        area = QRectF(self.rect()).adjusted(_AXIS, _HALF, -_END, -_HALF)
        metrics = QFontMetricsF(painter.font())
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            painter.setPen(QPen(theme.colour("grid"), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            words = f"{share * 100:.0f}"
            painter.setPen(theme.colour("muted"))
            painter.drawText(
                QPointF(area.left() - metrics.horizontalAdvance(words) - 6, y + metrics.ascent() / 2 - 1),
                words,
            )
        self._draw_line(painter, area, known)

    def _draw_line(self, painter: QPainter, area: QRectF, known: Sequence[tuple[int, float]]) -> None:
        step = area.width() / (KEPT - 1)
        first = area.right() - step * (len(self.shares) - 1)
        points = [QPointF(first + step * i, area.bottom() - share * area.height()) for i, share in known]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("good"), 1.5))
        if len(points) > 1:
            painter.drawPolyline(QPolygonF(points))
        painter.setBrush(theme.colour("good"))
        painter.drawEllipse(points[-1], 2, 2)
        last = known[-1][1]
        painter.drawText(QPointF(area.right() + 6, points[-1].y() + 4), f"{last * 100:.0f}{THIN_SPACE}%")


class AgreementLegend(QWidget):
    """What solid, double, dashed and dotted boxes are, and how many of each the picture on the screen has."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("agreement")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._words: dict[str, str] = {}
        self._hints: Mapping[str, str] = {}

    def text(self) -> str:
        """Return the counts in words."""
        return " · ".join(self._words.values())

    def show_words(self, words: Mapping[str, str], hints: Mapping[str, str]) -> None:
        """Show a text for each of `KINDS`, with a tooltip; none shows nothing."""
        if dict(words) == self._words and hints == self._hints:
            return
        before, self._words, self._hints = self.sizeHint(), dict(words), hints
        self.setAccessibleName(self.text())
        if self.sizeHint() != before:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """All words in a row."""
        metrics = self.fontMetrics()
        widths = [self._width(words) for words in self._words.values()]
        return QSize(sum(widths) + _BETWEEN * max(len(widths) - 1, 0), metrics.height() + 2)

    def _width(self, words: str) -> int:
        return _SWATCH.width() + _INSIDE + self.fontMetrics().horizontalAdvance(words) + 2

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw a small box and the words of each kind."""
        painter = QPainter(self)
        metrics = self.fontMetrics()
        x = 0
        for kind, words in self._words.items():
            top = (self.height() - _SWATCH.height()) / 2
            swatch = QRectF(x + 1, top, _SWATCH.width() - 2, _SWATCH.height())
            draw_frame(painter, swatch, theme.colour("text"), *_LOOKS[kind])
            painter.setPen(theme.colour("text" if kind == "agree" else "muted"))
            baseline = (self.height() + metrics.ascent() - metrics.descent()) // 2
            painter.drawText(QPoint(x + _SWATCH.width() + _INSIDE, baseline), words)
            x += self._width(words) + _BETWEEN

    def event(self, event: QEvent) -> bool:
        """Explain the kind under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            x = 0
            for kind, words in self._words.items():
                x += self._width(words) + _BETWEEN
                if event.pos().x() < x:
                    QToolTip.showText(event.globalPos(), self._hints.get(kind, ""), self)
                    break
            return True
        return super().event(event)
