"""The bench's window: what it shows of real and half-done tables, and what a person can do with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.core.bench import Bench
from app.core.bench_report import FORMS, as_json
from app.ui.application import Studio
from app.ui.pages.models import ModelsPage
from app.ui.pages.models_bench import BenchWindow
from app.ui.pages.models_bench_plot import BenchPlotView
from app.ui.pages.models_bench_table import MAP, MODEL, P50, RATIO, RUNTIME
from app.ui.widgets.pareto_marks import FRONTIER, SMALLER
from tests.core.test_bench import ROWS
from tests.ui.train_runs import EPOCHS, FINISHED, events_of, make_run


@pytest.fixture
def window(studio: Studio, workspace: Path, qtbot: QtBot) -> BenchWindow:
    """The window as the button opens it, on a workspace whose last bench is known."""
    make_run(workspace, "light", events_of(EPOCHS, FINISHED, role="lightweight"), "lightweight")
    make_run(workspace, "std", events_of(EPOCHS, FINISHED))
    folder = workspace / "reports" / "bench"
    folder.mkdir(parents=True)
    known = Bench("/data.yaml", "val", 60, "A machine", {"torch": "2.9"}, "std", ROWS).sorted_out()
    (folder / "latest.json").write_text(as_json(known), encoding="utf-8")
    studio.window.show()
    studio.window.show_page("models")
    page = studio.window.page("models")
    assert isinstance(page, ModelsPage)
    qtbot.mouseClick(page.bench, Qt.MouseButton.LeftButton)
    shown = page.bench_window
    assert shown is not None
    qtbot.waitUntil(lambda: shown.plot is not None)
    return shown


def shown_cells(window: BenchWindow, column: int) -> list[str]:
    model = window.table.model()
    return [model.index(number, column).data() for number in range(model.rowCount())]


def test_the_table_shows_sorts_and_filters_and_the_plot_follows(window: BenchWindow, qtbot: QtBot) -> None:
    assert shown_cells(window, MODEL)[:2] == ["std", "light"]
    assert "yolov5n × 0.5 (untrained)" in shown_cells(window, MODEL)
    assert shown_cells(window, RUNTIME)[0] == "OpenVINO"
    assert shown_cells(window, RATIO)[:2] == ["1.00×", "2.00× [1.90, 2.10]"]
    assert shown_cells(window, P50)[-2:] == ["1.00*", "refused"]
    assert "60 pictures of val" in window.sentence.text()
    window.table.sortByColumn(P50, Qt.SortOrder.AscendingOrder)
    assert shown_cells(window, MODEL)[0] == "hasty"
    assert shown_cells(window, P50)[-1] == "refused"
    window.table.sortByColumn(MAP, Qt.SortOrder.DescendingOrder)
    assert shown_cells(window, MAP)[0] == "0.720"
    assert shown_cells(window, MAP)[-1] == "–"
    plot = window.plot
    assert isinstance(plot, BenchPlotView)
    kinds = {mark.words[0]: mark.kind for mark in plot.plot.chart.marks}
    assert kinds["std, openvino f32"] == FRONTIER
    assert kinds["yolov5n × 0.5, openvino f32"] == SMALLER
    qtbot.keyClicks(window.filter, "light")
    assert shown_cells(window, MODEL) == ["light"]
    assert [mark.words[0] for mark in plot.plot.chart.marks] == ["light, openvino f32"]
    plot.axis.setCurrentIndex(1)
    assert plot.plot.chart.marks[0].x == 2.5
    plot.plot.mark_taken.emit(plot.plot.chart.marks[0])
    assert [row.name for row in window.table.chosen] == ["light"]
    assert not window.grab().isNull()


def test_a_refusal_is_told_and_two_rows_go_to_compare(
    window: BenchWindow, studio: Studio, qtbot: QtBot
) -> None:
    window.table.choose(ROWS[6].key)
    assert "No precision “int8”" in window.sentence.text()
    assert not window.compare.isEnabled()
    window.table.selectAll()
    assert not window.compare.isEnabled()
    window.table.filter("light")
    window.table.selectRow(0)
    assert not window.compare.isEnabled()
    window.table.filter("/models/")  # nothing has it: paths are not shown
    assert shown_cells(window, MODEL) == []
    window.table.filter("")
    window.table.rows_model.show_rows(ROWS[1::-1])
    window.table.selectAll()
    assert window.compare.isEnabled()
    asked: list[tuple[str, str]] = []
    studio.services.workspace.request_comparison = lambda a, b: asked.append((a, b))  # type: ignore[method-assign]
    qtbot.mouseClick(window.compare, Qt.MouseButton.LeftButton)
    assert asked == [("/models/std.pt", "/models/light.pt")]


def test_every_form_is_written(window: BenchWindow, tmp_path: Path) -> None:
    for form in FORMS:
        window.write_report(tmp_path / f"bench.{form}", form)
        assert "light" in (tmp_path / f"bench.{form}").read_text(encoding="utf-8")
        assert f"bench.{form}" in window.sentence.text()
    window.write_report(tmp_path / "bench.csv" / "no", "csv")
    assert "cannot be written" in window.sentence.text()


def test_measuring_shows_rows_as_they_come_and_says_what_failed(
    window: BenchWindow, studio: Studio, workspace: Path, qtbot: QtBot
) -> None:
    window.data.addItem("nowhere", str(workspace / "nowhere.yaml"))
    window.data.setCurrentIndex(window.data.count() - 1)
    qtbot.mouseClick(window.start, Qt.MouseButton.LeftButton)
    assert window.start.text() == "Stop"
    assert not window.data.isEnabled()
    (task,) = studio.services.tasks.running
    assert task.title == "Bench of models"
    window._on_job_event_received({"event": "row", "row": json.loads(json.dumps(ROWS[0].to_json()))})
    event = {"event": "bench", "fraction": 0.5, "text": "Measuring accuracy", "name": "std", "left_s": 65.0}
    window._on_job_event_received(event)
    assert shown_cells(window, MODEL) == ["std"]
    assert window.sentence.text() == "Measuring accuracy: std, 1:05 left"
    assert (task.fraction, task.text) == (0.5, window.sentence.text())
    qtbot.waitUntil(lambda: not window.running, timeout=60_000)
    assert "nowhere.yaml" in window.sentence.text()
    assert window.start.text() == "Measure"
