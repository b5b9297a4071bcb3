"""The whole job on the built-in sample: design, convert, train, compare, and a table of what came of it."""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.output import Output, table
from app.core.cost import Cost, compare_cost
from app.core.design import Design, dump_design, preset
from app.core.errors import AppError
from app.core.folders import cache_folder, resources
from app.core.runs import RunFolder, Workspace
from app.core.text import QT_TRANSLATE_NOOP, figure, grouped, percent_change, ratio
from app.core.train_config import TrainConfig

if TYPE_CHECKING:
    from app.core.events import Event

IMGSZ = 320
"""Input side of the sample's detectors, pixels."""


def run_demo(options: Namespace, output: Output) -> None:
    """Run the demo.

    Raises:
        AppError: the sample's detectors are missing, or a step failed.
    """
    started = time.monotonic()
    workspace = Workspace(Path(options.workspace) if options.workspace else cache_folder() / "demo")
    standard = resources() / "sample" / "standard.pt"
    if not standard.is_file():
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The sample's detector is missing: {path}."),
            QT_TRANSLATE_NOOP("core", "Install the Studio again."),
            path=standard,
        )
    from app.engine.sample import object_names, sample_data

    output.note("1/5  Drawing the sample: pictures with labels.")
    data = sample_data()
    design = preset("separable", classes=len(object_names()))
    cost = compare_cost(design, IMGSZ)
    output.note(
        f"2/5  Design: {len(design.resolved())} convolutions become depthwise separable, "
        f"{percent_change(cost.standard.flops, cost.lightweight.flops)} FLOPs."
    )
    converted = _convert(standard, design, data, workspace, options.pictures, output)
    run = _train(workspace, design, data, converted.path, options.epochs, output)
    result = _compare(standard, run.best, options.frames, output)
    accuracy = _validate({"standard": standard, "converted": converted.path, "lightweight": run.best}, data)
    seconds = time.monotonic() - started
    document = {
        "seconds": round(seconds, 1),
        "workspace": str(workspace.root),
        "cost": cost.to_json(),
        "conversion_seconds": round(converted.seconds, 1),
        "run": run.name,
        "accuracy": accuracy,
        "compare": result,
    }
    output.document(document, _text(cost.standard, cost.lightweight, accuracy, result, seconds))


def _convert(
    standard: Path, design: Design, data: Path, workspace: Workspace, pictures: int | None, output: Output
) -> Any:
    from app.engine.convert import convert
    from app.engine.refit_pictures import MOST_PICTURES

    output.note("3/5  Converting the trained standard model, without training.")
    target = workspace.exports / "demo-converted.pt"
    most = MOST_PICTURES if pictures is None else pictures
    return convert(standard, design, data, pictures=most, imgsz=IMGSZ, output=target)


def _train(
    workspace: Workspace, design: Design, data: Path, weights: Path, epochs: int, output: Output
) -> RunFolder:
    from app.engine import training

    output.note(f"4/5  Training it for {epochs} epochs.")
    config = TrainConfig(
        design_text=dump_design(design),
        data=str(data),
        name="demo-lightweight",
        epochs=epochs,
        imgsz=IMGSZ,
        weights=str(weights),
        warm_start="copy",
        workspace=str(workspace.root),
        overrides={"lr0": 0.0001, "optimizer": "AdamW", "warmup_epochs": 0.0, "close_mosaic": 0},
    )

    def emit(event: Event) -> None:
        if event["event"] == "epoch":
            output.note(f"     epoch {event['epoch']}/{epochs}  mAP50 {event['map50']:.3f}")

    run = workspace.new_run(config.name)
    training.run(config, run, emit=emit)
    return run


def _compare(standard: Path, lightweight: Path, frames: int, output: Output) -> dict[str, Any]:
    from app.engine.comparison import compare_headless

    output.note(f"5/5  Comparing on {frames} frames of the sample's clip, the same frame to both.")
    return compare_headless(standard, lightweight, "sample", frames)


def _validate(weights: dict[str, Path], data: Path) -> dict[str, Any]:
    from app.engine.evaluate import evaluate

    return {name: evaluate(path, data, imgsz=IMGSZ) for name, path in weights.items()}


def _text(before: Cost, after: Cost, accuracy: dict[str, Any], result: dict[str, Any], seconds: float) -> str:
    def score(name: str, key: str) -> tuple[str, ...]:
        a, b = accuracy["standard"][key], accuracy["lightweight"][key]
        return (name, f"{a:.3f}", f"{b:.3f}", f"{b - a:+.3f}".replace("-", "−"))

    def price(name: str, key: str, scale: float) -> tuple[str, ...]:
        a, b = getattr(before, key), getattr(after, key)
        shown = (grouped(a), grouped(b)) if scale == 1 else (figure(a / scale), figure(b / scale))
        return (name, *shown, percent_change(a, b))

    total = [sum(result[side][part]["p50"] for part in _PARTS) for side in ("a", "b")]
    rows = [
        price("parameters", "parameters", 1),
        price("GFLOPs", "flops", 1e9),
        price("file, MB", "file_bytes", 1e6),
        score("mAP50", "map50"),
        score("mAP50-95", "map50_95"),
        (
            f"ms a frame, {result['a']['runtime']} {result['a']['precision']}",
            *(figure(t) for t in total),
            percent_change(total[0], total[1]),
        ),
    ]
    speedup = result["speedup"]
    return (
        f"{table(('', 'standard', 'lightweight', 'change'), rows)}\n\n"
        f"The lightweight model is {ratio(speedup['median'])} as fast here "
        f"[{figure(speedup['low'])}–{figure(speedup['high'])}], measured on {result['frames']} pairs. "
        f"Converted alone it has mAP50 {accuracy['converted']['map50']:.3f}. All this took {seconds:.0f} s."
    )


_PARTS = ("preprocess_ms", "inference_ms", "postprocess_ms")
