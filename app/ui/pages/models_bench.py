"""The bench in a window of its own: accuracy, size and milliseconds of every model, runtime and precision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QProgressBar,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app.core.bench import Bench, BenchRow
from app.core.bench_report import FORMS
from app.core.errors import AppError
from app.core.files import write_text
from app.core.text import duration
from app.ui import theme
from app.ui.calls import calling
from app.ui.data_names import spoken_name
from app.ui.page import Services
from app.ui.pages.models_bench_table import BenchTable
from app.ui.pages.models_rows import ModelRow
from app.ui.requests import SAMPLE
from app.ui.tasks import Task
from app.ui.text import problem_words, translated
from app.ui.widgets.cards import Card, button, label
from app.workers.job import EngineJob

SPLITS = ("val", "test", "train")
FRAMES = 100
RUNTIMES = ("openvino", "onnxruntime", "torch")
_FOLDER, _LATEST = "bench", "latest.json"


class BenchWindow(QDialog):
    """Chooses what is measured, shows it as it comes, and exports it; closing it lets the measuring go on.

    Args:
        services: of the window.
        parent: the page that opened it.
    """

    def __init__(self, services: Services, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setObjectName("benchWindow")
        self._services = services
        self._models: list[ModelRow] = []
        self._task: Task | None = None
        self._told: dict[str, Any] = {}
        self._outcome = ""
        self.bench: Bench | None = None
        self.plot: Any = None
        self.data = QComboBox()
        self.data.setObjectName("benchData")
        self.split = QComboBox()
        self.split.setObjectName("benchSplit")
        self.runtimes = [QCheckBox() for _ in RUNTIMES]
        self.rivals = QCheckBox()
        self.rivals.setObjectName("benchRivals")
        self.filter = QLineEdit()
        self.filter.setObjectName("benchFilter")
        self.start = button("benchStart", "primary", "clock")
        self.compare = button("benchCompare", icon="compare")
        self.report = button("benchReport", icon="export")
        self.sentence = label(role="muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.table = BenchTable()
        self.columns = QSplitter(Qt.Orientation.Vertical)
        self._lay_out()
        self._connect()
        self.resize(QSize(1240, 760))
        self.retranslate()

    # --- layout --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(theme.INSIDE)
        for box in (self.data, self.split, *self.runtimes, self.rivals):
            head.addWidget(box)
        head.addStretch(1)
        head.addWidget(self.start)
        below = QHBoxLayout()
        below.setSpacing(theme.INSIDE)
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(220)
        below.addWidget(self.filter)
        below.addWidget(self.sentence, 1)
        below.addWidget(self.compare)
        below.addWidget(self.report)
        self.columns.setChildrenCollapsible(False)
        card = Card(margin=1)
        card.body.addWidget(self.table)
        self.columns.addWidget(card)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.AROUND, theme.AROUND, theme.AROUND)
        column.setSpacing(theme.BETWEEN)
        column.addLayout(head)
        column.addLayout(below)
        column.addWidget(self.bar)
        column.addWidget(self.columns, 1)
        self.bar.setVisible(False)

    def _connect(self) -> None:
        for split in SPLITS:
            self.split.addItem(split, split)
        for name, box in zip(RUNTIMES, self.runtimes, strict=True):
            box.setObjectName(f"bench_{name}")
            box.setChecked(True)
            box.toggled.connect(self._on_choice_changed)
        self.rivals.setChecked(True)
        menu = QMenu(self)
        for form in FORMS:
            menu.addAction(form.upper(), calling(self.save_report, form)).setObjectName(f"bench_{form}")
        self.report.setMenu(menu)
        for one in (self.start, self.compare, self.report):
            one.setAutoDefault(False)
        self.filter.textChanged.connect(self._on_filter_text_changed)
        self.table.chosen_changed.connect(self._on_choice_changed)
        self.start.clicked.connect(self._on_start_clicked)
        self.compare.clicked.connect(self.compare_chosen)

    def showEvent(self, event: QShowEvent) -> None:
        """Draw once the window stands."""
        super().showEvent(event)
        if self.plot is None:
            QTimer.singleShot(0, self, self._make_plot)

    def _make_plot(self) -> None:
        if self.plot is not None:
            return
        from app.ui.pages.models_bench_plot import BenchPlotView

        self.plot = BenchPlotView(self)
        self.plot.row_taken.connect(self.table.choose)
        self.columns.addWidget(self.plot)
        self.columns.setSizes([360, 300])
        self._draw()

    # --- what is measured ----------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether it measures."""
        return self._task is not None

    def show_models(self, models: Sequence[ModelRow]) -> None:
        """Take the models that the next start measures, and show what was measured of the workspace the last time."""
        if self.running:
            return
        self._models = list(models)
        kept = [row.run for row in models if row.run is not None]
        named = []
        for run in kept:
            try:
                named.append(run.config().data)
            except AppError:
                continue
        chosen = self._services.workspace.data
        self.data.clear()
        for spec in dict.fromkeys([*named, *([chosen] if chosen else []), SAMPLE]):
            self.data.addItem(spoken_name(spec), spec)
            self.data.setItemData(self.data.count() - 1, spec, Qt.ItemDataRole.ToolTipRole)
        self._outcome = ""
        self._read_latest()
        self._say()

    def _read_latest(self) -> None:
        path = self._folder / _LATEST
        try:
            found = Bench.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return
        self._take(found)

    @property
    def _folder(self) -> Path:
        return self._services.workspace.folder.root / "reports" / _FOLDER

    def _on_start_clicked(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:
            self.measure()

    def measure(self) -> None:
        """Measure the models; what is known is not measured again."""
        request = {
            "weights": [str(row.path) for row in self._models],
            "data": self.data.currentData(),
            "split": self.split.currentData(),
            "folder": str(self._folder),
            "runtimes": [name for name, box in zip(RUNTIMES, self.runtimes, strict=True) if box.isChecked()],
            "rivals": self.rivals.isChecked(),
            "frames": FRAMES,
        }
        self.bench = None
        self._outcome, self._told = "", {}
        self.table.rows_model.show_rows([])
        job = EngineJob("bench", request)
        job.event_received.connect(self._on_job_event_received)
        job.failed.connect(self._on_job_failed)
        job.was_cancelled.connect(self._on_job_was_cancelled)
        job.done.connect(self._on_job_done)
        self._task = self._services.tasks.start(_title, job)
        self._task.ended.connect(self._on_task_ended)
        self.bar.setRange(0, 0)
        self._say()

    def _on_job_event_received(self, event: dict[str, Any]) -> None:
        if event["event"] == "row":
            self.table.rows_model.put(BenchRow.from_json(event["row"]))
            self._draw()
        elif event["event"] == "bench":
            self._told = event
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(float(event["fraction"]) * 1000))
            if self._task is not None:
                self._task.progress(float(event["fraction"]), self._doing())
            self._say()

    def _on_job_done(self, result: dict[str, Any]) -> None:
        self._take(Bench.from_json(result))
        self._outcome = ""

    def _on_job_failed(self, problem: AppError) -> None:
        self._outcome = problem_words(problem)[0]

    def _on_job_was_cancelled(self) -> None:
        self._outcome = self.tr("Stopped. What was measured is kept: start again to go on.")

    def _on_task_ended(self) -> None:
        self._task = None
        self._say()

    # --- what it found -------------------------------------------------------------------------------------

    def _take(self, found: Bench) -> None:
        self.bench = found
        self.table.rows_model.show_rows(found.rows)
        self._draw()

    def _draw(self) -> None:
        if self.plot is not None:
            self.plot.show_rows(self.table.visible_rows)

    def _on_filter_text_changed(self, text: str) -> None:
        self.table.filter(text)
        self._draw()

    def _on_choice_changed(self) -> None:
        self._say()

    def _doing(self) -> str:
        words = translated(str(self._told.get("text", "")))
        if self._told.get("name"):
            words = self.tr("{doing}: {name}").format(doing=words, name=self._told["name"])
        left = self._told.get("left_s")
        if left is not None:
            words = self.tr("{doing}, {left} left").format(doing=words, left=duration(float(left)))
        return words

    def _say(self) -> None:
        """Set the sentence and what can be pressed."""
        running = self.running
        self.bar.setVisible(running)
        self.start.setText(self.tr("Stop") if running else self.tr("Measure"))
        chosen_runtimes = any(box.isChecked() for box in self.runtimes)
        self.start.setEnabled(running or (bool(self._models) and chosen_runtimes))
        for box in (self.data, self.split, *self.runtimes, self.rivals):
            box.setEnabled(not running)
        rows = self.table.chosen
        pair = [row for row in rows if row.weights]
        self.compare.setEnabled(len(rows) == 2 and len(pair) == 2)
        self.compare.setToolTip(
            "" if self.compare.isEnabled() else self.tr("Choose two rows of trained models.")
        )
        self.report.setEnabled(self.bench is not None)
        self.sentence.setText(self._sentence(rows))

    def _sentence(self, rows: Sequence[BenchRow]) -> str:
        if self.running:
            return self._doing()
        if self._outcome:
            return self._outcome
        if len(rows) == 1 and (told := self.table.rows_model.told(rows[0])):
            return told.replace("\n", " ")
        if self.bench is None:
            return self.tr("{count} models. Accuracy first, then milliseconds on a quiet machine.").format(
                count=len(self._models)
            )
        words = self.tr("{pictures} pictures of {split} in {data}; {machine}, {threads} threads.").format(
            pictures=self.bench.images,
            split=self.bench.split,
            data=spoken_name(self.bench.data),
            machine=self.bench.machine,
            threads=self.bench.rows[0].threads if self.bench.rows else 0,
        )
        if any(row.disturbed is not None for row in self.bench.rows):
            words += " " + self.tr("* Disturbed: measured again the next time.")
        return words

    # --- what can be done ----------------------------------------------------------------------------------

    def compare_chosen(self) -> None:
        """Go to the Compare page with the two chosen rows: the first on the left."""
        pair = [row for row in self.table.chosen if row.weights]
        if len(pair) == 2:
            left, right = sorted(pair, key=lambda row: row.role == "lightweight")
            self._services.workspace.request_comparison(left.weights, right.weights)
            window = self._services_window()
            if window is not None:
                window.raise_()
                window.activateWindow()

    def _services_window(self) -> QWidget | None:
        parent = self.parentWidget()
        return None if parent is None else parent.window()

    def save_report(self, form: str) -> None:
        """Ask where to, and write the table."""
        name, _ = QFileDialog.getSaveFileName(
            self,
            self.tr("Save the table"),
            str(self._services.workspace.folder.reports / f"bench.{form}"),
            f"{form.upper()} (*.{form})",
        )
        if name:
            self.write_report(Path(name), form)

    def write_report(self, path: Path, form: str) -> None:
        """Write the table in one of the forms."""
        if self.bench is None:
            return
        try:
            write_text(path, FORMS[form](self.bench))
        except OSError as error:
            words = self.tr("{path} cannot be written: {reason}.")
            self._outcome = words.format(path=path, reason=error.strerror or error)
        else:
            self._outcome = self.tr("{path} is written.").format(path=path)
        self._say()

    # --- texts ---------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Set the texts."""
        self.setWindowTitle(self.tr("Bench of models"))
        self.data.setAccessibleName(self.tr("Data that accuracy is measured on"))
        self.data.setToolTip(self.data.accessibleName())
        self.split.setAccessibleName(self.tr("Split that accuracy is measured on"))
        self.split.setToolTip(self.split.accessibleName())
        for box, text in zip(self.runtimes, ("OpenVINO", "ONNX Runtime", "PyTorch"), strict=True):
            box.setText(text)
        self.rivals.setText(self.tr("Plain rivals"))
        self.rivals.setToolTip(
            self.tr(
                "Beside lightweight models, plain ones of about the same cost: untrained, for speed alone"
            )
        )
        self.filter.setPlaceholderText(self.tr("Filter"))
        self.filter.setAccessibleName(self.tr("Filter the rows"))
        self.compare.setText(self.tr("Compare"))
        self.report.setText(self.tr("Save table"))
        for number in range(self.data.count()):
            self.data.setItemText(number, spoken_name(str(self.data.itemData(number))))
        self.table.retranslate()
        if self.plot is not None:
            self.plot.retranslate()
        self._say()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _title() -> str:
    """Return what the tray calls the job."""
    return QCoreApplication.translate("BenchWindow", "Bench of models")
