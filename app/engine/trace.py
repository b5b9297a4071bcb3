"""Writes a stock ultralytics model down as plain data: the source of `resources/models/*.json`.

A forward pass is recorded operation by operation. Every number that depends on the number of
classes is stored as an affine form in (classes, class width), found by tracing with several class counts.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from ultralytics import __version__ as ultralytics_version
from ultralytics.nn.modules import Conv
from ultralytics.nn.tasks import DetectionModel

CELL = 32
"""Side of the square of input pixels that the recorded sizes refer to; every tensor grows in proportion to it."""

_OPS = {"convolution": "conv", "cat": "concat", "add": "add", "max_pool2d_with_indices": "pool"}
_ACTIVATIONS = ("silu", "relu", "leaky_relu", "hardswish", "mish", "gelu")
_PROBES = (1, 70, 100, 200)


class _Recorder(TorchDispatchMode):
    """Records which operation made which storage out of which.

    Normalisation and activation count as part of the convolution before them: every runtime computes them in place.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.paths = {module: path for path, module in model.named_modules()}
        self.parents = {child: module for module in model.modules() for child in module.children()}
        self.stack: list[nn.Module] = []
        self.steps: list[dict[str, Any]] = []
        self.tensors: dict[int, int] = {}
        self.kept: list[torch.Tensor] = []
        self.layers: dict[str, tuple[int, int]] = {}

    def hook(self, model: nn.Module) -> list[Any]:
        """Keep track of the module that is running."""
        handles: list[Any] = []
        for module in model.modules():
            handles.append(module.register_forward_pre_hook(lambda m, _: self.stack.append(m)))
            handles.append(module.register_forward_hook(self._leave))
        return handles

    def _leave(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        self.stack.pop()
        path = self.paths[module]
        if path.count(".") == 1 and isinstance(output, torch.Tensor) and output.ndim == 4:
            self.layers[path] = (output.shape[1], output.shape[2])

    def start(self, image: torch.Tensor) -> None:
        """Name the input tensor 0."""
        self.kept.append(image)
        self.tensors[image.untyped_storage()._cdata] = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        result = output[0] if isinstance(output, (tuple, list)) and func._opname != "split" else output
        if isinstance(result, torch.Tensor):
            self._record(func._opname, args, result)
        return output

    def _record(self, name: str, args: Any, result: torch.Tensor) -> None:
        flat = itertools.chain.from_iterable(a if isinstance(a, (tuple, list)) else (a,) for a in args)
        keys = [t.untyped_storage()._cdata for t in flat if isinstance(t, torch.Tensor)]
        inputs = [self.tensors[key] for key in keys if key in self.tensors]
        key = result.untyped_storage()._cdata
        if not inputs or name.startswith("new_") or key in self.tensors:
            return
        self.kept.append(result)
        made_by = self.steps[inputs[0] - 1] if inputs[0] else {}
        if "conv" in made_by and ("batch_norm" in name or name.startswith(_ACTIVATIONS)):
            self.tensors[key] = inputs[0]
            made_by["conv"].update({"norm": True} if "batch_norm" in name else {"act": name.rstrip("_")})
            return
        step: dict[str, Any] = {
            "op": "upsample" if "upsample" in name else _OPS.get(name, "other"),
            "path": self.paths[self.stack[-1]],
            "inputs": inputs,
            "elements": result.numel(),
        }
        if name == "convolution":
            self._describe_convolution(step, result)
        self.steps.append(step)
        self.tensors[key] = len(self.steps)

    def _describe_convolution(self, step: dict[str, Any], result: torch.Tensor) -> None:
        module = self.stack[-1]
        assert isinstance(module, nn.Conv2d)
        parent = self.parents[module]
        owner = parent if isinstance(parent, Conv) else module
        step["path"] = self.paths[owner]
        step["conv"] = {
            "c1": module.in_channels,
            "c2": module.out_channels,
            "k": list(module.kernel_size),
            "s": list(module.stride),
            "p": [int(p) for p in module.padding],
            "g": module.groups,
            "bias": module.bias is not None,
            "norm": False,
            "act": None,
            "pixels": result.shape[2] * result.shape[3],
        }


def _trace(base: str, classes: int) -> tuple[DetectionModel, _Recorder]:
    model = DetectionModel(f"{base}.yaml", nc=classes, verbose=False).eval()
    recorder = _Recorder(model)
    handles = recorder.hook(model)
    image = torch.zeros(1, 3, CELL, CELL)
    recorder.start(image)
    with torch.no_grad(), recorder:
        model(image)
    for handle in handles:
        handle.remove()
    return model, recorder


def _affine(values: list[int], basis: list[tuple[int, int]]) -> int | list[int]:
    """Return a constant, or [a, b, c] with value = a + b·classes + c·class width, exact at every probe."""
    if len(set(values)) == 1:
        return values[0]
    for use in ((1, 2), (1,), (2,)):
        coefficients = _solve(values, basis, use)
        if coefficients is not None:
            return coefficients
    raise ValueError(f"not affine in the number of classes: {values}")


def _solve(values: list[int], basis: list[tuple[int, int]], use: tuple[int, ...]) -> list[int] | None:
    rows = [[Fraction(1), *(Fraction(b[i - 1]) for i in use)] for b in basis]
    for chosen in itertools.combinations(range(len(rows)), len(use) + 1):
        matrix = [[*rows[i], Fraction(values[i])] for i in chosen]
        solution = _eliminate(matrix)
        if solution is None:
            continue
        exact = all(
            sum(a * x for a, x in zip(row, solution, strict=True)) == v
            for row, v in zip(rows, values, strict=True)
        )
        if exact and all(x.denominator == 1 for x in solution):
            full = [0, 0, 0]
            for index, x in zip((0, *use), solution, strict=True):
                full[index] = int(x)
            return full
    return None


def _eliminate(matrix: list[list[Fraction]]) -> list[Fraction] | None:
    n = len(matrix)
    for i in range(n):
        pivot = next((r for r in range(i, n) if matrix[r][i] != 0), None)
        if pivot is None:
            return None
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        matrix[i] = [x / matrix[i][i] for x in matrix[i]]
        for r in range(n):
            if r != i:
                matrix[r] = [x - matrix[r][i] * y for x, y in zip(matrix[r], matrix[i], strict=True)]
    return [row[-1] for row in matrix]


def describe(base: str) -> dict[str, Any]:
    """Return the architecture of a stock base model (for example "yolov5n") as JSON-ready data."""
    traces = [_trace(base, classes) for classes in _PROBES]
    model = traces[0][0]
    head = model.model[-1]
    width = head.cv3[0][0].conv.in_channels
    basis = [(n, max(width, min(n, 100))) for n in _PROBES]
    steps = []
    for group in zip(*(recorder.steps for _, recorder in traces), strict=True):
        step = dict(group[0])
        step["elements"] = _affine([s["elements"] for s in group], basis)
        if "conv" in step:
            step["conv"] = dict(step["conv"])
            for name in ("c1", "c2"):
                step["conv"][name] = _affine([s["conv"][name] for s in group], basis)
        steps.append(step)
    return {
        "format": 1,
        "base": base,
        "source": f"ultralytics {ultralytics_version}",
        "cell": CELL,
        "class_width": {"at_least": width, "at_most": 100},
        "strides": [int(s) for s in head.stride],
        "layers": _layers(model, traces[0][1]),
        "modules": _modules(model),
        "steps": steps,
    }


def _layers(model: DetectionModel, recorder: _Recorder) -> list[dict[str, Any]]:
    head_start = len(model.yaml["backbone"])
    layers: list[dict[str, Any]] = []
    for module in model.model:
        sources = module.f if isinstance(module.f, list) else [module.f]
        absolute = [s if s >= 0 else module.i + s for s in sources]
        part = "backbone" if module.i < head_start else "neck"
        detect = module is model.model[-1]
        shape = recorder.layers.get(f"model.{module.i}")
        layers.append(
            {
                "index": module.i,
                "type": type(module).__name__,
                "sources": absolute,
                "part": "head" if detect else part,
                "channels": None if shape is None else shape[0],
                "stride": None if shape is None else CELL // shape[1],
            }
        )
    return layers


def _modules(model: DetectionModel) -> dict[str, str]:
    """Return path → class name of every module down to, but not into, a convolution."""
    found: dict[str, str] = {}
    for path, module in model.named_modules():
        inside = any(path.startswith(f"{p}.") and found[p] in {"Conv", "DWConv"} for p in found)
        if path.startswith("model.") and not inside:
            found[path] = type(module).__name__
    return found
