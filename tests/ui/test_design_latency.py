"""Milliseconds on the Design page: predicted at every click, measured on request, for this machine and for others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.core import latency_cache
from app.core.design import Design, Swap
from app.core.latency import LatencyTable
from app.core.latency_plan import plan
from app.core.latency_roofline import Roof, keep_roof
from app.core.text import MINUS, THIN_SPACE
from app.ui.application import Studio, build
from app.ui.pages.design import DesignPage
from app.ui.pages.design_latency_columns import SavesColumn
from tests.core.latency_machine import SETTING, measured, table
from tests.ui.designing import click, press

HERE = replace(SETTING, version="")
PI = replace(SETTING, machine="Raspberry Pi 5", hardware="4567", runtime="onnxruntime", version="", threads=4)
N = Design.stock("yolov5n")
KINDS = (Swap("separable"), Swap("separable", {"rank": 2}), Swap("dwconv"), Swap("lcnet"))
RANK_2 = KINDS[1]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a machine of its own."""
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEPTHWISE_STUDIO_CONFIG", str(tmp_path / "config"))


@pytest.fixture(scope="module")
def full() -> LatencyTable:
    """What a finished measurement of yolov5n leaves."""
    return LatencyTable(HERE, table(plan(N, KINDS)).wholes)


@pytest.fixture
def page(full: LatencyTable, request: pytest.FixtureRequest, qtbot: QtBot) -> DesignPage:
    """The Design page on a machine that is measured."""
    latency_cache.keep(full)
    shown: DesignPage = request.getfixturevalue("design_page")
    qtbot.waitUntil(lambda: bool(shown.latency.tables.known))
    return shown


def said(page: DesignPage, name: str) -> str:
    """Return what a label of the card says; "" while it is hidden."""
    found = page.latency.card.findChild(QLabel, f"latency_{name}") or page.latency.card.findChild(
        QLabel, name
    )
    assert found is not None
    return found.text() if found.isVisible() else ""


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text.replace(THIN_SPACE, ""))]


def column(page: DesignPage, path: str, title: str) -> str:
    model = page.table.model_
    titles = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    return str(model.data(model.index_of(path, titles.index(title))))


def device(page: DesignPage, name: str) -> QAction:
    """Open the menu of devices and return an entry."""
    menu = QMenu(page)
    page.latency.fill_menu(menu)
    return next(action for action in menu.actions() if action.objectName() == name)


def button(page: DesignPage, name: str) -> QPushButton:
    found = page.findChild(QPushButton, name)
    assert found is not None
    return found


def test_without_figures_it_says_so_and_offers_to_measure(design_page: DesignPage) -> None:
    page = design_page
    assert "not been measured" in said(page, "latencySentence")
    assert said(page, "latencyVerdict") == ""
    assert page.table.model_.columnCount() == 6
    assert button(page, "measureMachine").isVisible()
    assert not button(page, "openRoofline").isVisible()
    assert page.latency.card.device.accessibleName() == "Device and runtime: This machine"


def test_every_click_shows_what_it_takes_here(page: DesignPage, full: LatencyTable) -> None:
    assert said(page, "latencySentence") == ""
    standard = full.predict(N)
    assert standard is not None
    shown = [numbers(said(page, f"predicted_{side}"))[0] for side in ("standard", "lightweight", "speedup")]
    assert shown == pytest.approx([standard.ms, standard.ms, 1], rel=0.01)
    height = page.latency.card.height()
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    expected = full.predict(page.workspace.design)
    assert expected is not None
    ms, low, high = numbers(said(page, "predicted_lightweight"))
    assert (ms, low, high) == pytest.approx((expected.ms, expected.low, expected.high), rel=0.01)
    assert low < ms < high
    assert page.latency.card.height() == height, "nothing moves while one edits"
    assert said(page, "measured_lightweight") == ""
    assert re.fullmatch(
        rf"{MINUS}.* GFLOPs, (and|but) .* here on OpenVINO f32\.", said(page, "latencyVerdict")
    )
    page.workspace.apply(page.workspace.design.with_swap(["model.6"], Swap("ghost_c3")), "another")
    assert numbers(said(page, "predicted_lightweight"))[0] != ms
    page.totals.size_choice.setCurrentText("320")
    QTest.keyClick(page.totals.size_choice, Qt.Key.Key_Return)
    assert numbers(said(page, "predicted_lightweight"))[0] < 0.6 * ms
    assert "yolov5n was not measured at this input size" in said(page, "latencyStatus")
    assert button(page, "measureMachine").isVisible()


def test_columns_say_what_rows_take_and_what_is_worth_converting(
    page: DesignPage, full: LatencyTable
) -> None:
    model = page.table.model_
    assert model.columnCount() == 8
    layers = [layer.path for layer in page.snapshot.architecture.layers]
    shown = sum(float(column(page, path, "Time (ms)") or 0) for path in layers)
    assert shown == pytest.approx(full.predict(N).ms, rel=0.03)  # type: ignore[union-attr]
    conv = "model.5"
    saved = full.saves(page.workspace.design, conv, KINDS[0])
    assert saved is not None
    assert column(page, conv, "Saves (ms)").replace(MINUS, "-") == f"{saved:.2f}"
    page.table.sort_by(7)
    tops = [model.path(model.index(row, 0)) for row in range(3)]
    values = [float(column(page, path, "Saves (ms)").replace(MINUS, "-")) for path in tops]
    assert values == sorted(values, reverse=True)
    page.workspace.apply(page.workspace.design.with_swap(tops[:1], KINDS[0]), "taken")
    assert page.latency.reading is not None
    column_ = model.columns[7]
    assert isinstance(column_, SavesColumn)
    facts = page.snapshot.facts[tops[0]]
    assert column_.tone(page.snapshot, facts) == ("good" if values[0] > 0 else "bad")


def test_a_hint_is_mended_by_one_click_and_undone(page: DesignPage, qtbot: QtBot) -> None:
    slow = Design.stock("yolov5n").with_swap(["model.3"], Swap("dwconv"))
    page.workspace.apply(slow, "start")
    hints = page.latency.hints
    qtbot.waitUntil(lambda: hints.fold.text().startswith("▸ OpenVINO f32: "))
    page.select(("model.3",))
    assert "on the selection" in hints.fold.text()
    QTest.keyClick(hints.fold, Qt.Key.Key_Space)
    first = hints.findChild(QPushButton, "mend_0")
    assert first is not None
    assert "Depthwise separable" in first.text()
    QTest.mouseClick(first, Qt.MouseButton.LeftButton)
    assert page.workspace.design.resolved()["model.3"].block == "separable"
    page.workspace.undo_stack.undo()
    assert page.workspace.design == slow
    page.workspace.apply(N, "standard")
    qtbot.waitUntil(lambda: hints.fold.text() == "OpenVINO f32: no hints")


def drop(studio: Studio, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    actions, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    studio.window.dropEvent(QDropEvent(QPointF(9, 9), actions, data, Qt.MouseButton.LeftButton, none))


def test_another_device_is_loaded_predicted_for_and_remembered(
    page: DesignPage, studio: Studio, qtbot: QtBot, tmp_path: Path, settings_file: Path
) -> None:
    """Its file is dropped; a bad one gives one clear message; the next Studio knows it; it can be forgotten."""
    bad, good = tmp_path / "bad.json", tmp_path / "pi5.json"
    bad.write_text(json.dumps({"what": "something else"}))
    told: list[str] = []
    page.messages.posted.connect(lambda message: told.append(message.text))
    drop(studio, bad)
    assert told == ["bad.json is no latency table that this version can read."]
    slow = [measured(design, speed=0.1) for design in plan(N, KINDS)]
    latency_cache.save_table(LatencyTable(PI, tuple(slow)), good)
    page.workspace.apply(N.with_swap(["model.3"], KINDS[0]), "start")
    here = numbers(said(page, "predicted_lightweight"))[0]
    studio.window.show_page("home")
    drop(studio, good)
    assert studio.window.page("design").isVisible(), "it is dropped on another page"
    assert told[1:] == ["Designs are predicted for Raspberry Pi 5 now."]
    assert page.latency.card.device.words == "Raspberry Pi 5: ONNX Runtime f32"
    assert numbers(said(page, "predicted_lightweight"))[0] == pytest.approx(10 * here, rel=0.1)
    assert said(page, "latencyVerdict").endswith("on Raspberry Pi 5 (ONNX Runtime f32).")
    assert not button(page, "measureDesign").isEnabled()
    assert "Raspberry Pi 5 is another device" in button(page, "measureDesign").toolTip()
    good.unlink()
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    again = build(app, settings_file, tmp_path / "again.ini")
    qtbot.addWidget(again.window)
    again.window.show_page("design")
    second = again.window.page("design")
    assert isinstance(second, DesignPage)
    qtbot.waitUntil(lambda: len(second.latency.tables.known) == 2)
    assert second.latency.card.device.words == "Raspberry Pi 5: ONNX Runtime f32"
    device(second, "forgetDevice").trigger()
    assert second.latency.card.device.words == "OpenVINO f32"
    device(page, f"device_{HERE.key}").trigger()
    assert numbers(said(page, "predicted_lightweight"))[0] == here
    again.theme.deleteLater()
    again.languages.deleteLater()


def test_the_roofline_names_modules_and_selects_them(page: DesignPage, qtbot: QtBot) -> None:
    keep_roof(HERE, Roof(20e9, 200e9))
    page.workspace.apply(N.with_swap(["model.3"], KINDS[0]), "start")
    press(page, Qt.Key.Key_R)
    dialog = page.latency.roofline
    assert dialog is not None
    qtbot.waitUntil(dialog.isActiveWindow)
    plot = dialog.plot
    assert {"model.0", "model.3"} <= {spot.point.path for spot in plot.spots}
    assert "% of the time" in dialog.words.text()
    assert "at 10 operations per byte" in dialog.words.text()
    view = plot.plot.viewport()

    def hovered() -> bool:
        """Move the mouse onto the module, wherever it is drawn by now."""
        place = plot.place_of("model.3").toPoint()
        for step in (3, 0):
            QTest.mouseMove(view, place + QPoint(step, 0))
        return plot.reading.isVisible()

    qtbot.waitUntil(hovered)
    assert "Depthwise separable" in plot.reading.text()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=plot.place_of("model.3").toPoint())
    assert page.selection == ("model.3",)
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Home)
    QTest.keyClick(plot, Qt.Key.Key_Left)
    QTest.keyClick(plot, Qt.Key.Key_Return)
    slowest = max(plot.spots, key=lambda spot: spot.point.ms)
    nearby = page.selection[0]
    assert plot.accessibleDescription()
    for _ in plot.spots:
        QTest.keyClick(plot, Qt.Key.Key_Left)
    QTest.keyClick(plot, Qt.Key.Key_Return)
    assert page.selection == (slowest.point.path,)
    assert nearby
    page.workspace.undo_stack.undo()
    assert all(spot.point.kind is None for spot in plot.spots), "it follows the page"
    dialog.close()


@pytest.fixture
def small(design_page: DesignPage) -> Iterator[DesignPage]:
    """The page at 64 px, where a real measurement is quick."""
    design_page.totals.size_choice.setCurrentText("64")
    QTest.keyClick(design_page.totals.size_choice, Qt.Key.Key_Return)
    yield design_page
    design_page.latency.jobs.stop()


@pytest.mark.alone  # times
def test_it_is_measured_for_real(small: DesignPage, qtbot: QtBot) -> None:
    """The engine begins to measure the machine, gives way to the open design, goes on by itself, and is stopped."""
    page, jobs = small, small.latency.jobs
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    button(page, "measureMachine").click()
    assert said(page, "latencyStatus") == "Building the first model"
    qtbot.waitUntil(lambda: bool(jobs.filling and jobs.filling.total), timeout=120_000)
    assert [task.title for task in page.tasks.running] == ["Measuring this machine"]
    press(page, Qt.Key.Key_M)
    assert "Measuring this design" in said(page, "latencyStatus")
    assert button(page, "stopMeasuring").isVisible()
    qtbot.waitUntil(lambda: said(page, "measured_lightweight") not in ("", "–"), timeout=400_000)
    p50, _, p95 = numbers(said(page, "measured_lightweight"))
    assert 0 < p50 <= p95
    times, low, high = numbers(said(page, "measured_speedup"))
    assert low <= times <= high
    assert "GFLOPs" in said(page, "latencyVerdict")
    kept = page.latency.tables.chosen
    assert kept is not None
    taken = next(iter(page.latency._taken.values()))
    assert bool(said(page, "latencyBusy")) == (taken.busy is not None), "figures of a busy machine say so"
    qtbot.waitUntil(lambda: jobs.filling is not None, timeout=20_000)
    QTest.mouseClick(button(page, "stopMeasuring"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: jobs.filling is None, timeout=20_000)
    assert not button(page, "stopMeasuring").isVisible()
    assert not page.tasks.running


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800), (1920, 1080)])
def test_no_figure_is_cut_at_any_size(
    page: DesignPage, studio: Studio, qtbot: QtBot, size: tuple[int, int]
) -> None:
    page.workspace.apply(N.with_swap(["model.3"], KINDS[0]), "start")
    page.select(("model.3",))
    studio.window.resize(*size)
    qtbot.waitUntil(lambda: abs(page.width() - size[0]) < 100)
    card = page.latency.card

    def cut() -> list[str]:
        """Return the words that have no room, once everything is laid out."""
        labels = [one for one in card.findChildren(QLabel) if one.isVisible() and one.text()]
        lines = [one for one in labels if not one.wordWrap() and one.width() < one.sizeHint().width()]
        blocks = [one for one in labels if one.wordWrap() and one.height() < one.heightForWidth(one.width())]
        return [one.text() for one in (*lines, *blocks)]

    qtbot.waitUntil(page.latency.hints.isVisible)
    qtbot.waitUntil(lambda: not cut())
    for widget in (page.primary, card, card.device, card.measure, card.roofline, page.latency.hints):
        assert page.rect().contains(widget.mapTo(page, widget.rect().bottomRight())), widget.objectName()
    header = page.table.header()
    shown = [i for i in range(header.count()) if not header.isSectionHidden(i)]
    assert {6, 7} <= set(shown), "milliseconds stay; parameters give way"
    assert sum(header.sectionSize(i) for i in shown) <= page.table.viewport().width() + 2
