"""Every visible text goes through translation, while running, and fits when it is longer."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QLabel, QMenu, QWidget
from pytestqt.qtbot import QtBot

from app.ui.about import AboutDialog
from app.ui.application import Studio
from app.ui.crash import CrashDialog
from app.ui.i18n import PseudoTranslator, system_language
from app.ui.pages import PAGES
from app.ui.preferences import PreferencesDialog

# Names that are the same in every language, and what the user or the system wrote.
PROPER = ("Depthwise Studio", "English", "简体中文", "PyTorch", "OpenVINO", "ONNX Runtime", "TensorRT")


@pytest.fixture
def pseudo(qapp: QApplication) -> Iterator[PseudoTranslator]:
    translator = PseudoTranslator()
    qapp.installTranslator(translator)
    yield translator
    qapp.removeTranslator(translator)


# Numbers, names of layers and models: nothing that a translator could change.
DATA = re.compile(
    r"[^a-zA-Z]*|[\d.,]+\s?[kMG]?B?|(yolov|model\.).*|P[1-5]|IoU|mAP.*|GFLOPs|ONNX|CPU|CUDA.*|MPS"
)


def _bracketed(text: str) -> bool:
    plain = text.replace("&", "").strip()
    if DATA.fullmatch(plain) or plain.startswith(PROPER):
        return True
    return "[" in plain and "]" in plain


def _unbracketed(root: QWidget) -> list[str]:
    found = []
    for widget in root.findChildren(QWidget):
        if isinstance(widget, QLabel | QAbstractButton) and widget.objectName() != "workspacePath":
            found.append(widget.text())
        found.extend((widget.toolTip(), widget.accessibleName()))
    return sorted({text for text in found if not _bracketed(text) and "/" not in text})


def _clipped(root: QWidget) -> list[str]:
    """Labels and buttons that are narrower or lower than what they say."""
    found = []
    for widget in root.findChildren(QWidget):
        if not widget.isVisibleTo(root) or not isinstance(widget, QLabel | QAbstractButton):
            continue
        if type(widget).__name__ in {"ElidedLabel", "RailButton", "RecentRow"} or not widget.text():
            continue
        if "…" in widget.text() and len(widget.toolTip()) > len(widget.text()):
            continue  # shortened on purpose, the whole of it in the tooltip
        if isinstance(widget, QLabel) and widget.wordWrap():
            wanted = widget.heightForWidth(widget.width())
            if widget.height() < wanted:
                found.append(widget.text())
        elif widget.width() < widget.minimumSizeHint().width() or widget.height() < 1:
            found.append(widget.text())
    return found


def _actions(menu: QMenu) -> Iterator[QAction]:
    for action in menu.actions():
        yield action
        inner = action.menu()
        if isinstance(inner, QMenu):
            yield from _actions(inner)


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800)])
@pytest.mark.parametrize("name", [entry.name for entry in PAGES])
def test_pages_in_pseudo_language(
    studio: Studio, pseudo: PseudoTranslator, qtbot: QtBot, name: str, size: tuple[int, int]
) -> None:
    window = studio.window
    window.resize(*size)
    with qtbot.waitExposed(window):
        window.start()
    window.show_page(name)
    studio.services.messages.warning(window.tr("Something."))
    qtbot.wait(50)
    assert _unbracketed(window) == []
    assert _clipped(window) == []
    words = [action.text() for menu in window.actions_.menus.values() for action in _actions(menu)]
    assert [text for text in words if not _bracketed(text)] == []
    assert len(words) > 25


@pytest.mark.parametrize("kind", ["preferences", "about", "crash"])
def test_dialogs_in_pseudo_language(
    studio: Studio, pseudo: PseudoTranslator, qtbot: QtBot, kind: str
) -> None:
    dialog: QDialog = {
        "preferences": lambda: PreferencesDialog(studio.services),
        "about": AboutDialog,
        "crash": lambda: CrashDialog("reason"),
    }[kind]()
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    texts = [text for text in _unbracketed(dialog) if not text.startswith("Depthwise")]
    assert texts == []
    assert _clipped(dialog) == []
    assert _bracketed(dialog.windowTitle())


def test_words_change_while_running(studio: Studio, qapp: QApplication, qtbot: QtBot) -> None:
    window = studio.window
    window.start()
    before = window.rail.buttons["home"].text()
    translator = PseudoTranslator()
    qapp.installTranslator(translator)
    try:
        qtbot.waitUntil(lambda: window.rail.buttons["home"].text().startswith("["))
        assert window.page("home").title.text().startswith("[")
        assert window.actions_.menus["file"].title().startswith("[")
    finally:
        qapp.removeTranslator(translator)
    qtbot.waitUntil(lambda: window.rail.buttons["home"].text() == before)


def test_the_system_language_is_one_that_we_have() -> None:
    assert system_language() in {"en", "zh_CN"}
