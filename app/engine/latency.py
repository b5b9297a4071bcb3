"""Measures what a design takes, whole and module by module, against its standard model."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.core import latency_cache
from app.core.arbiter import Measuring, measuring
from app.core.cost import check_imgsz
from app.core.design import Design, parse_design
from app.core.errors import AppError
from app.core.latency import Setting, Shape, UnitTime, Whole
from app.core.latency_forms import fast_forms
from app.core.latency_keys import design_key
from app.core.latency_measurement import Measurement, module_times
from app.core.latency_units import NO_FORMS, owner, units
from app.core.statistics import median_interval
from app.core.text import QT_TRANSLATE_NOOP
from app.engine import runtime_choice
from app.engine.latency_build import Built, check_int8
from app.engine.latency_clock import LoadMeter, Pace, figure, take_turns
from app.engine.latency_profile import profile
from app.engine.latency_setting import setting_of
from app.engine.runtimes import RUNTIMES
from app.engine.tensorrt_runtime import check_tensorrt

MOST_THREADS, MOST_BATCH = 1024, 256


class CancelledError(AppError):
    """The measurement was called off."""


@dataclass(frozen=True)
class Observation:
    """A design measured in turn with its standard model.

    Attributes:
        whole: the design's figure.
        standard: the standard model's figure; the same one for a design without swaps.
        times, standard_times: milliseconds of every call; row i of both belongs together.
        busy: share of the processors that others used, where that was too much; None otherwise.
    """

    whole: Whole
    standard: Whole
    times: tuple[float, ...]
    standard_times: tuple[float, ...]
    busy: float | None


class Bench:
    """Measures designs of one base model in one setting; the standard model stays loaded.

    Args:
        setting: where and how.
        standard: the standard model.
        shape: height and width of the input.
        forms: as in `latency_units.units`.
        cancelled: asked between turns.
    """

    def __init__(
        self,
        setting: Setting,
        standard: Design,
        shape: Shape,
        forms: Mapping[str, str] = NO_FORMS,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.setting, self.shape, self.forms = setting, shape, forms
        self._cancelled = cancelled
        self._standard = Built(standard.cleared(), setting, shape, forms)
        self._batch = self._standard.batch()

    def observe(self, design: Design, pace: Pace, turn: Measuring | None = None) -> Observation:
        """Measure a design in turn with the standard model.

        Args:
            design: of this bench's base model and number of classes.
            pace: how long.
            turn: tells whether a training or a comparison began meanwhile.

        Raises:
            AppError: the model cannot be built, or the runtime not be used.
            CancelledError: it was called off.
        """
        alone = design.is_standard
        models = [self._standard]
        if not alone:
            models.append(Built(design, self.setting, self.shape, self.forms))
        calls = [self._call(built) for built in models]
        meter = LoadMeter()
        times = take_turns(calls, pace, self._cancelled)
        self._leave_if_cancelled()
        share = meter.others()
        busy = share if meter.is_busy() or (turn is not None and turn.disturbance()) else None
        wholes = [self._whole(built, row, times[0]) for built, row in zip(models, times, strict=True)]
        return Observation(wholes[-1], wholes[0], tuple(times[-1]), tuple(times[0]), busy)

    def _call(self, built: Built) -> Callable[[], object]:
        runtime = built.runtime()
        runtime.prepare(self.shape)
        return lambda: runtime.infer(self._batch)

    def _leave_if_cancelled(self) -> None:
        if self._cancelled():
            raise CancelledError(QT_TRANSLATE_NOOP("core", "The measurement was cancelled."))

    def _whole(self, built: Built, times: list[float], standard: list[float]) -> Whole:
        rows = profile(built, self._batch)
        self._leave_if_cancelled()
        design = built.design
        return Whole(
            key=design_key(design),
            base=design.base,
            classes=design.architecture.classes,
            shape=self.shape,
            figure=figure(times),
            standard_ms=statistics.median(standard),
            ratio=statistics.median(a / b for a, b in zip(times, standard, strict=True)),
            units=_units(design, self.shape, self.forms, rows),
        )


def _units(
    design: Design, shape: Shape, forms: Mapping[str, str], rows: Mapping[str, float]
) -> tuple[UnitTime, ...]:
    """Return what every unit took, from what every torch module did."""
    known = {unit.path: unit for unit in units(design, shape, forms)}
    taken = dict.fromkeys(known, 0.0)
    for path, ms in rows.items():
        unit = owner(path, known)
        if unit is not None:
            taken[unit] += ms
    return tuple(UnitTime(unit, taken[path]) for path, unit in known.items())


def resolve_setting(
    runtime: str = "auto",
    device: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    batch: int = 1,
) -> Setting:
    """Return the setting that is asked for, or the fastest measured here that fits.

    Raises:
        AppError: there is no such runtime, or a number is out of range.
    """
    known = (*RUNTIMES, "tensorrt")
    if runtime not in {"auto", *known}:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "There is no runtime “{runtime}”."),
            QT_TRANSLATE_NOOP("core", "Choose one of: auto, {choices}."),
            runtime=runtime,
            choices=", ".join(known),
        )
    for value, most in ((1 if threads is None else threads, MOST_THREADS), (batch, MOST_BATCH)):
        if not 1 <= value <= most:
            raise AppError(
                QT_TRANSLATE_NOOP("core", "{value} threads or pictures per call are not possible."),
                QT_TRANSLATE_NOOP("core", "Choose a number from 1 to {most}."),
                value=value,
                most=most,
            )
    if precision == "int8":
        check_int8("openvino" if runtime == "auto" else runtime)
        runtime = "openvino"
    if runtime == "tensorrt":
        precision = "f16" if precision == "auto" else precision
        device = "cuda" if device == "auto" else device
        check_tensorrt(device, precision)
        return setting_of(runtime, device, precision, threads, batch)
    choice = runtime_choice.resolve(runtime, precision, device)
    return setting_of(choice.runtime, choice.device, choice.precision, threads, batch)


def measure(
    design: Design,
    setting: Setting,
    imgsz: int | Shape = 640,
    pace: Pace | None = None,
    *,
    patience_s: float | None = 0.0,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Measurement:
    """Measure a design against its standard model, and keep the figures unless the machine was busy.

    Args:
        design: what to measure.
        setting: from `resolve_setting`.
        imgsz: input side, or (height, width), in pixels.
        pace: how long.
        patience_s: how long to wait for a training or a comparison to end; None for ever. After that it is measured
            all the same, and marked.
        progress: told how far it is.
        cancelled: asked between turns.

    Raises:
        AppError: the design, the size or the runtime cannot be used.
        CancelledError: it was called off.
    """
    shape = check_imgsz(imgsz, design.architecture.cell)
    forms = fast_forms(setting.runtime, setting.precision, setting.device)
    with measuring(cancelled, patience_s) as turn:
        progress(0.05, QT_TRANSLATE_NOOP("core", "Building the models"))
        bench = Bench(setting, design, shape, forms, cancelled)
        seen = bench.observe(design, pace or Pace(rounds=20, seconds=6.0), turn)
    progress(1.0, "")
    if seen.busy is None:
        table = latency_cache.cached(setting, forms)
        for whole in (seen.standard, seen.whole):
            table = table.with_whole(whole)
        latency_cache.keep(table)
    return Measurement(
        setting=setting,
        base=design.base,
        classes=seen.whole.classes,
        shape=shape,
        standard=seen.standard.figure,
        lightweight=seen.whole.figure,
        speedup=median_interval([a / b for a, b in zip(seen.standard_times, seen.times, strict=True)]),
        modules=module_times(design, seen.standard, seen.whole, forms),
        busy=seen.busy,
    )


def setting_of_request(request: Mapping[str, Any]) -> Setting:
    """Return the setting that a job's request asks for; see `resolve_setting`."""
    return resolve_setting(
        str(request.get("runtime", "auto")),
        str(request.get("device", "auto")),
        str(request.get("precision", "auto")),
        request.get("threads"),
        int(request.get("batch", 1)),
    )


def run_setting(request: dict[str, Any], _channel: Any) -> dict[str, Any]:
    """Tell what a request's setting is here, and where its figures are: the job "latency.setting"; takes no time."""
    setting = setting_of_request(request)
    return {"setting": asdict(setting), "file": str(latency_cache.file_of(setting))}


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Measure in the engine process: the job "latency".

    Args:
        request: "design": its text; "runtime", "device", "precision", "threads", "batch", "imgsz" as on the command
            line; "patience_s": how long to wait for a training or a comparison, for ever where it is missing.
        channel: told how far it is.
    """
    size = request.get("imgsz", 640)
    found = measure(
        parse_design(str(request["design"])),
        setting_of_request(request),
        tuple(size) if isinstance(size, list) else size,
        patience_s=request.get("patience_s"),
        progress=channel.progress,
        cancelled=lambda: channel.cancelled,
    )
    return found.to_json()
