"""bench: every model on every runtime in every precision, accuracy beside speed."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.commands.output import Output, table, write_result
from app.commands.training import _prepare, awake, workspace_of
from app.core.bench import Bench
from app.core.bench_report import FORMS, HEAD, NAMES, cells, notes
from app.core.errors import AppError
from app.core.runs import Workspace
from app.core.text import duration


def bench(options: Namespace, output: Output) -> None:
    """Measure models, and write the table where it is asked for."""
    target = Path(options.output) if options.output else None
    form = "" if target is None else target.suffix.lstrip(".")
    if target is not None and form not in FORMS:
        raise AppError("“{form}” is no form of table.", "Take one of {all}.", form=form, all=", ".join(FORMS))
    workspace = workspace_of(options)
    weights = tuple(path for name in options.weights for path in _weights(name, workspace))
    _prepare(output)
    from app.engine.bench import BenchRequest
    from app.engine.bench import bench as measure

    data = options.data if options.data == "sample" else str(Path(options.data).resolve())
    request = BenchRequest(
        weights=weights,
        data=data,
        folder=workspace.reports / "bench",
        split=options.split,
        runtimes=_listed(options.runtimes),
        precisions=_listed(options.precisions),
        imgsz=options.imgsz,
        frames=options.frames,
        threads=options.threads,
        rivals=not options.no_rivals,
        patience_s=options.patience,
    )
    with awake():
        found = measure(request, _teller(output))
    if target is not None:
        write_result(target, FORMS[form](found))
    output.document(found.to_json(), bench_text(found) + (f"\n\n{target}" if target else ""))


def bench_text(found: Bench) -> str:
    """Return the table, and below it how it was measured and what could not be."""
    rows = [cells(row) for row in found.rows]
    return "\n".join([table(HEAD, rows, NAMES), "", *notes(found)])


def _weights(name: str, workspace: Workspace) -> list[Path]:
    """Return the file that was named: a path, a run of the workspace, or both detectors of the sample."""
    if name == "sample":
        from app.core.folders import resources

        return [resources() / "sample" / f"{one}.pt" for one in ("standard", "lightweight")]
    path = Path(name)
    if path.exists() or path.suffix:
        return [path.resolve()]
    return [workspace.run(name).best]


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _teller(output: Output) -> Any:
    told = ""

    def tell(event: Mapping[str, Any]) -> None:
        nonlocal told
        if event["event"] == "waiting":
            output.note(f"Waiting for a {event['kind']} to end.")
            return
        if event["event"] != "bench":
            return
        left = event.get("left_s")
        words = f"{event['text']}: {event['name']}" if event["name"] else str(event["text"])
        if words != told:
            told = words
            output.note(words + (f", {duration(left)} left" if left is not None else ""))

    return tell
