"""Home: three ways to begin, and what was worked on last."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.core.design import Design, dump_design
from app.ui.application import Studio
from app.ui.pages.home import HomePage
from app.ui.requests import COMPARE, DESIGN, SAMPLE, TRAIN, CompareRequest, RunRequest


@pytest.fixture
def home(studio: Studio, qtbot: QtBot) -> HomePage:
    window = studio.window
    window.resize(1280, 800)
    with qtbot.waitExposed(window):
        window.start()
    # What other pages make of a request is theirs to test.
    studio.services.workspace.page_requested.disconnect()
    page = window.page("home")
    assert isinstance(page, HomePage)
    return page


def _click(qtbot: QtBot, home: HomePage, name: str) -> list[object]:
    with qtbot.waitSignal(home.workspace.page_requested) as heard:
        qtbot.mouseClick(home.findChild(QPushButton, name), Qt.MouseButton.LeftButton)
    return list(heard.args or [])


def test_see_it_live_starts_the_sample(home: HomePage, qtbot: QtBot) -> None:
    assert _click(qtbot, home, "seeLive") == [COMPARE, CompareRequest(SAMPLE, SAMPLE, SAMPLE, True)]


def test_lighten_goes_to_the_design(home: HomePage, qtbot: QtBot) -> None:
    assert _click(qtbot, home, "lightenModel") == [DESIGN, None]


def test_open_lets_the_user_choose(home: HomePage, qtbot: QtBot) -> None:
    home.workspace.open_requested.disconnect()
    with qtbot.waitSignal(home.workspace.open_requested) as heard:
        qtbot.mouseClick(home.findChild(QPushButton, "openFiles"), Qt.MouseButton.LeftButton)
    assert heard.args == [[]]


def test_one_primary_button(home: HomePage) -> None:
    visible = [button for button in home.findChildren(QPushButton) if button.isVisible()]
    assert [button.objectName() for button in visible if button.property("role") == "primary"] == ["seeLive"]


def test_the_drop_zone_lights_up_and_hands_on(home: HomePage, qtbot: QtBot, tmp_path: Path) -> None:
    home.workspace.open_requested.disconnect()
    path = tmp_path / "w.pt"
    path.touch()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    card = home.drop_card
    before = card.grab().toImage()
    QApplication.sendEvent(card, QDragEnterEvent(QPoint(9, 9), copy, data, buttons, keys))
    assert card.grab().toImage() != before
    QApplication.sendEvent(card, QDragLeaveEvent())
    assert card.grab().toImage() == before
    QApplication.sendEvent(card, QDragEnterEvent(QPoint(9, 9), copy, data, buttons, keys))
    with qtbot.waitSignal(home.workspace.open_requested) as heard:
        QApplication.sendEvent(card, QDropEvent(QPointF(9, 9), copy, data, buttons, keys))
    assert heard.args == [[path]]
    assert card.grab().toImage() == before


def test_empty_lists_say_what_will_be_there(home: HomePage) -> None:
    home.refresh()
    for part in (home.designs, home.runs):
        assert part.rows == ()
        assert part.sentence.isVisible()
        assert part.sentence.text()


def test_recent_designs_open_and_lost_ones_are_not_shown(
    home: HomePage, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "blood cells.yaml"
    path.write_text(dump_design(Design.stock("yolov5s")))
    home.store.update(recent_designs=(str(path), str(tmp_path / "gone.yaml")))
    home.refresh()
    assert [row.text() for row in home.designs.rows] == ["blood cells"]
    with qtbot.waitSignal(home.workspace.page_requested) as heard:
        qtbot.mouseClick(home.designs.rows[0], Qt.MouseButton.LeftButton)
    assert heard.args == [DESIGN, None]
    assert home.workspace.design.base == "yolov5s"


def test_a_recent_design_that_broke_is_told(
    home: HomePage, qtbot: QtBot, tmp_path: Path, studio: Studio
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("format: 1\nbase: nothing\n")
    home.store.update(recent_designs=(str(path),))
    home.refresh()
    qtbot.mouseClick(home.designs.rows[0], Qt.MouseButton.LeftButton)
    assert "nothing" in studio.window.notes.notes[-1].message.text
    assert home.designs.rows == ()


def test_runs_tell_how_they_stand(home: HomePage, qtbot: QtBot) -> None:
    folder = home.workspace.folder
    for name, events in (
        ("done", [{"event": "epoch", "epoch": 2, "map50": 0.8734}, {"event": "finished"}]),
        ("bad", [{"event": "failed", "reason": "Out of memory"}]),
    ):
        run = folder.new_run(name)
        (run.path / "run.yaml").write_text("format: 1\nepochs: 2\n")
        run.append_event({"event": "started", "t": 0.0, "epochs": 2})
        for number, event in enumerate(events, 1):
            run.append_event({"t": float(number), **event})
    home.workspace.notify_runs_changed()
    names = {row.text(): row.accessibleName() for row in home.runs.rows}
    assert set(names) == {"done", "bad"}
    assert "0.873" in names["done"]
    assert "finished" in names["done"]
    assert "failed" in names["bad"]
    row = next(row for row in home.runs.rows if row.text() == "done")
    with qtbot.waitSignal(home.workspace.page_requested) as heard:
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    assert heard.args == [TRAIN, RunRequest("done")]


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800), (1920, 1080)])
def test_nothing_is_cut_off(home: HomePage, studio: Studio, qtbot: QtBot, size: tuple[int, int]) -> None:
    studio.window.resize(*size)
    qtbot.waitUntil(lambda: studio.window.width() == size[0])
    QApplication.processEvents()
    for button in home.findChildren(QPushButton):
        if button.isVisible():
            corner = button.mapTo(home, button.rect().bottomRight())
            assert home.rect().contains(corner)
            assert button.width() >= button.sizeHint().width()
    for card in (home.live_card, home.lighten_card, home.drop_card):
        assert card.words.height() >= card.words.heightForWidth(card.words.width())
