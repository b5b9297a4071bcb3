"""Accuracy against milliseconds or cost: the rows of a bench, the front joined, plain untrained models on the axis.

Importing this module imports pyqtgraph: the window does so when it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.core.bench import BenchRow, front
from app.core.text import figure
from app.ui import theme
from app.ui.widgets.cards import label
from app.ui.widgets.pareto_marks import FRONTIER, OPEN, SMALLER, Chart, Mark
from app.ui.widgets.pareto_plot import ParetoPlot

_UNITS = {"p50_ms": 1.0, "parameters": 1e6, "gflops": 1.0, "bytes": 1e6}


class BenchPlot(ParetoPlot):
    """The plot of risks, with the mAP50-95 that is missing to the best row in their place."""

    def __init__(self) -> None:
        super().__init__()
        self.plot.getPlotItem().getAxis("left").enableAutoSIPrefix(False)

    def _draw(self, *_: object) -> None:
        super()._draw()
        middle = sum(self.plot.viewRange()[0]) / 2
        for mark in self.chart.of(FRONTIER):
            anchor = (1.05, 1.1) if mark.x > middle else (-0.05, 1.1)
            text = pg.TextItem(mark.name, theme.colour("muted"), anchor=anchor)
            text.setFont(theme.font(theme.SIZE_SMALL))
            text.setPos(mark.x, self._y(mark))
            self._add(text)

    def label_axis(self, side: str, words: str) -> None:
        """Write what an axis measures; upwards it is what the best row has more."""
        super().label_axis(side, self.tr("mAP50-95 below the best") if side == "left" else words)


class BenchPlotView(QWidget):
    """The plot and what stands on its axis."""

    row_taken = Signal(object)
    """Key of the row that was clicked."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: list[BenchRow] = []
        self._shown: list[BenchRow] = []
        self.axis = QComboBox()
        self.axis.setObjectName("benchAxis")
        self.sentence = label(role="muted")
        self.plot = BenchPlot()
        self.plot.setMinimumHeight(220)
        row = QHBoxLayout()
        row.addWidget(self.axis)
        row.addWidget(self.sentence, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        for name in _UNITS:
            self.axis.addItem("", name)
        self.axis.currentIndexChanged.connect(lambda _index: self._draw())
        self.plot.mark_taken.connect(self._on_plot_mark_taken)
        self.retranslate()

    def show_rows(self, rows: Sequence[BenchRow]) -> None:
        """Draw other rows."""
        self._rows = list(rows)
        self._draw()

    def _draw(self) -> None:
        cost = str(self.axis.currentData())
        known = [row for row in self._rows if getattr(row, cost) is not None]
        scored = [row for row in known if row.trained and row.map50_95 is not None]
        best = max((float(row.map50_95 or 0) for row in scored), default=0.0)
        first = {row.key for row in front(scored, cost)}
        plain = _cheapest([row for row in known if not row.trained], cost)
        self._shown = sorted(scored, key=lambda row: -float(getattr(row, cost))) + plain
        marks = [
            self._mark(number, row, cost, best, _kind(row, first)) for number, row in enumerate(self._shown)
        ]
        self.sentence.setText(
            self.tr("Triangles on the axis: plain models that nobody trained.")
            if plain
            else ("" if scored else self.tr("Not known yet."))
        )
        self.plot.show_chart(Chart(self.axis.currentText(), tuple(marks)))

    def _mark(self, number: int, row: BenchRow, cost: str, best: float, kind: str) -> Mark:
        x = float(getattr(row, cost)) / _UNITS[cost]
        how = f"{row.runtime} {row.precision}"
        by_cell = cost == "p50_ms" or row.trained
        words = [f"{row.name}, {how}" if by_cell else row.name, f"{self.axis.currentText()}: {figure(x)}"]
        risk = None
        if row.map50_95 is not None:
            risk = best - row.map50_95
            words.append(self.tr("mAP50-95 {score}").format(score=f"{row.map50_95:.3f}"))
        name = f"{row.name}, {how}" if kind == FRONTIER else row.name
        return Mark(kind, x, risk, name, tuple(words), number=number)

    def _on_plot_mark_taken(self, mark: Any) -> None:
        self.row_taken.emit(self._shown[mark.number].key)

    def retranslate(self) -> None:
        """Set the texts."""
        words = (
            self.tr("Milliseconds here"),
            self.tr("Parameters, M"),
            self.tr("GFLOPs"),
            self.tr("File, MB"),
        )
        for number, text in enumerate(words):
            self.axis.setItemText(number, text)
        self.axis.setAccessibleName(self.tr("Cost"))
        self.plot.retranslate()
        self._draw()


def _kind(row: BenchRow, first: set[tuple[str, str, str, str, str]]) -> str:
    if not row.trained:
        return SMALLER
    return FRONTIER if row.key in first else OPEN


def _cheapest(rows: Sequence[BenchRow], cost: str) -> list[BenchRow]:
    """Return of every model the row that costs least."""
    found: dict[str, BenchRow] = {}
    for row in sorted(rows, key=lambda row: float(getattr(row, cost))):
        found.setdefault(row.name, row)
    return list(found.values())
