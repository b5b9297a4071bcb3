"""Targets: how much of what a design may cost, absolute or as a change of the standard model."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from app.core.cost import Cost
from app.core.errors import AppError
from app.core.text import MINUS, QT_TRANSLATE_NOOP, Text, figure, scaled, size


@dataclass(frozen=True, slots=True)
class Amount:
    """What a model costs, or what a swap saves.

    Attributes:
        flops: floating-point operations for one picture.
        parameters: of the training form.
        file_bytes: of the FP16 checkpoint.
        ms: milliseconds for one picture where they are known.
    """

    flops: float
    parameters: float
    file_bytes: float
    ms: float | None = None

    @classmethod
    def of(cls, cost: Cost, ms: float | None = None) -> Amount:
        """Return the figures of a cost that targets can be set for."""
        return cls(cost.flops, cost.parameters, cost.file_bytes, ms)

    def __add__(self, other: Amount) -> Amount:
        ms = None if self.ms is None or other.ms is None else self.ms + other.ms
        return Amount(
            self.flops + other.flops,
            self.parameters + other.parameters,
            self.file_bytes + other.file_bytes,
            ms,
        )

    def __sub__(self, other: Amount) -> Amount:
        ms = None if other.ms is None else -other.ms
        return self + Amount(-other.flops, -other.parameters, -other.file_bytes, ms)

    def to_json(self) -> dict[str, float | None]:
        """Return the figures under the names that scripts read."""
        return {
            "flops": self.flops,
            "parameters": self.parameters,
            "file_bytes": self.file_bytes,
            "ms": self.ms,
        }


NOTHING = Amount(0, 0, 0, 0.0)


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a target can be set for.

    Attributes:
        name: as the command line spells it.
        field: attribute of `Amount`.
        unit: how many of the base unit stand for 1 in a target.
        title: for people; to be translated.
    """

    name: str
    field: str
    unit: float
    title: str

    def amount(self, amount: Amount) -> float | None:
        """Return how much of it an amount holds, in the base unit; None where that is not known."""
        value: float | None = getattr(amount, self.field)
        return value

    def written(self, value: float) -> Text:
        """Write a value in the base unit for people."""
        if self.field == "flops":
            return Text(QT_TRANSLATE_NOOP("core", "{value} GFLOPs"), {"value": figure(value / 1e9)})
        if self.field == "parameters":
            return Text(QT_TRANSLATE_NOOP("core", "{value} parameters"), {"value": scaled(value)})
        if self.field == "file_bytes":
            return Text(QT_TRANSLATE_NOOP("core", "{value} on disk"), {"value": size(value)})
        return Text(QT_TRANSLATE_NOOP("core", "{value} ms"), {"value": figure(value)})


RESOURCES: Mapping[str, Resource] = MappingProxyType(
    {
        resource.name: resource
        for resource in (
            Resource("gflops", "flops", 1e9, QT_TRANSLATE_NOOP("core", "GFLOPs")),
            Resource("params", "parameters", 1, QT_TRANSLATE_NOOP("core", "parameters")),
            Resource("mb", "file_bytes", 1e6, QT_TRANSLATE_NOOP("core", "file size")),
            Resource("ms", "ms", 1, QT_TRANSLATE_NOOP("core", "milliseconds")),
        )
    }
)
"""Name → what a target can be set for."""

_NUMBER = re.compile(r"([+-]?)(\d+(?:\.\d+)?)([kMG]?)(%?)")
_PREFIX = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True, slots=True)
class Target:
    """The most that a design may cost of one resource.

    Attributes:
        resource: name of the resource.
        value: in the resource's base unit, or the change as a share: −0.5 is half of the standard model.
        relative: whether it is a change.
    """

    resource: str
    value: float
    relative: bool = False

    def limit(self, standard: float) -> float:
        """Return the most it may cost, in the base unit, where the standard model costs `standard`."""
        return standard * (1 + self.value) if self.relative else self.value

    def __str__(self) -> str:
        if self.relative:
            return f"{self.resource}={self.value * 100:+.4g}%"
        digits = f"{self.value / RESOURCES[self.resource].unit:.6f}"
        return f"{self.resource}={digits.rstrip('0').rstrip('.')}"


def parse_target(text: str) -> Target:
    """Read a target such as "gflops=-50%", "params=1.2M", "mb=2" or "ms=5".

    Raises:
        AppError: it is none.
    """
    name, equals, value = text.replace(" ", "").partition("=")
    resource = RESOURCES.get(name.lower())
    if not equals or resource is None:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "“{text}” is no target."),
            QT_TRANSLATE_NOOP(
                "core", "Write NAME=VALUE, such as gflops=-50% or params=1.2M; names are {names}."
            ),
            text=text,
            names=", ".join(RESOURCES),
        )
    found = _NUMBER.fullmatch(value.replace(MINUS, "-"))
    if found is None:
        raise _unreadable(text)
    sign, digits, prefix, percent = found.groups()
    number = float(digits) * _PREFIX[prefix] * (-1 if sign == "-" else 1)
    relative = bool(percent)
    if relative and (not sign or prefix or number <= -100):
        raise _unreadable(text)
    if not relative and (sign or number == 0 or not math.isfinite(number)):
        raise _unreadable(text)
    return Target(resource.name, number / 100 if relative else number * resource.unit, relative)


def _unreadable(text: str) -> AppError:
    return AppError(
        QT_TRANSLATE_NOOP("core", "“{text}” has no value that a model could reach."),
        QT_TRANSLATE_NOOP(
            "core", "Give the most it may cost, such as 1.2M, or a change with its sign, such as -50%."
        ),
        text=text,
    )
