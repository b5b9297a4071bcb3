"""Trainings in the tray of running tasks, and what happens to them when the Studio is closed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject

from app.core.run_queue import RunQueue
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.ui.calls import calling
from app.ui.messages import Choice, ask
from app.ui.notifications import Notifier
from app.ui.page import Page
from app.ui.pages.train_status import done_share
from app.ui.pages.train_watch import RunWatch, with_progress
from app.ui.requests import TRAIN, RunRequest
from app.ui.tasks import Task, Tasks
from app.ui.text import in_a_row, listed, reason_words


class TrainTray(QObject):
    """Keeps one task per live run."""

    def __init__(self, tasks: Tasks, watch: RunWatch, parent: QObject) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._watch = watch
        self._notifier = Notifier(self)
        self._shown: dict[str, Task] = {}

    def refresh(self, runs: Sequence[tuple[RunFolder, RunState]]) -> None:
        """Show the live runs and how far they are."""
        live = {run.name: (run, state) for run, state in runs if state.live}
        for name in [name for name in self._shown if name not in live]:
            self._shown.pop(name).end()
        for name, (run, state) in live.items():
            if name not in self._shown:
                title = partial(self._title, name)
                self._shown[name] = self._tasks.add(title, calling(run.request, "stop_now"))
            shown = with_progress(state, self._watch.snapshot(name))
            words = self.tr("epoch {epoch}/{epochs}").format(
                epoch=min(shown.epoch + 1, shown.epochs), epochs=shown.epochs
            )
            words = self.tr("paused") if state.paused else words
            words = self.tr("waiting") if state.status == "waiting" else words
            self._shown[name].progress(done_share(shown), words)

    def _title(self, name: str) -> str:
        return self.tr("Training {name}").format(name=name)

    def confirm_close(self, page: Page, live: Sequence[RunFolder], queue: RunQueue) -> bool | None:
        """Ask whether trainings go on without the window; end them where told so, and hold what waits."""
        if not live:
            return None
        waiting = queue.read().names
        names = listed([*(run.name for run in live), *waiting])
        choices = (
            Choice("leave", self.tr("Let it go on"), "primary"),
            Choice("stop", self.tr("Stop it"), "danger"),
        )
        answer = ask(
            page,
            self.tr("A training is running"),
            self.tr("{names} can go on without the Studio.").format(names=names),
            choices,
            self.tr("It is found again at the next start. Stopped, it keeps its last complete epoch."),
        )
        if not answer:
            return False
        if answer == "stop":
            if waiting:
                queue.hold(True)
            for run in live:
                run.request("stop_now")
        for task in self._shown.values():
            task.end()
        self._shown.clear()
        return True

    def tell_end(self, page: Page, name: str, coming: str) -> None:
        """Tell how a run ended, where it did not just stop.

        Args:
            page: Whose messages to use.
            name: Of the run.
            coming: Name of the run that is trained next; empty for none.
        """
        run = page.workspace.folder.run(name)
        state = run.state()
        show = self.tr("Show it")

        def go() -> None:
            page.workspace.go_to(TRAIN, RunRequest(name))

        if state.status == "finished":
            best = state.best.get("map50_95")
            words = self.tr("{name} is finished: mAP50-95 {figure}.")
            words = words.format(name=name, figure=f"{best:.3f}" if best is not None else "–")
            page.messages.success(words, "", show, go)
        elif state.status in ("failed", "lost"):
            reason, hint = reason_words(state)
            words = self.tr("{name}: {reason}").format(name=name, reason=reason)
            if coming:
                hint = in_a_row(hint, self.tr("The queue goes on with {name}.").format(name=coming))
            page.messages.error(words, hint, show, go)
        else:
            return
        if page.store.settings.notify:
            self._notifier.tell(self.tr("Training ended"), words)
