"""Which convolutions of a block can be fitted in closed form, and what each should reproduce.

A block whose parts are separated by activations is no single linear map. But the last convolution of each of its ways
is one, of whatever the parts before it make: chosen by ridge least squares it brings the block as near to the standard
module as those parts allow. Blocks in a row are fitted one after the other; each makes up for what is still missing.
What stands inside a module in the manner of a C3 is fitted to what the standard one has there
(`app.engine.stages_inside`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.efficientnet import FusedMBConv, MBConv
from torchvision.models.mobilenetv3 import InvertedResidual as MobileBlock
from torchvision.models.shufflenetv2 import InvertedResidual as ShuffleUnit
from ultralytics.nn.modules import C3, CIB, C2f, Conv, GhostConv, SCDown

from app.engine.least_squares import EXACT_SIZE
from app.engine.refit_sums import BEFORE, BEHIND


@dataclass(frozen=True)
class Piece:
    """Channels of what the standard module, or a module in it, makes.

    Attributes:
        path: below the standard module; "" is itself.
        channels: which of its output.
    """

    path: str
    channels: Tensor


KERNEL, FILTERS, LEADING = "kernel", "filters", "leading"
"""How a convolution is fitted: to the pieces themselves; depthwise, so that the best pointwise convolution behind it
comes near to them; dense and narrow, to their leading directions."""

PLAIN, LIFTED, QUIET = "plain", "lifted", "quiet"
"""What the BatchNorm behind it does: what the standard one would; or it gives the activation behind it numbers that it
hardly bends, for it only stands between this stage and the next. Lifted ones lie where it is straight, quiet ones near
zero, so that a padding of zeros behind it is no edge."""


@dataclass(frozen=True)
class Stage:
    """One convolution to fit.

    Attributes:
        conv, norm: the convolution, and the BatchNorm behind it.
        aim: BEFORE or BEHIND: of what.
        pieces: what its output channels reproduce, one piece after the other.
        adds: the module whose input is added to the output, which therefore need not be reproduced, and which of its
            channels; None: nothing is.
        way: KERNEL, FILTERS or LEADING.
        level: PLAIN, LIFTED or QUIET.
    """

    conv: nn.Conv2d
    norm: nn.BatchNorm2d
    aim: str
    pieces: tuple[Piece, ...]
    adds: tuple[nn.Module, slice] | None = None
    way: str = KERNEL
    level: str = PLAIN

    @property
    def inputs(self) -> int:
        """How many numbers the fit of an output depends on."""
        return self.conv.in_channels * 9 if self.way == FILTERS else self.conv.weight[0].numel()


def stages(block: nn.Module, channels: Tensor) -> list[Stage]:
    """Return the stages of a block in order of execution.

    Args:
        block: a block of one of our kinds, or a part of one.
        channels: which channels of the standard output its output should reproduce.
    """
    if isinstance(block, nn.Sequential):
        return _in_a_row(block, channels)
    if isinstance(block, Conv):
        return [conv_stage(block, channels)] if block.conv.kernel_size == (1, 1) else []
    if isinstance(block, C3):
        return [conv_stage(block.cv3, channels)]
    if isinstance(block, C2f):
        return [conv_stage(block.cv2, channels)]
    if isinstance(block, ShuffleUnit):
        return _shuffled(block, channels)
    if isinstance(block, (MobileBlock, MBConv, FusedMBConv)):
        return _projected(block, channels)
    if isinstance(block, GhostConv):
        half = len(channels) // 2
        return [conv_stage(block.cv1, channels[:half]), conv_stage(block.cv2, channels[half:])]
    if isinstance(block, SCDown):
        return [conv_stage(block.cv2, channels)]
    if isinstance(block, CIB) and not block.add:
        return _compact(block, channels)
    return []


def conv_stage(module: Any, channels: Tensor, path: str = "") -> Stage:
    """Return the stage of a Conv that reproduces channels of the standard module, or of a module in it."""
    aim = BEHIND if isinstance(module.act, nn.Identity) else BEFORE
    return Stage(module.conv, module.bn, aim, (Piece(path, channels),))


def repeated(channels: Tensor, count: int) -> Tensor:
    """Return as many channels: the first ones, or all again and again."""
    return channels.repeat(-(-count // max(len(channels), 1)))[:count]


def filters(conv: nn.Conv2d, norm: nn.BatchNorm2d, behind: Stage) -> list[Stage]:
    """Return the stage of a depthwise convolution before a pointwise one, where it is not too wide to be solved."""
    if conv.in_channels * 9 > EXACT_SIZE:
        return []
    return [replace(behind, conv=conv, norm=norm, way=FILTERS, level=LIFTED)]


def compact(block: Any, first: Stage, second: Stage) -> list[Stage]:
    """Return the stages of a CIB.

    Args:
        block: the CIB.
        first: of its first pointwise convolution.
        second: of the other one; the last depthwise convolution has the same aim.
    """
    found = [*filters(block.cv1[0].conv, block.cv1[0].bn, first), first]
    if isinstance(block.cv1[2], Conv):
        found += filters(block.cv1[2].conv, block.cv1[2].bn, second)
    last = block.cv1[4]
    return [*found, replace(second, level=QUIET), replace(second, conv=last.conv, norm=last.bn)]


def _compact(block: Any, channels: Tensor) -> list[Stage]:
    """Return the stages of a CIB in the place of a convolution: each comes nearer to the output."""
    wide = repeated(channels, block.cv1[1].conv.out_channels)
    first = replace(conv_stage(block.cv1[1], wide), level=QUIET)
    return compact(block, first, conv_stage(block.cv1[3], channels))


def _in_a_row(block: nn.Sequential, channels: Tensor) -> list[Stage]:
    found: list[Stage] = []
    for module in reversed(block):
        inner = stages(module, channels)
        if found and isinstance(module, nn.Sequential):  # nothing is added to what such a block makes
            inner = [replace(stage, level=QUIET) if stage.way == KERNEL else stage for stage in inner]
        elif found and isinstance(module, Conv) and module.conv.groups == module.conv.in_channels > 1:
            inner = filters(module.conv, module.bn, found[0])
        found = inner + found
        if isinstance(
            module, ShuffleUnit
        ):  # output 2i is the passing channel i, output 2i + 1 the worked one
            channels = torch.cat([channels[0::2], channels[1::2]])
    return found


def _shuffled(unit: Any, channels: Tensor) -> list[Stage]:
    found: list[Stage] = []
    if len(unit.branch1):
        last = Stage(unit.branch1[2], unit.branch1[3], BEFORE, (Piece("", channels[0::2]),))
        found += [*filters(unit.branch1[0], unit.branch1[1], last), last]
    last = Stage(unit.branch2[5], unit.branch2[6], BEFORE, (Piece("", channels[1::2]),))
    return [*found, *filters(unit.branch2[3], unit.branch2[4], last), last]


def _projected(block: Any, channels: Tensor) -> list[Stage]:
    last, pieces = block.block[-1], (Piece("", channels),)
    if len(last) > 2:  # a fused block that expands nothing ends in its activation
        return [] if block.use_res_connect else [Stage(last[0], last[1], BEFORE, pieces)]
    adds = (block, slice(None)) if block.use_res_connect else None
    made = Stage(last[0], last[1], BEHIND, pieces, adds)
    found: list[Stage] = []
    for part in block.block[:-1]:
        inner: list[Any] = list(part.children())
        if isinstance(part, nn.Sequential) and inner[0].groups == inner[0].in_channels > 1:
            found += filters(inner[0], inner[1], made)
    first = block.block[0]
    if isinstance(block, FusedMBConv) and first[0].out_channels <= len(channels):
        found.append(replace(made, conv=first[0], norm=first[1], way=LEADING, level=LIFTED))
    return [*found, made]


def identity_norms(block: nn.Module) -> list[nn.BatchNorm2d] | None:
    """Return the BatchNorms that make a block pass its input on unchanged when their weights and biases are zero.

    None where no zeros make it do so.
    """
    if isinstance(block, nn.Sequential):
        found: list[nn.BatchNorm2d] = []
        for module in block:
            inner = identity_norms(module)
            if inner is None:
                return None
            found += inner
        return found
    if isinstance(block, (MobileBlock, MBConv, FusedMBConv)) and block.use_res_connect:
        last: Any = block.block[-1]
        return [last[1]]
    return None
