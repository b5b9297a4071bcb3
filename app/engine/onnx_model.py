"""The deployed form of a detector as an ONNX model."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.engine.openvino_model import EXAMPLE, for_export

if TYPE_CHECKING:
    from torch import nn

OPSET = 18

SIZES = ("batch", "height", "width")
"""Names of the open sizes of the input, of a model for any size."""


def write_onnx(
    module: nn.Module, target: Path | io.BytesIO, shape: tuple[int, int, int, int] | None = None
) -> None:
    """Write a model with input `images`, N×3×H×W (RGB, 0 to 1), and the head's raw output `output0`.

    Args:
        module: From `for_export`.
        target: Where to write.
        shape: N, 3, height and width where the input shall have just this size.
    """
    import torch

    file: Any = target  # the exporter takes buffers, whatever its annotation says
    example = torch.zeros(shape or (1, 3, *EXAMPLE))
    head: Any = module.model[-1]  # type: ignore[index]
    # A fixed size keeps the anchors as constants.
    head.dynamic = shape is None
    # ultralytics takes a model for dynamic by its batch.
    open_sizes = {"images": dict(zip((0, 2, 3), SIZES, strict=True)), "output0": {0: "batch", 2: "anchors"}}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
        # Constants made from shapes and the exporter's own future are announced; comparing outputs tells.
        warnings.simplefilter("ignore")
        module(example)
        torch.onnx.export(
            module,
            (example,),
            file,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["output0"],
            dynamic_axes=open_sizes if shape is None else None,
            dynamo=False,
        )


def onnx_bytes(deployed: nn.Module, shape: tuple[int, int, int, int] | None = None) -> bytes:
    """Return the ONNX model.

    Args:
        deployed: From `models.deployed`; its head is changed as by `for_export`.
        shape: As in `write_onnx`.
    """
    buffer = io.BytesIO()
    write_onnx(for_export(deployed), buffer, shape)
    return buffer.getvalue()


def onnxruntime() -> Any:
    """Import ONNX Runtime, telling only what goes wrong."""
    import onnxruntime as library

    library.set_default_logger_severity(3)
    return library
