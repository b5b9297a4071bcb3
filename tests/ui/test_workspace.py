"""The shared document: history by name, files, nothing lost without a question."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.design import Design, Swap, dump_design, load_design, parse_design
from app.core.errors import AppError
from app.ui.requests import COMPARE, TRAIN, CompareRequest, TrainRequest
from app.ui.store import SettingsStore
from app.ui.workspace import RECOVERY_NAME, Workspace

SEPARABLE = Swap("separable")


@pytest.fixture
def store(qapp: QApplication, settings_file: Path) -> SettingsStore:
    return SettingsStore(settings_file)


@pytest.fixture
def document(store: SettingsStore) -> Workspace:
    return Workspace(store)


def test_it_begins_with_a_clean_standard_model(document: Workspace) -> None:
    assert document.design == Design.stock("yolov5n")
    assert not document.dirty
    assert document.path is None
    assert document.name == "yolov5n"


def test_steps_are_undone_by_name(document: Workspace, qtbot: QtBot) -> None:
    stock = document.design
    with qtbot.waitSignal(document.design_changed) as heard:
        document.apply(stock.with_swap(["model.3"], SEPARABLE), "Make model.3 separable")
    assert heard.args == [document.design]
    assert document.dirty
    document.apply(document.design.with_swap(["model.5"], SEPARABLE), "Make model.5 separable")
    assert document.undo_stack.undoText() == "Make model.5 separable"
    document.undo_stack.undo()
    document.undo_stack.undo()
    assert document.design == stock
    assert not document.dirty
    assert document.undo_stack.redoText() == "Make model.3 separable"


def test_the_same_design_again_is_no_step(document: Workspace) -> None:
    document.apply(Design.stock("yolov5n"), "Nothing")
    assert document.undo_stack.count() == 0


def test_steps_of_one_control_merge(document: Workspace) -> None:
    stock = document.design
    for rank in (1, 2, 3):
        document.apply(
            stock.with_swap(["model.3"], Swap("separable", {"rank": rank})), "Rank", merge="rank model.3"
        )
    assert document.undo_stack.count() == 1
    document.undo_stack.undo()
    assert document.design == stock


def test_save_and_open_round_trip(document: Workspace, workspace: Path) -> None:
    document.apply(document.design.with_swap(["model.3"], SEPARABLE), "Swap")
    saved = document.save_design(workspace / "designs" / "mine.yaml")
    assert not document.dirty
    assert document.name == "mine"
    assert document.store.settings.recent_designs == (str(saved),)
    design = document.design
    assert document.new_design("yolov5s")
    assert document.path is None
    assert document.open_design(saved)
    assert document.design == design == load_design(saved)


def test_saving_without_a_file_is_refused(document: Workspace) -> None:
    with pytest.raises(AppError) as refused:
        document.save_design()
    assert refused.value.hint


def test_a_broken_file_changes_nothing(document: Workspace, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("format: 1\nbase: yolov5n\nswaps:\n  model.999: separable\n")
    document.store.update(recent_designs=(str(broken),))
    document.apply(document.design.with_swap(["model.3"], SEPARABLE), "Swap")
    design = document.design
    asked: list[int] = []
    document.may_discard = lambda: not asked.append(1)  # type: ignore[func-returns-value]
    with pytest.raises(AppError):
        document.open_design(broken)
    assert document.design == design
    assert document.dirty
    assert not asked
    assert document.store.settings.recent_designs == ()


def test_changes_are_not_lost_without_a_question(document: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(dump_design(Design.stock("yolov5s")))
    document.apply(document.design.with_swap(["model.3"], SEPARABLE), "Swap")
    design = document.design
    document.may_discard = lambda: False
    assert not document.new_design()
    assert not document.open_design(path)
    assert not document.use_design(Design.stock("yolov5m"))
    assert document.design == design


def test_an_unsaved_design_is_offered_back_after_a_crash(
    document: Workspace, workspace: Path, qtbot: QtBot
) -> None:
    document.save_design(workspace / "mine.yaml")
    document.apply(document.design.with_swap(["model.3"], SEPARABLE), "Swap")
    qtbot.waitUntil(lambda: (workspace / RECOVERY_NAME).exists(), timeout=4000)
    after_crash = Workspace(document.store)
    recovery = after_crash.recovery()
    assert recovery is not None
    assert recovery.design == document.design
    assert recovery.path == workspace / "mine.yaml"
    after_crash.restore(recovery)
    assert after_crash.design == document.design
    assert after_crash.dirty
    after_crash.save_design()
    assert after_crash.recovery() is None


def test_undoing_everything_leaves_nothing_to_recover(document: Workspace, workspace: Path) -> None:
    document.apply(document.design.with_swap(["model.3"], SEPARABLE), "Swap")
    document.write_recovery()
    assert (workspace / RECOVERY_NAME).exists()
    document.undo_stack.undo()
    assert not (workspace / RECOVERY_NAME).exists()


@pytest.mark.parametrize("text", ["", "- 1", "design: 3", "file: [", "design: 'format: 9'", "\x00"])
def test_a_broken_recovery_file_is_forgotten(document: Workspace, workspace: Path, text: str) -> None:
    (workspace / RECOVERY_NAME).write_text(text)
    assert document.recovery() is None
    assert not (workspace / RECOVERY_NAME).exists()


def test_another_workspace_folder_is_taken_at_once(document: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with qtbot.waitSignals([document.folder_changed, document.runs_changed]):
        document.store.update(workspace=str(other))
    assert document.folder.root == other


def test_requests_name_page_and_wish(document: Workspace, qtbot: QtBot) -> None:
    with qtbot.waitSignal(document.page_requested) as heard:
        document.request_training("data.yaml")
    assert heard.args == [TRAIN, TrainRequest("data.yaml")]
    with qtbot.waitSignal(document.page_requested) as heard:
        document.request_comparison("a.pt", "b.pt", play=True)
    assert heard.args == [COMPARE, CompareRequest("a.pt", "b.pt", "", True)]


def test_chosen_data_is_told_and_remembered(document: Workspace, tmp_path: Path, qtbot: QtBot) -> None:
    data = tmp_path / "data.yaml"
    data.write_text("names: [a]\n")
    with qtbot.waitSignal(document.data_changed) as heard:
        document.set_data(str(data))
    assert heard.args == [str(data)] == [document.data]
    assert document.store.settings.recent_data == (str(data),)
    with qtbot.assertNotEmitted(document.data_changed):
        document.set_data(str(data))


def test_recovered_text_is_a_design_file(document: Workspace, workspace: Path) -> None:
    document.apply(document.design.with_swap(["model.3"], SEPARABLE), "Swap")
    document.write_recovery()
    import yaml

    record = yaml.safe_load((workspace / RECOVERY_NAME).read_text())
    assert parse_design(record["design"]) == document.design
