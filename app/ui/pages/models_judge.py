"""Runs compared: accuracy with intervals, by class and size, curves, confusion, costs, pictures that tell most."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import AppError
from app.core.files import write_text
from app.core.run_report import FORMS, Table, tables
from app.core.runs import RunFolder
from app.core.text import duration
from app.ui import theme
from app.ui.calls import calling
from app.ui.page import Services
from app.ui.pages.models_judge_panes import CurvesPane, PicturesPane
from app.ui.pages.models_judge_views import ConfusionView, GridTable
from app.ui.tasks import Task
from app.ui.text import note_words, problem_words, translated
from app.ui.widgets.cards import button, label
from app.ui.widgets.run_list import RunColours
from app.workers.job import EngineJob

SPLITS = ("val", "test", "train")
ACCURACY, CLASSES, CURVES, CONFUSION, COSTS, PICTURES, SETTINGS = range(7)


class JudgeWindow(QDialog):
    """A window of its own, so that the Studio stays usable beside it.

    Args:
        services: Of the window.
        runs: What to compare; the first is what the others are subtracted from.
        parent: The page that opened it.
    """

    def __init__(self, services: Services, runs: Sequence[RunFolder], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("judgeWindow")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._services = services
        self._runs = list(runs)
        self._colours = RunColours(services.workspace.folder.runs)
        self._task: Task | None = None
        self._job: EngineJob | None = None
        self._first: tuple[float, float] | None = None
        self._pareto_view: Any = None
        self.judgement: dict[str, Any] = {}
        self.split = QComboBox()
        self.split.setObjectName("judgeSplit")
        self.sentence = label(role="muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.report = button("judgeReport", icon="export")
        self._tabs = QButtonGroup(self)
        self.place = QStackedWidget()
        self._pages = [QWidget() for _ in range(SETTINGS + 1)]
        self._lay_out()
        self._connect()
        self.resize(QSize(1040, 680))
        self.retranslate()
        self.start()

    # --- layout --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(theme.INSIDE)
        head.addWidget(self.split)
        head.addWidget(self.sentence, 1)
        head.addWidget(self.report)
        row = QHBoxLayout()
        row.setSpacing(2)
        for number in range(SETTINGS + 1):
            tab = button(f"judgeTab{number}", "segment")
            tab.setCheckable(True)
            tab.setAutoDefault(False)
            self._tabs.addButton(tab, number)
            row.addWidget(tab)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.AROUND, theme.AROUND, theme.AROUND)
        column.setSpacing(theme.BETWEEN)
        column.addLayout(head)
        column.addWidget(self.bar)
        column.addLayout(row)
        column.addWidget(self.place, 1)
        for page in self._pages:
            area = QScrollArea()
            area.setWidgetResizable(True)
            area.setFrameShape(QScrollArea.Shape.NoFrame)
            area.setWidget(page)
            self.place.addWidget(area)
            body = QVBoxLayout(page)
            body.setContentsMargins(0, 0, 0, 0)
            body.setSpacing(theme.AROUND)
        self._tabs.button(0).setChecked(True)

    def _connect(self) -> None:
        for split in SPLITS:
            self.split.addItem(split, split)
        self.split.currentIndexChanged.connect(lambda _index: self.start())
        self._tabs.idClicked.connect(self.show_tab)
        menu = QMenu(self)
        for form in FORMS:
            menu.addAction(form.upper(), calling(self.save_report, form)).setObjectName(f"report_{form}")
        self.report.setMenu(menu)
        self.report.setAutoDefault(False)

    def show_tab(self, number: int) -> None:
        """Show one view."""
        self._tabs.button(number).setChecked(True)
        self.place.setCurrentIndex(number)

    # --- the job -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Judge on the chosen split; what was predicted before is not predicted again."""
        self.stop()
        request = {"runs": [str(run.path) for run in self._runs], "split": self.split.currentData()}
        job = EngineJob("runs.judge", request)
        job.done.connect(self._on_job_done)
        job.progressed.connect(self._on_job_progressed)
        job.failed.connect(self._on_job_failed)
        self._first = None
        self.bar.setRange(0, 0)
        self.bar.setVisible(True)
        self.report.setEnabled(False)
        self.sentence.setText(self.tr("Predicting…"))
        self._job = job
        self._task = self._services.tasks.start(_title, job)
        self._task.ended.connect(self._on_task_ended)

    def stop(self) -> None:
        """Call the job off."""
        task, self._task, self._job = self._task, None, None
        if task is not None:
            task.ended.disconnect(self._on_task_ended)
            task.cancel()

    def _on_task_ended(self) -> None:
        self._task = None
        self.bar.setVisible(False)
        if not self.judgement and self.sentence.text() == self.tr("Predicting…"):
            self.sentence.setText(self.tr("Nothing was judged."))

    def _on_job_progressed(self, share: float, text: str) -> None:
        if self.sender() is not self._job:  # called off
            return
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(share * 1000))
        words = translated(text)
        if self._first is None:
            self._first = time.monotonic(), share
        since, first = self._first
        if share > first + 0.05:
            left = (time.monotonic() - since) / (share - first) * (1 - share)
            words = self.tr("{doing}, {left} left").format(doing=words, left=duration(left))
        self.sentence.setText(words)

    def _on_job_failed(self, problem: AppError) -> None:
        if self.sender() is not self._job:
            return
        self.sentence.setText(problem_words(problem)[0])

    def _on_job_done(self, result: dict[str, Any]) -> None:
        if self.sender() is not self._job:  # of another split
            return
        self.judgement = result
        self.report.setEnabled(True)
        self._fill()

    # --- what it found -------------------------------------------------------------------------------------

    def colour(self, name: str) -> str:
        """Return a run's colour, the same as on the Train page."""
        return self._colours.of(name)

    def _fill(self) -> None:
        found = self.judgement
        words = self.tr("{count} pictures of {split}. 95 % intervals by bootstrap over pictures.")
        text = words.format(count=found["images"], split=found["split"])
        for name, problem in found["problems"].items():
            text += f" {name}: {note_words(problem['message'])}"
        self.sentence.setText(text)
        told = tables(found)
        by_title = {table.title.split(" ")[0]: table for table in told}
        first = [table for table in told if table.title.startswith(("Accuracy", "Change"))]
        self._show(ACCURACY, [self._grid(table) for table in first])
        self._show(CLASSES, [self._grid(table) for table in told if table.title.startswith("AP50-95 by")])
        self._show(CURVES, [CurvesPane(found["runs"], self.colour)])
        self._show(CONFUSION, [self._confusions()])
        self._show(COSTS, [self._grid(by_title["Cost"]), self._pareto()])
        self._show(PICTURES, [PicturesPane(found)])
        settings = by_title.get("Settings")
        nothing = label(self.tr("Nothing differs in the settings."), role="muted")
        self._show(SETTINGS, [self._grid(settings)] if settings else [nothing])

    def _show(self, number: int, widgets: Sequence[QWidget]) -> None:
        body = self._pages[number].layout()
        assert isinstance(body, QVBoxLayout)
        while body.count():
            item = body.takeAt(0)
            old = item.widget() if item is not None else None
            if old is not None:
                old.hide()
                old.deleteLater()
        for widget in widgets:
            body.addWidget(widget)
        if not any(widget.property("grows") for widget in widgets):
            body.addStretch(1)

    def _grid(self, table: Table) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        shown = self._translated(table)
        column.addWidget(label(shown.title, role="strong"))
        column.addWidget(GridTable(shown, [self.colour(name) for name in table.head[1:]]))
        return box

    def _translated(self, table: Table) -> Table:
        """Return a table with what it says in words in the user's language."""
        words = {
            "Accuracy, with 95 % intervals over pictures": self.tr(
                "Accuracy, with 95 % intervals over pictures"
            ),
            "Cost": self.tr("Cost"),
            "AP50-95 by class": self.tr("AP50-95 by class"),
            "AP50-95 by size of objects": self.tr("AP50-95 by size of objects (COCO: 32² and 96² pixels)"),
            "Settings that differ": self.tr("Settings that differ"),
            "class": self.tr("class"),
            "size": self.tr("size"),
            "setting": self.tr("setting"),
            "precision": self.tr("precision"),
            "recall": self.tr("recall"),
            "parameters, M": self.tr("parameters, M"),
            "checkpoint, MB": self.tr("checkpoint, MB"),
            "milliseconds here": self.tr("milliseconds here"),
        }
        title = words.get(table.title, table.title)
        if table.title.startswith("Change against"):
            title = self.tr("Change against {name}, paired over pictures").format(
                name=self.judgement["runs"][0]["name"]
            )
        head = (words.get(table.head[0], table.head[0]), *table.head[1:])
        rows = tuple((words.get(row[0], row[0]), *row[1:]) for row in table.rows)
        return Table(title, head, rows)

    def _confusions(self) -> QWidget:
        box = QWidget()
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GROUPS)
        for run in self.judgement["runs"]:
            view = ConfusionView()
            view.show_run(run, self.colour(str(run["name"])))
            row.addWidget(view, 0, Qt.AlignmentFlag.AlignTop)
        row.addStretch(1)
        return box

    def _pareto(self) -> QWidget:
        from app.ui.pages.models_judge_pareto import ParetoView

        self._pareto_view = view = ParetoView(self._services, self.judgement["runs"], self)
        view.measured.connect(self._show_costs)
        view.setProperty("grows", True)
        return view

    def _show_costs(self) -> None:
        """Take measured milliseconds into the table above the plot."""
        body = self._pages[COSTS].layout()
        assert isinstance(body, QVBoxLayout)
        item = body.takeAt(0)
        old = item.widget() if item is not None else None
        if old is not None:
            old.hide()
            old.deleteLater()
        costs = next(table for table in tables(self.judgement) if table.title == "Cost")
        body.insertWidget(0, self._grid(costs))

    # --- the report ----------------------------------------------------------------------------------------

    def save_report(self, form: str) -> None:
        """Ask where to, and write a report."""
        folder = self._services.workspace.folder.reports
        name, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Save the report"),
            str(folder / f"runs-{self.judgement['split']}.{form}"),
            f"{form.upper()} (*.{form})",
        )
        if name:
            self.write_report(Path(name), form)

    def write_report(self, path: Path, form: str) -> None:
        """Write a report in one of the forms."""
        try:
            write_text(path, FORMS[form](self.judgement))
        except OSError as error:
            words = self.tr("{path} cannot be written: {reason}.")
            self.sentence.setText(words.format(path=path, reason=error.strerror or error))
            return
        self.sentence.setText(self.tr("{path} is written.").format(path=path))

    # --- the window ----------------------------------------------------------------------------------------

    def tab_buttons(self) -> list[QPushButton]:
        """Return the buttons of the views."""
        return [tab for tab in self._tabs.buttons() if isinstance(tab, QPushButton)]

    def retranslate(self) -> None:
        """Set the texts."""
        names = ", ".join(run.name for run in self._runs)
        self.setWindowTitle(self.tr("Runs compared: {names}").format(names=names))
        self.report.setText(self.tr("Save report"))
        self.split.setAccessibleName(self.tr("Split to judge on"))
        self.split.setToolTip(self.split.accessibleName())
        words = (
            self.tr("Accuracy"),
            self.tr("Classes and sizes"),
            self.tr("Curves"),
            self.tr("Confusion"),
            self.tr("Cost"),
            self.tr("Pictures"),
            self.tr("Settings"),
        )
        for number, text in enumerate(words):
            tab = self._tabs.button(number)
            tab.setText(text)
            tab.setMinimumWidth(tab.fontMetrics().horizontalAdvance(text) + 24)
        if self.judgement:
            self._fill()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Call off what is running."""
        self.stop()
        if self._pareto_view is not None:
            self._pareto_view.stop()
        super().closeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _title() -> str:
    """Return what the tray calls the job, which may outlive the window."""
    return QCoreApplication.translate("JudgeWindow", "Comparing runs")
