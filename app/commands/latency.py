"""latency: what a design takes here, and tables for other machines. Runs without a window, and without Qt."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.commands.output import Output, table
from app.commands.training import _prepare
from app.core.blocks import BLOCKS
from app.core.cost import check_imgsz
from app.core.design import Design, Swap, resolve_design
from app.core.errors import AppError
from app.core.latency import LatencyTable, ModuleTime, Setting
from app.core.latency_cache import save_table
from app.core.latency_measurement import Measurement
from app.core.latency_plan import default_kinds
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
    kinds = kinds_of(options.kinds)
    output.note(f"{setting.machine}: {setting.runtime} {setting.precision}, {setting.threads} threads")
    forms = _forms(setting, design, options, output) if options.forms else None
    found = measure(design, setting, options.imgsz)
    document = found.to_json()
    text = measurement_text(design, found)
    if forms is not None:
        document["forms"] = forms
    if options.save_table:
        path = Path(options.save_table)
        made = _table(design, options, found, kinds, output)
        save_table(made, path)
        document["table"] = str(path)
        text += f"\n\n{path}: {len(made.wholes)} models measured; open it on the Design page."
    output.document(document, text)


def kinds_of(text: str | None) -> tuple[Swap, ...] | None:
    """Return the swaps that a list of block kinds stands for; None where there is no list.

    Raises:
        AppError: one of them is not known.
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in BLOCKS:
            raise AppError(
                "--kinds: unknown block kind “{name}”.",
                "Choose from {choices}.",
                name=name,
                choices=", ".join(BLOCKS),
            )
    return tuple(swap for swap in default_kinds() if swap.block in names)


def _forms(setting: Setting, design: Design, options: Namespace, output: Output) -> list[dict[str, Any]]:
    from app.engine.latency_forms import measure_forms

    size = check_imgsz(options.imgsz, design.architecture.cell)
    rows = measure_forms(
        setting,
        design,
        size,
        progress=lambda _fraction, swap: output.note(f"forms of {swap}"),
        strict=not options.anyway,
    )
    for row in rows:
        times = ", ".join(f"{form} {figure(ms)} ms" for form, ms in row.ms.items())
        output.note(f"{row.swap}: {times}; fastest: {row.fastest}")
    return [asdict(row) for row in rows]


def _table(
    design: Design,
    options: Namespace,
    found: Measurement,
    kinds: Sequence[Swap] | None,
    output: Output,
) -> LatencyTable:
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
        kinds,
        tell,
        device=setting.device,
        batch=setting.batch,
        patience_s=PATIENCE_S,
        strict=not options.anyway,
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
