"""The HTML page of a comparison's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core import html_page
from app.core.compare_figures import COUNTS, PARTS
from app.core.compare_report import METRICS, CompareReport, Model, splits
from app.core.compare_report_drawings import agreement_over_time, distributions, picture_pair
from app.core.html_page import heading, paragraph, preformatted, side_by_side, table, tile
from app.core.run_report import WORDS
from app.core.text import figure, grouped, percent_change, ratio, size

_PART_WORDS = {
    "preprocess_ms": "preprocess",
    "inference_ms": "inference",
    "postprocess_ms": "postprocess",
    "total_ms": "all three",
}
_COUNT_WORDS = {
    "agree": "agree",
    "class_changed": "of another class",
    "only_a": "only left",
    "only_b": "only right",
}
_MOST_CLASSES = 200
_MOST_LINES = 400


def page(report: CompareReport) -> str:
    """Return the page."""
    a, b = report.models
    f = report.figures
    title = f"{b.name} against {a.name}"
    body = [
        heading(f"{b.name} is {_faster(f.speedup.median)} {a.name}", 1),
        paragraph(_sentence(report)),
        *_warnings(report),
        _tiles(report),
        *_times(report),
        *_agreement(report),
        *_accuracy(report),
        *_costs(report),
        *_pictures(report),
        *_settings(report),
    ]
    return html_page.page(title, body)


def _faster(speedup: float) -> str:
    return f"{ratio(speedup)} as fast as" if speedup >= 1 else f"slower, {ratio(speedup)} as fast as"


def _sentence(report: CompareReport) -> str:
    f = report.figures
    return (
        f"Left: {report.models[0].name}. Right: {report.models[1].name}. "
        f"Measured on {report.created} with {grouped(f.pairs)} "
        f"pairs of {f.source}: both saw the same picture, in alternating order; warming up is not counted."
    )


def _warnings(report: CompareReport) -> list[str]:
    f, found = report.figures, []
    if f.drift is not None:
        side = {"a": "left", "b": "right"}.get(f.drift.side, f.drift.side)
        found.append(
            f"The machine changed meanwhile: the {side} model took {figure(f.drift.first_ms)} ms in the first minute "
            f"and {figure(f.drift.last_ms)} ms in the last. The speed-up, taken picture by picture, stands; the "
            "milliseconds are a mixture."
        )
    if f.sampled < f.pairs:
        found.append(f"Times rest on an even draw of {grouped(f.sampled)} of {grouped(f.pairs)} pairs.")
    same = ("runtime", "precision", "device", "threads")
    if any(getattr(f.a, name) != getattr(f.b, name) for name in same):
        found.append("The two sides do not run in the same way: see the settings.")
    found += list(f.notes)
    return [paragraph(text, "warn") for text in found]


def _tiles(report: CompareReport) -> str:
    f = report.figures
    boxes = sum(f.agreement.get(name, 0) for name in COUNTS)
    agree = f"{100 * f.agreement.get('agree', 0) / boxes:.0f} %" if boxes else "–"
    span = f"{figure(f.speedup.low)}–{figure(f.speedup.high)}"
    return side_by_side(
        [
            tile(ratio(f.speedup.median), f"speed-up, 95 % interval {span}"),
            tile(f"{figure(f.a.times['inference_ms'].p50)} ms", "left, inference p50", "standard"),
            tile(f"{figure(f.b.times['inference_ms'].p50)} ms", "right, inference p50", "lightweight"),
            tile(agree, f"of {grouped(boxes)} boxes agree"),
            tile(figure(f.pairs_per_second), "pairs a second"),
            tile(grouped(f.dropped), "pictures left out"),
        ]
    )


def _times(report: CompareReport) -> list[str]:
    f = report.figures
    rows = []
    for part in PARTS:
        cells = [_spread(side.times[part]) for side in (f.a, f.b)]
        rows.append((_PART_WORDS[part], *cells[0], *cells[1]))
    shares = ("p50", "p95", "p99")
    head = ("ms", *(f"left {share}" for share in shares), *(f"right {share}" for share in shares))
    whole = [("pair, from decoded picture to both results", *_spread(f.pair_ms))]
    if f.age_ms is not None:
        whole.append(("age of a picture, from capture to both results", *_spread(f.age_ms)))
    total = f.speedup_total
    return [
        heading("Time per picture"),
        distributions(
            f.a.inference, f.b.inference, [f.a.times["inference_ms"].p50, f.b.times["inference_ms"].p50]
        ),
        table(head, rows),
        table(("ms", *shares), whole),
        paragraph(
            f"With pre- and postprocessing the right one is {ratio(total.median)} as fast "
            f"({figure(total.low)}–{figure(total.high)}). A speed-up is the median of the ratios on the same picture, "
            "with its bootstrap interval."
        ),
    ]


def _spread(spread: Any) -> tuple[str, str, str]:
    return figure(spread.p50), figure(spread.p95), figure(spread.p99)


def _agreement(report: CompareReport) -> list[str]:
    f = report.figures
    rows = [("all", *_counts(f.agreement))]
    most = sorted(f.by_class.items(), key=lambda row: -sum(row[1].values()))
    rows += [(name, *_counts(counts)) for name, counts in most[:_MOST_CLASSES]]
    head = ("class", *(_COUNT_WORDS[name] for name in COUNTS), "share that agrees")
    found = [
        heading("Agreement"),
        paragraph(
            "Two boxes are the same thing where they overlap by half or more. Neither side is taken for right."
        ),
        table(head, rows),
    ]
    if len(f.timeline) > 2:
        found.append(agreement_over_time(f.timeline))
    return found


def _counts(counts: Mapping[str, int]) -> tuple[str, ...]:
    boxes = sum(counts.get(name, 0) for name in COUNTS)
    share = f"{100 * counts.get('agree', 0) / boxes:.1f} %" if boxes else "–"
    return (*(grouped(counts.get(name, 0)) for name in COUNTS), share)


def _accuracy(report: CompareReport) -> list[str]:
    models, found = report.models, [heading("Accuracy, as the runs recorded it")]
    for split in splits(report):
        told = [model.accuracy.get(split, {}) for model in models]
        rows = [(WORDS[name], *(_score(one.get(name)) for one in told)) for name in METRICS]
        classes = dict.fromkeys(name for one in told for name in one.get("per_class", {}))
        for name in list(classes)[:_MOST_CLASSES]:
            cells = (_score(one.get("per_class", {}).get(name, {}).get("ap50_95")) for one in told)
            rows.append((f"AP50-95 of {name}", *cells))
        found.append(table((split, "left", "right"), rows))
    told_by = [
        f"{side}: run {model.run}, {model.epochs} epochs, trained on {model.data}"
        for side, model in zip(("Left", "Right"), models, strict=True)
        if model.run
    ]
    if told_by:
        found.append(paragraph(". ".join(told_by) + "."))
    else:
        found.append(paragraph("Not known: neither file lies in the folder of a run."))
    return found


def _score(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "–"


def _costs(report: CompareReport) -> list[str]:
    a, b = report.models
    shape = report.figures.a.shape
    at = f" at {shape[0]}×{shape[1]}" if shape else ""
    kinds = (
        ("parameters", "parameters"),
        (f"GFLOPs{at}", "gflops"),
        ("parameters, deployed", "deployed_parameters"),
        (f"GFLOPs{at}, deployed", "deployed_gflops"),
        ("file", "bytes"),
    )
    rows = []
    for words, name in kinds:
        values = [getattr(model, name) for model in (a, b)]
        if any(value is not None for value in values):
            change = percent_change(*values) if None not in values else "–"
            rows.append((words, *(_amount(name, value) for value in values), change))
    found = [heading("Cost and design"), table(("", "left", "right", "change"), rows)]
    about = [(side, *_about(model)) for side, model in (("left", a), ("right", b))]
    found.append(table(("", "file", "base model", "swapped modules", "classes"), about, words=True))
    for side, model in (("Left", a), ("Right", b)):
        if model.design and model.swaps:
            found += [heading(f"Design of the {side.lower()} model", 3), preformatted(_cut(model.design))]
        if model.problem:
            found.append(paragraph(f"{side}: {model.problem}", "warn"))
    return found


def _amount(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name == "bytes":
        return size(value)
    return figure(value) if "gflops" in name else grouped(int(value))


def _about(model: Model) -> tuple[str, str, str, str]:
    classes = ", ".join(model.classes[:12]) + (
        f" and {len(model.classes) - 12} more" if len(model.classes) > 12 else ""
    )
    swapped = str(len(model.swaps)) if model.base else "–"
    return model.weights, model.base or "unknown", swapped, classes


def _cut(text: str) -> str:
    lines = text.rstrip().splitlines()
    return "\n".join(lines[:_MOST_LINES] + (["…"] if len(lines) > _MOST_LINES else []))


def _pictures(report: CompareReport) -> list[str]:
    if not report.pictures:
        return []
    classes = dict.fromkeys(name for model in report.models for name in model.classes)
    colours = {name: number for number, name in enumerate(classes)}
    words = (
        "Those that disagree most. Solid: both sides found it. Dashed: one side alone, or another class there. "
        "Point at a box to read its class and confidence."
    )
    return [
        heading("Pictures"),
        paragraph(words),
        *(picture_pair(picture, number, colours) for number, picture in enumerate(report.pictures)),
    ]


def _settings(report: CompareReport) -> list[str]:
    f = report.figures
    rows: list[tuple[str, ...]] = [
        (name.replace("_", " "), str(getattr(f.a, name)), str(getattr(f.b, name)))
        for name in ("runtime", "precision", "device", "threads", "imgsz")
    ]
    rows.append(
        ("input, rows × columns", *("×".join(map(str, side.shape or ())) or "–" for side in (f.a, f.b)))
    )
    return [
        heading("Settings"),
        table(("", "left", "right"), rows, words=True),
        _pairs(report.settings),
        heading("Machine and versions"),
        _pairs({**report.machine, **report.versions}),
    ]


def _pairs(values: Mapping[str, Any]) -> str:
    rows: Sequence[tuple[str, str]] = [
        (name.replace("_", " "), _told(name, value))
        for name, value in values.items()
        if value not in (None, "", [])
    ]
    return table(("", ""), rows, words=True) if rows else ""


def _told(name: str, value: Any) -> str:
    if name.endswith("_bytes") and isinstance(value, int):
        return size(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return figure(value, 4) if isinstance(value, float) else str(value)
