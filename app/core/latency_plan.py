"""Which designs are measured so that the time of any other can be predicted."""

from __future__ import annotations

import random
from collections.abc import Sequence

from app.core.blocks import BLOCKS, eligible, refusal
from app.core.design import Design, Swap
from app.core.sites import sites

MIXES = 12
"""Random designs in a plan: they show what a module takes among strangers."""

RANKS = (4, 3)
"""Ranks of separable convolutions that get designs of their own besides those of `default_kinds`: presets hold them."""

ANY_MIXES = 4
"""Random designs in a plan whose swaps have any options."""

_SEED = 5
_DRAWS = 10


def default_kinds() -> tuple[Swap, ...]:
    """Return every block kind as a swap, and the separable one of rank 2 too."""
    kinds = [Swap(name) for name in BLOCKS]
    kinds.insert(1, Swap("separable", {"rank": 2}))
    return tuple(kinds)


def plan(standard: Design, kinds: Sequence[Swap], mixes: int = MIXES) -> tuple[Design, ...]:
    """Return the designs to measure, most telling first; the same ones every time.

    The standard model; for each kind designs in which everything that it can replace is replaced; then mixes that
    replace ever other shares of the model; then the same with other options than usual, at each module others.

    Args:
        standard: any design of the base model.
        kinds: swaps that designs may hold.
        mixes: how many random designs of these.
    """
    base = standard.cleared()
    found = [base]
    for swap in kinds:
        found += [base.with_swap(paths, swap) for paths in coverings(base, swap)]
    generator = random.Random(_SEED)
    for number in range(mixes):
        share = (number + 0.5) / mixes
        found.append(random_design(base, kinds, share, generator))
    found += _other_options(base, kinds, generator)
    return tuple(found)


def _other_options(base: Design, kinds: Sequence[Swap], generator: random.Random) -> list[Design]:
    """Return designs whose swaps have other options than usual."""
    names = list(dict.fromkeys(swap.block for swap in kinds))
    found = []
    if "separable" in names:
        for rank in RANKS:
            swap = Swap("separable", {"rank": rank})
            found += [base.with_swap(paths, swap) for paths in coverings(base, swap)]
    for name in names:
        if name == "separable" or not BLOCKS[name].options:
            continue
        for paths in coverings(base, Swap(name)):
            made = base
            for path in paths:
                made = made.with_swap([path], drawn_options(base, path, Swap(name), generator))
            found.append(made)
    for number in range(ANY_MIXES):
        share = (number + 0.5) / ANY_MIXES
        found.append(random_design(base, kinds, share, generator, any_options=True))
    return found


def drawn_options(design: Design, path: str, swap: Swap, generator: random.Random) -> Swap:
    """Return a swap of the same kind with options drawn at random among those that fit at a module path.

    Args:
        design: any design of the base model.
        path: module path.
        swap: the kind, with options that fit there; they stay where others are refused.
        generator: where the chance comes from.
    """
    known = BLOCKS[swap.block].options
    for _ in range(_DRAWS):
        options = {name: generator.choice(option.offered) for name, option in known.items()}
        if refusal(design.architecture, path, swap.block, options) is None:
            return Swap(swap.block, options)
    return swap


def coverings(design: Design, swap: Swap) -> tuple[tuple[str, ...], ...]:
    """Return sets of modules, none inside another, that together are everything that a swap can replace."""
    architecture = design.architecture
    left = [
        path for path in sites(architecture) if refusal(architecture, path, swap.block, swap.options) is None
    ]
    found = []
    while left:
        taken: list[str] = []
        for path in left:
            if not any(_overlap(path, other) for other in taken):
                taken.append(path)
        found.append(tuple(taken))
        left = [path for path in left if path not in taken]
    return tuple(found)


def random_design(
    design: Design,
    kinds: Sequence[Swap],
    share: float,
    generator: random.Random,
    any_options: bool = False,
) -> Design:
    """Return a design of the same base in which a share of the convolutions is swapped at random.

    Args:
        design: any design of the base model.
        kinds: what to choose from.
        share: from 0 to 1, of the convolutions that a separable block could replace.
        generator: where the chance comes from.
        any_options: whether to draw the options too, instead of those that the kinds have.
    """
    architecture = design.architecture
    leaves = eligible(architecture, "separable")
    wanted = max(round(share * len(leaves)), 1)
    order = list(sites(architecture))
    generator.shuffle(order)
    chosen: dict[str, Swap] = {}
    covered: set[str] = set()
    for path in order:
        if len(covered) >= wanted:
            break
        if any(_overlap(path, other) for other in chosen):
            continue
        able = [s for s in kinds if refusal(architecture, path, s.block, s.options) is None]
        if able:
            swap = generator.choice(able)
            chosen[path] = drawn_options(design, path, swap, generator) if any_options else swap
            covered.update(leaf for leaf in leaves if _overlap(leaf, path))
    made = design.cleared()
    for swap in dict.fromkeys(chosen.values()):
        made = made.with_swap([path for path, kind in chosen.items() if kind == swap], swap)
    return made


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")
