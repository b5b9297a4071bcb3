"""The tree table: its figures are the core's, its selection is module paths."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from app.core.cost import compare_cost
from app.core.design import Design, Swap, preset
from app.core.text import figure, grouped, percent_change
from app.ui.widgets.diagram_facts import take_snapshot
from app.ui.widgets.layer_table import (
    FLOPS,
    FLOPS_CHANGE,
    KIND,
    PARAMETERS,
    PARAMETERS_CHANGE,
    PATH,
    LayerModel,
    LayerTable,
)

DESIGN = (
    Design.stock("yolov5n", 3)
    .with_swap(["model.3", "model.6.m.0.cv2"], Swap("separable"))
    .with_swap(["model.5"], Swap("separable", {"rank": 2}))
    .with_swap(["model.7"], Swap("dwconv"))
)


@pytest.fixture
def table(qtbot: QtBot) -> LayerTable:
    widget = LayerTable()
    widget.show_snapshot(take_snapshot(DESIGN))
    widget.resize(820, 500)
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def text(table: LayerTable, path: str, column: int) -> str:
    return str(table.model_.index_of(path, column).data() or "")


def test_the_model_keeps_qt_s_rules(qtbot: QtBot) -> None:
    model = LayerModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for design in (DESIGN, DESIGN.without(["model.3"]), Design.stock("yolov5x"), DESIGN):
        model.show_snapshot(take_snapshot(design))
    assert tester.model() is model


@pytest.mark.parametrize("base", ["yolov5n", "yolov5x"])
def test_every_convolution_has_the_core_s_figures(table: LayerTable, base: str) -> None:
    design = preset("separable", base, 3).without(["model.4.m.0.cv2"])
    table.show_snapshot(take_snapshot(design, 320))
    for module in compare_cost(design, 320).modules:
        assert text(table, module.path, FLOPS) == figure(module.lightweight.flops / 1e9)
        assert text(table, module.path, PARAMETERS) == grouped(module.lightweight.parameters)
        saved = percent_change(module.standard.flops, module.lightweight.flops)
        assert text(table, module.path, FLOPS_CHANGE) == (saved if module.kind else "")


def test_a_layer_sums_its_convolutions(table: LayerTable) -> None:
    rows = [m for m in compare_cost(DESIGN).modules if m.path.startswith("model.6.")]
    assert text(table, "model.6", PARAMETERS) == grouped(sum(m.lightweight.parameters for m in rows))
    before, after = (sum(getattr(m, side).parameters for m in rows) for side in ("standard", "lightweight"))
    assert text(table, "model.6", PARAMETERS_CHANGE) == percent_change(before, after)
    assert text(table, "model.11", FLOPS) == "", "an upsampling costs nothing"


def test_kinds_are_named_and_partly_swapped_layers_are_mixed(table: LayerTable) -> None:
    assert text(table, "model.3", KIND) == "Depthwise separable"
    assert text(table, "model.5", KIND) == "Depthwise separable ×2"
    assert text(table, "model.7", KIND) == "Grouped (DWConv)"
    assert text(table, "model.6", KIND) == "mixed 1/3"
    assert text(table, "model.6.m.0.cv2", KIND) == "Depthwise separable"
    assert text(table, "model.1", KIND) == "standard"
    assert text(table, "model.9", KIND) == ""


def test_a_refusal_says_why_in_its_tooltip(table: LayerTable) -> None:
    tip = table.model_.index_of("model.10", PATH).data(Qt.ItemDataRole.ToolTipRole)
    assert "pointwise already" in tip


def test_clicking_rows_selects_paths_in_order_of_execution(table: LayerTable, qtbot: QtBot) -> None:
    def click(path: str, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        at = table.visualRect(table.model_.index_of(path)).center()
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifiers, at)

    click("model.5")
    with qtbot.waitSignal(table.selection_changed) as told:
        click("model.2", Qt.KeyboardModifier.ControlModifier)
    assert told.args == [("model.2", "model.5")]


def test_double_click_and_arrows_open_a_layer(table: LayerTable) -> None:
    index = table.model_.index_of("model.4")
    at = table.visualRect(index).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    QTest.keyClick(table, Qt.Key.Key_Right)
    assert table.isExpanded(index)
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert table.selection() == ("model.4.cv1",)


def test_a_selection_made_elsewhere_is_taken_over_silently(table: LayerTable, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(table.selection_changed):
        table.select(["model.23.m.0.cv2", "model.2"])
    assert table.selection() == ("model.2", "model.23.m.0.cv2")
    assert (
        table.viewport().rect().contains(table.visualRect(table.model_.index_of("model.23.m.0.cv2")).center())
    )


def test_an_edit_keeps_what_is_open_selected_and_scrolled(table: LayerTable) -> None:
    table.expand(table.model_.index_of("model.6"))
    table.select(["model.6.m.2.cv2"])
    table.verticalScrollBar().setValue(60)
    table.show_snapshot(take_snapshot(DESIGN.without(["model.3"])))
    assert table.isExpanded(table.model_.index_of("model.6"))
    assert table.selection() == ("model.6.m.2.cv2",)
    assert table.verticalScrollBar().value() == 60
    table.show_snapshot(take_snapshot(DESIGN.with_classes(9)))
    assert table.isExpanded(table.model_.index_of("model.6")), "another number of classes keeps it too"
    assert table.selection() == ("model.6.m.2.cv2",)


@pytest.mark.parametrize("width", [560, 820, 1400])
def test_no_figure_is_cut(table: LayerTable, width: int) -> None:
    table.show_snapshot(take_snapshot(preset("separable", "yolov5x")))
    table.resize(width, 400)
    metrics = table.fontMetrics()
    for path in ("model.8", "model.3", "model.6.cv1"):
        for column in (FLOPS, FLOPS_CHANGE, PARAMETERS, PARAMETERS_CHANGE):
            assert metrics.horizontalAdvance(text(table, path, column)) + 12 <= table.columnWidth(column)
    assert sum(table.columnWidth(column) for column in range(6)) <= table.viewport().width()


def test_search_finds_paths_names_and_classes(table: LayerTable) -> None:
    assert table.matches("sppf") == ("model.9",)
    assert "model.6.m.1.cv2" in table.matches("6.m.1")
    assert table.matches("nothing like this") == ()
    assert table.matches("  ") == ()


def test_the_menu_key_asks_for_a_menu_at_the_row(table: LayerTable, qtbot: QtBot) -> None:
    from PySide6.QtGui import QContextMenuEvent
    from PySide6.QtWidgets import QApplication

    table.select(["model.4"])
    with qtbot.waitSignal(table.menu_requested) as told:
        event = QContextMenuEvent(
            QContextMenuEvent.Reason.Keyboard, QPoint(1, 1), table.mapToGlobal(QPoint(1, 1))
        )
        QApplication.sendEvent(table, event)
    row = table.visualRect(table.model_.index_of("model.4"))
    assert row.contains(table.viewport().mapFromGlobal(told.args[0]))
