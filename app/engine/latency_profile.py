"""What every module takes inside a running model, as the runtime itself tells it.

Modules are not timed alone: in a model they find their input in the processor's caches, are fused with what follows
and share layouts with their neighbours.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from app.core.latency_fit import middle

if TYPE_CHECKING:
    from app.engine.preprocess import Batch

Rows = Mapping[str, float]
"""Module path → milliseconds; "" is what could not be told apart."""


class _OnRuntime(Protocol):
    @property
    def runtime(self) -> str:
        """Name of the runtime."""


class Profiled(Protocol):
    """A model that can be made again with a runtime that counts."""

    @property
    def setting(self) -> _OnRuntime:
        """What it runs on."""

    def runtime(self, *, counting: bool = False, profile: Path | None = None) -> Any:
        """Return it on its runtime; it times its operations, or writes a profile, where asked to."""


RUNS = 12
_WARM_UP = 3
_OPENVINO = re.compile(r"__module\.((?:\w+\.)*\w+)/")
_ONNX_NAME = re.compile(r"/[\w./]+")
_KERNEL = "_kernel_time"


def profile(built: Profiled, batch: Batch, runs: int = RUNS) -> Rows:
    """Return the median over some calls of what every module took.

    Args:
        built: the model.
        batch: its input.
        runs: calls to look at, after a few that are not counted.
    """
    calls = _LOOKS[built.setting.runtime](built, batch, runs)
    paths = dict.fromkeys(path for call in calls for path in call)
    return {path: middle([call.get(path, 0.0) for call in calls]) for path in paths}


def _added(rows: Iterable[tuple[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for path, ms in rows:
        total[path] = total.get(path, 0.0) + ms
    return total


def _openvino(built: Profiled, batch: Batch, runs: int) -> list[dict[str, float]]:
    runtime = built.runtime(counting=True)
    calls = []
    for number in range(_WARM_UP + runs):
        runtime.infer(batch)
        if number >= _WARM_UP:
            calls.append(_added((openvino_path(name), ms) for name, ms in runtime.counters()))
    return calls


def openvino_path(name: str) -> str:
    """Return the module path in an OpenVINO operation's name.

    A change of layout between two operations carries both names; it counts with the one that made the data.
    """
    found = _OPENVINO.search(name)
    return found[1] if found else ""


def _onnxruntime(built: Profiled, batch: Batch, runs: int) -> list[dict[str, float]]:
    with tempfile.TemporaryDirectory(prefix="studio-profile-") as folder:
        runtime = built.runtime(profile=Path(folder) / "profile")
        for _ in range(_WARM_UP + runs):
            runtime.infer(batch)
        events = json.loads(runtime.finish_profile().read_text(encoding="utf-8"))
    calls: list[list[tuple[str, float]]] = [[]]
    last = ""
    for event in events:
        if event.get("name") == "model_run":
            calls.append([])
        if event.get("cat") != "Node" or not event["name"].endswith(_KERNEL):
            continue
        # What changes layouts has no module in its name: it counts with what ran before it.
        last = onnx_path(event["name"].removesuffix(_KERNEL)) or last
        calls[-1].append((last, event["dur"] / 1e3))
    return [_added(rows) for rows in calls if rows][-runs:]


def onnx_path(name: str) -> str:
    """Return the module path in an ONNX operation's name: `/model.24/cv3.1/cv3.1.0/conv/Conv` → model.24.cv3.1.0.conv.

    The exporter writes one component a module; where modules sit in a list each repeats the names above it.
    """
    parts: list[str] = []
    for part in name.split("/")[1:-1]:
        if parts and part.startswith(f"{parts[-1]}."):
            parts[-1] = part
        else:
            parts.append(part)
    return ".".join(parts)


def _tensorrt(built: Profiled, batch: Batch, runs: int) -> list[dict[str, float]]:
    runtime = built.runtime(counting=True)
    calls = []
    for number in range(_WARM_UP + runs):
        runtime.infer(batch)
        if number >= _WARM_UP:
            calls.append(_added((tensorrt_path(name), ms) for name, ms in runtime.counters()))
    return calls


def tensorrt_path(name: str) -> str:
    """Return the module path of the first of the ONNX operations that a TensorRT layer was made of."""
    found = _ONNX_NAME.search(name)
    return onnx_path(found[0]) if found else ""


def _torch(built: Profiled, batch: Batch, runs: int) -> list[dict[str, float]]:
    runtime = built.runtime()
    clock = _HookClock(runtime)
    try:
        calls = []
        for number in range(_WARM_UP + runs):
            clock.start()
            runtime.infer(batch)
            if number >= _WARM_UP:
                calls.append(clock.rows())
        return calls
    finally:
        clock.close()


class _HookClock:
    """Times every module of a torch model, without the modules inside it."""

    def __init__(self, runtime: Any) -> None:
        self._cuda, self._mps = (runtime.device.startswith(name) for name in ("cuda", "mps"))
        self._marks: list[tuple[str, bool, Any]] = []
        self._handles: list[Any] = []
        for path, module in runtime.module.named_modules():
            self._handles.append(module.register_forward_pre_hook(self._hook(path, entering=True)))
            self._handles.append(module.register_forward_hook(self._hook(path, entering=False)))

    def _hook(self, path: str, *, entering: bool) -> Any:
        def mark(*_: Any) -> None:
            self._marks.append((path, entering, self._now()))

        return mark

    def _now(self) -> Any:
        if not (self._cuda or self._mps):
            return time.perf_counter()
        import torch

        if self._mps:
            torch.mps.synchronize()
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def start(self) -> None:
        """Forget the last call."""
        self._marks.clear()

    def rows(self) -> dict[str, float]:
        """Return what the last call, whose result is there, spent in each module itself."""
        rows: list[tuple[str, float]] = []
        stack: list[str] = []
        before: Any = None
        for path, entering, now in self._marks:
            if stack and before is not None:
                rows.append((stack[-1], self._between(before, now)))
            if entering:
                stack.append(path)
            else:
                stack.pop()
            before = now
        return _added(rows)

    def _between(self, begin: Any, end: Any) -> float:
        return float(begin.elapsed_time(end)) if self._cuda else (end - begin) * 1e3

    def close(self) -> None:
        """Take the hooks out."""
        for handle in self._handles:
            handle.remove()


_LOOKS = {"openvino": _openvino, "onnxruntime": _onnxruntime, "tensorrt": _tensorrt, "torch": _torch}
