"""The widgets that all pages share."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.application import Studio
from app.ui.widgets.cards import button, label, name_widget, tool
from app.ui.widgets.elided import ElidedLabel
from app.ui.widgets.empty_state import EmptyState

PATH = "/home/somebody/a very long folder name/another one that is longer still/weights/best.pt"


def test_an_elided_label_keeps_its_text_and_fits(studio: Studio, qtbot: QtBot) -> None:
    elided = ElidedLabel(PATH, Qt.TextElideMode.ElideMiddle)
    qtbot.addWidget(elided)
    elided.resize(120, 24)
    elided.show()
    assert elided.text() == PATH
    assert elided.toolTip() == PATH
    assert elided.minimumSizeHint().width() < 60
    image = elided.grab().toImage()
    ink = [[image.pixelColor(x, y).alpha() > 128 for x in range(120)] for y in range(image.height())]
    assert any(any(row) for row in ink)
    assert not any(row[-1] for row in ink)


@pytest.mark.parametrize("width", [300, 480, 900])
def test_an_empty_state_shows_all_of_its_words(studio: Studio, qtbot: QtBot, width: int) -> None:
    state = EmptyState("data")
    qtbot.addWidget(state)
    state.set_texts("A sentence that is long enough to need two lines. " * 2, "A hint. " * 20, "Do it")
    state.resize(width, 600)
    with qtbot.waitExposed(state):
        state.show()
    for words in (state.sentence, state.hint):
        assert words.height() >= words.heightForWidth(words.width())
        assert words.width() <= min(width, 440)
        middle = words.mapTo(state, words.rect().center()).x()
        assert abs(middle - width / 2) <= 2
    assert state.primary.isVisible()
    assert not state.secondary.isVisible()
    with qtbot.waitSignal(state.primary_clicked):
        qtbot.mouseClick(state.primary, Qt.MouseButton.LeftButton)


def test_an_empty_state_shows_progress_and_failure(studio: Studio, qtbot: QtBot) -> None:
    state = EmptyState("chip")
    qtbot.addWidget(state)
    state.set_texts("Looking…")
    state.resize(500, 400)
    state.show()
    assert not state.bar.isVisible()
    state.show_progress(-1)
    assert state.bar.isVisible()
    assert (state.bar.minimum(), state.bar.maximum()) == (0, 0)
    state.show_progress(0.25)
    assert state.bar.value() == state.bar.maximum() / 4
    state.show_progress(None)
    assert not state.bar.isVisible()
    before = state.icon.pixmap().toImage()
    state.set_icon("error", "bad")
    assert state.icon.pixmap().toImage() != before


def test_labels_show_what_they_are_given_as_plain_text(studio: Studio, qtbot: QtBot) -> None:
    words = label("<b>a</b>", "muted", wrap=True, tone="bad")
    qtbot.addWidget(words)
    assert words.textFormat() == Qt.TextFormat.PlainText
    assert (words.property("role"), words.property("tone")) == ("muted", "bad")


def test_buttons_have_names_roles_and_room_before_their_words(studio: Studio, qtbot: QtBot) -> None:
    plain = button("plain", "primary", "play")
    qtbot.addWidget(plain)
    assert plain.objectName() == "plain"
    assert plain.iconSize().width() > plain.iconSize().height()
    bare = tool("undo", "undo", checkable=True)
    qtbot.addWidget(bare)
    name_widget(bare, "Undo", "Ctrl+Z")
    assert bare.accessibleName() == "Undo"
    assert bare.toolTip() == "Undo (Ctrl+Z)"
    assert bare.isCheckable()


def test_an_icon_that_is_not_there_is_found_out_at_once(studio: Studio) -> None:
    with pytest.raises(OSError, match="nonsense"):
        button("plain", icon="nonsense")
    QApplication.processEvents()
