"""What is measured: everything that a kind can replace, once, and mixes of all shares."""

from __future__ import annotations

import random

import pytest

from app.core.blocks import BLOCKS, eligible
from app.core.design import Design, Swap
from app.core.latency import design_key
from app.core.latency_plan import MIXES, coverings, default_kinds, plan, random_design
from app.core.latency_units import units

N = Design.stock("yolov5n", 3)


def test_the_standard_model_comes_first_and_all_differ() -> None:
    designs = plan(N, default_kinds())
    assert designs[0] == N
    assert len({design_key(design) for design in designs}) == len(designs)


def test_the_plan_is_the_same_every_time() -> None:
    kinds = default_kinds()
    assert [design_key(d) for d in plan(N, kinds)] == [design_key(d) for d in plan(N, kinds)]


def test_every_place_of_every_kind_is_covered() -> None:
    architecture = N.architecture
    for swap in default_kinds():
        sets = coverings(N, swap)
        covered = [path for paths in sets for path in paths]
        assert len(set(covered)) == len(covered)
        assert set(eligible(architecture, swap.block)) <= set(covered)
        for paths in sets:
            N.with_swap(paths, swap).resolved()


def test_every_signature_of_a_random_design_is_known_from_the_plan() -> None:
    kinds = default_kinds()
    known = {unit.signature for design in plan(N, kinds, mixes=0) for unit in units(design)}
    generator = random.Random(3)
    for _ in range(5):
        assert {unit.signature for unit in units(random_design(N, kinds, 0.7, generator))} <= known


@pytest.mark.parametrize("share", [0.1, 0.4, 1.0])
def test_a_random_design_swaps_the_share_it_should(share: float) -> None:
    kinds = (Swap("separable"), Swap("dwconv"))
    able = eligible(N.architecture, "separable")
    for seed in range(5):
        made = random_design(N, kinds, share, random.Random(seed))
        assert len(made.resolved()) == max(round(share * len(able)), 1)


def test_mixes_hold_every_kind_somewhere() -> None:
    mixes = plan(N, default_kinds())[-MIXES:]
    assert {swap.block for design in mixes for swap in design.resolved().values()} == set(BLOCKS)
