"""Makes the fresh modules that block kinds put in the place of standard ones.

Composed of public classes of torch, torchvision and ultralytics alone, so that stock `YOLO(...)` opens a checkpoint
with them. What the stock constructor does to a module afterwards is done here: eps and momentum of the BatchNorms, the
activation of the old module, its place in the model, its mode and device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import gcd
from types import MappingProxyType
from typing import Any

from torch import nn
from torchvision.models.efficientnet import FusedMBConv, FusedMBConvConfig, MBConv, MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidual as MobileBlock
from torchvision.models.mobilenetv3 import InvertedResidualConfig
from torchvision.models.shufflenetv2 import InvertedResidual as ShuffleUnit
from torchvision.ops import SqueezeExcitation
from ultralytics.nn.modules import CIB, C2fCIB, C3Ghost, C3k2, Conv, DWConv, GhostConv, RepConv, SCDown

from app.core.blocks import BLOCKS
from app.core.blocks_base import rounded
from app.core.blocks_mobile import EfficientNetV2, MobileKind, MobileNetV3
from app.core.blocks_plan import hidden_channels
from app.core.design import Swap
from app.core.sites import Site

_INHERITED = (nn.ReLU, nn.Hardswish, nn.SiLU)
"""Activations that torchvision's blocks bring along, instead of which they take that of the old module."""


def make_block(old: nn.Module, swap: Swap, site: Site) -> nn.Module:
    """Return the fresh block that replaces `old`: same channels, stride, activation, mode and device.

    Args:
        old: the standard module.
        swap: what to put there.
        site: what the base model's description says about the module.
    """
    block: Any = _MAKERS[swap.block](swap, site)
    for attribute in ("i", "f", "type"):
        if attribute in vars(old):  # every module has a method `type`, which would drag the old module along
            setattr(block, attribute, getattr(old, attribute))
    like = next(m for m in old.modules() if isinstance(m, nn.BatchNorm2d))
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps, module.momentum = like.eps, like.momentum
    _inherit_activation(block, activation_of(old))
    block.np = sum(p.numel() for p in block.parameters())
    weight = next(old.parameters())
    made: nn.Module = block.to(weight.device, weight.dtype).train(old.training)
    return made


def activation_of(module: nn.Module) -> nn.Module:
    """Return the activation that a standard module uses: its own, or that of the first convolution in it."""
    own = getattr(module, "act", None)
    if isinstance(own, nn.Module):
        return own
    acts = (m.act for m in module.modules() if isinstance(m, Conv))
    return next((act for act in acts if not isinstance(act, nn.Identity)), nn.Identity())


def _inherit_activation(block: nn.Module, act: nn.Module) -> None:
    """Put an activation wherever the block has one, except inside a squeeze-and-excitation."""
    for module in list(block.modules()):
        own: Any = getattr(module, "act", None)
        if isinstance(own, nn.Module) and not isinstance(own, nn.Identity):
            module.act = act
        if isinstance(module, nn.Sequential):
            for index, inner in enumerate(module):
                if isinstance(inner, _INHERITED):
                    module[index] = act


def _pads_to_keep(site: Site) -> bool:
    """Say whether a site's padding is the one that ultralytics' classes choose by themselves."""
    return site.k[0] == site.k[1] and site.p == (site.k[0] // 2, site.k[1] // 2)


def _separable(swap: Swap, site: Site) -> nn.Module:
    middle = site.c1 * swap.option("rank")
    if _pads_to_keep(site):
        depthwise: nn.Module = DWConv(site.c1, middle, site.k[0], site.s[0], act=False)
    else:  # DWConv has no padding argument
        depthwise = Conv(site.c1, middle, site.k, site.s, site.p, g=site.c1, act=False)
    return nn.Sequential(depthwise, Conv(middle, site.c2, 1))


def _dwconv(_swap: Swap, site: Site) -> nn.Module:
    return Conv(site.c1, site.c2, site.k, site.s, site.p, g=gcd(site.c1, site.c2))


def _ghost(_swap: Swap, site: Site) -> nn.Module:
    block = GhostConv(site.c1, site.c2, site.k[0], site.s[0])
    if not _pads_to_keep(site):  # GhostConv has no padding argument
        block.cv1 = Conv(site.c1, site.c2 // 2, site.k, site.s, site.p)
    return block


def _scdown(swap: Swap, site: Site) -> nn.Module:
    return SCDown(site.c1, site.c2, swap.option("kernel"), 2)


def _repconv(swap: Swap, site: Site) -> nn.Module:
    return RepConv(site.c1, site.c2, 3, site.s[0], g=swap.option("groups"))


def _width(swap: Swap, site: Site) -> float:
    """Return the ratio from which ultralytics' classes compute the hidden channels; halfway, against rounding."""
    return (hidden_channels(site.c2, swap.option("width")) + 0.5) / site.c2


def _ghost_c3(swap: Swap, site: Site) -> nn.Module:
    return C3Ghost(site.c1, site.c2, max(site.repeats, 1), site.shortcut, e=_width(swap, site))


def _cib(swap: Swap, site: Site) -> nn.Module:
    large, width = bool(swap.option("large")), _width(swap, site)
    if site.conv is not None:
        return CIB(site.c1, site.c2, False, width, large)
    return C2fCIB(site.c1, site.c2, max(site.repeats, 1), site.shortcut, large, e=width)


def _c3k2(swap: Swap, site: Site) -> nn.Module:
    nested, width = bool(swap.option("nested")), _width(swap, site)
    return C3k2(site.c1, site.c2, max(site.repeats, 1), nested, width, shortcut=site.shortcut)


def _repeated(swap: Swap, site: Site, make: Callable[[int, int], nn.Module]) -> nn.Module:
    """Return as many blocks as the kind puts at a site, a pointwise convolution before them where it needs one.

    Args:
        swap: the swap.
        site: what is replaced.
        make: makes a block from its input channels and its stride.
    """
    kind = BLOCKS[swap.block]
    assert isinstance(kind, MobileKind)
    before, count = kind.layout(site)
    modules: list[nn.Module] = [Conv(site.c1, site.c2, 1)] if before else []
    for index in range(count):
        first = index == 0 and not before
        modules.append(make(site.c1 if first else site.c2, site.s[0] if index == 0 else 1))
    return modules[0] if len(modules) == 1 else nn.Sequential(*modules)


def _shufflenetv2(swap: Swap, site: Site) -> nn.Module:
    return _repeated(swap, site, lambda c1, stride: ShuffleUnit(c1, site.c2, stride))


def _mobilenetv3(swap: Swap, site: Site) -> nn.Module:
    kind = BLOCKS[swap.block]
    assert isinstance(kind, MobileNetV3)

    def make(c1: int, stride: int) -> nn.Module:
        wide, squeezes = kind.expanded(c1, swap.options), bool(swap.option("squeeze"))
        config = InvertedResidualConfig(
            c1, swap.option("kernel"), wide, site.c2, squeezes, "RE", stride, 1, 1
        )
        # The constructor rounds channels to multiples of 8.
        config.input_channels, config.expanded_channels, config.out_channels = c1, wide, site.c2
        return MobileBlock(config, nn.BatchNorm2d)

    return _repeated(swap, site, make)


def _efficientnetv2(swap: Swap, site: Site) -> nn.Module:
    kind = BLOCKS[swap.block]
    assert isinstance(kind, EfficientNetV2)
    fused = kind.fuses(site)
    ratio = swap.option("fused" if fused else "expansion") / 100

    def make(c1: int, stride: int) -> nn.Module:
        if fused:
            return FusedMBConv(FusedMBConvConfig(ratio, 3, stride, c1, site.c2, 1), 0.0, nn.BatchNorm2d)
        config = MBConvConfig(ratio, 3, stride, c1, site.c2, 1)
        config.input_channels, config.out_channels = c1, site.c2  # the constructor rounds them
        return MBConv(config, 0.0, nn.BatchNorm2d)

    return _repeated(swap, site, make)


def _lcnet(swap: Swap, site: Site) -> nn.Module:
    def make(c1: int, stride: int) -> nn.Module:
        modules: list[nn.Module] = [DWConv(c1, c1, swap.option("kernel"), stride)]
        if swap.option("squeeze"):
            modules.append(SqueezeExcitation(c1, rounded(c1 / 4), scale_activation=nn.Hardsigmoid))
        return nn.Sequential(*modules, Conv(c1, site.c2, 1))

    return _repeated(swap, site, make)


_MAKERS: Mapping[str, Callable[[Swap, Site], nn.Module]] = MappingProxyType(
    {
        "separable": _separable,
        "dwconv": _dwconv,
        "ghost": _ghost,
        "ghost_c3": _ghost_c3,
        "shufflenetv2": _shufflenetv2,
        "mobilenetv3": _mobilenetv3,
        "efficientnetv2": _efficientnetv2,
        "lcnet": _lcnet,
        "scdown": _scdown,
        "cib": _cib,
        "c3k2": _c3k2,
        "repconv": _repconv,
    }
)
