"""The design as a document on the Design page: preset, base, classes, input size, file, and what is unsaved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.cost import compare_cost
from app.core.design import Design, Swap, load_design, preset, save_design
from app.core.text import figure
from app.ui.application import Studio
from app.ui.messages import ERROR, Message
from app.ui.pages.design import DesignPage
from app.ui.requests import TRAIN, TrainRequest
from tests.ui.designing import CONTROL, LEFT, click, press, total


@pytest.fixture
def page(design_page: DesignPage) -> DesignPage:
    return design_page


def test_a_preset_is_the_core_s(page: DesignPage) -> None:
    page.workspace.apply(Design.stock("yolov5s", 4), "start")
    page.tools_.presets.menu().aboutToShow.emit()
    actions = {action.objectName(): action for action in page.tools_.presets.menu().actions()}
    for name in ("separable", "backbone", "head-classes", "ghost", "seed"):
        action = actions[f"preset_{name}"]
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
