"""What differs between two designs, and what it costs."""

from __future__ import annotations

from app.core.cost import compare_cost
from app.core.design import Design, Swap, preset
from app.core.design_diff import design_diff, diff_document, swap_text

STOCK = Design.stock("yolov5n", 3)


def test_nothing_differs_in_a_design_and_itself() -> None:
    for design in (STOCK, preset("separable", classes=3)):
        assert design_diff(design, design) == ()


def test_a_pattern_and_its_paths_are_the_same_design() -> None:
    swap = Swap("separable", {"rank": 2})
    pattern = Design("yolov5n", 3, (("model.4.m.*.cv2", swap),))
    assert design_diff(pattern, STOCK.with_swap(["model.4.m.0.cv2", "model.4.m.1.cv2"], swap)) == ()


def test_changes_stand_in_the_models_order_with_both_swaps() -> None:
    a = STOCK.with_swap(["model.3", "model.21"], Swap("separable"))
    b = STOCK.with_swap(["model.3"], Swap("separable", {"rank": 2})).with_swap(["model.1"], Swap("dwconv"))
    rows = [(c.path, swap_text(c.before), swap_text(c.after)) for c in design_diff(a, b)]
    assert rows == [
        ("model.1", None, "dwconv"),
        ("model.3", "separable", "separable:rank=2"),
        ("model.21", "separable", None),
    ]


def test_what_the_changes_cost_is_what_the_designs_cost_apart() -> None:
    a, b = preset("backbone", classes=3), preset("head", classes=3)
    changes = design_diff(a, b, 320)
    before, after = (compare_cost(d, 320).lightweight for d in (a, b))
    for name in ("parameters", "flops", "file_bytes"):
        deltas = [
            getattr(c.cost_after, name) - getattr(c.cost_before, name)
            for c in changes
            if c.cost_before and c.cost_after
        ]
        assert len(deltas) == len(changes)
        assert sum(deltas) == getattr(after, name) - getattr(before, name)


def test_a_whole_layer_against_what_is_inside_it() -> None:
    a = STOCK.with_swap(["model.4"], Swap("ghost_c3"))
    b = STOCK.with_swap(["model.4.m.1.cv2"], Swap("separable"))
    whole, inner = design_diff(a, b)
    assert whole.path == "model.4"
    assert whole.cost_before is not None
    assert whole.cost_after is not None
    totals = [compare_cost(d).lightweight.flops for d in (a, b)]
    assert whole.cost_after.flops - whole.cost_before.flops == totals[1] - totals[0]
    assert (inner.path, inner.cost_before) == ("model.4.m.1.cv2", None)


def test_other_bases_are_compared_by_their_paths() -> None:
    a = Design.stock("yolov5n").with_swap(["model.3"], Swap("separable"))
    b = Design.stock("yolov5m").with_swap(["model.6.m.3.cv2"], Swap("separable"))
    document = diff_document(a, b)
    assert document["base"] == ["yolov5n", "yolov5m"]
    assert [c["path"] for c in document["changes"]] == ["model.3", "model.6.m.3.cv2"]
    assert document["changes"][1]["cost_before"] is None
    assert document["changes"][0]["cost_after"]["parameters"] > 0
    assert document["cost"][0] == compare_cost(a).lightweight.to_json()
