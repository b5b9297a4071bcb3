"""A design as something that runs: built, deployed, converted for a runtime in one input shape."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from app.core.design import Design
from app.core.errors import AppError
from app.core.latency import Setting
from app.core.latency_forms import forms_by_path
from app.core.latency_units import NO_FORMS
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.model_cache import one_thread
from app.engine.preprocess import Batch
from app.engine.runtimes import OnnxRuntime, OpenVinoRuntime, TorchRuntime


class Built:
    """A deployed model with fresh weights: its time does not depend on them.

    Args:
        design: what to build.
        setting: what it shall run on.
        shape: height and width of the input.
        forms: as in `latency_units.units`.
    """

    def __init__(
        self, design: Design, setting: Setting, shape: tuple[int, int], forms: Mapping[str, str] = NO_FORMS
    ) -> None:
        self.design, self.setting, self.shape = design, setting, shape
        self._forms = forms
        self._converted: Any = None
        self._plain: Any = None

    def runtime(self, *, counting: bool = False, profile: Path | None = None) -> Any:
        """Return the model on its runtime; the plain one is made once.

        Args:
            counting: let OpenVINO time its operations.
            profile: let ONNX Runtime write a profile.

        Raises:
            AppError: the runtime, device or precision cannot be used here.
        """
        if not counting and profile is None:
            if self._plain is None:
                self._plain = _MAKERS[self.setting.runtime](self, {})
            return self._plain
        return _MAKERS[self.setting.runtime](
            self, {"counting": counting} if counting else {"profile": profile}
        )

    def batch(self) -> Batch:
        """Return an input: noise from 0 to 1."""
        generator = np.random.default_rng(0)
        return generator.random((self.setting.batch, 3, *self.shape), dtype=np.float32)

    def converted(self) -> Any:
        """Return the model as its runtime reads it; made once."""
        if self._converted is None:
            with one_thread():
                self._converted = _WRITERS[self.setting.runtime](self._deployed(), self._input())
                if self.setting.precision == "int8":
                    self._converted = quantised(self._converted, self.batch())
        return self._converted

    def _input(self) -> tuple[int, int, int, int]:
        return (self.setting.batch, 3, *self.shape)

    def _deployed(self) -> Any:
        import torch

        from app.engine import models

        torch.manual_seed(0)
        model = models.build_model(self.design).eval()
        return models.deployed(model, forms=forms_by_path(self.design, self._forms))


def _openvino(built: Built, options: dict[str, Any]) -> Any:
    s = built.setting
    precision = "f32" if s.precision == "int8" else s.precision
    return OpenVinoRuntime(built.converted(), precision, s.device, s.threads, batch=s.batch, **options)


def _onnxruntime(built: Built, options: dict[str, Any]) -> Any:
    s = built.setting
    return OnnxRuntime(built.converted(), s.precision, s.device, s.threads, batch=s.batch, **options)


def _tensorrt(built: Built, options: dict[str, Any]) -> Any:
    from app.engine.tensorrt_runtime import TensorRtRuntime

    s = built.setting
    return TensorRtRuntime(built.converted(), s.precision, s.device, s.threads, batch=s.batch, **options)


def _torch(built: Built, _options: dict[str, Any]) -> Any:
    s = built.setting
    return TorchRuntime(built.converted(), s.precision, s.device, s.threads, batch=s.batch)


def _write_openvino(deployed: Any, shape: tuple[int, int, int, int]) -> Any:
    from app.engine.openvino_model import convert

    return convert(deployed, shape)


def _write_onnx(deployed: Any, shape: tuple[int, int, int, int]) -> bytes:
    from app.engine.onnx_model import onnx_bytes

    return onnx_bytes(deployed, shape)


_MAKERS = {
    "openvino": _openvino,
    "onnxruntime": _onnxruntime,
    "tensorrt": _tensorrt,
    "torch": _torch,
}
_WRITERS = {
    "tensorrt": _write_onnx,
    "openvino": _write_openvino,
    "onnxruntime": _write_onnx,
    "torch": lambda deployed, _shape: deployed,
}


def quantised(model: Any, example: Batch) -> Any:
    """Return an OpenVINO model in INT8, calibrated on noise: enough for its time, not for its accuracy.

    Raises:
        AppError: NNCF is not installed.
    """
    check_int8("openvino")
    nncf = importlib.import_module("nncf")
    nncf.set_log_level(logging.ERROR)
    with contextlib.redirect_stdout(sys.stderr):  # its progress bars
        return nncf.quantize(model, nncf.Dataset([example]), subset_size=1)


def check_int8(runtime: str) -> None:
    """Check that INT8 can be measured on a runtime.

    Raises:
        AppError: only OpenVINO can, or NNCF is not installed.
    """
    if runtime != "openvino":
        raise AppError(
            QT_TRANSLATE_NOOP("core", "INT8 can be measured on OpenVINO only."),
            QT_TRANSLATE_NOOP("core", "Choose the runtime openvino, or another precision."),
        )
    if importlib.util.find_spec("nncf") is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "INT8 needs the package NNCF, which is not installed."),
            QT_TRANSLATE_NOOP("core", "Install it with: pip install nncf. Or choose another precision."),
        )
