"""The Design page in a whole Studio, driven by real mouse and keyboard events."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, Qt, QTranslator
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu, QPushButton, QToolButton, QToolTip
from pytestqt.qtbot import QtBot

from app.core.blocks import BLOCKS, eligible
from app.core.cost import compare_cost
from app.core.design import Design, Swap, load_design, preset, save_design
from app.core.text import figure, percent_change
from app.ui.application import Studio
from app.ui.messages import ERROR, Message
from app.ui.pages.design import DesignPage
from app.ui.requests import TRAIN, TrainRequest
from app.ui.widgets.layer_table import KIND
from app.ui.widgets.layer_table_columns import FigureColumn
from app.ui.workspace import Workspace

LEFT = Qt.MouseButton.LeftButton
NO, CONTROL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest.fixture
def page(design_page: DesignPage) -> DesignPage:
    return design_page


@pytest.fixture
def workspace_(page: DesignPage) -> Workspace:
    return page.workspace


def click(page: DesignPage, path: str, modifiers: Qt.KeyboardModifier = NO) -> None:
    QTest.mouseClick(page.diagram, LEFT, modifiers, page.diagram.rect_of(path).center())


def press(page: DesignPage, key: Qt.Key, modifiers: Qt.KeyboardModifier = NO) -> None:
    QTest.keyClick(page.diagram, key, modifiers)


def total(page: DesignPage, measure: str, row: str) -> str:
    found = page.totals.findChild(QLabel, f"totals_{measure}_{row}")
    assert found is not None
    return found.text()


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


@pytest.mark.parametrize("name", ["separable", "backbone", "head-classes", "ghost", "seed"])
def test_a_preset_is_the_core_s(page: DesignPage, name: str) -> None:
    page.workspace.apply(Design.stock("yolov5s", 4), "start")
    page.tools_.presets.menu().aboutToShow.emit()
    action = next(a for a in page.tools_.presets.menu().actions() if a.objectName() == f"preset_{name}")
    assert action.toolTip()
    action.trigger()
    assert page.workspace.design == preset(name, "yolov5s", 4)
    page.workspace.undo_stack.undo()
    assert page.workspace.design.is_standard


def test_another_base_model_keeps_the_swaps_that_have_a_place(page: DesignPage) -> None:
    page.workspace.apply(
        Design.stock("yolov5n").with_swap(["model.3", "model.6.m.0.cv2"], Swap("separable")), "start"
    )
    page.tools_.base.chosen.emit("yolov5x")
    design = page.workspace.design
    assert page.tools_.base.base == "yolov5x"
    assert (design.base, set(design.resolved())) == ("yolov5x", {"model.3", "model.6.m.0.cv2"})
    assert total(page, "parameters", "standard") == figure(compare_cost(design).standard.parameters / 1e6)


def test_what_a_smaller_base_model_has_no_place_for_is_told(page: DesignPage) -> None:
    swapped = Design.stock("yolov5x").with_swap(["model.3", "model.6.m.9.cv2"], Swap("separable"))
    page.workspace.apply(swapped, "start")
    shown: list[Message] = []
    page.messages.posted.connect(shown.append)
    page.tools_.base.chosen.emit("yolov5n")
    assert set(page.workspace.design.resolved()) == {"model.3"}
    assert shown[0].text.startswith("1 ")
    page.workspace.undo_stack.undo()
    assert page.workspace.design == swapped


def test_the_number_of_classes_is_part_of_the_design_and_typing_is_one_step(page: DesignPage) -> None:
    page.tools_.classes.setFocus()
    page.tools_.classes.selectAll()
    QTest.keyClicks(page.tools_.classes, "12")
    QTest.keyClick(page.tools_.classes, Qt.Key.Key_Return)
    assert page.workspace.design.classes == 12
    assert page.workspace.undo_stack.count() == 1
    page.workspace.undo_stack.undo()
    assert page.workspace.design.classes is None
    assert page.tools_.classes.text() == "from data"


def type_size(page: DesignPage, text: str) -> None:
    edit = page.totals.size_choice.lineEdit()
    assert edit is not None
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, text)
    QTest.keyClick(edit, Qt.Key.Key_Return)


def test_the_input_size_changes_operations_but_no_parameters(page: DesignPage) -> None:
    before = total(page, "parameters", "standard")
    type_size(page, "320")
    table = compare_cost(page.workspace.design, 320)
    assert total(page, "flops", "standard") == figure(table.standard.flops / 1e9)
    assert total(page, "parameters", "standard") == before
    type_size(page, "640x384")
    assert page.snapshot.table.imgsz == (384, 640)
    assert page.workspace.undo_stack.count() == 0, "it is no part of the design"


def test_an_impossible_input_size_is_refused_in_place(page: DesignPage) -> None:
    shown: list[Message] = []
    page.messages.posted.connect(shown.append)
    for text in ("333", "0", "99999", "abc"):
        type_size(page, text)
        assert page.totals.size_choice.property("invalid") == "true"
        assert page.snapshot.table.imgsz == (640, 640)
    assert "multiple of 32" in shown[0].hint
    type_size(page, "640")
    assert page.totals.size_choice.property("invalid") == "false"


def test_train_this_design_hands_over(page: DesignPage, qtbot: QtBot) -> None:
    page.workspace.page_requested.disconnect()
    with qtbot.waitSignal(page.workspace.page_requested) as told:
        QTest.mouseClick(page.primary, LEFT)
    assert told.args == [TRAIN, TrainRequest()]


def test_the_title_shows_name_and_unsaved_changes(page: DesignPage, tmp_path: Path) -> None:
    assert page.title.text() == "yolov5n"
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    assert page.title.text() == "yolov5n*"
    page.workspace.save_design(tmp_path / "light.yaml")
    assert page.title.text() == "light"
    assert load_design(tmp_path / "light.yaml") == page.workspace.design
    press(page, Qt.Key.Key_Z, CONTROL)
    assert page.title.text() == "light*"


def test_a_dropped_design_opens_and_a_broken_one_names_its_line(
    page: DesignPage, studio: Studio, tmp_path: Path
) -> None:
    good = tmp_path / "good.yaml"
    save_design(preset("neck", "yolov5s", 3), good)
    studio.window.open_paths([good])
    assert page.workspace.design == preset("neck", "yolov5s", 3)
    assert total(page, "parameters", "standard") == figure(
        compare_cost(page.workspace.design).standard.parameters / 1e6
    )
    shown: list[Message] = []
    page.messages.posted.connect(shown.append)
    bad = tmp_path / "bad.yaml"
    bad.write_text("format: 1\nbase: yolov5n\nswaps:\n  model.3: separable\n  model.9: separable\n")
    studio.window.open_paths([bad])
    assert shown[0].kind == ERROR
    assert "5" in shown[0].text
    assert "model.9" in shown[0].text
    assert page.workspace.design == preset("neck", "yolov5s", 3), "the open design stays"


def test_unsaved_work_is_asked_about(
    page: DesignPage, studio: Studio, tmp_path: Path, answer: Callable[[str], list[str]]
) -> None:
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    other = tmp_path / "other.yaml"
    save_design(Design.stock("yolov5s"), other)
    answer("cancel")
    studio.window.open_paths([other])
    assert page.workspace.design.base == "yolov5n"
    answer("discard")
    studio.window.open_paths([other])
    assert page.workspace.design.base == "yolov5s"


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


def test_the_keyboard_alone_makes_a_design(page: DesignPage) -> None:
    press(page, Qt.Key.Key_Home)
    press(page, Qt.Key.Key_Down)
    press(page, Qt.Key.Key_1)
    press(page, Qt.Key.Key_End)
    press(page, Qt.Key.Key_Return)
    press(page, Qt.Key.Key_A, CONTROL)
    press(page, Qt.Key.Key_1)
    able = eligible(page.snapshot.architecture, "separable")
    assert set(page.workspace.design.resolved()) == set(able)
    press(page, Qt.Key.Key_Escape)
    assert page.selection == ()
    press(page, Qt.Key.Key_Plus)
    scale = page.diagram.view.scale
    press(page, Qt.Key.Key_F)
    assert page.diagram.view.scale < scale


def test_everything_operable_is_named(page: DesignPage) -> None:
    kinds = (QPushButton, QToolButton)
    for widget in [w for kind in kinds for w in page.findChildren(kind)]:
        if widget.isVisible() and not isinstance(widget.parent(), QLineEdit):
            assert widget.objectName(), widget
            assert widget.accessibleName() or widget.text(), widget.objectName()
    for widget in (page.diagram, page.table, page.totals.size_choice, page.tools_.base, page.tools_.classes):
        assert widget.accessibleName()


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800), (1920, 1080)])
def test_nothing_is_cut_at_any_size(
    page: DesignPage, studio: Studio, qtbot: QtBot, size: tuple[int, int]
) -> None:
    page.select(("model.5",))
    studio.window.resize(*size)
    qtbot.waitUntil(lambda: page.width() >= size[0] - 100)
    for widget in page.findChildren(QLabel):
        if not widget.isVisible() or not widget.text() or widget.wordWrap() or widget is page.title:
            continue
        needed = widget.sizeHint().width()
        assert widget.width() >= needed, (widget.objectName(), widget.text())
    for widget in (page.primary, page.tools_.presets, page.canvas, page.totals, page.inspector):
        corner = widget.mapTo(page, widget.rect().bottomRight())
        assert page.rect().contains(corner), widget.objectName()
    closed = [page.diagram.rect_of(f"model.{index}") for index in range(25)]
    assert all(page.diagram.rect().contains(rect) for rect in closed)


class Brackets(QTranslator):
    """Puts every text in brackets."""

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, source: str, disambiguation: str | None = None, n: int = -1) -> str:  # type: ignore[override]
        return f"[{source}]"


def test_it_is_retranslated_while_running(page: DesignPage, qtbot: QtBot) -> None:
    page.select(("model.5",))
    translator = Brackets()
    QCoreApplication.installTranslator(translator)
    try:
        QCoreApplication.processEvents()
        names = ("inspectorTitle", "formula_ordinary", "formula_replaced", "formula_ratio", "kindPaper")
        plain = [
            label.text()
            for label in page.findChildren(QLabel)
            if label.isVisible() and label.text() and label.objectName() not in names
        ]
        words = [text for text in plain if any(c.isalpha() for c in text) and "[" not in text]
        assert words == [page.title.text()], "all but names and formulas comes from a translation"
        for widget in (page.primary, page.tools_.presets, *page.inspector.kinds.rows.values()):
            assert widget.text().startswith("[")
        assert all(
            action.text().startswith("[") for actions in page.menu_actions().values() for action in actions
        )
        assert str(page.table.model_.headerData(0, Qt.Orientation.Horizontal)).startswith("[")
    finally:
        QCoreApplication.removeTranslator(translator)


def test_the_table_alone_edits_many_rows_by_keyboard(page: DesignPage) -> None:
    table = page.table
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Home)
    QTest.keyClick(table, Qt.Key.Key_Down)
    for _ in range(3):
        QTest.keyClick(table, Qt.Key.Key_Down, SHIFT)
    assert page.selection == ("model.1", "model.2", "model.3", "model.4")
    QTest.keyClick(table, Qt.Key.Key_1)
    inside = {"model.2.m.0.cv2", "model.4.m.0.cv2", "model.4.m.1.cv2"}
    assert set(page.workspace.design.resolved()) == {"model.1", "model.3", *inside}
    assert page.selection == ("model.1", "model.2", "model.3", "model.4"), "the selection stays"
    QTest.keyClick(table, Qt.Key.Key_5)
    assert set(page.workspace.design.resolved()) == {"model.1", "model.2", "model.3", "model.4"}
    assert page.workspace.undo_stack.undoText() == "ShuffleNetV2 unit on 4 modules"
    QTest.keyClick(table, Qt.Key.Key_Delete)
    assert page.workspace.design.is_standard


def test_find_filters_the_table_and_the_funnel_what_is_replaced(page: DesignPage) -> None:
    model = page.table.model_
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    press(page, Qt.Key.Key_F, CONTROL)
    QTest.keyClicks(page.canvas.find_field, "sppf")
    assert [model.path(model.index(row, 0)) for row in range(model.rowCount())] == ["model.9"]
    QTest.keyClick(page.canvas.find_field, Qt.Key.Key_Escape)
    assert model.rowCount() == 25
    swapped = page.canvas.filter.menu().actions()[2]
    swapped.trigger()
    assert page.canvas.filter.isChecked()
    assert [model.path(model.index(row, 0)) for row in range(model.rowCount())] == ["model.5"]
    page.canvas.filter.menu().actions()[0].trigger()
    assert not page.canvas.filter.isChecked()


def test_further_columns_stay_beside_a_comparison(page: DesignPage) -> None:
    page.rows.add_columns([FigureColumn("parameters")])
    assert page.table.model_.columnCount() == 7
    page.comparison.compare("x", page.workspace.design)
    assert page.table.model_.columnCount() == 8
    page.comparison.stop()
    page.rows.add_columns([])
    assert page.table.model_.columnCount() == 6


LAYERS = (
    "model.1",
    "model.3",
    "model.4",
    "model.5",
    "model.6",
    "model.8",
    "model.18",
    "model.20",
    "model.24",
)


@pytest.mark.parametrize(
    ("opened", "key", "kind"),
    [
        (False, Qt.Key.Key_1, "separable"),
        (True, Qt.Key.Key_1, "separable"),
        (False, Qt.Key.Key_5, "shufflenetv2"),
    ],
    ids=["layers", "opened", "wholes"],
)
def test_yolov5x_answers_a_click_and_a_key_within_50_ms(
    page: DesignPage, opened: bool, key: Qt.Key, kind: str
) -> None:
    """p95 from the event to painted numbers, through real events; `tests.benchmarks.editing` prints the figures."""
    page.workspace.apply(Design.stock("yolov5x"), "start")
    paths = LAYERS
    if opened:
        for layer in page.snapshot.architecture.layers:
            page.diagram.set_open(layer.path, True)
        page.diagram.fit()
        able = page.snapshot.targets(["model.4", "model.6", "model.24"])
        paths = tuple(path for path in able if page.snapshot.facts[path].is_single)[:12]
    label = page.totals.findChild(QLabel, "totals_parameters_lightweight")
    assert label is not None
    clicks, keys, undos = [], [], []
    gc.collect()
    for path in paths * 2:
        page.diagram.reveal(path)
        QCoreApplication.processEvents()
        clicks.append(timed(lambda path=path: click(page, path)))
        before = label.text()
        keys.append(timed(lambda: press(page, key)))
        assert page.snapshot.facts[path].kind == kind
        assert label.text() != before
        undos.append(timed(page.workspace.undo_stack.undo))
        assert label.text() == before
    for name, times in (("select", clicks), ("swap", keys), ("undo", undos)):
        wall, own = (
            statistics.quantiles(column, n=20, method="inclusive")[-1] for column in zip(*times, strict=True)
        )
        print(f"yolov5x {kind} {name}: p95 {wall:.1f} ms, {own:.1f} ms of them ours")
        assert own < 50, name
        assert min(wall for wall, _ in times) < 50, name


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return the milliseconds until everything that an action changes is painted, and how many this thread worked.

    On a machine that is busy with other things only the second says something about the page.
    """
    start, own = time.perf_counter(), time.thread_time()
    action()
    QCoreApplication.sendPostedEvents()
    QCoreApplication.processEvents()
    return (time.perf_counter() - start) * 1000, (time.thread_time() - own) * 1000
