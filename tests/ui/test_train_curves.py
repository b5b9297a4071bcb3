"""The Train page's plots: every curve shows what the events say, live and read again."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.events import encode_event
from app.ui.pages.train import TrainPage
from app.ui.widgets.run_list import box_of
from tests.ui.train_runs import (
    BATCHES,
    EPOCHS,
    FINISHED,
    assert_curves,
    drawn,
    events_of,
    expected,
    make_run,
    same,
)


def test_every_curve_shows_the_numbers_of_the_events(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    run = make_run(workspace, "one", events_of(EPOCHS, FINISHED))
    page = show_train()
    drawn(page, qtbot)
    assert_curves(page, run)
    x, y = page.plots.loss.curve("one/batches")
    batches = [event for event in run.events() if event["event"] == "batch"]
    assert x == pytest.approx([event["epoch"] - 1 + event["batch"] / BATCHES for event in batches])
    assert y == pytest.approx([sum(event["losses"].values()) for event in batches])
    page.plots.part.choose("cls")
    drawn(page, qtbot)
    assert same(page.plots.loss.curve("one/val/cls"), expected(run, lambda event: event["val"]["cls"]))


def test_events_that_arrive_are_drawn_and_a_resumed_run_starts_over(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot, sleeper: subprocess.Popen[bytes]
) -> None:
    events = events_of(EPOCHS)
    first = 2 + (BATCHES + 1) * 2
    run = make_run(workspace, "live", events[:first])
    run.claim(sleeper.pid)
    page = show_train()
    drawn(page, qtbot)
    assert page.plots.map50.curve("live/map50")[0] == [1.0, 2.0]
    with run.events_path.open("ab") as stream:
        for event in events[first : first + 6]:
            stream.write(encode_event(event))
    qtbot.waitUntil(lambda: page.plots.map50.curve("live/map50")[0] == [1.0, 2.0, 3.0], timeout=5000)
    qtbot.waitUntil(lambda: "epoch 4/6, batch 2/3" in page.status.progress.text(), timeout=5000)
    fresh = run.events_path.with_suffix(".new")
    fresh.write_bytes(b"".join(encode_event(event) for event in events_of(1, seed=0.3)))
    fresh.replace(run.events_path)
    qtbot.waitUntil(lambda: page.plots.map50.curve("live/map50")[1] == pytest.approx([0.43]), timeout=5000)


def test_one_plot_is_redrawn_a_tick_and_only_when_there_is_something_new(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    make_run(workspace, "one", events_of(EPOCHS, FINISHED))
    page = show_train()
    page.plots.set_running(False)
    drawn(page, qtbot)
    assert not page.plots.tick()
    series = page.watch.series("one")
    assert series is not None
    series.add(events_of(EPOCHS)[-1:])
    page.plots.lr.setVisible(False)
    redrawn = [page.plots.tick() for _ in range(8)]
    assert redrawn == [True] * 4 + [False] * 4
    assert len(page.plots.map50.curve("one/map50")[0]) == EPOCHS + 1
    assert len(page.plots.lr.curve("one/lr")[0]) == EPOCHS


def test_the_crosshair_reads_every_curve(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    make_run(workspace, "one", events_of(EPOCHS, FINISHED))
    page = show_train()
    drawn(page, qtbot)
    plot = page.plots.precision_recall
    box = plot.plot.getViewBox()
    scene = box.mapViewToScene(box.viewRect().center())
    plot.plot.scene().sigMouseMoved.emit(scene)
    text = plot.reading.text()
    assert plot.reading.isVisible()
    epoch = round(plot._cursor.value())
    assert f"epoch {epoch}" in text
    assert f"{epoch / 10 + 0.01:.3f}" in text
    assert f"{epoch / 10 + 0.02:.3f}" in text
    QApplication.sendEvent(plot.plot.viewport(), QEvent(QEvent.Type.Leave))
    assert not plot.reading.isVisible()


def test_a_click_on_a_box_overlays_a_run_and_colours_stay(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    for name in ("a", "b", "c"):
        make_run(workspace, name, events_of(3, {"event": "stopped", "reason": "Stopped."}))
        time.sleep(0.02)
    page = show_train()
    assert page.table.current == "c"
    colours = {name: page.table.colour(name) for name in "abc"}
    assert len(set(colours.values())) == 3
    index = page.table.model.index(page.table.model.row_of("a"))
    spot = box_of(page.table.list.visualRect(index)).center()
    qtbot.mouseClick(page.table.list.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    drawn(page, qtbot)
    assert {key.split("/")[0] for key in page.plots.map50.keys} == {"a", "c"} or page.table.current == "a"
    assert page.table.model.checked == ("a",)
    qtbot.keyClick(page.table.list, Qt.Key.Key_Space)
    make_run(workspace, "d", events_of(1, {"event": "stopped", "reason": "Stopped."}))
    shutil.rmtree(workspace / "runs" / "b")
    page.workspace.notify_runs_changed()
    qtbot.waitUntil(lambda: page.table.model.rowCount() == 3)
    assert {name: page.table.colour(name) for name in "ac"} == {name: colours[name] for name in "ac"}
    assert page.table.colour("d") not in colours.values()
