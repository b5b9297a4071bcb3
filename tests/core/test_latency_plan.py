"""What is measured: everything that a kind can replace, once, and mixes of all shares."""

from __future__ import annotations

import random

import pytest

from app.core.blocks import BLOCKS, eligible, refusal
from app.core.design import Design, Swap, preset
from app.core.latency import design_key
from app.core.latency_plan import (
    ANY_MIXES,
    MIXES,
    coverings,
    default_kinds,
    drawn_options,
    plan,
    random_design,
)
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
    generator = random.Random(5)
    mixes = [random_design(N, default_kinds(), (n + 0.5) / MIXES, generator) for n in range(MIXES)]
    assert {swap.block for design in mixes for swap in design.resolved().values()} == set(BLOCKS)
    planned = {design_key(design) for design in plan(N, default_kinds())}
    assert {design_key(design) for design in mixes} <= planned


def test_every_option_of_every_kind_has_several_values_in_the_plan() -> None:
    used: dict[tuple[str, str], set[int]] = {}
    for design in plan(N, default_kinds()):
        for swap in design.resolved().values():
            for name in BLOCKS[swap.block].options:
                used.setdefault((swap.block, name), set()).add(swap.option(name))
    for name, kind in BLOCKS.items():
        for option, known in kind.options.items():
            assert len(used[name, option]) >= min(len(known.offered), 3), (name, option)


def test_presets_hold_nothing_that_the_plan_did_not_measure() -> None:
    known = {unit.signature for design in plan(N, default_kinds()) for unit in units(design)}
    for name in ("balanced", "seed", "separable", "neck"):
        assert {unit.signature for unit in units(preset(name, classes=3))} <= known, name


def test_drawn_options_fit_and_vary() -> None:
    generator = random.Random(1)
    for name, kind in BLOCKS.items():
        if not kind.options:
            continue
        path = eligible(N.architecture, name)[-1]
        drawn = {drawn_options(N, path, Swap(name), generator) for _ in range(30)}
        assert len(drawn) > 1, name
        assert all(refusal(N.architecture, path, name, swap.options) is None for swap in drawn)


def test_kinds_that_are_not_wanted_are_not_measured() -> None:
    designs = plan(N, [Swap("ghost"), Swap("lcnet")])
    assert {swap.block for design in designs for swap in design.resolved().values()} == {"ghost", "lcnet"}
    assert len(designs) < len(plan(N, default_kinds())) - ANY_MIXES
