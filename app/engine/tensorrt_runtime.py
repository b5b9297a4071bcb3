"""What executes a model on NVIDIA's TensorRT: built from ONNX for one input shape, timed layer by layer where asked."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.postprocess import Floats
from app.engine.preprocess import Batch

PRECISIONS = ("f32", "f16")
_INPUT, _OUTPUT = "images", "output0"


def check_tensorrt(device: str, precision: str) -> None:
    """Check that TensorRT can be used.

    Raises:
        AppError: it is not installed, there is no NVIDIA GPU, or the precision is none of its own.
    """
    import torch

    if importlib.util.find_spec("tensorrt") is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "TensorRT is not installed."),
            QT_TRANSLATE_NOOP(
                "core", "Install it with: pip install tensorrt. On a Jetson, JetPack brings it."
            ),
        )
    if not device.startswith("cuda") or not torch.cuda.is_available():
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core", "TensorRT needs an NVIDIA GPU that PyTorch can use; “{device}” is none."
            ),
            QT_TRANSLATE_NOOP("core", "Choose the device cuda, or another runtime."),
            device=device,
        )
    if precision not in PRECISIONS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "TensorRT computes in f32 or f16 here, not {precision}."),
            QT_TRANSLATE_NOOP("core", "Choose one of: {names}."),
            precision=precision,
            names=", ".join(PRECISIONS),
        )


class TensorRtRuntime:
    """A model on TensorRT, for one input shape.

    Args:
        model: From `onnx_model.onnx_bytes`, for a fixed input shape.
        precision: "f32" or "f16".
        device: "cuda", "cuda:1", …
        threads: Processors that PyTorch may use; TensorRT itself needs none.
        batch: Pictures per call.
        counting: Whether to time every layer, for `counters`; costs a little.
        built: An engine from `serialised`, on the same kind of GPU; `model` is not looked at then.

    Raises:
        AppError: TensorRT cannot be used here, or not build this model.
    """

    name = "tensorrt"

    def __init__(
        self,
        model: bytes,
        precision: str,
        device: str,
        threads: int,
        *,
        batch: int = 1,
        counting: bool = False,
        built: bytes | None = None,
    ) -> None:
        check_tensorrt(device, precision)
        import torch

        self.precision, self.device, self.threads, self.batch = precision, device, threads, batch
        self._library = importlib.import_module("tensorrt")
        torch.cuda.set_device(device)
        logger = self._library.Logger(self._library.Logger.ERROR)
        # The deserialised engine lives as long as its runtime.
        self._runtime = self._library.Runtime(logger)
        data = self._build(model, logger) if built is None else built
        self._engine = self._runtime.deserialize_cuda_engine(data)
        self._context = self._engine.create_execution_context()
        self._rows: list[tuple[str, float]] = []
        if counting:
            self._context.profiler = _profiler(self._library, self._rows)
        self._tensors = {
            name: torch.empty(tuple(self._engine.get_tensor_shape(name)), device=device)
            for name in (_INPUT, _OUTPUT)
        }
        for name, tensor in self._tensors.items():
            self._context.set_tensor_address(name, tensor.data_ptr())

    def _build(self, model: bytes, logger: Any) -> Any:
        library = self._library
        builder = library.Builder(logger)
        flags = getattr(library.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
        network = builder.create_network(0 if flags is None else 1 << int(flags))
        parser = library.OnnxParser(network, logger)
        if not parser.parse(model):
            raise AppError(
                QT_TRANSLATE_NOOP("core", "TensorRT cannot read the model: {reason}."),
                QT_TRANSLATE_NOOP("core", "Choose another runtime."),
                reason=parser.get_error(0).desc() if parser.num_errors else "?",
            )
        config = builder.create_builder_config()
        if self.precision == "f16":
            config.set_flag(library.BuilderFlag.FP16)
        else:
            config.clear_flag(library.BuilderFlag.TF32)
        built = builder.build_serialized_network(network, config)
        if built is None:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "TensorRT could not build the model."),
                QT_TRANSLATE_NOOP(
                    "core", "Close other programs that use the GPU, or choose another runtime."
                ),
            )
        return built

    def serialised(self) -> bytes:
        """Return the engine as bytes, for the same kind of GPU and version of TensorRT."""
        return bytes(self._engine.serialize())

    def is_ready(self, shape: tuple[int, int]) -> bool:
        """Return whether it was built for inputs of this height and width."""
        return tuple(self._tensors[_INPUT].shape[2:]) == shape

    def prepare(self, shape: tuple[int, int]) -> None:
        """Run once.

        Raises:
            ValueError: it was built for another size.
        """
        if not self.is_ready(shape):
            raise ValueError(f"built for {tuple(self._tensors[_INPUT].shape)}, not for {shape}")
        self.infer(np.zeros((self.batch, 3, *shape), dtype=np.float32))

    def infer(self, batch: Batch) -> Floats:
        """Return the raw output for an N×3×H×W input; fetching it waits for the GPU."""
        import torch

        self._rows.clear()
        self._tensors[_INPUT].copy_(torch.from_numpy(batch))
        stream = torch.cuda.current_stream()
        self._context.execute_async_v3(stream.cuda_stream)
        result: Floats = self._tensors[_OUTPUT].cpu().numpy()
        return result

    def counters(self) -> list[tuple[str, float]]:
        """Return layer and milliseconds of the last call, in order of execution; empty unless `counting`."""
        return list(self._rows)


def _profiler(library: Any, rows: list[tuple[str, float]]) -> Any:
    """Return what TensorRT reports the time of each layer to."""

    class Profiler(library.IProfiler):
        """Writes the rows down."""

        def __init__(self) -> None:
            library.IProfiler.__init__(self)

        def report_layer_time(self, layer: str, ms: float) -> None:
            """Take one layer."""
            rows.append((layer, ms))

    return Profiler()
