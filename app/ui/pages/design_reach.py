"""Reaching a target from the Design page: which layers are locked, the dialog, and what it does to the open design."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core.design import Design
from app.core.errors import AppError
from app.core.reach_means import Means, keep_means, kept_means
from app.ui.pages.design_explain import explain
from app.ui.pages.design_reach_locks import Locks
from app.ui.widgets.diagram_facts import Snapshot

if TYPE_CHECKING:
    from app.ui.pages.design import DesignPage
    from app.ui.pages.design_reach_dialog import ReachDialog


class Reach(QObject):
    """Made with the page; the dialog is made when it is first wanted.

    What is locked and which kinds are allowed belongs to the open design and comes back with it.
    """

    def __init__(self, page: DesignPage) -> None:
        super().__init__(page)
        self._page = page
        self.locks = Locks(page.snapshot, self)
        self.dialog: ReachDialog | None = None
        self._kinds: tuple[str, ...] | None = None
        self._path: Path | None = None
        self._kept: Means | None = None
        self._refused = False
        self._on_workspace_opened()
        self.locks.changed.connect(self._on_locks_changed)
        page.workspace.opened.connect(self._on_workspace_opened)
        page.workspace.file_changed.connect(self._on_workspace_file_changed)

    def open(self) -> None:
        """Show the dialog, and what it answers for the open design."""
        if self.dialog is None:
            from app.ui.pages.design_reach_dialog import ReachDialog

            self.dialog = ReachDialog(
                self._page.services, self.locks, self._page.snapshot, self._page.window()
            )
            self.dialog.means.kinds.allow(self._kinds)
            self.dialog.means.kinds.changed.connect(self._on_kinds_changed)
            self.dialog.design_taken.connect(self._on_dialog_design_taken)
            self.dialog.base_taken.connect(self._on_dialog_base_taken)
            self.dialog.path_chosen.connect(lambda path: self._page.select((path,)))
            self._page.latency.tables.changed.connect(self._on_tables_changed)
        self._on_tables_changed()
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def toggle_lock(self) -> None:
        """Lock what is selected, or unlock it."""
        if not self._page.selection:
            explain(self._page, "", self._page.actions_.reason(self._page.snapshot, ()))
            return
        self.locks.toggle(self._page.selection)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Take over that another design, or another input size, is shown."""
        self.locks.show_snapshot(snapshot)
        if self._kept is not None:
            kept, self._kept = self._kept, None
            self._take(kept)
        if self.dialog is not None:
            self.dialog.show_snapshot(snapshot)

    def show_selection(self) -> None:
        """Let the lock's action speak of what is selected."""
        chosen = self._page.selection
        self._page.actions_.show_locked(bool(chosen), self.locks.holds(chosen))

    def close(self) -> None:
        """End what is asked; the Studio is closing."""
        if self.dialog is not None:
            self.dialog.end()

    def _take(self, means: Means) -> None:
        """Lock and allow what was chosen for the design before."""
        self._kinds = means.kinds
        self.locks.take(means.locked)
        if self.dialog is not None:
            self.dialog.means.kinds.allow(means.kinds)

    def _keep(self) -> None:
        """Remember what is chosen for the open design, once it has a file."""
        means = self._kept or Means(self.locks.paths, self._kinds)
        if self._path is None:
            return
        try:
            keep_means(self._page.workspace.folder.root, self._path, means)
        except AppError as problem:
            if not self._refused:
                self._page.messages.error(problem)
            self._refused = True

    def _on_workspace_opened(self) -> None:
        self._path = self._page.workspace.path
        self._kept = kept_means(self._page.workspace.folder.root, self._path)

    def _on_workspace_file_changed(self) -> None:
        if self._path != self._page.workspace.path:
            self._path = self._page.workspace.path
            self._keep()

    def _on_kinds_changed(self) -> None:
        assert self.dialog is not None
        self._kinds = self.dialog.means.kinds.allowed
        self._keep()

    def _on_locks_changed(self) -> None:
        locked = self.locks.all_paths
        self._page.diagram.locked = self._page.table.model_.locked = locked
        self._page.diagram.update()
        self._page.table.model_.retint()
        self.show_selection()
        self._keep()

    def _on_tables_changed(self) -> None:
        """Take over which device and runtime the page predicts for; more figures of the same one change nothing."""
        known = self._page.latency.tables.chosen
        before = self.dialog.search.known if self.dialog is not None else None
        if self.dialog is not None and (known and known.key) != (before and before.key):
            self.dialog.show_table(known)

    def _on_dialog_design_taken(self, design: Design, words: str) -> None:
        current = self._page.workspace.design
        self._page.workspace.apply(replace(design, classes=current.classes, notes=current.notes), words)

    def _on_dialog_base_taken(self, base: str) -> None:
        self._page.tools_.base_chosen.emit(base)
