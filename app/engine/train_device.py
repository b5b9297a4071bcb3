"""What a training asks of its device: its name, the memory in use, whether mixed precision computes rightly."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from ultralytics.engine import trainer as stock
from ultralytics.utils.torch_utils import unwrap_model


def device_name(device: torch.device) -> str:
    """Return what people call a device."""
    if device.type == "cuda":
        return f"cuda:{device.index or 0} {torch.cuda.get_device_name(device)}"
    return device.type


def memory_in_use(device: torch.device) -> int:
    """Return the bytes in use: the process's on a CPU, the reserved ones on an accelerator."""
    if device.type == "cuda":
        return int(torch.cuda.memory_reserved(device))
    import psutil

    return int(psutil.Process().memory_info().rss)


def laid_out(model: nn.Module, device: torch.device, wanted: bool | None = None) -> nn.Module:
    """Return a model with its channels last in memory where a CPU computes faster that way.

    oneDNN trains depthwise convolutions up to twice as fast then (docs/adr/0015), above all those with several filters
    per channel. On CUDA stock does the same; weights are saved in the ordinary layout.

    Args:
        model: The model, on any device.
        device: What it will train on.
        wanted: The user's word; None where they said nothing.
    """
    helps = device.type == "cpu" and torch.backends.mkldnn.is_available()
    if helps and wanted is not False:
        return model.to(memory_format=torch.channels_last)
    return model


@contextmanager
def amp_checked_on(device: torch.device) -> Iterator[None]:
    """Let stock's trainer check mixed precision by `amp_works`; its own check would download a model."""
    original = stock.check_amp
    stock.check_amp = lambda model: amp_works(model, device)
    try:
        yield
    finally:
        stock.check_amp = original


def amp_works(model: nn.Module, device: torch.device) -> bool:
    """Compare a pass in mixed precision with one in full, on noise."""
    if device.type != "cuda":
        return False
    image = torch.rand(1, 3, 256, 256, device=device)
    probe = copy.deepcopy(unwrap_model(model)).eval()
    with torch.no_grad():
        full = probe(image)[0]
        with torch.autocast("cuda"):
            mixed = probe(image)[0]
    difference = (full - mixed.float()).abs()
    return bool(torch.isfinite(mixed).all()) and float(difference[:, 4:].max()) < 0.5
