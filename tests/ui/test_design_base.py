"""The chooser of base models: all of them, found by typing, taken by mouse or keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.core.architecture import base_models
from app.ui.pages.design_base_chooser import BaseButton, BaseChooser, family_words


@pytest.fixture
def chooser(qtbot: QtBot) -> BaseChooser:
    widget = BaseChooser()
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show_at(QPoint(50, 50), "yolov5s")
    return widget


def test_it_holds_every_base_model_once(chooser: BaseChooser) -> None:
    assert sorted(chooser.shown()) == sorted(base_models())
    assert chooser.grid.currentItem().toolTip() == "yolov5s", "the open one is chosen"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v8n", "yolov8n"),
        ("yolov8n-p2", "yolov8n-p2"),
        ("26x", "yolo26x"),
        ("tiny", "yolov4-tiny"),
        ("V10B", "yolov10b"),
    ],
)
def test_typing_finds_and_enter_takes(chooser: BaseChooser, qtbot: QtBot, text: str, expected: str) -> None:
    QTest.keyClicks(chooser.search, text)
    with qtbot.waitSignal(chooser.chosen) as told:
        QTest.keyClick(chooser.search, Qt.Key.Key_Return)
    assert told.args == [expected]
    assert not chooser.isVisible()


def test_typing_narrows_to_the_families_that_fit(chooser: BaseChooser) -> None:
    QTest.keyClicks(chooser.search, "p6")
    assert {name.partition("-")[2] for name in chooser.shown()} == {"p6", "ghost-p6"}
    chooser.search.setText("nothing like this")
    assert chooser.shown() == ()
    assert chooser.nothing.isVisible()
    chooser.search.clear()
    assert len(chooser.shown()) == len(base_models())


def test_arrows_walk_while_the_field_has_the_focus(chooser: BaseChooser, qtbot: QtBot) -> None:
    QTest.keyClick(chooser.search, Qt.Key.Key_Right)
    assert chooser.grid.currentItem().toolTip() == "yolov5m"
    QTest.keyClick(chooser.search, Qt.Key.Key_Down)
    assert chooser.grid.currentItem().toolTip() == "yolov5m-p6"
    with qtbot.waitSignal(chooser.chosen) as told:
        QTest.keyClick(chooser.search, Qt.Key.Key_Enter)
    assert told.args == ["yolov5m-p6"]


def test_a_click_takes_a_cell_and_not_a_family_s_name(chooser: BaseChooser, qtbot: QtBot) -> None:
    item = next(
        chooser.grid.item(row, 2)
        for row in range(chooser.grid.rowCount())
        if chooser.grid.item(row, 2).toolTip() == "yolo11s"
    )
    row = chooser.grid.row(item)
    name = chooser.grid.visualItemRect(chooser.grid.item(row, 0)).center()
    with qtbot.assertNotEmitted(chooser.chosen):
        QTest.mouseClick(
            chooser.grid.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, name
        )
    with qtbot.waitSignal(chooser.chosen) as told:
        QTest.mouseClick(
            chooser.grid.viewport(),
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
            chooser.grid.visualItemRect(item).center(),
        )
    assert told.args == ["yolo11s"]


def test_families_are_called_as_people_call_them() -> None:
    names = {
        "yolov8-ghost-p2": "YOLOv8-ghost-P2",
        "yolo11": "YOLO11",
        "yolov3-tiny": "YOLOv3-tiny",
        "yolov5-p6": "YOLOv5-P6",
    }
    assert {family: family_words(family) for family in names} == names


def test_the_newest_come_first_and_variants_below_their_family(chooser: BaseChooser) -> None:
    names = [chooser.grid.item(row, 0).text() for row in range(chooser.grid.rowCount())]
    assert names[0] == "YOLO26"
    assert names.index("YOLOv8") < names.index("YOLOv8-P2") < names.index("YOLOv6")


def test_the_button_opens_it_and_tells(qtbot: QtBot) -> None:
    button = BaseButton()
    qtbot.addWidget(button)
    button.show_base("yolov5n")
    with qtbot.waitExposed(button):
        button.show()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button.chooser.isVisible()
    file = button.chooser.findChild(QPushButton, "openModelYaml")
    assert file is not None
    with qtbot.waitSignal(button.file_wanted):
        QTest.mouseClick(file, Qt.MouseButton.LeftButton)
    assert not button.chooser.isVisible()
