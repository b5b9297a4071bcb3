"""Several GPUs: one process per GPU, started by us; this process watches them and passes their events on.

ultralytics' own way removes the run folder first, pickles the trainer, and starts `python -m torch.distributed.run`,
which a frozen application is not.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Sequence

from app.core.errors import AppError
from app.core.events import FINAL, Event
from app.core.folders import door
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP

_POLL_S = 0.1
_GRACE_S = 5.0


def engine_command() -> list[str]:
    """Return the command line of a process that trains on one of the GPUs."""
    return [*door(), "--engine", "train"]


def train_on_ranks(
    run: RunFolder,
    ranks: int,
    resume: bool,
    emit: Callable[[Event], None],
    should_stop: Callable[[], str | None],
    command: Sequence[str] | None = None,
) -> Event:
    """Start one process per GPU and wait for the first of them, which writes the events.

    Args:
        run: The run folder.
        ranks: How many GPUs.
        resume: Whether to go on after the last checkpoint.
        emit: Receives every event.
        should_stop: As for a training on one device; the wish goes through the run folder.
        command: What to start; a process of the engine by default.

    Returns:
        The final event.

    Raises:
        AppError: One of the processes ended without a final event.
    """
    tail = run.tail()
    kept = max((event["t"] for event in tail.poll()[0] if event["event"] == "checkpoint"), default=-1.0)
    with _Group(run, ranks, resume, command or engine_command()) as group:
        final: Event | None = None
        while final is None:
            ended = group.ended()
            events, restarted = tail.poll()
            for event in events:
                if restarted and event["t"] <= kept:
                    continue  # told before the interruption
                emit(event)
                final = event if event["event"] in FINAL else None
            if final is None and ended is not None:
                raise AppError(
                    QT_TRANSLATE_NOOP(
                        "core", "The training's process of GPU {rank} ended (status {status})."
                    ),
                    QT_TRANSLATE_NOOP(
                        "core", "The log in the run folder has the details; resume when it is solved."
                    ),
                    rank=ended[0],
                    status=ended[1],
                )
            asked = should_stop()
            if asked is not None and run.requested() != asked:
                run.request(asked)
            time.sleep(_POLL_S)
        group.wait(_GRACE_S)
    return final


class _Group:
    """The processes of one training; all are gone when the block ends."""

    def __init__(self, run: RunFolder, ranks: int, resume: bool, command: Sequence[str]) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        port = str(_free_port())
        threads = str(max((os.cpu_count() or 1) // ranks, 1))
        for rank in range(ranks):
            environment = {
                **os.environ,
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": str(ranks),
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": port,
                "OMP_NUM_THREADS": threads,
            }
            process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment
            )
            self._processes.append(process)
            assert process.stdin is not None
            request = {"run": str(run.path), "resume": resume, "rank": rank}
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.close()

    def __enter__(self) -> _Group:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def ended(self) -> tuple[int, int] | None:
        """Return rank and status of a process that is gone too early: any that failed, or the first."""
        for rank, process in enumerate(self._processes):
            status = process.poll()
            if status is not None and (status != 0 or rank == 0):
                return rank, status
        return None

    def wait(self, seconds: float) -> None:
        """Give the processes some time to end by themselves."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(process.poll() is None for process in self._processes):
            time.sleep(_POLL_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
