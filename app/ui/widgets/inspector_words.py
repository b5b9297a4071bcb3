"""The inspector's arithmetic in words: formulas filled in with a convolution's own numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from app.core.architecture import Convolution
from app.core.blocks import BLOCKS
from app.core.sites import convolution_site
from app.core.text import figure, grouped


@dataclass(frozen=True, slots=True)
class Formula:
    """The weights of a convolution and of what replaces it.

    Attributes:
        ordinary: weights of the ordinary convolution: letters = numbers = result.
        replaced: the same of the block.
        ratio: their ratio, in letters and in numbers.
        value: the ratio.
    """

    ordinary: str
    replaced: str
    ratio: str
    value: float


def formula(conv: Convolution, kind: str, options: Mapping[str, int]) -> Formula:
    """Return the formula of a standard convolution and its replacement.

    Weights alone, without BatchNorm. Separable with rank r: r·c1·k² + r·c1·c2 over k²·c1·c2 is r·(1/c2 + 1/k²).
    Grouped: k²·c1·c2/g over k²·c1·c2 is 1/g.
    """
    parts = [p.conv for p in BLOCKS[kind].parts(convolution_site(conv), options) if p.conv is not None]
    weights = sum(part.weights for part in parts)
    value = weights / conv.weights
    area = conv.k[0] * conv.k[1]
    letters = "k²" if conv.k[0] == conv.k[1] else "kₕ·kᵥ"
    ordinary = f"{letters}·c₁·c₂ = {area}·{conv.c1}·{conv.c2} = {grouped(conv.weights)}"
    if kind == "separable":
        rank = options.get("rank", 1)
        r, number = ("r·", f"{rank}·") if rank > 1 else ("", "")
        replaced = f"{r}c₁·({letters} + c₂) = {number}{conv.c1}·({area} + {conv.c2}) = {grouped(weights)}"
        inner = f"1/c₂ + 1/{letters}", f"1/{conv.c2} + 1/{area}"
        signs = f"r·({inner[0]}) = {rank}·({inner[1]})" if rank > 1 else f"{inner[0]} = {inner[1]}"
        return Formula(ordinary, replaced, f"{signs} = {figure(value)}", value)
    if kind == "dwconv":
        groups = math.gcd(conv.c1, conv.c2)
        replaced = f"{letters}·c₁·c₂/g = {grouped(conv.weights)}/{groups} = {grouped(weights)}"
        return Formula(ordinary, replaced, f"1/g = 1/{groups} = {figure(value)}", value)
    terms = " + ".join(f"{part.k[0]}·{part.k[1]}·{part.c1 // part.g}·{part.c2}" for part in parts)
    quotient = f"{grouped(weights)}/{grouped(conv.weights)} = {figure(value)}"
    return Formula(ordinary, f"{terms} = {grouped(weights)}", quotient, value)
