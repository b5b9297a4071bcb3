"""Why a target cannot be reached: how far one can get, and what to unlock or allow to get there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from app.core.cost import compare_cost
from app.core.design import Design
from app.core.errors import AppError
from app.core.rivals import siblings
from app.core.target_amount import RESOURCES, Amount
from app.core.target_solve import most
from app.core.text import QT_TRANSLATE_NOOP, Text, percent_change

if TYPE_CHECKING:
    from app.core.target import Problem


def lowest(problem: Problem, resource: str, limits: Mapping[str, float]) -> float | None:
    """Return the least that a design may cost of a resource while other limits hold, or None where they cannot.

    Args:
        problem: what may be swapped.
        resource: its name.
        limits: resource → limit in its base unit; that of `resource` itself is not looked at.
    """
    names = [resource, *(name for name in limits if name != resource)]
    amounts = [RESOURCES[name].amount(problem.start) for name in names]
    have = [amount if amount is not None else float("inf") for amount in amounts]
    _, choices = problem.choices(names)
    needs = [0.0, *(cost - limits[name] for cost, name in zip(have[1:], names[1:], strict=True))]
    saved = most(choices, 0, needs)
    return None if saved is None else have[0] - saved


def explain(problem: Problem, limits: Mapping[str, float], missing_ms: float = 0.0) -> AppError:
    """Return the error that says how far one can get.

    Args:
        problem: what may be swapped.
        limits: resource → limit in its base unit; together they cannot be met.
        missing_ms: how many milliseconds more than was asked for the limit of them asks for, because single layers
            do not add up to the whole.
    """
    for name, limit in limits.items():
        least = lowest(problem, name, {})
        if least is not None and least > limit:
            return _refusal(
                QT_TRANSLATE_NOOP(
                    "core",
                    "With these layers and kinds {least} ({change}) is the least; {limit} was asked for.",
                ),
                problem,
                name,
                least,
                {name: limit},
                missing_ms,
            )
    name = list(limits)[-1]
    met = lowest(problem, name, limits)
    if met is None:
        # Already the others exclude each other.
        return explain(problem, dict(list(limits.items())[:-1]), missing_ms)
    return _refusal(
        QT_TRANSLATE_NOOP(
            "core",
            "Each target can be reached, but not all together: with the others met, {least} ({change}) is the least; "
            "{limit} was asked for.",
        ),
        problem,
        name,
        met,
        limits,
        missing_ms,
    )


def _refusal(
    text: str, problem: Problem, name: str, least: float, limits: Mapping[str, float], missing_ms: float
) -> AppError:
    resource = RESOURCES[name]
    standard = resource.amount(problem.standard) or 0.0
    shift = missing_ms if name == "ms" else 0.0
    return AppError(
        text,
        "{advice}",
        least=resource.written(least + shift),
        change=percent_change(standard, least + shift),
        limit=resource.written(limits[name] + shift),
        advice=_advice(problem, limits),
    )


def _advice(problem: Problem, limits: Mapping[str, float]) -> Text:
    """Return the smallest thing that would make the targets reachable."""
    locked = [
        pattern
        for pattern in problem.locked
        if _reaches(problem, limits, [other for other in problem.locked if other != pattern])
    ]
    if locked:
        return Text(QT_TRANSLATE_NOOP("core", "Unlock {patterns}."), {"patterns": _any_of(locked)})
    if problem.locked and _reaches(problem, limits, ()):
        return Text(QT_TRANSLATE_NOOP("core", "Unlock the locked layers."))
    if problem.kinds is not None and _reaches(problem, limits, problem.locked, every_kind=True):
        return Text(QT_TRANSLATE_NOOP("core", "Allow more block kinds."))
    if problem.kinds is not None and problem.locked and _reaches(problem, limits, (), every_kind=True):
        return Text(QT_TRANSLATE_NOOP("core", "Unlock the locked layers and allow more block kinds."))
    smaller = next(_smaller(problem, limits), None)
    if smaller is not None:
        return Text(QT_TRANSLATE_NOOP("core", "Begin with a smaller base model: {base}."), {"base": smaller})
    return Text(QT_TRANSLATE_NOOP("core", "Set a milder target."))


def _any_of(patterns: Sequence[str]) -> Text:
    if len(patterns) == 1:
        return Text("{pattern}", {"pattern": patterns[0]})
    *first, last = patterns
    return Text(QT_TRANSLATE_NOOP("core", "{first} or {last}"), {"first": ", ".join(first), "last": last})


def _reaches(
    problem: Problem, limits: Mapping[str, float], locked: Sequence[str], every_kind: bool = False
) -> bool:
    """Say whether targets can be reached with other locks, or with all kinds."""
    other = type(problem).of(
        problem.design,
        risks=problem.risks,
        offered=problem.offered,
        locked=locked,
        kinds=None if every_kind else problem.kinds,
        imgsz=problem.imgsz,
        speeds=problem.speeds,
    )
    if any((least := lowest(other, name, {})) is None or least > limit for name, limit in limits.items()):
        return False
    last = list(limits)[-1]
    least = lowest(other, last, limits)
    return least is not None and least <= limits[last]


def _smaller(problem: Problem, limits: Mapping[str, float]) -> Iterator[str]:
    """Yield smaller base models of the family that meet the limits as they are, or halved, the largest first."""
    for share in (1.0, 0.5):
        for base in reversed(siblings(problem.design.base)):
            cost = compare_cost(Design.stock(base, problem.design.classes), problem.imgsz).standard
            amount = Amount.of(cost)
            known = [(RESOURCES[name].amount(amount), limit) for name, limit in limits.items()]
            if cost.flops < problem.standard.flops and all(
                value is None or value * share <= limit for value, limit in known
            ):
                yield base
