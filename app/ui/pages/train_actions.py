"""What can be done with a run: resume, convert, compare, open, use its design, remove."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QFile, QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMenu

from app.core.cost import compare_cost
from app.core.design import Design, dump_design, preset
from app.core.errors import AppError
from app.core.files import write_text
from app.core.run_queue import RunQueue
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.core.train_config import TrainConfig
from app.ui import theme
from app.ui.messages import Choice, ask
from app.ui.pages.models_rows import figures_path
from app.ui.pages.train_partner import config_of, partner_of, role_of
from app.ui.pages.train_resume import ResumeDialog
from app.ui.pages.train_watch import RunWatch
from app.ui.requests import MODELS, ModelRequest
from app.ui.widgets.cards import button
from app.workers.job import EngineJob
from app.workers.queue import enqueue

if TYPE_CHECKING:
    from app.ui.pages.train import TrainPage

_RESUMABLE = ("stopped", "failed", "lost")
_CONVERSION = "separable"


class RunActions(QObject):
    """Buttons in the status line, and the context menu of the list."""

    def __init__(self, page: TrainPage, watch: RunWatch) -> None:
        super().__init__(page)
        self._page = page
        self._watch = watch
        self._run: RunFolder | None = None
        self._state: RunState | None = None
        self._partner: RunFolder | None = None
        self._role = ""
        self._known: tuple[object, ...] = ()
        self.resume = button("runResume", icon="play")
        self.convert = button("runConvert", icon="convert")
        self.compare = button("runCompare", icon="compare")
        self.resume.clicked.connect(self.resume_run)
        self.convert.clicked.connect(self.convert_run)
        self.compare.clicked.connect(self.compare_run)

    def show_run(self, run: RunFolder, state: RunState, others: Sequence[tuple[RunFolder, RunState]]) -> None:
        """Offer what this run allows."""
        self._run, self._state = run, state
        known = (
            run,
            state.status,
            run.best.is_file(),
            tuple((other, found.status) for other, found in others),
        )
        if known == self._known:
            return
        self._known = known
        self._role = role_of(state)
        self._partner = partner_of(state, others) if run.best.is_file() else None
        self.resume.setVisible(state.status in _RESUMABLE)
        self.convert.setVisible(
            self._role == "standard" and state.status == "finished" and run.best.is_file()
        )
        self.compare.setVisible(run.best.is_file() and not state.live)
        self.compare.setEnabled(self._partner is not None)
        self._set_words()

    # --- what can be done ----------------------------------------------------------------------------------

    def resume_run(self) -> None:
        """Go on after the last complete epoch, as it was told or with other epochs, batch or device."""
        run, state = self._run, self._state
        config = config_of(run) if run is not None else None
        if run is None or state is None or config is None:
            return
        dialog = ResumeDialog(self._page, run.name, config, state)
        answer, chosen = dialog.exec(), dialog.chosen
        dialog.deleteLater()
        if answer != ResumeDialog.DialogCode.Accepted:
            return
        folder, awake = self._page.workspace.folder, self._page.store.settings.keep_awake
        try:
            run.change(epochs=chosen.epochs, batch=chosen.batch, device=chosen.device)
            enqueue(RunQueue(folder), [run.name], resume=True, first=True, awake=awake)
        except AppError as problem:
            self._page.messages.error(problem)
            return
        self._watch.forget(run.name)
        self._page.workspace.notify_runs_changed()

    def compare_run(self) -> None:
        """Go to the Compare page with this run and the best partner of the other role."""
        run, partner = self._run, self._partner
        if run is None or partner is None:
            return
        a, b = (run, partner) if self._role == "standard" else (partner, run)
        self._page.workspace.request_comparison(str(a.best), str(b.best))

    def convert_run(self) -> None:
        """Make a lightweight model of a finished standard one, without training."""
        run = self._run
        config = config_of(run) if run is not None else None
        if run is None or config is None:
            return
        workspace = self._page.workspace
        try:
            standard = run.design()
            design = workspace.design
            if design.is_standard or design.base != standard.base:
                design = preset(_CONVERSION, standard.base)
            made = workspace.folder.exports / f"{run.name}-lightweight.pt"
        except AppError as problem:
            self._page.messages.error(problem)
            return
        target = free_name(made)
        request = {
            "weights": str(run.best),
            "design": dump_design(design),
            "data": config.data,
            "output": str(target),
        }
        job = EngineJob("convert", request)
        job.done.connect(lambda _result: self._on_conversion_done(target, run, config, design))
        self._page.tasks.start(lambda: self.tr("Converting {name}").format(name=run.name), job)

    def _on_conversion_done(self, target: Path, run: RunFolder, config: TrainConfig, design: Design) -> None:
        """Measure what the conversion kept, on the run's own data and at its size."""
        self._page.workspace.notify_runs_changed()
        request = {"weights": str(target), "data": config.data, "imgsz": config.imgsz}
        job = EngineJob("val", request)
        job.done.connect(lambda result: self._on_measurement_done(target, run, design, result))
        job.failed.connect(lambda _problem: self._tell_conversion(target, run, None))
        self._page.tasks.start(lambda: self.tr("Measuring {name}").format(name=target.stem), job)

    def _on_measurement_done(
        self, target: Path, run: RunFolder, design: Design, result: dict[str, Any]
    ) -> None:
        cost = compare_cost(design.with_classes(len(result["per_class"])), int(result["imgsz"])).lightweight
        known = {**result, "role": "lightweight", "parameters": cost.parameters, "flops": cost.flops}
        write_text(figures_path(target), json.dumps(known, ensure_ascii=False, indent=1))
        self._page.workspace.notify_runs_changed()
        self._tell_conversion(target, run, result.get("map50_95"))

    def _tell_conversion(self, target: Path, run: RunFolder, kept: float | None) -> None:
        before = run.state().best.get("map50_95")
        if kept is None or before is None:
            words = self.tr("{name} is converted: {file}.").format(name=run.name, file=target.name)
        else:
            words = self.tr("{file}: mAP50-95 {kept} without training, the standard one has {before}.")
            words = words.format(file=target.name, kept=f"{kept:.3f}", before=f"{before:.3f}")
        hint = self.tr("Fine-tune it: train the design with a warm start from {name}.").format(name=run.name)
        workspace = self._page.workspace
        self._page.messages.success(
            words, hint, self.tr("Show it"), lambda: workspace.go_to(MODELS, ModelRequest(target))
        )

    def open_folder(self) -> None:
        """Show the run's folder in the system's file manager."""
        if self._run is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._run.path)))

    def use_design(self) -> None:
        """Open the run's design."""
        if self._run is None:
            return
        try:
            self._page.workspace.use_design(self._run.design())
        except AppError as problem:
            self._page.messages.error(problem)

    def train_again(self) -> None:
        """Fill the form with what the run was told."""
        config = config_of(self._run) if self._run is not None else None
        if config is not None:
            self.use_design()
            self._page.form.show_config(config)

    def fine_tune(self) -> None:
        """Take the run's weights as the first ones of the next training."""
        if self._run is not None:
            self._page.form.weights_menu.choose(str(self._run.best))

    def remove(self) -> None:
        """Move the run's folder to the trash, after a question."""
        run, state = self._run, self._state
        if run is None or state is None or state.live:
            return
        choice = Choice("remove", self.tr("Move to the trash"), "danger")
        question = self.tr("Move the run {name} to the trash?").format(name=run.name)
        if not ask(self._page, self.tr("Remove a run"), question, (choice,)):
            return
        self._watch.forget(run.name)
        moved: object = QFile.moveToTrash(str(run.path))  # the stubs promise a pair, PySide6 gives a bool
        if moved is False:
            self._page.messages.error(
                self.tr("{name} could not be moved to the trash.").format(name=run.name),
                self.tr("Remove its folder in the file manager."),
            )
        self._page.workspace.notify_runs_changed()

    # --- menu and texts ------------------------------------------------------------------------------------

    def menu(self, run: RunFolder, state: RunState) -> QMenu:
        """Return the context menu of a run."""
        menu = QMenu(self._page)
        if state.live:
            menu.addActions(self._page.controls.menu_actions)
            menu.addSeparator()
        if state.status in _RESUMABLE:
            menu.addAction(theme.icon("play"), self.tr("Resume…"), self.resume_run)
        elif state.status == "finished":
            menu.addAction(theme.icon("play"), self.tr("Train longer…"), self.resume_run)
        if run.best.is_file():
            menu.addAction(self.tr("Warm start from its weights"), self.fine_tune)
            menu.addAction(self.tr("Show on the Models page"), self._show_model)
        menu.addAction(self.tr("Open its design"), self.use_design)
        menu.addAction(self.tr("Train the same again"), self.train_again)
        menu.addSeparator()
        menu.addAction(theme.icon("folder"), self.tr("Open folder"), self.open_folder)
        removal = menu.addAction(theme.icon("trash"), self.tr("Remove…"), self.remove)
        removal.setEnabled(not state.live)
        return menu

    def _show_model(self) -> None:
        if self._run is not None:
            self._page.workspace.go_to(MODELS, ModelRequest(self._run.best))

    def _set_words(self) -> None:
        standard = self._role == "standard"
        self.compare.setText(
            self.tr("Compare with lightweight") if standard else self.tr("Compare with standard")
        )
        why = "" if self._partner is not None else self.tr("There is no finished run of the other kind yet.")
        self.compare.setToolTip(why)

    def retranslate(self) -> None:
        """Set the texts."""
        self.resume.setText(self.tr("Resume…"))
        self.convert.setText(self.tr("Convert to lightweight"))
        self.convert.setToolTip(
            self.tr("Swapped layers are fitted to training pictures; takes seconds, trains nothing")
        )
        self._set_words()


def free_name(path: Path) -> Path:
    """Return a path that nothing has yet, by a number after its name."""
    for number in range(1, 10_000):
        found = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        if not found.exists():
            return found
    return path
