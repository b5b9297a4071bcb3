"""The inspector: formulas with the convolution's own numbers, savings, reasons."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.core.architecture import base_models, load_architecture
from app.core.blocks import BLOCKS, eligible
from app.core.cost import compare_cost
from app.core.design import Design, Swap
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
    pressed = [button.text() for button in inspector.findChildren(QPushButton) if button.isChecked()]
    assert pressed == ["3"]


@pytest.mark.parametrize("base", base_models())
@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_the_ratio_is_exact_for_every_convolution(base: str, rank: int) -> None:
    architecture = load_architecture(base)
    for path in eligible(architecture):
        conv = architecture.convolutions[path]
        words = formula(conv, "separable", {"rank": rank})
        assert words.value == pytest.approx(rank * (1 / conv.c2 + 1 / (conv.k[0] * conv.k[1])), rel=1e-12)
        numbers = [int(n) for n in re.findall(r"\d+", words.replaced.replace("\u202f", ""))]
        assert numbers[-1] == rank * conv.c1 * (conv.k[0] * conv.k[1] + conv.c2)


def test_each_kind_says_what_it_would_save(inspector: Inspector) -> None:
    inspector.show_selection(take_snapshot(STOCK), ("model.5",))
    for kind in BLOCKS:
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
    for button in [*inspector.kinds, *inspector.findChildren(QPushButton)]:
        assert button.objectName()
        assert button.accessibleName() or button.text()
    for widget in (*inspector.kinds, inspector.picture, *inspector.formulas):
        assert widget.mapTo(inspector, widget.rect().bottomRight()).x() <= inspector.width()
