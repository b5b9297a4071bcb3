"""Records a forward pass operation by operation: which made what, out of what, how large, with how much arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from ultralytics.nn.modules import Conv

_OPS = {
    "add": "add",
    "baddbmm": "matmul",
    "bmm": "matmul",
    "cat": "concat",
    "convolution": "conv",
    "max_pool2d_with_indices": "pool",
    "mm": "matmul",
    "mul": "mul",
}
_ACTIVATIONS = ("silu", "relu", "leaky_relu", "hardswish", "mish", "gelu", "elu", "hardtanh")


_NAMES = {"hardtanh": "relu6"}
"""How torch calls what it runs for an activation → the activation."""


@dataclass
class RecordedConvolution:
    """A convolution that ran; see `app.core.architecture.Convolution`."""

    c1: int
    c2: int
    k: list[int]
    s: list[int]
    p: list[int]
    g: int
    bias: bool
    pixels: int
    norm: bool = False
    act: str | None = None


@dataclass
class RecordedStep:
    """An operation that ran; see `app.core.architecture.Step`. `elements` and `flops` are those of this input."""

    op: str
    path: str
    inputs: list[int]
    elements: int
    flops: int
    conv: RecordedConvolution | None = None


@dataclass
class Recording:
    """One forward pass.

    Attributes:
        steps: the operations in order.
        layers: layer path → (channels, rows) of its output, where that is one picture-like tensor.
        covered: parameters and BatchNorms that belong to a recorded convolution.
    """

    steps: list[RecordedStep] = field(default_factory=list)
    layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    covered: set[nn.Module] = field(default_factory=set)


def record(model: nn.Module, height: int, width: int) -> Recording:
    """Return the recording of a forward pass of one picture.

    Args:
        model: in eval mode.
        height, width: of the picture in pixels.
    """
    device = next(model.parameters()).device
    recorder = _Recorder(model)
    image = torch.zeros(1, 3, height, width, device=device)
    recorder.start(image)
    with torch.no_grad(), recorder.hooked(model), recorder:
        model(image)
    return recorder.recording


class _Recorder(TorchDispatchMode):
    """Normalisation behind a convolution and every activation count as part of what runs before them, in place.

    Tensors are told apart by their storage, so views are no operations.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.recording = Recording()
        self._paths = {module: path for path, module in model.named_modules()}
        self._parents = {child: module for module in model.modules() for child in module.children()}
        self._stack: list[nn.Module] = []
        self._tensors: dict[int, int] = {}
        self._kept: list[torch.Tensor] = []

    @contextmanager
    def hooked(self, model: nn.Module) -> Iterator[None]:
        """Keep track of the module that is running."""
        handles: list[Any] = []
        for module in model.modules():
            handles.append(module.register_forward_pre_hook(lambda m, _: self._stack.append(m)))
            handles.append(module.register_forward_hook(self._leave))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _leave(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        self._stack.pop()
        path = self._paths[module]
        if path.count(".") != 1:
            return
        pieces = output if isinstance(output, (tuple, list)) else (output,)
        if all(isinstance(piece, torch.Tensor) and piece.ndim == 4 for piece in pieces):
            self.recording.layers[path] = (sum(piece.shape[1] for piece in pieces), pieces[0].shape[2])

    def start(self, image: torch.Tensor) -> None:
        """Name the input tensor 0."""
        self._kept.append(image)
        self._tensors[image.untyped_storage()._cdata] = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        values = kwargs or {}
        if "batch_norm" in func._opname and args[0].is_meta:  # the same sizes; working them out takes long
            output: Any = (torch.empty_like(args[0]), *(args[0].new_empty(0) for _ in range(2)))
        else:
            output = func(*args, **values)
        result = output[0] if isinstance(output, (tuple, list)) and func._opname != "split" else output
        if isinstance(result, torch.Tensor):
            counter: Callable[..., int] | None = flop_registry.get(func._overloadpacket)
            flops = 0 if counter is None else counter(*args, **values, out_val=output)
            self._record(func._opname, args, result, flops)
        return output

    def _record(self, name: str, args: Any, result: torch.Tensor, flops: int) -> None:
        steps = self.recording.steps
        flat = itertools.chain.from_iterable(a if isinstance(a, (tuple, list)) else (a,) for a in args)
        keys = [t.untyped_storage()._cdata for t in flat if isinstance(t, torch.Tensor)]
        inputs = [self._tensors[key] for key in keys if key in self._tensors]
        key = result.untyped_storage()._cdata
        if not inputs or name.startswith("new_") or key in self._tensors:
            return
        self._kept.append(result)
        made_by = steps[inputs[0] - 1].conv if inputs[0] else None
        activates = name.startswith(_ACTIVATIONS)
        if activates or (made_by is not None and "batch_norm" in name):
            self._tensors[key] = inputs[0]
            if made_by is not None:
                self._complete(made_by, name)
            return
        op = "upsample" if "upsample" in name else _OPS.get(name, "other")
        step = RecordedStep(op, self._paths[self._stack[-1]], inputs, result.numel(), flops)
        if name == "convolution":
            self._describe_convolution(step, args[6], result)
        steps.append(step)
        self._tensors[key] = len(steps)

    def _complete(self, conv: RecordedConvolution, name: str) -> None:
        """Add the normalisation or activation that runs now to the convolution before it."""
        if "batch_norm" in name:
            conv.norm = True
            self.recording.covered.add(self._stack[-1])
        else:
            conv.act = _NAMES.get(name.rstrip("_"), name.rstrip("_"))

    def _describe_convolution(self, step: RecordedStep, transposed: bool, result: torch.Tensor) -> None:
        module = self._stack[-1]
        if transposed or not isinstance(module, nn.Conv2d) or max(module.dilation) > 1:
            step.op = "deconv" if transposed else "other"
            return
        parent = self._parents[module]
        owner = parent if isinstance(parent, Conv) else module
        step.path = self._paths[owner]
        step.conv = RecordedConvolution(
            c1=module.in_channels,
            c2=module.out_channels,
            k=list(module.kernel_size),
            s=list(module.stride),
            p=[int(p) for p in module.padding],
            g=module.groups,
            bias=module.bias is not None,
            pixels=result.shape[2] * result.shape[3],
        )
        step.flops = 0
        self.recording.covered.add(module)
