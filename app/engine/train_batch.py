"""An estimate from a process of its own, so that what it measures is not this one; and the batch it finds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from app.core.errors import AppError
from app.core.folders import door
from app.core.text import QT_TRANSLATE_NOOP
from app.core.train_config import TrainConfig


def measured(config: TrainConfig, tell: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Return the result of the job `train.estimate`, see there.

    Args:
        config: What is going to be trained.
        tell: Receives what is being done, in words.

    Raises:
        AppError: The estimate failed, or its process ended without a word.
    """
    child = subprocess.Popen(
        [*door(), "--engine", "train.estimate"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "DEPTHWISE_STUDIO_NICE": "0"},
        text=True,
        encoding="utf-8",
    )
    assert child.stdin is not None
    assert child.stdout is not None
    last: dict[str, Any] = {}
    told = ""
    with child:  # a closed standard input would cancel it
        try:
            child.stdin.write(json.dumps({"config": config.to_dict()}) + "\n")
            child.stdin.flush()
            for line in child.stdout:
                last = json.loads(line)
                if tell is not None and last["event"] == "progress" and last["text"] != told:
                    told = str(last["text"])
                    tell(told)
        except BrokenPipeError:
            last = {}
        finally:
            if last.get("event") not in ("done", "error"):
                child.kill()
    if last.get("event") == "done":
        result: dict[str, Any] = last["result"]
        return result
    if last.get("event") == "error":
        raise AppError.from_dict(last)
    raise AppError(
        QT_TRANSLATE_NOOP("core", "The estimate's process ended (status {status})."),
        QT_TRANSLATE_NOOP("core", "Most often memory was short: take a smaller batch."),
        status=child.returncode,
    )


def settled(configs: Sequence[TrainConfig]) -> tuple[tuple[TrainConfig, ...], int | None]:
    """Put one measured batch into every training that leaves it open: of a fair pair both take the smaller one.

    Returns:
        The trainings, and the batch; None where none was left open.

    Raises:
        AppError: An estimate failed.
    """
    different = {config.design_text: config for config in configs if config.batch == 0}
    if not different:
        return tuple(configs), None
    batch = min(int(measured(config)["auto_batch"]) for config in different.values())
    return tuple(replace(config, batch=config.batch or batch) for config in configs), batch
