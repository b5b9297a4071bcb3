"""Plain models that are narrower than a base model: built by ultralytics itself, so that they round as it does."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode
from ultralytics import __version__ as ultralytics_version
from ultralytics.nn.tasks import DetectionModel

from app.core.architecture import load_architecture
from app.core.cost import check_imgsz
from app.core.design import Design
from app.core.files import write_text
from app.core.folders import cache_folder
from app.core.rivals import Rival
from app.core.target_amount import Amount
from app.core.user_models import UserModel, base_title, keep_model
from app.engine.stock import own_defaults, stock_description
from app.engine.user_models import ensure_traced

_NAMES = ("nc", "scale", "yaml_file", "name")
"""Entries of a description that say what it is called, or belong to a design."""


def narrower(design: Design, width: float, imgsz: int | tuple[int, int] = 640) -> Rival:
    """Return the plain base model of a design at a share of its width, with its exact costs; kept on disk.

    Args:
        design: whose base model and number of classes count.
        width: share of the base model's width, such as 0.7.
        imgsz: input size in pixels.

    Raises:
        AppError: the size is not possible.
    """
    architecture = load_architecture(design.base, design.classes)
    size = check_imgsz(imgsz, architecture.cell)
    content = json.dumps([ultralytics_version, design.base, architecture.classes, width, size])
    file = cache_folder() / "rivals" / f"{hashlib.sha256(content.encode()).hexdigest()[:24]}.json"
    try:
        return Rival.from_json(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        made = _measured(design.base, architecture.classes, width, size)
    write_text(file, json.dumps(made.to_json()))
    return made


def narrow_description(base: str, width: float) -> dict[str, Any]:
    """Return what ultralytics builds a base model from, at a share of its width.

    Raises:
        AppError: there is no such base model.
    """
    description = copy.deepcopy(stock_description(base))
    scale = description.get("scale")
    if description.get("scales"):
        depth, wide, most = description["scales"][scale]
        description["scales"] = {scale: [depth, wide * width, most]}
    else:
        description["width_multiple"] = description.get("width_multiple", 1.0) * width
    return description


def narrow_design(base: str, classes: int, width: float) -> Design:
    """Return a plain narrower model as a design on a base of its own, so that its milliseconds can be predicted.

    Args:
        base: base model.
        classes: number of classes.
        width: share of the base model's width.

    Raises:
        AppError: there is no such base model, or its sizes cannot be said in the format of a trace.
    """
    description = narrow_description(base, width)
    name = f"{Path(base_title(base)).stem} {width:g}.yaml"
    kept = {key: value for key, value in description.items() if key not in _NAMES}
    model = UserModel(name, yaml.safe_dump(kept), json.dumps(kept, sort_keys=True))
    keep_model(model)
    ensure_traced(model.base)
    return Design.stock(model.base, classes)


def _measured(base: str, classes: int, width: float, size: tuple[int, int]) -> Rival:
    with own_defaults():
        model = DetectionModel(narrow_description(base, width), nc=classes, verbose=False).eval()
    state = model.state_dict().values()
    numbers = sum(tensor.numel() for tensor in state if tensor.is_floating_point())
    counters = sum(tensor.numel() for tensor in state if not tensor.is_floating_point())
    parameters = sum(parameter.numel() for parameter in model.parameters())
    strides = model.model[-1].stride
    meta = model.to("meta")
    meta.model[-1].stride = strides  # the only numbers that are computed with
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        meta(torch.zeros(1, 3, *size, device="meta"))
    cost = Amount(counter.get_total_flops(), parameters, 2 * numbers + 8 * counters)
    return Rival(f"{base} × {width:g}", base, width, cost)
