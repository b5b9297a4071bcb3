"""The Train page: what to train, which runs there are, and how they go."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import AppError
from app.ui import theme
from app.ui.page import Page, Services
from app.ui.pages.train_actions import RunActions
from app.ui.pages.train_form import TrainForm
from app.ui.pages.train_log import LogPanel
from app.ui.pages.train_plots import PlotGrid, Shown
from app.ui.pages.train_primary import PrimaryButton
from app.ui.pages.train_start import begin
from app.ui.pages.train_status import RunStatus
from app.ui.pages.train_table import RunTable
from app.ui.pages.train_transfer import TransferCard
from app.ui.pages.train_tray import TrainTray
from app.ui.pages.train_watch import RunWatch, with_progress
from app.ui.requests import SAMPLE, Request, RunRequest, TrainRequest
from app.ui.text import listed
from app.ui.widgets.cards import Card
from app.ui.widgets.empty_state import EmptyState

_REFRESH_MS = 400
_LOOK_MS = 2000
_LIST_WIDTH = 250


class TrainPage(Page):
    """Form, list of runs, plots, status and log."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.watch = RunWatch(self)
        self.form = TrainForm(services)
        self.table = RunTable(self.watch)
        self.transfer = TransferCard()
        self.plots = PlotGrid(self.transfer)
        self.status = RunStatus()
        self.log = LogPanel()
        self.empty = EmptyState("train")
        self.run_actions = RunActions(self, self.watch)
        self.primary_menu = PrimaryButton(self.primary, self)
        self.tray = TrainTray(services.tasks, self.watch, self)
        self._stale = True
        self._lay_out()
        self._connect()
        self._timer = QTimer(self)
        self._timer.setInterval(_REFRESH_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_MS)
        self._look.timeout.connect(self.refresh_runs)
        self.retranslate()
        self.watch.show_folder(self.workspace.folder)
        self._look.start()

    # --- layout --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.primary.setVisible(True)
        header = self.header.layout()
        assert header is not None
        header.addWidget(self.primary_menu.arrow)
        runs = Card(margin=4)
        runs.setObjectName("runsCard")
        runs.body.addWidget(self.table.heading)
        runs.body.addWidget(self.table.list, 1)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.BETWEEN)
        column.addWidget(self.plots, 1)
        column.addWidget(self.status)
        column.addWidget(self.log)
        self.status.buttons.addWidget(self.run_actions.resume)
        self.status.buttons.addWidget(self.run_actions.convert)
        self.status.buttons.addWidget(self.run_actions.compare)
        work = QSplitter(Qt.Orientation.Horizontal)
        work.setObjectName("trainColumns")
        work.setChildrenCollapsible(False)
        work.addWidget(runs)
        work.addWidget(right)
        work.setStretchFactor(0, 0)
        work.setStretchFactor(1, 1)
        work.setSizes([_LIST_WIDTH, 1000])
        runs.setMinimumWidth(180)
        self.place = QStackedWidget()
        self.place.addWidget(self.empty)
        self.place.addWidget(work)
        self.body.addWidget(self.form)
        self.body.addWidget(self.place, 1)

    def _connect(self) -> None:
        self.form.changed.connect(self._update_primary)
        self.primary_menu.started.connect(self.start)
        self.primary_menu.stopped.connect(self._on_primary_menu_stopped)
        self.table.selected.connect(self._on_table_selected)
        self.table.shown_changed.connect(self._show_curves)
        self.table.list.customContextMenuRequested.connect(self._on_list_context_menu_requested)
        self.watch.progressed.connect(self._on_watch_progressed)
        self.watch.ended.connect(self._on_watch_ended)
        self.empty.primary_clicked.connect(self._on_empty_primary_clicked)
        self.empty.secondary_clicked.connect(lambda: self.workspace.set_data(SAMPLE))
        self.workspace.runs_changed.connect(self.refresh_runs)
        self.workspace.folder_changed.connect(self._on_workspace_folder_changed)

    # --- the page's life -----------------------------------------------------------------------------------

    def activated(self) -> None:
        """Look at the runs, and draw from now on."""
        self.refresh_runs()
        self._timer.start()
        self.plots.set_running(True)

    def deactivated(self) -> None:
        """Stop drawing; the runs are still followed."""
        self._timer.stop()
        self.plots.set_running(False)

    def receive(self, request: Request) -> None:
        """Prepare a training, or show a run."""
        if isinstance(request, TrainRequest) and request.data:
            self.workspace.set_data(request.data)
        elif isinstance(request, RunRequest):
            self.refresh_runs()
            self.table.select(request.name)

    def blocks_close(self) -> str | None:
        """Closing asks while something trains."""
        live = [run.name for run, state in self.table.runs if state.live]
        return self.tr("Training: {names}.").format(names=listed(live)) if live else None

    def confirm_close(self) -> bool | None:
        """Ask whether the trainings go on without the window."""
        return self.tray.confirm_close(self, [run for run, state in self.table.runs if state.live])

    def shutdown(self) -> None:
        """Stop the threads; trainings go on, or were told to stop."""
        self._look.stop()
        self.deactivated()
        self.watch.close()

    def accepts_drop(self, paths: list[Path]) -> bool:
        """A checkpoint dropped here becomes the first weights."""
        return len(paths) == 1 and paths[0].suffix == ".pt"

    def dropped(self, paths: list[Path]) -> None:
        """Take a checkpoint as the first weights."""
        self.form.weights_menu.choose(str(paths[0]))

    def menu_actions(self) -> Mapping[str, list[QAction]]:
        """Start and stop in the Run menu."""
        return {"run": self.primary_menu.menu_actions}

    # --- starting and stopping -----------------------------------------------------------------------------

    def start(self, mode: str) -> None:
        """Train the open design, its standard model, or both."""
        if not self.workspace.data:
            self.messages.warning(
                self.tr("There is no data to train on yet."),
                self.tr("Choose a data set, or take the built-in sample."),
                self.tr("Use the sample"),
                lambda: self.workspace.set_data(SAMPLE),
            )
            return
        try:
            runs = begin(self.workspace, self.form.values(), mode)
        except AppError as problem:
            self.messages.error(problem)
            return
        for run in runs:
            self.watch.follow(run)
        self.workspace.notify_runs_changed()
        for run in runs:
            self.table.check(run.name)
        self.table.select(runs[0].name)

    def _on_primary_menu_stopped(self, command: str) -> None:
        for run, state in self.table.runs:
            if state.live and (state.status == "running" or command == "stop_all"):
                run.request("stop_now" if command == "stop_all" else command)
        if command != "stop_after_epoch":
            self.messages.info(self.tr("The training ends after this batch."))

    # --- runs ----------------------------------------------------------------------------------------------

    def refresh_runs(self) -> None:
        """Read which runs there are and how they stand."""
        complete = self.table.refresh(self.workspace.folder)
        self.place.setCurrentIndex(1 if self.table.runs else 0)
        self._update_primary()
        self._show_curves()
        self._stale = True
        if not complete:
            QTimer.singleShot(0, self, self.refresh_runs)

    def _on_workspace_folder_changed(self) -> None:
        self.watch.show_folder(self.workspace.folder)
        self.table.clear()
        self.refresh_runs()

    def _on_table_selected(self, _name: str) -> None:
        self._show_curves()
        self._stale = True
        self._show_selected()

    def _on_watch_progressed(self, _name: str) -> None:
        self._stale = True

    def _on_watch_ended(self, name: str) -> None:
        self.refresh_runs()
        self.workspace.notify_runs_changed()
        self.tray.tell_end(self, name)

    def _on_timer_timeout(self) -> None:
        if self._stale:
            self._stale = False
            self.table.update_progress()
            self._show_selected()
            self.tray.refresh(self.table.runs)
        self.log.refresh()

    def _show_curves(self) -> None:
        shown = []
        chosen = self.table.current
        for run in self.table.shown:
            colour = self.table.colour(run.name)
            shown.append(Shown(run.name, colour, self.watch.follow(run), run.name == chosen))
        self.plots.show_runs(shown)

    def _show_selected(self) -> None:
        found = self.table.selected_run()
        self.status.setVisible(found is not None)
        self.log.setVisible(found is not None)
        if found is None:
            return
        run, state = found
        snapshot = self.watch.snapshot(run.name)
        shown = with_progress(state, snapshot) if state.live else state
        self.status.show_run(run.name, shown, snapshot)
        series = self.watch.series(run.name)
        self.log.show_run(run.log_path, series.messages() if series is not None else [])
        fresh = bool(shown.about or snapshot.started) and not run.transfer_path.is_file()
        self.transfer.show_report(run.transfer() if run.transfer_path.is_file() else None, fresh)
        self.run_actions.show_run(run, shown, self.table.runs)

    def _on_list_context_menu_requested(self, position: QPoint) -> None:
        found = self.table.selected_run()
        if found is not None:
            menu = self.run_actions.menu(*found)
            menu.exec(self.table.list.viewport().mapToGlobal(position))

    def _update_primary(self) -> None:
        live = [state for _, state in self.table.runs if state.live]
        prominent = bool(self.workspace.data or self.table.runs)
        self.primary_menu.show_state(not self.workspace.design.is_standard, live, prominent)
        self._update_empty()

    def _on_empty_primary_clicked(self) -> None:
        self.form.data.showMenu()

    # --- texts ---------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Set the texts."""
        self.title.setText(self.tr("Train"))
        self.form.retranslate()
        self.table.retranslate()
        self.plots.retranslate()
        self.transfer.retranslate()
        self.log.retranslate()
        self.run_actions.retranslate()
        self.primary_menu.retranslate()
        self._update_primary()

    def _update_empty(self) -> None:
        """Say what comes next in a workspace without runs; only one button on the page is the primary one."""
        ready = bool(self.workspace.data)
        hint = self.tr("Choose data, then train the open design and, to compare with, its standard model.")
        if ready:
            hint = self.tr("The open design and the data are chosen: the training can begin.")
        self.empty.set_texts(
            self.tr("Nothing has been trained in this workspace yet."),
            hint,
            "" if ready else self.tr("Choose data"),
            "" if ready else self.tr("Use the built-in sample"),
        )
