"""The export formats: what each is called, stores, ends in, and which Python packages it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

PRECISIONS = ("f32", "f16", "int8")


@dataclass(frozen=True)
class ExportFormat:
    """One format.

    Attributes:
        name: As the command line spells it.
        title: As people spell it.
        ending: What names of its files or folders end in.
        precisions: What its weights can be stored in.
        packages: Distributions that a bundle needs, beside NumPy and OpenCV.
        tools: Python modules that write and read it, beside those the Studio needs anyway.
        install: What `pip install` is given to get them.
        runtime: Whose fastest forms of the blocks are written; empty where none are measured here.
        is_folder: Whether it is a folder.
        dynamic: Whether the input can be left open.
        separate: Whether its tools drag in so much that they belong into a Python environment of their own.
    """

    name: str
    title: str
    ending: str
    precisions: tuple[str, ...]
    packages: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    install: str = ""
    runtime: str = ""
    is_folder: bool = False
    dynamic: bool = False
    separate: bool = False


_ALL = (
    ExportFormat("onnx", "ONNX", ".onnx", PRECISIONS, ("onnxruntime",), runtime="onnxruntime", dynamic=True),
    ExportFormat(
        "openvino",
        "OpenVINO",
        "_openvino_model",
        PRECISIONS,
        ("openvino",),
        runtime="openvino",
        is_folder=True,
        dynamic=True,
    ),
    ExportFormat(
        "torchscript", "TorchScript", ".torchscript", ("f32",), ("torch",), runtime="torch", dynamic=True
    ),
    ExportFormat(
        "tensorrt",
        "TensorRT",
        ".engine",
        ("f32", "f16"),
        tools=("tensorrt",),
        install="tensorrt",
        runtime="tensorrt",
    ),
    ExportFormat(
        "ncnn",
        "NCNN",
        "_ncnn_model",
        ("f32", "f16"),
        ("ncnn",),
        tools=("ncnn", "pnnx"),
        install="ncnn pnnx",
        is_folder=True,
    ),
    ExportFormat(
        "coreml",
        "CoreML",
        ".mlpackage",
        ("f32", "f16"),
        ("coremltools",),
        tools=("coremltools", "torch"),
        install="coremltools torch",
        is_folder=True,
        separate=True,
    ),
    ExportFormat(
        "litert",
        "LiteRT",
        ".tflite",
        ("f32",),
        ("ai-edge-litert",),
        tools=("litert_torch", "ai_edge_litert", "torch"),
        install="litert-torch",
        separate=True,
    ),
)

FORMATS: Mapping[str, ExportFormat] = MappingProxyType({one.name: one for one in _ALL})
"""Name → format, the usual ones first."""

NO_BUNDLE = ("tensorrt",)
"""Formats without a bundle: TensorRT's engine runs on the kind of GPU that it was built on alone."""
