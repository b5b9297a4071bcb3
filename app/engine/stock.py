"""Builds the standard model of a base: those of ultralytics, those described in `resources/model_yamls`, and a user's.

A description is read from where it is installed, never from the current folder; ultralytics gets a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn
from torch.overrides import TorchFunctionMode
from ultralytics.nn.modules import Conv, Detect
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import ROOT

from app.core.base_models import canonical, family_of
from app.core.folders import resources
from app.core.user_models import is_user_model, user_model

PART_ACTIVATIONS = "part_activations"
"""Entry of our own descriptions: activations of a part that differ from the model's, which stock YAML cannot say."""

_ACTIVATIONS = {"mish": nn.Mish, "relu": nn.ReLU, "silu": nn.SiLU}


def stock_model(base: str, classes: int, device: str = "cpu") -> DetectionModel:
    """Return the standard model of a base in train mode, freshly initialised as ultralytics does.

    Args:
        base: base model.
        classes: number of classes.
        device: "cpu", or "meta" for shapes alone.

    Raises:
        AppError: there is no such base model.
    """
    description = stock_description(base) | {"nc": classes}
    with own_defaults():
        if device == "meta":
            with torch.device("meta"), _NumbersOnCpu():
                model = DetectionModel(description, nc=classes, verbose=False)
        else:
            model = DetectionModel(description, nc=classes, verbose=False)
    for part, act in description.get(PART_ACTIVATIONS, {}).items():
        _activate(model, part, _ACTIVATIONS[act])
    return model


@contextmanager
def own_defaults() -> Iterator[None]:
    """Keep what a description sets in ultralytics' classes from outliving its model.

    While ultralytics builds, the description's activation is the default of its Conv class; if building fails it stays
    so, and every later model of the process would have it. Which class branch a Detect head is built with is an
    attribute of its class and stays as the last description wanted it, whether building fails or not.
    """
    act, legacy = Conv.default_act, Detect.legacy
    try:
        yield
    finally:
        Conv.default_act, Detect.legacy = act, legacy


def stock_description(base: str) -> dict[str, Any]:
    """Return what ultralytics builds a base model from, with its scale and a name.

    Raises:
        AppError: there is no such base model.
    """
    if is_user_model(base):
        return user_model(base).to_yaml()
    name = canonical(base)
    found = _descriptions()
    family = name if name in found else family_of(name)
    description: dict[str, Any] = yaml.safe_load(found[family].read_text(encoding="utf-8"))
    scale = re.match(r"yolov?\d+([a-z])", name)
    description["scale"] = scale[1] if scale and "scales" in description else ""
    description["yaml_file"] = f"{name}.yaml"
    return description


@lru_cache(maxsize=1)
def _descriptions() -> dict[str, Path]:
    files = [*(Path(ROOT) / "cfg" / "models").glob("*/*.yaml"), *(resources() / "model_yamls").glob("*.yaml")]
    return {file.stem: file for file in files}


def detection_families() -> tuple[str, ...]:
    """Return the names of all descriptions that hold a plain detector: one Detect head with fixed classes."""
    return tuple(sorted(name for name, file in _descriptions().items() if _is_detector(file)))


def _is_detector(file: Path) -> bool:
    rows = yaml.safe_load(file.read_text(encoding="utf-8"))
    modules = [row[2] for row in rows["backbone"] + rows["head"]]
    return modules[-1] in {"Detect", "v10Detect"} and not {"C2fAttn", "AIFI"} & set(modules)


def scales_of(family: str) -> tuple[str, ...]:
    """Return the base models of a description, one for each scale."""
    rows = yaml.safe_load(_descriptions()[family].read_text(encoding="utf-8"))
    scales = rows.get("scales")
    if not scales or re.match(r"yolov?\d+[a-z]", family):
        return (family,)
    return tuple(re.sub(r"^(yolov?\d+)", rf"\g<1>{scale}", family) for scale in scales)


def _activate(model: DetectionModel, part: str, make: type[nn.Module]) -> None:
    rows = len(model.yaml["backbone"])
    layers = model.model[:rows] if part == "backbone" else model.model[rows:]
    for module in layers.modules():
        if isinstance(module, Conv) and not isinstance(module.act, nn.Identity):
            module.act = make()


class _NumbersOnCpu(TorchFunctionMode):
    """Keeps the few numbers that are computed with while a model is built, its strides, out of the meta device.

    BatchNorm is passed over there: it changes no size, and takes most of the time.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        values = dict(kwargs or {})
        if func is nn.functional.batch_norm:
            return args[0]
        if func is torch.tensor:
            values.setdefault("device", "cpu")
        return func(*args, **values)
