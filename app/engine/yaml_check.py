"""Model YAMLs against the library that reads them: stock rows, built models, weights carried into them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn
from ultralytics.nn.tasks import DetectionModel

from app.core.errors import AppError
from app.core.model_yaml import ULTRALYTICS, ModelYaml
from app.core.model_yaml_rows import EXTRAS
from app.core.text import QT_TRANSLATE_NOOP
from app.engine.checkpoint import save_checkpoint
from app.engine.models import LoadedModel, load_checkpoint
from app.engine.stock import (
    PART_ACTIVATIONS,
    detection_families,
    own_defaults,
    scales_of,
    stock_description,
)

_SIDE = 64
"""Side of the random picture on which two models are compared, in pixels."""

_TOLERANCE = 1e-4


def stock_families() -> dict[str, dict[str, Any]]:
    """Return family → what its YAML says, of every detector that the Studio knows.

    The source of `resources/model_rows.json`.
    """
    found = {}
    for family in detection_families():
        data = stock_description(scales_of(family)[0])
        factors = [data.get(f"{name}_multiple", 1.0) for name in ("depth", "width")]
        found[family] = {
            **{key: data[key] for key in ("activation", PART_ACTIVATIONS, *EXTRAS) if key in data},
            "scales": data.get("scales") or {"": [*factors, None]},
            "head": len(data["backbone"]),
            "rows": data["backbone"] + data["head"],
        }
    return found


def yaml_model(made: ModelYaml) -> DetectionModel:
    """Return the model that ultralytics builds from a YAML, freshly initialised.

    Args:
        made: a YAML for ultralytics.
    """
    config = yaml.safe_load(made.text)
    with own_defaults():
        return DetectionModel(config, nc=config["nc"], verbose=False)


def carry_weights(made: ModelYaml, source: nn.Module, target: nn.Module) -> None:
    """Copy the weights of a design's model into the model of its YAML, in place.

    Args:
        made: the YAML; nothing of the design may be left out.
        source: the design's model, as the Studio builds it.
        target: the YAML's model.

    Raises:
        AppError: the two do not have the same tensors.
    """
    given, wanted = source.state_dict(), target.state_dict()
    for path, modules in made.carried:
        old = _below(given, (path,))
        new = _below(wanted, modules)
        if [tuple(t.shape) for t in old.values()] != [tuple(t.shape) for t in new.values()]:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "The weights of {path} do not fit the model YAML."),
                QT_TRANSLATE_NOOP("core", "Use the checkpoint of a training of this very design."),
                path=path,
            )
        for name, value in zip(new, old.values(), strict=True):
            wanted[name].copy_(value)


def _below(state: Mapping[str, torch.Tensor], paths: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Return the tensors below some modules, in their order."""
    return {name: value for path in paths for name, value in state.items() if name.startswith(f"{path}.")}


@dataclass(frozen=True)
class CarriedWeights:
    """Weights of a design, written as a checkpoint of its YAML's model.

    Attributes:
        path: the checkpoint.
        tensors: how many tensors were carried over.
        difference: largest difference between the outputs of both models on a random picture.
    """

    path: Path
    tensors: int
    difference: float


def write_checkpoint(made: ModelYaml, weights: Path, target: Path, yaml_file: Path) -> CarriedWeights:
    """Write the weights of a design as a checkpoint that stock ultralytics opens, and trains on.

    Stock training rebuilds a model from its YAML; of a model with blocks inside it would rebuild the standard one.

    Args:
        made: the YAML.
        weights: checkpoint of this design.
        target: the file to write.
        yaml_file: where the YAML stands.

    Raises:
        AppError: something of the design is left out, the weights are of another design, or the file cannot be
            written.
    """
    loaded = load_checkpoint(weights)
    _check(made, loaded, weights)
    model = yaml_model(made)
    model.yaml["yaml_file"] = yaml_file.name
    model.names = dict(loaded.names)
    model.eval()
    carry_weights(made, loaded.model, model)
    difference = largest_difference(loaded.model, model)
    if not difference < _TOLERANCE:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The model of the YAML gives other outputs than {name}: {difference}."),
            QT_TRANSLATE_NOOP("core", "Use the checkpoint itself; please report this."),
            name=weights.name,
            difference=difference,
        )
    arguments = {"imgsz": loaded.imgsz, "task": "detect", "mode": "train", "model": yaml_file.name}
    save_checkpoint(model, target, train_args=arguments)
    return CarriedWeights(target, len(model.state_dict()), difference)


def _check(made: ModelYaml, loaded: LoadedModel, weights: Path) -> None:
    if made.unsaid:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The YAML leaves swaps out: there is no place for their weights."),
            QT_TRANSLATE_NOOP("core", "Write it without --partial, or without the weights."),
        )
    if made.flavour != ULTRALYTICS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The YOLOv5 repository has another detection head than these weights."),
            QT_TRANSLATE_NOOP("core", "Carry weights over for ultralytics only."),
        )
    design = loaded.design
    same = (design.base, design.resolved(), design.activation, design.classes)
    wanted = made.design
    if same != (wanted.base, wanted.resolved(), wanted.activation, wanted.architecture.classes):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is a model of another design."),
            QT_TRANSLATE_NOOP("core", "Use weights of this design, with as many classes."),
            name=weights.name,
        )


@torch.no_grad()
def largest_difference(a: nn.Module, b: nn.Module) -> float:
    """Return the largest difference between what two detection models make of one random picture."""
    side = max(_SIDE, int(max(getattr(a, "stride", torch.tensor([_SIDE])))))
    picture = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    outputs = [_tensors(copy.deepcopy(model).float().eval()(picture)) for model in (a, b)]
    return max(float((x - y).abs().max()) for x, y in zip(*outputs, strict=True))


def _tensors(output: Any) -> list[torch.Tensor]:
    """Return every tensor in what a model returns."""
    if isinstance(output, torch.Tensor):
        return [output]
    inner = output.values() if isinstance(output, Mapping) else output
    return [tensor for one in inner for tensor in _tensors(one)]
