"""check, convert, train, val, runs."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.output import Output, table
from app.core.design import resolve_design
from app.core.errors import AppError
from app.core.runs import Workspace
from app.core.settings import load_settings
from app.core.text import duration, figure, size

if TYPE_CHECKING:
    from app.core.events import Event
    from app.core.train_config import TrainConfig

_DEFAULT_BATCH = 16


def workspace_of(options: Namespace) -> Workspace:
    """Return the workspace named on the command line, or the window's."""
    return Workspace(Path(options.workspace) if options.workspace else Path(load_settings().workspace))


def _prepare(output: Output) -> None:
    """Make this process an engine: safe, offline, with stdout kept for results."""
    output.reserve()
    from app.engine.environment_setup import prepare

    prepare()


def check(options: Namespace, output: Output) -> None:
    """Print what a data set holds, and what is wrong with it."""
    _prepare(output)
    from app.engine.dataset import check_dataset, fix_dataset
    from app.engine.dataset_items import one_line

    tell = _share_teller(output)
    data = check_dataset(options.data, tell).to_json()
    splits = [(split, str(count)) for split, count in data["images"].items()]
    boxes = [(name, str(count)) for name, count in data["boxes"].items()]
    lines = [f"format: {_LAYOUTS[data['format']]}", ""]
    lines += [table(("split", "pictures"), splits), "", table(("class", "boxes"), boxes)]
    for finding in data["findings"]:
        where = one_line(finding["path"]) + (f":{finding['line']}" if finding["line"] else "")
        lines.append(f"{finding['severity']}: {where}: {finding['message']}")
    if options.fix_to:
        data["fixed"] = fixed = fix_dataset(options.data, Path(options.fix_to), tell).to_json()
        count = sum(fixed["changes"].values())
        lines += ["", f"Corrected copy: {fixed['data']} ({count} changes, listed in {fixed['log']})"]
    output.document(data, "\n".join(lines))


_LAYOUTS = {"yolo": "YOLO", "voc": "Pascal VOC", "coco": "COCO"}
_STEP_S = 5.0


def _share_teller(output: Output) -> Callable[[float, str], None]:
    """Return a function that tells people every few seconds how far a check is."""
    began = last = time.monotonic()

    def tell(share: float, text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _STEP_S or "/" not in text:
            return
        last = now
        left = f", {duration((now - began) * (1 - share) / share)} left" if share > 0.02 else ""
        output.note(f"{text} pictures{left}")

    return tell


def convert(options: Namespace, output: Output) -> None:
    """Convert a trained standard model."""
    _prepare(output)
    from app.engine import convert as engine

    design = resolve_design(options.design)
    target = (
        Path(options.output) if options.output else _converted_name(Path(options.weights), options.design)
    )
    arguments: dict[str, Any] = {"imgsz": options.imgsz, "output": target}
    if options.pictures is not None:
        arguments["pictures"] = options.pictures
    result = engine.convert(Path(options.weights), design, options.data, emit=_tell(output), **arguments)
    document = {"weights": str(result.path), "seconds": result.seconds, "transfer": result.report.to_json()}
    output.document(document, f"{result.report.to_text()}\n\n{result.path} in {result.seconds:.1f} s")


def _converted_name(weights: Path, design: str) -> Path:
    return weights.with_name(f"{weights.stem}-{Path(design).stem}.pt")


def _tell(output: Output) -> Any:
    told = ""

    def tell(event: Mapping[str, Any]) -> None:
        nonlocal told
        text = str(event.get("text") or event.get("message") or "")
        if text and text != told:
            told = text
            output.note(text)

    return tell


def train(options: Namespace, output: Output) -> None:
    """Train a design in this process."""
    _prepare(output)
    from app.engine import training

    workspace = workspace_of(options)
    if options.resume:
        if not options.name:
            raise AppError("--resume needs the name of the run.", "Add --name NAME; see: runs list.")
        run = workspace.run(options.name)
        config = run.change(epochs=options.epochs, batch=options.batch, device=options.device)
        with awake():
            training.run(config, run, emit=_training_event(output), resume=True)
        return
    from dataclasses import replace

    from app.commands.train_runs import configs_of, parts_of, train_all
    from app.engine.train_batch import settled

    options.batch = _DEFAULT_BATCH if options.batch is None else options.batch
    options.device = options.device or ""
    configs = configs_of(options, workspace, resolve_design(options.design), _settings(options.set))
    parts = tuple(part for one in configs for part in parts_of(one, first=options.first, pair=options.pair))
    if options.estimate:
        _estimate(parts, output)
        return
    if len(parts) > 1:  # several runs are compared: they need one batch
        batch = settled(parts)[1]
        if batch is not None:
            output.note(f"Pictures per step, as memory allows: {batch}.")
            configs = tuple(replace(one, batch=batch) for one in configs)
    with awake():
        for config in configs:
            emit = _training_event(output)
            if not train_all(config, workspace, output, emit, first=options.first, pair=options.pair):
                break


def awake() -> AbstractContextManager[bool]:
    """Keep the machine from sleeping for as long as the block runs, unless the preferences say otherwise."""
    from app.engine.keep_awake import keeping_awake

    return keeping_awake(load_settings().keep_awake)


def _estimate(configs: tuple[TrainConfig, ...], output: Output) -> None:
    """Print what trainings will need."""
    from app.engine.train_batch import measured

    found = [{"name": config.name, **measured(config, output.note)} for config in configs]
    lines = []
    for one in found:
        lines.append(
            f"{one['name']} on {one['device']}, batch {one['batch']} at {one['imgsz']} px: "
            f"{size(one['bytes_needed'])} of memory ({size(one['bytes_free'])} free, "
            f"at most a batch of {one['largest_batch']}), {duration(one['seconds_epoch'])} an epoch, "
            f"{duration(one['seconds_total'])} in all"
            + ("" if one["measured"] else "; worked out from a smaller batch")
        )
        lines += [f"  {told['message']} {told['hint']}" for told in one["advice"]]
    output.document(found[0] if len(found) == 1 else {"estimates": found}, "\n".join(lines))


def _settings(pairs: list[str]) -> dict[str, Any]:
    import yaml

    settings: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise AppError(
                "--set “{pair}” is not NAME=VALUE.", "Write, for example, --set lr0=0.01.", pair=pair
            )
        settings[name] = yaml.safe_load(value)
    return settings


def _training_event(output: Output) -> Any:
    epochs = 0

    def emit(event: Event) -> None:
        nonlocal epochs
        if event["event"] == "started":
            epochs = event["epochs"]
        if event["event"] == "message" and not output.json:
            output.note(str(event.get("text", "")))
        else:
            output.event(event, _event_text(event, epochs))

    return emit


def _event_text(event: Event, epochs: int) -> str | None:
    name = event["event"]
    if name == "epoch":
        return (
            f"epoch {event['epoch']}/{epochs}  mAP50 {event['map50']:.3f}  mAP50-95 {event['map50_95']:.3f}  "
            f"{duration(event['seconds'])} each, {duration(event['remaining'])} left"
        )
    if name == "started":
        return f"training on {event['device']}: {event['parameters']} parameters"
    if name == "finished":
        best = event["best"]
        return f"finished: mAP50 {best['map50']:.3f}, mAP50-95 {best['map50_95']:.3f}"
    if name == "stopped":
        return f"stopped: {event.get('reason', '')}"
    return None  # why it failed stands on standard error, as with every other verb


def val(options: Namespace, output: Output) -> None:
    """Validate a checkpoint."""
    _prepare(output)
    from app.engine.evaluate import evaluate

    result = evaluate(
        Path(options.weights),
        options.data,
        split=options.split,
        imgsz=options.imgsz,
        batch=options.batch,
        device=options.device,
        runtime=options.runtime,
        precision=options.precision,
    )
    rows = [(name, figure(v["ap50"]), figure(v["ap50_95"])) for name, v in result["per_class"].items()]
    rows.append(("all", figure(result["map50"]), figure(result["map50_95"])))
    where = " ".join(filter(None, (result["runtime"], result["inference_precision"])))
    said = f"{result['images']} pictures at {result['imgsz']} px on {where}"
    output.document(result, f"{table(('class', 'AP50', 'AP50-95'), rows)}\n\n{said}")
