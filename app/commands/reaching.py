"""design --target: the swaps of least risk that bring a design down to given costs."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.commands.modelling import parse_block
from app.commands.output import Output, table
from app.core.design import Design, Swap, save_design
from app.core.errors import AppError
from app.core.risk import PRIOR, Risks
from app.core.target import RESOURCES, Problem, Reached, Row, Speeds, parse_target, speeds_of
from app.core.text import figure, percent_change


def reach_target(design: Design, options: Namespace, output: Output) -> None:
    """Find the design of least risk that reaches the targets, print why, and write it where it was asked for."""
    output.reserve()  # the solver prints to standard output now and then
    targets = [parse_target(text) for text in options.target]
    kinds = _kinds(options.kinds)
    risks, classes = _measured(options, kinds, output)
    if classes is not None and design.classes not in (None, classes):
        raise AppError(
            "The design has {classes} classes, the weights have {count}.",
            "Leave --classes out.",
            classes=design.classes,
            count=classes,
        )
    counted = design if classes is None else design.with_classes(classes)
    wanted = any(target.resource == "ms" for target in targets)
    problem = Problem.of(
        counted,
        risks=risks,
        locked=options.lock,
        kinds=kinds,
        imgsz=options.imgsz,
        speeds=_speeds(counted, options, kinds) if wanted else None,
    )
    reached = problem.solve(targets)
    made = reached.design.with_classes(design.classes)
    data: dict[str, Any] = {"design": None, **reached.to_json()}
    text = _text(reached)
    if options.output:
        path = Path(options.output)
        save_design(made, path)
        data["design"] = str(path)
        text += f"\n\n{path}: {len(reached.rows)} modules swapped"
    output.document(data, text)


def _kinds(text: str | None) -> tuple[str | Swap, ...] | None:
    """Return the allowed kinds: by name with all options, or as a swap where options are given."""
    if text is None:
        return None
    found: list[str | Swap] = []
    for kind in text.split(","):
        swap = parse_block(kind.strip(), f"--kinds “{text}”")
        found.append(swap if ":" in kind else swap.block)
    return tuple(found)


def _measured(
    options: Namespace, kinds: Sequence[str | Swap] | None, output: Output
) -> tuple[Risks | None, int | None]:
    """Return the risks measured on weights and pictures, and the number of classes; (None, None) without weights."""
    if options.weights is None:
        if options.data is not None:
            raise AppError(
                "Risks are measured on trained weights; --data alone says nothing.", "Add --weights."
            )
        return None, None
    if options.data is None:
        raise AppError("--weights needs pictures to look at.", "Add --data.")
    from app.commands.training import _prepare

    _prepare(output)
    from app.engine.foreign_weights import read_weights
    from app.engine.risk import measure_risks
    from app.engine.risk_map import measure_map_losses
    from app.engine.target_jobs import wanted_of

    tell = _progress(output, "measuring risks")
    weights = Path(options.weights)
    if options.risk == "energy":
        wanted = wanted_of(weights, kinds)
        risks = measure_risks(weights, options.data, wanted, tell=tell)
    else:
        wanted = wanted_of(weights, kinds or (Swap("separable"),))
        risks = measure_map_losses(weights, options.data, wanted, tell=tell)
    return risks, read_weights(weights).classes


def _progress(output: Output, what: str) -> Any:
    told = -1

    def tell(share: float) -> None:
        nonlocal told
        tenth = int(share * 10)
        if tenth > told:
            told = tenth
            output.note(f"{what}: {tenth * 10} %")

    return tell


def _speeds(design: Design, options: Namespace, kinds: Sequence[str | Swap] | None) -> Speeds:
    """Return the milliseconds of swaps, from the file named on the command line or from what was measured here.

    Raises:
        AppError: nothing is known of this base model.
    """
    from app.core.latency_cache import cached, load_table

    if options.table:
        known = load_table(Path(options.table))
    else:
        from app.engine.environment_setup import prepare

        prepare()
        from app.engine.latency import resolve_setting

        known = cached(resolve_setting(options.runtime, "auto", options.precision))
    where = f"{known.setting.machine}, {known.setting.runtime} {known.setting.precision}"
    speeds = speeds_of(known, design, kinds, options.imgsz, where)
    if speeds is None:
        raise AppError(
            "The speed of {base} on {where} is not known.",
            "Measure it first: latency {base} --save-table FILE, and add --table FILE.",
            base=design.base,
            where=where,
        )
    return speeds


def _text(reached: Reached) -> str:
    resources = [name for name in RESOURCES if RESOURCES[name].amount(reached.achieved) is not None]
    header = ("module", "becomes", *(f"saves {name}" for name in resources), "risk")
    rows = [_cells(row, resources) for row in reached.rows]
    goals = []
    for name in resources:
        resource = RESOURCES[name]
        before = resource.amount(reached.standard) or 0.0
        after = resource.amount(reached.achieved) or 0.0
        asked = [str(goal.target) for goal in reached.goals if goal.target.resource == name]
        goals.append(
            (
                name,
                figure(before / resource.unit),
                figure(after / resource.unit),
                percent_change(before, after),
                ", ".join(asked),
            )
        )
    lines = [
        table(header, rows, left=2),
        table(("", "standard", "lightweight", "change", "target"), goals),
        _about(reached),
    ]
    return "\n\n".join(lines)


def _cells(row: Row, resources: Sequence[str]) -> tuple[str, ...]:
    options = "".join(f":{name}={value}" for name, value in row.swap.options.items())
    saved = []
    for name in resources:
        amount = RESOURCES[name].amount(row.saves)
        saved.append("–" if amount is None else figure(amount / RESOURCES[name].unit))
    risk = "–" if row.risk is None else figure(row.risk.value, 2) + ("?" if row.risk.estimated else "")
    return row.path, f"{row.swap.block}{options}{' (locked)' if row.locked else ''}", *saved, risk


_ABOUT: Mapping[bool, str] = {
    True: "Risks are guesses from shapes (?); with --weights and --data they are measured.",
    False: "Risks were measured with {source} on {pictures} pictures; ? marks guesses.",
}


def _about(reached: Reached) -> str:
    risks = reached.risks
    told = _ABOUT[risks.kind == PRIOR].format(source=risks.source, pictures=risks.pictures)
    proof = "nothing risks less" if reached.proven else "not proven to be the least: the time was up"
    return f"Total risk {figure(reached.risk)}, {proof}. {told}"
