"""Which convolutions of a block can be fitted in closed form, and what each should reproduce.

A block whose parts are separated by activations is no single linear map. But the last convolution of each of its ways
is one, of whatever the parts before it make: chosen by ridge least squares it brings the block as near to the standard
module as those parts allow. Blocks in a row are fitted one after the other; each makes up for what is still missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.efficientnet import FusedMBConv, MBConv
from torchvision.models.mobilenetv3 import InvertedResidual as MobileBlock
from torchvision.models.shufflenetv2 import InvertedResidual as ShuffleUnit
from ultralytics.nn.modules import C3, CIB, C2f, Conv, GhostConv, SCDown

BEFORE, BEHIND = "before", "behind"
"""What a stage reproduces: the standard module's output before its last BatchNorm, or its output."""


@dataclass(frozen=True)
class Stage:
    """One convolution to fit.

    Attributes:
        conv, norm: the convolution, and the BatchNorm behind it.
        aim: BEFORE or BEHIND.
        channels: which of the standard output's channels.
        adds: the module whose input is added to the output, which therefore need not be reproduced; None: nothing is.
    """

    conv: nn.Conv2d
    norm: nn.BatchNorm2d
    aim: str
    channels: Tensor
    adds: nn.Module | None = None


def stages(block: nn.Module, channels: Tensor) -> list[Stage]:
    """Return the stages of a block in order of execution.

    Args:
        block: a block of one of our kinds, or a part of one.
        channels: which channels of the standard output its output should reproduce.
    """
    if isinstance(block, nn.Sequential):
        return _in_a_row(block, channels)
    if isinstance(block, Conv):
        return [_conv(block, channels)] if block.conv.kernel_size == (1, 1) else []
    if isinstance(block, C3):
        return [_conv(block.cv3, channels)]
    if isinstance(block, C2f):
        return [_conv(block.cv2, channels)]
    if isinstance(block, ShuffleUnit):
        return _shuffled(block, channels)
    if isinstance(block, (MobileBlock, MBConv, FusedMBConv)):
        return _projected(block, channels)
    if isinstance(block, GhostConv):
        return [_conv(block.cv2, channels[len(channels) // 2 :])]
    if isinstance(block, SCDown):
        return [_conv(block.cv2, channels)]
    if isinstance(block, CIB) and not block.add:
        return [_conv(block.cv1[3], channels), _conv(block.cv1[4], channels)]
    return []


def _conv(module: Any, channels: Tensor) -> Stage:
    aim = BEHIND if isinstance(module.act, nn.Identity) else BEFORE
    return Stage(module.conv, module.bn, aim, channels)


def _in_a_row(block: nn.Sequential, channels: Tensor) -> list[Stage]:
    found: list[Stage] = []
    for module in reversed(block):
        found = stages(module, channels) + found
        if isinstance(
            module, ShuffleUnit
        ):  # output 2i is the passing channel i, output 2i + 1 the worked one
            channels = torch.cat([channels[0::2], channels[1::2]])
    return found


def _shuffled(unit: Any, channels: Tensor) -> list[Stage]:
    found = []
    if len(unit.branch1):
        found.append(Stage(unit.branch1[2], unit.branch1[3], BEFORE, channels[0::2]))
    found.append(Stage(unit.branch2[5], unit.branch2[6], BEFORE, channels[1::2]))
    return found


def _projected(block: Any, channels: Tensor) -> list[Stage]:
    last = block.block[-1]
    if len(last) > 2:  # a fused block that expands nothing ends in its activation
        return [] if block.use_res_connect else [Stage(last[0], last[1], BEFORE, channels)]
    return [Stage(last[0], last[1], BEHIND, channels, block if block.use_res_connect else None)]


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
