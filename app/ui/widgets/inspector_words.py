"""The inspector's arithmetic in words: formulas filled in with a module's own numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.core.architecture import Convolution
from app.core.blocks import BLOCKS
from app.core.sites import Site
from app.core.text import figure, grouped

_MOST_TERMS = 6


@dataclass(frozen=True, slots=True)
class Formula:
    """The weights of a module and of what replaces it.

    Attributes:
        ordinary: weights of the module as it is: letters = numbers = result.
        replaced: the same of the block.
        ratio: their ratio, in letters and in numbers.
        value: the ratio.
    """

    ordinary: str
    replaced: str
    ratio: str
    value: float


def formula(place: Site, standard: Sequence[Convolution], kind: str, options: Mapping[str, int]) -> Formula:
    """Return the formula of a module and its replacement.

    Weights alone, without BatchNorm. Separable with rank r: r·c1·k² + r·c1·c2 over k²·c1·c2 is r·(1/c2 + 1/k²).
    Grouped: k²·c1·c2/g over k²·c1·c2 is 1/g. Of everything else the sum over its convolutions, k²·(c1/g)·c2 each.

    Args:
        place: the module.
        standard: the convolutions that it consists of.
        kind: block kind.
        options: its options.
    """
    parts = [part.conv for part in BLOCKS[kind].parts(place, options) if part.conv is not None]
    before, after = (sum(conv.weights for conv in convs) for convs in (standard, parts))
    value = after / before
    conv = place.conv
    quotient = f"{grouped(after)}/{grouped(before)} = {figure(value)}"
    if conv is None:
        return Formula(_sum(standard, before), _sum(parts, after), quotient, value)
    letters = "k²" if conv.k[0] == conv.k[1] else "kₕ·kᵥ"
    area = conv.k[0] * conv.k[1]
    ordinary = f"{letters}·c₁·c₂ = {area}·{conv.c1}·{conv.c2} = {grouped(conv.weights)}"
    if kind == "separable":
        rank = options.get("rank", 1)
        r, number = ("r·", f"{rank}·") if rank > 1 else ("", "")
        replaced = f"{r}c₁·({letters} + c₂) = {number}{conv.c1}·({area} + {conv.c2}) = {grouped(after)}"
        inner = f"1/c₂ + 1/{letters}", f"1/{conv.c2} + 1/{area}"
        signs = f"r·({inner[0]}) = {rank}·({inner[1]})" if rank > 1 else f"{inner[0]} = {inner[1]}"
        return Formula(ordinary, replaced, f"{signs} = {figure(value)}", value)
    if len(parts) == 1 and parts[0].g > 1:
        groups = parts[0].g
        replaced = f"{letters}·c₁·c₂/g = {grouped(conv.weights)}/{groups} = {grouped(after)}"
        return Formula(ordinary, replaced, f"1/g = 1/{groups} = {figure(value)}", value)
    return Formula(ordinary, _sum(parts, after), quotient, value)


def _sum(convs: Iterable[Convolution], total: int) -> str:
    """Return the weights of several convolutions as a sum, equal ones together: "2·32·64 + 5²·32 = 4 896"."""
    counts: dict[str, int] = {}
    for conv in convs:
        kernel = "" if conv.is_pointwise else f"{conv.k[0]}²·"
        if conv.k[0] != conv.k[1]:
            kernel = f"{conv.k[0]}·{conv.k[1]}·"
        deep = conv.c1 // conv.g
        term = f"{kernel}{deep}·{conv.c2}" if deep > 1 else f"{kernel}{conv.c2}"
        counts[term] = counts.get(term, 0) + 1
    terms = [f"{count}·({term})" if count > 1 else term for term, count in counts.items()]
    if len(terms) > _MOST_TERMS:
        terms = [*terms[: _MOST_TERMS - 1], "…"]
    return f"{' + '.join(terms)} = {grouped(total)}"
