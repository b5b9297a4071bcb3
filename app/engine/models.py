"""Designs as torch models: the stock model with modules replaced, and the form that runtimes execute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn
from ultralytics.nn.tasks import DetectionModel

from app.core.design import Design, dump_design
from app.core.errors import AppError
from app.core.sites import mirrors, site
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.activations import activate
from app.engine.anchor_head import original_model
from app.engine.blocks import make_block
from app.engine.carried import DESIGN_KEY, design_of
from app.engine.deployed import deployed
from app.engine.stock import stock_model

__all__ = [
    "DESIGN_KEY",
    "LoadedModel",
    "apply_swaps",
    "build_model",
    "deployed",
    "design_of",
    "load_checkpoint",
    "make_block",
]


def build_model(
    design: Design,
    classes: int | None = None,
    names: Mapping[int, str] | None = None,
    device: str = "cpu",
) -> DetectionModel:
    """Return the model of a design in train mode, freshly initialised as ultralytics does.

    Args:
        design: what to build.
        classes: number of classes where the design leaves it open; 80 where both do.
        names: class index → name.
        device: "cpu", or "meta" for shapes alone.

    Raises:
        AppError: the design does not fit its base model.
    """
    fixed = design if design.classes is not None else design.with_classes(classes)
    count = fixed.architecture.classes
    model = stock_model(design.base, count, device)
    model.names = dict(names) if names else {i: str(i) for i in range(count)}
    apply_swaps(model, fixed)
    return model


def apply_swaps(model: DetectionModel, design: Design) -> dict[str, nn.Module]:
    """Replace modules and activations as the design says, in place, and write the design into `model.yaml`.

    Args:
        model: the standard model of the design's base.
        design: whose swaps and activation to apply.

    Returns:
        Module path → the standard module that was there.

    Raises:
        AppError: the design does not fit.
    """
    replaced: dict[str, nn.Module] = {}
    for path, swap in design.resolved().items():
        place = site(design.architecture, path)
        assert place is not None  # resolved: it can be replaced
        for twin in (path, *mirrors(design.architecture, path)):
            replaced[twin] = model.get_submodule(twin)
            _put(model, twin, make_block(replaced[twin], swap, place))
    if design.activation is not None:
        activate(model, design.activation)
    model.yaml[DESIGN_KEY] = dump_design(design)
    return replaced


def _put(model: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, name = path.rpartition(".")
    setattr(model.get_submodule(parent), name, module)


@dataclass(frozen=True)
class LoadedModel:
    """A checkpoint as a model.

    Attributes:
        model: in eval mode and float32, on the CPU.
        design: what it is; without swaps for a standard model.
        names: class index → name.
        imgsz: input side it was trained at, pixels.
        kind: where it comes from: "studio", "ultralytics" or "yolov5-original".
    """

    model: DetectionModel
    design: Design
    names: dict[int, str]
    imgsz: int
    kind: str


def load_checkpoint(path: str | Path, *, with_anchors: bool = False) -> LoadedModel:
    """Open a trained checkpoint, executing nothing that stands in it.

    Args:
        path: checkpoint of a detector of any base, standard or lightweight.
        with_anchors: take one of the original YOLOv5 too: it can be run and exported, but not lightened or trained.

    Raises:
        AppError: the file is missing or no such checkpoint; the message says why.
    """
    from app.engine.weights import read_weights

    file = Path(path)
    foreign = read_weights(file)
    if foreign.kind == "yolov5-original" and with_anchors:
        model = original_model(foreign.base, foreign.tensors, file.name)
        count: int = model.model[-1].nc
        names = dict(foreign.names or {i: str(i) for i in range(count)})
        design = Design.stock(foreign.base).with_classes(count)
        return LoadedModel(model, design, names, foreign.imgsz or 640, foreign.kind)
    if foreign.kind == "yolov5-original":
        raise AppError(
            QT_TRANSLATE_NOOP(
                "core", "{name} is an original YOLOv5 checkpoint: its head predicts with anchors."
            ),
            QT_TRANSLATE_NOOP("core", "Train with it as the starting weights first."),
            name=file.name,
        )
    design = foreign.design or Design.stock(foreign.base)
    classes = foreign.classes
    if classes is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} has no detection head."),
            QT_TRANSLATE_NOOP("core", "Choose a checkpoint of a detector."),
            name=file.name,
        )
    names = dict(foreign.names or {i: str(i) for i in range(classes)})
    model = build_model(design.with_classes(classes), names=names)
    try:
        model.load_state_dict(foreign.tensors)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} does not fit its design: {reason}"),
            QT_TRANSLATE_NOOP("core", "Choose another checkpoint."),
            name=file.name,
            reason=reason[:200],
        ) from error
    return LoadedModel(
        model.float().eval(), design.with_classes(classes), names, foreign.imgsz or 640, foreign.kind
    )
