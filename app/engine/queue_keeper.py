"""The keeper of a queue: trains its runs one after the other, each in a process of its own, and then leaves.

It holds nothing heavy, so that a training that is killed for want of memory, or that crashes, does not take the others
with it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.folders import door
from app.core.run_queue import QueueEntry, RunQueue
from app.core.runs import RunFolder, Workspace
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.keep_awake import keeping_awake

_LOOK_S = 1.0
_DIED = QT_TRANSLATE_NOOP("core", "The training's process ended with status {status} before it began.")
_SEE_LOG = QT_TRANSLATE_NOOP("core", "See the log in the run folder.")


def run(request: Mapping[str, Any], _channel: Any = None) -> dict[str, Any]:
    """Train what waits until nothing does, or the queue is held.

    Args:
        request: "workspace": the folder; "awake": whether to keep the machine from sleeping.

    Returns:
        "trained": the names of the runs that were begun.
    """
    workspace = Workspace(Path(str(request["workspace"])))
    queue = RunQueue(workspace)
    trained: list[str] = []
    with keeping_awake(bool(request.get("awake", True))):
        _wait_for_orphan(workspace, queue)
        while (entry := queue.take()) is not None:
            trained.append(entry.run)
            _train(workspace, entry)
    return {"trained": trained}


def _wait_for_orphan(workspace: Workspace, queue: RunQueue) -> None:
    """Wait for a training whose keeper was killed: one runs at a time."""
    name = queue.read().running
    if not name:
        return
    run = RunFolder(workspace.root / "runs" / name)
    while run.state().live:
        time.sleep(_LOOK_S)


def _train(workspace: Workspace, entry: QueueEntry) -> None:
    """Train one entry to its end, whatever that is; what cannot be started says so in its own events."""
    try:
        run = workspace.run(entry.run)
    except AppError as problem:
        print(problem.message, file=sys.stderr)
        return
    if not entry.resume and run.events_path.is_file():
        print(f"{run.name} was begun elsewhere.", file=sys.stderr)
        return
    if run.state().live:
        return
    status: int | str
    try:
        status = _child(run, entry.resume)
    except OSError as error:
        status = str(error)
    if status and not run.events_path.is_file():
        why = AppError(_DIED, _SEE_LOG, status=status).as_dict()
        run.append_event({"t": 0.0, "event": "failed", "reason": why.pop("message"), **why})


def _child(run: RunFolder, resume: bool) -> int:
    """Run the training's process and return its exit status."""
    with run.log_path.open("ab") as log:
        process = subprocess.Popen(
            [*door("-X", "faulthandler"), "--engine", "train"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            **_own_session(),
        )
    run.claim(process.pid)
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps({"run": str(run.path), "resume": resume}).encode() + b"\n")
        process.stdin.close()
    except BrokenPipeError:
        print(f"{run.name}: the training's process died at once.", file=sys.stderr)
    return process.wait()


def _own_session() -> dict[str, Any]:
    """Return the arguments of Popen that keep a signal to the keeper from reaching the training."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
