"""Preferences act at once and are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.settings import load_settings
from app.ui import theme
from app.ui.application import Studio
from app.ui.preferences import PreferencesDialog


@pytest.fixture
def dialog(studio: Studio, qtbot: QtBot) -> PreferencesDialog:
    made = PreferencesDialog(studio.services, studio.window)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_theme_acts_at_once_and_is_kept(dialog: PreferencesDialog, settings_file: Path) -> None:
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    assert theme.tokens().name == "dark"
    assert load_settings(settings_file).theme == "dark"


def test_language_runtime_and_network_are_kept(
    dialog: PreferencesDialog, settings_file: Path, studio: Studio
) -> None:
    assert load_settings(settings_file).allow_network is False
    dialog.language.setCurrentIndex(dialog.language.findData("zh_CN"))
    dialog.runtime.setCurrentIndex(dialog.runtime.findData("openvino"))
    dialog.network.click()
    saved = load_settings(settings_file)
    assert (saved.language, saved.runtime, saved.allow_network) == ("zh_CN", "openvino", True)
    assert studio.languages.language == "zh_CN"


def test_menu_and_dialog_agree(dialog: PreferencesDialog, studio: Studio) -> None:
    dialog.theme.setCurrentIndex(dialog.theme.findData("dark"))
    assert studio.window.actions_._theme["dark"].isChecked()
    assert not studio.window.actions_._theme["light"].isChecked()


def test_another_workspace_is_taken_at_once(
    dialog: PreferencesDialog, studio: Studio, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    dialog.use_workspace(other)
    assert studio.services.workspace.folder.root == other
    assert dialog.folder.text() == str(other)
    assert not dialog.problem.isVisible()


def test_a_folder_that_is_none_is_refused_in_the_dialog(
    dialog: PreferencesDialog, studio: Studio, tmp_path: Path, workspace: Path
) -> None:
    dialog.use_workspace(tmp_path / "missing")
    assert dialog.problem.isVisible()
    assert "missing" in dialog.problem.text()
    assert studio.services.workspace.folder.root == workspace


def test_the_workspace_stays_while_something_runs(
    dialog: PreferencesDialog, studio: Studio, tmp_path: Path, workspace: Path
) -> None:
    task = studio.services.tasks.add("Training")
    dialog.use_workspace(tmp_path)
    assert dialog.problem.isVisible()
    assert studio.services.workspace.folder.root == workspace
    task.end()


def test_preferences_that_cannot_be_saved_are_told(studio: Studio, qtbot: QtBot, settings_file: Path) -> None:
    studio.window.start()
    settings_file.unlink()
    settings_file.mkdir()
    (settings_file / "in the way").touch()
    studio.services.store.update(theme="dark")
    QApplication.processEvents()
    assert theme.tokens().name == "dark"
    assert "preferences" in studio.window.notes.notes[-1].message.text
