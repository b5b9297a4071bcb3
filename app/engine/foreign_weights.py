"""What a checkpoint of whatever origin holds: tensors by name, class names, size, design."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from app.core.architecture import Architecture, base_models, load_architecture
from app.core.design import Design, parse_design
from app.core.errors import AppError
from app.core.model_yaml_rows import stock_rows
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.safe_pickle import Inert, TensorRecord, printable
from app.engine.user_models import ensure_traced, model_of_checkpoint
from app.engine.weight_files import WeightFile, open_weights

DESIGN_KEY = "depthwise_studio"
"""Where `model.yaml` keeps the text of the design; see `app.engine.models`."""

_OWN_MODEL = re.compile(r'^base: "([^"\\]{1,80}\.ya?ml)"$', re.MULTILINE)
_LAYER = re.compile(r"model\.\d{1,4}\.")
_DEEPEST = 32
_MOST_TENSORS = 20_000
_OTHER = QT_TRANSLATE_NOOP("core", "Choose weights of a YOLO that detects boxes.")


@dataclass(frozen=True)
class ForeignWeights:
    """The weights of a detector, read without running anything.

    Attributes:
        path: the file.
        kind: "studio", "ultralytics" or "yolov5-original" (anchor head).
        tensors: by name, as a state dict has them; floating-point ones in float32.
        names: class index → name, where the file says so.
        design: what the model is, where the file carries a design.
        base: base model whose backbone and neck have these names and shapes.
        imgsz: input side it was trained at in pixels, where the file says so.
        provenance: what else the file says about itself, for people: date, version, epochs.
    """

    path: Path
    kind: str
    tensors: dict[str, torch.Tensor]
    names: dict[int, str] | None
    design: Design | None
    base: str
    imgsz: int | None
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> int | None:
        """Number of classes of the anchor-free head, or None where there is no such head."""
        bias = self.tensors.get(f"{_head(self.base)}.cv3.0.2.bias")
        return None if bias is None else bias.numel()


def read_weights(path: str | Path) -> ForeignWeights:
    """Read a checkpoint: of the Studio, of ultralytics, of the original YOLOv5, or a plain state dict.

    Only what stands in the file is read; nothing in it is imported or called.

    Raises:
        AppError: the file is missing, no checkpoint, damaged, of an unknown architecture, or asks to run something.
    """
    file = Path(path)
    with open_weights(file) as opened:
        found = _find_model(file, opened.content)
        tensors = _tensors(file, opened, found.records)
    design = _design(file, found)
    base = design.base if design is not None else _base(file, tensors, found.recipe)
    return ForeignWeights(
        path=file,
        kind=_kind(found, design, tensors, base),
        tensors=tensors,
        names=_names(found.names),
        design=design,
        base=base,
        imgsz=_imgsz(found.settings),
        provenance=_provenance(found),
    )


@dataclass(frozen=True)
class _Found:
    """The parts of a checkpoint's content that matter."""

    records: dict[str, TensorRecord]
    origin: str = ""
    names: Any = None
    design: Any = None
    recipe: Any = None
    settings: Any = None
    about: Mapping[str, Any] = field(default_factory=dict)


def _find_model(file: Path, content: Any) -> _Found:
    """Look for the model where trainers put it; the averaged weights first, as stock does.

    Raises:
        AppError: there is none.
    """
    outer = content if isinstance(content, dict) else {}
    about = {key: value for key, value in outer.items() if isinstance(key, str)}
    settings = about.get("train_args") or about.get("opt")
    for candidate in (about.get("ema"), about.get("model"), about.get("state_dict"), content):
        if isinstance(candidate, Inert) and isinstance(candidate.state.get("_modules"), dict):
            state = candidate.state
            records = dict(_walk(candidate))
            recipe = state.get("yaml")
            design = recipe.get(DESIGN_KEY) if isinstance(recipe, dict) else None
            names = state.get("names", about.get("names"))
            return _Found(_renamed(records), type(candidate).origin, names, design, recipe, settings, about)
        if isinstance(candidate, dict):
            records = {
                k: v for k, v in candidate.items() if isinstance(k, str) and isinstance(v, TensorRecord)
            }
            if records:
                recipe = about.get("yaml")
                return _Found(
                    _renamed(records), "", about.get("names"), about.get("design"), recipe, settings, about
                )
    raise AppError(
        QT_TRANSLATE_NOOP("core", "{name} is a PyTorch file, but holds no model."), _OTHER, name=file.name
    )


def _walk(module: Inert, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, TensorRecord]]:
    """Yield the parameters and buffers of a pickled module tree by their state-dict names."""
    if depth > _DEEPEST:
        return
    state = module.state
    left_out = state.get("_non_persistent_buffers_set")
    skipped = (
        set(left_out) if isinstance(left_out, list) and all(isinstance(x, str) for x in left_out) else set()
    )
    for group in ("_parameters", "_buffers"):
        held = state.get(group)
        for name, value in held.items() if isinstance(held, dict) else ():
            if isinstance(name, str) and isinstance(value, TensorRecord) and name not in skipped:
                yield prefix + name, value
    inner = state.get("_modules")
    for name, child in inner.items() if isinstance(inner, dict) else ():
        if isinstance(name, str) and isinstance(child, Inert):
            yield from _walk(child, f"{prefix}{name}.", depth + 1)


def _renamed(records: dict[str, TensorRecord]) -> dict[str, TensorRecord]:
    """Take off the prefix that data-parallel training puts before every name."""
    if records and all(name.startswith("module.") for name in records):
        return {name.removeprefix("module."): record for name, record in records.items()}
    return records


def _tensors(file: Path, opened: WeightFile, records: Mapping[str, TensorRecord]) -> dict[str, torch.Tensor]:
    if len(records) > _MOST_TENSORS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} holds {records} tensors: more than a detector has."),
            _OTHER,
            name=file.name,
            records=len(records),
        )
    return {name: opened.tensor(record) for name, record in records.items()}


def _design(file: Path, found: _Found) -> Design | None:
    text = found.design
    if text is None:
        return None
    if not isinstance(text, str):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The design in {name} is not text."),
            QT_TRANSLATE_NOOP("core", "Choose another checkpoint."),
            name=file.name,
        )
    own = _OWN_MODEL.search(text)
    if own is not None:  # a user's own model, which the checkpoint brings along
        base = model_of_checkpoint(found.recipe, own[1])
        if base is not None:
            ensure_traced(base)
    return parse_design(text, f"{file.name}, design")


def _base(file: Path, tensors: Mapping[str, torch.Tensor], recipe: Any) -> str:
    """Return the base model whose backbone and neck these tensors fit.

    Args:
        file: for refusals.
        tensors: by name.
        recipe: what the file says it was built from.

    Raises:
        AppError: none does.
    """
    last = max((int(name.split(".")[1]) for name in tensors if _LAYER.match(name)), default=-1)
    for base in base_models():
        rows = stock_rows(base)
        if (rows is None or len(rows.rows) == last + 1) and _fits(base, tensors):
            return base
    own = _own_model(recipe)
    if own is not None and _fits(own, tensors):
        return own
    raise AppError(
        QT_TRANSLATE_NOOP(
            "core",
            "{name} is of an unknown architecture: {layers} layers with weights and {count} M numbers "
            "fit no base model.",
        ),
        _OTHER,
        name=file.name,
        **_description(tensors),
    )


def _fits(base: str, tensors: Mapping[str, torch.Tensor]) -> bool:
    """Say whether tensors have the names and shapes of a base model's convolutions outside the head."""
    architecture, head = load_architecture(base), _head(base)
    for path, conv in architecture.convolutions.items():
        if path.startswith(f"{head}."):
            continue
        owner = architecture.modules.get(path) in {"Conv", "DWConv"}
        weight = tensors.get(f"{path}.conv.weight" if owner else f"{path}.weight")
        if weight is None or tuple(weight.shape) != (conv.c2, conv.c1 // conv.g, *conv.k):
            return False
    return True


def _own_model(recipe: Any) -> str | None:
    """Return the user's own model that a checkpoint was built from, or None where it says none that may be built."""
    try:
        return model_of_checkpoint(recipe, "model.yaml")
    except AppError:
        return None


def _description(tensors: Mapping[str, torch.Tensor]) -> dict[str, str | int]:
    layers = Counter(name.split(".")[1] for name in tensors if name.startswith("model.") and "." in name[6:])
    count = sum(t.numel() for t in tensors.values())
    return {"layers": len(layers), "count": f"{count / 1e6:.2f}"}


def _head(base: str) -> str:
    architecture: Architecture = load_architecture(base)
    return architecture.layers[-1].path


def _kind(found: _Found, design: Design | None, tensors: Mapping[str, torch.Tensor], base: str) -> str:
    if design is not None:
        return "studio"
    head = _head(base)
    if found.origin.startswith("models.") or f"{head}.m.0.weight" in tensors:
        return "yolov5-original"
    return "ultralytics"


def _names(names: Any) -> dict[int, str] | None:
    pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else ()
    kept = {i: printable(name) for i, name in pairs if isinstance(i, int) and isinstance(name, str)}
    return kept if kept and sorted(kept) == list(range(len(kept))) else None


def _settings(settings: Any) -> Mapping[str, Any]:
    if isinstance(settings, Inert):
        return settings.state
    return settings if isinstance(settings, dict) else {}


def _imgsz(settings: Any) -> int | None:
    value = _settings(settings).get("imgsz")
    if isinstance(value, (list, tuple)) and value:
        value = max((v for v in value if isinstance(v, int)), default=None)
    return value if isinstance(value, int) and not isinstance(value, bool) and 32 <= value <= 8192 else None


def _provenance(found: _Found) -> dict[str, str]:
    about: dict[str, Any] = {"class": found.origin}
    about |= {key: found.about.get(key) for key in ("date", "version", "license", "epoch")}
    about |= {key: _settings(found.settings).get(key) for key in ("epochs", "data", "name")}
    return {
        key: printable(str(value))
        for key, value in about.items()
        if isinstance(value, (str, int)) and value not in ("", -1)
    }
