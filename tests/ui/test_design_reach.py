"""Reaching a target in the window: what is asked, what is answered, what is drawn, and what it does to the design."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.core.cost import compare_cost
from app.core.design import Design, Swap
from app.core.errors import AppError
from app.core.events import encode_event
from app.core.runs import Workspace
from app.core.train_config import TrainConfig
from app.ui.pages.design import DesignPage
from app.ui.pages.design_reach_dialog import ReachDialog
from app.ui.pages.design_reach_locks import Locks
from app.ui.pages.design_reach_rows import LAYER, MS, RISK
from app.ui.pages.design_reach_targets import read_target
from app.ui.pages.design_reach_weights import choices
from app.ui.widgets.diagram_facts import take_snapshot
from app.ui.widgets.pareto_marks import FRONTIER, OPEN, PICKED, SMALLER
from tests.ui.designing import click, press

LEFT = Qt.MouseButton.LeftButton
WAIT_MS = 120_000
"""Every wait is for a process of its own, on a machine that may be busy."""


@pytest.fixture
def page(design_page: DesignPage) -> Iterator[DesignPage]:
    yield design_page
    design_page.reach.close()


def opened(page: DesignPage, qtbot: QtBot) -> ReachDialog:
    """Open the dialog as a person does."""
    press(page, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    dialog = page.reach.dialog
    assert dialog is not None
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def wait_for(dialog: ReachDialog, qtbot: QtBot, words: str) -> None:
    """Wait for an answer that says some words."""

    def said() -> bool:
        return words in dialog.answer.sentence.text() and not dialog.search._reach.busy

    qtbot.waitUntil(said, timeout=WAIT_MS)


def aim(dialog: ReachDialog, resource: str, text: str) -> None:
    edit = dialog.fields.boxes[resource].lineEdit()
    edit.selectAll()
    if text:
        QTest.keyClicks(edit, text)
    else:
        edit.clear()


def cell(dialog: ReachDialog, resource: str, side: str) -> str:
    found = dialog.answer.findChild(QLabel, f"answer_{resource}_{side}")
    assert found is not None
    return found.text()


def test_a_target_is_reached_explained_taken_and_undone(page: DesignPage, qtbot: QtBot) -> None:
    dialog = opened(page, qtbot)
    assert not dialog.isModal()
    assert dialog.windowTitle() == "Reach a target: yolov5n"
    assert dialog.fields.boxes["gflops"].text() == "−50\u202f%"
    assert not dialog.fields.boxes["ms"].isEnabled(), "nothing is known of milliseconds"
    wait_for(dialog, qtbot, "Reached with")
    assert "proven" in dialog.answer.sentence.text()
    assert "guessed from shapes" in dialog.answer.hint.text()

    standard = compare_cost(page.workspace.design).standard
    reached = dialog.search.answer
    assert reached is not None
    cost = compare_cost(reached).lightweight
    assert cost.flops <= standard.flops / 2
    assert float(cell(dialog, "gflops", "reached")) <= float(cell(dialog, "gflops", "asked"))
    assert cell(dialog, "gflops", "standard") == f"{standard.flops / 1e9:.2f}"
    assert cell(dialog, "params", "asked") == ""

    model = dialog.answer.table.order
    texts = [str(model.index(row, LAYER).data()) for row in range(model.rowCount())]
    assert texts == list(reached.resolved()), "in order of execution at first"
    saved = sum(row.saves["flops"] or 0 for row in dialog.answer.table.model_.rows)
    assert saved == standard.flops - cost.flops
    dialog.answer.table.sortByColumn(RISK, Qt.SortOrder.DescendingOrder)
    risks = [model.index(row, RISK).data(Qt.ItemDataRole.UserRole) for row in range(model.rowCount())]
    assert risks == sorted(risks, reverse=True)
    assert str(model.index(0, RISK).data()).endswith("?")
    dialog.answer.table.selectRow(0)
    assert page.selection == (str(model.index(0, LAYER).data()),), "the row is shown in the diagram"
    QTest.mouseClick(dialog.answer.spared, LEFT)
    alone = {row.path for row in dialog.answer.table.model_.rows}
    assert alone
    assert not alone & set(reached.resolved())

    QTest.mouseClick(dialog.answer.take, LEFT)
    assert page.workspace.design.resolved() == reached.resolved()
    assert page.workspace.design.classes is None
    assert page.workspace.undo_stack.undoText() == "Reach −50\u202f% GFLOPs"
    assert dialog.answer.take.text() == "This design is open"
    assert not dialog.answer.take.isEnabled()
    page.workspace.undo_stack.undo()
    assert page.workspace.design.is_standard
    assert not page.workspace.undo_stack.canUndo(), "it was one step"
    assert dialog.answer.take.isEnabled()


def test_several_targets_and_quick_changes(page: DesignPage, qtbot: QtBot) -> None:
    dialog = opened(page, qtbot)
    wait_for(dialog, qtbot, "Reached with")
    answers: list[dict[str, object]] = []
    dialog.search.answered.connect(answers.append)
    dialog.means.kinds.fitted.trigger()
    for text in ("-10%", "-20%", "-30%"):
        aim(dialog, "gflops", text)
        qtbot.wait(250)
    aim(dialog, "params", "1.2")
    assert "≤ 1.20" in dialog.fields.meanings["params"].text()
    qtbot.waitUntil(lambda: bool(answers), timeout=WAIT_MS)
    qtbot.wait(300)
    assert len(answers) == 1, "what nobody waits for any more is not answered"
    reached = dialog.search.answer
    assert reached is not None
    cost = compare_cost(reached)
    assert cost.lightweight.flops <= 0.7 * cost.standard.flops
    assert cost.lightweight.parameters <= 1_200_000
    assert {swap.block for swap in reached.resolved().values()} == {"separable"}
    aim(dialog, "params", "many")
    assert dialog.fields.problem.isVisible()
    assert "-50%" in dialog.fields.problem.text()
    QTest.keyClick(dialog.fields.boxes["params"], Qt.Key.Key_Up)
    assert dialog.fields.boxes["params"].text() == "−50\u202f%"
    assert not dialog.fields.problem.isVisible()
    for resource in ("gflops", "params"):
        aim(dialog, resource, "")
    assert dialog.answer.sentence.text() == "Set a target at the left."
    assert not dialog.answer.take.isEnabled()


def test_locked_layers_stay_and_what_cannot_be_reached_says_what_to_unlock(
    page: DesignPage, qtbot: QtBot
) -> None:
    start = Design.stock("yolov5n").with_swap(["model.24.cv2.0.0"], Swap("separable"))
    page.workspace.apply(start, "start")
    click(page, "model.24")
    before = page.diagram.grab().toImage()
    press(page, Qt.Key.Key_L)
    assert page.reach.locks.paths == ("model.24",)
    assert page.diagram.grab().toImage() != before, "a lock is drawn"
    assert "Locked" in page.diagram.describe("model.24.cv2.0.0")
    index = page.table.model_.index_of("model.24")
    assert index.data(Qt.ItemDataRole.DecorationRole) is not None
    assert page.actions_.others["lockLayers"].text() == "Unlock"

    dialog = opened(page, qtbot)
    assert "Locked, these stay as they are: model.24." in dialog.means.locked.text()
    aim(dialog, "gflops", "-30%")
    wait_for(dialog, qtbot, "Reached with")
    reached = dialog.search.answer
    assert reached is not None
    assert [p for p in reached.resolved() if p.startswith("model.24")] == ["model.24.cv2.0.0"]
    kept = next(row for row in dialog.answer.table.model_.rows if row.path.startswith("model.24"))
    assert kept.locked
    dialog.means.kinds.fitted.trigger()
    aim(dialog, "gflops", "-60%")
    wait_for(dialog, qtbot, "is the least")
    assert dialog.answer.hint.text() == "Unlock model.24."
    assert not dialog.answer.take.isEnabled()
    assert dialog.answer.table.isHidden()
    QTest.mouseClick(dialog.means.unlock, LEFT)
    wait_for(dialog, qtbot, "Reached with")
    assert page.diagram.locked == frozenset()


def test_the_plot_shows_frontier_design_and_rivals_and_takes_clicks(
    page: DesignPage, qtbot: QtBot, answer: Callable[[str], list[str]]
) -> None:
    page.workspace.apply(Design.stock("yolov5s"), "start")
    dialog = opened(page, qtbot)
    dialog.means.kinds.fitted.trigger()
    wait_for(dialog, qtbot, "Reached with")
    qtbot.waitUntil(lambda: bool(dialog.search.findings.smaller), timeout=WAIT_MS)
    plot = dialog.frontier.plot
    assert plot is not None
    points = plot.chart.of(FRONTIER)
    assert len(points) > 15
    assert [point.risk for point in points] == sorted(point.risk or 0 for point in points)
    rival = plot.chart.of(SMALLER)[0]
    assert rival.name == "yolov5n"
    assert rival.risk is None
    assert rival.x == pytest.approx(compare_cost(Design.stock("yolov5n")).standard.flops / 1e9)
    assert "trained on its own" in " ".join(rival.words)
    assert plot.chart.of(OPEN)[0].x == plot.chart.top
    assert plot.chart.limit == pytest.approx(plot.chart.top / 2)
    assert plot.chart.of(PICKED)[0].x <= plot.chart.limit
    for words in ("least risk for its cost", "the open design", "the answer", "not converted"):
        assert words in dialog.frontier.legend.text()

    view = plot.plot.viewport()
    chosen = points[10]
    QTest.mouseMove(view, plot.place_of(chosen).toPoint())
    qtbot.waitUntil(lambda: plot.pointed == chosen)
    assert plot.reading.isVisible()
    assert "A click takes this design." in plot.reading.text()
    QTest.mouseClick(view, LEFT, pos=plot.place_of(chosen).toPoint())
    flops = compare_cost(page.workspace.design).lightweight.flops
    assert flops / 1e9 == pytest.approx(chosen.x)
    assert page.workspace.undo_stack.undoText().startswith("Least risk at ")
    assert plot.chart.of(OPEN)[0].x == chosen.x, "where it stands is known at once"

    plot.plot.setFocus()
    plot._point_at(None)
    for mark in sorted(plot.chart.marks, key=lambda mark: mark.x):
        QTest.keyClick(plot.plot, Qt.Key.Key_Right)
        assert plot.pointed == mark, "arrows walk by cost"
        if mark == rival:
            break
    assert "yolov5n" in plot.plot.accessibleDescription()
    asked = answer("take")
    QTest.keyClick(plot.plot, Qt.Key.Key_Return)
    assert any("trained on its own" in text for text in asked)
    assert page.workspace.design.base == "yolov5n"
    assert dialog.windowTitle() == "Reach a target: yolov5n"


def finished_run(folder: Path, name: str, design: str, weights: Path) -> None:
    run = Workspace(folder).new_run(name)
    run.write_config(TrainConfig(design, "sample", name=name, role="standard"))
    started = {"t": 0.0, "event": "started", "epochs": 1, "batches": 1, "role": "standard"}
    run.events_path.write_bytes(
        b"".join(encode_event(event) for event in (started, {"t": 1.0, "event": "finished"}))
    )
    run.best.parent.mkdir()
    run.best.write_bytes(weights.read_bytes())


def test_risks_are_measured_on_the_newest_standard_run(page: DesignPage, qtbot: QtBot) -> None:
    from app.core.folders import resources

    root = page.workspace.folder.root
    weights = resources() / "sample" / "standard.pt"
    finished_run(root, "plain", "format: 1\nbase: yolov5n\n", weights)
    finished_run(root, "light", "format: 1\nbase: yolov5n\nswaps:\n  model.3: separable\n", weights)
    finished_run(root, "other", "format: 1\nbase: yolov5s\n", weights)
    assert [one.name for one in choices(Workspace(root), "yolov5n")] == ["plain", ""]

    dialog = opened(page, qtbot)
    risks = dialog.risks
    risks.nice = 0
    risks.settings = {"pictures": 4, "imgsz": 96, "kinds": [{"block": "separable", "options": {"rank": 1}}]}
    QTest.mouseClick(risks.ways["measured"], LEFT)
    assert risks.weights.words == "run plain"
    assert risks.data.words == "the sample"
    assert risks.state.text().startswith("Not measured yet")
    QTest.mouseClick(risks.measure, LEFT)
    assert risks.measure.text() == "Cancel"
    assert [task.title for task in page.tasks.running] == ["Measuring the risks of yolov5n"]
    qtbot.waitUntil(lambda: risks.result is not None, timeout=WAIT_MS)
    assert "swaps measured on 4 pictures" in risks.state.text()
    wait_for(dialog, qtbot, "Reached with")
    qtbot.waitUntil(lambda: "measured with best.pt" in dialog.answer.hint.text(), timeout=WAIT_MS)
    rows = dialog.answer.table.model_.rows
    assert any(not row.estimated and row.unexplained is not None for row in rows)
    reached = dialog.search.answer
    assert reached is not None
    assert risks.result is not None
    assert reached.classes == risks.result["classes"], "counted with the classes of the weights"
    QTest.mouseClick(dialog.answer.take, LEFT)
    assert page.workspace.design.classes is None, "which stay open in the design"
    assert page.workspace.design.resolved() == reached.resolved()


def test_measuring_is_cancelled_and_weights_of_another_base_are_refused(
    page: DesignPage, qtbot: QtBot
) -> None:
    page.workspace.apply(Design.stock("yolov5s"), "start")
    dialog = opened(page, qtbot)
    risks = dialog.risks
    risks.nice = 0
    QTest.mouseClick(risks.ways["measured"], LEFT)
    assert "No finished standard run of yolov5s is here" in risks.state.text()
    assert not risks.measure.isEnabled()
    from app.core.folders import resources

    risks._weights, risks._data = resources() / "sample" / "standard.pt", "sample"
    risks._changed()
    QTest.mouseClick(risks.measure, LEFT)
    qtbot.waitUntil(lambda: "is a yolov5n, not a yolov5s" in risks.state.text(), timeout=WAIT_MS)
    page.workspace.apply(Design.stock("yolov5n"), "back")
    risks._weights, risks._data = resources() / "sample" / "standard.pt", "sample"
    risks._changed()
    QTest.mouseClick(risks.measure, LEFT)
    QTest.mouseClick(risks.measure, LEFT)
    assert (risks.state.text(), risks.measure.isEnabled()) == ("Cancelling…", False)
    qtbot.waitUntil(lambda: risks.measure.text() == "Measure", timeout=WAIT_MS)
    assert risks.result is None
    assert not page.tasks.running


@pytest.mark.parametrize(
    ("resource", "text", "value", "relative"),
    [
        ("gflops", "−50 %", -0.5, True),
        ("gflops", "-37.5%", -0.375, True),
        ("gflops", "-40", -0.4, True),
        ("gflops", "4,2", 4.2e9, False),
        ("params", "1.2", 1.2e6, False),
        ("params", "900k", 9e5, False),
        ("params", "1200000", 1.2e6, False),
        ("mb", "2.5", 2.5e6, False),
        ("ms", "8", 8.0, False),
    ],
)
def test_what_is_typed_is_read(resource: str, text: str, value: float, relative: bool) -> None:
    target = read_target(resource, text)
    assert target is not None
    assert (target.value, target.relative) == (pytest.approx(value), relative)


def test_what_is_no_target_is_refused() -> None:
    assert read_target("gflops", "  ") is None
    for text in ("50%", "many", "-100%", "0", "+5%%"):
        with pytest.raises(AppError):
            read_target("gflops", text)


def test_locks_hold_what_is_inside_and_follow_the_base() -> None:
    locks = Locks(take_snapshot(Design.stock("yolov5n")))
    locks.toggle(["model.4.m.0.cv2", "model.4"])
    assert locks.paths == ("model.4",)
    assert locks.holds(["model.4.m.0.cv2"])
    assert not locks.holds([])
    locks.toggle(["model.24"])
    locks.show_snapshot(take_snapshot(Design.stock("yolov5s")))
    assert locks.paths == ("model.4", "model.24"), "the family is laid out alike"
    locks.toggle(["model.4.m.0.cv2"])
    assert locks.paths == ("model.24",), "to unlock something inside is to unlock what holds it"
    locks.show_snapshot(take_snapshot(Design.stock("yolov8n")))
    assert locks.paths == ()


def test_milliseconds_of_the_page_s_device_are_a_target(
    page: DesignPage, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.core.latency_cache import save_table
    from app.core.latency_devices import add_device
    from tests.core.latency_machine import table

    design = Design.stock("yolov5n")
    designs = [design, design.with_swap(["model.3", "model.5"], Swap("separable"))]
    monkeypatch.setenv("DEPTHWISE_STUDIO_CONFIG", str(tmp_path))
    save_table(table(designs), tmp_path / "device.json")
    known = add_device(tmp_path / "device.json")
    dialog = opened(page, qtbot)
    dialog.show_table(known)
    dialog.means.kinds.fitted.trigger()
    assert "OpenVINO f32" in dialog.fields.names["ms"].toolTip()
    assert dialog.fields.boxes["ms"].isEnabled()
    aim(dialog, "gflops", "")
    aim(dialog, "ms", "-10%")
    wait_for(dialog, qtbot, "Reached with")
    assert float(cell(dialog, "ms", "reached")) <= 0.9 * float(cell(dialog, "ms", "standard")) + 0.01
    assert not dialog.answer.table.isColumnHidden(MS)
    QTest.mouseClick(dialog.frontier.axes["ms"], LEFT)
    qtbot.waitUntil(lambda: bool(dialog.search.findings.points), timeout=WAIT_MS)
    plot = dialog.frontier.plot
    assert plot is not None
    assert plot.chart.title == "Milliseconds"
    assert plot.chart.of(PICKED)[0].x == pytest.approx(float(cell(dialog, "ms", "reached")), rel=0.01)
    dialog.show_table(None)
    assert dialog.frontier.axis == "gflops"
    assert not dialog.fields.boxes["ms"].isEnabled()
