"""ONNX in INT8: convolutions between quantise and dequantise nodes, calibrated on training pictures."""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.preprocess import Batch, fit, prepare

_DECODING = "dfl"
"""What turns a box's distribution into a distance stays in floats: a box 600 pixels away needs more than 8 bits."""


def quantise_onnx(path: Path, pictures: list[Path], shape: tuple[int, int]) -> None:
    """Quantise an ONNX file in place, with ONNX Runtime's static quantisation (QDQ, per channel).

    Args:
        path: The file, in f32.
        pictures: What the ranges of the activations are taken from.
        shape: Height and width of the network input.

    Raises:
        AppError: No picture can be read.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Pictures(CalibrationDataReader):
        """Gives one picture after the other."""

        def __init__(self) -> None:
            self.count = 0
            self._batches = batches(pictures, shape)

        def get_next(self) -> dict[str, Any] | None:
            """Return the next network input, or None after the last."""
            batch = next(self._batches, None)
            self.count += batch is not None
            return None if batch is None else {"images": batch}

    reader = Pictures()
    with tempfile.TemporaryDirectory(prefix="depthwise-") as folder, contextlib.redirect_stdout(sys.stderr):
        ready, done = Path(folder) / "ready.onnx", Path(folder) / "int8.onnx"
        quant_pre_process(str(path), str(ready), skip_symbolic_shape=True)
        names = [node.name for node in onnx.load(str(ready)).graph.node if _DECODING in node.name]
        logging.getLogger().setLevel(logging.ERROR)
        try:
            quantize_static(
                str(ready),
                str(done),
                reader,
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv"],
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=names,
            )
        except ValueError:
            if reader.count:
                raise
            raise AppError(
                QT_TRANSLATE_NOOP("core", "None of the training pictures for INT8 can be read."),
                QT_TRANSLATE_NOOP("core", "Check the data set of the run, or choose another precision."),
            ) from None
        path.write_bytes(done.read_bytes())


def batches(pictures: list[Path], shape: tuple[int, int]) -> Iterator[Batch]:
    """Yield the network inputs of the pictures that can be read."""
    from app.engine.pictures import read_picture

    for path in pictures:
        with contextlib.suppress(AppError, OSError, ValueError):
            picture = read_picture(path)
            yield prepare(picture, fit((picture.shape[0], picture.shape[1]), shape))
