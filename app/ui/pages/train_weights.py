"""The menu of first weights: fresh, a finished run's, or a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app.core.runs import RunFolder
from app.ui.page import Services

_MOST_RUNS = 12
_MOST_FILES = 6


class WeightsMenu(QObject):
    """Fills a menu of weights and remembers the choice.

    Args:
        services: Whose runs to offer.
        window: Over which a file is chosen.
        standard_only: Whether only standard models are offered, as teachers; nothing chosen is the first weights.
    """

    changed = Signal()

    def __init__(self, services: Services, window: QWidget, standard_only: bool = False) -> None:
        super().__init__(window)
        self._standard_only = standard_only
        self._workspace = services.workspace
        self._window = window
        self._files: list[str] = []
        self.chosen = ""

    def choose(self, weights: str) -> None:
        """Take these weights; empty starts fresh."""
        self.chosen = weights
        if weights and self._run_of(weights) is None:
            self._files = [weights, *(name for name in self._files if name != weights)][:_MOST_FILES]
        self.changed.emit()

    @property
    def words(self) -> str:
        """The choice in words."""
        if not self.chosen:
            return self._none
        run = self._run_of(self.chosen)
        return self.tr("run {name}").format(name=run.name) if run is not None else Path(self.chosen).name

    @property
    def _none(self) -> str:
        return self.tr("The first weights") if self._standard_only else self.tr("Fresh weights")

    def _fits(self, run: RunFolder) -> bool:
        if not run.best.is_file():
            return False
        return not self._standard_only or run.state().about.get("role") == "standard"

    def fill(self, menu: QMenu) -> None:
        """Put the choices into a menu."""
        self._add(menu, self._none, "")
        runs = [run for run in self._workspace.folder.list_runs() if self._fits(run)][:_MOST_RUNS]
        if runs:
            menu.addSection(self.tr("Runs"))
        for run in runs:
            self._add(menu, self._words_of(run), str(run.best))
        files = [name for name in self._files if Path(name).is_file()]
        if files:
            menu.addSection(self.tr("Files"))
        for name in files:
            self._add(menu, Path(name).name, name)
        menu.addSeparator()
        menu.addAction(self.tr("Choose a checkpoint…"), self.choose_file)

    def choose_file(self) -> None:
        """Let the user choose a checkpoint."""
        found, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Choose a checkpoint"), "", self.tr("Checkpoints (*.pt)")
        )
        if found:
            self.choose(found)

    def retranslate(self) -> None:
        """Nothing is kept in words: the menu is filled anew at each opening."""

    def _add(self, menu: QMenu, words: str, weights: str) -> QAction:
        action = menu.addAction(words, lambda: self.choose(weights))
        action.setCheckable(True)
        action.setChecked(weights == self.chosen)
        return action

    def _run_of(self, weights: str) -> RunFolder | None:
        """Return the run that weights belong to."""
        path = Path(weights)
        folder = path.parent.parent
        return (
            RunFolder(folder) if path.parent.name == "weights" and (folder / "run.yaml").is_file() else None
        )

    def _words_of(self, run: RunFolder) -> str:
        best = run.state().best.get("map50_95")
        if best is None:
            return run.name
        return self.tr("{name}, mAP50-95 {figure}").format(name=run.name, figure=f"{best:.3f}")
