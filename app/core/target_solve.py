"""Which choices reach given savings at the least risk: a mixed-integer programme, solved to its exact optimum.

Every choice stands at a module path; of the choices at one path, or at paths inside each other, at most one is taken:

    minimise  Σ risk·x   with  Σ saves_r·x ≥ need_r for every resource r,  Σ x ≤ 1 along every path,  x ∈ {0, 1}

HiGHS (Huangfu and Hall 2018) solves it through SciPy with a relative gap of 0. Its answer is rounded and checked in
exact arithmetic: one that only a tolerance of the solver let through is ruled out by a cut, and it is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from time import perf_counter
from typing import Any

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

TIME_LIMIT_S = 20.0
"""After so many seconds the best answer so far is taken, and said not to be proven."""

_LARGEST_COST = 1e6
"""HiGHS stops at an absolute gap of 1e-6: as a share of the largest risk that is 1e-12."""

_MOST_CUTS = 200
_ROW, _SLACK = 1e4, 1e-7
"""Needs are scaled to this, and so much less is asked for: HiGHS' own tolerance, 1e-6, is then 1e-10 of a need."""

_NO_NEED = float("-inf")
_ENDED_BY_TIME, _INFEASIBLE = 1, 2


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that may be done at a module path.

    Attributes:
        path: module path.
        saves: what it saves of each resource; negative where it costs more.
        risk: what it risks, not negative.
    """

    path: str
    saves: tuple[float, ...]
    risk: float


@dataclass(frozen=True, slots=True)
class Solution:
    """Which choices to take.

    Attributes:
        chosen: their numbers, ascending.
        proven: whether it is proven that nothing risks less; False where the time was up.
        seconds: how long it took.
    """

    chosen: tuple[int, ...]
    proven: bool
    seconds: float


def least_risk(
    choices: Sequence[Choice], needs: Sequence[float], time_limit: float = TIME_LIMIT_S
) -> Solution | None:
    """Return the choices of least total risk that save at least `needs`, or None where none do.

    Args:
        choices: to choose from.
        needs: what is to be saved of each resource.
        time_limit: seconds.

    Raises:
        AppError: not even one answer was found in that time.
    """
    _solver()  # importing it is not part of the time that it takes
    start = perf_counter()
    if all(need <= 0 for need in needs):
        return Solution((), True, 0.0)  # risks are not negative
    numbers = _undominated(choices)
    kept = [choices[number] for number in numbers]
    found = _minimise(kept, [choice.risk for choice in kept], needs, time_limit)
    if found is None:
        return None
    chosen, proven = found
    chosen = _without_needless(kept, chosen, needs)
    return Solution(tuple(numbers[number] for number in chosen), proven, perf_counter() - start)


def most(choices: Sequence[Choice], resource: int, needs: Sequence[float] | None = None) -> float | None:
    """Return the most that can be saved of one resource.

    Args:
        choices: to choose from.
        resource: its number.
        needs: what must be saved of each resource besides; that of `resource` itself is not looked at.

    Returns:
        The saving; None where the needs cannot be met.
    """
    others = [_NO_NEED if r == resource else need for r, need in enumerate(needs or ())]
    if all(need == _NO_NEED for need in others):
        return sum(choices[i].saves[resource] for i in _greatest(choices, resource))
    costs = [-choice.saves[resource] for choice in choices]
    found = _minimise(choices, costs, others, TIME_LIMIT_S)
    return None if found is None else sum(choices[i].saves[resource] for i in found[0])


def exclusive(paths: Sequence[str]) -> list[list[int]]:
    """Return groups of numbers of which at most one may be taken: those on the way down to each innermost path."""
    known = set(paths)
    outer = {_above(path, known) for path in known}
    numbers: dict[str, list[int]] = {}
    for number, path in enumerate(paths):
        numbers.setdefault(path, []).append(number)
    groups = []
    for path in dict.fromkeys(paths):
        if path in outer:
            continue
        group: list[int] = []
        step: str | None = path
        while step is not None:
            group.extend(numbers[step])
            step = _above(step, known)
        groups.append(group)
    return groups


def _above(path: str, known: set[str]) -> str | None:
    """Return the nearest known path that a path lies inside."""
    while "." in path:
        path = path.rpartition(".")[0]
        if path in known:
            return path
    return None


def _undominated(choices: Sequence[Choice]) -> list[int]:
    """Return the choices that no other one at the same path beats or equals in every saving and in risk."""
    by_path: dict[str, list[int]] = {}
    for number in sorted(range(len(choices)), key=lambda number: (choices[number].risk, number)):
        choice = choices[number]
        better = by_path.setdefault(choice.path, [])
        if not any(
            all(a >= b for a, b in zip(choices[other].saves, choice.saves, strict=True)) for other in better
        ):
            better.append(number)
    return sorted(number for numbers in by_path.values() for number in numbers)


def _greatest(choices: Sequence[Choice], resource: int) -> tuple[int, ...]:
    """Return the choices that save most of one resource: paths are a tree, so the best of each branch adds up."""
    known = {choice.path for choice in choices}
    single: dict[str, int] = {}
    for number, choice in enumerate(choices):
        best = single.get(choice.path)
        if best is None or choice.saves[resource] > choices[best].saves[resource]:
            single[choice.path] = number
    inner: dict[str | None, list[int]] = {}
    for path in sorted(known, key=lambda path: path.count("."), reverse=True):
        below = inner.pop(path, [])
        alone = choices[single[path]].saves[resource]
        together = sum(choices[i].saves[resource] for i in below)
        taken = below if together >= max(alone, 0) else [single[path]] if alone > 0 else []
        inner.setdefault(_above(path, known), []).extend(taken)
    return tuple(sorted(inner.get(None, [])))


def _minimise(
    choices: Sequence[Choice], costs: Sequence[float], needs: Sequence[float], time_limit: float
) -> tuple[tuple[int, ...], bool] | None:
    """Return the choices of least cost, and whether that is proven; None where the needs cannot be met."""
    scipy = _solver()
    count = len(choices)
    if not count:
        return None
    scale = _LARGEST_COST / (max(abs(cost) for cost in costs) or 1.0)
    limits: list[Any] = [_no_two(choices), *_savings(choices, needs)]
    end = perf_counter() + time_limit
    for _ in range(_MOST_CUTS):
        result = scipy.milp(
            [cost * scale for cost in costs],
            integrality=[1] * count,
            bounds=scipy.Bounds(0, 1),
            constraints=[scipy.LinearConstraint(rows, low, high) for rows, low, high in limits],
            options={"mip_rel_gap": 0.0, "presolve": True, "time_limit": max(end - perf_counter(), 0.1)},
        )
        if result.status == _INFEASIBLE:
            return None
        if result.x is None:
            raise _no_answer(time_limit)
        chosen = tuple(number for number, x in enumerate(result.x) if x > 0.5)
        if _met(choices, chosen, needs):
            return chosen, result.status != _ENDED_BY_TIME
        limits.append(_other_than(choices, chosen, needs))
    raise _no_answer(time_limit)


def _solver() -> Any:
    """Return SciPy's optimisers, imported on first use: that takes longer than everything else in core."""
    from scipy import optimize

    return optimize


def _no_two(choices: Sequence[Choice]) -> Any:
    """Return Σ x ≤ 1 along every path, as (rows, lowest, highest)."""
    rows = []
    for group in exclusive([choice.path for choice in choices]):
        row = [0.0] * len(choices)
        for number in group:
            row[number] = 1.0
        rows.append(row)
    return rows, float("-inf"), 1.0


def _savings(choices: Sequence[Choice], needs: Sequence[float]) -> list[Any]:
    """Return Σ saves·x ≥ need for each resource, scaled so that tolerances mean shares."""
    rows = []
    for resource, need in enumerate(needs):
        if need == _NO_NEED:
            continue
        saves = [choice.saves[resource] for choice in choices]
        unit = (abs(need) or max(abs(value) for value in saves) or 1.0) / _ROW
        # A little less is asked for, so that rounding hides nothing; `_met` then looks exactly.
        rows.append(([[value / unit for value in saves]], need / unit - _SLACK, float("inf")))
    return rows


def _other_than(choices: Sequence[Choice], chosen: Sequence[int], needs: Sequence[float]) -> Any:
    """Return a cut that rules out choices which save too little, and as many others for the same reason as it can."""
    inside = set(chosen)
    for resource, need in enumerate(needs):
        gain = sum(max(choices[number].saves[resource], 0.0) for number in chosen)
        if gain < need:
            # Whatever saves enough has something in it that saves and is not among these.
            row = [
                float(number not in inside and choice.saves[resource] > 0)
                for number, choice in enumerate(choices)
            ]
            return [row], 1.0, float("inf")
    row = [1.0 if number in inside else -1.0 for number in range(len(choices))]
    return [row], float("-inf"), len(chosen) - 1.0


def _met(choices: Sequence[Choice], chosen: Sequence[int], needs: Sequence[float]) -> bool:
    """Say whether choices save enough: of whole numbers exactly, of others up to rounding."""
    for resource, need in enumerate(needs):
        saved = sum(choices[number].saves[resource] for number in chosen)
        if saved < need - 1e-12 * abs(need):
            return False
    paths = sorted(choices[number].path for number in chosen)
    return not any(b == a or b.startswith(f"{a}.") for a, b in pairwise(paths))


def _without_needless(
    choices: Sequence[Choice], chosen: Sequence[int], needs: Sequence[float]
) -> tuple[int, ...]:
    """Leave out choices that the needs are met without: those that risk nothing may be among them."""
    kept = list(chosen)
    for number in sorted(chosen, key=lambda number: choices[number].risk, reverse=True):
        fewer = [other for other in kept if other != number]
        if _met(choices, fewer, needs):
            kept = fewer
    return tuple(kept)


def _no_answer(seconds: float) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "No answer was found in {seconds} seconds."),
        QT_TRANSLATE_NOOP("core", "Lock some layers or allow fewer kinds, and try again."),
        seconds=round(seconds),
    )
