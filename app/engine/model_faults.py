"""Says which row of a user's own model is at fault, and in which line of its file it stands."""

from __future__ import annotations

import copy
import re
from typing import Any

import torch
from ultralytics.nn.tasks import parse_model

from app.core.errors import AppError
from app.core.model_yaml_read import read_model_yaml
from app.core.text import QT_TRANSLATE_NOOP
from app.core.user_models import base_title, user_model
from app.engine.stock import own_defaults, stock_description

_SIDES = (256, 320, 384, 448, 512, 640)
"""Sides of pictures to try, in pixels; ultralytics tries the first."""


def refusal(base: str, error: Exception, row: int | None) -> AppError:
    """Return the message that a user's own model cannot be built.

    Args:
        base: the model.
        error: what the builder said.
        row: at which row, where that is known.
    """
    reason = str(error).splitlines()[0][:200].rstrip(". ") if str(error) else type(error).__name__
    hint = QT_TRANSLATE_NOOP("core", "Check the arguments of its rows.")
    if row is None:
        return AppError(
            QT_TRANSLATE_NOOP("core", "{name} cannot be built: {reason}."),
            hint,
            name=base_title(base),
            reason=reason,
        )
    line, module = where(base, row)
    return AppError(
        QT_TRANSLATE_NOOP("core", "{name}, line {line}: this {module} cannot be built: {reason}."),
        hint,
        name=base_title(base),
        line=line,
        module=module,
        reason=reason,
    )


def where(base: str, row: int) -> tuple[int, str]:
    """Return the line of a row in the model's file, and its module."""
    model = user_model(base)
    read = read_model_yaml(model.text, model.name)
    return read.lines[row], read.model.rows[row].module


def row_of(path: str) -> int | None:
    """Return the row in which a module path lies."""
    found = re.match(r"model\.(\d+)", path)
    return int(found[1]) if found else None


def failing_row(base: str) -> int | None:
    """Return the first row that cannot be built or run, or None where all can."""
    description = stock_description(base)
    rows: list[Any] = description["backbone"] + description["head"]
    with torch.device("meta"), torch.no_grad():
        good, bad = 0, len(rows) + 1  # so many rows can be built; so many cannot
        while bad - good > 1:
            count = (good + bad) // 2
            good, bad = (count, bad) if _built(description, rows[:count]) else (good, count)
        return good if good < len(rows) else _stuck(description, rows)


def _built(description: dict[str, Any], rows: list[Any]) -> torch.nn.Sequential | None:
    given = copy.deepcopy(description | {"backbone": rows, "head": []})
    try:
        with own_defaults():
            return parse_model(given, ch=3, verbose=False)[0]
    except Exception:  # noqa: BLE001 – whatever a constructor thinks of its arguments; the caller has the message
        return None


def _stuck(description: dict[str, Any], rows: list[Any]) -> int | None:
    """Return the first row that cannot read what the rows before it make."""
    layers: Any = _built(description, rows)
    for side in _SIDES:
        picture = torch.zeros(1, 3, side, side)
        made: list[Any] = []
        for layer in layers.eval()[:-1]:
            several = isinstance(layer.f, list)
            read = [made[f] if made else picture for f in (layer.f if several else [layer.f])]
            try:
                made.append(layer(read if several else read[0]))
            except Exception:  # noqa: BLE001 – as above
                return int(layer.i)
    return None
