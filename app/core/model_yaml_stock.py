"""A model YAML's rows as what ultralytics builds from, and whether a stock model says the same."""

from __future__ import annotations

import json
from typing import Any

from app.core.base_models import base_models
from app.core.model_yaml_rows import HEADS, Arg, Row, RowModel, stock_rows


def same_as_stock(model: RowModel) -> str | None:
    """Return the stock base model that a model YAML repeats, or None."""
    for base in base_models():
        stock = stock_rows(base)
        if stock is not None and not stock.mixed and _key(stock) == _key(model):
            return base
    return None


def _key(model: RowModel) -> tuple[object, ...]:
    rows = tuple(row if row.module not in HEADS else (row.sources, row.module) for row in model.rows)
    return rows, model.head, model.activation, model.extras


def describe(model: RowModel) -> str:
    """Return a model YAML's rows as canonical JSON of the dictionary that ultralytics builds from.

    Channels and repeats are final. The head of a YAML for the original YOLOv5 repository becomes the anchor-free one.
    """
    rows = [_row(row) for row in model.rows]
    found: dict[str, Any] = {"backbone": rows[: model.head], "head": rows[model.head :]}
    if model.activation is not None:
        found["activation"] = _full_name(model.activation)
    found |= {key: _plain(value) for key, value in model.extras}
    return json.dumps(found, sort_keys=True, separators=(",", ":"))


def _row(row: Row) -> list[Any]:
    args = ["nc"] if row.module in HEADS else [_plain(arg) for arg in row.args]
    if row.module == "nn.Unflatten":  # takes no list
        args = [f"({', '.join(map(str, arg))})" if isinstance(arg, tuple) else arg for arg in row.args]
    return [list(row.sources) if row.several else row.sources[0], row.repeats, row.module, args]


def _plain(value: Arg) -> Any:
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value


def _full_name(activation: str) -> str:
    """Return an activation as restricted loading of ultralytics takes it: "torch.nn.SiLU()"."""
    name = activation if activation.startswith("torch.") else f"torch.{activation}"
    name = name if name.startswith("torch.nn.") else f"torch.nn.{activation}"
    return name if name.endswith(")") else f"{name}()"
