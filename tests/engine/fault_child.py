"""Trains one run in a process of its own while something goes wrong, for real wherever this machine can make it.

Arguments: the run folder, the fault, and "resume". Prints what the run says of itself, one JSON document.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from app.core.errors import AppError
from app.core.runs import RunFolder
from app.engine.environment_setup import prepare
from app.engine.training import run

Event = dict[str, Any]


def kill_in_checkpoint(folder: RunFolder) -> None:
    """Die when a part of the second checkpoint is on the disk."""
    from app.engine import torch_files

    write = torch_files._Sink.write

    def write_or_die(sink: Any, data: Any) -> int:
        written = write(sink, data)
        second = (folder.checkpoints / "last.ckpt").exists()
        if second and "last.ckpt.new" in sink._stream.name and sink._stream.tell() > 2_000_000:
            sink.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return written

    torch_files._Sink.write = write_or_die  # type: ignore[method-assign]


def kill_before_event(_folder: RunFolder) -> None:
    """Die when the second checkpoint is there and its event is not."""
    from app.engine.train_events import Recorder

    commit = Recorder.commit

    def commit_or_die(recorder: Recorder, draft: Event) -> Event:
        if draft["event"] == "checkpoint" and draft["epoch"] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return commit(recorder, draft)

    Recorder.commit = commit_or_die  # type: ignore[method-assign]


def fill_disk(folder: RunFolder) -> None:
    """Leave no byte free on the disk of the run."""
    with (folder.path.parent / "filler").open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def forbid_writing(folder: RunFolder) -> None:
    """Mount the folder of the checkpoints read-only."""
    here = str(folder.checkpoints)
    subprocess.run(["mount", "--bind", here, here], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", here], check=True)


def remove_pictures(folder: RunFolder) -> None:
    """Take the data away."""
    listed = Path(folder.path / "data" / "train.txt").read_text().splitlines()
    for picture in listed:
        Path(picture).unlink(missing_ok=True)


def limit_memory(_folder: RunFolder) -> None:
    """Let the system give this process a little more memory than it has, and no more."""
    import resource

    most = psutil.Process().memory_info().vms + (8 << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def kill_loader(_folder: RunFolder) -> None:
    """Kill a process that loads pictures."""
    loaders = [child for child in psutil.Process().children() if "resource_tracker" not in child.cmdline()]
    assert loaders
    loaders[0].kill()


def poison(_folder: RunFolder) -> None:
    """Let no later step have a number for a loss."""
    from app.engine.trainer import StudioTrainer

    def batch_start(trainer: Any) -> None:
        trainer._batch_index += 1
        next(trainer.model.parameters()).data.fill_(float("nan"))

    StudioTrainer._on_train_batch_start = batch_start  # type: ignore[method-assign]


def fill_gpu(times: int) -> Callable[[RunFolder], None]:
    """Let the next steps fail as they do where a GPU's memory is full; there is none here to fill."""

    def inject(_folder: RunFolder) -> None:
        import torch

        from app.engine.trainer import StudioTrainer

        left = [times]
        preprocess = StudioTrainer.preprocess_batch

        def preprocess_batch(trainer: Any, batch: Event) -> Event:
            if left[0] and trainer.model.training:
                left[0] -= 1
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            return preprocess(trainer, batch)

        StudioTrainer.preprocess_batch = preprocess_batch  # type: ignore[method-assign]

    return inject


AT_ONCE: dict[str, Callable[[RunFolder], None]] = {
    "kill-in-checkpoint": kill_in_checkpoint,
    "kill-before-event": kill_before_event,
    "gpu-once": fill_gpu(1),
    "gpu-always": fill_gpu(99),
}
AFTER_EPOCH: dict[str, Callable[[RunFolder], None]] = {
    "disk": fill_disk,
    "folder": forbid_writing,
    "data": remove_pictures,
    "memory": limit_memory,
    "loader": kill_loader,
    "nan": poison,
    "gpu": fill_gpu(99),
}
"""Faults that come after the first complete epoch."""


def main(arguments: list[str]) -> int:
    folder = RunFolder(Path(arguments[0]))
    fault = arguments[1] if len(arguments) > 1 else ""
    prepare()
    if fault in AT_ONCE:
        AT_ONCE[fault](folder)

    def emit(event: Event) -> None:
        if fault in AFTER_EPOCH and event["event"] == "checkpoint" and event["epoch"] == 1:
            AFTER_EPOCH[fault](folder)

    before = psutil.Process().num_fds()
    said = ""
    try:
        run(folder.config(), folder, emit, resume="resume" in arguments)
    except AppError as error:
        said = str(error)
    (folder.path.parent / "filler").unlink(missing_ok=True)
    state = folder.state()
    told = {
        "status": state.status,
        "epoch": state.epoch,
        "reason": state.reason,
        "hint": state.hint,
        "said": said,
        "files": sorted(
            str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file()
        ),
        "threads": [thread.name for thread in threading.enumerate()],
        "children": [child.status() for child in psutil.Process().children(recursive=True)],
        "handles": psutil.Process().num_fds() - before,
        "open": sorted(str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()),
    }
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
