"""Jobs of the engine process around targets: measuring risks, reaching, the frontier, narrower rivals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.core.design import Design, Swap, dump_design, parse_design
from app.core.errors import AppError
from app.core.latency import LatencyTable
from app.core.latency_cache import load_table
from app.core.pareto import frontier, position
from app.core.risk import Key, Risk, Risks, risk_row
from app.core.rivals import WIDTHS, Rival, smaller
from app.core.target import Problem, Speeds, candidates, parse_target, speeds_of
from app.core.text import QT_TRANSLATE_NOOP
from app.core.user_models import base_title, same_base

_MEASURING = QT_TRANSLATE_NOOP("core", "Measuring what each swap risks")


def run_measure(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Job "risk.measure": the energy that each swap leaves unexplained.

    Args:
        request: {"weights", "data", "kinds", "imgsz", "pictures", "base"}; all but the first two may be left out; with
            a base model, weights of another one are refused.
        channel: of the engine process; receives {"event": "risk", "path", "block", "options", "risk", …}.

    Returns:
        {"risks": as `Risks.from_json` reads them, "base", "classes": of the weights}.

    Raises:
        AppError: see `app.engine.risk.measure_risks`; or it was cancelled, and goes on from there the next time.
    """
    from app.engine.risk import measure_risks
    from app.engine.risk_site import RiskSettings

    about = _about(request)
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
    return {"risks": risks.to_json(), **about}


def run_map(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Job "risk.map": the mAP that each swap costs.

    Args:
        request: {"weights", "data", "kinds", "paths": modules to look at, "imgsz", "split", "pictures", "device",
            "base"}; all but the first two may be left out; kinds are separable blocks of rank 1 then.
        channel: of the engine process; receives {"event": "risk", …}.

    Returns:
        {"risks": as `Risks.from_json` reads them, "base", "classes": of the weights}.

    Raises:
        AppError: see `app.engine.risk_map.measure_map_losses`; or it was cancelled.
    """
    from app.engine.risk_map import SUBSET, measure_map_losses

    about = _about(request)
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
    return {"risks": risks.to_json(), **about}


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
        "rivals": [_timed(rival, problem).to_json() for rival in smaller(problem.design, problem.imgsz)],
    }


def run_rivals(request: dict[str, Any], channel: Any) -> dict[str, Any]:
    """Job "target.rivals": plain models that are narrower than the base model.

    Args:
        request: {"base", "classes", "imgsz", "widths", "table": file of a latency table}; all but the first may be
            left out; with a table, milliseconds are estimated from it.
        channel: of the engine process.

    Returns:
        {"rivals": as `app.core.rivals.Rival.from_json` reads them}.

    Raises:
        AppError: unknown base model.
    """
    from app.engine.rivals import narrower

    design, imgsz = Design.stock(str(request["base"]), request.get("classes")), _size(request.get("imgsz"))
    table = load_table(Path(request["table"])) if request.get("table") else None
    found = []
    widths = request.get("widths") or WIDTHS
    for number, width in enumerate(widths):
        _stop_if_cancelled(channel)
        rival = narrower(design, float(width), imgsz)
        if table is not None:
            rival = replace(rival, cost=replace(rival.cost, ms=_estimated(rival, design, table, imgsz)))
        found.append(rival.to_json())
        channel.progress((number + 1) / len(widths))
    return {"rivals": found}


def problem_of(request: Mapping[str, Any]) -> Problem:
    """Return the problem that a request describes.

    Args:
        request: "design": text of a design; "risks": as `Risks.to_json` writes them; "locked": patterns; "kinds":
            names, or {"block", "options"}; "imgsz";
            "speeds": {"standard", "rows": [{"path", "block", "options", "ms"}]}, or "table": file of a latency table;
            "classes": of the weights that the risks were measured on.

    Raises:
        AppError: the design cannot be read, a pattern matches nothing, or the weights have another number of classes.
    """
    risks = request.get("risks")
    design = _with_classes(parse_design(request["design"], "the design"), request.get("classes"))
    kinds, imgsz = kinds_of(request.get("kinds")), _size(request.get("imgsz"))
    return Problem.of(
        design,
        risks=None if risks is None else Risks.from_json(risks),
        locked=tuple(request.get("locked") or ()),
        kinds=kinds,
        imgsz=imgsz,
        speeds=_speeds(request, design, kinds, imgsz),
    )


def _with_classes(design: Design, classes: int | None) -> Design:
    if classes is None:
        return design
    if design.classes not in (None, classes):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "The design has {classes} classes, the weights have {count}."),
            QT_TRANSLATE_NOOP("core", "Leave the number of classes to the data, or choose other weights."),
            classes=design.classes,
            count=classes,
        )
    return design.with_classes(classes)


def _size(imgsz: Any) -> int | tuple[int, int]:
    """Return an input size as the core takes it."""
    if not imgsz:
        return 640
    return imgsz if isinstance(imgsz, int) else (int(imgsz[0]), int(imgsz[1]))


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


def _about(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return which base model, with how many classes, the weights of a request are of.

    Raises:
        AppError: it is not the wanted base model, or they are no trained standard model.
    """
    from app.engine.foreign_weights import read_weights
    from app.engine.risk import standard_design

    path = Path(request["weights"])
    design, wanted = standard_design(read_weights(path)), request.get("base")
    if wanted is not None and not same_base(design.base, wanted):
        raise AppError(
            QT_TRANSLATE_NOOP("core", "{name} is a {found}, not a {base}."),
            QT_TRANSLATE_NOOP("core", "Choose the weights of a standard {base}."),
            name=path.name,
            found=base_title(design.base),
            base=base_title(wanted),
        )
    return {"base": design.base, "classes": design.classes}


def _estimated(
    rival: Rival, design: Design, table: LatencyTable, imgsz: int | tuple[int, int]
) -> float | None:
    """Return the milliseconds of a narrower model; None where nothing is known of its base model's layers."""
    from app.engine.rivals import narrow_design

    classes = design.architecture.classes
    found = table.predict(narrow_design(rival.base, classes, rival.width), imgsz)
    return None if found is None else found.ms


def _timed(rival: Rival, problem: Problem) -> Rival:
    """Return a plain base model with its milliseconds, where they can be predicted."""
    whole = None if problem.speeds is None else problem.speeds.whole
    if whole is None:
        return rival
    ms = whole(Design.stock(rival.base, problem.design.classes))
    return replace(rival, cost=replace(rival.cost, ms=ms))


def _speeds(
    request: Mapping[str, Any],
    design: Design,
    kinds: tuple[str | Swap, ...] | None,
    imgsz: int | tuple[int, int],
) -> Speeds | None:
    if request.get("table"):
        return speeds_of(load_table(Path(request["table"])), design, kinds, imgsz)
    data = request.get("speeds")
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
