"""What an engine process can be asked to do, and how it talks with the thread that owns it.

A request is one JSON line on standard input; further lines are commands. Events are JSON lines on standard output;
the last one is "done" with a result or "error" with a message and a hint.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TextIO

from app.core.errors import AppError, missing_package
from app.core.text import QT_TRANSLATE_NOOP

_TRIES = 3
_BETWEEN_TRIES_S = 0.11

JOBS: Mapping[str, str] = MappingProxyType(
    {
        "architecture.trace": "app.engine.user_models:run",
        "bench": "app.engine.bench:run",
        "bench.cell": "app.engine.bench_child:run",
        "cameras": "app.engine.sources:run_cameras",
        "compare": "app.engine.comparison:run",
        "compare.layers": "app.engine.compare_layers:run",
        "convert": "app.engine.convert:run",
        "dataset.check": "app.engine.dataset:run_check",
        "dataset.fix": "app.engine.dataset:run_fix",
        "dataset.thumbnails": "app.engine.dataset:run_thumbnails",
        "detectors.prepare": "app.engine.prepare_detectors:run",
        "doctor": "app.engine.doctor:run",
        "export": "app.engine.export:run",
        "export.formats": "app.engine.export_tools:run_states",
        "latency": "app.engine.latency:run",
        "latency.forms": "app.engine.latency_forms:run",
        "latency.roof": "app.engine.latency_roofline:run",
        "latency.setting": "app.engine.latency:run_setting",
        "latency.table": "app.engine.latency_table:run",
        "queue": "app.engine.queue_keeper:run",
        "risk.map": "app.engine.target_jobs:run_map",
        "risk.measure": "app.engine.target_jobs:run_measure",
        "runs.judge": "app.engine.judge:run_job",
        "runs.pictures": "app.engine.run_pictures:run_job",
        "runtimes": "app.engine.runtime_choice:run",
        "sample": "app.engine.sample:run",
        "target.frontier": "app.engine.target_jobs:run_frontier",
        "target.reach": "app.engine.target_jobs:run_reach",
        "target.rivals": "app.engine.target_jobs:run_rivals",
        "train": "app.engine.training:run_job",
        "train.estimate": "app.engine.train_turn:run",
        "val": "app.engine.evaluate:run_job",
        "weights.inspect": "app.engine.weights:run_inspect",
    }
)
"""Job → "module:function"; the function takes the request and a channel and returns the result."""


class Channel:
    """The engine's end of the pipe: events out, commands in.

    Attributes:
        cancelled: set once the owner asked to cancel or went away.
    """

    def __init__(self, output: TextIO, commands: TextIO | None = None) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        if commands is not None:
            threading.Thread(target=self._listen, args=(commands,), daemon=True, name="commands").start()

    @property
    def cancelled(self) -> bool:
        """Whether to stop as soon as possible."""
        return self._cancelled.is_set()

    def emit(self, event: Mapping[str, Any]) -> None:
        """Send an event; a closed pipe means that nobody listens any more, and cancels."""
        line = json.dumps(event, ensure_ascii=False, allow_nan=False, default=str)
        try:
            with self._lock:
                self._output.write(line + "\n")
                self._output.flush()
        except (BrokenPipeError, ValueError, OSError):
            self._cancelled.set()

    def progress(self, fraction: float, text: str = "") -> None:
        """Tell how far the job is, from 0 to 1."""
        self.emit({"event": "progress", "fraction": max(0.0, min(1.0, fraction)), "text": text})

    def commands(self) -> list[dict[str, Any]]:
        """Return the commands that have arrived since the last call."""
        found = []
        while True:
            try:
                found.append(self._queue.get_nowait())
            except queue.Empty:
                return found

    def wait_command(self, seconds: float) -> dict[str, Any] | None:
        """Return the next command, or None when none arrives in that time."""
        try:
            return self._queue.get(timeout=seconds)
        except queue.Empty:
            return None

    def _listen(self, commands: TextIO) -> None:
        for line in commands:
            try:
                command = json.loads(line)
            except json.JSONDecodeError:
                sys.stderr.write(f"not a command: {line[:200]!r}\n")
                continue
            if command.get("command") == "cancel":
                self._cancelled.set()
            self._queue.put(command)
        self._cancelled.set()


def run_job(name: str) -> int:
    """Run one job over the standard streams; return the exit status."""
    output, commands = _take_streams()
    lower_priority()
    try:
        request = json.loads(commands.readline() or "{}")
        channel = Channel(output, commands)
    except json.JSONDecodeError as error:
        Channel(output).emit({"event": "error", "message": f"The request is not JSON: {error}.", "hint": ""})
        return 1
    return _finish(channel, lambda: _job(name)(request, channel))


def _finish(channel: Channel, job: Callable[[], Mapping[str, Any] | None]) -> int:
    try:
        result = job()
    except AppError as error:
        channel.emit({"event": "error", **error.as_dict()})
        return 1
    except ModuleNotFoundError as error:
        sys.stderr.write(traceback.format_exc())
        channel.emit({"event": "error", **missing_package(error).as_dict()})
        return 1
    except KeyboardInterrupt:
        channel.emit({"event": "error", "message": "Interrupted.", "hint": ""})
        return 130
    except MemoryError:
        channel.emit(
            {
                "event": "error",
                "message": "The computer ran out of memory.",
                "hint": "Choose a smaller batch or size.",
            }
        )
        return 1
    except Exception as error:  # noqa: BLE001 - the last line of defence of a child process
        sys.stderr.write(traceback.format_exc())
        text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        channel.emit(
            {
                "event": "error",
                "message": f"The engine failed: {text}.",
                "hint": "See the log for details.",
                "traceback": traceback.format_exc(),
            }
        )
        return 1
    channel.emit({"event": "done", "result": result or {}})
    return 0


def _job(name: str) -> Callable[[dict[str, Any], Channel], dict[str, Any]]:
    if name not in JOBS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The engine knows no job “{name}”."),
            QT_TRANSLATE_NOOP("core", "Jobs: {choices}."),
            name=name,
            choices=", ".join(JOBS),
        )
    from app.engine.environment_setup import prepare

    prepare()
    module, _, function = JOBS[name].partition(":")
    job: Callable[[dict[str, Any], Channel], dict[str, Any]] = getattr(
        importlib.import_module(module), function
    )
    return job


def _take_streams() -> tuple[TextIO, TextIO]:
    """Keep the pipe for events alone: whatever a library prints goes to standard error."""
    output = io.TextIOWrapper(os.fdopen(os.dup(1), "wb"), encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    commands = io.TextIOWrapper(os.fdopen(os.dup(0), "rb"), encoding="utf-8")
    return output, commands


def lower_priority() -> None:
    """Let the window go first: nice 10 on POSIX, below normal on Windows.

    Linux shares the processor between sessions first, where its autogroups are on, and heeds a nice level within one
    session alone (sched(7)). A process that leads a session of its own says the level for the whole session.
    """
    level = int(os.environ.get("DEPTHWISE_STUDIO_NICE", "10"))
    if hasattr(os, "nice"):
        missing = level - os.nice(0)
        if missing > 0:
            os.nice(missing)
        if level > 0 and os.getsid(0) == os.getpid():
            _lower_session(min(level, 19))
    else:
        import psutil

        name = "BELOW_NORMAL_PRIORITY_CLASS" if level else "NORMAL_PRIORITY_CLASS"
        psutil.Process().nice(getattr(psutil, name))


def _lower_session(level: int) -> None:
    """Say a nice level for the whole session, where the system shares by session and lets us."""
    for _ in range(_TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(level))
            return
        except BlockingIOError:  # the kernel takes one such wish in 100 ms from ordinary users
            time.sleep(_BETWEEN_TRIES_S)
        except OSError:  # no such groups here, or a container forbids it: sessions share alike then
            return
