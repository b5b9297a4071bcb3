"""Selecting and replacing on the Design page, in a whole Studio, by real mouse and keyboard events."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMenu, QPushButton, QToolButton, QToolTip
from pytestqt.qtbot import QtBot

from app.core.blocks import BLOCKS
from app.core.cost import compare_cost
from app.core.design import Design, Swap
from app.core.text import figure, percent_change
from app.ui.pages.design import DesignPage
from app.ui.widgets.layer_table import KIND
from app.ui.workspace import Workspace
from tests.ui.designing import CONTROL, LEFT, NO, SHIFT, click, press, total


@pytest.fixture
def page(design_page: DesignPage) -> DesignPage:
    return design_page


@pytest.fixture
def workspace_(page: DesignPage) -> Workspace:
    return page.workspace


def test_a_click_and_a_number_key_change_the_totals_to_what_the_core_says(page: DesignPage) -> None:
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    design = page.workspace.design
    assert design.resolved() == {"model.5": Swap("separable")}
    table = compare_cost(design)
    for measure, scale in (
        ("parameters", 1e6),
        ("flops", 1e9),
        ("file_bytes", 1e6),
        ("activation_bytes", 1e6),
    ):
        before, after = getattr(table.standard, measure), getattr(table.lightweight, measure)
        assert total(page, measure, "standard") == figure(before / scale)
        assert total(page, measure, "lightweight") == figure(after / scale)
        assert total(page, measure, "change") == percent_change(before, after)
    assert total(page, "parameters", "deployed") == figure(table.deployed_lightweight.parameters / 1e6)
    assert total(page, "flops", "deployed") == "", "the deployed form costs the same operations"


def test_undo_and_redo_go_back_and_forth_by_name(page: DesignPage) -> None:
    before = total(page, "parameters", "lightweight")
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    changed = total(page, "parameters", "lightweight")
    assert changed != before
    undo = page.header.findChild(QToolButton, "undoDesign")
    assert undo is not None
    assert "Depthwise separable on model.5" in undo.toolTip()
    press(page, Qt.Key.Key_Z, CONTROL)
    assert total(page, "parameters", "lightweight") == before
    assert page.workspace.design.is_standard
    press(page, Qt.Key.Key_Y, CONTROL)
    assert total(page, "parameters", "lightweight") == changed
    QTest.mouseClick(undo, LEFT)
    assert total(page, "parameters", "lightweight") == before


def test_restoring_takes_back_what_a_key_did(page: DesignPage) -> None:
    for restore in (Qt.Key.Key_0, Qt.Key.Key_Delete):
        click(page, "model.6")
        press(page, Qt.Key.Key_2)
        assert set(page.workspace.design.resolved()) == {f"model.6.m.{i}.cv2" for i in range(3)}
        press(page, restore)
        assert page.workspace.design.is_standard


def test_a_selection_of_many_takes_a_kind_where_it_can(page: DesignPage) -> None:
    click(page, "model.7")
    click(page, "model.13", SHIFT)
    press(page, Qt.Key.Key_1)
    assert set(page.workspace.design.resolved()) == {"model.7", "model.8.m.0.cv2", "model.13.m.0.cv2"}
    assert page.workspace.undo_stack.undoText() == "Depthwise separable on 3 convolutions"


def test_what_cannot_be_replaced_says_why_where_it_happens(page: DesignPage, qtbot: QtBot) -> None:
    click(page, "model.9")
    press(page, Qt.Key.Key_1)
    assert "nothing to make depthwise" in QToolTip.text()
    assert page.workspace.design.is_standard
    why = page.inspector.findChild(QLabel, "whyNot")
    assert why is not None
    assert "nothing to make depthwise" in why.text()
    menu = page.actions_.context_menu(page.snapshot, page.selection, page.inspector.kinds.offers)
    reason = next(action for action in menu.actions() if action.objectName() == "whyNot")
    assert not reason.isEnabled()
    assert "nothing to make depthwise" in reason.text()
    refused = menu.findChild(QMenu, "designMenuRefused")
    assert refused is not None
    assert {f"action_kind_{kind}" for kind in BLOCKS} == {a.objectName() for a in refused.actions()}


def test_a_kind_that_does_not_fit_says_why_at_its_key(page: DesignPage) -> None:
    click(page, "model.5")
    press(page, Qt.Key.Key_4)
    assert QToolTip.text().startswith("Ghost C3 does not fit here.")
    assert "whole modules" in QToolTip.text()
    assert page.workspace.design.is_standard
    press(page, Qt.Key.Key_Escape)
    press(page, Qt.Key.Key_1)
    assert QToolTip.text() == "Select a layer first."


def test_the_right_button_opens_a_menu_that_acts(page: DesignPage, qtbot: QtBot) -> None:
    at = page.diagram.rect_of("model.4").center()
    QTest.mouseClick(page.diagram, Qt.MouseButton.RightButton, NO, at)
    assert page.selection == ("model.4",)
    page.diagram.menu_requested.emit(page.diagram.mapToGlobal(at))
    menu = page.findChild(QMenu, "designMenu")
    assert menu is not None
    qtbot.waitUntil(menu.isVisible)
    words = [a.text() for a in menu.actions() if a.objectName().startswith("action_kind")]
    assert words[0] == "Depthwise separable on 2 convolutions"
    assert "Ghost C3, as a whole" in words
    assert all(a.isEnabled() for a in menu.actions() if a.objectName().startswith("action_kind_"))
    for _ in range(words.index("Ghost C3, as a whole") + 1):
        QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert page.workspace.design.resolved() == {"model.4": Swap("ghost_c3")}


def test_a_layer_as_a_whole_takes_the_place_of_what_is_swapped_inside_and_back(page: DesignPage) -> None:
    click(page, "model.6")
    press(page, Qt.Key.Key_1)
    assert set(page.workspace.design.resolved()) == {f"model.6.m.{i}.cv2" for i in range(3)}
    press(page, Qt.Key.Key_4)
    assert page.workspace.design.resolved() == {"model.6": Swap("ghost_c3")}
    assert page.workspace.undo_stack.undoText() == "Ghost C3 on model.6"
    assert "Ghost C3" in str(page.table.model_.index_of("model.6", KIND).data())
    press(page, Qt.Key.Key_1)
    assert set(page.workspace.design.resolved()) == {f"model.6.m.{i}.cv2" for i in range(3)}
    press(page, Qt.Key.Key_Z, CONTROL)
    assert page.workspace.design.resolved() == {"model.6": Swap("ghost_c3")}
    press(page, Qt.Key.Key_Delete)
    assert page.workspace.design.is_standard
    assert page.workspace.undo_stack.undoText() == "Standard on model.6"


def test_an_open_layer_closes_when_it_is_swapped_as_a_whole_and_opens_again(page: DesignPage) -> None:
    click(page, "model.6")
    press(page, Qt.Key.Key_Return)
    assert page.diagram.opened == {"model.6"}
    press(page, Qt.Key.Key_4)
    assert page.diagram.opened == frozenset()
    press(page, Qt.Key.Key_Return)
    assert page.diagram.opened == frozenset(), "a Ghost C3 has no inside that could be swapped"
    press(page, Qt.Key.Key_Z, CONTROL)
    assert page.diagram.opened == {"model.6"}


def test_a_row_inside_a_swapped_layer_takes_its_place(page: DesignPage) -> None:
    page.workspace.apply(Design.stock("yolov5n").with_swap(["model.6"], Swap("ghost_c3")), "start")
    page.table.setFocus()
    page.table.expand(page.table.model_.index_of("model.6"))
    index = page.table.model_.index_of("model.6.m.1.cv2")
    page.table.scrollTo(index)
    QTest.mouseClick(page.table.viewport(), LEFT, NO, page.table.visualRect(index).center())
    QTest.keyClick(page.table, Qt.Key.Key_1)
    assert page.workspace.design.resolved() == {"model.6.m.1.cv2": Swap("separable")}
    QTest.keyClick(page.table, Qt.Key.Key_Z, CONTROL)
    QTest.keyClick(page.table, Qt.Key.Key_Delete)
    assert page.workspace.design.is_standard, "restoring a part restores the whole"


def test_a_kind_without_a_number_is_found_by_typing(page: DesignPage, qtbot: QtBot) -> None:
    click(page, "model.6")
    press(page, Qt.Key.Key_K)
    search = page.kind_search
    qtbot.waitUntil(search.isVisible)
    QTest.keyClicks(search.search, "compact")
    assert [
        search.list.item(r).text() for r in range(search.list.count()) if not search.list.item(r).isHidden()
    ] == ["Compact inverted block (CIB), as a whole"]
    QTest.keyClick(search.search, Qt.Key.Key_Return)
    assert page.workspace.design.resolved() == {"model.6": Swap("cib")}
    assert not search.isVisible()


def test_the_search_for_kinds_says_why_others_do_not_fit(page: DesignPage, qtbot: QtBot) -> None:
    click(page, "model.5")
    press(page, Qt.Key.Key_K)
    search = page.kind_search
    qtbot.waitUntil(search.isVisible)
    QTest.keyClicks(search.search, "ghost c3")
    texts = [search.list.item(row).text() for row in range(search.list.count())]
    assert any(text.startswith("Ghost C3: This kind replaces whole modules") for text in texts)
    QTest.keyClick(search.search, Qt.Key.Key_Return)
    assert page.workspace.design.is_standard
    QTest.keyClick(search.search, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not search.isVisible())


def test_several_options_change_one_by_one(page: DesignPage) -> None:
    click(page, "model.4")
    press(page, Qt.Key.Key_6)
    assert page.workspace.design.resolved() == {"model.4": Swap("mobilenetv3")}
    for name in ("expansion_200", "kernel_5", "squeeze_0"):
        button = page.inspector.findChild(QPushButton, f"mobilenetv3_{name}")
        assert button is not None
        button.click()
    options = {"expansion": 200, "kernel": 5, "squeeze": 0}
    assert page.workspace.design.resolved() == {"model.4": Swap("mobilenetv3", options)}
    press(page, Qt.Key.Key_Z, CONTROL)
    assert page.workspace.design.resolved() == {
        "model.4": Swap("mobilenetv3", {"expansion": 200, "kernel": 5})
    }


def test_diagram_table_and_inspector_stay_in_step(page: DesignPage) -> None:
    click(page, "model.5")
    assert page.table.selection() == ("model.5",)
    assert page.inspector.heading.text() == "5 Conv"
    index = page.table.model_.index_of("model.20")
    page.table.scrollTo(index)
    at = page.table.visualRect(index).center()
    QTest.mouseClick(page.table.viewport(), LEFT, NO, at)
    assert page.diagram.selection == page.selection == ("model.20",)
    assert page.inspector.heading.text() == "20 C3"
    QTest.keyClick(page.table, Qt.Key.Key_1)
    assert "Depthwise separable" in str(page.table.model_.index_of("model.20", KIND).data())
    assert page.snapshot.facts["model.20"].kind == "separable"


def test_opening_a_layer_and_choosing_inside_makes_it_mixed(page: DesignPage) -> None:
    click(page, "model.6")
    press(page, Qt.Key.Key_Return)
    click(page, "model.6.m.1.cv2")
    press(page, Qt.Key.Key_1)
    assert page.workspace.design.resolved() == {"model.6.m.1.cv2": Swap("separable")}
    assert str(page.table.model_.index_of("model.6", KIND).data()) == "mixed 1/3"
    assert page.table.selection() == ("model.6.m.1.cv2",)


def test_the_rank_is_one_step_of_the_history(page: DesignPage) -> None:
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    rank = page.inspector.findChild(QPushButton, "separable_rank_2")
    assert rank is not None
    QTest.mouseClick(rank, LEFT)
    assert page.workspace.design.resolved() == {"model.5": Swap("separable", {"rank": 2})}
    press(page, Qt.Key.Key_Z, CONTROL)
    assert page.workspace.design.resolved() == {"model.5": Swap("separable")}
    assert not rank.isChecked()


def test_find_selects_and_escape_leads_back(page: DesignPage) -> None:
    press(page, Qt.Key.Key_F, CONTROL)
    field = page.canvas.find_field
    assert field.hasFocus()
    QTest.keyClicks(field, "m.0.cv2")
    assert page.selection == page.table.matches("m.0.cv2")
    assert len(page.selection) == 8
    QTest.keyClicks(field, "1")
    assert field.text() == "m.0.cv21", "a digit typed into a field is a digit"
    assert field.property("invalid") == "true"
    assert page.workspace.design.is_standard
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert page.diagram.hasFocus()
    assert field.text() == ""
