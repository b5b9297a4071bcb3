"""The formats that a model can be exported to: how each stands here, and how what is missing is got."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
)

from app.core.errors import AppError
from app.core.export_formats import FORMATS, ExportFormat
from app.core.folders import documents_folder
from app.ui import theme
from app.ui.page import Services
from app.ui.tasks import Task
from app.ui.text import in_a_row, listed, problem_words
from app.ui.widgets.cards import Card, label, name_widget, tool
from app.workers.job import EngineJob

LOOKING, READY, MISSING = "looking", "ready", "missing"
_NAME = Qt.ItemDataRole.UserRole
_ROWS = 7
_TOOLS_FOLDER = "export-tools"
_MARKS = {LOOKING: ("clock", "muted"), READY: ("success", "good"), MISSING: ("info", "muted")}


class FormatsCard(Card):
    """The list, and below it the Python whose converters are used.

    Args:
        services: of the window.
    """

    chosen_changed = Signal()
    """Another format is chosen, or what is known of them changed."""

    def __init__(self, services: Services) -> None:
        super().__init__(margin=theme.BETWEEN)
        self._services = services
        self._states: dict[str, Mapping[str, Any]] = {}
        self._task: Task | None = None
        self._problem: AppError | None = None
        self.list = QTreeWidget()
        self.list.setObjectName("exportFormats")
        self.python = QLineEdit()
        self.python.setObjectName("exportPython")
        self.python.setClearButtonEnabled(True)
        self.browse = tool("exportPythonChoose", "folder")
        self.again = tool("exportLookAgain", "refresh")
        self._python_title = label(role="strong")
        self._python_hint = label(role="small", wrap=True)
        self.problem = label(wrap=True, tone="bad")
        self.problem.setObjectName("exportPythonProblem")
        self._lay_out()
        self._connect()
        self.retranslate()

    def _lay_out(self) -> None:
        self.list.setColumnCount(2)
        self.list.setProperty("embedded", True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setIconSize(QSize(16, 16))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setSectionsMovable(False)
        for form in FORMATS.values():
            item = QTreeWidgetItem([form.title, ""])
            item.setData(0, _NAME, form.name)
            self.list.addTopLevelItem(item)
        self.choose(next(iter(FORMATS)))
        self.list.setMinimumHeight(30 * (_ROWS + 1))
        row = QHBoxLayout()
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.python, 1)
        row.addWidget(self.browse)
        row.addWidget(self.again)
        self.body.addWidget(self.list, 1)
        self.body.addWidget(self._python_title)
        self.body.addLayout(row)
        self.body.addWidget(self.problem)
        self.body.addWidget(self._python_hint)
        self.problem.setVisible(False)
        self.python.setText(self.own_python)
        self.python.setToolTip(self.own_python)

    def _connect(self) -> None:
        self.list.currentItemChanged.connect(self._on_list_current_item_changed)
        self.python.editingFinished.connect(self._on_python_editing_finished)
        self.browse.clicked.connect(self._on_browse_clicked)
        self.again.clicked.connect(self.look)

    # --- what is known -------------------------------------------------------------------------------------

    @property
    def chosen(self) -> ExportFormat:
        """The chosen format."""
        item = self.list.currentItem()
        return FORMATS[str(item.data(0, _NAME))] if item is not None else next(iter(FORMATS.values()))

    def choose(self, name: str) -> None:
        """Choose a format."""
        for number in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(number)
            if item is not None and item.data(0, _NAME) == name:
                self.list.setCurrentItem(item)

    def state(self, form: ExportFormat) -> str:
        """Return ``looking``, ``ready`` or ``missing``."""
        if not form.tools:
            return READY
        known = self._states.get(form.name)
        if known is None:
            return LOOKING if self._task is not None else MISSING
        return READY if known["ready"] else MISSING

    def problem_of(self, form: ExportFormat) -> str:
        """Return in a sentence what a format lacks; empty where nothing is known to be missing."""
        if self.state(form) != MISSING:
            return ""
        known = self._states.get(form.name)
        if known is None:
            return in_a_row(*problem_words(self._problem)) if self._problem is not None else ""
        problem = AppError.from_dict(known["problem"])
        words, hint = problem_words(problem)
        return in_a_row(words, hint) if known.get("gpu") else words

    @property
    def own_python(self) -> str:
        """The interpreter that a person named for the converters; empty for none."""
        return self._services.store.settings.export_python

    def lacks_packages(self, form: ExportFormat) -> bool:
        """Return whether installing something would make a format work."""
        known = self._states.get(form.name)
        return known is not None and not known["ready"] and not known.get("gpu")

    def look_again(self, made: Path) -> None:
        """Look what is installed by now; a Python that was just made here is used from now on."""
        if not self.own_python and made.is_file():
            self.use_python(str(made))
        else:
            self.look()

    @Slot()
    def look(self) -> None:
        """Ask the engine how the formats stand."""
        if self._task is not None:
            return
        self._problem = None
        job = EngineJob("export.formats", {})
        job.done.connect(self._on_job_done)
        job.failed.connect(self._on_job_failed)
        self._task = self._services.tasks.start(lambda: self.tr("Looking for export formats"), job)
        self._task.ended.connect(self._on_task_ended)
        self._show_states()

    @Slot(dict)
    def _on_job_done(self, result: dict[str, Any]) -> None:
        self._states = {str(one["format"]): one for one in result["formats"]}

    @Slot(object)
    def _on_job_failed(self, problem: AppError) -> None:
        self._problem = problem

    @Slot()
    def _on_task_ended(self) -> None:
        self._task = None
        self._show_states()

    def _show_states(self) -> None:
        self.again.setEnabled(self._task is None)
        for number in range(self.list.topLevelItemCount()):
            item = self.list.topLevelItem(number)
            if item is None:
                continue
            form = FORMATS[str(item.data(0, _NAME))]
            state = self.state(form)
            item.setText(1, self._words(form, state))
            item.setIcon(1, theme.icon(*_MARKS[state]))
            spoken = f"{form.title}: {item.text(1)}"
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, spoken)
            item.setToolTip(1, self.problem_of(form) or item.text(1))
        self.chosen_changed.emit()

    def _words(self, form: ExportFormat, state: str) -> str:
        if state == READY:
            return self.tr("Ready")
        if state == LOOKING:
            return self.tr("Looking…")
        known = self._states.get(form.name)
        if known is None:
            return self.tr("Not known")
        if known.get("gpu"):
            return self.tr("Needs an NVIDIA GPU")
        return self.tr("Needs {packages}").format(packages=listed(known["missing"]))

    # --- the Python of the converters ----------------------------------------------------------------------

    def use_python(self, name: str) -> None:
        """Take an interpreter whose converters are used, or say why not; empty for the Studio's own alone."""
        name = name.strip()
        self.python.setText(name)
        self.python.setToolTip(name)
        bad = bool(name) and shutil.which(str(Path(name).expanduser())) is None
        words = self.tr("{path} is no program. Choose the file python in the folder bin, or python.exe.")
        self.problem.setText(words.format(path=name) if bad else "")
        self.problem.setVisible(bad)
        self.python.setProperty("invalid", bad)
        self.python.style().polish(self.python)
        path = str(Path(name).expanduser()) if name else ""
        if not bad and path != self.own_python:
            self._services.store.update(export_python=path)
            self.look()

    @Slot()
    def _on_python_editing_finished(self) -> None:
        self.use_python(self.python.text())

    @Slot()
    def _on_browse_clicked(self) -> None:
        start = self.python.text() or str(documents_folder())
        name = QFileDialog.getOpenFileName(self, self.tr("Choose a Python"), start)[0]
        if name:
            self.use_python(name)

    @Slot()
    def _on_list_current_item_changed(self) -> None:
        self.chosen_changed.emit()

    def retranslate(self) -> None:
        """Set the texts."""
        self.list.setHeaderLabels([self.tr("Format"), self.tr("On this computer")])
        self.list.setAccessibleName(self.tr("Formats"))
        self._python_title.setText(self.tr("Python whose converters are used"))
        self._python_title.setBuddy(self.python)
        self.python.setAccessibleName(self._python_title.text())
        self.python.setPlaceholderText(self.tr("The Studio's own"))
        name_widget(self.browse, self.tr("Choose a Python"))
        name_widget(self.again, self.tr("Look again for what is installed"))
        self._python_hint.setText(
            self.tr(
                "Large converters get a Python environment of their own. The Studio runs it in a process "
                "of its own, and installs nothing."
            )
        )
        self._show_states()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)
