"""The frontier, where a design stands against it, and plain smaller models."""

from __future__ import annotations

import pytest

from app.core.base_models import base_families
from app.core.cost import compare_cost
from app.core.design import Design, Swap, preset
from app.core.pareto import frontier, position
from app.core.rivals import Rival, siblings, smaller
from app.core.target import Problem
from app.core.target_amount import Amount


def test_the_frontier_goes_from_the_standard_model_to_the_least_it_can_cost() -> None:
    problem = Problem.of("yolov5n", kinds=["separable"])
    points = list(frontier(problem, "gflops", 12))
    flops = [point.cost.flops for point in points]
    assert points[0].design.is_standard
    assert points[0].risk == 0
    assert flops == sorted(flops, reverse=True)
    assert [point.risk for point in points] == sorted(point.risk for point in points)
    smallest = Design.stock("yolov5n").with_swap({c.path for c in problem.free}, Swap("separable"))
    assert points[-1].cost == Amount.of(compare_cost(smallest).lightweight)
    assert all(point.cost == Amount.of(compare_cost(point.design).lightweight) for point in points)


def test_no_design_stands_below_the_frontier() -> None:
    design = preset("separable", "yolov5n")
    problem = Problem.of(design, kinds=["separable"])
    here = position(problem)
    assert here.cost == Amount.of(compare_cost(design).lightweight)
    below = [
        point for point in frontier(problem, "params", 16) if point.cost.parameters >= here.cost.parameters
    ]
    assert below
    assert all(point.risk <= here.risk + 1e-9 for point in below)


def test_smaller_base_models_of_the_family_are_rivals() -> None:
    assert siblings("yolov5s") == tuple(name for name in base_families()["yolov5"] if name != "yolov5s")
    rivals = smaller(Design.stock("yolov5m", 3))
    assert [rival.name for rival in rivals] == ["yolov5n", "yolov5s"]
    assert rivals[0].cost == Amount.of(compare_cost(Design.stock("yolov5n", 3)).standard)
    assert smaller(Design.stock("yolov5n")) == ()
    assert Rival.from_json(rivals[0].to_json()) == rivals[0]
    assert siblings("no-such-model") == ()


@pytest.mark.parametrize("resource", ["params", "mb"])
def test_other_resources_have_a_frontier_too(resource: str) -> None:
    problem = Problem.of("yolov5n", kinds=["separable"], locked=["model.24"])
    points = list(frontier(problem, resource, 5))
    assert len(points) >= 3
    assert not any(p.startswith("model.24") for point in points for p in point.design.resolved())
