"""What differs between two designs: module by module, with what each costs before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.cost import ZERO, Cost, CostTable, compare_cost
from app.core.design import Design, Swap


@dataclass(frozen=True, slots=True)
class Change:
    """A module that is not the same in two designs.

    Attributes:
        path: module path.
        before, after: swap in the first and in the second design; None where the module is standard.
        cost_before, cost_after: cost of everything at or below the path; None where the module does not exist or is
            inside one that is swapped as a whole. `activation_bytes` are those of what its operations write.
    """

    path: str
    before: Swap | None
    after: Swap | None
    cost_before: Cost | None
    cost_after: Cost | None

    def to_json(self) -> dict[str, Any]:
        """Return the change as plain data."""
        return {
            "path": self.path,
            "before": swap_text(self.before),
            "after": swap_text(self.after),
            "cost_before": None if self.cost_before is None else self.cost_before.to_json(),
            "cost_after": None if self.cost_after is None else self.cost_after.to_json(),
        }


def design_diff(a: Design, b: Design, imgsz: int = 640) -> tuple[Change, ...]:
    """Return the modules that are not the same in two designs, in the order of the model.

    Where the base models differ, modules are compared by their paths.

    Args:
        a, b: the first and the second design.
        imgsz: input side in pixels at which costs count.

    Raises:
        AppError: the size is not possible, or a design does not fit its base model.
    """
    return _changes(a, b, compare_cost(a, imgsz), compare_cost(b, imgsz))


def diff_document(a: Design, b: Design, imgsz: int = 640) -> dict[str, Any]:
    """Return the document of `design A --diff B --json`.

    Raises:
        AppError: the size is not possible, or a design does not fit its base model.
    """
    first, second = compare_cost(a, imgsz), compare_cost(b, imgsz)
    return {
        "imgsz": imgsz,
        "base": [a.base, b.base],
        "classes": [a.classes, b.classes],
        "activation": [a.activation, b.activation],
        "notes": [a.notes, b.notes],
        "cost": [first.lightweight.to_json(), second.lightweight.to_json()],
        "changes": [change.to_json() for change in _changes(a, b, first, second)],
    }


def swap_text(swap: Swap | None) -> str | None:
    """Return a swap as the command line spells it, for example "separable:rank=2"; None where there is none."""
    if swap is None:
        return None
    return ":".join([swap.block, *(f"{name}={value}" for name, value in sorted(swap.options.items()))])


def _changes(a: Design, b: Design, first: CostTable, second: CostTable) -> tuple[Change, ...]:
    before, after = a.resolved(), b.resolved()
    orders = b.architecture.order, a.architecture.order
    paths = sorted(
        {*before, *after},
        key=lambda path: next((order[path] for order in orders if path in order), 0),
    )
    return tuple(
        Change(
            path,
            before.get(path),
            after.get(path),
            _cost(a, before, first, path),
            _cost(b, after, second, path),
        )
        for path in paths
        if before.get(path) != after.get(path)
    )


def _cost(design: Design, swaps: Mapping[str, Swap], table: CostTable, path: str) -> Cost | None:
    """Return what everything at or below a path costs in a design."""
    if path not in design.architecture.modules or any(path.startswith(f"{outer}.") for outer in swaps):
        return None
    own = (m.lightweight for m in table.modules if m.path == path or m.path.startswith(f"{path}."))
    return sum(own, ZERO)
