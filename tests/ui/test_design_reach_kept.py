"""What is locked and allowed for reaching a target belongs to the design: it comes back with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.reach_means import FILE_NAME
from app.ui.application import build
from app.ui.pages.design import DesignPage
from app.ui.pages.design_reach_dialog import ReachDialog
from tests.ui.designing import click, press


@pytest.fixture
def page(design_page: DesignPage) -> Iterator[DesignPage]:
    yield design_page
    design_page.reach.close()


def opened(page: DesignPage) -> ReachDialog:
    press(page, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    dialog = page.reach.dialog
    assert dialog is not None
    return dialog


def test_locks_and_kinds_come_back_with_their_design(
    page: DesignPage, qtbot: QtBot, settings_file: Path, tmp_path: Path
) -> None:
    workspace, locks = page.workspace, page.reach.locks
    click(page, "model.24")
    press(page, Qt.Key.Key_L)
    root = workspace.folder.root
    assert not (root / FILE_NAME).exists(), "a design without a file keeps nothing"
    first, second = root / "designs" / "first.yaml", root / "designs" / "second.yaml"
    workspace.save_design(first)
    dialog = opened(page)
    dialog.means.kinds.fitted.trigger()
    workspace.save_design(second)
    click(page, "model.6")
    press(page, Qt.Key.Key_L)
    assert locks.paths == ("model.6", "model.24")

    assert workspace.open_design(first)
    assert locks.paths == ("model.24",), "the copy went on with them, and with more of its own"
    assert dialog.means.kinds.allowed == ("separable",)
    assert page.diagram.locked == locks.all_paths
    assert workspace.new_design()
    assert (locks.paths, dialog.means.kinds.allowed) == ((), None)
    assert dialog.means.kinds.text() == "all kinds"

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    again = build(app, settings_file, tmp_path / "again.ini")
    qtbot.addWidget(again.window)
    assert again.services.workspace.open_design(second), "before its page is made"
    again.window.show_page("design")
    later = again.window.page("design")
    assert isinstance(later, DesignPage)
    assert later.reach.locks.paths == ("model.6", "model.24")
    later.reach.open()
    assert later.reach.dialog is not None
    assert later.reach.dialog.means.kinds.text() == "Depthwise separable"
    later.reach.close()
    again.theme.deleteLater()
    again.languages.deleteLater()


def test_a_workspace_that_cannot_be_written_is_told_once(page: DesignPage, tmp_path: Path) -> None:
    told: list[str] = []
    page.messages.posted.connect(lambda message: told.append(message.text))
    page.workspace.save_design(tmp_path / "elsewhere.yaml")
    (page.workspace.folder.root / FILE_NAME).mkdir(parents=True)
    for path in ("model.24", "model.6"):
        click(page, path)
        press(page, Qt.Key.Key_L)
    assert len(told) == 1
    assert told[0].startswith("Locked layers and allowed kinds are not remembered")
    assert page.reach.locks.paths == ("model.6", "model.24")
