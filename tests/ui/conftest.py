"""A whole Studio for each test, on preferences and a workspace of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.core import latency_cache
from app.core.settings import Settings, save_settings
from app.ui.application import Studio, build
from app.ui.page import Services
from app.ui.pages.design import DesignPage
from app.ui.pages.train import TrainPage

if TYPE_CHECKING:
    from app.ui.pages.design import DesignPage


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Destroy a test's windows at its end: else each later change of theme paints all of them, too."""
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


@pytest.fixture(autouse=True)
def _no_figures_left() -> Iterator[None]:
    """Let no test see what another measured."""
    yield
    shutil.rmtree(latency_cache.folder(), ignore_errors=True)


@pytest.fixture
def settings_file(tmp_path: Path, workspace: Path) -> Path:
    """Preferences in the light theme and English, on the test's workspace."""
    path = tmp_path / "settings.yaml"
    save_settings(Settings(theme="light", language="en", workspace=str(workspace)), path)
    return path


@pytest.fixture
def studio(qapp: QApplication, qtbot: QtBot, settings_file: Path, tmp_path: Path) -> Iterator[Studio]:
    """A Studio whose window is not shown yet; it asks nothing when the test ends."""
    built = build(qapp, settings_file, tmp_path / "window.ini")

    def stop_asking(_window: object) -> None:
        built.services.workspace.undo_stack.setClean()
        for page in built.window.pages:
            page.blocks_close = lambda: None  # type: ignore[method-assign]
        for task in built.services.tasks.running:
            task.end()

    qtbot.addWidget(built.window, before_close_func=stop_asking)
    yield built
    built.languages.apply("en")
    built.theme.apply("light")
    built.theme.deleteLater()
    built.languages.deleteLater()


@pytest.fixture
def services(studio: Studio) -> Services:
    """What a page is given."""
    return studio.services


@pytest.fixture
def design_page(studio: Studio, qtbot: QtBot) -> DesignPage:
    """The Design page of a shown window of 1280 × 800, with the keyboard on the diagram."""
    from app.ui.pages.design import DesignPage

    window = studio.window
    window.resize(1280, 800)
    window.show_page("design")
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    shown = window.page("design")
    assert isinstance(shown, DesignPage)
    qtbot.waitUntil(shown.diagram.hasFocus)
    return shown


@pytest.fixture
def answer(qtbot: QtBot) -> Callable[[str], list[str]]:
    """Return a function that presses a button of the next question.

    ``answer("save")`` presses the button named ``answer_save``; the list it returns holds the question's texts
    afterwards.
    """

    def arrange(name: str) -> list[str]:
        seen: list[str] = []

        def press() -> None:
            dialog = QApplication.activeModalWidget()
            if not isinstance(dialog, QDialog):
                QTimer.singleShot(20, press)
                return
            seen.extend(label.text() for label in dialog.findChildren(QLabel))
            button = dialog.findChild(QPushButton, f"answer_{name}")
            assert button is not None, f"no answer {name!r}"
            button.click()

        QTimer.singleShot(0, press)
        return seen

    return arrange


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a training's, as far as its identity goes."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture
def show_train(studio: Studio, qtbot: QtBot) -> Callable[[], TrainPage]:
    """Return a function that shows the Train page."""

    def go() -> TrainPage:
        studio.window.resize(1280, 800)
        studio.window.show()
        studio.window.show_page("train")
        page = studio.window.page("train")
        assert isinstance(page, TrainPage)
        qtbot.waitUntil(
            lambda: page.table.model.rowCount() == len(studio.services.workspace.folder.list_runs())
        )
        return page

    return go
