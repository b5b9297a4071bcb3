"""The solver of targets: equal to trying everything, and never two choices inside each other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.target_solve import Choice, exclusive, least_risk, most

LAYERS = 12
COUNTS = st.integers(0, 10**9)


def tried(choices: Sequence[Choice], needs: Sequence[float]) -> float | None:
    """Return the least risk by trying everything, path by path; None where the needs cannot be met."""
    paths = sorted({choice.path for choice in choices}, key=lambda path: path.count("."), reverse=True)
    at = {path: [None, *(c for c in choices if c.path == path)] for path in paths}
    best: float | None = None
    for taken in itertools.product(*(at[path] for path in paths)):
        chosen = [choice for choice in taken if choice is not None]
        if any(a.path.startswith(f"{b.path}.") for a in chosen for b in chosen):
            continue
        if all(sum(c.saves[r] for c in chosen) >= need for r, need in enumerate(needs)):
            risk = sum(c.risk for c in chosen)
            best = risk if best is None else min(best, risk)
    return best


@st.composite
def models(draw: st.DrawFn) -> tuple[list[Choice], list[float]]:
    """Twelve layers with a choice or two each, two of them around three others, and two resources to save."""
    paths = [f"model.{i}" for i in range(LAYERS - 3)] + ["model.0.m.0", "model.0.m.1", "model.1.m.0"]
    choices = []
    for number, path in enumerate(paths):
        for _ in range(2 if number < 4 else 1):
            saves = (float(draw(COUNTS)), float(draw(st.integers(-(10**5), 10**6))))
            choices.append(Choice(path, saves, draw(st.floats(0, 10, allow_subnormal=False))))
    shares = [draw(st.floats(0.05, 0.95)) for _ in range(2)]
    totals = [sum(max(c.saves[r], 0) for c in choices) for r in range(2)]
    return choices, [float(int(share * total)) for share, total in zip(shares, totals, strict=True)]


@given(models(), st.integers(1, 2))
@settings(max_examples=25, deadline=None)
def test_it_equals_trying_everything_on_twelve_layers(
    model: tuple[list[Choice], list[float]], resources: int
) -> None:
    choices = [Choice(c.path, c.saves[:resources], c.risk) for c in model[0]]
    needs = model[1][:resources]
    found, best = least_risk(choices, needs), tried(choices, needs)
    if best is None:
        assert found is None
        return
    assert found is not None
    assert found.proven
    chosen = [choices[number] for number in found.chosen]
    assert sum(c.risk for c in chosen) == pytest.approx(best, rel=1e-9, abs=1e-9)
    assert all(sum(c.saves[r] for c in chosen) >= need for r, need in enumerate(needs))
    assert not any(a is not b and f"{a.path}.".startswith(f"{b.path}.") for a in chosen for b in chosen)


@given(models())
@settings(max_examples=25, deadline=None)
def test_the_most_that_can_be_saved_is_the_last_need_that_can_be_met(
    model: tuple[list[Choice], list[float]],
) -> None:
    choices, needs = model
    top = most(choices, 0)
    assert top is not None
    alone = [Choice(c.path, c.saves[:1], c.risk) for c in choices]
    assert least_risk(alone, [top]) is not None
    assert least_risk(alone, [top + 1]) is None
    beside = most(choices, 0, needs)
    if beside is None:
        assert least_risk([Choice(c.path, c.saves[1:], c.risk) for c in choices], needs[1:]) is None
    else:
        assert beside <= top
        assert least_risk(choices, [beside, needs[1]]) is not None
        assert least_risk(choices, [beside + 1, needs[1]]) is None


def test_a_need_that_is_met_to_the_last_number_counts() -> None:
    choices = [Choice("a", (10**10 + 1.0,), 1.0), Choice("b", (10**10,), 0.5), Choice("c", (1.0,), 0.1)]
    exact = least_risk(choices, [10**10 + 1.0])
    assert exact is not None
    assert [choices[i].path for i in exact.chosen] == ["b", "c"]
    alone = least_risk(choices[:2], [10**10 + 1.0])
    assert alone is not None
    assert [choices[i].path for i in alone.chosen] == ["a"]  # not "b", which a tolerance would let through


def test_what_is_not_needed_is_left_out() -> None:
    found = least_risk([Choice("a", (5.0,), 0.0), Choice("b", (5.0,), 0.0)], [5.0])
    assert found is not None
    assert len(found.chosen) == 1
    nothing = least_risk([Choice("a", (5.0,), 0.0)], [0.0])
    assert nothing is not None
    assert nothing.chosen == ()


def test_groups_are_the_ways_down_to_the_innermost_paths() -> None:
    paths = ["m.4", "m.4", "m.4.m.0.cv2", "m.4.m.1.cv2", "m.40"]
    assert sorted(sorted(group) for group in exclusive(paths)) == [[0, 1, 2], [0, 1, 3], [4]]
    assert least_risk([], [1.0]) is None
