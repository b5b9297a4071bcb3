"""The card of the frontier: which cost is drawn, the plot, and what its marks mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QStackedLayout

from app.core.errors import AppError
from app.ui import theme
from app.ui.pages.design_reach_chart import AXES, Findings, chart_of
from app.ui.text import problem_words
from app.ui.widgets.cards import Card, button, label
from app.ui.widgets.pareto_marks import FRONTIER, LIMIT, NARROWER, OPEN, PICKED, SMALLER

if TYPE_CHECKING:
    from app.ui.widgets.pareto_plot import ParetoPlot


class FrontierCard(Card):
    """Shows what the search has found; the plot is made once the card has been painted."""

    axis_chosen = Signal(str)
    mark_taken = Signal(object)

    def __init__(self) -> None:
        super().__init__(margin=theme.INSIDE)
        self.setObjectName("frontier")
        self.axis = AXES[0]
        self.plot: ParetoPlot | None = None
        self._findings = Findings()
        self._problem: AppError | None = None
        self.heading = label(role="strong")
        self.legend = label(role="small", wrap=True)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setObjectName("frontierLegend")
        self.sentence = label(role="muted", wrap=True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.axes: dict[str, QPushButton] = {}
        group = QButtonGroup(self)
        top = QHBoxLayout()
        top.setContentsMargins(4, 0, 0, 0)
        top.setSpacing(4)
        top.addWidget(self.heading)
        top.addStretch(1)
        for axis in AXES:
            one = self.axes[axis] = button(f"axis_{axis}", "segment")
            one.setCheckable(True)
            one.setChecked(axis == self.axis)
            one.clicked.connect(lambda _checked=False, axis=axis: self._choose(axis))
            group.addButton(one)
            top.addWidget(one)
        self._place = QStackedLayout()
        self._place.addWidget(self.sentence)
        self.body.setSpacing(4)
        self.body.addLayout(top)
        self.body.addLayout(self._place, 1)
        self.body.addWidget(self.legend)
        theme.notifier().changed.connect(self._explain)
        self.retranslate()

    def draw(self) -> None:
        """Make the plot, if that has not been done; this imports pyqtgraph."""
        if self.plot is None:
            from app.ui.widgets.pareto_plot import ParetoPlot

            self.plot = ParetoPlot()
            self.plot.mark_taken.connect(self.mark_taken)
            self._place.addWidget(self.plot)
        self._show()

    def offer_ms(self, able: bool) -> None:
        """Let milliseconds be drawn, where they are known."""
        self.axes["ms"].setVisible(able)
        if not able and self.axis == "ms":
            self.axes[AXES[0]].setChecked(True)
            self._choose(AXES[0])

    def show_findings(self, findings: Findings) -> None:
        """Draw what is known."""
        self._findings, self._problem = findings, None
        self._show()

    def show_problem(self, problem: AppError) -> None:
        """Say why there is nothing to draw."""
        self._problem = problem
        self._show()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.heading.setText(self.tr("Risk against cost"))
        for axis, words in (
            ("gflops", self.tr("GFLOPs")),
            ("params", self.tr("Parameters")),
            ("ms", self.tr("ms")),
        ):
            one = self.axes[axis]
            one.setText(words)
            one.setMinimumWidth(one.fontMetrics().horizontalAdvance(words) + 20)
            one.setAccessibleName(self.tr("Draw over {cost}").format(cost=words))
        self._show()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _choose(self, axis: str) -> None:
        self.axis = axis
        self.axis_chosen.emit(axis)
        self._show()

    def _show(self) -> None:
        chart = chart_of(self._findings, self.axis)
        drawn = self.plot is not None and bool(chart.marks) and self._problem is None
        self._place.setCurrentIndex(1 if drawn else 0)
        self.legend.setVisible(drawn)
        if self._problem is not None:
            self.sentence.setText(" ".join(problem_words(self._problem)))
        else:
            self.sentence.setText(self.tr("Looking for the designs of least risk…"))
        if self.plot is not None and drawn:
            self.plot.show_chart(chart)
            self._explain()

    def _explain(self) -> None:
        """Say what the marks mean, of those that are drawn."""
        if self.plot is None:
            return
        chart = self.plot.chart
        drawn = {mark.kind for mark in chart.marks} | ({LIMIT} if chart.limit is not None else set())
        rows = (
            ((FRONTIER,), "●", "lightweight", self.tr("least risk for its cost")),
            ((OPEN,), "◆", "warn", self.tr("the open design")),
            ((PICKED,), "★", "accent", self.tr("the answer")),
            ((LIMIT,), "┆", "accent", self.tr("asked for")),
            (
                (SMALLER, NARROWER),
                "▲",
                "standard",
                self.tr("plain models: trained on their own, not converted"),
            ),
        )
        parts = [
            f"<span style='color:{theme.colour(token).name()}'>{sign}</span>&nbsp;{words}"
            for kinds, sign, token, words in rows
            if drawn.intersection(kinds)
        ]
        self.legend.setText(" &nbsp; ".join(parts))
