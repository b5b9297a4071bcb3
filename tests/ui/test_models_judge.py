"""Comparing runs on the Models page: what the window shows of a judgement; tags, notes, the trash and the way back."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QBuffer, QByteArray, QPoint, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox
from pytestqt.qtbot import QtBot

from app.core.run_notes import Notes, read_notes
from app.core.runs import RunFolder
from app.ui.application import Studio
from app.ui.pages.models import ModelsPage
from app.ui.pages.models_judge import COSTS, CURVES, PICTURES, SPLITS, JudgeWindow
from app.ui.pages.models_judge_panes import CurvesPane, PicturesPane
from app.ui.pages.models_judge_pareto import ParetoView
from app.ui.pages.models_judge_views import ConfusionView, GridTable
from app.ui.pages.models_table import NAME, TAGS
from tests.core.test_run_report import row
from tests.ui.train_runs import EPOCHS, FINISHED, events_of, make_run


@pytest.fixture
def pair(workspace: Path) -> tuple[RunFolder, RunFolder]:
    """A standard and a lightweight run, without real weights."""
    light = make_run(workspace, "light", events_of(EPOCHS, FINISHED, role="lightweight"), "lightweight")
    return make_run(workspace, "std", events_of(EPOCHS, FINISHED)), light


@pytest.fixture
def page(studio: Studio, pair: tuple[RunFolder, RunFolder]) -> ModelsPage:
    """The Models page."""
    studio.window.resize(1280, 800)
    studio.window.show()
    studio.window.show_page("models")
    shown = studio.window.page("models")
    assert isinstance(shown, ModelsPage)
    return shown


def judgement() -> dict[str, Any]:
    pixmap = QPixmap(64, 48)
    pixmap.fill(Qt.GlobalColor.gray)
    data = QByteArray()
    buffer = QBuffer(data)
    pixmap.save(buffer, "JPG")  # type: ignore[call-overload]
    jpeg = base64.b64encode(data.data()).decode()
    boxes = [[0, 0.1, 0.1, 0.4, 0.4, 0.9, True], [0, 0.5, 0.5, 0.9, 0.9, 0.5, False]]
    seen = [
        {"run": name, "missed": 1, "wrong": 1, "boxes": boxes, "unseen": [0]} for name in ("std", "light")
    ]
    picture = {
        "name": "a.jpg",
        "jpeg": jpeg,
        "width": 64,
        "height": 48,
        "true": [[0, 0, 0, 1, 1]],
        "runs": seen,
    }
    change = {"value": -0.025, "interval": [-0.04, -0.01]}
    runs = [row("std", 0.6), {**row("light", 0.575), "parameters": 1_100_000}]
    return {
        "data": "/data.yaml",
        "split": "val",
        "images": 7,
        "runs": [{**run, "imgsz": 64, "path": "/nowhere"} for run in runs],
        "differences": [
            {"a": "std", "b": "light", "paired": True}
            | dict.fromkeys(("map50", "map50_95", "precision", "recall"), change)
        ],
        "settings": [{"name": "warm_start", "values": ["copy", "refit"], "same": False}],
        "pictures": [picture],
        "problems": {},
    }


@pytest.fixture
def window(
    page: ModelsPage, pair: tuple[RunFolder, RunFolder], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> JudgeWindow:
    """The window with a judgement as the engine makes them; no engine is asked."""
    monkeypatch.setattr(JudgeWindow, "start", lambda _window: None)
    for number, run in enumerate(pair):
        page.table.choose(run.best, extend=number > 0)
    qtbot.mouseClick(page.judge, Qt.MouseButton.LeftButton)
    (shown,) = page.findChildren(JudgeWindow)
    shown._on_job_done(judgement())
    return shown


def cells(window: JudgeWindow, title: str) -> list[list[str]]:
    table = next(t for t in reversed(window.findChildren(GridTable)) if t.accessibleName().startswith(title))
    return [
        [table.item(r, c).text() for c in range(table.columnCount())]  # type: ignore[union-attr]
        for r in range(table.rowCount())
    ]


def test_the_tables_say_what_was_judged(window: JudgeWindow) -> None:
    assert window.windowTitle() == "Runs compared: std, light"
    assert cells(window, "Accuracy")[0] == ["mAP50-95", "0.600 [0.100, 0.990]", "0.575 [0.100, 0.990]"]
    assert cells(window, "Change")[0] == ["mAP50-95", "−0.025 [−0.040, −0.010]"]
    assert cells(window, "Settings")[0] == ["warm_start", "copy", "refit"]
    assert "7 pictures of val" in window.sentence.text()
    assert [window.split.itemData(i) for i in range(window.split.count())] == list(SPLITS)


def test_every_view_paints_and_pointing_reads_the_curves(window: JudgeWindow, qtbot: QtBot) -> None:
    for number, tab in enumerate(window.tab_buttons()):
        tab.click()
        assert window.place.currentIndex() == number
        assert not window.grab().isNull()
    window.show_tab(CURVES)
    (pane,) = window.findChildren(CurvesPane)
    assert [value for _, value in pane.plot.readings(0.5)] == [0.5, 0.5]
    QTest.mouseMove(pane.plot, QPoint(pane.plot.width() // 2, pane.plot.height() // 2))
    assert not pane.plot.grab().isNull()
    assert len(window.findChildren(ConfusionView)) == 2


def test_pictures_stand_side_by_side(window: JudgeWindow) -> None:
    window.show_tab(PICTURES)
    (pane,) = window.findChildren(PicturesPane)
    assert [p.caption for p in pane.panes] == ["std: 1 missed, 1 wrong", "light: 1 missed, 1 wrong"]
    assert [p.boxes for p in pane.panes] == [3, 3]


def test_runs_that_none_beats_are_joined(window: JudgeWindow) -> None:
    window.show_tab(COSTS)
    (view,) = window.findChildren(ParetoView)
    marks = view.plot.chart.marks
    assert [(mark.name, mark.x) for mark in marks] == [("std", 2.5), ("light", 1.1)]
    assert [round(mark.risk or 0.0, 3) for mark in marks] == [0.0, 0.025]
    combo = window.findChild(QComboBox, "paretoAxis")
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(combo.findData("ms"))
    assert view.sentence.text() == "Not known yet."
    view._current = view._runs[0]
    view._on_job_done({"lightweight": {"p50_ms": 12.5}})
    assert ["milliseconds here", "12.5", "–"] in cells(window, "Cost")


@pytest.mark.parametrize("form", ["csv", "md", "tex", "html"])
def test_a_report_is_written(window: JudgeWindow, tmp_path: Path, form: str) -> None:
    window.write_report(tmp_path / f"report.{form}", form)
    text = (tmp_path / f"report.{form}").read_text(encoding="utf-8")
    assert "0.575" in text
    assert "is written" in window.sentence.text()


@pytest.mark.timeout(120)
def test_what_cannot_be_judged_is_said(
    page: ModelsPage, pair: tuple[RunFolder, RunFolder], qtbot: QtBot
) -> None:
    page.table.choose(pair[0].best)
    window = page.judge_chosen()
    assert window is not None
    qtbot.waitUntil(lambda: "/data/data.yaml" in window.sentence.text(), timeout=60_000)
    assert not window.report.isEnabled()
    qtbot.waitUntil(lambda: not page.tasks.running, timeout=20_000)
    window.close()
    qtbot.waitUntil(lambda: not page.findChildren(JudgeWindow))


def test_tags_and_notes_are_kept_filtered_and_shown(
    page: ModelsPage, pair: tuple[RunFolder, RunFolder], qtbot: QtBot
) -> None:
    page.table.choose(pair[0].best)
    page.card.tags.setFocus()
    page.card.tags.setText("")
    qtbot.keyClicks(page.card.tags, "good, 40+40")
    page.card.note.setFocus()
    qtbot.keyClicks(page.card.note, "the one")
    page.table.choose(pair[1].best)
    assert read_notes(pair[0].path) == Notes(("good", "40+40"), "the one")
    assert page.card.tags.text() == ""
    qtbot.keyClicks(page.filter, "40+40")
    assert [r.name for r in page.table.visible_rows] == ["std"]
    model = page.table.model()
    assert (model.index(0, NAME).data(), model.index(0, TAGS).data()) == ("std", "good, 40+40")


def test_a_run_goes_to_the_trash_and_comes_back(
    page: ModelsPage,
    pair: tuple[RunFolder, RunFolder],
    qtbot: QtBot,
    answer: Callable[[str], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    page.table.choose(pair[1].best)
    asked = answer("remove")
    with qtbot.waitSignal(page.messages.posted) as posted:
        page.remove_chosen()
    assert "light" in asked[0]
    assert not pair[1].path.exists()
    assert [r.name for r in page.table.visible_rows] == ["std"]
    message = posted.args[0]
    assert message.action == "Undo", message
    message.on_action()
    assert pair[1].best.read_bytes() == b"weights"
    assert sorted(r.name for r in page.table.visible_rows) == ["light", "std"]
    assert not list(tmp_path.rglob("*.trashinfo"))


def test_what_is_in_the_way_is_not_overwritten(
    page: ModelsPage,
    pair: tuple[RunFolder, RunFolder],
    qtbot: QtBot,
    answer: Callable[[str], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    page.table.choose(pair[1].best)
    answer("remove")
    with qtbot.waitSignal(page.messages.posted) as posted:
        page.remove_chosen()
    pair[1].path.mkdir()
    with qtbot.waitSignal(page.messages.posted) as again:
        posted.args[0].on_action()
    assert again.args[0].kind == "warning"
    assert not list(pair[1].path.iterdir())
    shutil.rmtree(pair[1].path)
    QApplication.processEvents()
