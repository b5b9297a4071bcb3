"""The inspector: formulas with the convolution's own numbers, savings, reasons."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.core.architecture import load_architecture
from app.core.blocks import BLOCKS, eligible
from app.core.cost import compare_cost
from app.core.design import Design, Swap
from app.core.sites import sites
from app.core.text import percent_change
from app.ui.widgets.diagram_facts import take_snapshot
from app.ui.widgets.inspector import Inspector
from app.ui.widgets.inspector_rows import KindRow
from app.ui.widgets.inspector_words import formula

STOCK = Design.stock("yolov5n", 3)


@pytest.fixture
def inspector(qtbot: QtBot) -> Inspector:
    widget = Inspector()
    widget.resize(340, 660)
    qtbot.addWidget(widget)
    widget.show_selection(take_snapshot(STOCK), ())
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def said(inspector: Inspector, name: str) -> str:
    """Return a label's text with thin spaces taken out of its numbers."""
    found = inspector.findChild(QLabel, name)
    assert found is not None
    return found.text().replace("\u202f", "")


def row(inspector: Inspector, kind: str) -> KindRow:
    found = inspector.findChild(KindRow, f"kind_{kind or 'standard'}")
    assert found is not None
    return found


def test_the_formula_holds_the_convolution_s_own_numbers(inspector: Inspector) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.5",))
    assert said(inspector, "formula_ordinary") == "k²·c₁·c₂ = 9·64·128 = 73728"
    assert said(inspector, "formula_replaced") == "c₁·(k² + c₂) = 64·(9 + 128) = 8768"
    assert said(inspector, "formula_ratio").startswith("1/c₂ + 1/k² = 1/128 + 1/9 = 0.119")
    assert said(inspector, "formula_saved").startswith("8.41×")
    assert said(inspector, "formula_parameters") == "73984 → 9152 parameters"
    assert said(inspector, "formula_flops") == "0.236 → 0.0281 GFLOPs"
    assert [strip.weights for strip in inspector.picture.strips] == [73728, 8768]


def test_rank_enters_picture_formula_and_ratio(inspector: Inspector) -> None:
    design = STOCK.with_swap(["model.5"], Swap("separable", {"rank": 3}))
    inspector.show_selection(take_snapshot(design), ("model.5",))
    assert said(inspector, "formula_replaced") == "r·c₁·(k² + c₂) = 3·64·(9 + 128) = 26304"
    assert said(inspector, "formula_ratio").startswith("r·(1/c₂ + 1/k²) = 3·(1/128 + 1/9) = 0.357")
    filters = [stage.count for stage in inspector.picture.strips[1].stages if stage.filters]
    assert filters == [192, 128]
    options = [b for b in inspector.findChildren(QPushButton) if b.objectName().startswith("separable_rank")]
    assert [button.text() for button in options if button.isChecked()] == ["3"]


@pytest.mark.parametrize("base", ["yolov3-tiny", "yolov5n", "yolov5x", "yolov9c", "yolov10n", "yolo26n"])
@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_the_ratio_is_exact_for_every_convolution(base: str, rank: int) -> None:
    architecture = load_architecture(base)
    for path in eligible(architecture):
        place = sites(architecture)[path]
        conv = place.conv
        assert conv is not None
        words = formula(place, (conv,), "separable", {"rank": rank})
        assert words.value == pytest.approx(rank * (1 / conv.c2 + 1 / (conv.k[0] * conv.k[1])), rel=1e-12)
        numbers = [int(n) for n in re.findall(r"\d+", words.replaced.replace("\u202f", ""))]
        assert numbers[-1] == rank * conv.c1 * (conv.k[0] * conv.k[1] + conv.c2)


def test_each_kind_says_what_it_would_save(inspector: Inspector) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.5",))
    place = sites(load_architecture("yolov5n", 3))["model.5"]
    fitting = [kind for kind, block in BLOCKS.items() if block.refuses(place, {}) is None]
    assert len(fitting) >= 9
    for kind in BLOCKS:
        assert row(inspector, kind).isVisible() is (kind in fitting)
    for kind in fitting:
        changed = next(m for m in compare_cost(STOCK.with_swap(["model.5"], Swap(kind))).modules if m.kind)
        detail = row(inspector, kind).detail
        assert percent_change(changed.standard.flops, changed.lightweight.flops) in detail
        assert percent_change(changed.standard.parameters, changed.lightweight.parameters) in detail
    assert row(inspector, "").isChecked()
    assert not row(inspector, "separable").isChecked()


def test_several_layers_are_summed_once_and_offered_together(inspector: Inspector) -> None:
    paths = ("model.5", "model.6", "model.6.m.0.cv2", "model.9")
    snapshot = take_snapshot(STOCK)
    inspector.show_selection(snapshot, paths)
    inner = {p for path in paths for p in snapshot.architecture.convolutions_in(path)}
    whole = sum(snapshot.facts[path].standard.parameters for path in inner)
    assert f"{whole} parameters" in said(inspector, "selectionCost")
    assert "4 convolutions can be replaced" in inspector.subtitle.text()
    assert "nothing to make depthwise" in said(inspector, "whyNot")
    assert not inspector.picture.isVisible(), "convolutions of several shapes have no common picture"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("model.9", "only 1×1 convolutions and pooling"),
        ("model.10", "pointwise already"),
        ("model.11", "only enlarges"),
        ("model.12", "only joins channels"),
        ("model.4.cv1", "pointwise already"),
        ("model.24.cv3.0.2", "makes the final predictions"),
        ("model.24.dfl.conv", "not trained"),
    ],
)
def test_what_cannot_be_replaced_says_why(inspector: Inspector, path: str, reason: str) -> None:
    inspector.show_selection(take_snapshot(STOCK), (path,))
    assert reason in said(inspector, "whyNot")
    assert not row(inspector, "separable").isVisible()


def test_a_kind_without_a_saving_says_so(inspector: Inspector) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.0",))
    assert "no common divisor" in row(inspector, "dwconv").detail
    assert "%" in row(inspector, "separable").detail


def test_kinds_and_ranks_are_chosen_by_click_and_by_keyboard(inspector: Inspector, qtbot: QtBot) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.5",))
    with qtbot.waitSignal(inspector.kind_chosen) as told:
        QTest.mouseClick(row(inspector, "separable"), Qt.MouseButton.LeftButton)
    assert told.args == ["separable"]
    row(inspector, "dwconv").setFocus()
    with qtbot.waitSignal(inspector.kind_chosen) as told:
        QTest.keyClick(row(inspector, "dwconv"), Qt.Key.Key_Space)
    assert told.args == ["dwconv"]
    rank = inspector.findChild(QPushButton, "separable_rank_2")
    assert rank is not None
    with qtbot.assertNotEmitted(inspector.option_chosen):
        QTest.mouseClick(rank, Qt.MouseButton.LeftButton)
    assert inspector.swap_for("separable") == Swap("separable", {"rank": 2}), (
        "what is shown is what key 1 does"
    )
    inspector.show_selection(take_snapshot(STOCK.with_swap(["model.5"], Swap("separable"))), ("model.5",))
    with qtbot.waitSignal(inspector.option_chosen) as told:
        QTest.mouseClick(rank, Qt.MouseButton.LeftButton)
    assert told.args == ["separable", "rank", 2]


def test_pointing_at_a_kind_shows_it_before_it_is_chosen(inspector: Inspector) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.5",))
    row(inspector, "dwconv").previewed.emit("dwconv")
    assert said(inspector, "formula_ratio").startswith("1/g = 1/64")
    row(inspector, "dwconv").previewed.emit("-")
    assert said(inspector, "formula_ratio").startswith("1/c₂")


def test_with_nothing_selected_it_lists_what_costs_most(inspector: Inspector, qtbot: QtBot) -> None:
    modules = compare_cost(STOCK).modules
    most = max(modules, key=lambda m: m.lightweight.flops)
    first = inspector.costliest[0]
    assert first.isVisible()
    assert first.path == most.path
    with qtbot.waitSignal(inspector.select_requested) as told:
        QTest.mouseClick(first, Qt.MouseButton.LeftButton)
    assert told.args == [(most.path,)]


def test_everything_operable_has_a_name_and_nothing_is_wider_than_the_inspector(inspector: Inspector) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.5",))
    for button in [*inspector.kinds.rows.values(), *inspector.findChildren(QPushButton)]:
        assert button.objectName()
        assert button.accessibleName() or button.text()
    for widget in (*inspector.kinds.rows.values(), inspector.picture, *inspector.formulas):
        assert widget.mapTo(inspector, widget.rect().bottomRight()).x() <= inspector.width()


def test_a_layer_is_offered_as_a_whole_and_by_what_is_inside(inspector: Inspector, qtbot: QtBot) -> None:
    snapshot = take_snapshot(STOCK)
    inspector.show_selection(snapshot, ("model.6",))
    inside = ("model.6.m.0.cv2", "model.6.m.1.cv2", "model.6.m.2.cv2")
    assert inspector.kinds.targets_for("separable") == inside
    assert inspector.kinds.targets_for("ghost_c3") == ("model.6",)
    assert inspector.kinds.targets_for("shufflenetv2") == ("model.6",), "what fits both takes the whole"
    titles = [words.text() for words in inspector.kinds.sections if words.isVisible()]
    assert titles == ["As a whole", "3 convolutions inside"]
    assert row(inspector, "ghost_c3").y() < row(inspector, "separable").y()
    before = row(inspector, "shufflenetv2").detail
    QTest.mouseClick(inspector.kinds.inside_button, Qt.MouseButton.LeftButton)
    assert inspector.kinds.targets_for("shufflenetv2") == inside
    assert inspector.kinds.targets_for("ghost_c3") == ("model.6",), "there is only one way"
    assert row(inspector, "shufflenetv2").detail != before
    inspector.show_selection(snapshot, ("model.5",))
    assert not inspector.kinds.scope_area.isVisible(), "a convolution has nothing inside"


@pytest.mark.parametrize("path", ["model.6", "model.5", "model.24"])
def test_what_a_kind_saves_is_what_it_then_saves(inspector: Inspector, path: str) -> None:
    snapshot = take_snapshot(STOCK)
    inspector.show_selection(snapshot, (path,))
    for kind, offered in inspector.kinds.offers.items():
        if not offered.targets:
            continue
        design = STOCK.with_swap(offered.targets, Swap(kind))
        facts = take_snapshot(design).facts[path]
        saved = percent_change(facts.standard.flops, facts.lightweight.flops)
        assert saved in row(inspector, kind).detail or "No change" in row(inspector, kind).detail


def test_kinds_that_do_not_fit_are_folded_away_with_their_reasons(inspector: Inspector) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.4.m.0.cv2",))
    assert not row(inspector, "ghost_c3").isVisible()
    fold = inspector.findChild(QPushButton, "notHere")
    assert fold is not None
    assert "(3)" in fold.text()
    reasons = inspector.findChild(QLabel, "notHereReasons")
    assert reasons is not None
    assert not reasons.isVisible()
    QTest.mouseClick(fold, Qt.MouseButton.LeftButton)
    assert reasons.isVisible()
    assert "Ghost C3, Narrow C3k2: This kind replaces whole modules" in reasons.text()
    assert "SCDown" in reasons.text()
    assert "stride 2" in reasons.text()


def test_a_kind_that_is_heavier_warns(inspector: Inspector) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.2",))
    wide = inspector.findChild(QPushButton, "mobilenetv3_expansion_400")
    warning = inspector.findChild(QLabel, "heavier")
    assert wide is not None
    assert warning is not None
    assert not warning.isVisible()
    wide.click()
    row(inspector, "mobilenetv3").previewed.emit("mobilenetv3")
    assert "heavier than what it replaces" in warning.text()
    assert warning.isVisible()
    row(inspector, "mobilenetv3").previewed.emit("-")
    assert not warning.isVisible()


def test_only_the_options_of_the_kind_that_is_there_are_shown(inspector: Inspector, qtbot: QtBot) -> None:
    swap = Swap("mobilenetv3", {"expansion": 175, "kernel": 5})
    snapshot = take_snapshot(STOCK.with_swap(["model.4"], swap))
    inspector.show_selection(snapshot, ("model.4",))
    shown = {option.objectName() for option in inspector.kinds.options if option.isVisible()}
    assert shown == {f"option_mobilenetv3_{name}" for name in ("expansion", "kernel", "squeeze")}
    other = inspector.findChild(QPushButton, "mobilenetv3_expansion_other")
    assert other is not None
    assert other.isVisible()
    assert (other.text(), other.isChecked()) == ("175", True), "a value from a file has a button of its own"
    kernel = inspector.findChild(QPushButton, "mobilenetv3_kernel_7")
    assert kernel is not None
    with qtbot.waitSignal(inspector.option_chosen) as told:
        QTest.mouseClick(kernel, Qt.MouseButton.LeftButton)
    assert told.args == ["mobilenetv3", "kernel", 7]


def test_every_kind_is_explained_wherever_it_fits(inspector: Inspector) -> None:
    snapshot = take_snapshot(Design.stock("yolov5s"))
    for path in ("model.0", "model.4", "model.5", "model.6.m.0.cv2", "model.13", "model.24.cv3.0.0"):
        inspector.show_selection(snapshot, (path,))
        for kind in BLOCKS:
            if not inspector.kinds.targets_for(kind):
                continue
            row(inspector, kind).previewed.emit(kind)
            assert said(inspector, "kindSummary"), (path, kind)
            assert BLOCKS[kind].paper.split(" ")[0] in said(inspector, "kindPaper")
            place = sites(snapshot.architecture)[inspector.kinds.targets_for(kind)[0]]
            weights = sum(p.conv.weights for p in BLOCKS[kind].parts(place, {}) if p.conv is not None)
            assert said(inspector, "formula_replaced").endswith(f"= {weights}"), (path, kind)
            assert inspector.picture.strips[1].weights == weights
            inspector.grab()


def test_papers_are_links(inspector: Inspector) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.5",))
    assert 'href="https://arxiv.org/abs/1610.02357"' in said(inspector, "kindPaper")


def test_a_part_of_a_swapped_layer_says_so(inspector: Inspector) -> None:
    snapshot = take_snapshot(STOCK.with_swap(["model.6"], Swap("ghost_c3")))
    inspector.show_selection(snapshot, ("model.6.m.0.cv2",))
    assert "Part of model.6" in inspector.subtitle.text()
    assert "Ghost C3" in inspector.subtitle.text()
