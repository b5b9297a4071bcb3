"""Trains one run in a process of its own, events on stdout; tests start it and may kill it.

Arguments: the run folder, and "resume", "kill EPOCH BATCH" or "stop_now|stop_after_epoch EPOCH BATCH".
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.runs import RunFolder
from app.engine.training import run


def main(arguments: list[str]) -> int:
    folder = RunFolder(Path(arguments[0]))
    what = arguments[1] if len(arguments) > 1 else ""
    epoch, batch = (int(number) for number in arguments[2:4]) if len(arguments) > 3 else (0, 0)
    asked: list[str] = []

    def emit(event: dict[str, Any]) -> None:
        print(json.dumps(event), flush=True)
        if event["event"] == "batch" and (event["epoch"], event["batch"]) >= (epoch, batch):
            if what == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if what.startswith("stop"):
                asked.append(what)

    try:
        run(folder.config(), folder, emit, lambda: asked[0] if asked else None, resume=what == "resume")
    except AppError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
