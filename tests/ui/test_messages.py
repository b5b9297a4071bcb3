"""Messages stand above the page, once, and go or stay as their kind demands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.core.errors import AppError
from app.ui.application import Studio
from app.ui.messages import Choice, ask
from app.ui.widgets import notes as notes_module


def _texts(studio: Studio) -> list[list[str]]:
    shown = []
    for note in studio.window.notes.notes:
        labels = [label.text() for label in note.findChildren(QLabel) if label.text()]
        shown.append(labels)
    return shown


@pytest.fixture
def shown(studio: Studio, qtbot: QtBot) -> Studio:
    studio.window.resize(1024, 700)
    with qtbot.waitExposed(studio.window):
        studio.window.start()
    return studio


def test_an_error_of_the_core_shows_message_and_hint(shown: Studio) -> None:
    shown.services.messages.error(AppError("Line 4 is wrong.", "Correct it."))
    assert _texts(shown) == [["Line 4 is wrong.", "Correct it."]]
    assert shown.window.notes.isVisible()


def test_notes_stay_inside_the_page_below_its_header(shown: Studio) -> None:
    long = "A sentence that is much too long for one line of the note. " * 5
    shown.services.messages.warning(long, long)
    area = shown.window.notes
    over = shown.window.stack
    header = shown.window.page("home").header
    assert area.geometry().left() >= 0
    assert area.geometry().right() <= over.width()
    assert area.geometry().top() >= header.geometry().bottom()
    label = next(item for item in area.notes[0].findChildren(QLabel) if item.text() == long)
    assert label.height() >= label.heightForWidth(label.width())


def test_info_goes_by_itself_and_an_error_stays(
    shown: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes_module, "_LIFETIME_MS", 50)
    shown.services.messages.error("It failed.")
    shown.services.messages.info("By the way.")
    assert len(shown.window.notes.notes) == 2
    qtbot.waitUntil(lambda: len(shown.window.notes.notes) == 1, timeout=2000)
    assert _texts(shown) == [["It failed."]]


def test_the_same_message_stands_once_and_three_at_most(shown: Studio) -> None:
    for _ in range(3):
        shown.services.messages.error("Same.")
    assert len(shown.window.notes.notes) == 1
    for number in range(4):
        shown.services.messages.error(f"Other {number}.")
    assert _texts(shown) == [["Other 1."], ["Other 2."], ["Other 3."]]


def test_cross_and_escape_close(shown: Studio, qtbot: QtBot) -> None:
    shown.services.messages.error("One.")
    shown.services.messages.error("Two.")
    cross = shown.window.notes.notes[0].findChild(QToolButton, "messageClose")
    assert cross.accessibleName()
    qtbot.mouseClick(cross, Qt.MouseButton.LeftButton)
    assert _texts(shown) == [["Two."]]
    qtbot.keyClick(shown.window, Qt.Key.Key_Escape)
    assert not shown.window.notes.notes
    assert not shown.window.notes.isVisible()


def test_action_is_called_and_closes(shown: Studio, qtbot: QtBot) -> None:
    called: list[int] = []
    shown.services.messages.info("Done.", action="Show", on_action=lambda: called.append(1))
    button = shown.window.notes.notes[0].findChild(QPushButton, "messageAction")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert called == [1]
    assert not shown.window.notes.notes


def test_a_message_is_plain_text(shown: Studio) -> None:
    shown.services.messages.error("<b>bold</b>.pt <img src='http://x/y.png'>")
    label = shown.window.notes.notes[0].findChildren(QLabel)[1]
    assert label.textFormat() == Qt.TextFormat.PlainText


@pytest.mark.parametrize(("pressed", "given"), [("save", "save"), ("discard", "discard"), ("cancel", "")])
def test_question_gives_the_answer(
    shown: Studio, answer: Callable[[str], list[str]], pressed: str, given: str
) -> None:
    texts = answer(pressed)
    choices = (Choice("save", "Save", "primary"), Choice("discard", "Discard", "danger"))
    assert ask(shown.window, "Title", "Save it?", choices, "A hint.") == given
    assert texts == ["Save it?", "A hint."]
