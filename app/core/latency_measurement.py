"""One measurement: a design against its standard model, turn by turn, as the command line and the window show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.core.design import Design
from app.core.latency import Figure, ModuleTime, Setting, Shape, Whole
from app.core.latency_units import NO_FORMS, changes
from app.core.statistics import Interval


@dataclass(frozen=True)
class Measurement:
    """What a design and its standard model took.

    Attributes:
        setting: where and how.
        base, classes, shape: the model and the input's height and width.
        standard, lightweight: the figures; the same one for a design without swaps.
        speedup: how many times as fast the lightweight model is, with its 95 % interval.
        modules: what every module took inside the model, in order of execution.
        busy: share of the processors that other programs used meanwhile, where that was too much: the figures are
            marked and not kept; None otherwise.
    """

    setting: Setting
    base: str
    classes: int
    shape: Shape
    standard: Figure
    lightweight: Figure
    speedup: Interval
    modules: tuple[ModuleTime, ...]
    busy: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the document of `latency --json`."""
        s = self.setting
        height, width = self.shape
        return {
            "runtime": s.runtime,
            "device": s.device,
            "precision": s.precision,
            "threads": s.threads,
            "batch": s.batch,
            "machine": s.machine,
            "hardware": s.hardware,
            "version": s.version,
            "base": self.base,
            "classes": self.classes,
            "imgsz": height if height == width else [height, width],
            "standard": asdict(self.standard),
            "lightweight": asdict(self.lightweight),
            "speedup": self.speedup.as_dict(),
            "busy": self.busy,
            "modules": [asdict(row) for row in self.modules],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measurement:
        """Read what `to_json` made.

        Raises:
            KeyError, TypeError: it is something else.
        """
        size = data["imgsz"]
        names = ("machine", "hardware", "device", "runtime", "version", "precision", "threads", "batch")
        return cls(
            Setting(**{name: data[name] for name in names}),
            data["base"],
            data["classes"],
            (size, size) if isinstance(size, int) else (size[0], size[1]),
            Figure(**data["standard"]),
            Figure(**data["lightweight"]),
            Interval(**data["speedup"]),
            tuple(ModuleTime(**row) for row in data["modules"]),
            data["busy"],
        )


def module_times(
    design: Design, standard: Whole, lightweight: Whole, forms: Mapping[str, str] = NO_FORMS
) -> tuple[ModuleTime, ...]:
    """Return what every module took in two measured models; they add up to the two figures.

    What a runtime could not attribute to a module is shared out in proportion.
    """
    before, after = _scaled(standard), _scaled(lightweight)
    return tuple(
        ModuleTime(
            row.path,
            row.kind,
            sum(before[unit.path] for unit in row.before),
            sum(after[unit.path] for unit in row.after),
        )
        for row in changes(design, lightweight.shape, forms)
    )


def _scaled(whole: Whole) -> dict[str, float]:
    total = sum(row.ms for row in whole.units)
    scale = whole.figure.p50_ms / total if total else 0.0
    return {row.unit.path: row.ms * scale for row in whole.units}
