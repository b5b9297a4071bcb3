"""latency: what a design takes here, and tables for other machines. Runs without a window, and without Qt."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.commands.output import Output, table
from app.commands.training import _prepare
from app.core.design import Design, resolve_design
from app.core.latency import LatencyTable, ModuleTime
from app.core.latency_cache import save_table
from app.core.latency_measurement import Measurement
from app.core.latency_words import busy_text, verdict
from app.core.text import change, figure, ratio

PATIENCE_S = 60.0
"""How long a table waits, each time, for the machine to become quiet."""


def latency(options: Namespace, output: Output) -> None:
    """Measure a design against its standard model; with --save-table, write what predicts any other design."""
    design = resolve_design(options.design, options.classes)
    _prepare(output)
    from app.engine.latency import measure, resolve_setting

    setting = resolve_setting(
        options.runtime, options.device, options.precision, options.threads, options.batch
    )
    output.note(f"{setting.machine}: {setting.runtime} {setting.precision}, {setting.threads} threads")
    found = measure(design, setting, options.imgsz)
    document = found.to_json()
    text = measurement_text(design, found)
    if options.save_table:
        path = Path(options.save_table)
        made = _table(design, options, found, output)
        save_table(made, path)
        document["table"] = str(path)
        text += f"\n\n{path}: {len(made.wholes)} models measured; open it on the Design page."
    output.document(document, text)


def _table(design: Design, options: Namespace, found: Measurement, output: Output) -> LatencyTable:
    from app.engine.latency_table import build_table

    def tell(event: Mapping[str, Any]) -> None:
        waiting = f", waiting: {event['waiting']}" if event["waiting"] else ""
        output.note(f"{event['done']}/{event['total']} models{waiting}")

    setting = found.setting
    return build_table(
        design,
        setting.runtime,
        setting.precision,
        setting.threads,
        options.imgsz,
        emit=tell,
        device=setting.device,
        batch=setting.batch,
        patience_s=PATIENCE_S,
    )


def measurement_text(design: Design, found: Measurement) -> str:
    """Return a measurement as tables and a sentence."""
    a, b = found.standard, found.lightweight
    rows = [
        ("p50, ms", figure(a.p50_ms), figure(b.p50_ms)),
        ("p95, ms", figure(a.p95_ms), figure(b.p95_ms)),
        ("interval of the median, ms", *(f"{figure(f.low_ms)}–{figure(f.high_ms)}" for f in (a, b))),
        ("calls", str(a.runs), str(b.runs)),
    ]
    lines = [table(("", "standard", "lightweight"), rows)]
    changed = [row for row in found.modules if row.kind is not None]
    if changed:
        changed.sort(key=lambda row: row.lightweight_ms - row.standard_ms)
        lines.append(table(("module", "kind", "standard, ms", "ms", "change"), [_row(r) for r in changed], 2))
    if not design.is_standard:
        speed = found.speedup
        interval = f"{figure(speed.low)}–{figure(speed.high)}"
        lines.append(f"Speed-up {ratio(speed.median)} [{interval}]. {verdict(design, found)}")
    if found.busy is not None:
        lines.append(str(busy_text(found.busy)))
    return "\n\n".join(lines)


def _row(row: ModuleTime) -> tuple[str, ...]:
    return (
        row.path,
        row.kind or "",
        figure(row.standard_ms),
        figure(row.lightweight_ms),
        change(row.lightweight_ms - row.standard_ms),
    )
