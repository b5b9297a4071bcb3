"""The queue from the window's side: runs are put into it, and a keeper that outlives the window trains them."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Sequence

from app.core.errors import AppError
from app.core.folders import cache_folder
from app.core.processes import ProcessIdentity, identify
from app.core.run_queue import QueueEntry, QueueState, RunQueue
from app.core.text import QT_TRANSLATE_NOOP
from app.workers.launch import detached, engine_command, engine_environment


def enqueue(
    queue: RunQueue, names: Sequence[str], *, resume: bool = False, first: bool = False, awake: bool = True
) -> QueueState:
    """Put runs into the queue and see to it that they are trained, unless the queue is held.

    Args:
        queue: The workspace's.
        names: Runs whose folders are made, the first to train first.
        resume: Whether they go on after their last checkpoints.
        first: Whether they go before those that wait.
        awake: Whether the machine is kept from sleeping meanwhile.

    Raises:
        AppError: The queue cannot be written, or the keeper cannot be started.
    """
    state = queue.add([QueueEntry(name, resume) for name in names], first)
    return state if state.held else start_keeper(queue, awake)


def start_keeper(queue: RunQueue, awake: bool = True) -> QueueState:
    """See to it that a keeper lives.

    It has a session of its own and no pipe to the window; what it prints goes into a small log in the cache folder.

    Raises:
        AppError: It cannot be started.
    """

    def start() -> ProcessIdentity | None:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with (cache_folder() / "queue.log").open("wb") as log:
            process = subprocess.Popen(
                engine_command("queue"),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=engine_environment(),
                **detached(),
            )
        assert process.stdin is not None
        request = {"workspace": str(queue.workspace.root), "awake": awake}
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.close()
        threading.Thread(target=process.wait, daemon=True, name="reap keeper").start()
        return identify(process.pid)

    try:
        return queue.keep(start)
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The training could not be started: {reason}."),
            QT_TRANSLATE_NOOP("core", "Try again; if it fails again, restart the Studio."),
            reason=error,
        ) from error
