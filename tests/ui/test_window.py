"""The window: pages at their first visit, menus, drops, and no end without a question."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.core.design import Swap, load_design
from app.ui import pages
from app.ui.application import Studio
from app.ui.page import Page, Services
from app.ui.pages import PageEntry
from app.ui.requests import (
    COMPARE,
    DATA,
    DESIGN,
    HOME,
    MODELS,
    CompareRequest,
    DataRequest,
    ModelRequest,
    Request,
)
from app.ui.window import MINIMUM, MainWindow

SEPARABLE = Swap("separable")


class ProbePage(Page):
    """Writes down what the window asks of it."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.calls: list[object] = []
        self.action = QAction("Duplicate", self)
        self.action.setShortcut("Ctrl+D")
        self.action.triggered.connect(lambda: self.calls.append("duplicate"))
        self.runner = QAction("Run it", self)

    def retranslate(self) -> None:
        self.calls.append("retranslate") if hasattr(self, "calls") else None

    def activated(self) -> None:
        self.calls.append("activated")

    def deactivated(self) -> None:
        self.calls.append("deactivated")

    def receive(self, request: Request) -> None:
        self.calls.append(request)

    def menu_actions(self) -> dict[str, list[QAction]]:
        return {"edit": [self.action], "run": [self.runner]}

    def shutdown(self) -> None:
        self.calls.append("shutdown")


class FailingPage(Page):
    """Cannot be made the first time."""

    tries = 0

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        type(self).tries += 1
        if self.tries == 1:
            raise RuntimeError("no plots here")


@pytest.fixture
def shown(studio: Studio, qtbot: QtBot) -> MainWindow:
    """The window with probes in place of every page but Home."""
    window = studio.window
    for name, entry in list(window._entries.items()):
        if name != HOME:
            factory = f"{__name__}:ProbePage"
            window._entries[name] = PageEntry(name, entry.icon, entry.word, factory)
    window.resize(1280, 800)
    with qtbot.waitActive(window):
        window.start()
        window.activateWindow()
    return window


def probe(window: MainWindow, name: str) -> ProbePage:
    page = window.page(name)
    assert isinstance(page, ProbePage)
    return page


def test_every_page_of_the_rail_names_a_module_of_its_own() -> None:
    assert [entry.name for entry in pages.PAGES] == ["home", "design", "data", "train", "compare", "models"]
    assert all(entry.factory.startswith(f"app.ui.pages.{entry.name}:") for entry in pages.PAGES)


def test_pages_are_made_at_their_first_visit(shown: MainWindow, qtbot: QtBot) -> None:
    assert len(shown.pages) == 1
    qtbot.mouseClick(shown.rail.buttons[DATA], Qt.MouseButton.LeftButton)
    page = probe(shown, DATA)
    assert shown.active == DATA
    assert shown.stack.currentWidget().widget() is page
    assert shown.rail.buttons[DATA].isChecked()
    assert page.calls == ["retranslate", "activated"]
    qtbot.mouseClick(shown.rail.buttons[HOME], Qt.MouseButton.LeftButton)
    qtbot.mouseClick(shown.rail.buttons[DATA], Qt.MouseButton.LeftButton)
    assert page.calls == ["retranslate", "activated", "deactivated", "activated"]
    assert probe(shown, DATA) is page


def test_number_keys_change_pages(shown: MainWindow, qtbot: QtBot) -> None:
    for number, entry in enumerate(pages.PAGES, 1):
        qtbot.keyClick(shown, getattr(Qt.Key, f"Key_{number}"), Qt.KeyboardModifier.ControlModifier)
        assert shown.active == entry.name


def test_a_request_reaches_a_page_that_did_not_exist(shown: MainWindow) -> None:
    shown.services.workspace.request_comparison("a.pt", "b.pt", "clip.mp4", play=True)
    assert shown.active == COMPARE
    assert probe(shown, COMPARE).calls[-2:] == [
        "activated",
        CompareRequest("a.pt", "b.pt", "clip.mp4", True),
    ]


def test_page_actions_stand_in_the_menus_while_it_is_visible(shown: MainWindow, qtbot: QtBot) -> None:
    edit, run = shown.actions_.menus["edit"], shown.actions_.menus["run"]
    assert not run.menuAction().isVisible()
    count = len(edit.actions())
    shown.show_page(DATA)
    page = probe(shown, DATA)
    assert page.action in edit.actions()
    assert run.menuAction().isVisible()
    qtbot.keyClick(shown, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert page.calls[-1] == "duplicate"
    shown.show_page(HOME)
    assert len(edit.actions()) == count
    assert not run.menuAction().isVisible()
    before = len(page.calls)
    qtbot.keyClick(shown, Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert len(page.calls) == before


def test_undo_names_the_step_and_works_on_the_design_page_alone(shown: MainWindow, qtbot: QtBot) -> None:
    workspace = shown.services.workspace
    workspace.apply(workspace.design.with_swap(["model.3"], SEPARABLE), "Make model.3 separable")
    assert not shown.actions_.undo.isEnabled()
    shown.show_page(DESIGN)
    assert shown.actions_.undo.text() == "&Undo: Make model.3 separable"
    qtbot.keyClick(shown, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert workspace.design.is_standard
    assert shown.actions_.redo.text() == "&Redo: Make model.3 separable"
    qtbot.keyClick(shown, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert not workspace.design.is_standard


def test_no_two_actions_share_a_shortcut(shown: MainWindow) -> None:
    keys = [key.toString() for action in shown.findChildren(QAction) for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    assert {"Ctrl+O", "Ctrl+S", "Ctrl+Shift+S", "Ctrl+Z", "Ctrl+Y", "F1", "F11", "Ctrl+,"} <= set(keys)


def test_title_tells_name_and_unsaved_changes(shown: MainWindow, workspace: Path) -> None:
    document = shown.services.workspace
    assert shown.windowTitle().startswith("yolov5n[*]")
    document.apply(document.design.with_swap(["model.3"], SEPARABLE), "Swap")
    assert shown.isWindowModified()
    document.save_design(workspace / "mine.yaml")
    assert shown.windowTitle().startswith("mine[*]")
    assert not shown.isWindowModified()


def test_a_page_that_fails_says_why_and_can_be_tried_again(shown: MainWindow, qtbot: QtBot) -> None:
    FailingPage.tries = 0
    shown._entries[DATA] = PageEntry(DATA, "data", "Data", f"{__name__}:FailingPage")
    shown.show_page(DATA)
    reason = shown.page(DATA).findChild(QPlainTextEdit, "failureReason")
    assert "RuntimeError: no plots here" in reason.toPlainText()
    qtbot.mouseClick(shown.page(DATA).primary, Qt.MouseButton.LeftButton)
    assert isinstance(shown.page(DATA), FailingPage)
    assert shown.stack.currentWidget().widget() is shown.page(DATA)


def _drop(window: MainWindow, *paths: Path) -> QDropEvent:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(400, 400), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    event = QDropEvent(QPointF(400, 400), Qt.DropAction.CopyAction, data, buttons, keys)
    if enter.isAccepted():
        QApplication.sendEvent(window, event)
    else:
        event.ignore()
    return event


def test_dropped_files_go_to_their_pages(shown: MainWindow, tmp_path: Path) -> None:
    design, data, weights, video = (tmp_path / n for n in ("d.yaml", "data.yaml", "w.pt", "clip.mp4"))
    design.write_text("format: 1\nbase: yolov5s\nswaps: {}\n")
    data.write_text("train: images\nnames: [a]\n")
    weights.touch()
    video.touch()
    assert _drop(shown, design).isAccepted()
    assert shown.active == DESIGN
    assert shown.services.workspace.design.base == "yolov5s"
    _drop(shown, data)
    assert probe(shown, DATA).calls[-1] == DataRequest(str(data))
    _drop(shown, weights)
    assert probe(shown, MODELS).calls[-1] == ModelRequest(weights)
    _drop(shown, video)
    assert probe(shown, COMPARE).calls[-1] == CompareRequest(source=str(video))
    _drop(shown, tmp_path)
    assert probe(shown, DATA).calls[-1] == DataRequest(str(tmp_path))


def test_two_weights_are_compared(shown: MainWindow, tmp_path: Path) -> None:
    first, second = tmp_path / "a.pt", tmp_path / "b.pt"
    first.touch()
    second.touch()
    _drop(shown, first, second)
    assert probe(shown, COMPARE).calls[-1] == CompareRequest(str(first), str(second))


def test_the_visible_page_may_take_a_drop_itself(shown: MainWindow, tmp_path: Path) -> None:
    weights = tmp_path / "w.pt"
    weights.touch()
    shown.show_page(COMPARE)
    page = probe(shown, COMPARE)
    page.accepts_drop = lambda paths: True  # type: ignore[method-assign]
    page.dropped = page.calls.append  # type: ignore[method-assign, assignment]
    _drop(shown, weights)
    assert page.calls[-1] == [weights]
    assert shown.active == COMPARE


def test_an_unknown_file_and_a_broken_design_are_told(shown: MainWindow, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.touch()
    _drop(shown, note)
    assert "note.txt" in shown.notes.notes[-1].message.text
    broken = tmp_path / "broken.yaml"
    broken.write_text("format: 1\nbase: yolov5n\nswaps:\n  model.999: separable\n")
    _drop(shown, broken)
    message = shown.notes.notes[-1].message
    assert "model.999" in message.text
    assert "4" in message.text
    assert message.hint


def test_a_drop_without_files_is_not_taken(shown: MainWindow, tmp_path: Path) -> None:
    assert not _drop(shown, tmp_path / "gone.pt").isAccepted()


@pytest.mark.parametrize(("pressed", "closes"), [("cancel", False), ("discard", True), ("save", True)])
def test_unsaved_work_is_asked_about_on_closing(
    shown: MainWindow,
    workspace: Path,
    answer: Callable[[str], list[str]],
    pressed: str,
    closes: bool,
) -> None:
    document = shown.services.workspace
    document.save_design(workspace / "mine.yaml")
    document.apply(document.design.with_swap(["model.3"], SEPARABLE), "Swap")
    changed = document.design
    texts = answer(pressed)
    shown.close()
    assert "mine" in texts[0]
    assert shown.isVisible() is not closes
    assert (load_design(workspace / "mine.yaml") == changed) is (pressed == "save")
    assert document.recovery() is None or not closes


@pytest.mark.parametrize(("pressed", "closes"), [("cancel", False), ("close", True)])
def test_what_runs_is_named_on_closing(
    shown: MainWindow, answer: Callable[[str], list[str]], pressed: str, closes: bool
) -> None:
    ended: list[int] = []
    shown.services.tasks.add("Converting yolov5n", lambda: ended.append(1))
    shown.show_page(DATA)
    texts = answer(pressed)
    shown.close()
    assert any("Converting yolov5n" in text for text in texts)
    assert shown.isVisible() is not closes
    assert bool(ended) is closes
    assert ("shutdown" in probe(shown, DATA).calls) is closes


def test_a_page_may_ask_in_its_own_way_or_name_a_reason(
    shown: MainWindow, answer: Callable[[str], list[str]]
) -> None:
    shown.show_page(DATA)
    page = probe(shown, DATA)
    page.blocks_close = lambda: "A recording is running."  # type: ignore[method-assign]
    page.confirm_close = lambda: False  # type: ignore[method-assign]
    shown.close()
    assert shown.isVisible()
    page.confirm_close = lambda: None  # type: ignore[method-assign]
    texts = answer("cancel")
    shown.close()
    assert "A recording is running." in texts
    assert shown.isVisible()
    page.confirm_close = lambda: True  # type: ignore[method-assign]
    shown.close()
    assert not shown.isVisible()


@pytest.mark.parametrize(("pressed", "files"), [("restore", 0), ("discard", 0), ("cancel", 1)])
def test_a_crashed_design_is_offered_back(
    shown: MainWindow, answer: Callable[[str], list[str]], pressed: str, files: int
) -> None:
    document = shown.services.workspace
    stock = document.design
    document.apply(stock.with_swap(["model.3"], SEPARABLE), "Swap")
    changed = document.design
    document.write_recovery()
    document._autosave.stop()
    document.undo_stack.blockSignals(True)
    document.undo_stack.clear()
    document.undo_stack.blockSignals(False)
    document._design = stock
    answer(pressed)
    shown.settle([])
    assert (document.design == changed) is (pressed == "restore")
    assert document.dirty is (pressed == "restore")
    kept = list(document.folder.designs.glob("*.yaml"))
    assert len(kept) == files
    assert all(load_design(path) == changed for path in kept)


def test_the_place_of_the_window_is_kept(shown: MainWindow, tmp_path: Path) -> None:
    shown.resize(1100, 720)
    shown.close()
    again = MainWindow(shown.services, QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat))
    try:
        assert again.size() == shown.size()
    finally:
        again.deleteLater()


def test_a_page_larger_than_the_window_scrolls(shown: MainWindow, qtbot: QtBot) -> None:
    shown.show_page(DATA)
    probe(shown, DATA).setMinimumSize(1500, 900)
    shown.resize(MINIMUM)
    qtbot.waitUntil(lambda: shown.size() == MINIMUM)
    scrolled = shown.stack.currentWidget()
    assert scrolled.verticalScrollBar().maximum() > 0
    assert scrolled.horizontalScrollBar().maximum() > 0
    shown.show_page(HOME)
    assert shown.stack.currentWidget().horizontalScrollBar().maximum() == 0


def test_full_screen_and_back(shown: MainWindow, qtbot: QtBot) -> None:
    qtbot.keyClick(shown, Qt.Key.Key_F11)
    qtbot.waitUntil(shown.isFullScreen)
    qtbot.keyClick(shown, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not shown.isFullScreen())
