"""Honest rivals of a lightweight design: the plain smaller base models, and plain narrower ones.

A rival has costs and no risk: it is not converted from the trained model but trained on its own. Smaller base models
are known from their data; narrower ones are built once by the engine (`app.engine.rivals`), for every class of module
rounds its channels in its own way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.base_models import base_families, family_of
from app.core.cost import compare_cost
from app.core.design import Design
from app.core.target_amount import Amount

WIDTHS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
"""Widths of narrower models that are offered, as shares of the base model's."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A plain model that costs less than the base model.

    Attributes:
        name: for people, such as "yolov5n" or "yolov5s × 0.7".
        base: base model; of a narrower one the base model it is made from.
        width: share of the base model's width; 1 for a base model as it is.
        cost: exactly.
    """

    name: str
    base: str
    width: float
    cost: Amount

    def to_json(self) -> dict[str, Any]:
        """Return the rival as plain data; `from_json` reads it back."""
        return {"name": self.name, "base": self.base, "width": self.width, "cost": self.cost.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Rival:
        """Read what `to_json` wrote."""
        cost = data["cost"]
        amount = Amount(cost["flops"], cost["parameters"], cost["file_bytes"], cost.get("ms"))
        return cls(str(data["name"]), str(data["base"]), float(data["width"]), amount)


def siblings(base: str) -> tuple[str, ...]:
    """Return the other base models of the same family, smallest first."""
    return tuple(name for name in base_families().get(family_of(base), ()) if name != base)


def smaller(design: Design, imgsz: int | tuple[int, int] = 640) -> tuple[Rival, ...]:
    """Return the base models of the family that cost less than the design's base model.

    Raises:
        AppError: the size is not possible.
    """
    own = compare_cost(design.cleared(), imgsz).standard
    found = []
    for base in siblings(design.base):
        cost = compare_cost(Design.stock(base, design.classes), imgsz).standard
        if cost.flops < own.flops:
            found.append(Rival(base, base, 1.0, Amount.of(cost)))
    return tuple(found)
