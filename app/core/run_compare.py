"""What two or more runs were told, side by side, and what their models cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.errors import AppError
from app.core.run_state import RunState
from app.core.runs import RunFolder

METRICS = ("map50_95", "map50", "precision", "recall")
_TOLD_ELSEWHERE = ("design_text", "name", "workspace", "overrides", "role")
_FROM_START = ("device", "threads", "amp", "batch_size", "parameters", "flops", "swaps", "base")
_LONGEST = 200


def settings_of(run: RunFolder, state: RunState | None = None) -> dict[str, Any]:
    """Return everything that a run was told and chose, flat: what run.yaml says, overrides, what its start says.

    A run folder may come from anybody: what is no plain value is shown as short text.
    """
    try:
        config = run.config().to_dict()
    except AppError:
        config = {}
    about = (state or run.state()).about
    told = {key: value for key, value in config.items() if key not in _TOLD_ELSEWHERE}
    chosen = about.get("settings")
    optimizer = about.get("optimizer")
    flat = {
        **told,
        **(dict(chosen) if isinstance(chosen, Mapping) else {}),
        **dict(config.get("overrides") or {}),
        **{key: about[key] for key in _FROM_START if key in about},
    }
    if isinstance(optimizer, Mapping):
        flat["optimizer"] = optimizer.get("name", flat.get("optimizer"))
        flat["lr0"] = optimizer.get("lr0", flat.get("lr0"))
    return {str(key): _plain(value) for key, value in flat.items() if value not in (None, "")}


def settings_table(runs: Sequence[RunFolder]) -> list[dict[str, Any]]:
    """Return one row per setting: {"name", "values", "same"}, what differs first; None where a run says nothing."""
    told = [settings_of(run) for run in runs]
    names = list(dict.fromkeys(name for one in told for name in one))
    rows = []
    for name in names:
        values = [one.get(name) for one in told]
        rows.append({"name": name, "values": values, "same": all(value == values[0] for value in values)})
    return sorted(rows, key=lambda row: bool(row["same"]))


def metrics_of(state: RunState) -> Mapping[str, Any]:
    """Return the figures a run is known by: its best weights', or the last epoch's."""
    return state.best or state.metrics


def number(data: Mapping[str, Any], name: str) -> float | None:
    """Return a figure of untrusted data; None where there is no number."""
    value = data.get(name)
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if good else None  # type: ignore[arg-type]


def costs_of(run: RunFolder, state: RunState | None = None) -> dict[str, Any]:
    """Return {"role", "base", "parameters", "gflops", "bytes"}; None where it is not known."""
    about = (state or run.state()).about
    flops, parameters = number(about, "flops"), number(about, "parameters")
    try:
        size = run.best.stat().st_size
    except OSError:
        size = 0
    return {
        "role": _plain(about.get("role", "")),
        "base": _plain(about.get("base", "")),
        "parameters": int(parameters) if parameters is not None else None,
        "gflops": flops / 1e9 if flops is not None else None,
        "bytes": size or None,
    }


def diff(a: RunFolder, b: RunFolder) -> dict[str, Any]:
    """Return what differs between two runs: {"a", "b", "settings", "design", "metrics"}, values of A before B's."""
    states = a.state(), b.state()
    rows = [row for row in settings_table([a, b]) if not row["same"]]
    measured = [metrics_of(state) for state in states]
    metrics = {name: [number(one, name) for one in measured] for name in METRICS}
    return {
        "a": a.name,
        "b": b.name,
        "settings": {row["name"]: row["values"] for row in rows},
        "design": design_changes(a, b),
        "metrics": {name: values for name, values in metrics.items() if values != [None, None]},
    }


def design_changes(a: RunFolder, b: RunFolder) -> list[str] | None:
    """Return the modules that differ, one line each; None where a design cannot be read."""
    from app.core.design_diff import design_diff, swap_text

    try:
        one, other = a.design(), b.design()
        classes = one.classes or other.classes or 80
        changes = design_diff(one.with_classes(classes), other.with_classes(classes))
    except AppError:
        return None
    return [
        f"{row.path}: {swap_text(row.before) or 'standard'} → {swap_text(row.after) or 'standard'}"
        for row in changes
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
