"""runs: list, queue, show, diff, judge, repeat, tag, tensorboard."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from app.commands.output import Output, table, write_result
from app.commands.training import _prepare, _training_event, awake, workspace_of
from app.core.errors import AppError
from app.core.run_card import card, card_markdown
from app.core.run_compare import diff, metrics_of, number
from app.core.run_notes import Notes, read_notes, tags_of, write_notes
from app.core.run_queue import RunQueue
from app.core.run_report import FORMS, WORDS, as_markdown
from app.core.runs import RunFolder, Workspace
from app.core.text import figure

_MANY = 12
_WANTED: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "list": (0, 0),
        "queue": (0, 0),
        "show": (1, 1),
        "diff": (2, 2),
        "judge": (1, _MANY),
        "repeat": (1, 1),
        "tag": (1, 1),
        "tensorboard": (1, _MANY),
    }
)


def runs(options: Namespace, output: Output) -> None:
    """Do what was asked for with runs of the workspace."""
    workspace = workspace_of(options)
    low, high = _WANTED[options.action]
    if not low <= len(options.names) <= high:
        raise AppError(
            "runs {action} takes {count} names.",
            "For example: runs diff first second.",
            action=options.action,
            count=low if low == high else f"{low} to {high}",
        )
    named = [workspace.run(name) for name in options.names]
    _ACTIONS[options.action](options, output, workspace, named)


def _list(_options: Namespace, output: Output, workspace: Workspace, _named: list[RunFolder]) -> None:
    rows, data = [], []
    for run in workspace.list_runs():
        state, notes = run.state(), read_notes(run.path)
        best = metrics_of(state)
        scores = {name: number(best, name) for name in ("map50", "map50_95")}
        head = {"name": run.name, "status": state.status, "epoch": state.epoch, "epochs": state.epochs}
        data.append({**head, **scores, "tags": list(notes.tags), "note": notes.note})
        shown = ["–" if value is None else f"{value:.3f}" for value in scores.values()]
        tags = ", ".join(notes.tags)
        rows.append((run.name, state.status, tags, f"{state.epoch}/{state.epochs}", *shown))
    head_words = ("name", "state", "tags", "epoch", "mAP50", "mAP50-95")
    text = table(head_words, rows, left=3) if rows else "There are no runs yet."
    output.document({"workspace": str(workspace.root), "runs": data}, text)


def _queue(_options: Namespace, output: Output, workspace: Workspace, _named: list[RunFolder]) -> None:
    state = RunQueue(workspace).read()
    waiting = [{"run": entry.run, "resume": entry.resume} for entry in state.waiting]
    going = state.kept and not state.held
    data = {"running": state.running if state.kept else "", "waiting": waiting, "going": going}
    rows = [
        (str(place), entry.run, "resume" if entry.resume else "train")
        for place, entry in enumerate(state.waiting, 1)
    ]
    text = table(("", "name", "to do"), rows, left=3) if rows else "Nothing waits."
    if rows and not going:
        text += "\n\nThe queue stands still: let it go on from the Train page."
    output.document(data, text)


def _show(_options: Namespace, output: Output, _workspace: Workspace, named: list[RunFolder]) -> None:
    run = named[0]
    state, notes = run.state(), read_notes(run.path)
    data = card(run, state)
    told = {
        **data,
        "epoch": state.epoch,
        "epochs": state.epochs,
        "metrics": dict(state.metrics),
        "config": run.config().to_dict(),
        "weights": {"best": str(run.best), "last": str(run.last)} if run.best.is_file() else None,
        "tags": list(notes.tags),
        "note": notes.note,
    }
    output.document(told, card_markdown(data).rstrip())


def _diff(_options: Namespace, output: Output, _workspace: Workspace, named: list[RunFolder]) -> None:
    a, b = named
    found = diff(a, b)
    rows = [(name, *map(_short, values)) for name, values in found["settings"].items()]
    rows += [(WORDS[name], *map(_short, values)) for name, values in found["metrics"].items()]
    changes = found["design"]
    lines = ["", *(changes or [])] if changes else []
    output.document(found, "\n".join([table(("", a.name, b.name), rows), *lines]))


def _judge(options: Namespace, output: Output, _workspace: Workspace, named: list[RunFolder]) -> None:
    _prepare(output)
    from app.engine.judge import judge

    data = options.data or ""
    told = ""

    def progress(share: float, text: str) -> None:
        nonlocal told
        words = f"{text} {share:.0%}" if int(share * 20) != int(_share(told) * 20) else told
        if words != told:
            told = words
            output.note(words)

    if data and data != "sample":
        data = str(Path(data).resolve())
    found = judge(named, data, options.split, options.device, progress)
    for name, problem in found["problems"].items():
        output.note(f"{name}: {problem['message']} {problem['hint']}")
    form = options.format or (Path(options.output).suffix.lstrip(".") if options.output else "")
    if options.output and form not in FORMS:
        raise AppError(
            "“{form}” is no form of report.", "Take one of {all}.", form=form, all=", ".join(FORMS)
        )
    if options.output:
        write_result(Path(options.output), FORMS[form](found))
    small = {key: value for key, value in found.items() if key != "pictures"}
    small["pictures"] = [
        {key: value for key, value in row.items() if key != "jpeg"} for row in found["pictures"]
    ]
    said = FORMS[form](found) if form and not options.output else as_markdown(found)
    output.document(small, f"{options.output}" if options.output else said.rstrip())


def _share(told: str) -> float:
    last = told.rsplit(" ", 1)[-1].rstrip("%")
    return int(last) / 100 if last.isdigit() else -1.0


def _repeat(_options: Namespace, output: Output, workspace: Workspace, named: list[RunFolder]) -> None:
    """Train the same again, into a folder of its own."""
    _prepare(output)
    from app.engine import training

    run = workspace.new_run(named[0].name)
    config = replace(named[0].config(), name=run.name, workspace=str(workspace.root))
    output.note(f"{run.name}: the same as {named[0].name}, once more.")
    with awake():
        training.run(config, run, emit=_training_event(output))


def _tag(options: Namespace, output: Output, _workspace: Workspace, named: list[RunFolder]) -> None:
    run = named[0]
    before = read_notes(run.path)
    notes = Notes(
        before.tags if options.tags is None else tags_of(options.tags),
        before.note if options.note is None else options.note,
    )
    try:
        write_notes(run.path, notes)
    except OSError as error:
        raise AppError(
            "{path} cannot be written: {reason}.",
            "Check the folder's permissions.",
            path=run.path,
            reason=error.strerror,
        ) from error
    document = {"name": run.name, "tags": list(notes.tags), "note": notes.note}
    output.document(document, ", ".join(notes.tags) or "no tags")


def _tensorboard(options: Namespace, output: Output, workspace: Workspace, named: list[RunFolder]) -> None:
    from app.core.run_tensorboard import write_event_files

    folder = Path(options.output) if options.output else workspace.reports / "tensorboard"
    counts = {run.name: write_event_files(run, folder / run.name) for run in named}
    lines = [f"{folder / name}: {count} values" for name, count in counts.items()]
    output.document({"folder": str(folder), "values": counts}, "\n".join(lines))


def _short(value: Any) -> str:
    if value is None:
        return "–"
    text = figure(value, 4) if isinstance(value, float) else str(value).replace("\n", " ")
    return text if len(text) <= 60 else f"{text[:59]}…"


_Action = Callable[[Namespace, Output, Workspace, list[RunFolder]], None]
_ACTIONS: Mapping[str, _Action] = MappingProxyType(
    {
        "list": _list,
        "queue": _queue,
        "show": _show,
        "diff": _diff,
        "judge": _judge,
        "repeat": _repeat,
        "tag": _tag,
        "tensorboard": _tensorboard,
    }
)
