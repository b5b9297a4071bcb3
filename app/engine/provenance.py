"""What a run must know of the machine, the versions and the data that it was made with."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Mapping
from typing import Any

from app import __version__
from app.core.errors import AppError
from app.core.files import write_text
from app.core.run_card import CARD, PROVENANCE, card, card_markdown
from app.core.runs import RunFolder
from app.core.text import QT_TRANSLATE_NOOP

_PACKAGES = ("torch", "torchvision", "ultralytics", "numpy", "opencv-python")


def machine() -> dict[str, Any]:
    """Return processor, cores, memory, graphics card and system."""
    import psutil
    import torch

    from app.engine.latency_setting import processor_name

    found: dict[str, Any] = {
        "processor": processor_name(),
        "cores": os.cpu_count() or 1,
        "memory_bytes": int(psutil.virtual_memory().total),
        "system": platform.platform(),
    }
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
        found["graphics"] = ", ".join(names)
    return found


def versions() -> dict[str, str]:
    """Return the versions of everything that the figures depend on."""
    import torch

    found = {"Depthwise Studio": __version__, "Python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if torch.version.cuda:
        found["CUDA of torch"] = torch.version.cuda
    return found


def note_provenance(run: RunFolder, data: Mapping[str, Any]) -> None:
    """Write `provenance.json`: machine, versions and the fingerprint of the data, as a whole and of every split.

    Args:
        run: Where it goes.
        data: What `read_data` returned.

    Raises:
        OSError: The folder cannot be written.
    """
    seen = data["fingerprint"]
    prints = {"fingerprint": seen["digest"], "fingerprints": seen["splits"]}
    noted = {"machine": machine(), "versions": versions(), "data": prints}
    write_text(run.path / PROVENANCE, json.dumps(noted, ensure_ascii=False, indent=1) + "\n")


def write_card(run: RunFolder) -> None:
    """Write `card.md` into a run folder.

    Raises:
        OSError: The folder cannot be written.
        AppError: It is no run folder.
    """
    if not (run.path / "run.yaml").is_file():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{path} is no run folder."),
            QT_TRANSLATE_NOOP("core", "See the runs with: runs list."),
            path=run.path,
        )
    write_text(run.path / CARD, card_markdown(card(run)))


def leave_card(run: RunFolder) -> None:
    """Write `card.md` at the end of a training; what keeps it from being written goes to the log alone."""
    try:
        write_card(run)
    except (OSError, AppError) as problem:
        sys.stderr.write(f"{run.path / CARD}: {problem}\n")
