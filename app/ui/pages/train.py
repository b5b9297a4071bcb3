"""The Train page: what to train, which runs there are, and how they go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import AppError
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.ui import theme
from app.ui.page import Page, Services
from app.ui.pages.train_actions import RunActions
from app.ui.pages.train_controls import AFTER_EPOCH, ALL, NOW, RunControls
from app.ui.pages.train_desk import QueueDesk
from app.ui.pages.train_form import FormValues, TrainForm
from app.ui.pages.train_log import LogPanel
from app.ui.pages.train_plots import PlotGrid, Shown
from app.ui.pages.train_primary import PrimaryButton
from app.ui.pages.train_start import BOTH, begin, planned
from app.ui.pages.train_status import RunStatus
from app.ui.pages.train_table import RunTable
from app.ui.pages.train_transfer import TransferCard
from app.ui.pages.train_tray import TrainTray
from app.ui.pages.train_watch import RunWatch, with_progress
from app.ui.requests import SAMPLE, Request, RunRequest, TrainRequest
from app.ui.text import listed
from app.ui.widgets.cards import Card, label
from app.ui.widgets.empty_state import EmptyState

_REFRESH_MS = 400
_LOOK_MS = 2000
_SOON_MS = 300
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
        self.controls = RunControls(self)
        self.desk = QueueDesk(self)
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
        self.changing = label(role="muted")
        self.tools.addWidget(self.changing)
        header.addWidget(self.primary_menu.arrow)
        header.addWidget(self.primary_menu.cancel)
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
        self.status.buttons.addWidget(self.controls.pause)
        self.status.buttons.addWidget(self.controls.stop)
        self.status.buttons.addWidget(self.run_actions.resume)
        self.status.buttons.addWidget(self.run_actions.convert)
        self.status.buttons.addWidget(self.run_actions.compare)
        work = QSplitter(Qt.Orientation.Horizontal)
        work.setObjectName("trainColumns")
        work.setChildrenCollapsible(False)
        left = QWidget()
        lists = QVBoxLayout(left)
        lists.setContentsMargins(0, 0, 0, 0)
        lists.setSpacing(theme.BETWEEN)
        lists.addWidget(runs, 1)
        lists.addWidget(self.desk.card)
        work.addWidget(left)
        work.addWidget(right)
        work.setStretchFactor(0, 0)
        work.setStretchFactor(1, 1)
        work.setSizes([_LIST_WIDTH, 1000])
        left.setMinimumWidth(180)
        self.place = QStackedWidget()
        self.place.addWidget(self.empty)
        self.place.addWidget(work)
        self._panels = {}
        for panel in self.form.panels:
            card = Card(margin=theme.BETWEEN)
            card.body.addWidget(panel)
            self._panels[panel] = card
            self.place.addWidget(card)
        self.body.addWidget(self.form)
        self.body.addWidget(self.place, 1)

    def _connect(self) -> None:
        self.form.changed.connect(self._on_form_changed)
        self.form.unfolded.connect(lambda _panel: self._update_place())
        self.primary_menu.started.connect(self.start)
        self.primary_menu.saved.connect(self.desk.save)
        self.primary_menu.dropped.connect(self.desk.drop)
        self.controls.asked.connect(self._on_controls_asked)
        self.desk.changed.connect(self.refresh_runs)
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
        self._update_estimate()

    def deactivated(self) -> None:
        """Stop drawing; the runs are still followed."""
        self._timer.stop()
        self.plots.set_running(False)
        self.form.estimate.allow(False)

    def receive(self, request: Request) -> None:
        """Prepare a training, or show a run."""
        if isinstance(request, TrainRequest) and request.data:
            self.workspace.set_data(request.data)
        elif isinstance(request, RunRequest):
            self.refresh_runs()
            self.table.select(request.name)

    def blocks_close(self) -> str | None:
        """Closing asks while something trains."""
        live = self._live()
        names = listed(run.name for run in live)
        return self.tr("Training: {names}.").format(names=names) if live else None

    def _live(self) -> list[RunFolder]:
        return [run for run, state in self.table.runs if state.live]

    def confirm_close(self) -> bool | None:
        """Ask whether the trainings go on without the window."""
        return self.tray.confirm_close(self, self._live(), self.desk.queue)

    def shutdown(self) -> None:
        """Stop the threads; trainings go on, or were told to stop."""
        self._look.stop()
        self.deactivated()
        self.plots.pictures.close_jobs()
        self.watch.close()

    def accepts_drop(self, paths: list[Path]) -> bool:
        """A checkpoint dropped here becomes the first weights."""
        return len(paths) == 1 and paths[0].suffix == ".pt"

    def dropped(self, paths: list[Path]) -> None:
        """Take a checkpoint as the first weights."""
        self.form.weights_menu.choose(str(paths[0]))

    def menu_actions(self) -> Mapping[str, list[QAction]]:
        """Start and stop in the Run menu."""
        return {"run": [*self.primary_menu.menu_actions, *self.controls.menu_actions]}

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
        values = self.form.values()
        if mode == BOTH and values.batch == 0:  # a fair pair has one batch: the one that both have room for
            self._want(mode)
            self.form.estimate.resolve(lambda batch: self._begin(replace(values, batch=batch), mode))
            return
        self._begin(values, mode)

    def _begin(self, values: FormValues, mode: str) -> None:
        self.form.estimate.allow(False)
        self.form.estimate.cancel()
        try:
            runs = begin(self.workspace, values, mode, self.store.settings.keep_awake)
        except AppError as problem:
            self.messages.error(problem)
            return
        self.form.fold()
        waits = self.desk.busy
        self.workspace.notify_runs_changed()
        for run in runs:
            self.table.check(run.name)
        if waits:
            names = listed(run.name for run in runs)
            self.messages.info(self.tr("{names} waits in the queue.").format(names=names))
        else:
            self.table.select(runs[0].name)

    def _on_controls_asked(self, name: str, command: str) -> None:
        told = {
            NOW: self.tr("{name} ends after this batch."),
            ALL: self.tr("{name} ends after this batch, and nothing more begins."),
            AFTER_EPOCH: self.tr("{name} ends after this epoch."),
            "pause": self.tr("{name} lies still after this batch."),
        }
        if command == ALL:
            self.desk.hold()
        if command in told:
            self.messages.info(told[command].format(name=name))
        self._stale = True
        self._show_selected()

    # --- runs ----------------------------------------------------------------------------------------------

    def refresh_runs(self) -> None:
        """Read which runs there are and how they stand."""
        self.desk.refresh()
        complete = self.table.refresh(self.workspace.folder)
        self._update_place()
        self._update_primary()
        self._show_curves()
        self._stale = True
        starting = self.desk.kept and not self._live()
        self._look.setInterval(_SOON_MS if starting else _LOOK_MS)
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
        self.tray.tell_end(self, name, self.desk.coming)

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
            series = self.watch.follow(run)
            shown.append(Shown(run.name, colour, series, run.name == chosen, run.path))
        self.plots.show_runs(shown)

    def _show_selected(self) -> None:
        found = self.table.selected_run()
        self.status.setVisible(found is not None)
        self.log.setVisible(found is not None)
        if found is None:
            self._show_controls(None)
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
        self._show_controls((run, state) if state.live else None)

    def _show_controls(self, selected: tuple[RunFolder, RunState] | None) -> None:
        """Let the buttons act on the selected run where it trains; keys act on whatever does."""
        training = next(((run, state) for run, state in self.table.runs if state.live), None)
        run, state = selected or training or (None, None)
        self.controls.show_run(run, state, len(self.desk.state.waiting), selected is not None)

    def _on_list_context_menu_requested(self, position: QPoint) -> None:
        found = self.table.selected_run()
        if found is not None:
            menu = self.run_actions.menu(*found)
            menu.exec(self.table.list.viewport().mapToGlobal(position))

    def _update_place(self) -> None:
        """Show what is unfolded of the form; else the runs, or what to do where there are none."""
        unfolded = self.form.shown_panel
        if unfolded is not None:
            self.place.setCurrentWidget(self._panels[unfolded])
        else:
            self.place.setCurrentIndex(1 if self.table.runs else 0)

    def _update_primary(self) -> None:
        live = bool(self._live())
        prominent = bool(self.workspace.data or self.table.runs) and not live
        swaps = not self.workspace.design.is_standard
        changing = self.tr("Changing {name}; its design stays.").format(name=self.desk.editing)
        self.changing.setText(changing if self.desk.editing else "")
        self.primary_menu.show_state(swaps, live or self.desk.busy, prominent, self.desk.editing)
        self._update_estimate()
        self._update_empty()

    def _on_form_changed(self) -> None:
        self._update_primary()

    def _update_estimate(self) -> None:
        """Let the form estimate what the button would train; not while something trains, for it would be disturbed."""
        idle = not self._live() and not self.desk.busy
        self._want(self.primary_menu.mode)
        self.form.estimate.allow(idle and self._timer.isActive(), training=not idle)

    def _want(self, mode: str) -> None:
        values = self.form.values()
        try:
            configs = planned(self.workspace, values, mode) if self.workspace.data else []
        except AppError:  # said when the training is started
            configs = []
        self.form.estimate.want(configs, values.seeds)

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
        self.controls.retranslate()
        self.desk.card.retranslate()
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
