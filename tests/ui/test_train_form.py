"""The form of the Train page: what it tells a training, what it folds away, what it estimates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QSpinBox
from pytestqt.qtbot import QtBot

from app.core.arbiter import COMPARISON, active
from app.core.errors import AppError
from app.core.recovery import OPTIONS, SWITCH
from app.core.runs import Workspace
from app.core.text import THIN_SPACE
from app.core.train_config import TrainConfig
from app.core.train_settings import SETTINGS
from app.ui.pages.train import TrainPage
from app.ui.pages.train_start import BOTH, begin, planned
from app.ui.tasks import RUNNING
from tests.ui.train_runs import DESIGNS, EPOCHS, FINISHED, events_of, make_run

GIB = 2.0**30
ESTIMATE: dict[str, Any] = {
    "batch": 8, "bytes_needed": 2 * GIB, "bytes_free": 4 * GIB, "fits": True, "seconds_epoch": 30.0, "advice": [],
}  # fmt: skip


@pytest.fixture
def page(show_train: Callable[[], TrainPage], tmp_path: Path) -> TrainPage:
    shown = show_train()
    shown.form.estimate.allow(False)
    data = tmp_path / "data.yaml"
    data.write_text("train: .\nval: .\nnames: [a]\n")
    design = tmp_path / "light.yaml"
    design.write_text(DESIGNS["lightweight"])
    shown.workspace.open_design(design)
    shown.workspace.set_data(str(data))
    return shown


@pytest.fixture
def held(page: TrainPage) -> TrainPage:
    """A page whose queue begins nothing."""
    page.desk.queue.hold(True)
    return page


def test_untouched_it_trains_as_stock_does(page: TrainPage) -> None:
    values = page.form.values()
    assert (values.overrides, values.recover, values.teacher, values.seeds) == ({}, "auto", None, 1)
    assert not page.form.advanced.isVisible()
    assert not page.form.advanced.reset.isEnabled()


def test_what_is_folded_takes_the_place_of_the_runs_one_at_a_time(page: TrainPage) -> None:
    page.form.more.click()
    assert page.form.advanced.isVisible()
    page.form.recovery.more.click()
    assert page.form.recovery.rows.isVisible()
    assert not page.form.advanced.isVisible()
    page.form.recovery.more.click()
    assert page.empty.isVisible()


def test_every_setting_has_a_field_and_changes_can_be_taken_back(page: TrainPage) -> None:
    advanced = page.form.advanced
    assert {field.objectName() for field in advanced._fields.values()} == {
        f"train_{s.name}" for s in SETTINGS
    }
    spin = advanced.findChild(QSpinBox, "train_freeze")
    assert spin is not None
    spin.setValue(10)
    lr0 = advanced._fields["lr0"]
    assert not lr0.isEnabled()
    advanced._fields["optimizer"].setCurrentText("AdamW")  # type: ignore[union-attr]
    assert lr0.isEnabled()
    assert page.form.values().overrides == {"freeze": 10, "optimizer": "AdamW"}
    advanced.reset.click()
    assert page.form.values().overrides == {}


def test_the_wheel_over_a_field_scrolls_and_changes_nothing(page: TrainPage) -> None:
    page.form.more.click()
    spin = page.form.advanced.findChild(QSpinBox, "train_freeze")
    assert spin is not None
    middle = QPointF(spin.rect().center())
    event = QWheelEvent(
        middle, spin.mapToGlobal(middle), QPoint(0, 120), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(spin, event)
    assert spin.value() == 0


def test_a_run_fills_the_form_and_what_has_no_field_is_told_again(page: TrainPage) -> None:
    overrides = {"mosaic": 0.5, "cache": False, "freeze": ["23.cv2"], "workers": 3}
    config = TrainConfig(
        DESIGNS["lightweight"], page.workspace.data, epochs=7, batch=0, seed=3, recover="plain,spare",
        teacher="/t.pt", overrides=overrides,
    )  # fmt: skip
    page.form.show_config(config)
    values = page.form.values()
    assert values.overrides == overrides
    assert (values.epochs, values.batch, values.seed) == (7, 0, 3)
    assert (values.recover, values.teacher) == ("plain,spare", "/t.pt")
    assert page.form.batch.text() == "auto"
    assert page.form.recovery.switch.checkState() == Qt.CheckState.PartiallyChecked


def test_the_switch_says_what_it_does_and_every_way_has_a_sentence(page: TrainPage, workspace: Path) -> None:
    recovery = page.form.recovery
    assert "Nothing applies" in recovery.words.text()
    run = make_run(workspace, "std", events_of(EPOCHS, FINISHED))
    page.form.weights_menu.choose(str(run.best))
    page.form.epochs.setValue(20)
    assert "Conversion of a finished standard run" in recovery.words.text()
    recovery.switch.click()
    assert page.form.values().recover == "off"
    assert "stock" in recovery.words.text()
    recovery.more.click()
    for option in OPTIONS:
        assert recovery._about[option.name].text() == option.about
        assert recovery._boxes[option.name].isEnabled() == (option.place == SWITCH)
    recovery._boxes["distill"].click()
    assert page.form.values().recover == "distill"
    recovery.switch.click()
    assert page.form.values().recover == "auto"


def test_teachers_are_standard_runs(page: TrainPage, workspace: Path) -> None:
    standard = make_run(workspace, "std", events_of(EPOCHS, FINISHED))
    make_run(workspace, "light", events_of(EPOCHS, FINISHED, role="lightweight"), "lightweight")
    menu = page.form.recovery.teacher.menu()
    menu.aboutToShow.emit()
    named = [action.text() for action in menu.actions()]
    assert any("std" in text for text in named)
    assert not any("light" in text for text in named)
    next(action for action in menu.actions() if "std" in action.text()).trigger()
    assert page.form.values().teacher == str(standard.best)
    assert page.form.recovery.teacher.words == "Teacher: run std"


def test_both_are_a_fair_pair_for_every_seed(held: TrainPage, workspace: Path) -> None:
    held.form.seeds.setValue(2)
    held.form.name.setText("cells")
    runs = begin(held.workspace, held.form.values(), BOTH)
    configs = [run.config() for run in runs]
    assert [(c.role, c.seed) for c in configs] == [
        ("standard", 0), ("lightweight", 0), ("standard", 1), ("lightweight", 1),
    ]  # fmt: skip
    assert [c.partner for c in configs] == [runs[1].name, runs[0].name, runs[3].name, runs[2].name]
    same = ("data", "epochs", "batch", "imgsz", "weights", "overrides", "device")
    assert all(getattr(configs[0], name) == getattr(configs[1], name) for name in same)
    assert held.desk.queue.read().names == tuple(run.name for run in runs)


def test_two_stages_are_two_runs_the_second_from_the_first(held: TrainPage, workspace: Path) -> None:
    design = held.workspace.folder.root / "two.yaml"
    design.write_text("format: 1\nbase: yolov5n\nswaps:\n  model.3: separable\n  model.5: separable\n")
    held.workspace.open_design(design)
    values = replace(held.form.values(), recover="staged")
    first, second = begin(held.workspace, values, "lightweight")
    assert second.config().weights == str(first.best)
    assert first.config().epochs + second.config().epochs == values.epochs
    assert Workspace(workspace).run(second.name).design().resolved().keys() > first.design().resolved().keys()


def show_estimate(page: TrainPage, mode: str, **changes: Any) -> None:
    """Let the line know a result, as its job would."""
    estimate = page.form.estimate
    for config in planned(page.workspace, page.form.values(), mode):
        estimate._on_job_done(config, {**ESTIMATE, **changes})
    estimate._show()


def test_the_estimate_is_a_sentence_that_follows_the_epochs(page: TrainPage) -> None:
    estimate = page.form.estimate
    assert estimate.ask.isVisible()
    show_estimate(page, "lightweight")
    assert (
        estimate.words.text()
        == f"Needs 2.15{THIN_SPACE}GB of 4.29{THIN_SPACE}GB free; 0:30 an epoch, about 20:00 in all"
    )
    page.form.epochs.setValue(2)
    assert estimate.words.text().endswith("about 1:00 in all")
    page.form.seeds.setValue(3)
    assert estimate.words.text().endswith("about 3:00 in all")
    page.form.batch.setValue(5)  # another batch was not measured
    assert estimate.words.text() == ""
    assert estimate.ask.isVisible()


def test_what_does_not_fit_is_said_with_advice(page: TrainPage) -> None:
    advice = AppError("The batch of {batch} does not fit.", "Take {other}.", batch=16, other=8).as_dict()
    show_estimate(page, "lightweight", fits=False, advice=[advice])
    assert page.form.estimate.advice.text() == "The batch of 16 does not fit. Take 8."
    assert page.form.estimate.advice.isVisible()
    assert page.form.estimate.words.property("tone") == "bad"


def test_an_automatic_batch_is_one_for_both(held: TrainPage, qtbot: QtBot) -> None:
    held.form.batch.setValue(0)
    held._want(BOTH)
    standard, lightweight = planned(held.workspace, held.form.values(), BOTH)
    held.form.estimate._on_job_done(standard, {**ESTIMATE, "batch": 16})
    held.form.estimate._on_job_done(lightweight, {**ESTIMATE, "batch": 8})
    held.start(BOTH)
    names = held.desk.queue.read().names
    assert [held.workspace.folder.run(name).config().batch for name in names] == [8, 8]


def test_an_estimate_waits_for_a_comparison_and_lives_on_in_the_tray(page: TrainPage, qtbot: QtBot) -> None:
    estimate, tasks = page.form.estimate, page.services.tasks
    estimate.allow(True)
    with active(COMPARISON):
        estimate.start()
        qtbot.waitUntil(
            lambda: bool(estimate.words.text() == "Waiting until the comparison ends"), timeout=20_000
        )
        page.deactivated()
        qtbot.wait(50)
        (task,) = tasks.running
        assert task.state == RUNNING
        assert "Waiting" in task.text
        page.activated()
        estimate.allow(False, training=True)  # a training has begun
        qtbot.waitUntil(lambda: not tasks.running, timeout=20_000)
        qtbot.wait(50)
        assert not tasks.running


def test_who_starts_a_training_does_not_wait_for_its_estimate(page: TrainPage, qtbot: QtBot) -> None:
    estimate, tasks = page.form.estimate, page.services.tasks
    begun: list[int] = []
    with active(COMPARISON):
        estimate.start()
        qtbot.waitUntil(lambda: bool(estimate._waiting), timeout=20_000)
        (first,) = tasks.running
        estimate.resolve(begun.append)
        qtbot.waitUntil(lambda: tasks.running not in ((), (first,)), timeout=20_000)
        assert "Waiting" not in estimate.words.text()
        estimate.cancel()  # as the tray's cross does
        qtbot.waitUntil(lambda: not tasks.running, timeout=20_000)
        qtbot.wait(50)
        assert not tasks.running
    assert not begun
