"""Gives a model another activation everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from torch import nn
from torchvision.ops import SqueezeExcitation

_MAKERS: Mapping[str, Callable[[], nn.Module]] = MappingProxyType(
    {
        "silu": nn.SiLU,
        "relu": nn.ReLU,
        "relu6": nn.ReLU6,
        "leaky_relu": lambda: nn.LeakyReLU(0.1),
        "hardswish": nn.Hardswish,
    }
)
"""What `app.core.activations.ACTIVATIONS` names."""

_ACTIVATIONS = (
    nn.SiLU,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.Hardswish,
    nn.Mish,
    nn.GELU,
    nn.ELU,
    nn.SELU,
)
"""Activations that a base model or a block may have; an nn.Identity, where there is none, stays."""


def make_activation(name: str) -> nn.Module:
    """Return a fresh activation of `app.core.activations.ACTIVATIONS`."""
    return _MAKERS[name]()


def activate(model: nn.Module, name: str) -> None:
    """Replace every activation of a model, in place, except inside squeeze-and-excitation.

    As in models of ultralytics, all layers share one; no class is changed, so that later models are not touched.

    Args:
        model: a detection model, its blocks swapped already.
        name: one of `app.core.activations.ACTIVATIONS`.
    """
    made = make_activation(name)
    for parent in list(_outside_squeezes(model)):
        for place, child in list(parent.named_children()):
            if isinstance(child, _ACTIVATIONS):
                setattr(parent, place, made)


def _outside_squeezes(module: nn.Module) -> Iterator[nn.Module]:
    """Yield a module and all below it, without what stands inside squeeze-and-excitation."""
    if isinstance(module, SqueezeExcitation):
        return
    yield module
    for child in module.children():
        yield from _outside_squeezes(child)
