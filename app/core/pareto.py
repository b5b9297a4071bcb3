"""The frontier of risk against cost: for every cost the design that risks least, one exact answer after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.core.design import Design, Swap, dump_design
from app.core.errors import AppError
from app.core.target import Problem
from app.core.target_amount import RESOURCES, Amount, Target
from app.core.target_candidates import candidate
from app.core.target_refusal import lowest


@dataclass(frozen=True, slots=True)
class Point:
    """A design between risk and cost.

    Attributes:
        cost: of everything that targets can be set for.
        risk: sum of the risks of its swaps.
        design: the design itself.
    """

    cost: Amount
    risk: float
    design: Design

    def to_json(self) -> dict[str, Any]:
        """Return the point as plain data."""
        return {"cost": self.cost.to_json(), "risk": self.risk, "design": dump_design(self.design)}


def frontier(problem: Problem, resource: str, points: int = 24) -> Iterator[Point]:
    """Yield designs from the one without free swaps down to the one that costs least of a resource.

    Every point is an exact optimum: nothing that costs as little risks less. Points that the same design answers are
    yielded once.

    Args:
        problem: what may be swapped; its locked swaps stay.
        resource: "gflops", "params", "mb" or "ms".
        points: how many costs to look at, evenly between the two ends.
    """
    quantity = RESOURCES[resource]
    top = quantity.amount(problem.start)
    least = lowest(problem, resource, {})
    if top is None or least is None:
        return
    last: tuple[tuple[str, Swap], ...] | None = None
    for number in range(points):
        limit = top + (least - top) * number / max(points - 1, 1)
        try:
            reached = problem.solve([Target(resource, max(limit, least))])
        except AppError:
            if resource != "ms":
                raise
            return  # milliseconds of single swaps do not quite add up: the least sum may be out of reach
        if reached.design.swaps != last:
            last = reached.design.swaps
            yield Point(reached.achieved, reached.risk, reached.design)


def position(problem: Problem) -> Point:
    """Return where the design itself stands, with all its swaps."""
    design = problem.design
    total, risk = problem.standard, 0.0
    swaps = design.resolved()
    risks = problem.risks.completed(design.architecture, swaps.items())
    for path, swap in swaps.items():
        total -= candidate(design.architecture, path, swap, problem.imgsz, problem.speeds).saves
        known = risks.of(path, swap)
        risk += 0.0 if known is None else known.value
    return Point(total, risk, design)
