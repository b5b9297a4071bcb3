"""Units: every operation of a model once, a swap in the place of what it replaces, signatures that name shapes."""

from __future__ import annotations

import pytest

from app.core.cost import compare_cost
from app.core.design import Design, Swap, preset
from app.core.errors import AppError
from app.core.latency_units import Unit, changes, owner, swap_unit, units, units_in

N = Design.stock("yolov5n", 3)
RANK_2 = Swap("separable", {"rank": 2})


def by_path(design: Design, imgsz: int = 640) -> dict[str, Unit]:
    return {unit.path: unit for unit in units(design, imgsz)}


@pytest.mark.parametrize("design", [N, preset("separable", "yolov5n", 3), preset("seed", "yolov5s")])
def test_operations_are_those_of_the_deployed_cost(design: Design) -> None:
    for size in (320, (384, 640)):
        expected = compare_cost(design, size).deployed_lightweight.flops
        assert sum(unit.flops for unit in units(design, size)) == expected


def test_every_path_stands_once() -> None:
    found = units(preset("separable", "yolov5s", 3))
    assert len({unit.path for unit in found}) == len(found)


def test_a_swap_takes_the_place_of_all_it_replaces() -> None:
    standard = by_path(N)
    light = by_path(N.with_swap(["model.3"], RANK_2))
    assert light["model.3"].kind == "separable"
    assert light["model.3"].family == "separable rank=2"
    assert standard["model.3"].kind is None
    assert {p: u for p, u in light.items() if p != "model.3"} == {
        p: u for p, u in standard.items() if p != "model.3"
    }


def test_equal_shapes_have_equal_signatures_and_others_do_not() -> None:
    standard = by_path(N)
    twins = [standard[f"model.6.m.{i}.cv2"].signature for i in range(3)]
    assert len(set(twins)) == 1
    assert standard["model.4.m.0.cv2"].signature not in twins
    assert by_path(N, 320)["model.6.m.0.cv2"].signature not in twins
    paths = ["model.6.m.0.cv2", "model.6.m.1.cv2"]
    one, two = (swap_unit(N, path, RANK_2).signature for path in paths)
    assert one == two != swap_unit(N, paths[0], Swap("separable")).signature


def test_a_signature_names_the_form_that_runs() -> None:
    usual = swap_unit(N, "model.3", RANK_2).signature
    other = swap_unit(N, "model.3", RANK_2, forms={"separable": "multiplier"}).signature
    assert usual != other
    assert swap_unit(N, "model.3", RANK_2, forms={"separable": "no such form"}).signature == usual


def test_changes_pair_what_was_with_what_is() -> None:
    design = N.with_swap(["model.3", "model.6.m.0.cv2"], RANK_2)
    rows = changes(design)
    swapped = [row for row in rows if row.kind]
    assert [row.path for row in swapped] == ["model.3", "model.6.m.0.cv2"]
    assert all(len(row.before) == len(row.after) == 1 and row.before != row.after for row in swapped)
    assert all(row.before == row.after for row in rows if row.kind is None)
    assert {u.path for row in rows for u in row.before} == {u.path for u in units(N)}


def test_of_two_heads_the_deployed_one_counts() -> None:
    design = Design.stock("yolov10n", 3)
    path = "model.23.cv2.0.0"
    assert not any("one2one" in unit.path for unit in units(design))
    assert [unit.path for unit in units_in(design, path)] == [path]
    light = by_path(design.with_swap([path], Swap("separable")))
    assert light[path].kind == "separable"
    for made in (design, design.with_swap([path], Swap("separable"))):
        expected = compare_cost(
            made
        ).deployed_lightweight.flops  # with branches merged, which have units of their own
        assert sum(unit.flops for unit in units(made)) == pytest.approx(expected, rel=0.02)


def test_an_operation_belongs_to_the_nearest_unit_above() -> None:
    known = {"model.4": 0, "model.4.m.0.cv2": 0}
    assert owner("model.4.m.0.cv2.0.conv", known) == "model.4.m.0.cv2"
    assert owner("model.4.m.0", known) == "model.4"
    assert owner("model.40.conv", known) is None
    assert owner("", known) is None


def test_impossible_sizes_and_places_are_refused() -> None:
    with pytest.raises(AppError):
        units(N, 100)
    with pytest.raises(ValueError, match="replaced"):
        swap_unit(N, "model.9", RANK_2)
