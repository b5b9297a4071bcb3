"""Duplicate, rename, notes, exports and imports of the open design, through the page."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.core.cost import compare_cost
from app.core.design import Design, Swap, load_design
from app.core.model_yaml import ULTRALYTICS, model_yaml
from app.core.presets import preset
from app.ui.messages import ERROR, SUCCESS, Message
from app.ui.pages import design_actions as names
from app.ui.pages.design import DesignPage
from tests.ui.designing import click, press

CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def page(design_page: DesignPage) -> DesignPage:
    return design_page


@pytest.fixture
def told(page: DesignPage) -> list[Message]:
    found: list[Message] = []
    page.messages.posted.connect(found.append)
    return found


@pytest.fixture
def save_as(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Answer the next save dialogs with (file, filter), the last one for ever."""
    answers: list[tuple[str, str]] = []

    def answer(*_arguments: object) -> tuple[str, str]:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", answer)
    return answers


def test_ctrl_d_goes_on_with_a_copy_and_leaves_the_file_alone(page: DesignPage, told: list[Message]) -> None:
    folder = page.workspace.folder.designs
    page.workspace.save_design(folder / "gate.yaml")
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    press(page, Qt.Key.Key_D, CONTROL)
    assert page.title.text() == "gate 2"
    assert load_design(folder / "gate 2.yaml").resolved() == {"model.5": Swap("separable")}
    assert load_design(folder / "gate.yaml").is_standard, "the original stays as it was saved"
    assert told[-1].kind == SUCCESS
    press(page, Qt.Key.Key_D, CONTROL)
    assert page.workspace.name == "gate 2 2"


def rename(page: DesignPage, *texts: str) -> list[str]:
    """Type names into the dialog, one after the other; return what it said after each."""
    said: list[str] = []

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        assert dialog is not None
        field, take = dialog.findChild(QLineEdit, "nameField"), dialog.findChild(QPushButton, "nameTake")
        problem = dialog.findChild(QLabel, "nameProblem")
        assert field is not None
        assert take is not None
        assert problem is not None
        for text in texts:
            field.setText(text)
            QTest.mouseClick(take, Qt.MouseButton.LeftButton)
            said.append(problem.text())
        if dialog.isVisible():
            dialog.close()

    QTimer.singleShot(0, answer)
    page.actions_.others[names.RENAME].trigger()
    return said


def test_renaming_moves_the_file_and_refuses_what_is_taken_or_no_name(page: DesignPage) -> None:
    folder = page.workspace.folder.designs
    page.workspace.save_design(folder / "gate.yaml")
    (folder / "taken.yaml").write_text("x")
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    said = rename(page, "taken", "a/b", "yard")
    assert "already" in said[0]
    assert "cannot be a name" in said[1]
    assert page.workspace.path == folder / "yard.yaml"
    assert not (folder / "gate.yaml").exists()
    assert page.title.text() == "yard*", "what is unsaved stays unsaved"
    assert load_design(folder / "yard.yaml").is_standard
    assert str(folder / "yard.yaml") in page.store.settings.recent_designs
    assert str(folder / "gate.yaml") not in page.store.settings.recent_designs


def test_a_design_without_a_file_gets_one_by_its_name(page: DesignPage) -> None:
    assert rename(page, "first") == [""]
    assert page.workspace.path == page.workspace.folder.designs / "first.yaml"


def test_a_file_elsewhere_is_renamed_in_its_folder(page: DesignPage, tmp_path: Path) -> None:
    page.workspace.save_design(tmp_path / "here.yml")
    (tmp_path / "there.yml").write_text("x")
    said = rename(page, "there", "new")
    assert "already" in said[0]
    assert page.workspace.path == tmp_path / "new.yml"


def test_notes_are_part_of_the_design_and_typing_is_one_step(page: DesignPage, tmp_path: Path) -> None:
    page.actions_.others[names.NOTES].trigger()
    assert page.notes.text.hasFocus()
    QTest.keyClicks(page.notes.text, "For the gate, 1 camera")
    assert page.workspace.design.notes == "For the gate, 1 camera"
    assert page.workspace.undo_stack.count() == 1
    page.workspace.save_design(tmp_path / "n.yaml")
    assert load_design(tmp_path / "n.yaml").notes == "For the gate, 1 camera"
    page.workspace.undo_stack.undo()
    assert page.notes.text.toPlainText() == ""
    page.workspace.undo_stack.redo()
    page.notes.fold.click()
    assert not page.notes.text.isVisible()
    assert page.notes.fold.text().endswith("Notes: For the gate, 1 camera")
    page.tools_.preset_chosen.emit("neck")
    assert page.workspace.design.notes == "For the gate, 1 camera", "a preset leaves them"


@pytest.mark.parametrize(
    ("ending", "begins"), [(".csv", "module,kind"), (".md", "| module"), (".tex", "% GFLOPs")]
)
def test_the_cost_table_is_written_in_every_format(
    page: DesignPage,
    told: list[Message],
    save_as: list[tuple[str, str]],
    tmp_path: Path,
    ending: str,
    begins: str,
) -> None:
    page.workspace.apply(preset("separable", "yolov5n"), "start")
    save_as.append((str(tmp_path / f"costs{ending}"), ""))
    page.actions_.others[names.COSTS].trigger()
    text = (tmp_path / f"costs{ending}").read_text(encoding="utf-8")
    assert text.startswith(begins)
    assert told[-1].kind == SUCCESS
    if ending == ".csv":
        rows = list(csv.DictReader(text.splitlines()))
        total = next(
            row
            for row in rows
            if row["module"] == "total" or row["kind"] == "total" or "total" in row.values()
        )
        assert str(compare_cost(page.workspace.design).lightweight.parameters) in total.values()


def test_without_an_ending_the_filter_says_the_format(
    page: DesignPage,
    save_as: list[tuple[str, str]],
    tmp_path: Path,
) -> None:
    save_as.append((str(tmp_path / "costs"), "Markdown (*.md)"))
    page.actions_.others[names.COSTS].trigger()
    assert (tmp_path / "costs.md").exists()
    save_as[:] = [(str(tmp_path / "picture"), "PNG picture (*.png)")]
    page.actions_.others[names.PICTURE].trigger()
    assert (tmp_path / "picture.png").read_bytes()[1:4] == b"PNG"
    save_as[:] = [(str(tmp_path / "picture.svg"), "")]
    page.actions_.others[names.PICTURE].trigger()
    assert "7.72 GFLOPs" in (tmp_path / "picture.svg").read_text()


def test_a_place_that_cannot_be_written_is_told(
    page: DesignPage,
    told: list[Message],
    save_as: list[tuple[str, str]],
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    save_as.append((str(tmp_path / "file" / "costs.csv"), ""))
    page.actions_.others[names.COSTS].trigger()
    assert told[-1].kind == ERROR
    assert "costs.csv" in told[-1].text


def test_a_model_yaml_goes_out_and_comes_back(
    page: DesignPage,
    told: list[Message],
    save_as: list[tuple[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    design = Design.stock("yolov5n").with_swap(["model.5"], Swap("separable"))
    page.workspace.apply(design, "start")
    file = tmp_path / "light-model.yaml"
    save_as.append((str(file), ""))
    page.actions_.others[names.YAML].trigger()
    assert file.read_text(encoding="utf-8") == model_yaml(design, ULTRALYTICS).text
    page.workspace.undo_stack.setClean()
    page.workspace.apply(Design.stock("yolov5s"), "other")
    page.workspace.undo_stack.setClean()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    page.tools_.base.file_wanted.emit()
    assert page.workspace.design.resolved() == design.resolved()
    assert "yolov5n" in told[-1].text


def test_what_a_model_yaml_cannot_say_is_told_with_the_reason(page: DesignPage, told: list[Message]) -> None:
    page.workspace.apply(Design.stock("yolov5n").with_swap(["model.6.m.0.cv2"], Swap("separable")), "start")
    page.actions_.others[names.YAML].trigger()
    assert told[-1].kind == ERROR
    assert "model.6.m.0.cv2" in told[-1].text


def test_the_menu_of_files_holds_them_all(page: DesignPage, qtbot: QtBot) -> None:
    menu = page.tools_.more.menu()
    menu.aboutToShow.emit()
    files = [a for a in menu.actions() if a.menu() is None and not a.isSeparator()]
    assert [action.objectName() for action in files] == [f"action_{name}" for name in names.FILES]
    assert all(action.text() for action in menu.actions() if not action.isSeparator())
    assert [action.text() for action in menu.actions() if action.menu() is not None] == ["Activation"]
