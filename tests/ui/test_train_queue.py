"""The queue on the Train page: order, change, remove, hold; pause, stop and resume of what trains."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.processes import identify
from app.core.run_queue import QueueEntry, RunQueue
from app.core.runs import Workspace
from app.ui import notifications
from app.ui.notifications import Notifier
from app.ui.pages import train_desk
from app.ui.pages.train import TrainPage
from app.ui.pages.train_resume import ResumeDialog
from tests.ui.train_runs import events_of, make_run

NAMES = ("one", "two", "three")


@pytest.fixture
def queue(workspace: Path) -> RunQueue:
    """Three runs that wait for a keeper that is not there."""
    for name in NAMES:
        make_run(workspace, name, [])
    made = RunQueue(Workspace(workspace))
    made.add([QueueEntry(name) for name in NAMES])
    return made


def test_waiting_runs_are_found_after_a_restart_and_stand_still(
    queue: RunQueue, show_train: Callable[[], TrainPage], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = show_train()
    card = page.desk.card
    assert card.isVisible()
    assert card.heading.text() == "Queue (3)"
    assert "stands still" in card.hint.text()
    started: list[RunQueue] = []
    monkeypatch.setattr(train_desk, "start_keeper", lambda queue, awake: started.append((queue, awake)))
    card.hold.click()
    assert [awake for _, awake in started] == [True]


def test_rows_move_by_keys_and_by_dragging(
    queue: RunQueue, show_train: Callable[[], TrainPage], qtbot: QtBot
) -> None:
    page = show_train()
    rows = page.desk.card.list
    rows.setCurrentRow(2)
    qtbot.keyClick(rows, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert queue.read().names == ("one", "three", "two")
    assert rows.current == "three"
    qtbot.keyClick(rows, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert queue.read().names == NAMES
    rows.insertItem(0, rows.takeItem(2))  # what a drop does before it tells
    rows.setCurrentRow(0)
    rows.moved.emit("three", rows.names.index("three"))
    assert queue.read().names == ("three", "one", "two")
    assert rows.names == ("three", "one", "two")
    menu = page.desk.card.menu("two")
    next(action for action in menu.actions() if action.text() == "Train next").trigger()
    assert queue.read().names == ("two", "three", "one")


def test_a_waiting_run_is_changed_in_the_form(
    queue: RunQueue, show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    page = show_train()
    page.desk.card.list.setCurrentRow(1)
    qtbot.keyClick(page.desk.card.list, Qt.Key.Key_Return)
    assert page.primary.text() == "Save changes"
    assert "two" in page.changing.text()
    assert page.form.epochs.value() == 6
    page.form.epochs.setValue(11)
    page.primary.click()
    assert Workspace(workspace).run("two").config().epochs == 11
    assert Workspace(workspace).run("two").config().name == "two"
    assert page.primary.text() == "Train standard"
    page.desk.card.list.edited.emit("one")
    page.form.epochs.setValue(12)
    page.primary_menu.cancel.click()
    assert Workspace(workspace).run("one").config().epochs == 6


def test_removing_one_that_never_began_removes_its_folder(
    queue: RunQueue, show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    trashed: list[str] = []
    monkeypatch.setattr(train_desk.QFile, "moveToTrash", trashed.append)
    make_run(workspace, "begun", events_of(2, {"event": "stopped", "reason": "Stopped."}))
    queue.add([QueueEntry("begun", resume=True)])
    page = show_train()
    page.desk.card.list.setCurrentRow(0)
    qtbot.keyClick(page.desk.card.list, Qt.Key.Key_Delete)
    assert queue.read().names == ("two", "three", "begun")
    assert trashed == [str(workspace / "runs" / "one")]
    page.desk.card.list.removed.emit("begun")
    assert queue.read().names == ("two", "three")
    assert len(trashed) == 1


def test_pause_continue_and_stop_with_all_that_waits(
    queue: RunQueue, show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot,
    sleeper: subprocess.Popen[bytes],
) -> None:  # fmt: skip
    run = make_run(workspace, "live", events_of(2))
    run.claim(sleeper.pid)
    queue.keep(lambda: identify(sleeper.pid))
    page = show_train()
    page.table.select("live")
    qtbot.waitUntil(page.controls.pause.isVisible)
    assert "stands still" not in page.desk.card.hint.text()
    page.controls.pause.click()
    assert run.requested() == "pause"
    assert page.controls.pause.text() == "Continue"
    run.append_event({"t": 9.0, "event": "paused", "epoch": 3, "batch": 1})
    qtbot.waitUntil(lambda: page.status.status.text() == "paused", timeout=10_000)
    page.controls.pause.click()
    assert run.requested() is None
    stops = {action.text(): action for action in page.controls.stop.menu().actions()}
    assert not stops["End its process"].isVisible()
    stops["Stop now, and begin nothing more"].trigger()
    assert run.requested() == "stop_now"
    assert queue.read().held
    assert stops["End its process"].isVisible()
    stops["End its process"].trigger()
    assert sleeper.wait(10) != 0


@pytest.mark.parametrize(("changes", "told"), [({}, (6, 4, "")), ({"epochs": 60, "batch": 0}, (60, 0, ""))])
def test_a_stopped_run_is_resumed_first_and_as_the_user_wants(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot, changes: dict[str, int],
    told: tuple[Any, ...],
) -> None:  # fmt: skip
    run = make_run(workspace, "stopped", events_of(4, {"event": "stopped", "reason": "Stopped."}), batch=4)
    make_run(workspace, "waits", [])
    queue = RunQueue(Workspace(workspace))
    queue.add([QueueEntry("waits")])
    queue.hold(True)
    page = show_train()
    page.table.select("stopped")
    qtbot.waitUntil(page.run_actions.resume.isVisible)

    def accept() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, ResumeDialog)
        assert dialog.epochs.minimum() == 5
        for name, value in changes.items():
            getattr(dialog, name).setValue(value)
        dialog.go.click()

    QTimer.singleShot(50, accept)
    page.run_actions.resume.click()
    assert queue.read().waiting == (QueueEntry("stopped", resume=True), QueueEntry("waits"))
    config = run.config()
    assert (config.epochs, config.batch, config.device) == told


def test_a_failure_says_that_the_queue_goes_on(
    queue: RunQueue, show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot,
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(Notifier, "tell", lambda _self, title, text: told.append((title, text)))
    run = make_run(workspace, "live", events_of(1))
    run.claim(sleeper.pid)
    queue.keep(lambda: identify())
    page = show_train()
    qtbot.waitUntil(lambda: bool(page.tasks.running))
    with qtbot.waitSignal(page.messages.posted, timeout=15_000) as posted:
        run.append_event(
            {"t": 9.0, "event": "failed", "reason": "The disk is full.", "hint": "Free some space."}
        )
        run.release()
    assert posted.args[0].hint == "Free some space. The queue goes on with one."
    assert told == [("Training ended", "live: The disk is full.")]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the notification service of Linux desktops")
@pytest.mark.parametrize("program", ["notify-send", "gdbus"])
def test_the_desktop_is_told_by_what_it_has(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    record = tmp_path / "record"
    script = tmp_path / program
    script.write_text(f'#!/bin/sh\nfor part in "$@"; do echo "$part" >> {record}; done\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(notifications.QApplication, "activeWindow", lambda: None)
    notifier = Notifier()
    notifier.tell("Training ended", "it's -done")
    qtbot.waitUntil(lambda: record.is_file() and "done" in record.read_text())
    lines = record.read_text().splitlines()
    assert any("Training ended" in line for line in lines)
    assert ("it's -done" if program == "notify-send" else r"'it\'s -done'") in lines
    qtbot.waitUntil(lambda: not notifier.children())
