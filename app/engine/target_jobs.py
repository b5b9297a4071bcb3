"""Jobs of the engine process around targets: measuring risks, reaching, the frontier, narrower rivals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.core.design import Design, Swap, dump_design, parse_design
from app.core.errors import AppError
from app.core.pareto import frontier, position
from app.core.risk import Key, Risk, Risks, risk_row
from app.core.rivals import WIDTHS, smaller
from app.core.target import Problem, Speeds, candidates, parse_target
from app.core.text import QT_TRANSLATE_NOOP

_MEASURING = QT_TRANSLATE_NOOP("core", "Measuring what each swap risks")


def run_measure(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Job "risk.measure": the energy that each swap leaves unexplained.

    Args:
        request: {"weights", "data", "kinds", "imgsz", "pictures"}; all but the first two may be left out.
        channel: of the engine process; receives {"event": "risk", "path", "block", "options", "risk", …}.

    Returns:
        {"risks": as `Risks.from_json` reads them}.

    Raises:
        AppError: see `app.engine.risk.measure_risks`; or it was cancelled, and goes on from there the next time.
    """
    from app.engine.risk import measure_risks
    from app.engine.risk_site import RiskSettings

    settings = RiskSettings(pictures=int(request.get("pictures") or RiskSettings.pictures))
    tell, found = _listeners(channel)
    risks = measure_risks(
        request["weights"],
        request["data"],
        wanted_of(request["weights"], request.get("kinds")),
        imgsz=request.get("imgsz"),
        settings=settings,
        tell=tell,
        found=found,
    )
    return {"risks": risks.to_json()}


def run_map(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Job "risk.map": the mAP that each swap costs.

    Args:
        request: {"weights", "data", "kinds", "paths": modules to look at, "imgsz", "split", "pictures", "device"}; all
            but the first two may be left out; kinds are separable blocks of rank 1 then.
        channel: of the engine process; receives {"event": "risk", …}.

    Returns:
        {"risks": as `Risks.from_json` reads them}.

    Raises:
        AppError: see `app.engine.risk_map.measure_map_losses`; or it was cancelled.
    """
    from app.engine.risk_map import SUBSET, measure_map_losses

    tell, found = _listeners(channel)
    paths = request.get("paths")
    wanted = wanted_of(request["weights"], request.get("kinds") or ({"block": "separable"},))
    risks = measure_map_losses(
        request["weights"],
        request["data"],
        [key for key in wanted if paths is None or key[0] in paths],
        imgsz=request.get("imgsz"),
        split=request.get("split") or "val",
        pictures=int(request.get("pictures") or SUBSET),
        device=request.get("device") or "",
        tell=tell,
        found=found,
    )
    return {"risks": risks.to_json()}


def run_reach(request: dict[str, Any], _channel: Any = None) -> dict[str, Any]:
    """Job "target.reach".

    Args:
        request: {"design": text, "targets": ["gflops=-50%", …], "risks", "locked", "kinds", "imgsz", "speeds"}; all but
            the first two may be left out; see `problem_of`.

    Returns:
        The document of `app.core.target_result.Reached`, and "design": text.

    Raises:
        AppError: the targets cannot be reached.
    """
    reached = problem_of(request).solve([parse_target(text) for text in request["targets"]])
    return {**reached.to_json(), "design": dump_design(reached.design)}


def run_frontier(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Job "target.frontier".

    Args:
        request: as of "target.reach", with "resource" instead of "targets", and "points".
        channel: of the engine process; receives {"event": "point", "cost", "risk", "design"} one by one.

    Returns:
        {"current": {"cost", "risk"}, "rivals": plain models that cost less}.

    Raises:
        AppError: it was cancelled.
    """
    problem = problem_of(request)
    resource = str(request["resource"])
    current = position(problem)
    for point in frontier(problem, resource, int(request.get("points") or 24)):
        _stop_if_cancelled(channel)
        channel.emit({"event": "point", **point.to_json()})
    return {
        "current": current.to_json(),
        "rivals": [rival.to_json() for rival in smaller(problem.design, problem.imgsz)],
    }


def run_rivals(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Job "target.rivals": plain models that are narrower than the base model.

    Args:
        request: {"base", "classes", "imgsz", "widths"}; all but the first may be left out.
        channel: of the engine process.

    Returns:
        {"rivals": as `app.core.rivals.Rival.from_json` reads them}.

    Raises:
        AppError: unknown base model.
    """
    from app.engine.rivals import narrower

    design = Design.stock(str(request["base"]), request.get("classes"))
    found = []
    widths = request.get("widths") or WIDTHS
    for number, width in enumerate(widths):
        _stop_if_cancelled(channel)
        found.append(narrower(design, float(width), request.get("imgsz") or 640).to_json())
        channel.progress((number + 1) / len(widths))
    return {"rivals": found}


def problem_of(request: Mapping[str, Any]) -> Problem:
    """Return the problem that a request describes.

    Args:
        request: "design": text of a design; "risks": as `Risks.to_json` writes them; "locked": patterns; "kinds":
            names, or {"block", "options"}; "imgsz";
            "speeds": {"standard", "rows": [{"path", "block", "options", "ms"}]}.

    Raises:
        AppError: the design cannot be read, or a pattern matches nothing.
    """
    risks = request.get("risks")
    return Problem.of(
        parse_design(request["design"], "the design"),
        risks=None if risks is None else Risks.from_json(risks),
        locked=tuple(request.get("locked") or ()),
        kinds=kinds_of(request.get("kinds")),
        imgsz=request.get("imgsz") or 640,
        speeds=_speeds(request.get("speeds")),
    )


def wanted_of(weights: Path | str, kinds: Any = None) -> list[Key]:
    """Return every swap of some kinds that saves something on the base model of trained weights.

    Raises:
        AppError: the weights are no trained standard model.
    """
    from app.engine.foreign_weights import read_weights
    from app.engine.risk import standard_design

    design = standard_design(read_weights(Path(weights)))
    return [(c.path, c.swap) for c in candidates(design.architecture, kinds=kinds_of(kinds))]


def kinds_of(kinds: Any) -> tuple[str | Swap, ...] | None:
    """Return allowed kinds as `app.core.target` takes them, from names and {"block", "options"}."""
    if kinds is None:
        return None
    return tuple(
        kind if isinstance(kind, str) else Swap(kind["block"], kind.get("options") or {}) for kind in kinds
    )


def _speeds(data: Any) -> Speeds | None:
    if data is None:
        return None
    rows = {
        (row["path"], Swap(row["block"], row.get("options") or {})): float(row["ms"]) for row in data["rows"]
    }
    return Speeds(float(data["standard"]), rows, str(data.get("source", "")))


def _listeners(channel: Any) -> tuple[Callable[[float], None], Callable[[str, Swap, Risk], None]]:
    def tell(share: float) -> None:
        _stop_if_cancelled(channel)
        channel.progress(share, _MEASURING)

    def found(path: str, swap: Swap, risk: Risk) -> None:
        channel.emit({"event": "risk", **risk_row(path, swap, risk)})

    return tell, found


def _stop_if_cancelled(channel: Any) -> None:
    if channel.cancelled:
        raise AppError(
            QT_TRANSLATE_NOOP("core", "This was cancelled."),
            QT_TRANSLATE_NOOP("core", "What was found so far is kept; the next time it goes on from there."),
        )
