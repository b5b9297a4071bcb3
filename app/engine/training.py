"""Trains a design: data in, run folder out. One training, one process."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.arbiter import TRAINING, active
from app.core.errors import AppError
from app.core.events import Event
from app.core.locks import HeldError, holding
from app.core.processes import is_alive
from app.core.recovery import RECALIBRATE
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP
from app.core.train_config import TrainConfig
from app.engine import environment_setup
from app.engine.devices import resolve_device
from app.engine.provenance import leave_card
from app.engine.train_errors import StopNow, explain
from app.engine.train_events import Emit, Recorder, SilentRecorder
from app.engine.train_pause import PAUSE
from app.engine.train_resume import Resumption, final_of, find_resumption

if TYPE_CHECKING:
    from app.engine.train_plan import Plan
    from app.engine.trainer import StudioTrainer

LOCK = "training.lock"
"""Held by the process that trains a run, in its folder."""

ShouldStop = Callable[[], str | None]

_NO_IMPROVEMENT = QT_TRANSLATE_NOOP("core", "No improvement for {patience} epochs.")
_BATCH_FOUND = QT_TRANSLATE_NOOP("core", "Pictures per step, as memory allows: {batch}.")
_READING = QT_TRANSLATE_NOOP("core", "Reading the pictures.")
_STOPPED = {
    "stop_now": QT_TRANSLATE_NOOP("core", "Stopped."),
    "interrupt": QT_TRANSLATE_NOOP("core", "Interrupted."),
}
_AFTER_EPOCH = QT_TRANSLATE_NOOP("core", "Stopped after epoch {epoch}.")


def _quiet(_event: Event) -> None:
    """Take an event and do nothing with it."""


def run(
    config: TrainConfig,
    run: RunFolder,
    emit: Emit = _quiet,
    should_stop: ShouldStop | None = None,
    resume: bool = False,
) -> Event:
    """Train, and write everything into the run folder.

    Args:
        config: What to train.
        run: Where to write.
        emit: Receives every event as it is written.
        should_stop: Asked after every batch for "stop_now" or "stop_after_epoch"; what the run folder asks for
            counts as well.
        resume: Go on after the last checkpoint. Without a checkpoint it starts again in the same folder; a
            finished run is left untouched.

    Returns:
        The final event: `finished` or `stopped`.

    Raises:
        AppError: The training failed; the event `failed` with the reason is written.
        KeyboardInterrupt: Ctrl+C; the event `stopped` is written.
    """
    if resume:
        final = final_of(run, config)
        if final is not None:
            return final
    _refuse_if_busy(run, resume)
    environment_setup.prepare()
    with _alone_in(run), _stray_prints_to_stderr(emit) as outside:
        return _Training(config, run, outside, should_stop, resume).go()


def run_job(request: dict[str, Any], _channel: Any = None) -> dict[str, Any]:
    """Train the run folder named by a request, for the window, which may be gone before the end.

    Args:
        request: "run": the folder; "resume": whether to go on.

    Returns:
        The final event.
    """
    folder = RunFolder(Path(str(request["run"])))
    if "rank" in request:
        return _train_as_rank(folder, int(request["rank"]), bool(request.get("resume")))
    terminated: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: terminated.append(number))
    try:
        return run(
            folder.config(),
            folder,
            should_stop=lambda: "stop_now" if terminated else None,
            resume=bool(request.get("resume")),
        )
    except AppError as error:
        if folder.path.is_dir() and next(folder.events(), None) is None:
            folder.append_event({"t": 0.0, "event": "failed", **_why(error)})
        return {"event": "failed", **_why(error)}


def _train_as_rank(folder: RunFolder, rank: int, resume: bool) -> Event:
    """Train on one of several GPUs; the first one writes, the others keep still."""
    environment_setup.prepare()
    return _Training(folder.config(), folder, _quiet, None, resume).record(rank)


class _Training:
    """One call of `run`."""

    def __init__(
        self, config: TrainConfig, run: RunFolder, emit: Emit, should_stop: ShouldStop | None, resume: bool
    ) -> None:
        self.config = config
        self.run = run
        self.emit = emit
        self._asked = should_stop
        self.resume = resume
        self._one_of_several = False
        self._found_batch: int | None = None
        self.plan: Plan | None = None
        self.trainer: StudioTrainer | None = None

    def go(self) -> Event:
        """Train to the end, and say how it ended."""
        try:
            self.run.claim()
            if self.resume:
                self.run.clear_request()
            if not (self.run.path / "run.yaml").is_file():
                self.run.write_config(self.config)
            self._settle_batch()
        except OSError as error:
            raise explain(error) from error
        try:
            ranks = _ranks(self.config.device)
            with active(TRAINING):
                return self._lead(ranks) if ranks > 1 else self.record()
        finally:
            with contextlib.suppress(OSError):  # the folder may be gone, which was told already
                self.run.clear_request()
                self.run.release()

    def _settle_batch(self) -> None:
        """Find the batch that fits, where that was asked for, and put it on record."""
        if self.config.batch:
            return
        from app.engine.train_batch import settled

        (self.config,), self._found_batch = settled([self.config])
        self.run.write_config(self.config)

    def record(self, rank: int | None = None) -> Event:
        """Train in this process; of several only the one of rank 0 writes."""
        self._one_of_several = rank is not None
        found = find_resumption(self.run, not rank) if self.resume else Resumption()
        try:
            recorder = SilentRecorder(self.run) if rank else Recorder(self.run, self.emit, found.position)
        except OSError as error:
            problem = explain(error)
            with contextlib.suppress(OSError):
                self.run.append_event({"t": self.run.state().seconds, "event": "failed", **_why(problem)})
            raise problem from error
        try:
            return self._recorded(recorder, found)
        finally:
            recorder.close()
            if not rank:
                leave_card(self.run)

    def _lead(self, ranks: int) -> Event:
        """Start one process per GPU, and tell if they fail without a word."""
        from app.engine.train_ranks import train_on_ranks

        try:
            final = train_on_ranks(self.run, ranks, self.resume, self.emit, self._should_stop)
        except AppError as error:
            event: Event = {"t": self.run.state().seconds, "event": "failed", **_why(error)}
            self.run.append_event(event)
            self.emit(event)
            raise
        if final["event"] == "failed":
            raise AppError.from_dict({**final, "message": final.get("reason", "")})
        return final

    def _recorded(self, recorder: Recorder, found: Resumption) -> Event:
        try:
            self._train(recorder, found)
            return self._ended(recorder)
        except StopNow:
            return self._stopped(recorder, "stop_now")
        except KeyboardInterrupt:
            self._stopped(recorder, "interrupt")
            raise
        except Exception as error:
            problem = explain(error)
            if problem is not error:
                traceback.print_exc(file=sys.stderr)
            recorder.fail(**_why(problem), epoch=len(recorder.epochs))
            if problem is error:
                raise
            raise problem from error

    def _train(self, recorder: Recorder, found: Resumption) -> None:
        self._leave_if_asked()
        found.tell(recorder, self.config)
        if self._found_batch is not None:
            recorder.message(_BATCH_FOUND, batch=self._found_batch)
        checkpoint = found.checkpoint
        from app.engine.train_prepare import prepare

        recorder.message(_READING)
        self.plan = prepare(self.config, self.run, recorder, checkpoint, self._leave_if_asked)
        self._leave_if_asked()
        if found.nothing_left(self.config):
            return
        from app.engine.train_observed import ObservedTrainer

        self.trainer = ObservedTrainer(self.plan, recorder, self._should_stop)
        try:
            self.trainer.train()
        finally:
            self.trainer.close()

    def _ended(self, recorder: Recorder) -> Event:
        """Write the final event of a training whose loop came to its end."""
        if self.trainer is not None and self.trainer.ended_by is not None:
            return self._stopped(recorder, self.trainer.ended_by)
        if isinstance(recorder, SilentRecorder):
            return {"event": "finished"}
        last = recorder.epochs[-1]
        config = self.config
        early = last["epoch"] < config.epochs
        patience = self.config.overrides.get("patience", 100)
        return recorder.record(
            "finished",
            epoch=last["epoch"],
            epochs=config.epochs,
            seconds=round(recorder.seconds, 3),
            **_why(AppError(_NO_IMPROVEMENT, patience=patience) if early else AppError("")),
            best=self._best(recorder),
            weights={"best": "weights/best.pt", "last": "weights/last.pt"},
        )

    def _best(self, recorder: Recorder) -> dict[str, Any]:
        """Return what the best weights reach, measured on the file as it was written."""
        best = recorder.epochs[-1]["best_so_far"]
        if self._one_of_several:  # the validator would wait for the other processes
            same = next(event for event in recorder.epochs if event["epoch"] == best["epoch"])
            return {**best, "per_class": same["per_class"]}
        from app.engine.evaluate import Evaluation, evaluate_prepared

        assert self.plan is not None
        if RECALIBRATE in self.plan.recovery.options:
            from app.engine.recalibration import recalibrate_best

            recalibrate_best(self.plan, recorder)
        size, batch = self.config.imgsz, 2 * self.config.batch
        how = Evaluation(imgsz=size, batch=batch, device=self.plan.device)
        found = evaluate_prepared(self.run.best, self.plan.data, how)
        return {"epoch": best["epoch"], "fitness": best["fitness"], **found}

    def _stopped(self, recorder: Recorder, by: str) -> Event:
        done = len(recorder.epochs)
        why = AppError(_STOPPED[by]) if by in _STOPPED else AppError(_AFTER_EPOCH, epoch=done)
        best = recorder.epochs[-1].get("best_so_far", {}) if recorder.epochs else {}
        return recorder.record("stopped", by=by, **_why(why), epoch=done, best=best)

    def _should_stop(self) -> str | None:
        asked = self._asked() if self._asked is not None else None
        return asked or self.run.requested()

    def _leave_if_asked(self) -> None:
        if self._should_stop() not in (None, PAUSE):
            raise StopNow


def _ranks(device: str) -> int:
    """Return how many GPUs a training is to run on."""
    return len(resolve_device(device).split(",")) if "," in device else 1


def _why(reason: AppError) -> dict[str, Any]:
    """Return what a final event says of its reason, so that the window can say it in its language."""
    told = reason.as_dict()
    return {"reason": told.pop("message"), **told}


def _refuse_if_busy(run: RunFolder, resume: bool) -> None:
    """Keep two processes from writing one run, and a new training from overwriting an old one."""
    process = run.process()
    own = os.getpid(), os.getppid()  # a frozen application's child has a process of its own between
    if process is not None and process.pid not in own and is_alive(process):
        begun = run.events_path.is_file()
        if begun:
            raise _busy(run, process.pid)
    if not resume and run.events_path.is_file():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The run “{name}” exists."),
            QT_TRANSLATE_NOOP("core", "Resume it, or give another name."),
            name=run.name,
        )


@contextmanager
def _alone_in(run: RunFolder) -> Iterator[None]:
    """Hold the run's lock: of two processes that go on with it at the same moment one does."""
    try:
        with holding(run.path / LOCK):
            yield
    except HeldError as problem:
        raise _busy(run, problem.holder.pid if problem.holder is not None else 0) from problem


def _busy(run: RunFolder, pid: int) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "The run “{name}” is being trained by process {pid}."),
        QT_TRANSLATE_NOOP("core", "Wait for it, or stop it first."),
        name=run.name,
        pid=pid or "?",
    )


@contextmanager
def _stray_prints_to_stderr(emit: Emit) -> Iterator[Emit]:
    """Send what ultralytics prints to stderr, and yield an `emit` that still reaches the real stdout."""
    import logging

    real = sys.stdout

    def outside(event: Event) -> None:
        with redirect_stdout(real):
            emit(event)

    with redirect_stdout(sys.stderr):
        for handler in logging.getLogger("ultralytics").handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is real:
                handler.setStream(sys.stderr)
        yield outside
