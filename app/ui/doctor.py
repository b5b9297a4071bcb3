"""What this computer offers: the doctor's findings, made by the engine in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import AppError
from app.ui import theme
from app.ui.text import filled, problem_words, translated
from app.ui.widgets.cards import Card, button, label
from app.ui.widgets.empty_state import EmptyState
from app.workers.job import EngineJob

_ICONS = {"ok": ("success", "good"), "missing": ("info", "muted"), "problem": ("error", "bad")}


class DoctorDialog(QDialog):
    """Asks the engine what is there, shows it, and says what to do about what is missing."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("doctor")
        self.resize(640, 600)
        self._report: Mapping[str, Any] = {}
        self._waiting = EmptyState("chip")
        self._waiting.primary_clicked.connect(self.look)
        self._list = QScrollArea()
        self._list.setWidgetResizable(True)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._waiting)
        self._stack.addWidget(self._list)
        self._copy = button("doctorCopy", icon="copy")
        self._copy.setEnabled(False)
        self._close = button("doctorClose", "primary")
        self._copy.clicked.connect(self._on_copy_clicked)
        self._close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(self._copy)
        row.addStretch(1)
        row.addWidget(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.AROUND, theme.AROUND, theme.AROUND)
        column.addWidget(self._stack, 1)
        column.addLayout(row)
        self._job: EngineJob | None = None
        self.retranslate()
        self.look()

    def look(self) -> None:
        """Ask the engine."""
        self._show_waiting()
        self._job = EngineJob("doctor", {}, self)
        self._job.done.connect(self._on_job_done)
        self._job.failed.connect(self._on_job_failed)
        self._job.start()

    def retranslate(self) -> None:
        """Set the texts."""
        self.setWindowTitle(self.tr("This computer"))
        self._copy.setText(self.tr("Copy report"))
        self._close.setText(self.tr("Close"))
        if self._report:
            self._show_report()
        else:
            self._show_waiting()

    def _show_waiting(self) -> None:
        self._waiting.set_icon("chip")
        self._waiting.set_texts(self.tr("Looking at processors, runtimes and cameras…"))
        self._waiting.show_progress(-1)
        self._stack.setCurrentWidget(self._waiting)

    @Slot(dict)
    def _on_job_done(self, report: dict[str, Any]) -> None:
        self._report = report
        self._copy.setEnabled(True)
        self._show_report()

    @Slot(object)
    def _on_job_failed(self, problem: AppError) -> None:
        self._waiting.set_icon("error", "bad")
        self._waiting.set_texts(*problem_words(problem), self.tr("Look again"))
        self._waiting.show_progress(None)

    def _show_report(self) -> None:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, theme.INSIDE, 0)
        card = Card()
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.BETWEEN)
        grid.setVerticalSpacing(theme.INSIDE)
        grid.setColumnStretch(2, 1)
        for index, finding in enumerate(self._report.get("findings", ())):
            _add_finding(grid, index, finding)
        card.body.addLayout(grid)
        column.addWidget(card)
        column.addStretch(1)
        self._list.setWidget(content)
        self._stack.setCurrentWidget(self._list)

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(json.dumps(self._report, indent=2, ensure_ascii=False))

    def done(self, result: int) -> None:
        """End the engine's process with the dialog."""
        if self._job is not None:
            self._job.close()
        super().done(result)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _add_finding(grid: QGridLayout, row: int, finding: Mapping[str, Any]) -> None:
    """One line: icon, what, how it stands and what to do."""
    icon, token = _ICONS.get(str(finding.get("state")), _ICONS["ok"])
    mark = QLabel()
    mark.setPixmap(theme.pixmap(icon, token, 18, mark.devicePixelRatioF()))
    mark.setAccessibleName(str(finding.get("state")))
    grid.addWidget(mark, row, 0, Qt.AlignmentFlag.AlignTop)
    grid.addWidget(
        label(translated(str(finding.get("topic", ""))), "strong"), row, 1, Qt.AlignmentFlag.AlignTop
    )
    words = QVBoxLayout()
    words.setSpacing(2)
    values = finding.get("values") or {}
    for key, role in (("text", ""), ("remedy", "muted")):
        text = filled(str(finding.get(f"{key}_template") or finding.get(key) or ""), values)
        if text:
            line = label(text, role, wrap=True)
            line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            words.addWidget(line)
    grid.addLayout(words, row, 2)
