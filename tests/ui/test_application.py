"""The Studio as a process: light at its start, one per workspace, orderly in every end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.application import Studio
from app.ui.crash import CrashDialog, CrashGuard
from app.ui.single import SingleInstance, hand_over, server_name
from app.ui.workspace import RECOVERY_NAME

ROOT = Path(__file__).resolve().parents[2]

# Prints a line at the first paint of the window, and one for every request that reaches it.
STUDIO = """
import sys
from PySide6.QtCore import QTimer
from app.core.design import Swap
from app.ui import application, window

class Window(window.MainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, self, self.report)
    def report(self):
        heavy = [name for name in ("torch", "cv2", "pyqtgraph", "ultralytics") if name in sys.modules]
        print("painted", heavy, flush=True)
    def raise_and_open(self, paths):
        super().raise_and_open([])
        print("raised", [path.name for path in paths], flush=True)

application.MainWindow = Window
{more}
sys.exit(application.run(["studio", *sys.argv[1:]]))
"""


class Process:
    """A Studio in a process of its own, whose lines can be waited for."""

    def __init__(self, folder: Path, more: str, *arguments: str) -> None:
        environment = dict(
            os.environ,
            DEPTHWISE_STUDIO_CONFIG=str(folder / "config"),
            DEPTHWISE_STUDIO_CACHE=str(folder / "cache"),
            DEPTHWISE_STUDIO_WORKSPACE=str(folder / "workspace"),
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", STUDIO.format(more=more), *arguments],
            cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def wait_for(self, start: str, seconds: float = 30) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = next((line for line in self.lines if line.startswith(start)), None)
            if found is not None:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(f"no {start!r} in {self.lines}; {self.process.communicate()[1]}")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    (tmp_path / "workspace").mkdir()
    started: list[Process] = []

    def make(more: str = "", *arguments: str) -> Process:
        started.append(Process(tmp_path, more, *arguments))
        return started[-1]

    yield make
    for process in started:
        if process.process.poll() is None:
            process.process.kill()
        process.process.communicate()


def test_first_paint_needs_nothing_heavy_and_a_polite_kill_ends_it(start: Start, tmp_path: Path) -> None:
    studio = start()
    assert studio.wait_for("painted") == "painted []"
    assert studio.end() == 0
    assert not (tmp_path / "workspace" / RECOVERY_NAME).exists()


def test_a_second_studio_raises_the_first_and_hands_its_files_over(start: Start, tmp_path: Path) -> None:
    weights = tmp_path / "w.pt"
    weights.touch()
    first = start()
    first.wait_for("painted")
    second = start("", str(weights))
    assert second.process.wait(30) == 0
    assert not second.lines
    assert first.wait_for("raised") == "raised ['w.pt']"
    assert first.process.poll() is None
    assert first.end() == 0


def test_an_unsaved_design_outlives_a_kill(start: Start, tmp_path: Path) -> None:
    change = """
def settle(self, paths):
    work = self.services.workspace
    work.apply(work.design.with_swap(["model.3"], Swap("separable")), "Swap")
    print("changed", flush=True)
Window.settle = settle
"""
    studio = start(change)
    studio.wait_for("changed")
    assert studio.end() == 0
    assert studio.process.stderr is not None
    assert "Traceback" not in studio.process.stderr.read()
    assert "model.3" in (tmp_path / "workspace" / RECOVERY_NAME).read_text()
    asking = """
def offer(self):
    print("offered", self._workspace.recovery().design.swaps[0][0], flush=True)
from app.ui.documents import Documents
Documents.offer_recovery = offer
"""
    again = start(asking)
    assert again.wait_for("offered") == "offered model.3"
    assert again.end() == 0


def test_a_failure_in_a_slot_opens_the_crash_dialog(start: Start) -> None:
    failing = """
from app.ui.crash import CrashDialog
def settle(self, paths):
    QTimer.singleShot(0, self, lambda: 1 / 0)
    QTimer.singleShot(200, self, look)
def look():
    dialog = application.QApplication.activeModalWidget()
    print("dialog", type(dialog).__name__, "ZeroDivisionError" in dialog._reason.toPlainText(), flush=True)
    dialog._quit.click()
Window.settle = settle
"""
    studio = start(failing)
    assert studio.wait_for("dialog") == "dialog CrashDialog True"
    assert studio.process.wait(20) == 0


def test_a_name_left_behind_by_a_crash_is_taken_over(qapp: QApplication, tmp_path: Path) -> None:
    first, second = SingleInstance(), SingleInstance()
    assert first.listen(tmp_path)
    assert second.listen(tmp_path)
    second.close()
    first.close()
    assert not hand_over(tmp_path, [])


def test_other_workspaces_have_other_names(tmp_path: Path) -> None:
    assert server_name(tmp_path) == server_name(tmp_path / "a" / "..")
    assert server_name(tmp_path) != server_name(tmp_path / "a")


@pytest.fixture
def guard(studio: Studio) -> CrashGuard:
    studio.window.start()
    return CrashGuard(studio.services.workspace.write_recovery, lambda: None, studio.window)


def _close_next_dialog(shown: list[str], button: str) -> None:
    def press() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, CrashDialog):
            QTimer.singleShot(20, press)
            return
        QApplication.processEvents()
        shown.append(dialog._reason.toPlainText())
        dialog.copy()
        dialog.findChild(QPushButton, button).click()

    QTimer.singleShot(0, press)


def _raise_and_catch(guard: CrashGuard, words: str) -> None:
    try:
        raise ValueError(words)
    except ValueError as error:
        guard.catch(type(error), error, error.__traceback__)


def test_each_failure_is_shown_once_and_can_be_copied(guard: CrashGuard, qtbot: QtBot) -> None:
    shown: list[str] = []
    _close_next_dialog(shown, "crashContinue")
    for _ in range(3):
        _raise_and_catch(guard, "wrong")
    qtbot.waitUntil(lambda: len(shown) == 1)
    qtbot.wait(50)
    assert guard._dialog is None
    assert shown[0].count("ValueError: wrong") == 1
    assert "PySide6" in shown[0]
    assert QGuiApplication.clipboard().text() == shown[0]


def test_a_failure_in_a_thread_is_shown_in_the_window(guard: CrashGuard, qtbot: QtBot) -> None:
    shown: list[str] = []
    _close_next_dialog(shown, "crashContinue")
    thread = threading.Thread(target=_raise_and_catch, args=(guard, "in a thread"))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(shown) == 1)
    assert "in a thread" in shown[0]


def test_escape_goes_on(guard: CrashGuard, qtbot: QtBot) -> None:
    dialog = CrashDialog("reason")
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    assert not dialog.quit_chosen
