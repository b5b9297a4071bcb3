"""check, convert, train, val, runs."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.output import Output, table
from app.core.design import resolve_design
from app.core.errors import AppError
from app.core.runs import RunFolder, Workspace
from app.core.settings import load_settings
from app.core.text import duration, figure

if TYPE_CHECKING:
    from app.core.events import Event


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
    from app.engine.dataset import check_dataset

    summary = check_dataset(options.data)
    data = summary.to_json()
    splits = [(split, str(count)) for split, count in data["images"].items()]
    boxes = [(name, str(count)) for name, count in data["boxes"].items()]
    lines = [table(("split", "pictures"), splits), "", table(("class", "boxes"), boxes)]
    for finding in data["findings"]:
        where = finding["path"] + (f":{finding['line']}" if finding["line"] else "")
        lines.append(f"{finding['severity']}: {where}: {finding['message']}")
    output.document(data, "\n".join(lines))


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
        training.run(run.config(), run, emit=_training_event(output), resume=True)
        return
    from app.commands.train_runs import configs_of, train_all

    for config in configs_of(options, workspace, resolve_design(options.design), _settings(options.set)):
        if not train_all(config, workspace, output, _training_event(output)):
            break


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


def runs(options: Namespace, output: Output) -> None:
    """List, show or compare runs."""
    workspace = workspace_of(options)
    wanted = {"list": (0,), "show": (1,), "diff": (2,)}[options.action]
    if len(options.names) not in wanted:
        raise AppError(
            "runs {action} takes {count} names.",
            "For example: runs diff first second.",
            action=options.action,
            count=wanted[0],
        )
    if options.action == "list":
        _list_runs(workspace, output)
    elif options.action == "show":
        document = _describe(workspace.run(options.names[0]))
        output.document(document, json.dumps(document, indent=2, ensure_ascii=False, default=str))
    else:
        a, b = (_describe(workspace.run(name)) for name in options.names)
        _diff_runs(a, b, output)


def _describe(run: RunFolder) -> dict[str, Any]:
    state = run.state()
    return {
        "name": run.name,
        "path": str(run.path),
        "status": state.status,
        "epoch": state.epoch,
        "epochs": state.epochs,
        "reason": state.reason,
        "metrics": dict(state.metrics),
        "config": run.config().to_dict(),
        "transfer": (run.transfer() or {}).get("totals"),
        "weights": {"best": str(run.best), "last": str(run.last)} if run.best.is_file() else None,
    }


def _list_runs(workspace: Workspace, output: Output) -> None:
    rows, data = [], []
    for run in workspace.list_runs():
        state = run.state()
        metrics = state.metrics
        data.append(
            {
                "name": run.name,
                "status": state.status,
                "epoch": state.epoch,
                "epochs": state.epochs,
                "map50": metrics.get("map50"),
                "map50_95": metrics.get("map50_95"),
            }
        )
        shown = [figure(metrics[k]) if metrics.get(k) is not None else "–" for k in ("map50", "map50_95")]
        rows.append((run.name, state.status, f"{state.epoch}/{state.epochs}", *shown))
    text = (
        table(("name", "state", "epoch", "mAP50", "mAP50-95"), rows, left=2)
        if rows
        else "There are no runs yet."
    )
    output.document({"workspace": str(workspace.root), "runs": data}, text)


def _diff_runs(a: dict[str, Any], b: dict[str, Any], output: Output) -> None:
    rows: list[tuple[str, str, str]] = []
    changed: dict[str, list[Any]] = {}
    for part in ("config", "metrics"):
        for key in sorted({*a[part], *b[part]}):
            before, after = a[part].get(key), b[part].get(key)
            if before != after:
                changed[f"{part}.{key}"] = [before, after]
                rows.append((key, _short(before), _short(after)))
    output.document(
        {"a": a["name"], "b": b["name"], "changed": changed}, table(("", a["name"], b["name"]), rows)
    )


def _short(value: Any) -> str:
    text = figure(value) if isinstance(value, float) else str(value).replace("\n", " ")
    return text if len(text) <= 40 else f"{text[:39]}…"
