"""What the user does with the queue: order, change, remove, hold, let go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QFile, QObject, Signal

from app.core.errors import AppError
from app.core.run_queue import QueueState, RunQueue
from app.core.runs import RunFolder
from app.ui.pages.train_queue import QueueCard
from app.ui.pages.train_start import edited
from app.workers.queue import start_keeper

if TYPE_CHECKING:
    from app.ui.pages.train import TrainPage


_OVER = ("finished", "stopped", "failed")


class QueueDesk(QObject):
    """Keeps the card in step with the file, and carries out what is asked of it."""

    changed = Signal()
    """The queue is another one now, or another run is being changed."""

    def __init__(self, page: TrainPage) -> None:
        super().__init__(page)
        self._page = page
        self.card = QueueCard()
        self.state = QueueState()
        self.kept = False
        self.editing = ""
        self.card.hold_asked.connect(self._on_card_hold_asked)
        self.card.list.moved.connect(lambda name, place: self._do(lambda queue: queue.move(name, place)))
        self.card.list.removed.connect(self._on_list_removed)
        self.card.list.edited.connect(self._on_list_edited)

    @property
    def queue(self) -> RunQueue:
        """The workspace's queue."""
        return RunQueue(self._page.workspace.folder)

    @property
    def busy(self) -> bool:
        """Whether what is begun now waits for its turn: something waits, or the keeper's run is not over."""
        if not self.kept or not (self.state.waiting or self.state.running):
            return False
        run = RunFolder(self._page.workspace.folder.root / "runs" / self.state.running)
        return bool(self.state.waiting) or self._page.watch.state(run).status not in _OVER

    @property
    def coming(self) -> str:
        """Name of the run that begins next by itself; empty where none does."""
        names = self.state.names
        return names[0] if names and self.kept and not self.state.held else ""

    def refresh(self) -> None:
        """Read the file."""
        self.state = self.queue.read()
        self.kept = self.state.kept
        self.card.show_queue(self.state, self.kept)
        if self.editing and self.editing not in self.state.names:  # its turn came, or it was removed
            self.editing = ""

    def save(self) -> None:
        """Keep what the form says for the waiting run that it shows."""
        page, name = self._page, self.editing
        try:
            run = page.workspace.folder.run(name)
            run.write_config(edited(run.config(), page.workspace, page.form.values()))
        except AppError as problem:
            page.messages.error(problem)
            return
        page.form.fold()
        self.drop()
        page.messages.success(self.tr("{name} is changed.").format(name=name))

    def drop(self) -> None:
        """Stop changing a waiting run."""
        self.editing = ""
        self.changed.emit()

    def hold(self) -> None:
        """Begin nothing more."""
        self._do(lambda queue: queue.hold(True))

    def _on_card_hold_asked(self, on: bool) -> None:
        def change(queue: RunQueue) -> None:
            queue.hold(on)
            if not on:
                start_keeper(queue, self._page.store.settings.keep_awake)

        self._do(change)

    def _on_list_removed(self, name: str) -> None:
        """A run that never began goes to the trash with its folder; one that waits to be resumed stays a run."""
        run = RunFolder(self._page.workspace.folder.root / "runs" / name)
        self._do(lambda queue: queue.remove(name))
        if not run.events_path.exists() and run.process() is None:
            QFile.moveToTrash(str(run.path))
            self._page.workspace.notify_runs_changed()

    def _on_list_edited(self, name: str) -> None:
        entry = next((entry for entry in self.state.waiting if entry.run == name), None)
        page = self._page
        if entry is None:
            return
        if entry.resume:
            words = self.tr("{name} waits to be resumed.").format(name=name)
            page.messages.info(
                words, self.tr("Remove it from the queue, then resume it with other settings.")
            )
            return
        try:
            page.form.show_config(page.workspace.folder.run(name).config())
        except AppError as problem:
            page.messages.error(problem)
            return
        self.editing = name
        self.changed.emit()

    def _do(self, change: Callable[[RunQueue], object]) -> None:
        try:
            change(self.queue)
        except AppError as problem:
            self._page.messages.error(problem)
        self.refresh()
        self.changed.emit()
