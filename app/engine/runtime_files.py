"""Detectors as runtimes read them, ONNX files and OpenVINO folders of any origin: checked, then taken as data."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from app.core.errors import AppError
from app.core.runtime_table import INT8
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.model_cache import Card
from app.engine.safe_pickle import printable

ONNX, OPENVINO = ".onnx", ".xml"

_LARGEST_BYTES = 2 * 1024**3
_LARGEST_TEXT = 1_000_000
_MOST_CLASSES = 10_000
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
_QUANTISED = frozenset({"FakeQuantize", "QuantizeLinear", "DequantizeLinear"})
_SIZE = re.compile(r"\d{2,5}")
_EXPORT = QT_TRANSLATE_NOOP("core", "Export the detector anew, from the Studio or from ultralytics.")


@dataclass(frozen=True)
class RuntimeFile:
    """A file that a runtime reads.

    Attributes:
        file: `model.onnx`, or the `model.xml` of an OpenVINO folder.
        runtimes: what can execute it, the natural one first.
        card: names, picture size, stride.
        shape: height and width that it takes; any where None.
        precision: "int8" where it is quantised; "" where the runtime decides.
    """

    file: Path
    runtimes: tuple[str, ...]
    card: Card
    shape: tuple[int, int] | None
    precision: str = ""


def is_runtime_file(path: Path) -> bool:
    """Return whether a path looks like one: `*.onnx`, `*.xml`, or a folder with an `*.xml` in it."""
    if path.is_dir():
        return any(path.glob("*.xml"))
    return path.suffix.lower() in (ONNX, OPENVINO)


def runtimes_of(path: Path) -> tuple[str, ...]:
    """Return what can execute a file, told by its name."""
    return ("onnxruntime", "openvino") if path.suffix.lower() == ONNX else ("openvino",)


def open_runtime_file(path: Path) -> RuntimeFile:
    """Check a file and return what must be known to run it; nothing in it is executed.

    Raises:
        AppError: it is missing, too large, refers to other places, or is no detector.
    """
    file = _model_file(path)
    try:
        size = file.stat().st_size
    except OSError as error:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "Cannot read {path}: {reason}."),
            QT_TRANSLATE_NOOP("core", "Choose an ONNX file or an OpenVINO folder that exists."),
            path=file,
            reason=error.strerror or str(error),
        ) from error
    if size > _LARGEST_BYTES:
        raise _refusal(file, QT_TRANSLATE_NOOP("core", "{name} is larger than 2 GB."))
    return _open_onnx(file) if file.suffix.lower() == ONNX else _open_openvino(file)


def _model_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob("*.xml"))
    if len(found) != 1:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The folder {path} holds {count} OpenVINO models."),
            QT_TRANSLATE_NOOP("core", "Choose the .xml file itself."),
            path=path,
            count=len(found),
        )
    return found[0]


def _refusal(file: Path, text: str, **values: Any) -> AppError:
    return AppError(text, _EXPORT, name=file.name, **values)


# --- ONNX ----------------------------------------------------------------------------------------------------


def _open_onnx(file: Path) -> RuntimeFile:
    import onnx

    try:
        model = onnx.load(str(file), load_external_data=False)
    except Exception as error:
        raise _refusal(file, QT_TRANSLATE_NOOP("core", "{name} is no ONNX model.")) from error
    foreign = sorted({entry.domain for entry in model.opset_import} - _DOMAINS)
    if foreign:
        raise _refusal(
            file,
            QT_TRANSLATE_NOOP("core", "{name} needs operations that are not part of ONNX: {domains}."),
            domains=", ".join(printable(domain) for domain in foreign)[:200],
        )
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            _check_inside(
                file, {entry.key: entry.value for entry in tensor.external_data}.get("location", "")
            )
    inputs = list(model.graph.input)
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise _refusal(file, QT_TRANSLATE_NOOP("core", "{name} has not one input and one output."))
    kind = inputs[0].type.tensor_type
    if kind.elem_type != onnx.TensorProto.FLOAT:
        raise _refusal(file, QT_TRANSLATE_NOOP("core", "{name} does not take pictures in 32-bit floats."))
    about = {entry.key: entry.value for entry in model.metadata_props}
    sides = [int(d.dim_value) if d.HasField("dim_value") else 0 for d in kind.shape.dim]
    outputs = [
        int(d.dim_value) if d.HasField("dim_value") else 0
        for d in model.graph.output[0].type.tensor_type.shape.dim
    ]
    quantised = any(node.op_type in _QUANTISED for node in model.graph.node)
    return _described(file, sides, outputs, about, quantised)


def _tensors(graph: Any) -> Iterator[Any]:
    """Yield every tensor that a graph holds, those of its inner graphs too."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _check_inside(file: Path, location: str) -> None:
    """Refuse weights that lie anywhere but beside the model."""
    parts = {*PurePosixPath(location).parts, *PureWindowsPath(location).parts}
    beside = file.parent / location
    plain = location and ".." not in parts and not PureWindowsPath(location).anchor and location[0] != "/"
    if not plain or not beside.resolve().is_relative_to(file.parent.resolve()):
        raise _refusal(
            file,
            QT_TRANSLATE_NOOP("core", "{name} wants to read a file outside its folder: {location}."),
            location=printable(location)[:200],
        )
    if not beside.is_file():
        raise _refusal(
            file,
            QT_TRANSLATE_NOOP("core", "{name} is incomplete: there is no {location} beside it."),
            location=printable(location)[:200],
        )


# --- OpenVINO ------------------------------------------------------------------------------------------------


def _open_openvino(file: Path) -> RuntimeFile:
    from app.engine.openvino_model import openvino

    if not file.with_suffix(".bin").is_file():
        raise _refusal(
            file,
            QT_TRANSLATE_NOOP("core", "{name} is incomplete: there is no {location} beside it."),
            location=file.with_suffix(".bin").name,
        )
    try:
        model = openvino().Core().read_model(str(file))
        sides = [_length(d) for d in model.input(0).get_partial_shape()]
        outputs = [_length(d) for d in model.output(0).get_partial_shape()]
        counts = len(model.inputs), len(model.outputs)
        kind = model.input(0).get_element_type().get_type_name()
        quantised = any(operation.get_type_name() in _QUANTISED for operation in model.get_ops())
    except Exception as error:
        raise _refusal(file, QT_TRANSLATE_NOOP("core", "{name} is no OpenVINO model.")) from error
    if counts != (1, 1):
        raise _refusal(file, QT_TRANSLATE_NOOP("core", "{name} has not one input and one output."))
    if kind != "f32":
        raise _refusal(file, QT_TRANSLATE_NOOP("core", "{name} does not take pictures in 32-bit floats."))
    about = _yaml(file.with_name("metadata.yaml"))
    return _described(file, sides, outputs, about, quantised)


def _length(dimension: Any) -> int:
    return int(dimension.get_length()) if dimension.is_static else 0


def _yaml(file: Path) -> Mapping[str, Any]:
    try:
        if file.stat().st_size > _LARGEST_TEXT:
            return {}
        found = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


# --- what both tell ------------------------------------------------------------------------------------------


def _described(
    file: Path, sides: list[int], outputs: list[int], about: Mapping[str, Any], quantised: bool
) -> RuntimeFile:
    """Return the description of a model with such an input, N×3×H×W, and output; 0 stands for any length."""
    if len(sides) != 4 or sides[0] not in (0, 1) or sides[1] not in (0, 3):
        raise _refusal(file, QT_TRANSLATE_NOOP("core", "{name} does not take one colour picture, 1×3×H×W."))
    if len(outputs) != 3 or (outputs[2] != 6 and 0 < outputs[1] <= 4):
        raise _refusal(
            file,
            QT_TRANSLATE_NOOP("core", "{name} does not predict boxes as YOLO detectors from v8 on do."),
        )
    names = _names(about.get("names"))
    if names is None:
        end_to_end = outputs[2] == 6
        count = 80 if end_to_end or not outputs[1] else outputs[1] - 4
        names = {number: str(number) for number in range(min(count, _MOST_CLASSES))}
    elif outputs[2] != 6 and outputs[1] and len(names) != outputs[1] - 4:
        raise _refusal(
            file,
            QT_TRANSLATE_NOOP("core", "{name} predicts {count} classes, but names {named}."),
            count=outputs[1] - 4,
            named=len(names),
        )
    shape = (sides[2], sides[3]) if sides[2] and sides[3] else None
    stride = _number(about.get("stride"), 32)
    imgsz = max(shape) if shape else _imgsz(about.get("imgsz"))
    card = Card(names, imgsz, stride, file.suffix.lower()[1:])
    return RuntimeFile(file, runtimes_of(file), card, shape, INT8 if quantised else "")


def _names(told: Any) -> dict[int, str] | None:
    """Return class names from a mapping, or from the text of one; None where there are none."""
    if isinstance(told, str) and len(told) <= _LARGEST_TEXT:
        try:
            told = ast.literal_eval(told)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
    pairs = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    names = {number: printable(str(name)) for number, name in pairs if isinstance(number, int)}
    usable = 0 < len(names) <= _MOST_CLASSES and sorted(names) == list(range(len(names)))
    return names if usable else None


def _number(told: Any, otherwise: int) -> int:
    found = _SIZE.search(str(told)) if told is not None else None
    return int(found[0]) if found and 8 <= int(found[0]) <= 256 else otherwise


def _imgsz(told: Any) -> int:
    sizes = [int(text) for text in _SIZE.findall(str(told))[:2]] if told is not None else []
    fitting = [size for size in sizes if 32 <= size <= 4096]
    return max(fitting, default=640)
