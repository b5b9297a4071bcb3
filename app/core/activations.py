"""The activations that a design may give its model: classes of torch without parameters of their own.

They count nothing in parameters and floating-point operations, and happen in place; only time depends on them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from app.core.errors import AppError
from app.core.text import QT_TRANSLATE_NOOP

ACTIVATIONS: Mapping[str, str] = MappingProxyType(
    {
        "silu": "torch.nn.SiLU()",
        "relu": "torch.nn.ReLU()",
        "relu6": "torch.nn.ReLU6()",
        "leaky_relu": "torch.nn.LeakyReLU(0.1)",
        "hardswish": "torch.nn.Hardswish()",
    }
)
"""Name → how a model YAML spells it. The slope of LeakyReLU is that of Darknet and of the first YOLOv5."""

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "silu": "SiLU",
        "relu": "ReLU",
        "relu6": "ReLU6",
        "leaky_relu": "LeakyReLU",
        "hardswish": "Hardswish",
        "mish": "Mish",
        "gelu": "GELU",
        "elu": "ELU",
        "selu": "SELU",
    }
)
"""Name of every activation that a base model may have → its name for people."""

OWN_ACTIVATION = frozenset({"BottleneckCSP", "RepConv", "RepVGGDW"})
"""Classes of ultralytics that bring an activation along, which no entry of a model YAML changes."""


def title(name: str) -> str:
    """Return the name of an activation for people."""
    return TITLES.get(name, name)


def titles(names: Iterable[str]) -> str:
    """Return several activations in one line."""
    return ", ".join(title(name) for name in names)


def check_activation(name: str | None) -> None:
    """Refuse what is no activation of a design.

    Raises:
        AppError: there is no such activation.
    """
    if name is not None and name not in ACTIVATIONS:
        raise unknown_activation(name)


def unknown_activation(name: str) -> AppError:
    """Return the refusal of a name."""
    return AppError(
        QT_TRANSLATE_NOOP("core", "There is no activation “{name}”."),
        QT_TRANSLATE_NOOP("core", "Choose one of {choices}."),
        name=name[:40],
        choices=", ".join(ACTIVATIONS),
    )


def is_own(name: str, own: Collection[str]) -> bool:
    """Say whether a model has that activation, and no other, anyway.

    Args:
        name: an activation of a design.
        own: all that its base model has.
    """
    return set(own) == {name}
