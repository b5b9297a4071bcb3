"""Comparing the open design with another one: signs, counts, rows."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from app.core.cost import compare_cost
from app.core.design import Design, Swap, save_design
from app.core.presets import preset
from app.core.text import percent_change
from app.ui.application import Studio
from app.ui.messages import Message
from app.ui.pages.design import DesignPage
from app.ui.pages.design_compare import Other, difference
from app.ui.widgets.diagram_facts import take_snapshot
from app.ui.widgets.diagram_nodes import ADDED, CHANGED, REMOVED
from tests.ui.designing import click, press

OPEN = (
    Design.stock("yolov5n")
    .with_swap(["model.3", "model.6.m.0.cv2"], Swap("separable"))
    .with_swap(["model.5"], Swap("separable", {"rank": 2}))
)
OTHER = Design.stock("yolov5n").with_swap(["model.5", "model.7"], Swap("separable"))


@pytest.fixture
def page(design_page: DesignPage) -> DesignPage:
    return design_page


def test_every_module_that_differs_has_the_sign_of_its_way() -> None:
    shown = difference(take_snapshot(OPEN), Other("other", OTHER))
    assert {path: shown.signs[path] for path in shown.others} == {
        "model.3": ADDED,
        "model.5": CHANGED,
        "model.6.m.0.cv2": ADDED,
        "model.7": REMOVED,
    }
    assert shown.signs["model.6"] == ADDED, "a layer has the sign of what is inside"
    assert shown.counts == {ADDED: 2, REMOVED: 1, CHANGED: 1}
    assert shown.others["model.5"] == Swap("separable")
    assert shown.cost == compare_cost(OTHER).lightweight


def test_a_layer_whose_inside_differs_in_two_ways_is_otherwise() -> None:
    one = Design.stock("yolov5n").with_swap(["model.6.m.0.cv2"], Swap("separable"))
    other = Design.stock("yolov5n").with_swap(["model.6.m.1.cv2"], Swap("separable"))
    assert difference(take_snapshot(one), Other("x", other)).signs["model.6"] == CHANGED


def test_a_whole_against_its_inside_counts_once(page: DesignPage) -> None:
    page.workspace.apply(Design.stock("yolov5n").with_swap(["model.4"], Swap("ghost_c3")), "start")
    inside = Design.stock("yolov5n").with_swap(["model.4.m.0.cv2", "model.4.m.1.cv2"], Swap("separable"))
    page.comparison.compare("inside", inside)
    assert page.canvas.strip.words.text().startswith("Against inside: 1 otherwise (≠);")
    model = page.table.model_
    assert str(model.index_of("model.4", 6).data()) == "≠  replaced inside"
    assert str(model.index_of("model.4.m.0.cv2", 6).data()) == "−  Depthwise separable"


def test_another_base_model_is_compared_by_paths() -> None:
    other = Design.stock("yolov5x").with_swap(["model.3", "model.6.m.7.cv2"], Swap("separable"))
    shown = difference(take_snapshot(OPEN), Other("big", other))
    assert "model.3" not in shown.signs, "the same there"
    assert shown.missing == 1, "and one that is not here"
    p6 = Design.stock("yolov5n-p6")
    assert (
        difference(take_snapshot(OPEN, 672), Other("p6", p6)).cost.flops
        == compare_cost(p6, 704).lightweight.flops
    )


def choose(page: DesignPage, name: str) -> None:
    menu = page.tools_.compare.menu()
    menu.aboutToShow.emit()
    found = [
        action
        for action in (*menu.actions(), *(a for m in menu.findChildren(QMenu) for a in m.actions()))
        if action.objectName() == name
    ]
    found[0].trigger()


def test_the_menu_offers_presets_saved_designs_and_the_standard(page: DesignPage, studio: Studio) -> None:
    save_design(OTHER, studio.services.workspace.folder.designs / "gate.yaml")
    page.workspace.apply(OPEN, "start")
    choose(page, "compare_gate")
    strip = page.canvas.strip
    assert strip.isVisible()
    assert "Against gate: 2 replaced only here (+), 1 only there (−), 1 otherwise (≠)" in strip.words.text()
    flops = percent_change(compare_cost(OTHER).lightweight.flops, compare_cost(OPEN).lightweight.flops)
    assert flops in strip.words.text()
    model = page.table.model_
    assert str(model.headerData(6, Qt.Orientation.Horizontal)) == "In gate"
    assert str(model.index_of("model.5", 6).data()) == "≠  Depthwise separable"
    assert str(model.index_of("model.7", 6).data()) == "−  Depthwise separable"
    assert str(model.index_of("model.3", 6).data()) == "+  standard"
    choose(page, "preset_neck")
    assert "Against Neck separable" in strip.words.text()
    choose(page, "compare_standard")
    assert "3 replaced only here" in strip.words.text()


def test_the_comparison_follows_every_edit_and_ends(page: DesignPage) -> None:
    page.comparison.compare("other", OTHER)
    before = page.diagram.grab().toImage()
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    click(page, "model.7")
    press(page, Qt.Key.Key_1)
    assert page.canvas.strip.words.text() == "The same as other."
    press(page, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert "1 only there" in page.canvas.strip.words.text()
    QTest.mouseClick(page.canvas.strip.close_button, Qt.MouseButton.LeftButton)
    assert not page.canvas.strip.isVisible()
    assert page.table.model_.columnCount() == 6
    assert page.diagram.grab().toImage() != before


def test_the_table_can_show_the_differences_alone(page: DesignPage) -> None:
    page.comparison.compare("other", OTHER)
    page.canvas.strip.only.click()
    model = page.table.model_
    assert [model.path(model.index(row, 0)) for row in range(model.rowCount())] == ["model.5", "model.7"]
    click(page, "model.1")
    press(page, Qt.Key.Key_1)
    assert model.index_of("model.1").isValid(), "and follows"
    page.comparison.stop()
    assert model.rowCount() == 25


def test_a_broken_file_is_told_and_nothing_is_compared(
    page: DesignPage,
    tmp_path: Path,
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("format: 1\nbase: yolov5n\nswaps:\n  model.9: separable\n")
    told: list[Message] = []
    page.messages.posted.connect(told.append)
    page.comparison._compare_file(bad)
    assert "model.9" in told[0].text
    assert page.comparison.other is None


def test_another_number_of_classes_is_not_a_difference(page: DesignPage) -> None:
    page.workspace.apply(preset("head", "yolov5n"), "start")
    page.comparison.compare("head", preset("head", "yolov5n"))
    page.tools_.classes.setValue(7)
    assert page.canvas.strip.words.text() == "The same as head."
    assert page.comparison.difference(page.snapshot).cost == page.snapshot.table.lightweight  # type: ignore[union-attr]
