"""What plots of marks share: a still ground without menus, quiet axes, and a box of words beside the mark in question.

Importing this module imports pyqtgraph: it is done when a plot is first asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui import theme
from app.ui.widgets.plots import Reading

_GAP_PX = 10
"""Room between a mark and the box of words beside it."""


class MarkPlot(QWidget):
    """A plot that neither pans nor zooms; who inherits draws marks into `plot` and says what is said of them."""

    grid = 0.2
    """Opacity of the horizontal lines."""

    def __init__(self, name: str, plot: pg.PlotWidget, parent: QWidget | None = None) -> None:
        """Lay out the plot.

        Args:
            name: object name of the widget.
            plot: with the axes that it needs.
            parent: as of every widget.
        """
        super().__init__(parent)
        self.setObjectName(name)
        self.plot = plot
        plot.setFrameShape(plot.Shape.NoFrame)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(False, False)
        plot.getPlotItem().getViewBox().setDefaultPadding(0.0)
        plot.viewport().installEventFilter(self)
        self.reading = Reading(plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(plot)

    def retranslate(self) -> None:
        """Set the translated texts."""
        raise NotImplementedError

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def in_viewport(self, place: QPointF) -> QPointF:
        """Return a point of the axes in pixels of the plot's viewport."""
        return QPointF(self.plot.mapFromScene(self.plot.getViewBox().mapViewToScene(place)))

    def tint_axes(self) -> None:
        """Give ground, axes and grid the colours of the theme in use."""
        tokens = theme.tokens()
        self.plot.setBackground(tokens.surface)
        for side in ("left", "bottom"):
            axis = self.plot.getPlotItem().getAxis(side)
            axis.setPen(QPen(QColor(tokens.line)))
            axis.setTextPen(QPen(QColor(tokens.muted)))
            axis.setTickFont(theme.font(theme.SIZE_SMALL))
        self.plot.showGrid(y=True, alpha=self.grid)
        self.reading.setFont(theme.font(theme.SIZE_SMALL))

    def label_axis(self, side: str, words: str) -> None:
        """Write what an axis measures, "left" or "bottom"."""
        style = {"color": theme.tokens().muted, "font-size": f"{theme.SIZE_SMALL}px"}
        self.plot.getPlotItem().setLabel(side, words, **style)

    def show_hand(self, able: bool) -> None:
        """Show with the mouse's shape whether a click does something."""
        shape = Qt.CursorShape.PointingHandCursor if able else Qt.CursorShape.ArrowCursor
        self.plot.viewport().setCursor(shape)

    def read(self, at: QPointF, lines: Sequence[str], *, above: bool = False) -> None:
        """Show words beside a point of the viewport, the first line in bold, where there is room.

        Args:
            at: the point.
            lines: what is said.
            above: whether the box stands above the point rather than level with it.
        """
        head, *rest = (escape(line) for line in lines)
        box = self.reading
        box.setText("<br>".join((f"<b>{head}</b>", *rest)))
        box.adjustSize()
        right = at.x() + _GAP_PX + box.width() <= self.plot.width()
        x = at.x() + _GAP_PX if right else at.x() - _GAP_PX - box.width()
        y = at.y() - box.height() - _GAP_PX if above else at.y() - box.height() / 2
        box.move(round(max(x, 0.0)), round(min(max(y, 0.0), self.plot.height() - box.height())))
        box.show()
        box.raise_()
