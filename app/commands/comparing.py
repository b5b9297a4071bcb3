"""compare."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from app.commands.output import Output, table
from app.commands.training import _prepare
from app.core.errors import AppError
from app.core.source_options import SourceOptions, size_from_text
from app.core.text import duration, figure, ratio, size


def compare(options: Namespace, output: Output) -> None:
    """Run two detectors on the same frames."""
    _prepare(output)
    from app.engine.compare_outputs import OutputFiles
    from app.engine.comparison import compare_headless

    record, report = (Path(name) if name else None for name in (options.record, options.report))
    result = compare_headless(
        Path(options.a),
        Path(options.b),
        options.source,
        options.frames,
        runtime=options.runtime,
        precision=options.precision,
        device=options.device,
        imgsz=options.imgsz,
        threads=options.threads,
        confidence=options.confidence,
        iou=options.iou,
        options=_source_options(options),
        files=OutputFiles(record, report),
    )
    output.document(result, "\n".join((comparison_text(result), *_written(result))))
    recording = result.get("recording", {})
    if recording.get("state") == "failed":
        raise AppError.from_dict(recording)


def _written(result: dict[str, Any]) -> list[str]:
    """Return what to say about the files that a comparison left."""
    lines = [f"Report: {', '.join(result['report'])}"] if "report" in result else []
    recording = result.get("recording", {})
    if recording.get("state") == "finished":
        lines.append(
            f"Recording: {recording['path']}, {duration(recording['seconds'])}, {recording['frames']} pictures, "
            f"{size(recording['bytes'])}; {recording['dropped']} left out while the encoder was behind"
        )
    return lines


def _source_options(options: Namespace) -> SourceOptions:
    """Return how the source shall be opened.

    Raises:
        AppError: a size or a rate is impossible.
    """
    width, height = size_from_text(options.camera_size) if options.camera_size else (None, None)
    return SourceOptions(width, height, options.camera_fps, options.mirror)


def comparison_text(result: dict[str, Any]) -> str:
    """Return a comparison as a table and a sentence."""
    a, b = result["a"], result["b"]
    rows = [
        (f"{part}, ms (p50 / p95)", *(f"{figure(s[key]['p50'])} / {figure(s[key]['p95'])}" for s in (a, b)))
        for part, key in (
            ("preprocess", "preprocess_ms"),
            ("inference", "inference_ms"),
            ("postprocess", "postprocess_ms"),
        )
    ]
    rows.append(("detections", str(a["detections"]), str(b["detections"])))
    speedup = result["speedup"]
    sentence = (
        f"{result['frames']} pairs on {a['runtime']} {a['precision']}: B is {ratio(speedup['median'])} as fast as A "
        f"[{figure(speedup['low'])}–{figure(speedup['high'])}], {figure(result['pairs_per_second'])} pairs a second."
    )
    return f"{table(('', Path(a['weights']).name, Path(b['weights']).name), rows)}\n\n{sentence}"
