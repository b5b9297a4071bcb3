"""The export dialog: a format of this computer, how it is written, and how far the result is from torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QProgressBar,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.ui import theme
from app.ui.page import Services
from app.ui.pages.models_export_formats import READY, FormatsCard
from app.ui.pages.models_export_missing import MissingTools
from app.ui.pages.models_export_options import ExportOptions
from app.ui.pages.models_export_words import outcome_tone, outcome_words
from app.ui.pages.models_export_work import ExportQueue, Order, Outcome
from app.ui.pages.models_rows import ModelRow
from app.ui.tasks import CANCELLED
from app.ui.text import in_a_row, translated
from app.ui.widgets.cards import Card, button, label

_SIZE = (960, 640)
_LEFT = 400


class ExportDialog(QDialog):
    """Not modal; closing it lets the exports go on, and their results are told as messages then.

    Args:
        services: of the window.
        parent: the page that opened it.
    """

    exported = Signal(Path)
    """What was written."""

    def __init__(self, services: Services, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("exportDialog")
        self.setModal(False)
        self._services = services
        self._rows: Sequence[ModelRow] = ()
        self._outcomes: list[Outcome] = []
        self.formats = FormatsCard(services)
        self.options = ExportOptions()
        self.missing = MissingTools(self.formats)
        self.queue = ExportQueue(services.tasks, self)
        self.place = QStackedWidget()
        self.start = button("exportStart", "primary", "export")
        self.cancel = button("exportCancel")
        self.close_ = button("exportClose")
        self.show_folder = button("exportShow", icon="folder")
        self.bar = QProgressBar()
        self.doing = label(role="muted", wrap=True)
        self.outcome = label(role="strong", wrap=True)
        self.outcome.setObjectName("exportOutcome")
        self.check = label(wrap=True)
        self.check.setObjectName("exportCheck")
        self._lay_out()
        self._connect()
        self.resize(*_SIZE)
        self.retranslate()

    # --- layout --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.formats.setFixedWidth(_LEFT)
        self.place.addWidget(self.options)
        lacking = QWidget()
        column = QVBoxLayout(lacking)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.missing)
        column.addStretch(1)
        self.place.addWidget(lacking)
        right = Card()
        right.body.addWidget(self.place, 1)
        for part in (self.outcome, self.check):
            part.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.result_card = Card()
        row = QHBoxLayout()
        row.setSpacing(theme.BETWEEN)
        words = QVBoxLayout()
        words.setSpacing(4)
        for widget in (self.outcome, self.check, self.doing, self.bar):
            words.addWidget(widget)
        row.addLayout(words, 1)
        for one in (self.show_folder, self.cancel):
            row.addWidget(one, 0, Qt.AlignmentFlag.AlignTop)
        self.result_card.body.addLayout(row)
        self.result_card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        top = QHBoxLayout()
        top.setSpacing(theme.BETWEEN)
        top.addWidget(self.formats)
        top.addWidget(right, 1)
        foot = QHBoxLayout()
        foot.setSpacing(theme.INSIDE)
        self.lack = label(role="muted", wrap=True)
        foot.addWidget(self.lack, 1)
        foot.addWidget(self.close_)
        foot.addWidget(self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.AROUND, theme.AROUND, theme.AROUND)
        column.setSpacing(theme.BETWEEN)
        column.addLayout(top, 1)
        column.addWidget(self.result_card)
        column.addLayout(foot)

    def _connect(self) -> None:
        for one in (self.cancel, self.close_, self.show_folder):
            one.setAutoDefault(False)
        self.start.setDefault(True)
        self.formats.chosen_changed.connect(self._on_formats_chosen_changed)
        self.options.changed.connect(self._show_start)
        self.start.clicked.connect(self.export)
        self.cancel.clicked.connect(self.queue.cancel)
        self.close_.clicked.connect(self.close)
        self.show_folder.clicked.connect(self._on_show_folder_clicked)
        self.queue.changed.connect(self._show_progress)
        self.queue.ended.connect(self._on_queue_ended)

    # --- what is exported ----------------------------------------------------------------------------------

    def show_models(self, rows: Sequence[ModelRow], imgsz: int | None) -> None:
        """Take the models that are exported next.

        Args:
            rows: Checkpoints.
            imgsz: The size that all were trained at, or None where it differs or is not known.
        """
        self._rows = list(rows)
        self.options.propose_folder(self._services.workspace.folder.exports)
        self.options.show_models(self._rows, imgsz, self._services.store.settings.recent_data)
        if self.queue.task is None:
            self._outcomes = []
        self.retranslate()

    def showEvent(self, event: QShowEvent) -> None:
        """Look what is installed by now."""
        super().showEvent(event)
        self.formats.look()
        self.formats.list.setFocus()

    def orders(self) -> list[Order]:
        """Return what the next start exports."""
        form, options = self.formats.chosen, self.options
        return [
            Order(
                row.path,
                row.name,
                form.name,
                options.precision_chosen,
                options.size_chosen,
                options.dynamic_chosen,
                options.bundle_chosen,
                options.data_for(row),
                options.folder_path,
            )
            for row in self._rows
        ]

    @Slot()
    def export(self) -> None:
        """Export the models in the chosen format."""
        if self.start.isEnabled():
            self._outcomes = []
            self.queue.start(self.orders())

    # --- how it goes ---------------------------------------------------------------------------------------

    def _on_queue_ended(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        self._show_outcome()
        if outcome.result is None:
            return
        target = Path(str(outcome.result["output"]))
        self.exported.emit(target)
        if not self.isVisible():
            self._services.messages.success(
                *outcome_words([outcome]), self.tr("Show in folder"), partial(_open, target.parent)
            )

    @Slot()
    def _show_progress(self) -> None:
        task = self.queue.task
        for widget in (self.bar, self.doing, self.cancel):
            widget.setVisible(task is not None)
        if task is not None:
            self.bar.setRange(0, 1000 if task.fraction >= 0 else 0)
            self.bar.setValue(round(max(task.fraction, 0.0) * 1000))
            doing = self.tr("Stopping…") if task.state == CANCELLED else translated(task.text)
            self.doing.setText(in_a_row(self.tr("{title}.").format(title=task.title), doing))
            self.bar.setAccessibleName(task.title)
            self.cancel.setEnabled(task.can_cancel)
        self._show_outcome()
        self._show_start()

    def _show_outcome(self) -> None:
        outcomes = [] if self.queue.task is not None else self._outcomes
        self.result_card.setVisible(bool(outcomes) or self.queue.task is not None)
        for widget in (self.outcome, self.check):
            widget.setVisible(bool(outcomes))
        self.show_folder.setVisible(any(one.result is not None for one in outcomes))
        if not outcomes:
            return
        words, more = outcome_words(outcomes)
        theme.set_role(self.outcome, "strong", tone=outcome_tone(outcomes))
        self.outcome.setText(words)
        self.check.setText(more)
        self.check.setVisible(bool(more))

    @Slot()
    def _on_show_folder_clicked(self) -> None:
        written_ones = [one for one in self._outcomes if one.result is not None]
        for one in written_ones[-1:]:
            target = Path(str((one.result or {})["output"]))
            alone = len(written_ones) == 1 and one.order.bundle
            _open(target if alone else target.parent)

    @Slot()
    def _on_formats_chosen_changed(self) -> None:
        form = self.formats.chosen
        self.options.show_format(form)
        lacking = bool(self.formats.problem_of(form))
        if lacking:
            self.missing.show_format()
        self.place.setCurrentIndex(int(lacking))
        self._show_start()

    @Slot()
    def _show_start(self) -> None:
        ready = self.formats.state(self.formats.chosen) == READY
        lack = self.options.lack if ready else ""
        self.lack.setText(lack)
        self.start.setEnabled(bool(self._rows) and ready and not lack and self.queue.task is None)

    # --- texts ---------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Set the texts."""
        rows = self._rows
        one = self.tr("Export {name}").format(name=rows[0].name) if rows else ""
        many = self.tr("Export {count} models").format(count=len(rows))
        self.setWindowTitle(many if len(rows) > 1 else one)
        self.start.setText(self.tr("Export"))
        self.cancel.setText(self.tr("Cancel"))
        self.close_.setText(self.tr("Close"))
        self.show_folder.setText(self.tr("Show in folder"))
        self.options.retranslate()
        self._on_formats_chosen_changed()
        self._show_progress()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter in the field of a path starts nothing: it ends the editing."""
        typing = self.focusWidget() is self.formats.python
        if typing and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return
        super().keyPressEvent(event)


def same_size(rows: Sequence[ModelRow]) -> int | None:
    """Return the size that all models were trained at, or None."""
    sizes = {row.imgsz for row in rows}
    return sizes.pop() if len(sizes) == 1 else None


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
