"""What accuracy costs: the compared runs between mAP50-95 and parameters, GFLOPs, size or milliseconds.

Importing this module imports pyqtgraph: the window does so when there is something to show.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.core.errors import AppError
from app.core.runs import RunFolder
from app.core.text import figure
from app.ui import theme
from app.ui.page import Services
from app.ui.tasks import Task
from app.ui.widgets.cards import button, label
from app.ui.widgets.pareto_marks import FRONTIER, OPEN, Chart, Mark
from app.ui.widgets.pareto_plot import ParetoPlot
from app.workers.job import EngineJob

_UNITS = {"parameters": 1e6, "gflops": 1.0, "bytes": 1e6, "ms": 1.0}
_PATIENCE_S = 60.0


class AccuracyPlot(ParetoPlot):
    """The plot of risks, with the mAP50-95 that is missing to the best run in their place, and names beside them."""

    def __init__(self) -> None:
        super().__init__()
        self.plot.getPlotItem().getAxis("left").enableAutoSIPrefix(False)

    def _draw(self, *_: object) -> None:
        super()._draw()
        for mark in self.chart.marks:
            text = pg.TextItem(mark.name, theme.colour("muted"), anchor=(1.05, 1.1))
            text.setFont(theme.font(theme.SIZE_SMALL))
            text.setPos(mark.x, self._y(mark))
            self._add(text)

    def label_axis(self, side: str, words: str) -> None:
        """Write what an axis measures; upwards it is what the best run has more."""
        super().label_axis(side, self.tr("mAP50-95 below the best") if side == "left" else words)


class ParetoView(QWidget):
    """The plot, what stands on its axis, and the way to milliseconds."""

    measured = Signal()
    """Milliseconds of a run are known now."""

    def __init__(self, services: Services, runs: list[dict[str, Any]], parent: QWidget) -> None:
        super().__init__(parent)
        self._services = services
        self._runs = runs
        self._waiting: list[dict[str, Any]] = []
        self._current: dict[str, Any] = {}
        self._task: Task | None = None
        self.axis = QComboBox()
        self.axis.setObjectName("paretoAxis")
        self.measure = button("paretoMeasure", icon="clock")
        self.measure.setAutoDefault(False)
        self.sentence = label(role="muted")
        self.plot = AccuracyPlot()
        self.plot.setMinimumHeight(260)
        row = QHBoxLayout()
        row.addWidget(self.axis)
        row.addWidget(self.sentence, 1)
        row.addWidget(self.measure)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        words = (
            ("parameters", self.tr("Parameters, M")),
            ("gflops", self.tr("GFLOPs")),
            ("bytes", self.tr("Size, MB")),
            ("ms", self.tr("Milliseconds here")),
        )
        for name, text in words:
            self.axis.addItem(text, name)
        self.axis.setAccessibleName(self.tr("Cost"))
        self.measure.setText(self.tr("Measure milliseconds"))
        self.axis.currentIndexChanged.connect(lambda _index: self.show_chart())
        self.measure.clicked.connect(self.measure_all)
        self.show_chart()

    def show_chart(self) -> None:
        """Draw the runs whose cost is known; those that no other run beats in both are joined."""
        name = self.axis.currentData()
        known = [run for run in self._runs if run.get(name) is not None]
        self.sentence.setText("" if known else self.tr("Not known yet."))
        best = max((run["map50_95"] for run in self._runs), default=0.0)
        marks = [self._mark(run, name, best, number) for number, run in enumerate(known)]
        first = [mark for mark in marks if not any(_beats(other, mark) for other in marks)]
        kinds = {mark.number: FRONTIER if mark in first else OPEN for mark in marks}
        ordered = sorted(marks, key=lambda mark: -mark.x)
        shown = tuple(
            Mark(kinds[m.number], m.x, m.risk, m.name, m.words, able=False, number=m.number) for m in ordered
        )
        self.plot.show_chart(Chart(self.axis.currentText(), shown))

    def _mark(self, run: dict[str, Any], name: str, best: float, number: int) -> Mark:
        x = float(run[name]) / _UNITS[name]
        words = (
            str(run["name"]),
            self.tr("mAP50-95 {score}").format(score=f"{run['map50_95']:.3f}"),
            f"{self.axis.currentText()}: {figure(x)}",
        )
        return Mark(OPEN, x, best - run["map50_95"], str(run["name"]), words, able=False, number=number)

    def measure_all(self) -> None:
        """Measure every run's design here, one after the other, in the form that runtimes execute."""
        self.measure.setEnabled(False)
        self._waiting = [run for run in self._runs if run.get("ms") is None]
        self._measure_next()

    def stop(self) -> None:
        """Measure nothing more."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def _measure_next(self) -> None:
        self._task = None
        if not self._waiting:
            self.measure.setEnabled(any(run.get("ms") is None for run in self._runs))
            return
        self._current = run = self._waiting.pop(0)
        try:
            text = RunFolder(Path(str(run["path"]))).config().design_text
        except AppError as problem:
            self._services.messages.error(problem)
            self._measure_next()
            return
        request = {"design": text, "imgsz": run["imgsz"], "patience_s": _PATIENCE_S}
        job = EngineJob("latency", request)
        job.done.connect(self._on_job_done)
        self._task = self._services.tasks.start(partial(_title, str(run["name"])), job)
        self._task.ended.connect(self._measure_next)

    def _on_job_done(self, result: dict[str, Any]) -> None:
        self._current["ms"] = float(result["lightweight"]["p50_ms"])
        self.axis.setCurrentIndex(self.axis.findData("ms"))
        self.show_chart()
        self.measured.emit()


def _beats(one: Mark, other: Mark) -> bool:
    """Tell whether a run is at least as good in both, and better in one."""
    a, b = (one.x, one.risk or 0.0), (other.x, other.risk or 0.0)
    return a != b and a[0] <= b[0] and a[1] <= b[1]


def _title(name: str) -> str:
    """Return what the tray calls a measurement, which may outlive the view."""
    return QCoreApplication.translate("ParetoView", "Measuring {name}").format(name=name)
