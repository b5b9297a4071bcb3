"""The plots of the Train page: they pull from the series, one at a time, and only what is seen and new."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.run_series import RunSeries
from app.core.text import figure, scientific
from app.ui import theme
from app.ui.calls import calling
from app.ui.pages.train_pictures import RunPictures
from app.ui.pages.train_plot_tools import PlotBar, PlotMenu, usage_curves
from app.ui.widgets.plots import Curve, LinePlot

TICK_MS = 120
_MANY = 1000
_MANY_S = 1.0
"""Of so many epochs or batches one more moves nothing by as much as a pixel: a plot waits so long for the next."""
_PARTS = ("total", "box", "cls", "dfl")


@dataclass(frozen=True)
class Shown:
    """A run whose curves are drawn."""

    name: str
    colour: str
    series: RunSeries
    selected: bool
    folder: Path | None = None


class _PartButton(QToolButton):
    """A small button that chooses which part of the loss is drawn."""

    chosen_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("lossPart")
        self.setProperty("role", "small")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        self.setIcon(theme.icon("chevron_down", "muted"))
        self.setIconSize(QSize(10, 10))
        self.chosen = _PARTS[0]
        self._words: dict[str, str] = {}
        self.setMenu(QMenu(self))

    def set_words(self, words: dict[str, str], name: str) -> None:
        """Set the words of the parts and the button's name."""
        self._words = words
        self.setAccessibleName(name)
        self.setToolTip(name)
        self.menu().clear()
        for part, text in words.items():
            self.menu().addAction(text, calling(self.choose, part))
        self.setText(words[self.chosen])

    def choose(self, part: str) -> None:
        """Draw this part."""
        self.chosen = part
        self.setText(self._words[part])
        self.chosen_changed.emit()


class PlotGrid(QWidget):
    """Loss, mAP50, mAP50-95; precision and recall, learning rate, and a sixth place for the caller's widget."""

    def __init__(self, last: QWidget) -> None:
        super().__init__()
        self.loss = LinePlot("plotLoss")
        self.map50 = LinePlot("plotMap50", form=_score)
        self.map50_95 = LinePlot("plotMap5095", form=_score)
        self.precision_recall = LinePlot("plotPrecisionRecall", form=_score)
        self.lr = LinePlot("plotLr", form=_rate)
        self.part = _PartButton()
        self.loss.corner.addWidget(self.part)
        self.usage = LinePlot("plotUsage", form=_percent)
        self.memory = LinePlot("plotMemory")
        self.pictures = RunPictures()
        self.bar = PlotBar()
        self.views = QStackedWidget()
        curves, machine = QWidget(), QWidget()
        for view in (curves, self.pictures, machine):
            self.views.addWidget(view)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(theme.INSIDE)
        outer.addWidget(self.bar)
        outer.addWidget(self.views, 1)
        row_of_two = QHBoxLayout(machine)
        row_of_two.setContentsMargins(0, 0, 0, 0)
        row_of_two.setSpacing(theme.BETWEEN)
        row_of_two.addWidget(self.usage)
        row_of_two.addWidget(self.memory)
        grid = QGridLayout(curves)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(theme.BETWEEN)
        places = (self.loss, self.map50, self.map50_95, self.precision_recall, self.lr, last)
        for index, widget in enumerate(places):
            grid.addWidget(widget, index // 3, index % 3)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        for row in range(2):
            grid.setRowStretch(row, 1)
        self._shown: tuple[Shown, ...] = ()
        self._drawn: dict[LinePlot, tuple[Any, float]] = {}
        self._turn = 0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.tick)
        self.part.chosen_changed.connect(self.tick)
        self.bar.view_chosen.connect(self.show_view)
        self.bar.smoothing_changed.connect(self._on_bar_smoothing_changed)
        self.menus = [PlotMenu(plot) for plot in (*self.plots, self.usage, self.memory)]

    def show_view(self, number: int) -> None:
        """Show curves, pictures or the machine."""
        self.bar.check(number)
        self.views.setCurrentIndex(number)
        self.tick()

    def _on_bar_smoothing_changed(self, weight: float) -> None:
        for plot in self.plots:
            plot.smooth(weight)

    @property
    def plots(self) -> tuple[LinePlot, ...]:
        """Every plot, in the order of the grid."""
        return (self.loss, self.map50, self.map50_95, self.precision_recall, self.lr)

    def show_runs(self, shown: Sequence[Shown]) -> None:
        """Draw these runs from now on."""
        self._shown = tuple(shown)
        selected = next((run.folder for run in shown if run.selected), None)
        self.pictures.show_run(selected)

    def set_running(self, on: bool) -> None:
        """Start or stop pulling."""
        (self._timer.start if on else self._timer.stop)()

    def tick(self) -> bool:
        """Redraw the next visible plot that has new data; return whether there was one."""
        plots = (*self.plots, self.usage, self.memory)
        for offset in range(len(plots)):
            plot = plots[(self._turn + offset) % len(plots)]
            if plot.isVisible() and self._due(plot):
                self._turn = (self._turn + offset + 1) % len(plots)
                self._draw(plot)
                return True
        return False

    def _due(self, plot: LinePlot) -> bool:
        """Whether a plot would look different, and is not to wait because it has many points."""
        drawn, at = self._drawn.get(plot, (None, 0.0))
        stamp = self._stamp(plot)
        if drawn == stamp:
            return False
        chosen = drawn is None or [run[:3] for run in drawn[0]] != [run[:3] for run in stamp[0]]
        many = max((run.series.points for run in self._shown), default=0) > _MANY
        return chosen or drawn[1] != stamp[1] or not many or time.monotonic() - at >= _MANY_S

    def draw_all(self) -> None:
        """Redraw every plot at once, for pictures and tests."""
        for plot in self.plots:
            self._draw(plot)

    def _stamp(self, plot: LinePlot) -> Any:
        """Return what a plot's picture depends on."""
        first = plot is self.loss
        if plot in (self.usage, self.memory):
            chosen = [run for run in self._shown if run.selected]
            return tuple((r.name, r.colour, r.selected, r.series.usage_version, 0) for r in chosen), None
        runs = tuple(
            (run.name, run.colour, run.selected, run.series.version, run.series.batch_version if first else 0)
            for run in self._shown
        )
        return runs, self.part.chosen if first else None

    def _draw(self, plot: LinePlot) -> None:
        self._drawn[plot] = self._stamp(plot), time.monotonic()
        plot.show_curves([curve for run in self._shown for curve in self._curves(plot, run)])

    def _curves(self, plot: LinePlot, run: Shown) -> list[Curve]:
        if plot in (self.usage, self.memory):
            return usage_curves(run.name, run.series, plot is self.memory) if run.selected else []
        if plot is self.loss:
            return self._losses(run)
        if plot is self.precision_recall:
            return [
                self._curve(run, "precision", self.tr("{run} P")),
                self._curve(run, "recall", self.tr("{run} R"), dashed=True),
            ]
        name = {self.map50: "map50", self.map50_95: "map50_95", self.lr: "lr"}[plot]
        return [self._curve(run, name, "{run}")]

    def _losses(self, run: Shown) -> list[Curve]:
        part = self.part.chosen
        curves = [
            self._curve(run, f"train/{part}", self.tr("{run} train")),
            self._curve(run, f"val/{part}", self.tr("{run} val"), dashed=True),
        ]
        if part == "total" and run.selected:
            x, y = run.series.batches()
            curves.append(
                Curve(f"{run.name}/batches", run.name, x, y, run.colour, faint=True, labelled=False)
            )
        return curves

    def _curve(self, run: Shown, series: str, words: str, dashed: bool = False) -> Curve:
        x, y = run.series.curve(series)
        name = words.format(run=run.name)
        return Curve(
            f"{run.name}/{series}", name, x, y, run.colour, dashed, labelled=run.selected or not dashed
        )

    def retranslate(self) -> None:
        """Set the texts."""
        self.loss.heading.setText(self.tr("Loss"))
        self.loss.heading.setToolTip(self.tr("train solid, val dashed, single batches faint"))
        self.map50.heading.setText(self.tr("mAP50"))
        self.map50_95.heading.setText(self.tr("mAP50-95"))
        self.precision_recall.heading.setText(self.tr("Precision, recall"))
        self.precision_recall.heading.setToolTip(self.tr("precision solid, recall dashed"))
        self.lr.heading.setText(self.tr("Learning rate"))
        words = (self.tr("total"), self.tr("boxes"), self.tr("classes"), self.tr("edges"))
        self.part.set_words(dict(zip(_PARTS, words, strict=True)), self.tr("Part of the loss"))
        self.usage.heading.setText(self.tr("Processor and graphics card, %"))
        self.memory.heading.setText(self.tr("Memory, GB"))
        self.memory.heading.setToolTip(
            self.tr("all that is in use, and this training; pointing at it tells which")
        )
        self.bar.retranslate()
        for menu in self.menus:
            menu.retranslate()
        for plot in (self.usage, self.memory):
            plot.sentence.setText(self.tr("Nothing was noted of the machine yet."))
        for plot in self.plots:
            plot.sentence.setText(self.tr("Appears after the first epoch."))
        self._drawn.clear()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _score(value: float) -> str:
    """Write a score as everybody does: three decimals."""
    return f"{value:.3f}"


def _percent(value: float) -> str:
    """Write a share in per cent."""
    return f"{value:.0f}"


def _rate(value: float) -> str:
    """Write a learning rate."""
    return scientific(value, 2) if 0 < abs(value) < 0.001 else figure(value)
