"""An imagined machine for tests of the arithmetic: a formula says what each unit takes, a whole model a bit more."""

from __future__ import annotations

import random
from collections.abc import Sequence

from app.core.design import Design
from app.core.latency import Figure, LatencyTable, Setting, Shape, UnitTime, Whole
from app.core.latency_keys import design_key
from app.core.latency_units import Unit, units

SETTING = Setting("Imagined 9000", "0123", "cpu", "openvino", "openvino 1.0", "f32", 2)


def unit_ms(unit: Unit) -> float:
    """Half a microsecond for every thousand numbers moved, or a tenth for every million operations."""
    slow = 3.0 if unit.family == "depthwise" else 1.0
    return 0.005 + max(unit.numbers * 5e-7, slow * unit.flops * 1e-7)


def whole_ms(design: Design, shape: Shape, forms: dict[str, str] | None = None) -> float:
    """The sum of all units, and 8 % for what happens between them."""
    return 1.08 * sum(unit_ms(unit) for unit in units(design, shape, forms or {}))


def measured(
    design: Design, shape: Shape = (640, 640), generator: random.Random | None = None, speed: float = 1.0
) -> Whole:
    """Return a design as if measured on the imagined machine.

    Args:
        design: what to measure.
        shape: height and width.
        generator: of the noise, 1 % of each figure; none where None.
        speed: how fast the machine is in these minutes.
    """

    def noisy(ms: float, deviation: float = 0.01) -> float:
        return ms / speed * (generator.gauss(1, deviation) if generator else 1)

    p50, standard = noisy(whole_ms(design, shape)), noisy(whole_ms(design.cleared(), shape))
    return Whole(
        key=design_key(design),
        base=design.base,
        classes=design.architecture.classes,
        shape=shape,
        figure=Figure(p50, 1.1 * p50, 0.99 * p50, 1.01 * p50, 0.01, 60),
        standard_ms=standard,
        ratio=p50 / standard,
        units=tuple(UnitTime(unit, noisy(unit_ms(unit), 0.1)) for unit in units(design, shape)),
    )


def table(designs: Sequence[Design], shape: Shape = (640, 640), seed: int = 0) -> LatencyTable:
    """Return a table of such measurements."""
    generator = random.Random(seed)
    return LatencyTable(SETTING, tuple(measured(design, shape, generator) for design in designs))
