"""The tree table: its figures are the core's, its selection is module paths."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from app.core.cost import compare_cost
from app.core.design import Design, Swap, preset
from app.core.text import figure, grouped, percent_change
from app.ui.widgets.diagram_facts import Facts, Snapshot, take_snapshot
from app.ui.widgets.layer_table import (
    FLOPS,
    FLOPS_CHANGE,
    KIND,
    PARAMETERS,
    PARAMETERS_CHANGE,
    PATH,
    LayerTable,
)
from app.ui.widgets.layer_table_columns import Column, default_columns
from app.ui.widgets.layer_table_model import LayerModel
from app.ui.widgets.layer_table_rows import ABLE, SWAPPED, Wanted

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
    for design in (
        DESIGN,
        DESIGN.without(["model.3"]),
        Design.stock("yolov5x"),
        Design.stock("yolov9c"),
        DESIGN,
    ):
        model.show_snapshot(take_snapshot(design))
        for wanted in (
            Wanted(text="cv2"),
            Wanted(column=model.columns[FLOPS]),
            Wanted(only=SWAPPED),
            Wanted(),
        ):
            model.want(wanted)
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
    assert "nothing to make depthwise" in text(table, "model.9", KIND), "a refusal says why where it stands"


def test_a_layer_swapped_as_a_whole_holds_nothing_of_its_own_any_more(table: LayerTable) -> None:
    design = DESIGN.without(["model.6.m.0.cv2"]).with_swap(["model.6"], Swap("ghost_c3", {"width": 25}))
    table.show_snapshot(take_snapshot(design))
    row = next(m for m in compare_cost(design).modules if m.path == "model.6")
    assert text(table, "model.6", KIND) == "Ghost C3 (width 25)"
    assert text(table, "model.6", FLOPS) == figure(row.lightweight.flops / 1e9)
    assert text(table, "model.6", PARAMETERS_CHANGE) == percent_change(
        row.standard.parameters, row.lightweight.parameters
    )
    assert text(table, "model.6.m.0.cv2", KIND) == "in Ghost C3"
    assert text(table, "model.6.m.0.cv2", FLOPS) == ""
    table.show_snapshot(take_snapshot(DESIGN))
    assert text(table, "model.6.m.0.cv2", KIND) == "Depthwise separable"


def test_modules_that_can_be_replaced_inside_a_layer_hold_their_convolutions(table: LayerTable) -> None:
    table.show_snapshot(take_snapshot(Design.stock("yolo11m")))
    layer = table.model_.index_of("model.6")
    nested = table.model_.index_of("model.6.m.0")
    assert table.model_.parent(nested) == layer
    assert text(table, "model.6.m.0", PATH) == "m.0 C3k"
    assert table.model_.parent(table.model_.index_of("model.6.m.0.m.0.cv2")) == nested
    assert table.model_.parent(table.model_.index_of("model.6.cv1")) == layer


def header_click(table: LayerTable, column: int) -> None:
    header = table.header()
    at = QPoint(header.sectionPosition(column) + 20, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)


def shown(table: LayerTable) -> list[str]:
    """Return the paths of the topmost rows, from the top."""
    model = table.model_
    return [model.path(model.index(row, 0)) for row in range(model.rowCount())]


def test_a_click_on_a_header_ranks_the_whole_model_and_a_third_leads_back(table: LayerTable) -> None:
    tree = shown(table)
    header_click(table, FLOPS)
    facts = table.model_.snapshot.facts  # type: ignore[union-attr]
    ranked = [facts[path].lightweight.flops for path in shown(table)]
    assert ranked == sorted(ranked, reverse=True)
    assert {"model.6", "model.6.m.1.cv2", "model.24.cv3.0.0"} <= set(shown(table))
    assert "model.24" not in shown(table), "what cannot be replaced itself is no candidate"
    assert text(table, "model.6.m.1.cv2", PATH) == "model.6.m.1.cv2", "without its layer it says where it is"
    header_click(table, FLOPS)
    ranked = [facts[path].lightweight.flops for path in shown(table)]
    assert ranked == sorted(ranked)
    header_click(table, FLOPS)
    assert shown(table) == tree


def test_sorting_by_the_change_puts_what_saves_most_first(table: LayerTable) -> None:
    header_click(table, FLOPS_CHANGE)
    assert shown(table)[0] in {"model.3", "model.5", "model.7"}
    header_click(table, KIND)
    kinds = [text(table, path, KIND) for path in shown(table)]
    assert kinds[0].startswith("Depthwise separable")
    assert kinds.index("Grouped (DWConv)") < kinds.index("standard")
    header_click(table, PATH)
    assert shown(table)[0] == "model.0", "the first column is the order of execution"


def test_an_edit_does_not_move_sorted_rows_under_the_hand(table: LayerTable) -> None:
    header_click(table, FLOPS)
    before = shown(table)
    table.select([before[0]])
    table.show_snapshot(take_snapshot(DESIGN.with_swap(["model.1"], Swap("separable"))))
    assert shown(table) == before
    assert table.selection() == (before[0],)


def test_a_filter_shows_what_is_found_in_its_layer(table: LayerTable) -> None:
    table.want(Wanted(text="m.0.cv2"))
    assert set(shown(table)) == {f"model.{index}" for index in (2, 4, 6, 8, 13, 17, 20, 23)}
    index = table.model_.index_of("model.6")
    assert table.isExpanded(index), "what is found is in view"
    assert table.model_.rowCount(index) == 1
    table.want(Wanted(text="c3"))
    assert table.model_.rowCount(table.model_.index_of("model.6")) == 9, "of what is found, everything"
    table.want(Wanted())
    assert len(shown(table)) == 25


def test_the_table_shows_what_is_replaced_alone(table: LayerTable) -> None:
    table.want(Wanted(only=SWAPPED))
    assert shown(table) == ["model.3", "model.5", "model.6", "model.7"]
    table.show_snapshot(take_snapshot(DESIGN.without(["model.5"])))
    assert shown(table) == ["model.3", "model.6", "model.7"], "and follows the design"
    table.want(Wanted(only=ABLE))
    assert {"model.9", "model.10", "model.11"}.isdisjoint(shown(table))


def test_columns_can_be_added_and_taken_away(table: LayerTable) -> None:
    class Depth(Column):
        key = "depth"
        sample = "000"

        def title(self) -> str:
            return "Depth"

        def text(self, snapshot: Snapshot, facts: Facts) -> str:
            return str(facts.path.count("."))

        def value(self, snapshot: Snapshot, facts: Facts) -> float:
            return float(facts.path.count("."))

    table.select(["model.5"])
    table.set_columns((*default_columns(), Depth()))
    assert text(table, "model.6.m.1.cv2", 6) == "4"
    assert table.selection() == ("model.5",)
    header_click(table, 6)
    assert shown(table)[0].count(".") == 4
    table.set_columns(default_columns())
    assert len(shown(table)) == 25, "what it was sorted by is gone"


def test_space_and_enter_open_and_f2_offers_kinds(table: LayerTable, qtbot: QtBot) -> None:
    table.select(["model.4"])
    index = table.model_.index_of("model.4")
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Return):
        QTest.keyClick(table, key)
        assert table.isExpanded(index)
        QTest.keyClick(table, key)
        assert not table.isExpanded(index)
    with qtbot.waitSignal(table.kinds_requested):
        QTest.keyClick(table, Qt.Key.Key_F2)
    with qtbot.waitSignal(table.kinds_requested):
        at = table.visualRect(table.model_.index_of("model.4", KIND)).center()
        QTest.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    QTest.keyClick(table, Qt.Key.Key_Escape)
    assert table.selection() == ()


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
