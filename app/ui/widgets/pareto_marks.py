"""What stands in a Pareto plot, as data: known before anything can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

FRONTIER, OPEN, PICKED, SMALLER, NARROWER = "frontier", "open", "picked", "smaller", "narrower"
LIMIT = "limit"
"""Kinds of marks: designs of least risk, the open design, the answer; plain smaller and plain narrower models.

The limit that was asked for is a line, not a mark.
"""


@dataclass(frozen=True)
class Mark:
    """Something that stands in the plot.

    Attributes:
        kind: FRONTIER, OPEN, PICKED, SMALLER or NARROWER.
        x: cost, in the unit of the axis.
        risk: None for what has none, and stands on the cost axis.
        name: what is written beside it; "" writes nothing.
        words: what is said of it, one line each, when it is pointed at.
        able: whether a click does something.
        number: which one of its kind it is.
    """

    kind: str
    x: float
    risk: float | None
    name: str
    words: tuple[str, ...]
    able: bool = True
    number: int = 0


@dataclass(frozen=True)
class Chart:
    """All that is drawn.

    Attributes:
        title: of the cost axis, with the unit.
        marks: what stands in it; those of the frontier from the dearest on.
        limit: the most that was asked for; None where nothing was on this axis.
        top: cost of the standard model.
    """

    title: str
    marks: tuple[Mark, ...] = ()
    limit: float | None = None
    top: float = 0.0

    def of(self, *kinds: str) -> tuple[Mark, ...]:
        """Return the marks of some kinds."""
        return tuple(mark for mark in self.marks if mark.kind in kinds)
