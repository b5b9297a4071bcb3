"""Writes a standard model down as plain data: the source of `resources/models`, and of users' own models.

Forward passes are recorded operation by operation, on the meta device, for several input sizes and numbers of classes;
what the numbers depend on is found exactly (see `app.engine.trace_fit`), or the model is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from math import log2
from typing import Any

import torch
from torch import nn
from ultralytics import __version__ as ultralytics_version
from ultralytics.nn.modules import Detect
from ultralytics.nn.tasks import DetectionModel

from app.core.architecture_file import FORMAT
from app.engine.models import deployed
from app.engine.stock import stock_model
from app.engine.trace_fit import GRIDS, PROBES, NoFormulaError, fit_classes, fit_size
from app.engine.trace_record import RecordedStep, Recording, record

_SMALLEST_CELL, _LARGEST_CELL = 32, 128
_WIDEST_CLASSES = 100
_WHOLE = frozenset({"Conv", "DWConv"})
"""Classes that are shown as one convolution."""

_PASSIVE = (
    nn.SiLU,
    nn.ReLU,
    nn.LeakyReLU,
    nn.Mish,
    nn.Hardswish,
    nn.GELU,
    nn.ReLU6,
    nn.ELU,
    nn.SELU,
    nn.Identity,
)
"""Classes that are not shown inside a layer."""


@dataclass(frozen=True)
class _Traces:
    """Recordings of one form of a model.

    Attributes:
        grids: one for each input size, with the fewest classes.
        probes: one for each number of classes, at the smallest input size.
        models: one for each number of classes.
    """

    grids: list[Recording]
    probes: list[Recording]
    models: list[nn.Module]


def describe(base: str) -> dict[str, Any]:
    """Return the architecture of a base model (for example "yolov5n") as data in the format of its file.

    Raises:
        AppError: there is no such base model.
        NoFormulaError: its sizes or its dependence on the classes cannot be said in the format.
    """
    models = [stock_model(base, classes, "meta").eval() for classes in PROBES]
    cell = max(_SMALLEST_CELL, int(models[0].stride.max()))
    while True:
        try:
            return _describe(base, models, cell)
        except (NoFormulaError, RuntimeError):  # a level inside that is smaller than those it predicts on
            if cell >= _LARGEST_CELL:
                raise
            cell *= 2


def _describe(base: str, models: list[DetectionModel], cell: int) -> dict[str, Any]:
    traces = _trace(models, cell)
    head: Any = models[0].model[-1]
    width = _class_width(head)
    form = _form(traces, width)
    return {
        "format": FORMAT,
        "base": base,
        "source": f"ultralytics {ultralytics_version}",
        "cell": cell,
        "class_width": [width, max(width, _WIDEST_CLASSES)],
        "strides": [int(s) for s in head.stride],
        "layers": _layers(models[0], traces.grids[0], cell),
        "modules": _modules(models[0]),
        **form,
        "deployed": _deployed_form(traces, cell, width),
    }


def _class_width(head: nn.Module) -> int:
    """Return the least width of the class branches: what the first convolution of one reads."""
    branches: Any = head
    first = next(m for m in branches.cv3[0].modules() if isinstance(m, nn.Conv2d))
    return int(first.in_channels)


def _trace(models: Sequence[nn.Module], cell: int) -> _Traces:
    grids = [record(models[0], rows * cell, columns * cell) for rows, columns in GRIDS]
    rows, columns = GRIDS[0]
    others = [record(model, rows * cell, columns * cell) for model in models[1:]]
    return _Traces(grids, [grids[0], *others], list(models))


def _deployed_form(standard: _Traces, cell: int, width: int) -> dict[str, Any] | None:
    """Return steps and tensors of the deployed form, or None where only BatchNorm is folded."""
    with torch.device("meta"):
        one = deployed(standard.models[0])
    if _outline(record(one, cell * 2, cell * 2)) == _outline(standard.grids[0]):
        return None
    with torch.device("meta"):
        others = [deployed(model) for model in standard.models[1:]]
    return _form(_trace([one, *others], cell), width)


def _outline(recording: Recording) -> list[dict[str, Any]]:
    """Return what must be equal for a form to differ by folded BatchNorm alone."""
    rows = []
    for step in recording.steps:
        row = asdict(step)
        if row["conv"] is not None:
            row["conv"].update(bias=row["conv"]["bias"] or row["conv"]["norm"], norm=False)
        rows.append(row)
    return rows


def _form(traces: _Traces, width: int) -> dict[str, Any]:
    classes = _Classes(width)
    count = len(traces.grids[0].steps)
    if any(len(recording.steps) != count for recording in (*traces.grids, *traces.probes)):
        raise NoFormulaError("other operations at other sizes")
    steps = []
    for i in range(count):
        try:
            steps.append(
                _step([r.steps[i] for r in traces.grids], [r.steps[i] for r in traces.probes], classes)
            )
        except NoFormulaError as error:
            error.path = traces.grids[0].steps[i].path
            raise
    return {"steps": steps, "tensors": _tensors(traces, classes)}


@dataclass(frozen=True)
class _Classes:
    width: int

    def __call__(self, values: Sequence[int]) -> int | list[int]:
        """Return the formula in the number of classes of what the probes gave."""
        return fit_classes(values, self.width, max(self.width, _WIDEST_CLASSES))


def _step(grids: list[RecordedStep], probes: list[RecordedStep], classes: _Classes) -> list[Any]:
    """Return a row of the file from what the sizes and the numbers of classes gave for one operation."""
    first = grids[0]
    if any((s.op, s.path, s.inputs) != (first.op, first.path, first.inputs) for s in (*grids, *probes)):
        raise NoFormulaError("other operations at other sizes")
    a, rest = fit_size([s.elements for s in grids])
    b, more = fit_size([s.flops for s in grids])
    depends = len({s.elements for s in probes}) > 1
    if (depends and any(rest)) or len({s.flops for s in probes}) > 1 or any(more[:3]):
        raise NoFormulaError(f"sizes in {first.path} that depend on too much")
    cells = GRIDS[0][0] * GRIDS[0][1]
    elements = classes([s.elements // cells for s in probes]) if depends else a
    row: list[Any] = [
        first.op,
        first.path,
        first.inputs,
        elements,
        _convolution(grids, probes, classes),
        list(rest) if any(rest) else None,
        [b, more[3]] if b or more[3] else None,
    ]
    while row[-1] is None:
        row.pop()
    return row


def _convolution(
    grids: list[RecordedStep], probes: list[RecordedStep], classes: _Classes
) -> list[Any] | None:
    first = grids[0].conv
    if first is None:
        return None
    pixels, rest = fit_size([step.conv.pixels for step in grids if step.conv is not None])
    if any(rest):
        raise NoFormulaError(f"a convolution in {grids[0].path} whose picture does not grow with the input")

    def formula(read: Callable[[Any], int]) -> int | list[int]:
        return classes([read(step.conv) for step in probes])

    return [
        formula(lambda conv: int(conv.c1)),
        formula(lambda conv: int(conv.c2)),
        first.k,
        first.s,
        first.p,
        formula(lambda conv: int(conv.g)),
        first.bias,
        first.norm,
        first.act,
        pixels,
    ]


def _tensors(traces: _Traces, classes: _Classes) -> dict[str, list[Any]]:
    """Return path → [parameters, bytes] of everything outside the recorded convolutions."""
    found: list[dict[str, tuple[int, int]]] = []
    for model, recording in zip(traces.models, traces.probes, strict=True):
        here: dict[str, tuple[int, int]] = {}
        for path, module in model.named_modules():
            parameters = sum(p.numel() for p in module.parameters(recurse=False))
            if module in recording.covered or not parameters:
                continue
            buffers = sum(
                2 * b.numel() if b.is_floating_point() else b.numel() * b.element_size()
                for b in module.buffers(recurse=False)
            )
            here[path] = parameters, 2 * parameters + buffers
        found.append(here)
    return {
        path: [classes([here[path][0] for here in found]), classes([here[path][1] for here in found])]
        for path in found[0]
    }


def _layers(model: DetectionModel, recording: Recording, cell: int) -> list[list[Any]]:
    """Return [index, type, sources, part, channels, stride] of the rows of the model's YAML."""
    head_start = len(model.yaml["backbone"])
    height = GRIDS[0][0] * cell
    layers: list[list[Any]] = []
    for row in model.model:
        module: Any = row
        sources = module.f if isinstance(module.f, list) else [module.f]
        absolute = [s if s >= 0 else module.i + s for s in sources]
        part = "backbone" if module.i < head_start else "neck"
        shape = recording.layers.get(f"model.{module.i}")
        if isinstance(module, Detect):
            part, shape = "head", None
        elif shape is None and layers and absolute[0] >= 0:  # no picture: as what it reads
            _, _, _, _, channels, stride = layers[absolute[0]]
            layers.append([module.i, _class_name(module), absolute, part, channels, stride])
            continue
        stride = None if shape is None else 2 ** round(log2(height / shape[1]))
        layers.append(
            [module.i, _class_name(module), absolute, part, None if shape is None else shape[0], stride]
        )
    return layers


def _class_name(module: nn.Module) -> str:
    """Return the class that a row of the YAML names; a repeated one stands in a Sequential."""
    inner = module[0] if isinstance(module, nn.Sequential) and len(module) else module
    return type(inner).__name__


def _modules(model: DetectionModel) -> dict[str, str]:
    """Return path → class name of every module down to, but not into, a convolution."""
    found: dict[str, str] = {}
    for path, module in model.named_modules():
        inside = found.get(path.rpartition(".")[0]) in _WHOLE
        hidden = path.count(".") > 1 and isinstance(module, _PASSIVE)
        if path.startswith("model.") and not inside and not hidden:
            found[path] = type(module).__name__
    return found
