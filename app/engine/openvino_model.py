"""The deployed form of a detector as an OpenVINO model, for any input size."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from app.engine.environment_setup import silence_openvino

if TYPE_CHECKING:
    from torch import nn

EXAMPLE = (128, 192)
"""Height and width of the traced picture: small to be quick, unequal so that a mix-up of sides shows."""


def openvino() -> Any:
    """Import OpenVINO, silent even where the process was not prepared."""
    silence_openvino()
    import openvino as library

    return library


def for_export(deployed: nn.Module) -> nn.Module:
    """Make the head of a deployed model return boxes alone, for any input size; returns the model.

    Args:
        deployed: From `models.deployed`, whose last layer is the head.
    """
    head: Any = deployed.model[-1]  # type: ignore[index]
    head.export, head.dynamic, head.shape = True, True, None
    return deployed.eval().requires_grad_(False)


def convert(deployed: nn.Module, shape: tuple[int, int, int, int] | None = None) -> Any:
    """Return an `openvino.Model` with input `images`, 1×3×?×? (RGB, 0 to 1), and the head's raw output.

    Args:
        deployed: From `models.deployed`; its head is changed as by `for_export`.
        shape: N, 3, height and width where the input shall have just this size.
    """
    import torch

    example = torch.zeros(shape or (1, 3, *EXAMPLE))
    with warnings.catch_warnings(), torch.no_grad():
        # What they announce (shapes kept as constants, the end of TorchScript) shows in comparing outputs.
        warnings.simplefilter("ignore")
        module = for_export(deployed)
        module(example)
        # The converter's own trace runs the model twice and prints both graphs when node names differ.
        traced = torch.jit.trace(module, example, check_trace=False)
        library = openvino()
        model = library.convert_model(traced, example_input=example)
    model.reshape(list(shape or (1, 3, -1, -1)))
    model.input(0).set_names({"images"})
    model.output(0).set_names({"output0"})
    return model
