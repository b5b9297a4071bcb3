"""The engine's jobs around targets, over the same channel as in its own process."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from app.core.cost import compare_cost
from app.core.design import Design, Swap, dump_design, parse_design, preset
from app.core.errors import AppError
from app.core.folders import resources
from app.core.risk import MAP, MEASURED, Risks
from app.engine.jobs import Channel
from app.engine.sample import write_dataset
from app.engine.target_jobs import run_frontier, run_map, run_measure, run_reach, run_rivals

KINDS = [{"block": "separable", "options": {"rank": 1}}, {"block": "separable", "options": {"rank": 3}}]


def run(job: Any, request: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    output = io.StringIO()
    result = job(json.loads(json.dumps(request)), Channel(output))
    return json.loads(json.dumps(result)), [json.loads(line) for line in output.getvalue().splitlines()]


def test_the_jobs_are_known() -> None:
    from app.engine import jobs

    made = {"risk.measure": run_measure, "risk.map": run_map, "target.reach": run_reach}
    made |= {"target.frontier": run_frontier, "target.rivals": run_rivals}
    assert all(jobs._job(name) is job for name, job in made.items())


def test_reaching_with_measured_risks() -> None:
    weights = str(resources() / "sample" / "standard.pt")
    measured, events = run(
        run_measure, {"weights": weights, "data": "sample", "kinds": KINDS, "pictures": 8, "imgsz": 160}
    )
    risks = Risks.from_json(measured["risks"])
    assert risks.kind == MEASURED
    found = [event for event in events if event["event"] == "risk"]
    assert len(found) == len(risks.entries) > 40
    assert [e["fraction"] for e in events if e["event"] == "progress"][-1] == 1.0

    design = Design.stock("yolov5n", 2)
    request = {
        "design": dump_design(design),
        "risks": measured["risks"],
        "kinds": KINDS,
        "locked": ["model.0"],
    }
    reached, _ = run(run_reach, {**request, "targets": ["gflops=-50%"]})
    made = parse_design(reached["design"])
    cost = compare_cost(made)
    assert cost.lightweight.flops <= cost.standard.flops / 2
    assert reached["risk_kind"] == MEASURED
    assert not any(row.get("estimated") for row in reached["rows"])
    assert reached["totals"]["lightweight"]["flops"] == cost.lightweight.flops
    with pytest.raises(AppError, match="least"):
        run(run_reach, {**request, "targets": ["gflops=-90%"]})


def test_the_frontier_comes_point_by_point() -> None:
    design = preset("separable", "yolov5s", 3)
    request = {"design": dump_design(design), "kinds": ["separable"], "resource": "params", "points": 6}
    result, events = run(run_frontier, request)
    points = [event for event in events if event["event"] == "point"]
    assert [p["risk"] for p in points] == sorted(p["risk"] for p in points)
    assert result["current"]["cost"]["parameters"] == compare_cost(design).lightweight.parameters
    assert result["rivals"][0]["name"] == "yolov5n"
    cancelled = Channel(io.StringIO())
    cancelled._cancelled.set()
    with pytest.raises(AppError, match="cancelled"):
        run_frontier(request, cancelled)


def test_rivals_come_with_their_costs() -> None:
    result, events = run(run_rivals, {"base": "yolov5n", "classes": 3, "widths": [0.7], "imgsz": 320})
    assert result["rivals"][0]["name"] == "yolov5n × 0.7"
    assert events[-1]["fraction"] == 1.0


def test_narrower_models_are_timed_by_a_table_that_never_saw_them(tmp_path: Path) -> None:
    from app.core.latency_cache import save_table
    from app.engine.rivals import narrow_design
    from tests.core.latency_machine import table, whole_ms

    plain = Design.stock("yolov5n", 3)
    save_table(table([plain, preset("separable", "yolov5n", 3)]), tmp_path / "device.json")
    request = {"base": "yolov5n", "classes": 3, "widths": [0.5, 0.8], "table": str(tmp_path / "device.json")}
    result, _ = run(run_rivals, request)
    for rival in result["rivals"]:
        made = narrow_design("yolov5n", 3, rival["width"])
        assert rival["cost"]["parameters"] == compare_cost(made).standard.parameters
        assert rival["cost"]["ms"] == pytest.approx(whole_ms(made, (640, 640)), rel=0.1)


def test_milliseconds_of_a_table_reach_the_problem() -> None:
    design = Design.stock("yolov5n", 3)
    rows = [{"path": path, "block": "separable", "ms": -0.5} for path in ("model.3", "model.5", "model.7")]
    request = {
        "design": dump_design(design),
        "targets": ["ms=-10%"],
        "kinds": ["separable"],
        "speeds": {"standard": 10.0, "rows": rows},
    }
    reached, _ = run(run_reach, request)
    assert len(reached["rows"]) == 2
    assert reached["totals"]["lightweight"]["ms"] == pytest.approx(9.0)


def test_what_single_swaps_cost_in_map(tmp_path: Path) -> None:
    data = write_dataset(tmp_path / "data", train=10, val=8, test=0)
    weights = str(resources() / "sample" / "standard.pt")
    request = {
        "weights": weights,
        "data": str(data),
        "paths": ["model.3"],
        "kinds": [{"block": "separable", "options": {"rank": 4}}, {"block": "dwconv"}],
        "pictures": 8,
    }
    result, events = run(run_map, request)
    risks = Risks.from_json(result["risks"])
    assert risks.kind == MAP
    fine = risks.entries["model.3", Swap("separable", {"rank": 4})]
    coarse = risks.entries["model.3", Swap("dwconv")]
    assert fine.map_loss is not None
    assert coarse.map_loss is not None
    assert fine.map_loss < 0.15
    assert coarse.map_loss > fine.map_loss
    assert coarse.value == max(coarse.map_loss, 0)
    again, events = run(run_map, request)
    assert again == result
    assert not any(event["event"] == "progress" for event in events)


def test_a_latency_table_and_the_classes_of_the_weights_count(tmp_path: Path) -> None:
    from app.core.latency_cache import save_table
    from tests.core.latency_machine import table

    plain = Design.stock("yolov5s", 3)
    known = [plain, preset("separable", "yolov5s", 3), preset("backbone", "yolov5s", 3)]
    file = tmp_path / "device.json"
    save_table(table(known), file)
    request = {
        "design": dump_design(Design.stock("yolov5s")),
        "classes": 3,
        "kinds": ["separable"],
        "table": str(file),
        "imgsz": [640, 640],
    }
    reached, _ = run(run_reach, {**request, "targets": ["ms=-8%"]})
    totals = reached["totals"]
    assert totals["lightweight"]["ms"] <= 0.92 * totals["standard"]["ms"]
    assert parse_design(reached["design"]).classes == 3
    drawn, events = run(run_frontier, {**request, "resource": "ms", "points": 3})
    assert all(event["cost"]["ms"] for event in events if event["event"] == "point")
    assert drawn["rivals"][0]["cost"]["ms"] < totals["standard"]["ms"]
    with pytest.raises(AppError, match="has 2 classes, the weights have 3"):
        run(
            run_reach,
            {**request, "design": dump_design(Design.stock("yolov5s", 2)), "targets": ["gflops=-10%"]},
        )


def test_weights_of_another_base_model_are_refused() -> None:
    weights = str(resources() / "sample" / "standard.pt")
    with pytest.raises(AppError, match="is a yolov5n, not a yolov5s"):
        run(run_measure, {"weights": weights, "data": "sample", "base": "yolov5s"})
