"""What stands inside a block in the manner of a C3, fitted to what the standard module has there.

A C3 or C2f splits its input into channels that are worked on by bottlenecks and channels that pass by, and joins them.
A block of the same manner has the same places. Where it has fewer channels there, it takes those that weigh most in
what the standard module makes of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from ultralytics.nn.modules import C3, CIB, Bottleneck, C2f, C3Ghost, Conv

from app.engine.blocks_as_kernels import last_conv
from app.engine.refit_sums import BEFORE, BEHIND
from app.engine.stages import Piece, Stage, compact, conv_stage, repeated, stages


@dataclass(frozen=True)
class Inside:
    """The places inside a standard module.

    Attributes:
        worked, passing: what makes the channels that are worked on, and those that pass by.
        inner: the bottlenecks, in order.
        weights: how much each channel that is worked on weighs in the output.
        aside: the same of those that pass by.
    """

    worked: Piece
    passing: Piece
    inner: tuple[Any, ...]
    weights: Tensor
    aside: Tensor


def all_stages(block: nn.Module, old: nn.Module) -> list[Stage]:
    """Return the stages of a block that takes the place of a standard module, those inside it included.

    Args:
        block: a block of one of our kinds.
        old: the standard module.
    """
    channels = torch.arange(_outputs(old))
    inside = inside_of(old)
    found = stages(block, channels)
    return found if inside is None else [*_early(block, inside), *found]


def _outputs(old: nn.Module) -> int:

    return last_conv(old).out_channels


def inside_of(old: nn.Module) -> Inside | None:
    """Return the places inside a C3 or C2f of plain bottlenecks; None for any other module."""
    module: Any = old
    if not isinstance(old, (C3, C2f)) or not all(_is_plain(inner) for inner in module.m):
        return None
    inner = tuple(module.m)
    if isinstance(old, C3):
        half, join = module.cv1.conv.out_channels, module.cv3
        worked, passing = Piece("cv1", torch.arange(half)), Piece("cv2", torch.arange(half))
        spread = _spread(module.cv1), _spread(module.cv2)
        columns = _columns(join)
        reach = columns[:half], columns[half:]
    else:
        half, join = module.c, module.cv2
        passing, worked = Piece("cv1", torch.arange(half)), Piece("cv1", torch.arange(half, 2 * half))
        spread = _spread(module.cv1)[half:], _spread(module.cv1)[:half]
        columns = _columns(join).view(-1, half)
        reach = columns[1:].square().sum(0).sqrt(), columns[0]
    for bottleneck in inner:
        own = _spread(bottleneck.cv2)
        spread = (spread[0] + own if bottleneck.add else own), spread[1]
    return Inside(worked, passing, inner, spread[0] * reach[0], spread[1] * reach[1])


def order_of(bottleneck: Any) -> Tensor:
    """Return the channels between the two convolutions of a bottleneck, those of most weight first."""
    weights = _spread(bottleneck.cv1) * _columns(bottleneck.cv2)
    return weights.argsort(descending=True)


def _is_plain(inner: nn.Module) -> bool:
    return isinstance(inner, Bottleneck) and isinstance(inner.cv1, Conv) and isinstance(inner.cv2, Conv)


def _spread(module: Any) -> Tensor:
    """Return the deviation of each channel behind the BatchNorm of a Conv."""
    weight: Tensor = module.bn.weight.detach().abs()
    return weight


def _columns(module: Any) -> Tensor:
    """Return how much each input channel of a Conv weighs behind its BatchNorm."""
    scale = module.bn.weight.detach() / (module.bn.running_var + module.bn.eps).sqrt()
    weighed: Tensor = (module.conv.weight.detach() * scale.view(-1, 1, 1, 1)).square().sum((0, 2, 3)).sqrt()
    return weighed


def _heaviest(weights: Tensor, count: int) -> Tensor:
    """Return the channels of most weight, in their own order."""
    return weights.argsort(descending=True)[:count].sort().values


def _early(block: nn.Module, inside: Inside) -> Iterator[Stage]:
    """Yield the stages of the parts before the one that joins."""
    if isinstance(block, (C3Ghost, C2f)):
        module: Any = block
        width = module.cv2.conv.out_channels if isinstance(block, C3Ghost) else module.c
        if width <= len(inside.weights):
            worked = _heaviest(inside.weights, width)
            passing = _heaviest(inside.aside, width)
            yield from _split(block, inside, worked, passing)
            for index, (new, old) in enumerate(zip(module.m, inside.inner, strict=False)):
                yield from _inner(new, old, index, worked)


def _split(block: Any, inside: Inside, worked: Tensor, passing: Tensor) -> Iterator[Stage]:
    """Yield the stages that make the channels to work on, and those that pass by."""
    work = Piece(inside.worked.path, inside.worked.channels[worked])
    aside = Piece(inside.passing.path, inside.passing.channels[passing])
    if isinstance(block, C3Ghost):
        for module, piece in ((block.cv1, work), (block.cv2, aside)):
            yield Stage(module.conv, module.bn, BEFORE, (piece,))
    else:
        yield Stage(block.cv1.conv, block.cv1.bn, BEFORE, (aside, work))


def _inner(new: Any, old: Any, index: int, worked: Tensor) -> Iterator[Stage]:
    """Yield the stages of one inner block.

    Args:
        new: the inner block.
        old: the bottleneck in its place.
        index: which one it is.
        worked: the channels of the bottleneck that it makes.
    """
    first, second = f"m.{index}.cv1", f"m.{index}.cv2"
    order = order_of(old)
    if isinstance(new, CIB) and new.add == old.add:
        wide = conv_stage(new.cv1[1], repeated(order, new.cv1[1].conv.out_channels), first)
        yield from compact(new, wide, conv_stage(new.cv1[3], worked, second))
    elif isinstance(new, Bottleneck) and new.add == old.add:
        yield conv_stage(new.cv1, order[: new.cv1.conv.out_channels], first)
        yield conv_stage(new.cv2, worked, second)
    elif hasattr(new, "conv"):  # a GhostBottleneck, which always has a shortcut
        narrow, wide = new.conv[0], new.conv[2]
        own = narrow.cv1.conv.out_channels
        yield conv_stage(narrow.cv1, order[:own], first)
        yield conv_stage(narrow.cv2, order[own : 2 * own], first)
        half = len(worked) // 2
        for part, rows in ((wide.cv1, slice(0, half)), (wide.cv2, slice(half, None))):
            piece = Piece(f"m.{index}", worked[rows])
            yield Stage(part.conv, part.bn, BEHIND, (piece,), (new, rows))
