"""How a deployed detector is written in each format, and how the file is run to be checked."""

from __future__ import annotations

import json
import struct
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from app.engine.export_tools import Tool
from app.engine.onnx_model import onnx_bytes, onnxruntime, write_onnx
from app.engine.openvino_model import EXAMPLE, convert, openvino
from app.engine.postprocess import Floats
from app.engine.preprocess import Batch

Infer = Callable[[Sequence[Batch]], list[Floats]]
"""Batches → raw outputs, one each."""


@dataclass(frozen=True)
class Plan:
    """What is written.

    Attributes:
        format: Name of the format.
        shape: Input size (height, width).
        dynamic: Whether any other works too.
        precision: Of the weights.
        stride: Largest stride of the detector, pixels.
        pictures: Training pictures that INT8 is calibrated with.
        tool: What converts in another process; None for formats written here.
    """

    format: str
    shape: tuple[int, int]
    dynamic: bool
    precision: str
    stride: int = 32
    pictures: tuple[Path, ...] = ()
    tool: Tool | None = None

    @property
    def batch_shape(self) -> tuple[int, int, int, int]:
        """1, 3, height, width."""
        return (1, 3, *self.shape)


def write(module: Any, draft: Path, plan: Plan, meta: Mapping[str, Any]) -> None:
    """Write a detector.

    Args:
        module: From `openvino_model.for_export`.
        draft: File or folder that does not exist yet.
        plan: How.
        meta: What readers such as stock ultralytics look for beside a model.

    Raises:
        AppError: The format's tool failed.
    """
    _WRITERS[plan.format](module, draft, plan, meta)


def runner(draft: Path, plan: Plan) -> Infer:
    """Return what runs a written detector."""
    return _RUNNERS[plan.format](draft, plan)


def _write_onnx(module: Any, draft: Path, plan: Plan, meta: Mapping[str, Any]) -> None:
    import onnx

    write_onnx(module, draft, None if plan.dynamic else plan.batch_shape)
    if plan.precision == "int8":
        from app.engine.export_int8 import quantise_onnx

        quantise_onnx(draft, list(plan.pictures), plan.shape)
    model = onnx.load(str(draft))
    if plan.precision == "f16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        model = convert_float_to_float16(model, keep_io_types=True)
    for key, value in meta.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.save(model, str(draft))


def _run_onnx(draft: Path, _plan: Plan) -> Infer:
    library = onnxruntime()
    options = library.SessionOptions()
    options.log_severity_level = 3
    session = library.InferenceSession(draft, options, providers=["CPUExecutionProvider"])
    return lambda batches: [session.run(None, {"images": batch})[0] for batch in batches]


def _write_openvino(module: Any, draft: Path, plan: Plan, meta: Mapping[str, Any]) -> None:
    model = convert(module)
    if plan.precision == "int8":
        from app.engine.quantise import quantised

        model = quantised(model, list(plan.pictures), max(plan.shape), plan.stride)
    if not plan.dynamic:
        model.reshape(list(plan.batch_shape))
    labels = [_word(name) for name in meta["names"].values()]
    about = {"model_type": "YOLO", "reverse_input_channels": True, "pad_value": 114, "scale_values": [255.0]}
    for key, value in {**about, "resize_type": "fit_to_window_letterbox", "labels": labels}.items():
        model.set_rt_info(value, ["model_info", key])
    draft.mkdir()
    stem = draft.name.removesuffix("_openvino_model")
    openvino().save_model(model, draft / f"{stem}.xml", compress_to_fp16=plan.precision != "f32")
    _write_metadata(draft, meta)


def _word(name: str) -> str:
    """Return a label as one printable word: OpenVINO's list of labels is divided at spaces, and XML."""
    return "".join(letter if letter.isprintable() and letter != " " else "_" for letter in name) or "_"


def _run_openvino(draft: Path, plan: Plan) -> Infer:
    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino().compile_model(
        next(draft.glob("*.xml")), "CPU", {} if plan.precision == "int8" else exact
    )
    return lambda batches: [compiled(batch)[0].copy() for batch in batches]


def _write_metadata(folder: Path, meta: Mapping[str, Any]) -> None:
    import yaml

    text = yaml.safe_dump(dict(meta), sort_keys=False)
    (folder / "metadata.yaml").write_text(text, encoding="utf-8")


def _traced(module: Any, plan: Plan) -> Any:
    """Return the TorchScript; a fixed size keeps the anchors as constants."""
    import torch

    head = module.model[-1]
    head.dynamic, head.shape = plan.dynamic, None
    example = torch.zeros((1, 3, *EXAMPLE) if plan.dynamic else plan.batch_shape)
    with warnings.catch_warnings(), torch.no_grad():
        # Constants made from shapes and the end of TorchScript are announced; comparing outputs tells.
        warnings.simplefilter("ignore")
        module(example)
        return torch.jit.trace(module, example, check_trace=False)


def _write_torchscript(module: Any, draft: Path, plan: Plan, meta: Mapping[str, Any]) -> None:
    # ultralytics reads its metadata there.
    _traced(module, plan).save(str(draft), _extra_files={"config.txt": json.dumps(dict(meta))})


def _run_torchscript(draft: Path, _plan: Plan) -> Infer:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.load(str(draft), map_location="cpu")

    def infer(batches: Sequence[Batch]) -> list[Floats]:
        with torch.no_grad():
            return [model(torch.from_numpy(batch)).numpy() for batch in batches]

    return infer


def _write_tensorrt(module: Any, draft: Path, plan: Plan, meta: Mapping[str, Any]) -> None:
    from app.engine.tensorrt_runtime import TensorRtRuntime

    built = TensorRtRuntime(onnx_bytes(module, plan.batch_shape), plan.precision, "cuda", 1)
    head = json.dumps(dict(meta)).encode()
    # ultralytics reads the length of its metadata, the metadata, and then the engine.
    draft.write_bytes(struct.pack("<i", len(head)) + head + built.serialised())


def _run_tensorrt(draft: Path, plan: Plan) -> Infer:
    from app.engine.tensorrt_runtime import TensorRtRuntime

    data = draft.read_bytes()
    (length,) = struct.unpack("<i", data[:4])
    runtime = TensorRtRuntime(b"", plan.precision, "cuda", 1, built=data[4 + length :])
    return lambda batches: [runtime.infer(batch) for batch in batches]


def _write_by_tool(module: Any, draft: Path, plan: Plan, meta: Mapping[str, Any]) -> None:
    assert plan.tool is not None
    with tempfile.TemporaryDirectory(prefix="depthwise-") as work:
        between = Path(work) / "model.pt"
        if plan.format == "litert":
            _write_program(module, between, plan)
        else:
            _traced(module, plan).save(str(between))
        plan.tool.ask(
            "convert",
            input=str(between),
            output=str(draft.resolve()),
            work=work,
            shape=plan.batch_shape,
            precision=plan.precision,
            meta={key: str(value) for key, value in meta.items()},
        )
    if plan.format == "ncnn":
        _write_metadata(draft, meta)


def _write_program(module: Any, target: Path, plan: Plan) -> None:
    import torch

    head = module.model[-1]
    head.dynamic, head.shape = False, None
    example = torch.zeros(plan.batch_shape)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        module(example)
        torch.export.save(torch.export.export(module, (example,)), str(target))


def _run_by_tool(draft: Path, plan: Plan) -> Infer:
    tool = plan.tool
    assert tool is not None

    def infer(batches: Sequence[Batch]) -> list[Floats]:
        with tempfile.TemporaryDirectory(prefix="depthwise-") as work:
            asked, found = Path(work) / "batches.npy", Path(work) / "results.npy"
            np.save(asked, np.stack(batches))
            tool.ask(
                "infer",
                output=str(draft.resolve()),
                batches=str(asked),
                results=str(found),
                precision=plan.precision,
            )
            return list(np.load(found)[:, None])

    return infer


_WRITERS = MappingProxyType(
    {
        "onnx": _write_onnx,
        "openvino": _write_openvino,
        "torchscript": _write_torchscript,
        "tensorrt": _write_tensorrt,
        "ncnn": _write_by_tool,
        "coreml": _write_by_tool,
        "litert": _write_by_tool,
    }
)
_RUNNERS: Mapping[str, Callable[[Path, Plan], Infer]] = MappingProxyType(
    {
        "onnx": _run_onnx,
        "openvino": _run_openvino,
        "torchscript": _run_torchscript,
        "tensorrt": _run_tensorrt,
        "ncnn": _run_by_tool,
        "coreml": _run_by_tool,
        "litert": _run_by_tool,
    }
)
