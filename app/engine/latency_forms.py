"""Measures which of the equivalent forms of each block runs fastest, and keeps the answer for loading and exporting."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from app.core.arbiter import Activity, measuring
from app.core.blocks import BLOCKS
from app.core.cost import check_imgsz
from app.core.design import Design, Swap, parse_design
from app.core.latency import Setting, Shape
from app.core.latency_forms import fast_forms, keep_forms
from app.core.latency_plan import coverings
from app.core.latency_units import form_for, swap_text
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
        busy: whether other programs used the machine.
        before: the form that ran until now.
        kept: whether the fastest form runs from now on; not where the machine was busy.
    """

    swap: str
    ms: Mapping[str, float]
    gains: Mapping[str, Interval]
    fastest: str
    busy: bool
    before: str = ""
    kept: bool = False


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
    patience_s: float | None = 0,
    progress: Callable[[float, str], None] = lambda _fraction, _text: None,
    found: Callable[[FormTimes], None] = lambda _times: None,
    waiting: Callable[[Activity], None] = lambda _activity: None,
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
        patience_s: how long to wait, each time, for a training or a comparison to end; None for ever.
        progress: told how far it is, and what comes next as `latency_units.swap_text` writes it.
        found: told each result.
        waiting: told what is waited for.
        cancelled: asked between turns; what is measured so far is kept.
        strict: whether to keep nothing that a busy machine measured.

    Raises:
        AppError: the runtime cannot be used.
    """
    design = Design.stock(base) if isinstance(base, str) else base.cleared()
    chosen = swaps_with_forms() if swaps is None else swaps
    rows = []
    with measuring(cancelled, patience_s, waiting) as turn:
        for number, swap in enumerate(chosen):
            turn.wait()
            if cancelled():
                break
            progress(number / len(chosen), swap_text(swap))
            result = _compare(setting, design, imgsz, swap, pace, cancelled)
            if result is None:
                continue
            quiet = not (result.busy or turn.disturbance())
            rows.append(_kept(setting, swap, result, quiet or not strict))
            found(rows[-1])
    return rows


def _kept(setting: Setting, swap: Swap, result: FormTimes, keep: bool) -> FormTimes:
    """Write the fastest form down where it may be kept; return the result with what ran before."""
    place = setting.runtime, setting.precision, setting.device
    before = form_for(swap, fast_forms(*place))
    if keep:
        keep_forms(*place, {result.swap: result.fastest})
    return replace(result, before=before if before in result.ms else next(iter(result.ms)), kept=keep)


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
    """Measure forms for the window: the job "latency.forms".

    Args:
        request: "design": text of a design on the base model; "runtime", "device", "precision", "threads", "batch",
            "imgsz" as in `app.engine.latency.run`; "known": swaps that need no measurement, as
            `latency_units.swap_text` writes them.
        channel: told {"event": "forms", "done", "total", "swap": the next one, "waiting"}, and
            {"event": "form", "row": `FormTimes`} for each result.
    """
    setting = setting_of_request(request)
    design = parse_design(str(request["design"]))
    size, known = request.get("imgsz", 640), set(request.get("known") or ())
    everything = swaps_with_forms()
    swaps = [swap for swap in everything if swap_text(swap) not in known]
    told = {"done": len(everything) - len(swaps), "total": len(everything), "swap": "", "waiting": ""}

    def tell(waiting: str = "", **more: Any) -> None:
        told.update(more, waiting=waiting)
        channel.emit({"event": "forms", **told})

    def progress(share: float, swap: str) -> None:
        tell(done=len(everything) - len(swaps) + round(share * len(swaps)), swap=swap)

    rows = measure_forms(
        setting,
        design,
        check_imgsz(tuple(size) if isinstance(size, list) else size, design.architecture.cell),
        swaps,
        patience_s=None,
        progress=progress,
        found=lambda row: channel.emit({"event": "form", "row": asdict(row)}),
        waiting=lambda activity: tell(activity.kind),
        cancelled=lambda: channel.cancelled,
    )
    return {"setting": asdict(setting), "rows": [asdict(row) for row in rows]}
