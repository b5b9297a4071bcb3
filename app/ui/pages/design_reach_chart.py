"""What the dialog's plot shows: the frontier, the open design, the answer, and plain models beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QCoreApplication

from app.core.rivals import Rival
from app.core.target_amount import RESOURCES
from app.core.text import THIN_SPACE, figure, percent_change, scaled, size
from app.ui.pages.design_reach_targets import SCALES
from app.ui.widgets.pareto_marks import FRONTIER, NARROWER, OPEN, PICKED, SMALLER, Chart, Mark

AXES = ("gflops", "params", "ms")
"""Resources that can stand on the cost axis."""


@dataclass
class Findings:
    """What the engine has told so far.

    Attributes:
        standard: costs of the standard model.
        points: of the frontier: "cost", "risk", "design".
        current: the open design: "cost", "risk"; None while that is not known.
        picked: the answer likewise; None where there is none.
        smaller, narrower: plain models.
        limits: resource → the most that was asked for, in its base unit.
    """

    standard: Mapping[str, float | None] = field(default_factory=dict)
    points: list[Mapping[str, Any]] = field(default_factory=list)
    current: Mapping[str, Any] | None = None
    picked: Mapping[str, Any] | None = None
    smaller: Sequence[Rival] = ()
    narrower: Sequence[Rival] = ()
    limits: Mapping[str, float] = field(default_factory=dict)


def chart_of(findings: Findings, resource: str) -> Chart:
    """Return the chart over a resource."""
    name = RESOURCES[resource].field
    top = findings.standard.get(name)
    if top is None:
        return Chart(_axis_title(resource))
    scale = SCALES[resource]
    told = [(FRONTIER, number, point) for number, point in enumerate(findings.points)]
    if findings.current is not None:
        told.append((OPEN, 0, findings.current))
    if findings.picked is not None:
        told.append((PICKED, 0, findings.picked))
    marks = [_design(kind, number, point, name, scale, findings) for kind, number, point in told]
    marks += [_rival(SMALLER, one, name, scale, findings) for one in findings.smaller]
    marks += [_rival(NARROWER, one, name, scale, findings) for one in findings.narrower]
    limit = findings.limits.get(resource)
    return Chart(
        _axis_title(resource),
        tuple(mark for mark in marks if mark is not None),
        None if limit is None else limit / scale,
        top / scale,
    )


def _axis_title(resource: str) -> str:
    return {
        "gflops": QCoreApplication.translate("ReachChart", "GFLOPs"),
        "params": QCoreApplication.translate("ReachChart", "Parameters (M)"),
        "ms": QCoreApplication.translate("ReachChart", "Milliseconds"),
    }[resource]


def cost_words(cost: Mapping[str, Any], standard: Mapping[str, float | None]) -> tuple[str, ...]:
    """Return costs as people say them, one line each: "4.1 GFLOPs (−50 %)"."""
    flops, ms = standard.get("flops"), cost.get("ms")
    lines = [f"{figure(cost['flops'] / 1e9)} GFLOPs ({percent_change(flops or 0.0, cost['flops'])})"]
    words = QCoreApplication.translate("ReachChart", "{parameters} parameters, {size}")
    lines.append(words.format(parameters=scaled(cost["parameters"]), size=size(cost["file_bytes"])))
    if ms is not None:
        lines.append(f"{figure(ms)}{THIN_SPACE}ms ({percent_change(standard.get('ms') or 0.0, ms)})")
    return tuple(lines)


def _design(
    kind: str, number: int, told: Mapping[str, Any], name: str, scale: float, findings: Findings
) -> Mark | None:
    cost = told["cost"]
    if cost.get(name) is None:
        return None
    titles = {
        FRONTIER: QCoreApplication.translate("ReachChart", "A design of least risk"),
        OPEN: QCoreApplication.translate("ReachChart", "The open design"),
        PICKED: QCoreApplication.translate("ReachChart", "The answer to the target"),
    }
    lines = [titles[kind], *cost_words(cost, findings.standard)]
    lines.append(QCoreApplication.translate("ReachChart", "risk {risk}").format(risk=figure(told["risk"], 2)))
    if kind != OPEN:
        lines.append(QCoreApplication.translate("ReachChart", "A click takes this design."))
    return Mark(kind, cost[name] / scale, float(told["risk"]), "", tuple(lines), kind != OPEN, number)


def _rival(kind: str, rival: Rival, name: str, scale: float, findings: Findings) -> Mark | None:
    value = getattr(rival.cost, name)
    if value is None:
        return None
    lines = [rival.name, *cost_words(rival.cost.to_json(), findings.standard)]
    lines.append(
        QCoreApplication.translate(
            "ReachChart", "A plain model, trained on its own: it has no risk to compare."
        )
    )
    if kind == NARROWER and rival.cost.ms is not None:
        lines.append(
            QCoreApplication.translate(
                "ReachChart", "Its milliseconds are estimated: its layers have shapes that were not measured."
            )
        )
    if kind == SMALLER:
        lines.append(QCoreApplication.translate("ReachChart", "A click offers it as the base model."))
        return Mark(kind, value / scale, None, rival.name, tuple(lines))
    return Mark(kind, value / scale, None, f"×{rival.width:g}", tuple(lines), able=False)
