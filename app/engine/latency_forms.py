"""Measures which of the equivalent forms of each block runs fastest, and keeps the answer for loading and exporting."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from app.core.arbiter import measuring
from app.core.blocks import BLOCKS
from app.core.design import Design, Swap
from app.core.latency import Setting, Shape
from app.core.latency_forms import keep_forms
from app.core.latency_plan import coverings
from app.core.latency_units import swap_text
from app.core.sites import site
from app.core.statistics import Interval, median_interval
from app.engine.latency import setting_of_request
from app.engine.latency_build import Built
from app.engine.latency_clock import LoadMeter, Pace, take_turns

WORTH = 0.02
"""How much faster than the usual form another one must be, at the least, to take its place."""

PACE = Pace(rounds=8, seconds=3.0)


@dataclass(frozen=True)
class FormTimes:
    """One swap everywhere in a model, in each of its forms.

    Attributes:
        swap: as `latency_units.swap_text` writes it.
        ms: form → median milliseconds of the whole model, the usual form first.
        gains: form → how many times as fast as the usual form it is.
        fastest: the form to run.
        busy: whether other programs used the machine: then it is not kept.
    """

    swap: str
    ms: Mapping[str, float]
    gains: Mapping[str, Interval]
    fastest: str
    busy: bool


def swaps_with_forms() -> tuple[Swap, ...]:
    """Return the swaps whose form is a choice: of every such kind the usual options, and separable of rank 2 and 3."""
    kinds = [Swap(name) for name, kind in BLOCKS.items() if len(kind.all_forms) > 1]
    return (*kinds, *(Swap("separable", {"rank": rank}) for rank in (2, 3)))


def measure_forms(
    setting: Setting,
    base: Design | str = "yolov5n",
    imgsz: Shape = (640, 640),
    swaps: Sequence[Swap] | None = None,
    pace: Pace = PACE,
    *,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
    cancelled: Callable[[], bool] = lambda: False,
    strict: bool = True,
) -> list[FormTimes]:
    """Measure each swap in all its forms, turn by turn, and keep the fastest.

    Args:
        setting: where and how.
        base: the model in which it is measured.
        imgsz: height and width of the input.
        swaps: what to measure; all that have a choice where None.
        pace: how long.
        progress: told how far it is.
        cancelled: asked between turns; what is measured so far is kept.
        strict: whether to keep nothing that a busy machine measured.

    Raises:
        AppError: the runtime cannot be used.
    """
    design = Design.stock(base) if isinstance(base, str) else base.cleared()
    chosen = swaps_with_forms() if swaps is None else swaps
    found = []
    with measuring(cancelled, 0) as turn:
        for number, swap in enumerate(chosen):
            progress(number / len(chosen), swap_text(swap))
            result = _compare(setting, design, imgsz, swap, pace, cancelled)
            if cancelled():
                break
            if result is not None:
                found.append(result)
                if not strict or not (result.busy or turn.disturbance()):
                    keep_forms(
                        setting.runtime, setting.precision, setting.device, {result.swap: result.fastest}
                    )
    return found


def _compare(
    setting: Setting, design: Design, shape: Shape, swap: Swap, pace: Pace, cancelled: Callable[[], bool]
) -> FormTimes | None:
    paths = next(iter(coverings(design, swap)), ())
    forms = _forms(design, paths, swap)
    if len(forms) < 2:
        return None
    name = swap_text(swap)
    lightened = design.with_swap(paths, swap)
    models = [Built(lightened, setting, shape, {name: form}) for form in forms]
    runtimes = [built.runtime() for built in models]
    batch = models[0].batch()
    for runtime in runtimes:
        runtime.prepare(shape)
    meter = LoadMeter()
    times = take_turns([partial(runtime.infer, batch) for runtime in runtimes], pace, cancelled)
    if not all(times):
        return None
    medians = {form: statistics.median(row) for form, row in zip(forms, times, strict=True)}
    gains = {
        form: median_interval([usual / other for usual, other in zip(times[0], row, strict=True)])
        for form, row in zip(forms, times, strict=True)
    }
    return FormTimes(name, medians, gains, fastest_form(gains), meter.is_busy())


def fastest_form(gains: Mapping[str, Interval]) -> str:
    """Return the form to run: the usual one, which comes first, unless another is surely and noticeably faster."""
    usual = next(iter(gains))
    best = max(gains, key=lambda form: gains[form].median)
    return best if gains[best].low > 1 + WORTH else usual


def _forms(design: Design, paths: Sequence[str], swap: Swap) -> tuple[str, ...]:
    """Return the forms that a swap may have at any of its places, the usual one first."""
    found: dict[str, None] = {}
    for path in paths:
        place = site(design.architecture, path)
        if place is not None:
            found |= dict.fromkeys(BLOCKS[swap.block].forms(place, swap.options))
    return tuple(found)


def run(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Measure forms in the engine process: the job "latency.forms"."""
    setting = setting_of_request(request)
    size = int(request.get("imgsz", 640))
    rows = measure_forms(
        setting,
        str(request.get("base", "yolov5n")),
        (size, size),
        progress=channel.progress,
        cancelled=lambda: channel.cancelled,
    )
    return {"setting": asdict(setting), "rows": [asdict(row) for row in rows]}
