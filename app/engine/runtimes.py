"""What executes a detector: PyTorch, OpenVINO or ONNX Runtime, on a device, in a precision, with some threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from app.core.errors import AppError
from app.core.runtime_table import INT8, RUNTIMES, processors
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.onnx_model import SIZES, onnxruntime
from app.engine.openvino_model import for_export, openvino
from app.engine.postprocess import Floats
from app.engine.preprocess import Batch

if TYPE_CHECKING:
    from torch import nn

PRECISIONS = ("f32", "bf16", "f16", "int8")
_CAPABILITIES = {"f32": "FP32", "bf16": "BF16", "f16": "FP16"}
_SHAPES_KEPT = 8
"""Input sizes kept compiled; the one unused for longest goes first."""


class Runtime(Protocol):
    """Executes a detector. `infer` returns when the result is there, on accelerators too.

    The array it returns stays valid until the next call.
    """

    name: str
    precision: str
    device: str
    threads: int
    batch: int

    def is_ready(self, shape: tuple[int, int]) -> bool:
        """Return whether the next input of this height and width runs at full speed."""

    def prepare(self, shape: tuple[int, int]) -> None:
        """Compile for inputs of this height and width, and run once."""

    def infer(self, batch: Batch) -> Floats:
        """Return the raw output for an N×3×H×W input, N being `batch`."""


def default_threads() -> int:
    """Return the number of processors this process may use."""
    return processors()


class OpenVinoRuntime:
    """A converted detector on OpenVINO, compiled per input size.

    Args:
        model: From `openvino_model.convert`, or where it was saved.
        precision: "f32", "bf16" or "f16"; "int8" for a quantised model, whose other operations compute in bf16 or f32.
        device: As OpenVINO names it, for example "cpu".
        threads: Processors to use.
        batch: Pictures per call.
        counting: Whether to time every operation, for `counters`; costs a little.
    """

    name = "openvino"

    def __init__(
        self,
        model: Path | Any,
        precision: str,
        device: str,
        threads: int,
        *,
        batch: int = 1,
        counting: bool = False,
    ) -> None:
        library = openvino()
        self._core = library.Core()
        self._target = device.upper()
        if self._target.split(".")[0] not in {name.split(".")[0] for name in self._core.available_devices}:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "OpenVINO finds no device “{device}” here."),
                QT_TRANSLATE_NOOP("core", "Choose one of: {names}."),
                device=device,
                names=", ".join(name.lower() for name in self._core.available_devices),
            )
        if precision != INT8 and precision not in self.precisions(self._core, self._target):
            raise AppError(
                QT_TRANSLATE_NOOP("core", "OpenVINO cannot compute in {precision} on this {device}."),
                QT_TRANSLATE_NOOP("core", "Choose one of: {names}."),
                precision=precision,
                device=device,
                names=", ".join(self.precisions(self._core, self._target)),
            )
        self.precision, self.device, self.threads, self.batch = precision, device, threads, batch
        able = self.precisions(self._core, self._target)
        # What of a quantised model stays in floats: in bf16 its accuracy is the same (measured), and it is faster.
        self._floats = "bf16" if "bf16" in able else "f32"
        self._counting = counting
        self._model = self._core.read_model(model) if isinstance(model, Path) else model
        self._requests: dict[tuple[int, int], Any] = {}

    @staticmethod
    def precisions(core: Any, target: str) -> tuple[str, ...]:
        """Return the precisions in which a device can compute."""
        able = core.get_property(target, "OPTIMIZATION_CAPABILITIES")
        return tuple(name for name, capability in _CAPABILITIES.items() if capability in able)

    def is_ready(self, shape: tuple[int, int]) -> bool:
        """Return whether it is compiled for inputs of this height and width."""
        return shape in self._requests

    def prepare(self, shape: tuple[int, int]) -> None:
        """Compile for inputs of this height and width, and run once."""
        if shape not in self._requests:
            while len(self._requests) >= _SHAPES_KEPT:
                del self._requests[next(iter(self._requests))]
            self._requests[shape] = self._compile(shape)
            self.infer(np.zeros((self.batch, 3, *shape), dtype=np.float32))

    def _compile(self, shape: tuple[int, int]) -> Any:
        # Without the hint OpenVINO computes in bf16 wherever the processor has it.
        options: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": self._floats if self.precision == INT8 else self.precision,
            "NUM_STREAMS": 1,
        }
        if self._target == "CPU":
            options["INFERENCE_NUM_THREADS"] = self.threads
        if self._counting:
            options["PERF_COUNT"] = True
        model = self._model.clone()
        model.reshape([self.batch, 3, *shape])
        return self._core.compile_model(model, self._target, options).create_infer_request()

    def infer(self, batch: Batch) -> Floats:
        """Return the raw output for an N×3×H×W input."""
        shape = (batch.shape[2], batch.shape[3])
        if shape not in self._requests:
            self.prepare(shape)
        request = self._requests[shape] = self._requests.pop(shape)  # used last, so it stays longest
        raw: Floats = request.infer({0: batch}, share_inputs=True, share_outputs=True)[0]
        return raw

    def counters(self) -> list[tuple[str, float]]:
        """Return operation and milliseconds of the last call, in order of execution; empty unless `counting`."""
        request = next(reversed(self._requests.values()))
        told = request.profiling_info if self._counting else ()
        return [
            (row.node_name, row.real_time.total_seconds() * 1e3)
            for row in told
            if row.status == row.status.EXECUTED
        ]


class OnnxRuntime:
    """A converted detector on ONNX Runtime, with a session per input size.

    Args:
        model: From `onnx_model.onnx_bytes`, or where it was saved.
        precision: "f32"; "int8" for a quantised model.
        device: "cpu", "cuda" or "cuda:1".
        threads: Processors to use.
        batch: Pictures per call.
        profile: Where ONNX Runtime shall write what each operation took.
    """

    name = "onnxruntime"

    def __init__(
        self,
        model: Path | bytes,
        precision: str,
        device: str,
        threads: int,
        *,
        batch: int = 1,
        profile: Path | None = None,
    ) -> None:
        self._library = onnxruntime()
        self._providers = _onnx_providers(self._library, device, precision)
        self.precision, self.device, self.threads, self.batch = precision, device, threads, batch
        self._model = str(model) if isinstance(model, Path) else model
        self._profile = profile
        self._sessions: dict[tuple[int, int], Any] = {}
        self._input = "images"

    def is_ready(self, shape: tuple[int, int]) -> bool:
        """Return whether there is a session for inputs of this height and width."""
        return shape in self._sessions

    def prepare(self, shape: tuple[int, int]) -> None:
        """Make a session for inputs of this height and width, and run once."""
        if shape not in self._sessions:
            while len(self._sessions) >= _SHAPES_KEPT:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[shape] = self._session(shape)
            self.infer(np.zeros((self.batch, 3, *shape), dtype=np.float32))

    def _session(self, shape: tuple[int, int]) -> Any:
        options = self._library.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = self.threads
        # Threads that go on spinning after a call would take the time of the other detector.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        for name, size in zip(SIZES, (self.batch, *shape), strict=True):
            options.add_free_dimension_override_by_name(name, size)
        if self._profile is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(self._profile)
        session = self._library.InferenceSession(self._model, options, providers=self._providers)
        self._input = session.get_inputs()[0].name
        return session

    def infer(self, batch: Batch) -> Floats:
        """Return the raw output for an N×3×H×W input."""
        shape = (batch.shape[2], batch.shape[3])
        if shape not in self._sessions:
            self.prepare(shape)
        session = self._sessions[shape] = self._sessions.pop(shape)
        raw: Floats = session.run(None, {self._input: batch})[0]
        return raw

    def finish_profile(self) -> Path:
        """End the session used last and return the file of what every operation of every call took."""
        return Path(next(reversed(self._sessions.values())).end_profiling())


def _onnx_providers(library: Any, device: str, precision: str) -> list[Any]:
    kind, _, number = device.partition(":")
    if precision not in ("f32", INT8):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "ONNX Runtime computes in f32 here, not {precision}."),
            QT_TRANSLATE_NOOP("core", "Choose f32, or OpenVINO."),
            precision=precision,
        )
    known = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
    able = [name for name, provider in known.items() if provider in library.get_available_providers()]
    if kind not in able:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "ONNX Runtime finds no device “{device}” here."),
            QT_TRANSLATE_NOOP("core", "Choose one of: {names}."),
            device=device,
            names=", ".join(able),
        )
    if kind == "cpu":
        return [known["cpu"]]
    return [(known["cuda"], {"device_id": int(number or 0)}), known["cpu"]]


class TorchRuntime:
    """The deployed form on PyTorch.

    Attributes:
        module: the model.
    """

    name = "torch"

    def __init__(
        self, deployed: nn.Module, precision: str, device: str, threads: int, *, batch: int = 1
    ) -> None:
        import torch

        _check_torch(device, precision)
        # ultralytics sets one thread less than there are, at import and at its first predict.
        torch.set_num_threads(threads)
        self.precision, self.device, self.threads, self.batch = precision, device, threads, batch
        self._type = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[precision]
        module: Any = for_export(deployed)
        self.module = module.to(device=device, dtype=self._type)
        # Anchors are made again only when the input size changes.
        self.module.model[-1].dynamic = False
        self._seen: set[tuple[int, int]] = set()

    def is_ready(self, shape: tuple[int, int]) -> bool:
        """Return whether it has run on inputs of this height and width."""
        return shape in self._seen

    def prepare(self, shape: tuple[int, int]) -> None:
        """Run once on inputs of this height and width."""
        if shape not in self._seen:
            self._seen.add(shape)
            self.infer(np.zeros((self.batch, 3, *shape), dtype=np.float32))

    def infer(self, batch: Batch) -> Floats:
        """Return the raw output for an N×3×H×W input; fetching it waits for the accelerator."""
        import torch

        with torch.inference_mode():
            raw = self.module(torch.from_numpy(batch).to(self.device, self._type))
            result: Floats = raw.to("cpu", torch.float32).numpy()
        return result


def _check_torch(device: str, precision: str) -> None:
    import torch

    kind = device.split(":")[0]
    checks: dict[str, Callable[[], bool]] = {
        "cpu": lambda: True,
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if kind not in checks:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "PyTorch knows no device “{device}”."),
            QT_TRANSLATE_NOOP("core", "Choose cpu, cuda, cuda:1 or mps."),
            device=device,
        )
    if not checks[kind]():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "PyTorch cannot use “{device}” here."),
            QT_TRANSLATE_NOOP("core", "Choose cpu, or run “python main.py doctor” to see what is missing."),
            device=device,
        )
    if kind == "cuda" and ":" in device and int(device.split(":")[1]) >= torch.cuda.device_count():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no “{device}”."),
            QT_TRANSLATE_NOOP("core", "PyTorch finds {count} CUDA device(s) here."),
            device=device,
            count=torch.cuda.device_count(),
        )
    if kind == "cpu" and precision != "f32":
        raise AppError(
            QT_TRANSLATE_NOOP("core", "PyTorch on the CPU runs in f32 here, not {precision}."),
            QT_TRANSLATE_NOOP("core", "Choose f32, or OpenVINO."),
            precision=precision,
        )


__all__ = [
    "INT8",
    "PRECISIONS",
    "RUNTIMES",
    "OnnxRuntime",
    "OpenVinoRuntime",
    "Runtime",
    "TorchRuntime",
    "default_threads",
]
