"""One setting of a training that an expert may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OPTIMIZER, SCHEDULE, LOSS, AUGMENTATION, MACHINE = "optimizer", "schedule", "loss", "augmentation", "machine"
GROUPS = (OPTIMIZER, SCHEDULE, LOSS, AUGMENTATION, MACHINE)


@dataclass(frozen=True)
class Setting:
    """One setting, under ultralytics' name.

    Attributes:
        name: As `TrainConfig.overrides` has it.
        group: One of `GROUPS`.
        title: A few words, to be translated.
        about: One sentence, to be translated.
        default: What stock training takes; choices and switches have it among theirs.
        low, high: Range of a number.
        step: How much an arrow changes it.
        decimals: Digits after the point; 0 is a whole number.
        choices: The values to choose from; empty for a number or a switch.
    """

    name: str
    group: str
    title: str
    about: str
    default: Any
    low: float = 0.0
    high: float = 1.0
    step: float = 0.1
    decimals: int = 0
    choices: tuple[str, ...] = ()

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        return isinstance(self.default, bool)

    def override(self, value: Any) -> Any:
        """Return what `TrainConfig.overrides` holds for a value; None where it is the default."""
        if self.name == "cache":
            return {"auto": None, "off": False}.get(value, value)
        if self.choices or self.is_switch:
            return None if value == self.default else value
        number = round(float(value), self.decimals) if self.decimals else round(value)
        return None if number == self.default else number

    def value(self, overrides: Mapping[str, Any]) -> Any:
        """Return the value that overrides say; the default where they say nothing of it, or nothing to show."""
        if self.name not in overrides:
            return self.default
        given = overrides[self.name]
        if self.name == "cache":
            return {False: "off", True: "ram"}.get(given, given)
        return self.default if isinstance(given, list) else given
