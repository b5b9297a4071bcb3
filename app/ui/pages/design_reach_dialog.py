"""The dialog that reaches targets: what is wanted at the left, frontier and answer at the right."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QScrollArea, QSplitter, QVBoxLayout, QWidget

from app.core.design import Design
from app.core.latency_devices import KnownTable
from app.core.latency_words import where
from app.core.text import MINUS, THIN_SPACE
from app.core.user_models import base_title
from app.ui import theme
from app.ui.messages import Choice, ask
from app.ui.page import Services
from app.ui.pages.design_reach_answer import Answer
from app.ui.pages.design_reach_frontier import FrontierCard
from app.ui.pages.design_reach_kinds import MeansWidget
from app.ui.pages.design_reach_locks import Locks
from app.ui.pages.design_reach_risks import RiskSource
from app.ui.pages.design_reach_search import Search
from app.ui.pages.design_reach_targets import TargetFields
from app.ui.text import listed
from app.ui.widgets.cards import Card, label
from app.ui.widgets.diagram_facts import Snapshot
from app.ui.widgets.pareto_marks import PICKED, SMALLER, Mark

_SIZE = (1184, 720)
_LEFT_WIDTH = 328
_FIRST = f"{MINUS}50{THIN_SPACE}%"
_AFTER_PAINTING_MS = 60


class ReachDialog(QDialog):
    """Not modal: the page stays at hand, for locks and for what the answer does to the design."""

    design_taken = Signal(object, str)
    """A design, and what taking it is called in the history."""
    base_taken = Signal(str)
    """A base model to begin with instead."""
    path_chosen = Signal(str)
    """A module to show in the diagram."""

    def __init__(self, services: Services, locks: Locks, snapshot: Snapshot, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("reachDialog")
        self.setModal(False)
        self._snapshot = snapshot
        self.fields = TargetFields()
        self.risks = RiskSource(services)
        self.means = MeansWidget(locks)
        self.answer = Answer()
        self.frontier = FrontierCard()
        self.search = Search(locks, self)
        self._heads = {name: label(role="strong") for name in ("targets", "risks", "means")}
        self._lay_out()
        self._connect()
        self.fields.boxes["gflops"].set_text(_FIRST)
        self.retranslate()

    def _lay_out(self) -> None:
        wishes = QWidget()
        column = QVBoxLayout(wishes)
        column.setContentsMargins(0, 0, theme.INSIDE, 0)
        column.setSpacing(theme.INSIDE)
        for name, widget in (("targets", self.fields), ("means", self.means), ("risks", self.risks)):
            column.addWidget(self._heads[name])
            column.addWidget(widget)
            column.addSpacing(theme.INSIDE)
        column.addStretch(1)
        left = QScrollArea()
        left.setWidgetResizable(True)
        left.setFrameShape(QFrame.Shape.NoFrame)
        left.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left.setFixedWidth(_LEFT_WIDTH)
        left.setWidget(wishes)
        card = Card(margin=theme.BETWEEN)
        card.body.addWidget(self.answer)
        right = QSplitter(Qt.Orientation.Vertical)
        right.setChildrenCollapsible(False)
        right.addWidget(self.frontier)
        right.addWidget(card)
        right.setSizes([330, 350])
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.AROUND, theme.AROUND, theme.AROUND, theme.AROUND)
        row.setSpacing(theme.BETWEEN)
        row.addWidget(left)
        row.addWidget(right, 1)
        self.resize(*_SIZE)

    def _connect(self) -> None:
        self.fields.changed.connect(self._ask)
        self.means.changed.connect(self._ask)
        self.risks.changed.connect(self._ask)
        self.frontier.axis_chosen.connect(self.search.show_axis)
        self.search.changed.connect(self._show_findings)
        self.search.drawing_refused.connect(self.frontier.show_problem)
        self.search.busy_changed.connect(self.answer.show_busy)
        self.search.answered.connect(self.answer.show_result)
        self.search.refused.connect(self.answer.show_problem)
        self.answer.take_wanted.connect(self._take_answer)
        self.answer.path_chosen.connect(self.path_chosen)
        self.frontier.mark_taken.connect(self._on_frontier_mark_taken)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Take over another design or input size."""
        self._snapshot = snapshot
        if self.isVisible():
            self._ask()

    def show_table(self, known: KnownTable | None) -> None:
        """Take over the latency table that the page predicts with; None where there is none."""
        self.search.known = known
        self.retranslate()
        if self.isVisible():
            self._ask()

    def end(self) -> None:
        """End what is asked and measured."""
        self.risks.end()
        self.search.close()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setWindowTitle(
            self.tr("Reach a target: {base}").format(base=base_title(self._snapshot.architecture.base))
        )
        self._heads["targets"].setText(self.tr("At most"))
        self._heads["means"].setText(self.tr("Allowed"))
        self._heads["risks"].setText(self.tr("Risks"))
        known = self.search.known
        tip = self.tr("Measure the latency on the Design page first; then milliseconds can be a target.")
        if known is not None:
            tip = self.tr("Predicted for {where} on {machine}.").format(
                where=where(known.table.setting), machine=known.table.setting.machine
            )
        self.fields.names["ms"].setToolTip(tip)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in a field asks no button of the dialog to act; Esc closes it."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for what is open, and draw once the dialog has been painted."""
        super().showEvent(event)
        self.risks.refresh()
        self._ask()
        QTimer.singleShot(_AFTER_PAINTING_MS, self.frontier.draw)

    def hideEvent(self, event: QHideEvent) -> None:
        """Ask nothing while nobody looks; a measurement goes on."""
        super().hideEvent(event)
        self.search.drop()

    def _ask(self) -> None:
        """Ask for what is wanted now, where it is something else than before."""
        if not self.isVisible():
            return
        self.retranslate()
        self.risks.show_base(self._snapshot.architecture.base)
        result = self.risks.result
        self.search.show_terms(self._snapshot, self.means.kinds.allowed, result)
        self.fields.show_standard(self.search.standard_by_resource())
        self.frontier.offer_ms(self.search.known is not None)
        self.search.axis = self.frontier.axis
        targets = self.fields.targets
        if targets is not None:
            self.search.aim(targets)
        if targets == ():
            self.answer.clear()
        self._show_findings()

    def _show_findings(self) -> None:
        self.frontier.show_findings(self.search.findings)
        self.answer.show_taken(self.search.answer_is(self._snapshot.design))

    def _take_answer(self) -> None:
        design = self.search.answer
        if design is not None:
            names = listed(self.search.target_names())
            self._take(design, self.tr("Reach {targets}").format(targets=names))

    def _take(self, design: Design, words: str) -> None:
        self.design_taken.emit(design, words)

    def _on_frontier_mark_taken(self, mark: Mark) -> None:
        if mark.kind == PICKED:
            self._take_answer()
        elif mark.kind == SMALLER:
            self._offer_base(mark)
        else:
            words = self.tr("Least risk at {cost}").format(cost=mark.words[1])
            self._take(self.search.design_of(mark.number), words)

    def _offer_base(self, mark: Mark) -> None:
        """Ask whether to begin with a smaller base model instead."""
        answer: Any = ask(
            self,
            self.tr("Begin with {base}?").format(base=mark.name),
            self.tr(
                "{base} is a smaller base model. It is not converted from your weights but trained on its own."
            ).format(base=mark.name),
            (Choice("take", self.tr("Begin with {base}").format(base=mark.name), "primary"),),
        )
        if answer == "take":
            self.base_taken.emit(mark.name)
