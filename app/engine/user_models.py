"""Looks at users' own models: builds them once without memory for weights, and keeps the trace in the cache folder."""

from __future__ import annotations

import json
from typing import Any

import torch

from app.core.architecture_file import encode
from app.core.errors import AppError
from app.core.files import replacing
from app.core.text import QT_TRANSLATE_NOOP, size
from app.core.user_models import base_title, is_user_model, remember_model, trace_file, user_model

_MOST_PARAMETERS = 500_000_000
_LARGEST_TENSOR = 4_000_000_000
"""Bytes in float32; the largest tensor of the largest stock model has 157 million."""

_SIDE = 640
_PARTS = ("backbone", "head")


def run(request: dict[str, Any], _channel: Any) -> dict[str, Any]:
    """Trace a user's own model, for the window.

    Args:
        request: "base": as `app.core.user_models.NotTracedError` names it.
    """
    ensure_traced(str(request["base"]))
    return {"base": request["base"]}


def ensure_traced(base: str) -> None:
    """Make the trace of a user's own model where it is missing; stock models have theirs.

    Raises:
        AppError: the model is not known here, or cannot be built, or its sizes cannot be said in the format.
    """
    if not is_user_model(base) or trace_file(base).is_file():
        return
    from app.engine.model_faults import failing_row, refusal
    from app.engine.stock import stock_model
    from app.engine.trace import describe
    from app.engine.trace_fit import NoFormulaError

    user_model(base)
    with torch.random.fork_rng(devices=[]):
        try:
            model = stock_model(base, 80, "meta")
            _check_size(base, sum(p.numel() for p in model.parameters()))
            description = describe(base)
        except NoFormulaError as error:
            raise _no_formula(base, error.path) from error
        except AppError:
            raise
        except Exception as error:  # whatever a module's constructor or first run thinks of its arguments
            raise refusal(base, error, failing_row(base)) from error
    _check_tensors(base, description)
    path = trace_file(base)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_bytes(encode(description))


def _check_size(base: str, parameters: int) -> None:
    if parameters > _MOST_PARAMETERS:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} has {count} million parameters: too many to train here."),
            QT_TRANSLATE_NOOP("core", "Lower its width."),
            name=base_title(base),
            count=parameters // 1_000_000,
        )


def _no_formula(base: str, path: str) -> AppError:
    from app.engine.model_faults import row_of, where

    row = row_of(path)
    hint = QT_TRANSLATE_NOOP("core", "Choose strides and paddings as the stock models have them.")
    if row is None:
        return AppError(
            QT_TRANSLATE_NOOP("core", "{name} has layers whose size does not grow with the picture."),
            hint,
            name=base_title(base),
        )
    line, module = where(base, row)
    return AppError(
        QT_TRANSLATE_NOOP(
            "core",
            "{name}, line {line}: the size of what this {module} makes does not grow with the picture.",
        ),
        hint,
        name=base_title(base),
        line=line,
        module=module,
    )


def _check_tensors(base: str, description: dict[str, Any]) -> None:
    """Refuse a model of which a single tensor would fill the memory, by the rows of its trace."""
    from app.engine.model_faults import row_of, where

    cells = (_SIDE // description["cell"]) ** 2
    for _op, path, _inputs, elements, *more in description["steps"]:
        square = more[1][3] if len(more) > 1 and more[1] else 0
        fixed = elements[0] if isinstance(elements, list) else elements
        volume = 4 * (fixed * cells + square * cells**2)
        row = row_of(path)
        if volume > _LARGEST_TENSOR and row is not None:
            line, module = where(base, row)
            raise AppError(
                QT_TRANSLATE_NOOP(
                    "core",
                    "{name}, line {line}: this {module} makes {size} of one picture of {side} × {side}.",
                ),
                QT_TRANSLATE_NOOP("core", "Lower its width, or its place's resolution by strides before it."),
                name=base_title(base),
                line=line,
                module=module,
                size=size(volume),
                side=_SIDE,
            )


def model_of_checkpoint(recipe: Any, name: str) -> str | None:
    """Return the base model that a checkpoint says it was built from, checked like a file; None where it says none.

    Args:
        recipe: the plain data of the checkpoint's `model.yaml`.
        name: name of its file.

    Raises:
        AppError: it says what it must not, or cannot be built.
    """
    if not isinstance(recipe, dict) or not all(isinstance(recipe.get(part), list) for part in _PARTS):
        return None
    kept = {
        key: recipe[key] for key in ("activation", "end2end", "reg_max", "scales", *_PARTS) if recipe.get(key)
    }
    kept |= {key: recipe[key] for key in ("depth_multiple", "width_multiple") if key in recipe}
    scale = recipe.get("scale")
    if isinstance(scale, str) and scale and isinstance(kept.get("scales"), dict) and scale in kept["scales"]:
        kept["scales"] = {scale: kept["scales"][scale]}
    base = remember_model(_as_yaml(kept), name)
    ensure_traced(base)
    return base


def _as_yaml(data: dict[str, Any]) -> str:
    """Return plain data as YAML, a row of the model a line."""
    lines = []
    for key, value in data.items():
        if key in _PARTS:
            lines += [f"{key}:", *(f"  - {json.dumps(row, default=str)}" for row in value)]
        else:
            lines.append(f"{key}: {json.dumps(value, default=str)}")
    return "\n".join(lines) + "\n"
