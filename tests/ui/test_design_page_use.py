"""The Design page for everyone: by keyboard alone, named, at any size, in any language, without waiting."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, Qt, QTranslator
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.core.blocks import eligible
from app.core.design import Design
from app.core.latency_devices import KnownTable
from app.core.latency_plan import default_kinds, plan
from app.ui.application import Studio
from app.ui.pages.design import DesignPage
from app.ui.widgets.layer_table_columns import FigureColumn
from tests.core.latency_machine import table
from tests.ui.designing import CONTROL, SHIFT, click, press


@pytest.fixture
def page(design_page: DesignPage) -> DesignPage:
    return design_page


def test_the_keyboard_alone_makes_a_design(page: DesignPage) -> None:
    press(page, Qt.Key.Key_Home)
    press(page, Qt.Key.Key_Down)
    press(page, Qt.Key.Key_1)
    press(page, Qt.Key.Key_End)
    press(page, Qt.Key.Key_Return)
    press(page, Qt.Key.Key_A, CONTROL)
    press(page, Qt.Key.Key_1)
    able = eligible(page.snapshot.architecture, "separable")
    assert set(page.workspace.design.resolved()) == set(able)
    press(page, Qt.Key.Key_Escape)
    assert page.selection == ()
    press(page, Qt.Key.Key_Plus)
    scale = page.diagram.view.scale
    press(page, Qt.Key.Key_F)
    assert page.diagram.view.scale < scale


def test_everything_operable_is_named(page: DesignPage) -> None:
    kinds = (QPushButton, QToolButton)
    for widget in [w for kind in kinds for w in page.findChildren(kind)]:
        if widget.isVisible() and not isinstance(widget.parent(), QLineEdit):
            assert widget.objectName(), widget
            assert widget.accessibleName() or widget.text(), widget.objectName()
    for widget in (page.diagram, page.table, page.totals.size_choice, page.tools_.base, page.tools_.classes):
        assert widget.accessibleName()


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800), (1920, 1080)])
def test_nothing_is_cut_at_any_size(
    page: DesignPage, studio: Studio, qtbot: QtBot, size: tuple[int, int]
) -> None:
    page.select(("model.5",))
    studio.window.resize(*size)
    qtbot.waitUntil(lambda: page.width() >= size[0] - 100)
    for widget in page.findChildren(QLabel):
        if not widget.isVisible() or not widget.text() or widget.wordWrap() or widget is page.title:
            continue
        needed = widget.sizeHint().width()
        assert widget.width() >= needed, (widget.objectName(), widget.text())
    for widget in (page.primary, page.tools_.presets, page.canvas, page.totals, page.inspector):
        corner = widget.mapTo(page, widget.rect().bottomRight())
        assert page.rect().contains(corner), widget.objectName()
    closed = [page.diagram.rect_of(f"model.{index}") for index in range(25)]
    assert all(page.diagram.rect().contains(rect) for rect in closed)


class Brackets(QTranslator):
    """Puts every text in brackets."""

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, source: str, disambiguation: str | None = None, n: int = -1) -> str:  # type: ignore[override]
        return f"[{source}]"


def test_it_is_retranslated_while_running(page: DesignPage, qtbot: QtBot) -> None:
    page.select(("model.5",))
    translator = Brackets()
    QCoreApplication.installTranslator(translator)
    try:
        QCoreApplication.processEvents()
        names = ("inspectorTitle", "formula_ordinary", "formula_replaced", "formula_ratio", "kindPaper")
        plain = [
            label.text()
            for label in page.findChildren(QLabel)
            if label.isVisible() and label.text() and label.objectName() not in names
        ]
        words = [text for text in plain if any(c.isalpha() for c in text) and "[" not in text]
        assert words == [page.title.text()], "all but names and formulas comes from a translation"
        for widget in (page.primary, page.tools_.presets, *page.inspector.kinds.rows.values()):
            assert widget.text().startswith("[")
        assert all(
            action.text().startswith("[") for actions in page.menu_actions().values() for action in actions
        )
        assert str(page.table.model_.headerData(0, Qt.Orientation.Horizontal)).startswith("[")
    finally:
        QCoreApplication.removeTranslator(translator)


def test_the_table_alone_edits_many_rows_by_keyboard(page: DesignPage) -> None:
    table = page.table
    table.setFocus()
    QTest.keyClick(table, Qt.Key.Key_Home)
    QTest.keyClick(table, Qt.Key.Key_Down)
    for _ in range(3):
        QTest.keyClick(table, Qt.Key.Key_Down, SHIFT)
    assert page.selection == ("model.1", "model.2", "model.3", "model.4")
    QTest.keyClick(table, Qt.Key.Key_1)
    inside = {"model.2.m.0.cv2", "model.4.m.0.cv2", "model.4.m.1.cv2"}
    assert set(page.workspace.design.resolved()) == {"model.1", "model.3", *inside}
    assert page.selection == ("model.1", "model.2", "model.3", "model.4"), "the selection stays"
    QTest.keyClick(table, Qt.Key.Key_5)
    assert set(page.workspace.design.resolved()) == {"model.1", "model.2", "model.3", "model.4"}
    assert page.workspace.undo_stack.undoText() == "ShuffleNetV2 unit on 4 modules"
    QTest.keyClick(table, Qt.Key.Key_Delete)
    assert page.workspace.design.is_standard


def test_find_filters_the_table_and_the_funnel_what_is_replaced(page: DesignPage) -> None:
    model = page.table.model_
    click(page, "model.5")
    press(page, Qt.Key.Key_1)
    press(page, Qt.Key.Key_F, CONTROL)
    QTest.keyClicks(page.canvas.find_field, "sppf")
    assert [model.path(model.index(row, 0)) for row in range(model.rowCount())] == ["model.9"]
    QTest.keyClick(page.canvas.find_field, Qt.Key.Key_Escape)
    assert model.rowCount() == 25
    swapped = page.canvas.filter.menu().actions()[2]
    swapped.trigger()
    assert page.canvas.filter.isChecked()
    assert [model.path(model.index(row, 0)) for row in range(model.rowCount())] == ["model.5"]
    page.canvas.filter.menu().actions()[0].trigger()
    assert not page.canvas.filter.isChecked()


def test_further_columns_stay_beside_a_comparison(page: DesignPage) -> None:
    page.rows.add_columns([FigureColumn("parameters")])
    assert page.table.model_.columnCount() == 7
    page.comparison.compare("x", page.workspace.design)
    assert page.table.model_.columnCount() == 8
    page.comparison.stop()
    page.rows.add_columns([])
    assert page.table.model_.columnCount() == 6


LAYERS = (
    "model.1",
    "model.3",
    "model.4",
    "model.5",
    "model.6",
    "model.8",
    "model.18",
    "model.20",
    "model.24",
)


@pytest.fixture(scope="module")
def measured_x() -> KnownTable:
    """What a finished measurement of yolov5x leaves."""
    return KnownTable(table(plan(Design.stock("yolov5x"), default_kinds())), here=True)


@pytest.mark.alone  # times
@pytest.mark.parametrize(
    ("opened", "key", "kind"),
    [
        (False, Qt.Key.Key_1, "separable"),
        (True, Qt.Key.Key_1, "separable"),
        (False, Qt.Key.Key_5, "shufflenetv2"),
    ],
    ids=["layers", "opened", "wholes"],
)
def test_yolov5x_answers_a_click_and_a_key_within_50_ms(
    page: DesignPage, measured_x: KnownTable, opened: bool, key: Qt.Key, kind: str
) -> None:
    """p95 from the event to painted numbers, milliseconds too; `tests.benchmarks.editing` prints the figures."""
    page.workspace.apply(Design.stock("yolov5x"), "start")
    page.latency.tables.known = (measured_x,)
    page.latency.tables.changed.emit()
    paths = LAYERS
    if opened:
        for layer in page.snapshot.architecture.layers:
            page.diagram.set_open(layer.path, True)
        page.diagram.fit()
        able = page.snapshot.targets(["model.4", "model.6", "model.24"])
        paths = tuple(path for path in able if page.snapshot.facts[path].is_single)[:12]
    label = page.totals.findChild(QLabel, "totals_parameters_lightweight")
    assert label is not None
    clicks, keys, undos = [], [], []
    gc.collect()
    for path in paths * 2:
        page.diagram.reveal(path)
        QCoreApplication.processEvents()
        clicks.append(timed(lambda path=path: click(page, path)))
        before = label.text()
        keys.append(timed(lambda: press(page, key)))
        assert page.snapshot.facts[path].kind == kind
        assert label.text() != before
        assert page.latency.reading is not None
        assert page.latency.reading.predicted is not None
        undos.append(timed(page.workspace.undo_stack.undo))
        assert label.text() == before
    for name, times in (("select", clicks), ("swap", keys), ("undo", undos)):
        wall, own = (
            statistics.quantiles(column, n=20, method="inclusive")[-1] for column in zip(*times, strict=True)
        )
        print(f"yolov5x {kind} {name}: p95 {wall:.1f} ms, {own:.1f} ms of them ours")
        assert own < 50, name
        assert min(wall for wall, _ in times) < 50, name


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Return the milliseconds until everything that an action changes is painted, and how many this thread worked.

    On a machine that is busy with other things only the second says something about the page.
    """
    start, own = time.perf_counter(), time.thread_time()
    action()
    QCoreApplication.sendPostedEvents()
    QCoreApplication.processEvents()
    return (time.perf_counter() - start) * 1000, (time.thread_time() - own) * 1000
