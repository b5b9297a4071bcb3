"""Around the plots of the Train page: smoothing, logarithmic axis, zoom that stays, files, pictures, the machine."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QPixmap
from pytestqt.qtbot import QtBot

from app.core.run_pictures import EPOCHS as FILE
from app.core.run_pictures import FOLDER, TRUTH, batch_file, val_file
from app.core.smoothing import smoothed
from app.ui.pages.train import TrainPage
from app.ui.pages.train_plot_tools import MACHINE, PICTURES
from tests.ui.train_runs import EPOCHS, FINISHED, drawn, events_of, expected, make_run, same


@pytest.fixture
def page(show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot) -> TrainPage:
    """The Train page with one run that noted its machine and kept two pictures."""
    usage = {"event": "usage", "cpu": 97.5, "memory": 4e9, "process": 1e9, "memory_total": 8e9}
    events = events_of(EPOCHS, FINISHED)
    events[5:5] = [{"t": 2.0, "epoch": 0.4, **usage}, {"t": 3.0, "epoch": 0.7, **usage, "cpu": 50.0}]
    run = make_run(workspace, "one", events)
    folder = run.path / FOLDER
    folder.mkdir()
    for name in (val_file(0), val_file(1), batch_file(0)):
        (folder / name).write_bytes(jpeg())
    label = [0, 0.1, 0.1, 0.5, 0.5, 1.0]
    truth = {"names": ["a.jpg", "b.jpg"], "classes": ["cat"], "truth": [[label], []]}
    (folder / TRUTH).write_text(json.dumps(truth))
    lines = [{"epoch": e, "boxes": [[[0, 0.1, 0.1, 0.4, 0.4, 0.9]] * e, []]} for e in (1, 2, 3)]
    (folder / FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    shown = show_train()
    drawn(shown, qtbot)
    return shown


def jpeg() -> bytes:
    pixmap = QPixmap(64, 48)
    pixmap.fill(Qt.GlobalColor.gray)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    pixmap.save(buffer, "JPG")
    return bytes(data.data())


def test_smoothing_is_for_the_eye_alone(page: TrainPage) -> None:
    plot = page.plots.map50
    _, raw = plot.curve("one/map50")
    page.plots.bar.smoothing.setValue(80)
    _, shown = plot.curve("one/map50")
    assert shown == pytest.approx(smoothed(raw, 0.8))
    assert shown[0] == raw[0]
    assert [float(row["one/map50"]) for row in csv.DictReader(io.StringIO(plot.table()))] == raw
    page.plots.bar.smoothing.setValue(0)
    assert plot.curve("one/map50")[1] == raw


def test_a_gap_stays_a_gap_when_smoothed() -> None:
    values = smoothed([1.0, math.nan, 3.0], 0.5)
    assert values[0] == 1.0
    assert math.isnan(values[1])
    assert values[2] == pytest.approx((0.5 * 0.5 * 1.0 + 0.5 * 3.0) / 0.75)


def test_a_logarithmic_axis_shows_powers(page: TrainPage) -> None:
    plot = page.plots.lr
    _, raw = plot.curve("one/lr")
    menu = page.plots.menus[4]
    menu.log.setChecked(True)
    assert plot.curve("one/lr")[1] == pytest.approx([math.log10(value) for value in raw])
    low, high = plot.plot.viewRange()[1]
    assert low < math.log10(min(raw)) < math.log10(max(raw)) < high
    menu.log.setChecked(False)
    assert plot.curve("one/lr")[1] == raw


def test_a_zoom_stays_while_data_arrives_and_goes_when_asked(page: TrainPage) -> None:
    plot = page.plots.map50
    box = plot.plot.getViewBox()
    box.setXRange(2, 3, padding=0)
    box.sigRangeChangedManually.emit([True, True])
    series = page.watch.series("one")
    assert series is not None
    series.add([{**events_of(EPOCHS)[-1], "epoch": EPOCHS + 1}])
    page.plots.draw_all()
    assert len(plot.curve("one/map50")[0]) == EPOCHS + 1
    assert plot.plot.viewRange()[0] == pytest.approx([2, 3])
    assert plot.zoomed
    plot.show_all()
    assert plot.plot.viewRange()[0][1] > EPOCHS


def test_pictures_and_values_are_saved(page: TrainPage, tmp_path: Path, workspace: Path) -> None:
    menu = page.plots.menus[1]
    menu.save(tmp_path / "plot.png")
    assert not QPixmap(str(tmp_path / "plot.png")).isNull()
    menu.save(tmp_path / "plot.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "plot.csv").read_text())))
    found = [float(row["epoch"]) for row in rows], [float(row["one/map50"]) for row in rows]
    assert same(found, expected(page.workspace.folder.run("one"), lambda event: event["map50"]))


def test_the_machine_is_drawn_of_the_selected_run(page: TrainPage, qtbot: QtBot) -> None:
    page.plots.show_view(MACHINE)
    qtbot.waitUntil(lambda: page.plots.usage.curve("one/cpu")[1] == [97.5, 50.0], timeout=5000)
    qtbot.waitUntil(lambda: page.plots.memory.curve("one/process")[1] == [1.0, 1.0], timeout=5000)
    assert page.plots.usage.keys == ("one/cpu",)


@pytest.mark.timeout(120)
def test_pictures_go_back_through_the_epochs(page: TrainPage, qtbot: QtBot) -> None:
    page.plots.show_view(PICTURES)
    shown = page.plots.pictures
    qtbot.waitUntil(lambda: shown.batches.isEnabled(), timeout=60_000)
    assert (shown.slider.maximum(), shown.slider.value()) == (2, 2)
    assert shown.epoch.text() == "epoch 3"
    assert [pane.isVisible() for pane in shown.panes] == [True, True] + [False] * 4
    assert shown.panes[0].boxes == 1 + 3
    shown.slider.setValue(0)
    assert shown.epoch.text() == "epoch 1"
    assert shown.panes[0].boxes == 1 + 1
    shown.batches.setChecked(True)
    assert shown.sheets[0].isVisible()
    assert not shown.panes[0].isVisible()
    qtbot.waitUntil(lambda: shown._job is None and not shown._ending, timeout=20_000)
