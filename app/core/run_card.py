"""The model card of a run: what was trained, on what, how, where, and what came of it; as data and as Markdown.

A run folder may come from anybody: every file is read as plain data, and what does not fit is left out.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from app.core.errors import AppError
from app.core.markdown import markdown_escaped
from app.core.run_compare import METRICS, metrics_of, number, settings_of
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.core.text import duration, figure, grouped, size

CARD = "card.md"
PROVENANCE = "provenance.json"
"""What the training noted of its machine, versions and data."""

_MOST_BYTES = 1 << 20
_MOST_ROWS = 100
_LONGEST = 300
_WORDS = {"map50_95": "mAP50-95", "map50": "mAP50", "precision": "precision", "recall": "recall"}


def card(run: RunFolder, state: RunState | None = None) -> dict[str, Any]:
    """Return the card: "name", "status", "design", "transfer", "data", "settings", "versions", "machine", "results",
    "files", "repeat"; what is not known is empty.
    """
    state = state or run.state()
    provenance = read_provenance(run)
    best = metrics_of(state)
    return {
        "name": run.name,
        "path": str(run.path),
        "status": state.status,
        "reason": state.reason,
        "started": _text(state.about.get("time", "")),
        "design": _design(run, state),
        "transfer": (run.transfer() or {}).get("totals"),
        "data": {**_data(run, state), **_texts(provenance.get("data"), ("fingerprints",))},
        "settings": settings_of(run, state),
        "versions": _texts(provenance.get("versions")),
        "machine": {"device": _text(state.device), **_texts(provenance.get("machine"))},
        "results": {
            "epoch": state.epoch,
            "epochs": state.epochs,
            "seconds": state.seconds,
            "best_epoch": number(best, "epoch"),
            **{name: number(best, name) for name in METRICS},
            "per_class": _per_class(best, state.metrics),
        },
        "files": _files(run),
        "repeat": repeat_command(run),
    }


def read_provenance(run: RunFolder) -> dict[str, Any]:
    """Return what the training noted when it began; empty where it noted nothing readable."""
    path = run.path / PROVENANCE
    try:
        if path.stat().st_size > _MOST_BYTES:
            return {}
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def repeat_command(run: RunFolder) -> str:
    """Return the command that trains the same again: same design, data, settings and seed."""
    words = ["python", "main.py", "runs", "repeat", run.name, "--workspace", str(run.path.parent.parent)]
    return shlex.join(words)


def _design(run: RunFolder, state: RunState) -> dict[str, Any]:
    from app.core.design import dump_design

    about = state.about
    found: dict[str, Any] = {
        "base": _text(about.get("base", "")),
        "role": _text(about.get("role", "")),
        "swaps": number(about, "swaps"),
        "parameters": number(about, "parameters"),
        "flops": number(about, "flops"),
    }
    try:
        found["text"] = dump_design(run.design())
    except AppError as problem:
        found["problem"] = str(problem)
    return found


def _data(run: RunFolder, state: RunState) -> dict[str, Any]:
    try:
        path = run.config().data
    except AppError:
        path = ""
    images, classes = state.about.get("images"), state.about.get("classes")
    return {
        "path": _text(path),
        "images": {_text(k): v for k, v in images.items() if isinstance(v, int)}
        if isinstance(images, Mapping)
        else {},
        "classes": [_text(name) for name in classes[:_MOST_ROWS]] if isinstance(classes, list) else [],
    }


def _per_class(*sources: Mapping[str, Any]) -> dict[str, dict[str, float | None]]:
    for source in sources:
        rows = source.get("per_class")
        if isinstance(rows, Mapping) and rows:
            return {
                _text(name): {key: number(row, key) for key in ("ap50", "ap50_95")}
                for name, row in list(rows.items())[:_MOST_ROWS]
                if isinstance(row, Mapping)
            }
    return {}


def _files(run: RunFolder) -> dict[str, int]:
    paths = (run.best, run.last, run.metrics_path, run.transfer_path, run.events_path)
    found = {}
    for path in paths:
        try:
            found[path.relative_to(run.path).as_posix()] = path.stat().st_size
        except OSError:
            continue
    return found


def _texts(data: Any, nested: Iterable[str] = ()) -> dict[str, Any]:
    """Return the texts and numbers of untrusted data, short; mappings only under the names that may be some."""
    if not isinstance(data, Mapping):
        return {}
    found: dict[str, Any] = {}
    for key, value in list(data.items())[:_MOST_ROWS]:
        if isinstance(value, str | int | float):
            found[_text(key)] = _text(value) if isinstance(value, str) else value
        elif key in nested:
            found[_text(key)] = _texts(value)
    return found


def _text(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


# --- as Markdown ------------------------------------------------------------------------------------------------


def card_markdown(data: Mapping[str, Any]) -> str:
    """Return a card as a Markdown document."""
    design, results = data["design"], data["results"]
    ended = f", {data['status']}" + (f": {escaped(data['reason'])}" if data["reason"] else "")
    parts = [
        f"# {escaped(data['name'])}",
        f"{escaped(design['role'] or 'model')} on {escaped(design['base'] or 'an unknown base model')}{ended}",
        "## Results",
        _results(results),
        "## Design",
        _pairs(_costs(design)),
        f"```yaml\n{str(design.get('text') or design.get('problem') or '').rstrip().replace('```', '')}\n```",
        "## First weights",
        _transfer(data["transfer"]),
        "## Data",
        _pairs(_data_pairs(data["data"])),
        "## Settings",
        _pairs(list(data["settings"].items())),
        "## Machine and versions",
        _pairs([*data["machine"].items(), *data["versions"].items()]),
        "## Files",
        _pairs([(name, size(count)) for name, count in data["files"].items()]),
        "## Once more",
        f"```\n{data['repeat']}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escaped(value: Any) -> str:
    """Return text that Markdown shows as it is, in a table too."""
    return markdown_escaped(_text(value))


def _pairs(rows: Iterable[tuple[Any, Any]]) -> str:
    shown = [
        f"| {escaped(key)} | {escaped(value)} |" for key, value in rows if value not in (None, "", {}, [])
    ]
    return "\n".join(["| | |", "|---|---|", *shown]) if shown else "not noted"


def _results(results: Mapping[str, Any]) -> str:
    rows = [(_WORDS[name], f"{results[name]:.3f}") for name in METRICS if results[name] is not None]
    rows.append(("epochs", f"{results['epoch']} of {results['epochs']}"))
    if results["best_epoch"] is not None:
        rows.append(("best epoch", f"{results['best_epoch']:g}"))
    rows.append(("time", duration(results["seconds"])))
    text = _pairs(rows)
    classes = [
        f"| {escaped(name)} | {_score(row['ap50'])} | {_score(row['ap50_95'])} |"
        for name, row in results["per_class"].items()
    ]
    if classes:
        text += "\n\n" + "\n".join(["| class | AP50 | AP50-95 |", "|---|--:|--:|", *classes])
    return text


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _costs(design: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = [("base model", design["base"])]
    for name, words in (("swaps", "swapped modules"), ("parameters", "parameters")):
        if design[name] is not None:
            rows.append((words, grouped(int(design[name]))))
    if design["flops"] is not None:
        rows.append(("GFLOPs", figure(design["flops"] / 1e9)))
    return rows


def _transfer(totals: Any) -> str:
    if not isinstance(totals, Mapping):
        return "Fresh: nothing was carried over."
    rows = [
        (name, f"{grouped(int(row['parameters']))} parameters in {int(row['modules'])} modules")
        for name, row in totals.items()
        if isinstance(row, Mapping)
        and number(row, "parameters") is not None
        and number(row, "modules") is not None
    ]
    return _pairs(rows)


def _data_pairs(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pictures = ", ".join(f"{count} {split}" for split, count in data["images"].items())
    prints = data.get("fingerprints") or {}
    return [
        ("data", data["path"]),
        ("pictures", pictures),
        ("classes", ", ".join(data["classes"])),
        ("fingerprint", data.get("fingerprint")),
        *((f"fingerprint of {split}", value) for split, value in prints.items()),
    ]
