"""Which runs there are and how they stand: followers of the live ones, series of all that are drawn."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.core.run_series import RunSeries, Snapshot
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.core.runs import Workspace as Folder
from app.workers.training import TrainingWorker

Stamp = tuple[int, int, int]


class RunWatch(QObject):
    """Follows the runs of a workspace, each by one thread for as long as it lives."""

    progressed = Signal(str)
    """Name of a run with new events."""
    ended = Signal(str)
    """Name of a run that is over now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workers: dict[str, TrainingWorker] = {}
        self._states: dict[str, tuple[Stamp, RunState]] = {}
        self._live: set[str] = set()
        self._folder: Folder | None = None

    def show_folder(self, folder: Folder) -> None:
        """Watch another workspace; nothing of the old one is kept."""
        if self._folder is None or folder.root != self._folder.root:
            self.close()
            self._states.clear()
            self._folder = folder

    def knows(self, run: RunFolder) -> bool:
        """Tell whether the state of a run is at hand, so that asking for it costs next to nothing."""
        known = self._states.get(run.name)
        return known is not None and known[0] == _stamp(run)

    def state(self, run: RunFolder) -> RunState:
        """Return how a run stands."""
        stamp = _stamp(run)
        known = self._states.get(run.name)
        if known is not None and known[0] == stamp and not known[1].live:
            return known[1]
        state = run.state()
        self._states[run.name] = (stamp, state)
        return state

    def follow(self, run: RunFolder) -> RunSeries:
        """Return the series of a run, filled by a thread of its own from now on."""
        worker = self._workers.get(run.name)
        if self.state(run).live:
            self._live.add(run.name)
        if worker is None:
            worker = TrainingWorker(run, self)
            worker.events_received.connect(lambda _count, name=run.name: self.progressed.emit(name))
            worker.state_changed.connect(lambda _state, name=run.name: self._on_worker_state_changed(name))
            self._workers[run.name] = worker
            worker.start()
        elif worker.isFinished() and run.name in self._live:  # resumed since
            worker.start()
        return worker.series

    def series(self, name: str) -> RunSeries | None:
        """Return the series of a run that is followed or was read."""
        worker = self._workers.get(name)
        return worker.series if worker is not None else None

    def snapshot(self, name: str) -> Snapshot:
        """Return how far a run is; empty where it is not followed."""
        series = self.series(name)
        return series.snapshot if series is not None else Snapshot()

    def forget(self, name: str) -> None:
        """Stop following a run, for it is removed or begins anew."""
        worker = self._workers.pop(name, None)
        self._states.pop(name, None)
        if worker is not None:
            worker.close()
            worker.deleteLater()

    def close(self) -> None:
        """Stop every thread; the trainings go on."""
        for name in list(self._workers):
            self.forget(name)

    def _on_worker_state_changed(self, name: str) -> None:
        self._states.pop(name, None)
        if name in self._live:
            self._live.discard(name)
            self.ended.emit(name)


def with_progress(state: RunState, snapshot: Snapshot) -> RunState:
    """Return a state brought up to date with what was read since."""
    epoch = int(snapshot.epoch.get("epoch", state.epoch))
    batch = snapshot.batch if int(snapshot.batch.get("epoch", 0)) > epoch else {}
    latest = max((float(event.get("t", 0.0)) for event in (snapshot.batch, snapshot.epoch)), default=0.0)
    return replace(
        state,
        epoch=epoch,
        batch=int(batch.get("batch", 0)),
        batches=snapshot.batches or state.batches,
        epochs=snapshot.epochs or state.epochs,
        seconds=max(latest, state.seconds),
        remaining=snapshot.epoch.get("remaining", state.remaining),
        metrics=snapshot.epoch or state.metrics,
        best=snapshot.epoch.get("best_so_far") or state.best,
    )


def _stamp(run: RunFolder) -> Stamp:
    """Return numbers that change when the run's files do."""
    try:
        status = run.events_path.stat()
        events = status.st_mtime_ns, status.st_size
    except OSError:
        events = 0, 0
    try:
        process = (run.path / "process.json").stat().st_mtime_ns
    except OSError:
        process = 0
    return (*events, process)
