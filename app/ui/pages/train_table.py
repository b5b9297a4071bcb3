"""The list of runs of the Train page: its rows, its selection, its colours."""

from __future__ import annotations

import time
from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QObject, Signal

from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.core.runs import Workspace as Folder
from app.ui import theme
from app.ui.pages.train_watch import RunWatch, with_progress
from app.ui.widgets.cards import label
from app.ui.widgets.run_list import RunColours, RunEntry, RunList, RunModel

_BUDGET_S = 0.02
_TONES = {"failed": "bad", "lost": "warn", "running": "accent", "waiting": "muted"}


class RunTable(QObject):
    """Keeps the list in step with the workspace's runs."""

    selected = Signal(str)
    """Name of the run that is selected now."""
    shown_changed = Signal()
    """Other runs are drawn now."""

    def __init__(self, watch: RunWatch) -> None:
        super().__init__()
        self._watch = watch
        self._colours: RunColours | None = None
        self.runs: list[tuple[RunFolder, RunState]] = []
        self.model = RunModel()
        self.list = RunList(self.model)
        self.heading = label(role="strong")
        self.heading.setContentsMargins(theme.INSIDE, theme.INSIDE, theme.INSIDE, 0)
        self.model.checks_changed.connect(self.shown_changed)
        self.list.selectionModel().currentChanged.connect(self._on_current_changed)

    def refresh(self, folder: Folder) -> bool:
        """Read the runs; those that are known cost next to nothing.

        Returns:
            Whether all were read; otherwise call again soon, so that the window stays alive meanwhile.
        """
        if self._colours is None:
            self._colours = RunColours(folder.runs)
        until = time.monotonic() + _BUDGET_S
        runs = folder.list_runs()
        found = []
        for run in runs:
            if time.monotonic() > until and not self._watch.knows(run):
                break
            found.append((run, self._watch.state(run)))
        self.runs = found
        for run, state in found:
            if state.live:
                self._watch.follow(run)
        for run, _ in reversed(found):
            self._colours.of(run.name)
        self._show()
        return len(found) == len(runs)

    def clear(self) -> None:
        """Forget everything of the old workspace."""
        self._colours = None
        self.runs = []
        self.model.show_entries([])

    def update_progress(self) -> None:
        """Bring the words of live runs up to date with what was read of them."""
        if any(state.live for _, state in self.runs):
            self._show()

    def colour(self, name: str) -> str:
        """Return the colour of a run."""
        return self._colours.of(name) if self._colours is not None else theme.run_colour(0)

    def check(self, name: str) -> None:
        """Overlay a run's curves."""
        self.model.set_checked(name, True)

    def select(self, name: str) -> None:
        """Select a run."""
        row = self.model.row_of(name)
        if row >= 0:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.list.selectionModel().setCurrentIndex(self.model.index(row), flags)

    @property
    def current(self) -> str:
        """Name of the selected run; empty where none is."""
        index = self.list.currentIndex()
        return str(index.data()) if index.isValid() else ""

    def selected_run(self) -> tuple[RunFolder, RunState] | None:
        """Return the selected run and how it stands."""
        name = self.current
        return next(((run, state) for run, state in self.runs if run.name == name), None)

    @property
    def shown(self) -> Sequence[RunFolder]:
        """The runs to draw: those with a checked box, and the selected one last, on top of them."""
        checked = [run for run, _ in self.runs if run.name in self.model.checked and run.name != self.current]
        found = self.selected_run()
        return [*checked, *([found[0]] if found is not None else [])]

    def _show(self) -> None:
        before = self.current
        self.model.show_entries([self._entry(run, state) for run, state in self.runs])
        if self.runs and self.current != before:
            self.select(before)
        if self.runs and not self.list.currentIndex().isValid():
            self.select(self.runs[0][0].name)

    def _entry(self, run: RunFolder, state: RunState) -> RunEntry:
        if state.live:
            state = with_progress(state, self._watch.snapshot(run.name))
        best = (state.best or state.metrics).get("map50_95")
        figure = f"{best:.3f}" if best is not None else ""
        return RunEntry(
            run, state, self.colour(run.name), self._words(state), figure, _TONES.get(state.status, "muted")
        )

    def _words(self, state: RunState) -> str:
        words = {
            "waiting": self.tr("waiting"),
            "running": self.tr("epoch {epoch}/{epochs}"),
            "finished": self.tr("finished, {epochs} epochs"),
            "stopped": self.tr("stopped after epoch {done}/{epochs}"),
            "failed": self.tr("failed in epoch {epoch}/{epochs}"),
            "lost": self.tr("interrupted after epoch {done}/{epochs}"),
        }
        running = min(state.epoch + 1, state.epochs)
        return words[state.status].format(epoch=running, done=state.epoch, epochs=state.epochs)

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            self.selected.emit(str(current.data()))

    def retranslate(self) -> None:
        """Set the texts."""
        self.heading.setText(self.tr("Runs"))
        self.heading.setToolTip(self.tr("mAP50-95 of the best epoch; check a box to overlay the curves"))
        self.list.setAccessibleName(self.tr("Runs"))
        self._show()
