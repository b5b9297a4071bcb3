"""Axes, pens and the box of values of line plots.

Importing this module imports pyqtgraph.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QWidget

from app.core.text import figure, scientific
from app.ui import theme
from app.ui.widgets.plot_curves import Curve

_WIDTH = 2.0
_THIN = 1.0
_LEGIBLE = 4.5
_SMALL = 1e-3


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
        if self.logMode:
            return [scientific(10.0**value, 0) if value < -2 else figure(10.0**value, 2) for value in values]
        if not values or max(abs(value * scale) for value in values) >= _SMALL:
            return list(super().tickStrings(values, scale, spacing))
        return ["0" if value == 0 else scientific(value * scale) for value in values]


def pen_of(curve: Curve, dense: bool) -> QPen:
    """Return the pen of a curve; a dense one is one pixel wide, which Qt draws many times faster than two."""
    colour = QColor(curve.colour)
    if curve.faint:
        colour.setAlphaF(0.35)
    pen = QPen(colour, _THIN if curve.faint or dense else _WIDTH)
    pen.setCosmetic(True)
    pen.setStyle(Qt.PenStyle.DashLine if curve.dashed else Qt.PenStyle.SolidLine)
    return pen


@lru_cache(maxsize=64)
def readable(colour: str) -> str:
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
