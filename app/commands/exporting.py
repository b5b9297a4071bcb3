"""export: a checkpoint for other programs."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from app.commands.output import Output, table
from app.commands.training import _prepare
from app.core.text import figure, scientific, size


def export(options: Namespace, output: Output) -> None:
    """Export a checkpoint, or list the formats."""
    _prepare(output)
    if options.formats:
        _list(output)
        return
    from app.engine.export import export as engine_export

    result = engine_export(
        Path(options.weights),
        options.format,
        imgsz=options.imgsz,
        precision=options.precision,
        output=Path(options.output) if options.output else None,
        dynamic=options.dynamic,
        bundle=options.bundle,
        data=options.data,
    )
    output.document(result, "\n".join(export_lines(result)))


def _list(output: Output) -> None:
    from app.engine.export_tools import described, states

    found = [described(state) for state in states()]
    rows = []
    for one in found:
        problem = one.get("problem")
        words = f"{problem['message']} {problem['hint']}" if problem else "ready"
        rows.append((one["format"], ", ".join(one["precisions"]), words))
    output.document({"formats": found}, table(("format", "precisions", "here"), rows))


def export_lines(result: dict[str, Any]) -> list[str]:
    """Return what was written, and how far it is from torch."""
    check = result["check"]
    lines = [f"{result['output']}: {size(result['bytes'])}, {result['format']} {result['precision']}"]
    if not check["pictures"]:
        return [
            *lines,
            "Not checked against torch: CoreML runs on macOS alone. Export there to have it checked.",
        ]
    both = check["agree"] + check["only_torch"] + check["only_export"] + check["class_changed"]
    lines.append(
        f"On {check['pictures']} pictures at most {figure(check['max_box_px'], 2)} px and "
        f"{scientific(check['max_score'])} of score away from torch; "
        f"{check['agree']} of {both} detections are the same."
    )
    if result["bundle"]:
        lines.append("In the folder: pip install -r requirements.txt, then python detect.py PICTURE")
    return lines
