"""The answer to a target: what was reached, how sure that is, and every swap with what it saves and risks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import AppError
from app.core.target_amount import RESOURCES, parse_target
from app.core.text import THIN_SPACE, figure, percent_change
from app.ui import theme
from app.ui.pages.design_reach_rows import (
    BECOMES,
    FLOPS,
    LAYER,
    MS,
    PARAMETERS,
    RISK,
    SHARE,
    AnswerModel,
    AnswerOrder,
    rows_of,
)
from app.ui.pages.design_reach_targets import SCALES
from app.ui.text import problem_words
from app.ui.widgets.cards import button, label

_PADDING = 26
_SAMPLES = {
    LAYER: "model.24.cv3.0.0__",
    FLOPS: "0.00000",
    PARAMETERS: "0.00000",
    MS: "−0.00000",
    RISK: "0.00000?",
}
_SIDES = ("standard", "reached", "change", "asked")


class AnswerTable(QTableView):
    """The rows, sorted by a click on a column."""

    path_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("answerTable")
        self.model_ = AnswerModel(self)
        self.order = AnswerOrder(self.model_, self)
        self.setModel(self.order)
        self.setSortingEnabled(True)
        self.sortByColumn(LAYER, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(theme.ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(BECOMES, QHeaderView.ResizeMode.Stretch)
        self.selectionModel().currentRowChanged.connect(self._on_current_row_changed)

    def fit_columns(self) -> None:
        """Give every column what its words need, and the rest to what a layer becomes."""
        small, metrics = QFontMetrics(theme.font(theme.SIZE_SMALL)), self.fontMetrics()
        for column in range(self.order.columnCount()):
            title = str(self.order.headerData(column, Qt.Orientation.Horizontal) or "")
            sample = _SAMPLES.get(column, "")
            room = max(small.horizontalAdvance(title), metrics.horizontalAdvance(sample))
            self.setColumnWidth(column, room + _PADDING)

    def _on_current_row_changed(self, index: Any, _before: Any) -> None:
        if index.isValid():
            self.path_chosen.emit(self.order.path(index))


class Answer(QWidget):
    """Sentence, totals, table, and the button that takes the design."""

    take_wanted = Signal()
    path_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: Mapping[str, Any] | None = None
        self._problem: AppError | None = None
        self._is_open = False
        self.sentence = label(role="strong", wrap=True)
        self.sentence.setObjectName("answerSentence")
        self.hint = label(role="muted", wrap=True)
        self.hint.setObjectName("answerHint")
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setVisible(False)
        self.take = button("takeDesign", "primary")
        self.chosen, self.spared = button("showChosen", "segment"), button("showSpared", "segment")
        self.table = AnswerTable()
        self._totals = QWidget()
        self._cells: dict[tuple[str, str], QLabel] = {}
        self._names: dict[str, QLabel] = {}
        self._lay_out()
        for one in (self.chosen, self.spared):
            one.setCheckable(True)
            one.setAutoExclusive(True)
            one.toggled.connect(self._fill_table)
        self.chosen.setChecked(True)
        self.take.clicked.connect(self.take_wanted)
        self.table.path_chosen.connect(self.path_chosen)
        self.retranslate()

    def _lay_out(self) -> None:
        grid = QGridLayout(self._totals)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.AROUND)
        grid.setVerticalSpacing(1)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, side in enumerate(_SIDES, 1):
            self._names[side] = label(role="muted" if side != "reached" else "", tone=_tone(side))
            grid.addWidget(self._names[side], row, 0)
        for column, resource in enumerate(RESOURCES, 1):
            self._names[resource] = label(role="small")
            self._names[resource].setAlignment(right)
            grid.addWidget(self._names[resource], 0, column)
            for row, side in enumerate(_SIDES, 1):
                cell = label("–", role="strong" if side == "reached" else "", tone=_tone(side))
                cell.setObjectName(f"answer_{resource}_{side}")
                cell.setAlignment(right)
                self._cells[resource, side] = cell
                grid.addWidget(cell, row, column)
        grid.setColumnStretch(len(RESOURCES) + 1, 1)
        words = QVBoxLayout()
        words.setSpacing(2)
        for widget in (self.sentence, self.hint, self.bar):
            words.addWidget(widget)
        words.addStretch(1)
        top = QHBoxLayout()
        top.setSpacing(theme.BETWEEN)
        top.addLayout(words, 1)
        top.addWidget(self.take, 0, Qt.AlignmentFlag.AlignTop)
        bottom = Qt.AlignmentFlag.AlignBottom
        tabs = QHBoxLayout()
        tabs.setSpacing(4)
        tabs.addWidget(self._totals, 1)
        tabs.addWidget(self.chosen, 0, bottom)
        tabs.addWidget(self.spared, 0, bottom)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(theme.INSIDE)
        whole.addLayout(top)
        whole.addLayout(tabs)
        whole.addWidget(self.table, 1)

    def show_result(self, result: Mapping[str, Any]) -> None:
        """Show what was reached."""
        self._result, self._problem = result, None
        self._fill()

    def show_problem(self, problem: AppError) -> None:
        """Show that the targets cannot be reached, and what to do about it."""
        self._result, self._problem = None, problem
        self._fill()

    def clear(self) -> None:
        """Show that nothing was asked for."""
        self._result = self._problem = None
        self._fill()

    def show_busy(self, busy: bool) -> None:
        """Show whether an answer is on its way; the one before stays until it is there."""
        self.bar.setVisible(busy)
        self.take.setEnabled(self._result is not None and not busy and not self._is_open)

    def show_taken(self, is_open: bool) -> None:
        """Show whether the answer is the open design."""
        self._is_open = is_open
        self.take.setText(self.tr("This design is open") if is_open else self.tr("Take this design"))
        self.take.setEnabled(self._result is not None and not is_open and self.bar.isHidden())

    def retranslate(self) -> None:
        """Set the translated texts."""
        for name, words in {
            "gflops": self.tr("GFLOPs"),
            "params": self.tr("Parameters (M)"),
            "mb": self.tr("File size (MB)"),
            "ms": self.tr("Milliseconds"),
            "standard": self.tr("Standard"),
            "asked": self.tr("Asked for, at most"),
            "reached": self.tr("Reached"),
            "change": self.tr("Change"),
        }.items():
            self._names[name].setText(words)
        self.table.setAccessibleName(self.tr("Swaps of the answer"))
        self.spared.setToolTip(
            self.tr("For each layer left alone, the swap that would have risked least for what it saves.")
        )
        self.table.model_.retranslate()
        self.table.fit_columns()
        self.show_taken(self._is_open)
        self._fill()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _fill(self) -> None:
        result, problem = self._result, self._problem
        known = result is not None
        for widget in (self._totals, self.chosen, self.spared, self.table):
            widget.setVisible(known)
        theme.set_role(self.sentence, "strong", tone="warn" if problem is not None else "")
        if problem is not None:
            message, hint = problem_words(problem)
            self.sentence.setText(message)
            self.hint.setText(hint)
        elif result is None:
            self.sentence.setText(self.tr("Set a target at the left."))
            self.hint.setText(self.tr("The Studio then finds the swaps of least risk that reach it."))
        else:
            self._say(result)
            self._fill_totals(result)
            self._fill_table()
        self.show_busy(not self.bar.isHidden())

    def _say(self, result: Mapping[str, Any]) -> None:
        rows, risk = result["rows"], float(result["totals"]["risk"])
        words = self.tr("Reached with {count} swaps. Their risk, {risk}, is proven to be the least.")
        if not rows:
            words = self.tr("The standard model reaches that already: nothing has to be replaced.")
        elif not result["proven"]:
            words = self.tr(
                "Reached with {count} swaps of risk {risk}. The time was up before that was proven to be the least."
            )
        self.sentence.setText(words.format(count=len(rows), risk=figure(risk, 2)))
        guessed = sum(bool(row.get("estimated")) for row in rows)
        self.hint.setText(self._basis(result, guessed))

    def _basis(self, result: Mapping[str, Any], guessed: int) -> str:
        if result["risk_kind"] == "prior":
            return self.tr(
                "The risks are guessed from shapes; measure them for your own pictures at the left."
            )
        words = self.tr("The risks were measured with {source}.").format(source=result["risk_source"])
        if guessed:
            more = self.tr("{count} of them are guesses (?).").format(count=guessed)
            return f"{words} {more}"
        return words

    def _fill_totals(self, result: Mapping[str, Any]) -> None:
        standard, reached = result["totals"]["standard"], result["totals"]["lightweight"]
        asked: dict[str, float] = {}
        for goal in result["targets"]:
            name = parse_target(goal["target"]).resource
            asked[name] = min(float(goal["limit"]), asked.get(name, float("inf")))
        for name, resource in RESOURCES.items():
            before, after = standard[resource.field], reached[resource.field]
            visible = before is not None and after is not None
            for side in _SIDES:
                self._cells[name, side].setVisible(visible)
            self._names[name].setVisible(visible)
            if visible:
                self._cells[name, "standard"].setText(figure(before / SCALES[name]))
                self._cells[name, "reached"].setText(figure(after / SCALES[name]))
                self._cells[name, "change"].setText(percent_change(before, after))
                limit = asked.get(name)
                self._cells[name, "asked"].setText("" if limit is None else figure(limit / SCALES[name]))

    def _fill_table(self) -> None:
        if self._result is None:
            return
        rows, spared = self._result["rows"], self._result["spared"]
        self.chosen.setText(self.tr("Replaced ({count})").format(count=len(rows)))
        self.spared.setText(self.tr("Left alone ({count})").format(count=len(spared)))
        for one in (self.chosen, self.spared):
            one.setMinimumWidth(one.fontMetrics().horizontalAdvance(one.text()) + 20)
        alone = self.spared.isChecked()
        total = 0.0 if alone else float(self._result["totals"]["risk"])
        self.table.model_.show_rows(rows_of(spared if alone else rows, total))
        self.table.setColumnHidden(SHARE, alone)
        self.table.setColumnHidden(MS, self._result["totals"]["lightweight"]["ms"] is None)


def _tone(side: str) -> str:
    return {"standard": "standard", "reached": "lightweight"}.get(side, "")


def target_words(text: str) -> str:
    """Return a target as people say it: "−50 % GFLOPs", "4.2 GFLOPs"."""
    target = parse_target(text)
    name = {"gflops": "GFLOPs", "params": "M", "mb": "MB", "ms": "ms"}[target.resource]
    if target.relative:
        name = {"params": "parameters"}.get(target.resource, name)
        return f"{percent_change(1.0, 1.0 + target.value)} {name}"
    return f"{figure(target.value / SCALES[target.resource])}{THIN_SPACE}{name}"
