"""Measured milliseconds as data: settings, figures, and a table that predicts the time of any design.

A table holds whole models measured on one device with one runtime, and what each module took inside them. The time of
a design that was not measured is the sum of its modules' times, corrected by how the measured models differed from
their own sums. Everything is relative to the standard model measured in turn with each, so that a machine whose speed
drifts does not spoil the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from types import MappingProxyType

from app.core.cost import check_imgsz
from app.core.design import Design, Swap
from app.core.latency_fit import PowerLaw, Ridge, middle, ridge, root_mean_square, scatter
from app.core.latency_keys import design_key, digest
from app.core.latency_units import NO_FORMS, Unit, changes, swap_unit, units, units_in

Shape = tuple[int, int]

_NOISE = 0.03
"""Relative error that a prediction has at best; also the scale of the ridge penalties."""

_PRIOR = 0.05
"""How far, as a logarithm, whole models are expected from the sums of their modules."""

_OUTLIER = 0.1
"""Error of a fit, as a logarithm, from which a measured model counts as disturbed, where it is far from the others."""

_KNOWN_FAMILY, _KNOWN_KIND, _OTHER_FAMILY = 0.25, 0.35, 0.8
"""Relative error of a module's time estimated from others of its family, of its kind with other options, from any."""

_OTHER_ACTIVATION = 0.1
"""The same of a module that was measured with another activation."""

_UNFITTED = 0.15
"""Relative error of a sum of modules that no measured whole model corrects."""

_KEPT = 1000
"""Corrections remembered: whoever ranks swaps asks for the same design again and again."""
_UNSEEN = 1.25
"""By how much random designs are further off than measured models under the fit to the others, whose swaps are alike:
chosen on 60 designs of yolov5n on three runtimes (56 of them inside the interval), judged on 60 of yolov5s (54)."""
_NINETY = 1.645
"""Standard deviations around the middle that hold 90 % of a normal distribution."""


@dataclass(frozen=True)
class Setting:
    """What a figure depends on besides the model and its input.

    Attributes:
        machine: name of the computer's processor or accelerator, for people.
        hardware: fingerprint of it.
        device: "cpu", "cuda:0", …
        runtime: "torch", "openvino", "onnxruntime" or "tensorrt".
        version: of the runtime, and of what makes the graph it runs.
        precision: "f32", "bf16", "f16" or "int8".
        threads: processors it may use.
        batch: pictures per call.
    """

    machine: str
    hardware: str
    device: str
    runtime: str
    version: str
    precision: str
    threads: int
    batch: int = 1

    @property
    def key(self) -> str:
        """A short text that no other setting has."""
        return digest("\n".join(f"{name}={value}" for name, value in asdict(self).items()))


@dataclass(frozen=True)
class Figure:
    """What one model took.

    Attributes:
        p50_ms, p95_ms: median and 95th percentile.
        low_ms, high_ms: 95 % interval of the median.
        spread: median absolute deviation over the median, scaled as a standard deviation.
        runs: how many calls were timed.
    """

    p50_ms: float
    p95_ms: float
    low_ms: float
    high_ms: float
    spread: float
    runs: int


@dataclass(frozen=True)
class UnitTime:
    """What one module took inside a whole model, milliseconds."""

    unit: Unit
    ms: float


@dataclass(frozen=True)
class Whole:
    """A measured model.

    Attributes:
        key: from `design_key`.
        base, classes, shape: what it is, and the input's height and width.
        figure: what it took.
        standard_ms: median of what the standard model took in the same minutes.
        ratio: median of model over standard, turn by turn.
        units: what its modules took inside it; their sum need not be the figure.
    """

    key: str
    base: str
    classes: int
    shape: Shape
    figure: Figure
    standard_ms: float
    ratio: float
    units: tuple[UnitTime, ...]


@dataclass(frozen=True)
class Prediction:
    """Expected milliseconds.

    Attributes:
        ms: the median to expect.
        low, high: 90 % interval.
        basis: "measured", this design was, and stands here at the speed that the standard model has in the table;
            "fitted", its base model was, and so were its modules; "modules", only its modules were; "estimated", some
            modules are known from similar ones only.
    """

    ms: float
    low: float
    high: float
    basis: str


@dataclass(frozen=True)
class ModuleTime:
    """What a module takes before and after its swap; the same where it has none."""

    path: str
    kind: str | None
    standard_ms: float
    lightweight_ms: float


@dataclass(frozen=True)
class _Module:
    """What is known of a signature."""

    unit: Unit
    ms: float


@dataclass(frozen=True, eq=False)
class LatencyTable:
    """Measured models of one setting.

    Attributes:
        setting: where and how they were measured.
        wholes: the models.
        forms: swap or block kind → the equivalent form that runs there, as in `latency_units.units`.
    """

    setting: Setting
    wholes: tuple[Whole, ...] = ()
    forms: Mapping[str, str] = field(default_factory=lambda: NO_FORMS)

    def __post_init__(self) -> None:
        object.__setattr__(self, "forms", MappingProxyType(dict(self.forms)))

    def with_whole(self, whole: Whole) -> LatencyTable:
        """Return a table with one more measured model; an older figure of the same one goes."""
        kept = tuple(w for w in self.wholes if (w.key, w.shape) != (whole.key, whole.shape))
        return LatencyTable(self.setting, (*kept, whole), self.forms)

    def whole(self, design: Design, imgsz: int | Shape) -> Whole | None:
        """Return the measured figure of a design, or None where it was not measured."""
        return self._by_key.get((design_key(design), check_imgsz(imgsz)))

    @cached_property
    def _by_key(self) -> Mapping[tuple[str, Shape], Whole]:
        return {(whole.key, whole.shape): whole for whole in self.wholes}

    @cached_property
    def _standards(self) -> Mapping[tuple[str, int, Shape], float]:
        """Standard models → median of all their figures."""
        found: dict[tuple[str, int, Shape], list[float]] = {}
        for whole in self.wholes:
            found.setdefault((whole.base, whole.classes, whole.shape), []).append(whole.standard_ms)
        return {name: middle(values) for name, values in found.items()}

    def _adjusted(self, whole: Whole) -> float:
        """Return what a model takes at the speed that its standard model shows on the whole."""
        return whole.ratio * self._standards[whole.base, whole.classes, whole.shape]

    @cached_property
    def _modules(self) -> Mapping[str, _Module]:
        """Signature → what its modules took, over all measured models, each scaled to its model's figure."""
        seen: dict[str, list[float]] = {}
        known: dict[str, Unit] = {}
        for whole in self.wholes:
            total = sum(row.ms for row in whole.units)
            if not total:
                continue
            scale = self._adjusted(whole) / total
            for row in whole.units:
                seen.setdefault(row.unit.signature, []).append(row.ms * scale)
                known[row.unit.signature] = row.unit
        return {name: _Module(known[name], _mean(values)) for name, values in seen.items()}

    def _estimate(self, unit: Unit) -> tuple[float, float]:
        """Return milliseconds and relative error of a unit that was not measured."""
        found = self._estimates.get(unit.signature)
        if found is None:
            law, error = self._law(unit.family, unit.kind)
            found = law.estimate(unit.flops, unit.numbers) if law else 0.0, error
            self._estimates[unit.signature] = found
        return found

    @cached_property
    def _estimates(self) -> dict[str, tuple[float, float]]:
        return {}

    @cached_property
    def _laws(self) -> dict[tuple[str, str | None], tuple[PowerLaw | None, float]]:
        return {}

    def _law(self, family: str, kind: str | None) -> tuple[PowerLaw | None, float]:
        """Return what is known of a family, else of a kind whatever its options, else of everything."""
        found = self._laws.get((family, kind))
        if found is None:
            found = None, 1.0
            for alike, error in (
                (lambda unit: unit.family == family, _KNOWN_FAMILY),
                (lambda unit: kind is not None and unit.kind == kind, _KNOWN_KIND),
                (lambda _: True, _OTHER_FAMILY),
            ):
                rows = [(m.unit.flops, m.unit.numbers, m.ms) for m in self._modules.values() if alike(m.unit)]
                if rows:
                    found = PowerLaw(rows), error
                    break
            self._laws[family, kind] = found
        return found

    def _unit(self, unit: Unit) -> tuple[float, float]:
        """Return milliseconds and relative error of a unit; the error is 0 where it was measured."""
        known = self._modules.get(unit.signature)
        if known is not None:
            return known.ms, 0.0
        alike = self._silent.get(unit.silent) if self._silent else None
        return self._estimate(unit) if alike is None else (alike, _OTHER_ACTIVATION)

    @cached_property
    def _silent(self) -> Mapping[str, float]:
        """Signature without activation → what was measured of it, with whatever activation."""
        return {module.unit.silent: module.ms for module in self._modules.values()}

    @cached_property
    def _bases(self) -> tuple[str, ...]:
        return tuple(sorted({whole.base for whole in self.wholes}))

    @cached_property
    def _kinds(self) -> tuple[str, ...]:
        return tuple(sorted({row.unit.kind for whole in self.wholes for row in whole.units if row.unit.kind}))

    def _features(self, base: str, parts: Iterable[tuple[Unit, float]]) -> tuple[float, list[float]]:
        """Return the sum of the modules' times, and what its correction depends on."""
        total = 0.0
        by_kind = dict.fromkeys(self._kinds, 0.0)
        for unit, ms in parts:
            total += ms
            kind = unit.kind
            if kind in by_kind:
                by_kind[kind] += ms
        share = 1 / total if total else 0.0
        return total, [1.0, *(float(base == b) for b in self._bases), *(v * share for v in by_kind.values())]

    @cached_property
    def _fit(self) -> Ridge | None:
        """The correction: logarithm of measured over summed. What was disturbed while it was measured is left out."""
        rows, values = [], []
        for whole in self.wholes:
            parts = [(row.unit, self._modules[row.unit.signature].ms) for row in whole.units if self._modules]
            total, features = self._features(whole.base, parts)
            if total:
                rows.append(features)
                values.append(math.log(self._adjusted(whole) / total))
        if not rows:
            return None
        penalties = [(_NOISE / _PRIOR) ** 2] * len(rows[0])
        first = ridge(rows, values, penalties)
        limit = max(_OUTLIER, 4 * scatter(first.errors))
        kept = [i for i, error in enumerate(first.errors) if abs(error) <= limit]
        if len(kept) < 3:
            return first
        return ridge([rows[i] for i in kept], [values[i] for i in kept], penalties)

    @cached_property
    def _fit_error(self) -> float:
        """Relative error of fitted predictions: of each measured model by the fit to the others."""
        errors = self._fit.errors if self._fit else ()
        return _UNSEEN * root_mean_square(errors) if len(errors) > 2 else _UNFITTED

    def predict(self, design: Design, imgsz: int | Shape = 640) -> Prediction | None:
        """Return the milliseconds to expect, or None where nothing was measured.

        Raises:
            AppError: the size is not possible, or the design does not fit its base model.
        """
        shape = check_imgsz(imgsz, design.architecture.cell)
        measured = self.whole(design, shape)
        if measured is not None:
            f, ms = measured.figure, self._adjusted(measured)
            low, high = (ms * bound / f.p50_ms for bound in (f.low_ms, f.high_ms))
            return Prediction(ms, min(low, ms), max(high, ms), "measured")
        if not self._modules or self._fit is None:
            return None
        parts, doubt = [], 0.0
        for unit in units(design, shape, self.forms):
            ms, error = self._unit(unit)
            parts.append((unit, ms))
            doubt += error * ms  # what one law gets wrong it gets wrong everywhere
        total, features = self._features(design.base, parts)
        ms = total * math.exp(self._fit.predict(features))
        known_base = (design.base, design.architecture.classes, shape) in self._standards
        error = max(self._fit_error, _NOISE) if known_base else max(self._fit_error, _UNFITTED)
        error = math.hypot(error, doubt / total if total else 0.0)
        basis = "estimated" if doubt else "fitted" if known_base else "modules"
        return Prediction(ms, ms * math.exp(-_NINETY * error), ms * math.exp(_NINETY * error), basis)

    def _correction(self, design: Design, shape: Shape) -> float:
        """Return by how much the whole model takes longer than the sum of its modules."""
        name = (design.base, design.classes, design.activation, design.swaps, shape)
        known = self._corrections.get(name)
        if known is None:
            parts = [(unit, self._unit(unit)[0]) for unit in units(design, shape, self.forms)]
            _, features = self._features(design.base, parts)
            known = math.exp(self._fit.predict(features)) if self._fit is not None else 1.0
            if len(self._corrections) >= _KEPT:
                self._corrections.clear()
            self._corrections[name] = known
        return known

    @cached_property
    def _corrections(self) -> dict[tuple[object, ...], float]:
        return {}

    def modules(self, design: Design, imgsz: int | Shape = 640) -> tuple[ModuleTime, ...]:
        """Return what every module takes, before and after; they add up to the prediction, in order of execution.

        Empty where nothing was measured.
        """
        if not self._modules:
            return ()
        shape = check_imgsz(imgsz, design.architecture.cell)
        after, before = self._correction(design, shape), self._correction(design.cleared(), shape)
        return tuple(
            ModuleTime(
                row.path,
                row.kind,
                sum(self._unit(unit)[0] for unit in row.before) * before,
                sum(self._unit(unit)[0] for unit in row.after) * after,
            )
            for row in changes(design, shape, self.forms)
        )

    def saves(self, design: Design, path: str, swap: Swap, imgsz: int | Shape = 640) -> float | None:
        """Return the milliseconds that a swap at a standard module saves here; negative where it costs time.

        None where nothing was measured.
        """
        if not self._modules:
            return None
        shape = check_imgsz(imgsz, design.architecture.cell)
        old = sum(self._unit(unit)[0] for unit in units_in(design, path, shape))
        new = self._unit(swap_unit(design, path, swap, shape, self.forms))[0]
        return (old - new) * self._correction(design, shape)


def _mean(values: list[float]) -> float:
    """Return the mean of the middle half: robust, and less coarse than the median of few."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    kept = ordered[cut : len(ordered) - cut]
    return sum(kept) / len(kept)
