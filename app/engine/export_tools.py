"""The tools that some export formats need: which are here, in which Python, and how the others are got.

What drags in much, or quarrels with the Studio's own packages, lives in a Python environment of its own: the
preferences or `DEPTHWISE_STUDIO_EXPORT_PYTHON` name its interpreter. Nothing is ever installed from here.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.export_formats import FORMATS, ExportFormat
from app.core.settings import load_settings
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import export_child

VARIABLE = "DEPTHWISE_STUDIO_EXPORT_PYTHON"
PROBE_S = 20.0
CONVERT_S = 900.0
_BETWEEN_LOOKS_S = 0.05


@dataclass(frozen=True)
class State:
    """Whether a format can be written here.

    Attributes:
        format: Its name.
        ready: Whether it can.
        missing: Modules that are not there.
        python: The interpreter that has the tools; empty where none does, or none is needed.
        versions: Module → version of the tools.
        gpu: Whether an NVIDIA GPU is missing.
    """

    format: str
    ready: bool
    missing: tuple[str, ...] = ()
    python: str = ""
    versions: Mapping[str, str] | None = None
    gpu: bool = False


def interpreters() -> list[str]:
    """Return the Pythons where tools are looked for: the Studio's own, then the named ones."""
    own = [] if getattr(sys, "frozen", False) else [sys.executable]
    named = [name for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name]
    chosen = load_settings().export_python
    return list(dict.fromkeys([*own, *([chosen] if chosen else []), *named]))


def states() -> list[State]:
    """Return the state of every format; other interpreters are asked once each."""
    wanted = sorted({tool for form in FORMATS.values() for tool in form.tools})
    known: dict[str, dict[str, str]] = {}
    for python in interpreters():
        try:
            known[python] = _ask(python, {"verb": "probe", "modules": wanted}, PROBE_S)["modules"]
        except AppError:  # a Python that went away has no tools; `state` says which are missing
            known[python] = {}
    return [_state(form, known) for form in FORMATS.values()]


def state(name: str) -> State:
    """Return the state of one format."""
    if not FORMATS[name].tools:
        return State(name, True)
    return next(one for one in states() if one.format == name)


def _state(form: ExportFormat, known: Mapping[str, Mapping[str, str]]) -> State:
    if not form.tools:
        return State(form.name, True)
    if form.name == "tensorrt":
        return _tensorrt()
    for python, versions in known.items():
        if all(tool in versions for tool in form.tools):
            return State(form.name, True, (), python, {tool: versions[tool] for tool in form.tools})
    best = max(known.values(), key=lambda found: sum(tool in found for tool in form.tools), default={})
    return State(form.name, False, tuple(tool for tool in form.tools if tool not in best))


def _tensorrt() -> State:
    if importlib.util.find_spec("tensorrt") is None:
        return State("tensorrt", False, ("tensorrt",))
    import torch

    there = torch.cuda.is_available()
    return State("tensorrt", there, gpu=not there)


def check(name: str) -> State:
    """Return the state of a format that can be written here.

    Raises:
        AppError: Its tools are missing; says how to get them.
    """
    found, form = state(name), FORMATS[name]
    if found.ready:
        return found
    raise AppError(*missing_words(found), **missing_values(found, form))


def missing_words(found: State) -> tuple[str, str]:
    """Return what is missing and how to get it, as templates for `missing_values`."""
    if found.gpu:
        return (
            QT_TRANSLATE_NOOP("core", "{title} needs an NVIDIA GPU that PyTorch can use."),
            QT_TRANSLATE_NOOP("core", "Export on the computer where the detector will run."),
        )
    message = QT_TRANSLATE_NOOP("core", "{title} needs packages that are not installed: {missing}.")
    if FORMATS[found.format].separate:
        hint = QT_TRANSLATE_NOOP(
            "core",
            "They bring much along, so give them a Python of their own: python -m venv tools, then "
            "tools/bin/pip install {install}, then name tools/bin/python in {variable}.",
        )
    else:
        hint = QT_TRANSLATE_NOOP("core", "Install them with: pip install {install}.")
    return message, hint


def missing_values(found: State, form: ExportFormat) -> dict[str, str]:
    """Return the values of `missing_words`."""
    return {
        "title": form.title,
        "missing": ", ".join(found.missing),
        "install": form.install,
        "variable": VARIABLE,
    }


def run_states(_request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Tell the state of every format: the job "export.formats"."""
    channel.progress(0.1, "")
    return {"formats": [described(found) for found in states()]}


def described(found: State) -> dict[str, Any]:
    """Return a state as plain data; what is missing as an error's data."""
    form = FORMATS[found.format]
    data: dict[str, Any] = {**asdict(found), "title": form.title, "precisions": list(form.precisions)}
    if not found.ready:
        error = AppError(*missing_words(found), **missing_values(found, form))
        data["problem"] = error.as_dict()
    return data


class Tool:
    """Converts to a format, and runs it, in the Python that has its tools.

    Args:
        name: The format.
        python: The interpreter, from `State`.
        cancelled: Asked while the tool works; it is ended when this returns true.
    """

    def __init__(self, name: str, python: str, cancelled: Callable[[], bool] = lambda: False) -> None:
        self.name, self.python, self._cancelled = name, python, cancelled

    def ask(self, verb: str, **request: Any) -> dict[str, Any]:
        """Have one request done.

        Raises:
            AppError: The tool failed, took too long, or was cancelled.
        """
        asked = {"verb": verb, "format": self.name, **request}
        return _ask(self.python, asked, CONVERT_S, self._cancelled)


def _ask(
    python: str, request: Mapping[str, Any], limit: float, cancelled: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="depthwise-") as folder:
        asked, reply = Path(folder) / "request.json", Path(folder) / "reply.json"
        asked.write_text(json.dumps(request), encoding="utf-8")
        command = [python, "-I", str(Path(export_child.__file__).resolve()), str(asked), str(reply)]
        status = _run(command, folder, limit, cancelled)
        try:
            found = dict(json.loads(reply.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            found = {"error": status}
    if "error" in found:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The converter in {python} failed: {reason}."),
            QT_TRANSLATE_NOOP("core", "Its log says more. Choose another format, or update its packages."),
            python=python,
            reason=str(found["error"]).splitlines()[0].rstrip(".") if found["error"] else "?",
        )
    return found


def _run(command: list[str], folder: str, limit: float, cancelled: Callable[[], bool]) -> str:
    """Run a tool to its end; return how it ended."""
    # What it prints goes where this process's own log goes; it never sees the engine's pipe.
    try:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=2)
    except OSError as error:
        return error.strerror or str(error)
    end = time.monotonic() + limit
    try:
        while process.poll() is None:
            if cancelled() or time.monotonic() > end:
                return "cancelled" if cancelled() else f"no answer within {limit:.0f} s"
            time.sleep(_BETWEEN_LOOKS_S)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    return f"status {process.returncode}"
