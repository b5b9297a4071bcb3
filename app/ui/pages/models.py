"""The Models page: every model of the workspace, its figures, and the way to other programs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QLineEdit, QMenu, QSplitter, QStackedWidget

from app.core.run_notes import Notes, write_notes
from app.core.runs import RunFolder
from app.core.text import figure, size
from app.ui import theme
from app.ui.calls import calling
from app.ui.page import Page, Services
from app.ui.pages.models_bench import BenchWindow
from app.ui.pages.models_card import ModelCard
from app.ui.pages.models_export import ExportDialog, same_size
from app.ui.pages.models_judge import JudgeWindow
from app.ui.pages.models_removal import Removal, removable
from app.ui.pages.models_rows import CHECKPOINT, ModelRow, model_rows
from app.ui.pages.models_table import ModelTable
from app.ui.requests import HOME, TRAIN, ModelRequest, Request, RunRequest
from app.ui.widgets.cards import Card, button
from app.ui.widgets.empty_state import EmptyState
from app.workers.job import EngineJob

FORMATS = ("onnx", "openvino")
MOST_JUDGED = 12


class ModelsPage(Page):
    """A filter, a table, a card."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._opened: list[Path] = []
        self._inspected: dict[tuple[Path, int], Mapping[str, Any]] = {}
        self._inspecting: set[tuple[Path, int]] = set()
        self.filter = QLineEdit()
        self.filter.setObjectName("modelFilter")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(240)
        self.compare = button("modelsCompare", icon="compare")
        self.judge = button("modelsJudge", icon="list")
        self.bench = button("modelsBench", icon="clock")
        self.bench_window: BenchWindow | None = None
        self.removal = Removal(self, self.messages)
        self.table = ModelTable()
        self.card = ModelCard()
        self.empty = EmptyState("models")
        self._exports = {name: QAction(self) for name in FORMATS}
        self._export = QAction(self)
        self.export_dialog: ExportDialog | None = None
        self._lay_out()
        self._connect()
        self.retranslate()

    def _lay_out(self) -> None:
        self.tools.addWidget(self.filter)
        self.actions_area.addWidget(self.bench)
        self.actions_area.addWidget(self.judge)
        self.actions_area.addWidget(self.compare)
        self.primary.setVisible(True)
        table = Card(margin=1)
        table.body.addWidget(self.table)
        work = QSplitter(Qt.Orientation.Horizontal)
        work.setObjectName("modelColumns")
        work.setChildrenCollapsible(False)
        work.addWidget(table)
        work.addWidget(self.card)
        work.setStretchFactor(0, 1)
        work.setSizes([820, 340])
        self.card.setMinimumWidth(280)
        self.place = QStackedWidget()
        self.place.addWidget(self.empty)
        self.place.addWidget(work)
        self.body.addWidget(self.place, 1)

    def _connect(self) -> None:
        self.filter.textChanged.connect(self.table.filter)
        self.table.chosen_changed.connect(self._on_table_chosen_changed)
        self.table.opened.connect(self._on_table_opened)
        self.table.customContextMenuRequested.connect(self._on_table_context_menu_requested)
        self.card.folder_opened.connect(self._open_folder)
        self.card.notes_changed.connect(self._on_card_notes_changed)
        self.compare.clicked.connect(self.compare_chosen)
        self.judge.clicked.connect(self.judge_chosen)
        self.bench.clicked.connect(self.open_bench)
        self.removal.changed.connect(self.workspace.notify_runs_changed)
        self.primary.clicked.connect(self.open_export)
        self._export.triggered.connect(self.open_export)
        for name, action in self._exports.items():
            action.triggered.connect(calling(self.export_chosen, name))
        self.empty.primary_clicked.connect(lambda: self.workspace.go_to(TRAIN))
        self.empty.secondary_clicked.connect(lambda: self.workspace.go_to(HOME))
        self.workspace.runs_changed.connect(self._refresh_if_visible)
        self.workspace.folder_changed.connect(self._refresh_if_visible)

    # --- the page's life -----------------------------------------------------------------------------------

    def activated(self) -> None:
        """Look at what is there."""
        self.refresh()

    def receive(self, request: Request) -> None:
        """Show a model, opening its file if it belongs to no run."""
        if isinstance(request, ModelRequest):
            self._open([request.weights])

    def accepts_drop(self, paths: list[Path]) -> bool:
        """Checkpoints and exported models can be dropped here."""
        return all(path.suffix in (".pt", ".onnx") or path.name.endswith("_openvino_model") for path in paths)

    def dropped(self, paths: list[Path]) -> None:
        """List dropped models."""
        self._open(paths)

    def _open(self, paths: list[Path]) -> None:
        self.filter.clear()
        self._opened += [path for path in paths if path not in self._opened]
        self.refresh()
        for path in paths:
            self.table.choose(path)

    def menu_actions(self) -> Mapping[str, list[QAction]]:
        """The exports in the Run menu."""
        return {"run": [self._export, *self._exports.values()]}

    def refresh(self) -> None:
        """Read the models again."""
        rows = model_rows(self.workspace.folder, self._opened)
        self.table.show_rows(rows)
        self.place.setCurrentIndex(1 if rows else 0)
        if rows and not self.table.chosen:
            self.table.choose(self.table.visible_rows[0].path if self.table.visible_rows else None)
        self._on_table_chosen_changed()

    def _refresh_if_visible(self) -> None:
        if self.isVisible():
            self.refresh()

    # --- what can be done ----------------------------------------------------------------------------------

    def export_chosen(self, form: str) -> None:
        """Export the chosen checkpoints as ``onnx`` or ``openvino``, checked against torch."""
        for row in self.table.chosen:
            if row.exportable:
                self._start_export(row, form)

    def _start_export(self, row: ModelRow, form: str) -> None:
        request = {
            "weights": str(row.path),
            "format": form,
            "folder": str(self.workspace.folder.exports),
            "imgsz": row.imgsz,
        }
        job = EngineJob("export", request)
        job.done.connect(self._on_job_done)
        self.tasks.start(partial(self._export_title, row.name, form), job)

    def _export_title(self, name: str, form: str) -> str:
        return self.tr("Exporting {name} to {format}").format(name=name, format=self._format(form))

    def _on_job_done(self, result: dict[str, Any]) -> None:
        target = Path(str(result["output"]))
        check = result.get("check") or {}
        self.refresh()
        self.table.choose(target)
        words = self.tr("{file} is written: {size}.").format(
            file=target.name, size=size(float(result["bytes"]))
        )
        hint = self.tr(
            "On {pictures} pictures at most {pixels} px and {score} of score away from torch."
        ).format(
            pictures=check.get("pictures", 0),
            pixels=figure(float(check.get("max_box_px") or 0.0), 2),
            score=f"{float(check.get('max_score') or 0.0):.1e}",
        )
        self.messages.success(words, hint, self.tr("Open folder"), calling(_show_folder, target.parent))

    def open_export(self) -> None:
        """Open the export dialog with the chosen checkpoints."""
        rows = [row for row in self.table.chosen if row.exportable]
        if not rows:
            return
        if self.export_dialog is None:
            self.export_dialog = ExportDialog(self.services, self)
            self.export_dialog.exported.connect(self.refresh)
        more = self._more(rows[0]) if len(rows) == 1 else None
        read = (more or {}).get("imgsz")
        self.export_dialog.show_models(rows, same_size(rows) or (read if isinstance(read, int) else None))
        self.export_dialog.show()
        self.export_dialog.raise_()

    def compare_chosen(self) -> None:
        """Go to the Compare page with the chosen models: one or two of them."""
        chosen = [row for row in self.table.chosen if row.usable][:2]
        if len(chosen) == 2:
            a, b = sorted(chosen, key=lambda row: row.role == "lightweight")
            self.workspace.request_comparison(str(a.path), str(b.path))
        elif chosen:
            path = str(chosen[0].path)
            light = chosen[0].role == "lightweight"
            self.workspace.request_comparison("" if light else path, path if light else "")

    def judge_chosen(self) -> JudgeWindow | None:
        """Compare the chosen runs in a window of its own: standard ones first."""
        runs = [row for row in self.table.chosen if row.run is not None and row.usable][:MOST_JUDGED]
        if not runs:
            return None
        runs.sort(key=lambda row: row.role == "lightweight")
        window = JudgeWindow(self.services, [row.run for row in runs if row.run is not None], self)
        window.show()
        return window

    def open_bench(self) -> None:
        """Open the bench with the chosen models, or with all where fewer than two are chosen."""
        chosen = [row for row in self.table.chosen if row.usable]
        usable = [row for row in self.table.visible_rows if row.usable]
        models = chosen if len(chosen) > 1 else usable
        if self.bench_window is None:
            self.bench_window = BenchWindow(self.services, self)
        self.bench_window.show_models(sorted(models, key=lambda row: row.role == "lightweight"))
        self.bench_window.show()
        self.bench_window.raise_()

    def remove_chosen(self) -> None:
        """Move the chosen models to the trash, after a question."""
        chosen = self.table.chosen
        self._opened = [path for path in self._opened if path not in {row.path for row in chosen}]
        self.removal.remove(chosen)

    def _on_card_notes_changed(self, run: RunFolder, notes: Notes) -> None:
        try:
            write_notes(run.path, notes)
        except OSError as error:
            words = self.tr("{path} cannot be written: {reason}.")
            self.messages.error(words.format(path=run.path, reason=error.strerror or error))
        self.refresh()

    def _open_folder(self, row: ModelRow | None) -> None:
        if row is not None:
            _show_folder(row.run.path if row.run is not None else row.path.parent)

    # --- the choice ----------------------------------------------------------------------------------------

    def _on_table_chosen_changed(self) -> None:
        chosen = self.table.chosen
        exportable = [row for row in chosen if row.exportable]
        self.primary.setEnabled(bool(exportable))
        self.primary.setToolTip("" if exportable else self.tr("Choose a model with a checkpoint."))
        for action in (self._export, *self._exports.values()):
            action.setEnabled(bool(exportable))
        usable = [row for row in chosen if row.usable]
        self.compare.setEnabled(0 < len(usable) <= 2)
        judged = [row for row in usable if row.run is not None]
        self.judge.setEnabled(0 < len(judged) <= MOST_JUDGED)
        self.bench.setEnabled(any(row.usable for row in self.table.visible_rows))
        self.judge.setToolTip("" if judged else self.tr("Choose one or more runs with weights."))
        self.compare.setToolTip("" if usable else self.tr("Choose one or two models with weights."))
        current = chosen[-1] if chosen else None
        self.card.show_row(current, self._more(current))

    def _more(self, row: ModelRow | None) -> Mapping[str, Any] | None:
        """Return what the engine read in a checkpoint of no run; it is asked at the first call."""
        if row is None or row.kind != CHECKPOINT:
            return None
        key = row.path, row.path.stat().st_mtime_ns
        if key not in self._inspected and key not in self._inspecting:
            self._inspecting.add(key)
            job = EngineJob("weights.inspect", {"path": str(row.path)})
            job.done.connect(lambda result: self._on_inspection_done(key, result))
            self.tasks.start(lambda: self.tr("Reading {name}").format(name=row.path.name), job)
        return self._inspected.get(key)

    def _on_inspection_done(self, key: tuple[Path, int], result: Mapping[str, Any]) -> None:
        self._inspected[key] = result
        self._on_table_chosen_changed()

    def _on_table_opened(self, row: ModelRow) -> None:
        if row.run is not None:
            self.workspace.go_to(TRAIN, RunRequest(row.run.name))

    def _on_table_context_menu_requested(self, position: QPoint) -> None:
        chosen = self.table.chosen
        if not chosen:
            return
        menu = QMenu(self)
        menu.addActions([self._export, *self._exports.values()])
        menu.addSeparator()
        action = menu.addAction(theme.icon("compare"), self.compare.text(), self.compare_chosen)
        action.setEnabled(self.compare.isEnabled())
        judging = menu.addAction(theme.icon("list"), self.judge.text(), self.judge_chosen)
        judging.setEnabled(self.judge.isEnabled())
        if chosen[-1].run is not None:
            menu.addAction(
                theme.icon("train"),
                self.tr("Show on the Train page"),
                calling(self._on_table_opened, chosen[-1]),
            )
        menu.addAction(theme.icon("folder"), self.tr("Open folder"), calling(self._open_folder, chosen[-1]))
        menu.addSeparator()
        trash = menu.addAction(theme.icon("trash"), self.tr("Move to the trash…"), self.remove_chosen)
        trash.setEnabled(bool(removable(chosen)))
        menu.exec(self.table.viewport().mapToGlobal(position))

    # --- texts ---------------------------------------------------------------------------------------------

    def _format(self, form: str) -> str:
        return {"onnx": self.tr("ONNX"), "openvino": self.tr("OpenVINO")}[form]

    def retranslate(self) -> None:
        """Set the texts."""
        self.title.setText(self.tr("Models"))
        self.filter.setPlaceholderText(self.tr("Filter"))
        self.filter.setAccessibleName(self.tr("Filter the models"))
        self.compare.setText(self.tr("Compare"))
        self.compare.setAccessibleDescription(self.tr("Both models on the same pictures, live"))
        self.judge.setText(self.tr("Compare runs"))
        self.bench.setText(self.tr("Bench"))
        self.bench.setAccessibleDescription(self.tr("Accuracy, size and milliseconds on every runtime here"))
        self.primary.setText(self.tr("Export…"))
        self.primary.setIcon(theme.icon("export", "on_accent"))
        self._export.setText(self.tr("Export…"))
        self._exports["onnx"].setText(self.tr("Export to ONNX"))
        self._exports["openvino"].setText(self.tr("Export to OpenVINO"))
        self.table.retranslate()
        self.card.retranslate()
        self.empty.set_texts(
            self.tr("There are no models in this workspace yet."),
            self.tr("Train one, or drop a checkpoint here. The sample on the Home page brings two."),
            self.tr("Go to Train"),
            self.tr("Go to Home"),
        )
        self._on_table_chosen_changed()


def _show_folder(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
