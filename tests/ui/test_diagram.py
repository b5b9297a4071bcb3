"""The diagram: where things lie, what mouse and keyboard do, what is painted."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.architecture import base_models, load_architecture
from app.core.design import Design, Swap
from app.core.sites import original
from app.ui import theme
from app.ui.widgets.diagram import Diagram
from app.ui.widgets.diagram_facts import MIXED, take_snapshot
from app.ui.widgets.diagram_layout import Layout, lay_out

NO, CONTROL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton


@pytest.fixture
def diagram(qtbot: QtBot) -> Diagram:
    widget = Diagram(take_snapshot(Design.stock("yolov5n", 3)))
    widget.resize(1400, 520)
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.setFocus()
    return widget


def middle(diagram: Diagram, path: str) -> QPoint:
    return diagram.rect_of(path).center()


def click(diagram: Diagram, path: str, modifiers: Qt.KeyboardModifier = NO) -> None:
    QTest.mouseClick(diagram, LEFT, modifiers, middle(diagram, path))


def drag(diagram: Diagram, start: QPoint, end: QPoint, button: Qt.MouseButton = LEFT) -> None:
    QTest.mousePress(diagram, button, NO, start)
    for step in range(1, 6):
        QTest.mouseMove(diagram, start + (end - start) * step / 5)
    QTest.mouseRelease(diagram, button, NO, end)


def all_open(base: str) -> Layout:
    architecture = load_architecture(base)
    return lay_out(architecture, frozenset(layer.path for layer in architecture.layers))


@pytest.mark.parametrize("base", base_models())
def test_closed_layers_stand_in_the_row_of_their_stride_and_never_overlap(base: str) -> None:
    architecture = load_architecture(base)
    layout = lay_out(architecture)
    assert list(layout.by_path) == [layer.path for layer in architecture.layers]
    rows = {row.level: row.rect for row in layout.rows}
    for layer in architecture.layers[:-1]:
        rect = layout.by_path[layer.path].rect
        assert rows[layer.level].top() <= rect.top(), layer
        assert rect.bottom() <= rows[layer.level].bottom(), layer
    rects = [node.rect for node in layout.nodes]
    assert not any(a.intersects(b) for i, a in enumerate(rects) for b in rects[:i])


@pytest.mark.parametrize("base", base_models())
def test_layers_run_left_to_right_and_the_head_spans_what_it_reads(base: str) -> None:
    architecture = load_architecture(base)
    layout = lay_out(architecture)
    lefts = [layout.by_path[layer.path].rect.left() for layer in architecture.layers]
    assert lefts == sorted(lefts)
    head = layout.by_path[architecture.layers[-1].path].rect
    for source in architecture.layers[-1].sources:
        rect = layout.by_path[f"model.{source}"].rect
        assert head.top() <= rect.center().y() <= head.bottom()


@pytest.mark.parametrize("base", base_models())
def test_every_link_of_the_model_is_drawn(base: str) -> None:
    architecture = load_architecture(base)
    expected = {(f"model.{s}", layer.path) for layer in architecture.layers for s in layer.sources if s >= 0}
    assert {(link.source, link.target) for link in lay_out(architecture).links} == expected


@pytest.mark.parametrize("base", base_models())
def test_an_open_layer_shows_every_convolution_inside_its_frame(base: str) -> None:
    architecture = load_architecture(base)
    layout = all_open(base)
    frames = {node.path: node.rect for node in layout.nodes if node.shape == "frame"}
    inner = [node for node in layout.nodes if node.shape == "conv"]
    expected = [p for layer in frames for p in architecture.convolutions_in(layer) if original(p) == p]
    assert sorted(node.path for node in inner) == sorted(expected)
    for node in inner:
        assert frames[".".join(node.path.split(".")[:2])].contains(node.rect), node.path
    others = [node.rect for node in layout.nodes if node.shape not in ("frame", "group")]
    assert not any(a.intersects(b) for i, a in enumerate(others) for b in others[:i])


def test_parts_take_their_columns_and_nothing_else() -> None:
    architecture = load_architecture("yolov5s")
    layout = lay_out(architecture)
    zones = {zone.part: zone.rect for zone in layout.zones}
    assert list(zones) == ["backbone", "neck", "head"]
    for layer in architecture.layers:
        rect = layout.by_path[layer.path].rect
        assert zones[layer.part].left() <= rect.left(), layer
        assert rect.right() <= zones[layer.part].right(), layer


def test_a_click_selects_control_toggles_shift_extends(diagram: Diagram, qtbot: QtBot) -> None:
    with qtbot.waitSignal(diagram.selection_changed) as told:
        click(diagram, "model.5")
    assert told.args == [("model.5",)]
    click(diagram, "model.8", CONTROL)
    assert diagram.selection == ("model.5", "model.8")
    click(diagram, "model.5", CONTROL)
    assert diagram.selection == ("model.8",)
    click(diagram, "model.3")
    click(diagram, "model.6", SHIFT)
    assert diagram.selection == ("model.3", "model.4", "model.5", "model.6")


def test_a_click_beside_everything_and_escape_clear(diagram: Diagram) -> None:
    click(diagram, "model.5")
    QTest.mouseClick(diagram, LEFT, NO, middle(diagram, "model.0") + QPoint(300, 0))
    assert diagram.selection == ()
    click(diagram, "model.5")
    QTest.keyClick(diagram, Qt.Key.Key_Escape)
    assert diagram.selection == ()


def test_dragging_selects_what_the_band_touches(diagram: Diagram) -> None:
    start = diagram.rect_of("model.7").topLeft() - QPoint(8, 8)
    end = diagram.rect_of("model.9").bottomRight() + QPoint(4, 4)
    drag(diagram, start, end)
    assert diagram.selection == ("model.7", "model.8", "model.9")


def test_a_band_over_an_open_layer_takes_its_inside(diagram: Diagram) -> None:
    diagram.set_open("model.6", True)
    diagram.fit()
    frame = diagram.rect_of("model.6")
    drag(diagram, frame.topLeft() + QPoint(3, 3), frame.bottomRight() - QPoint(3, 3))
    assert "model.6.m.0.cv2" in diagram.selection
    assert all(path.startswith("model.6.") for path in diagram.selection)


def test_arrow_keys_walk_along_and_between_rows(diagram: Diagram) -> None:
    click(diagram, "model.1")
    for key, expected in (
        (Qt.Key.Key_Right, "model.2"),
        (Qt.Key.Key_Down, "model.3"),
        (Qt.Key.Key_Right, "model.4"),
        (Qt.Key.Key_Down, "model.5"),
        (Qt.Key.Key_Up, "model.4"),
        (Qt.Key.Key_Home, "model.0"),
        (Qt.Key.Key_End, "model.24"),
    ):
        QTest.keyClick(diagram, key)
        assert diagram.selection == (expected,)
    click(diagram, "model.1")
    QTest.keyClick(diagram, Qt.Key.Key_Right, SHIFT)
    assert diagram.selection == ("model.1", "model.2")


@pytest.mark.parametrize("base", ["yolov5n", "yolov5x"])
def test_the_keyboard_reaches_every_layer(base: str) -> None:
    from app.ui.widgets.diagram_selection import neighbour

    layout = lay_out(load_architecture(base))
    seen, waiting = set[str](), ["model.0"]
    while waiting:
        path = waiting.pop()
        if path and path not in seen:
            seen.add(path)
            waiting += [neighbour(layout, path, step) for step in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    assert seen == set(layout.by_path)


def test_enter_and_double_click_open_a_layer_to_its_convolutions(diagram: Diagram, qtbot: QtBot) -> None:
    click(diagram, "model.4")
    with qtbot.waitSignal(diagram.opened_changed):
        QTest.keyClick(diagram, Qt.Key.Key_Return)
    assert diagram.opened == {"model.4"}
    click(diagram, "model.4.m.1.cv2")
    assert diagram.selection == ("model.4.m.1.cv2",)
    QTest.keyClick(diagram, Qt.Key.Key_Return)
    assert diagram.opened == frozenset()
    assert diagram.selection == ("model.4",), "what was selected inside is its layer now"
    QTest.mouseDClick(diagram, LEFT, NO, middle(diagram, "model.24"))
    assert diagram.opened == {"model.24"}
    click(diagram, "model.24.cv3.0.1")
    assert diagram.selection == ("model.24.cv3.0.1",)


def test_what_has_no_inside_does_not_open(diagram: Diagram) -> None:
    for path in ("model.1", "model.11", "model.12"):
        diagram.set_open(path, True)
    assert diagram.opened == frozenset()


def test_an_opened_layer_stays_under_the_mouse(diagram: Diagram) -> None:
    diagram.zoom(1.5, QPointF(middle(diagram, "model.4")))
    before = diagram.rect_of("model.4").left()
    diagram.set_open("model.4", True)
    assert abs(diagram.rect_of("model.4").left() - before) <= 1


def wheel(diagram: Diagram, at: QPoint, delta: int) -> None:
    event = QWheelEvent(
        QPointF(at),
        QPointF(diagram.mapToGlobal(at)),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        NO,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(diagram, event)


def test_the_wheel_zooms_about_the_mouse(diagram: Diagram) -> None:
    at = middle(diagram, "model.6")
    before = diagram.view.to_diagram(QPointF(at))
    scale = diagram.view.scale
    wheel(diagram, at, 240)
    assert diagram.view.scale > 1.3 * scale
    after = diagram.view.to_diagram(QPointF(at))
    assert (before - after).manhattanLength() < 1e-6
    wheel(diagram, at, -240)
    assert diagram.view.scale == pytest.approx(scale)


def test_the_middle_button_and_space_pan_without_selecting(diagram: Diagram) -> None:
    start = middle(diagram, "model.8")
    before = diagram.rect_of("model.8").topLeft()
    drag(diagram, start, start + QPoint(60, -40), MIDDLE)
    assert diagram.rect_of("model.8").topLeft() - before == QPoint(60, -40)
    QTest.keyPress(diagram, Qt.Key.Key_Space)
    drag(diagram, start, start + QPoint(-60, 40))
    QTest.keyRelease(diagram, Qt.Key.Key_Space)
    assert diagram.rect_of("model.8").topLeft() == before
    assert diagram.selection == ()


def test_the_diagram_cannot_be_lost_by_panning(diagram: Diagram) -> None:
    for _ in range(8):
        drag(diagram, QPoint(100, 300), QPoint(1300, 300), MIDDLE)
    shown = [diagram.rect_of(f"model.{index}") for index in range(25)]
    assert any(diagram.rect().intersects(rect) for rect in shown)
    diagram.fit()
    assert all(diagram.rect().contains(diagram.rect_of(f"model.{index}")) for index in range(25))


@pytest.mark.parametrize(("width", "height"), [(568, 220), (824, 283), (1416, 451), (2600, 1200)])
def test_fitting_shows_everything_at_any_size(diagram: Diagram, width: int, height: int) -> None:
    diagram.resize(width, height)
    area = diagram.rect().adjusted(46, 24, 1, 1)
    assert all(area.contains(diagram.rect_of(f"model.{index}")) for index in range(25))


def colour_at(image: QImage, point: QPoint) -> QColor:
    ratio = image.devicePixelRatio()
    return image.pixelColor(round(point.x() * ratio), round(point.y() * ratio))


def test_kinds_are_told_by_fill_and_by_mark(diagram: Diagram) -> None:
    design = Design.stock("yolov5n", 3)
    design = design.with_swap(["model.3"], Swap("separable")).with_swap(["model.5"], Swap("dwconv"))
    diagram.show_snapshot(take_snapshot(design))
    image = diagram.grab().toImage()
    for path, kind in (("model.3", "separable"), ("model.5", "dwconv")):
        inside = diagram.rect_of(path).bottomLeft() + QPoint(8, -8)
        assert colour_at(image, inside) == QColor(theme.KIND_COLOURS[kind][0]), path
    plain = diagram.rect_of("model.7")
    assert colour_at(image, plain.bottomLeft() + QPoint(8, -8)).lightness() > 225

    def corner(path: str) -> QImage:
        rect = diagram.rect_of(path)
        return image.copy(rect.right() - 12, rect.top() - 12, 26, 26).convertToFormat(
            QImage.Format.Format_Mono
        )

    assert corner("model.3") != corner("model.5"), "the marks have different shapes"


def test_a_partly_swapped_layer_is_neither_filled_nor_plain(diagram: Diagram) -> None:
    design = Design.stock("yolov5n", 3).with_swap(["model.6.m.0.cv2"], Swap("separable"))
    snapshot = take_snapshot(design)
    assert snapshot.facts["model.6"].kind == MIXED
    assert (snapshot.facts["model.6"].swapped, snapshot.facts["model.6"].convolutions) == (1, 3)
    diagram.show_snapshot(snapshot)
    image = diagram.grab().toImage()
    rect = diagram.rect_of("model.6")
    left = colour_at(image, rect.bottomLeft() + QPoint(6, -6))
    right = colour_at(image, rect.bottomRight() - QPoint(6, 6))
    assert left != right
    assert left != QColor(theme.KIND_COLOURS["separable"][0])


def test_another_number_of_classes_keeps_the_view_and_another_base_model_fits(diagram: Diagram) -> None:
    diagram.set_open("model.6", True)
    diagram.select(["model.6.m.2.cv2"])
    diagram.show_snapshot(take_snapshot(Design.stock("yolov5n", 7)))
    assert diagram.opened == {"model.6"}
    assert diagram.selection == ("model.6.m.2.cv2",)
    diagram.show_snapshot(take_snapshot(Design.stock("yolov5x", 7)))
    assert diagram.opened == frozenset()
    assert diagram.selection == ("model.6.m.2.cv2",), "what the larger model has too stays selected"
    diagram.show_snapshot(take_snapshot(Design.stock("yolov5n", 7)))
    diagram.select(["model.6.m.9.cv2"])
    diagram.show_snapshot(take_snapshot(Design.stock("yolov5s", 7)))
    assert diagram.selection == ()


def test_words_for_screen_readers_say_what_is_selected_and_why_not(diagram: Diagram) -> None:
    click(diagram, "model.9")
    assert "SPPF" in diagram.accessibleDescription()
    assert "nothing to make depthwise" in diagram.accessibleDescription()
    assert diagram.accessibleName()
