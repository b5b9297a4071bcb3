"""The source menu of the Compare page, and its dialogs, as a person sees them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QDialogButtonBox
from pytestqt.qtbot import QtBot

from app.core.settings import load_settings
from app.core.source_options import SourceOptions
from app.ui.pages.compare_source_dialogs import AddressDialog, CameraDialog
from app.ui.pages.compare_source_menu import SourceMenu
from app.ui.store import SettingsStore

pytestmark = pytest.mark.window
OK = QDialogButtonBox.StandardButton.Ok


@pytest.fixture
def menu(qtbot: QtBot) -> SourceMenu:
    made = SourceMenu(SettingsStore())
    qtbot.addWidget(made)
    made.retranslate()
    return made


def words(menu: SourceMenu) -> list[str]:
    return [menu.itemText(i) for i in range(menu.count()) if menu.itemText(i)]


def choose(menu: SourceMenu, text: str) -> None:
    index = menu.findText(text)
    assert index >= 0, words(menu)
    menu.setCurrentIndex(index)
    menu.activated.emit(index)


def answering(kind: type, act: Callable[[Any], None]) -> None:
    """Act on a dialog of a kind as soon as it is shown."""

    def look() -> None:
        shown = QApplication.activeModalWidget()
        if isinstance(shown, kind):
            act(shown)
        else:
            QTimer.singleShot(20, look)

    QTimer.singleShot(20, look)


def test_cameras_screens_and_recent_sources_stand_in_the_menu(menu: SourceMenu) -> None:
    menu._store.update(recent_sources=("/videos/one.mp4", "rtsp://10.0.0.7/live"))
    menu.set_cameras([{"index": 0, "name": "Webcam"}], screens=2)
    assert words(menu) == [
        "Sample clip",
        "Webcam",
        "Screen 1",
        "Screen 2",
        "one.mp4",
        "10.0.0.7/live",
        "Video file…",
        "Folder of pictures…",
        "Stream address…",
    ]


def test_a_password_is_shown_nowhere(menu: SourceMenu) -> None:
    menu.choose("rtsp://user:secret@10.0.0.7/live")
    assert menu.currentText() == "10.0.0.7/live"
    assert "secret" not in "".join(words(menu)) + menu.toolTip()


def test_the_settings_of_a_camera_are_asked_kept_and_told(menu: SourceMenu, qtbot: QtBot) -> None:
    menu.set_cameras([{"index": 3, "name": "Webcam"}])
    assert "Camera settings…" not in words(menu)
    menu.choose("camera:3")

    def act(dialog: CameraDialog) -> None:
        dialog.size_.setCurrentIndex(dialog.size_.findText("1280 × 720"))
        dialog.rate.setCurrentIndex(dialog.rate.findData(30.0))
        dialog.mirror.setChecked(True)
        dialog.buttons.button(OK).click()

    answering(CameraDialog, act)
    with qtbot.waitSignal(menu.options_changed) as told:
        choose(menu, "Camera settings…")
    wanted = {"width": 1280, "height": 720, "fps": 30.0, "mirror": True}
    assert told.args == [wanted]
    assert menu.currentText() == "Webcam"
    assert menu.options_of("camera:3") == wanted
    assert menu.options_of("sample") == {}
    assert load_settings().cameras == {"Webcam": wanted}


def test_a_camera_dialog_shows_what_was_chosen_before(qtbot: QtBot) -> None:
    before = SourceOptions(1920, 1080, 60.0, True)
    dialog = CameraDialog("Webcam", before)
    qtbot.addWidget(dialog)
    assert dialog.options == before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", ""),
        ("camera.local/live", "is no address of a stream"),
        ("ftp://camera.local/live", "are not supported"),
        ("rtsp://", "names no computer"),
        ("rtsp://camera.local:port/live", "names no computer"),
    ],
)
def test_an_address_that_cannot_be_opened_is_explained_and_ok_waits(
    qtbot: QtBot, typed: str, said: str
) -> None:
    dialog = AddressDialog()
    qtbot.addWidget(dialog)
    dialog.address.setText(typed)
    assert said in dialog.problem.text()
    assert not dialog.buttons.button(OK).isEnabled()


def test_an_address_is_chosen(menu: SourceMenu, qtbot: QtBot) -> None:
    def act(dialog: AddressDialog) -> None:
        dialog.address.setText(" rtsp://user:secret@10.0.0.7:554/live ")
        dialog.buttons.button(OK).click()

    answering(AddressDialog, act)
    with qtbot.waitSignal(menu.value_chosen) as told:
        choose(menu, "Stream address…")
    assert told.args == ["rtsp://user:secret@10.0.0.7:554/live"]


def test_a_file_that_is_gone_stays_chosen_by_its_name(menu: SourceMenu, tmp_path: Path) -> None:
    menu.choose(str(tmp_path / "gone.mp4"))
    assert menu.currentText() == "gone.mp4"
