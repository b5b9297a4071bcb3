"""The report of a comparison as plain data; as JSON, as CSV, and as one self-contained HTML page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.core.compare_figures import COUNTS, PARTS, SessionFigures
from app.core.run_report import safe_cell

FORMAT = 1
METRICS = ("map50_95", "map50", "precision", "recall")


@dataclass(frozen=True)
class Picture:
    """A pair kept as a picture.

    Attributes:
        index: number of the picture in its source.
        jpeg: base64.
        width, height: in pixels, of what `jpeg` holds.
        a, b: boxes of both sides: (left, top, right, bottom as shares, score, class name, mark), the mark being
            "agree", "alone" or "changed".
        counts: of `compare_figures.COUNTS`.
    """

    index: int
    jpeg: str
    width: int
    height: int
    a: tuple[tuple[Any, ...], ...]
    b: tuple[tuple[Any, ...], ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Model:
    """What is known of one side's weights; what is not known is None or empty.

    Attributes:
        name: of the run, or of the file.
        weights: the file.
        bytes: its size.
        kind: "studio", "ultralytics", "yolov5-original", or the kind of a converted file.
        base: base model.
        classes: class names.
        swaps: module path → block kind.
        parameters: of the training form.
        gflops: of the training form, at the input that was compared.
        deployed_parameters, deployed_gflops: of the form that a runtime executes.
        design: its text.
        run: name of the run that the weights lie in.
        epochs: complete epochs of that run.
        accuracy: split → metrics of that run's record, with "per_class": name → {"ap50", "ap50_95"}.
        data: what that run was trained on.
        problem: why something is not known.
    """

    name: str
    weights: str
    bytes: int | None = None
    kind: str = ""
    base: str = ""
    classes: tuple[str, ...] = ()
    swaps: Mapping[str, str] = field(default_factory=dict)
    parameters: int | None = None
    gflops: float | None = None
    deployed_parameters: int | None = None
    deployed_gflops: float | None = None
    design: str = ""
    run: str | None = None
    epochs: int | None = None
    accuracy: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    data: str = ""
    problem: str = ""


@dataclass(frozen=True)
class CompareReport:
    """Everything a report says.

    Attributes:
        created: when, as ISO 8601 with its zone.
        figures: what was measured.
        models: left and right.
        machine, versions, settings: name → value.
        pictures: pairs that disagree most.
    """

    created: str
    figures: SessionFigures
    models: tuple[Model, Model]
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    pictures: tuple[Picture, ...] = ()


def as_json(report: CompareReport) -> str:
    """Return everything but the pictures' pixels."""
    document = {
        "format": FORMAT,
        "created": report.created,
        "figures": report.figures.as_dict(),
        "models": {side: asdict(model) for side, model in zip("ab", report.models, strict=True)},
        "machine": dict(report.machine),
        "versions": dict(report.versions),
        "settings": dict(report.settings),
        "pictures": [
            {name: value for name, value in asdict(picture).items() if name != "jpeg"}
            for picture in report.pictures
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def as_csv(report: CompareReport) -> str:
    """Return one row per figure, full precision: section, figure, left, right, both; empty where it has no side."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("section", "figure", "left", "right", "both"))
    for row in _rows(report):
        writer.writerow([safe_cell(cell) for cell in row])
    return text.getvalue()


def _rows(report: CompareReport) -> Iterator[tuple[Any, ...]]:
    f, models = report.figures, report.models
    sides = (f.a, f.b)
    for name in (
        "name",
        "run",
        "weights",
        "base",
        "parameters",
        "gflops",
        "deployed_parameters",
        "deployed_gflops",
        "bytes",
    ):
        yield "model", name, *(getattr(model, name) for model in models), ""
    for name in ("runtime", "precision", "device", "threads", "imgsz", "detections"):
        yield "detector", name, *(getattr(side, name) for side in sides), ""
    yield "detector", "input shape", *("×".join(str(n) for n in side.shape or ()) for side in sides), ""
    for part in PARTS:
        for share in ("p50", "p95", "p99"):
            yield "time", f"{part} {share}", *(getattr(side.times[part], share) for side in sides), ""
    for share in ("p50", "p95", "p99"):
        yield "time", f"pair_ms {share}", "", "", getattr(f.pair_ms, share)
        if f.age_ms is not None:
            yield "time", f"age_ms {share}", "", "", getattr(f.age_ms, share)
    for title, interval in (("speedup", f.speedup), ("speedup_total", f.speedup_total)):
        for end in ("median", "low", "high"):
            yield "speed-up", f"{title} {end}", "", "", getattr(interval, end)
    for name in ("pairs", "sampled", "dropped", "seconds", "pairs_per_second"):
        yield "session", name, "", "", getattr(f, name)
    if f.drift is not None:
        yield "session", f"drift of {f.drift.side}, ratio", "", "", f.drift.ratio
    for count in COUNTS:
        yield "agreement", count, "", "", f.agreement.get(count, 0)
    for name, counts in f.by_class.items():
        for count in COUNTS:
            yield "agreement by class", f"{name}: {count}", "", "", counts.get(count, 0)
    for split in splits(report):
        for metric in METRICS:
            yield f"accuracy on {split}", metric, *(m.accuracy.get(split, {}).get(metric) for m in models), ""
    for section, values in (
        ("setting", report.settings),
        ("machine", report.machine),
        ("version", report.versions),
    ):
        for name, value in values.items():
            yield section, name, "", "", value if isinstance(value, str | int | float) else str(value)


def splits(report: CompareReport) -> list[str]:
    """Return the splits on which either model's run says how accurate it is."""
    return list(dict.fromkeys(split for model in report.models for split in model.accuracy))


def as_html(report: CompareReport) -> str:
    """Return one HTML page with drawings and pictures inside; it fetches and runs nothing."""
    from app.core.compare_report_html import page

    return page(report)
