"""The running comparison: one process at a time, started, paused and replaced as the page asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.core.errors import AppError
from app.workers.compare import CompareWorker, LivePair

IDLE, PREPARING, PLAYING, PAUSED, OPENING, LOST, ENDED, FAILED = (
    "idle",
    "preparing",
    "playing",
    "paused",
    "opening",
    "lost",
    "ended",
    "failed",
)

_MOVING = frozenset({PREPARING, PLAYING, OPENING, LOST})

_COMMANDS = {
    "confidence": "value",
    "iou": "value",
    "imgsz": "value",
    "loop": "value",
    "speed": "value",
    "shown": "shown",
    "source": "source",
    "options": "source",
}
"""What a running comparison can be told of, and under which key."""


@dataclass(frozen=True)
class Setup:
    """What is compared, and how.

    Attributes:
        options: `SourceOptions` as JSON.
        imgsz: Larger side of the network input in pixels; None for the checkpoint's own.
        shown: Names of the classes whose boxes count; None for all.
    """

    a: str = ""
    b: str = ""
    source: str = ""
    runtime: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    confidence: float = 0.25
    iou: float = 0.7
    options: Mapping[str, Any] = field(default_factory=dict)
    imgsz: int | None = None
    shown: tuple[str, ...] | None = None
    loop: bool = True
    speed: float = 1.0

    @property
    def complete(self) -> bool:
        """Whether both detectors and a source are chosen."""
        return bool(self.a and self.b and self.source)

    def request(self) -> dict[str, Any]:
        """Return the engine's request."""
        return dict(vars(self))


class CompareSession(QObject):
    """Owns the worker. What needs other detectors starts a new process; everything else is a command."""

    pair_ready = Signal(object)
    """The newest `LivePair`."""
    prepared = Signal(dict)
    """Both detectors, as the engine describes them."""
    source_opened = Signal(dict)
    statistics_changed = Signal(dict)
    state_changed = Signal(str)
    preparation_progressed = Signal(float, str)
    lost_because = Signal(object)
    """Why the source gives no pictures; comes before the state "lost"."""
    recording_changed = Signal(dict)
    report_written = Signal(dict)
    problem = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._setup = Setup()
        self._worker: CompareWorker | None = None
        self._ending: list[CompareWorker] = []
        self._state = IDLE

    @property
    def setup(self) -> Setup:
        """What is compared, and how."""
        return self._setup

    @property
    def state(self) -> str:
        """One of the states of this module."""
        return self._state

    @property
    def moving(self) -> bool:
        """Whether it plays, or is about to."""
        return self._state in _MOVING

    @property
    def running(self) -> bool:
        """Whether there is an engine process."""
        return self._worker is not None

    def change(self, **values: Any) -> None:
        """Change the setup; a running comparison follows at once."""
        before, self._setup = self._setup, replace(self._setup, **values)
        if before == self._setup or self._worker is None:
            return
        changed = {name for name in vars(before) if getattr(before, name) != getattr(self._setup, name)}
        if changed <= _COMMANDS.keys():
            self._tell(changed)
        elif self._setup.complete:
            self._restart()

    def _tell(self, changed: set[str]) -> None:
        """Tell the process what is different."""
        setup, send = self._setup, self._send
        if changed & {"source", "options"}:
            changed = changed - {"source", "options"}
            send("source", source=setup.source, options=dict(setup.options))
        for name in sorted(changed):
            command = "classes" if name == "shown" else name
            send(command, **{_COMMANDS[name]: getattr(setup, name)})

    def _send(self, command: str, **values: Any) -> None:
        if self._worker is not None:
            self._worker.send({"command": command, **values})

    def mirror(self, on: bool) -> None:
        """Show the source as a mirror does, or not, without opening it again."""
        self._setup = replace(self._setup, options={**self._setup.options, "mirror": on})
        self._send("mirror", value=on)

    def record(self, path: Path | None) -> None:
        """Start recording to a file, or stop."""
        self._send("record", path=str(path) if path is not None else None)

    def report(self, path: Path) -> None:
        """Have the report of everything so far written."""
        self._send("report", path=str(path))

    def reset(self) -> None:
        """Forget what was measured so far."""
        self._send("reset")

    def play(self) -> None:
        """Start, or go on."""
        if self._worker is None:
            self._start(playing=True)
        elif self._state == ENDED:
            self._worker.send({"command": "seek", "index": 0})
            self._worker.send({"command": "play"})
        else:
            self._worker.send({"command": "play"})

    def pause(self) -> None:
        """Stand still; a camera is released. What is still being prepared is given up."""
        if self._state == PREPARING:
            self.stop()
        elif self._worker is not None:
            self._worker.send({"command": "pause"})

    def step(self, by: int = 1) -> None:
        """Go one picture on or back, and stand still."""
        if self._worker is None:
            self._start(playing=False)
        else:
            self._worker.send({"command": "step", "by": by})

    def seek(self, index: int) -> None:
        """Go to a picture of a file."""
        if self._worker is not None:
            self._worker.send({"command": "seek", "index": index})

    def stop(self) -> None:
        """End the process; what is shown stays."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.disconnect(self)
            self._ending.append(worker)
            worker.finished.connect(self._forget)
            worker.send({"command": "close"})
            worker.cancel()
            if worker.isFinished():
                self._forget()
        self._enter(IDLE)

    def shutdown(self) -> None:
        """End every process and wait until they are gone."""
        self.stop()
        for worker in list(self._ending):
            worker.close()
        self._ending.clear()

    def _restart(self) -> None:
        playing = self.moving
        self.stop()
        self._start(playing)

    def _start(self, playing: bool) -> None:
        if not self._setup.complete:
            return
        worker = CompareWorker({**self._setup.request(), "playing": playing}, self)
        worker.pair_ready.connect(self._on_worker_pair_ready)
        worker.ready.connect(self.prepared)
        worker.source_opened.connect(self.source_opened)
        worker.statistics_changed.connect(self.statistics_changed)
        worker.lost_because.connect(self.lost_because)
        worker.recording_changed.connect(self.recording_changed)
        worker.report_written.connect(self.report_written)
        worker.state_changed.connect(self._enter)
        worker.progressed.connect(self.preparation_progressed)
        worker.problem.connect(self.problem)
        worker.failed.connect(self._on_worker_failed)
        worker.done.connect(self._on_worker_done)
        self._worker = worker
        self._enter(PREPARING)
        worker.start()

    @Slot(str)
    def _enter(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)

    @Slot()
    def _on_worker_pair_ready(self) -> None:
        pair: LivePair | None = self._worker.take_pair() if self._worker is not None else None
        if pair is not None:
            self.pair_ready.emit(pair)

    @Slot(object)
    def _on_worker_failed(self, problem: AppError) -> None:
        self.stop()
        self._enter(FAILED)
        self.problem.emit(problem)

    @Slot()
    def _on_worker_done(self) -> None:
        self.stop()

    @Slot()
    def _forget(self) -> None:
        for worker in [worker for worker in self._ending if worker.isFinished()]:
            self._ending.remove(worker)
            worker.wait()
            worker.deleteLater()
