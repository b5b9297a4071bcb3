"""Reaching a target: the swaps of least risk that bring a design down to given costs.

    reach("yolov5n", [parse_target("gflops=-50%")]).design

What is exact, and what is a model, stands in `docs/target.md`. The window asks for it in a child process, for SciPy is
imported on the first call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from app.core.architecture import Architecture
from app.core.cost import compare_cost
from app.core.design import Design, Swap, matches, resolve_design
from app.core.errors import AppError
from app.core.risk import Risks, prior
from app.core.target_amount import RESOURCES, Amount, Target, parse_target
from app.core.target_candidates import Candidate, Speeds, candidate, candidates, speeds_of
from app.core.target_refusal import explain
from app.core.target_result import Goal, Reached, Row
from app.core.target_solve import TIME_LIMIT_S, Choice, least_risk
from app.core.text import QT_TRANSLATE_NOOP

_MOST_CORRECTIONS = 8
_MS_TOLERANCE = 1e-6

__all__ = [
    "RESOURCES",
    "Amount",
    "Candidate",
    "Goal",
    "Problem",
    "Reached",
    "Row",
    "Speeds",
    "Target",
    "candidates",
    "parse_target",
    "reach",
    "speeds_of",
]


def reach(
    design: Design | str,
    targets: Sequence[Target],
    *,
    risks: Risks | None = None,
    offered: Sequence[Candidate] | None = None,
    locked: Sequence[str] = (),
    kinds: Sequence[str | Swap] | None = None,
    imgsz: int | tuple[int, int] = 640,
    speeds: Speeds | None = None,
    time_limit: float = TIME_LIMIT_S,
) -> Reached:
    """Return the design of least risk that reaches all targets.

    Args:
        design: a base model's name, or a design: its swaps at locked layers stay, all others are chosen anew.
        targets: what to reach.
        risks: what each swap risks; None guesses from shapes. Swaps that it does not know are guessed too.
        offered: swaps to choose from; None takes all that `kinds` allow.
        locked: patterns of layers that stay as they are in the design, with all that is inside them.
        kinds: block kinds allowed, or swaps with their options; None allows all.
        imgsz: input size in pixels, for targets of GFLOPs.
        speeds: milliseconds of swaps, for targets of milliseconds.
        time_limit: seconds after which the best answer so far is taken.

    Raises:
        AppError: the targets cannot be reached (the message says what can, the hint what to unlock), a pattern matches
            nothing, or milliseconds are wanted without `speeds`.
    """
    problem = Problem.of(
        design, risks=risks, offered=offered, locked=locked, kinds=kinds, imgsz=imgsz, speeds=speeds
    )
    return problem.solve(targets, time_limit)


@dataclass(frozen=True)
class Problem:
    """Everything that stays the same from target to target.

    Attributes:
        design: what is to be changed.
        imgsz: input size in pixels.
        locked: patterns of locked layers.
        kinds: block kinds allowed; None allows all.
        fixed: swaps of the design at locked layers, with what they save.
        free: swaps to choose from, with a risk each.
        risks: of all of them.
        speeds: milliseconds, where they are known.
        offered: what `free` was taken from, where it was given.
    """

    design: Design
    imgsz: int | tuple[int, int]
    locked: tuple[str, ...]
    kinds: tuple[str | Swap, ...] | None
    fixed: tuple[Candidate, ...]
    free: tuple[Candidate, ...]
    risks: Risks
    speeds: Speeds | None = None
    offered: tuple[Candidate, ...] | None = None

    @classmethod
    def of(
        cls,
        design: Design | str,
        *,
        risks: Risks | None = None,
        offered: Sequence[Candidate] | None = None,
        locked: Sequence[str] = (),
        kinds: Sequence[str | Swap] | None = None,
        imgsz: int | tuple[int, int] = 640,
        speeds: Speeds | None = None,
    ) -> Problem:
        """Prepare a problem; the arguments are those of `reach`.

        Raises:
            AppError: a pattern matches nothing, or the size is not possible.
        """
        start = resolve_design(design) if isinstance(design, str) else design
        architecture = start.architecture
        closed = locked_paths(architecture, locked)
        fixed = tuple(
            candidate(architecture, path, swap, imgsz, speeds)
            for path, swap in start.resolved().items()
            if path in closed
        )
        every = candidates(architecture, imgsz, kinds, speeds) if offered is None else tuple(offered)
        touched = _touching(closed)
        free = tuple(c for c in every if not touched(c.path))
        keys = [(c.path, c.swap) for c in (*fixed, *free)]
        return cls(
            design=start,
            imgsz=imgsz,
            locked=tuple(locked),
            kinds=None if kinds is None else tuple(kinds),
            fixed=fixed,
            free=free,
            risks=prior(architecture, keys) if risks is None else risks.completed(architecture, keys),
            speeds=speeds,
            offered=None if offered is None else tuple(offered),
        )

    @cached_property
    def standard(self) -> Amount:
        """What the standard model costs."""
        cost = compare_cost(self.design.cleared(), self.imgsz).standard
        return Amount.of(cost, None if self.speeds is None else self.speeds.standard)

    @cached_property
    def start(self) -> Amount:
        """What the model costs with the locked swaps alone."""
        return self.cost_with(())

    def cost_with(self, chosen: Sequence[Candidate]) -> Amount:
        """Return what the model costs with the locked swaps and some of the free ones."""
        total = self.standard
        for one in (*self.fixed, *chosen):
            total -= one.saves
        return total

    def choices(self, resources: Sequence[str]) -> tuple[list[Candidate], list[Choice]]:
        """Return the free swaps whose savings of some resources are known, as the solver takes them."""
        kept, made = [], []
        for one in self.free:
            saves = [RESOURCES[name].amount(one.saves) for name in resources]
            risk = self.risks.of(one.path, one.swap)
            known = [value for value in saves if value is not None]
            if risk is not None and len(known) == len(saves) and any(value > 0 for value in known):
                kept.append(one)
                made.append(Choice(one.path, tuple(known), risk.value))
        return kept, made

    def solve(self, targets: Sequence[Target], time_limit: float = TIME_LIMIT_S) -> Reached:
        """Return the design of least risk that reaches all targets.

        Raises:
            AppError: see `reach`.
        """
        limits = dict(self._merged(targets))
        kept, made = self.choices(list(limits))
        asked, seconds = limits.get("ms", 0.0), 0.0
        for _ in range(_MOST_CORRECTIONS):
            needs = [self._have(name) - limit for name, limit in limits.items()]
            solution = least_risk(made, needs, time_limit)
            if solution is None:
                break
            seconds += solution.seconds
            reached = self._reached([kept[i] for i in solution.chosen], targets, solution.proven, seconds)
            over = (reached.achieved.ms or 0.0) - asked
            if "ms" not in limits or over <= _MS_TOLERANCE * asked:
                return reached
            # Changes of single layers do not quite add up to the whole: ask for as much more as is missing.
            limits["ms"] -= over
        raise explain(self, limits, asked - limits.get("ms", asked))

    def _merged(self, targets: Sequence[Target]) -> Mapping[str, float]:
        """Return resource → the tightest limit that is set for it, in its base unit."""
        limits: dict[str, float] = {}
        for target in targets:
            if target.resource == "ms" and self.speeds is None:
                raise AppError(
                    QT_TRANSLATE_NOOP("core", "Nothing is known about the speed of single layers here."),
                    QT_TRANSLATE_NOOP("core", "Measure the latency first, then set a target for it."),
                )
            standard = RESOURCES[target.resource].amount(self.standard) or 0.0
            limit = target.limit(standard)
            limits[target.resource] = min(limit, limits.get(target.resource, limit))
        if not limits:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "There is no target to reach."),
                QT_TRANSLATE_NOOP("core", "Set one, such as gflops=-50%."),
            )
        return limits

    def _have(self, resource: str) -> float:
        amount = RESOURCES[resource].amount(self.start)
        if amount is None:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "How fast the swaps of the locked layers are is not known."),
                QT_TRANSLATE_NOOP("core", "Measure the latency of this design first, or unlock them."),
            )
        return amount

    def _achieved(self, design: Design, chosen: Sequence[Candidate]) -> Amount:
        """Return what a design costs; its milliseconds as predicted for the whole, where that is possible."""
        total = self.cost_with(chosen)
        ms = None if self.speeds is None or self.speeds.whole is None else self.speeds.whole(design)
        return total if ms is None else replace(total, ms=ms)

    def _reached(
        self, chosen: Sequence[Candidate], targets: Sequence[Target], proven: bool, seconds: float
    ) -> Reached:
        swaps = {c.path: c.swap for c in (*self.fixed, *chosen)}
        design = with_swaps(self.design, swaps)
        achieved = self._achieved(design, chosen)
        goals = []
        for target in targets:
            resource = RESOURCES[target.resource]
            standard = resource.amount(self.standard) or 0.0
            goals.append(
                Goal(target, standard, target.limit(standard), resource.amount(achieved) or 0.0),
            )
        rows = [self._row(c, c in self.fixed) for c in (*self.fixed, *chosen)]
        order = self.design.architecture.order
        return Reached(
            design=design,
            rows=tuple(sorted(rows, key=lambda row: order[row.path])),
            spared=self._spared(swaps, [target.resource for target in targets]),
            goals=tuple(goals),
            standard=self.standard,
            achieved=achieved,
            risk=sum(row.risk.value for row in rows if row.risk is not None),
            risks=self.risks,
            proven=proven,
            seconds=seconds,
        )

    def _row(self, one: Candidate, locked: bool = False) -> Row:
        return Row(one.path, one.swap, one.saves, self.risks.of(one.path, one.swap), locked)

    def _spared(self, swaps: Mapping[str, Swap], resources: Sequence[str]) -> tuple[Row, ...]:
        """Return for each module left alone the swap that saves most of the first resource for its risk."""
        resource = RESOURCES[resources[0]]
        touched = _touching(swaps)
        best: dict[str, tuple[float, Candidate]] = {}
        for one in self.free:
            saved, risk = resource.amount(one.saves), self.risks.of(one.path, one.swap)
            if saved is None or saved <= 0 or risk is None or touched(one.path):
                continue
            price = risk.value / saved
            if one.path not in best or price < best[one.path][0]:
                best[one.path] = price, one
        return tuple(self._row(one) for _, one in best.values())


def with_swaps(design: Design, swaps: Mapping[str, Swap]) -> Design:
    """Return a design of the same base model with these swaps and no others."""
    order = design.architecture.order
    return replace(design, swaps=tuple(sorted(swaps.items(), key=lambda item: order[item[0]])))


def locked_paths(architecture: Architecture, patterns: Sequence[str]) -> set[str]:
    """Return all modules that patterns name, with all that is inside them.

    Raises:
        AppError: a pattern matches nothing.
    """
    found: set[str] = set()
    for pattern in patterns:
        named = matches(architecture, pattern)
        if not named:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "Locked “{pattern}”: {base} has no such module."),
                QT_TRANSLATE_NOOP("core", "See the module paths with: layers --base {base}."),
                pattern=pattern,
                base=architecture.base,
            )
        found.update(named)
        found.update(path for path in architecture.modules if path.startswith(tuple(f"{n}." for n in named)))
    return found


def _touching(paths: Iterable[str]) -> Callable[[str], bool]:
    """Return what says whether a module is among some, inside one of them, or has one of them inside."""
    inner = set(paths)
    outer = {above for path in inner for above in _above(path)}

    def touches(path: str) -> bool:
        return path in inner or path in outer or any(above in inner for above in _above(path))

    return touches


def _above(path: str) -> Iterator[str]:
    while "." in path:
        path = path.rpartition(".")[0]
        yield path
