"""Both pictures on the whole screen, over figures that can be read across a room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QFont, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.core.text import figure
from app.ui import theme
from app.ui.pages.compare_pane import PARTS
from app.ui.pages.compare_pictures import Pictures
from app.ui.widgets.cards import label
from app.ui.widgets.elided import ElidedLabel
from app.ui.widgets.viewport import Viewport

_STRIP = 6
"""The strip takes one part in this many of the height."""


class BigFigure(QWidget):
    """A large number, its unit beside it, and words below."""

    def __init__(self, name: str, tone: str, place: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft) -> None:
        super().__init__()
        self.number = label(tone=tone)
        self.number.setObjectName(name)
        self.unit = label(role="muted")
        self.words = ElidedLabel()
        self.words.setProperty("role", "muted")
        row = QHBoxLayout()
        row.setSpacing(theme.BETWEEN)
        self.words.setAlignment(place)
        if place != Qt.AlignmentFlag.AlignLeft:
            row.addStretch(1)
        row.addWidget(self.number, 0, Qt.AlignmentFlag.AlignBaseline)
        row.addWidget(self.unit, 0, Qt.AlignmentFlag.AlignBaseline)
        if place != Qt.AlignmentFlag.AlignRight:
            row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.words)
        column.addStretch(1)

    def set_size(self, number: int, unit: int, words: int) -> None:
        """Set the heights of the letters in px."""
        _size(self.number, number, QFont.Weight.DemiBold)
        _size(self.unit, unit)
        _size(self.words, words)


def _size(shown: QLabel, size: int, weight: QFont.Weight = QFont.Weight.Normal) -> None:
    shown.setStyleSheet(f"font-size: {size}px; font-weight: {weight.value};")


class CompareScreen(QWidget):
    """A window of its own that fills the screen; F, F11 and Esc leave it.

    Args:
        parent: The page, whose actions work here too.
        viewport: Zoom and place, shared with the page.
        actions: The page's actions.
    """

    left = Signal()

    def __init__(self, parent: QWidget, viewport: Viewport, actions: Sequence[QAction]) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("compareScreen")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.pictures = Pictures("screen_", viewport)
        self.pictures.draw_large()
        self.figures = (
            BigFigure("big_a", "standard"),
            BigFigure("big_b", "lightweight", Qt.AlignmentFlag.AlignRight),
        )
        self.speedup = BigFigure("big_speedup", "", Qt.AlignmentFlag.AlignHCenter)
        self._strip = QFrame()
        self._strip.setProperty("role", "card")
        row = QHBoxLayout(self._strip)
        row.setContentsMargins(theme.GROUPS, theme.INSIDE, theme.GROUPS, theme.INSIDE)
        row.setSpacing(theme.GROUPS)
        row.addWidget(self.figures[0], 3)
        row.addWidget(self.speedup, 4)
        row.addWidget(self.figures[1], 3)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.INSIDE, theme.INSIDE, theme.INSIDE, theme.INSIDE)
        column.setSpacing(theme.INSIDE)
        column.addWidget(self.pictures, 1)
        column.addWidget(self._strip)
        self.addActions(list(actions))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the figures in proportion to the screen."""
        super().resizeEvent(event)
        height = max(self.height() // _STRIP, 96)
        self._strip.setFixedHeight(height)
        number = min(height // 2, self.width() // 18)
        for shown in (*self.figures, self.speedup):
            shown.set_size(number, max(number * 2 // 5, 16), max(number // 4, 13))

    def show_statistics(self, figures: Mapping[str, Any] | None, titles: Sequence[str]) -> None:
        """Show the median of each side, what it would reach alone, and how they compare; None clears them."""
        for shown, side, title in zip(self.figures, "ab", titles, strict=True):
            shown.words.setText(title)
            shown.number.setText(figure(figures[side]["inference_ms"]["p50"]) if figures else "–")
            whole = sum(figures[side][part]["p50"] for part in PARTS) if figures else 0.0
            if whole:
                shown.unit.setText(self.tr("ms · {rate} fps alone").format(rate=figure(1000 / whole)))
            else:
                shown.unit.setText(self.tr("ms"))
        ratio = figures.get("speedup") if figures else None
        self.speedup.number.setText(f"{ratio['median']:.2f}×" if ratio else "–")
        self.speedup.unit.setText(f"[{ratio['low']:.2f}–{ratio['high']:.2f}]" if ratio else "")
        pairs = figures.get("pairs_per_second") if figures else None
        words = self.tr("{rate} pairs/s on the same pictures").format(rate=figure(pairs) if pairs else "–")
        self.speedup.words.setText(words)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave with Esc or F11; the page takes the other keys."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_F11):
            self.close()
        else:
            parent = self.parentWidget()
            if parent is not None:
                parent.keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell the page."""
        super().closeEvent(event)
        self.left.emit()
