"""What was reached: the design, and why each of its swaps was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.design import Design, Swap
from app.core.risk import Risk, Risks, risk_row
from app.core.target_amount import Amount, Target


@dataclass(frozen=True, slots=True)
class Row:
    """One swap of a design that reaches a target, or one that was not needed.

    Attributes:
        path: module path.
        swap: what it becomes.
        saves: what that saves.
        risk: what it risks; None where that is not known.
        locked: whether the design had it, and it was kept because its layer is locked.
    """

    path: str
    swap: Swap
    saves: Amount
    risk: Risk | None
    locked: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        data = risk_row(self.path, self.swap, self.risk or Risk(0.0))
        data["risk"] = None if self.risk is None else self.risk.value
        return {**data, "saves": self.saves.to_json(), "locked": self.locked}


@dataclass(frozen=True, slots=True)
class Goal:
    """A target beside what was reached, in the resource's base unit."""

    target: Target
    standard: float
    limit: float
    achieved: float

    def to_json(self) -> dict[str, Any]:
        """Return the goal as plain data."""
        return {
            "target": str(self.target),
            "resource": self.target.resource,
            "standard": self.standard,
            "limit": self.limit,
            "achieved": self.achieved,
        }


@dataclass(frozen=True)
class Reached:
    """A design that reaches its targets at the least risk.

    Attributes:
        design: base model with the chosen swaps.
        rows: its swaps, in order of execution: what each saves and risks.
        spared: for every module that could have been swapped and was not, the swap that risks least for what it saves.
        goals: targets beside what was reached.
        standard, achieved: costs of the standard model and of the design.
        risk: sum of the risks of its swaps, those at locked layers included.
        risks: kind and source of the risks.
        proven: whether nothing risks less under the model; False where the time was up.
        seconds: how long the solver took.
    """

    design: Design
    rows: tuple[Row, ...]
    spared: tuple[Row, ...]
    goals: tuple[Goal, ...]
    standard: Amount
    achieved: Amount
    risk: float
    risks: Risks
    proven: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the document of `design --target --json`, without the design itself."""
        return {
            "base": self.design.base,
            "risk_kind": self.risks.kind,
            "risk_source": self.risks.source,
            "targets": [goal.to_json() for goal in self.goals],
            "rows": [row.to_json() for row in self.rows],
            "spared": [row.to_json() for row in self.spared],
            "totals": {
                "standard": self.standard.to_json(),
                "lightweight": self.achieved.to_json(),
                "risk": self.risk,
            },
            "proven": self.proven,
            "seconds": self.seconds,
        }
