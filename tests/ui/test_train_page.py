"""The Train page: starting, stopping, runs found again, and words for what went wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.core.design import Swap
from app.core.runs import Workspace
from app.ui.application import Studio, build
from app.ui.pages.train import TrainPage
from app.ui.pages.train_log import read_log
from app.ui.requests import SAMPLE, RunRequest, TrainRequest
from tests.ui.train_runs import EPOCHS, FINISHED, assert_curves, drawn, events_of, make_run

# --- an empty workspace ------------------------------------------------------------------------------------


def test_an_empty_workspace_says_what_to_do(show_train: Callable[[], TrainPage], qtbot: QtBot) -> None:
    page = show_train()
    assert page.empty.isVisible()
    assert not page.status.isVisible()
    assert page.primary.text() == "Train standard"
    page.empty.secondary.click()
    assert page.workspace.data == SAMPLE
    assert page.form.data.words == "Built-in sample"


def test_the_button_follows_the_design(show_train: Callable[[], TrainPage]) -> None:
    page = show_train()
    assert "standard" in page.primary.toolTip()
    lighter = page.workspace.design.with_swap(["model.3"], Swap("separable"))
    page.workspace.apply(lighter, "Make one module separable")
    assert page.primary.text() == "Train lightweight"
    assert page.primary.toolTip() == ""
    assert page.form.design.words == "yolov5n, 1 swapped"


def test_without_data_nothing_starts_and_a_note_says_why(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    page = show_train()
    with qtbot.waitSignal(page.messages.posted) as posted:
        page.primary.click()
    assert "no data" in posted.args[0].text
    posted.args[0].on_action()
    assert page.workspace.data == SAMPLE
    assert not (workspace / "runs").exists() or not any(p.is_dir() for p in (workspace / "runs").iterdir())


def test_requests_and_drops_fill_the_form(
    show_train: Callable[[], TrainPage], bccd_yaml: Path, tmp_path: Path
) -> None:
    page = show_train()
    page.receive(TrainRequest(str(bccd_yaml)))
    assert page.form.data.words == "bccd"
    weights = tmp_path / "mine.pt"
    weights.write_bytes(b"x")
    assert page.accepts_drop([weights])
    page.dropped([weights])
    assert page.form.values().weights == str(weights)
    assert page.form.values().warm_start == "refit"
    assert page.form.weights.words == "mine.pt"


# --- states ------------------------------------------------------------------------------------------------


def test_a_failed_run_says_why_and_can_be_resumed(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    failed = {
        "event": "failed",
        "reason": "The disk is full (last.ckpt).",
        "hint": "Free some space, then resume.",
    }
    make_run(workspace, "unlucky", events_of(2, failed))
    page = show_train()
    qtbot.waitUntil(lambda: "The disk is full" in page.status.reason.text())
    assert "Free some space" in page.status.reason.text()
    assert page.status.status.text() == "failed"
    assert page.run_actions.resume.isVisible()
    assert not page.run_actions.convert.isVisible()
    assert "failed" in page.table.model.entries[0].words


def test_a_run_that_outlived_the_window_is_found_again_and_noticed_when_it_is_lost(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot, sleeper: subprocess.Popen[bytes]
) -> None:
    run = make_run(workspace, "apart", events_of(2))
    run.claim(sleeper.pid)
    page = show_train()
    qtbot.waitUntil(lambda: page.status.status.text() == "running")
    assert page.primary.text() == "Queue standard"
    assert page.controls.stop.isVisible()
    assert page.blocks_close() is not None
    qtbot.waitUntil(lambda: [task.title for task in page.tasks.running] == ["Training apart"])
    with qtbot.waitSignal(page.messages.posted, timeout=15_000) as posted:
        sleeper.kill()
    assert "apart" in posted.args[0].text
    qtbot.waitUntil(lambda: page.status.status.text() == "interrupted")
    assert not page.controls.stop.isVisible()
    assert page.primary.text() == "Train standard"
    assert page.run_actions.resume.isVisible()
    qtbot.waitUntil(lambda: not page.tasks.running)


@pytest.mark.parametrize(("given", "control"), [("leave", None), ("stop", "stop_now")])
def test_closing_asks_whether_a_training_goes_on(
    show_train: Callable[[], TrainPage],
    studio: Studio,
    workspace: Path,
    qtbot: QtBot,
    sleeper: subprocess.Popen[bytes],
    answer: Callable[[str], list[str]],
    given: str,
    control: str | None,
) -> None:
    run = make_run(workspace, "apart", events_of(2))
    run.claim(sleeper.pid)
    page = show_train()
    qtbot.waitUntil(lambda: bool(page.tasks.running))
    texts = answer(given)
    studio.window.close()
    assert not studio.window.isVisible()
    assert any("apart" in text for text in texts)
    assert run.requested() == control
    assert sleeper.poll() is None
    assert not page.tasks.running


def test_stopping_writes_the_run_s_control_file(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot, sleeper: subprocess.Popen[bytes]
) -> None:
    run = make_run(workspace, "live", events_of(1))
    run.claim(sleeper.pid)
    page = show_train()
    qtbot.waitUntil(page.controls.stop.isVisible)
    stop = {action.text(): action for action in page.menu_actions()["run"]}
    stop["Stop after this epoch"].trigger()
    assert run.requested() == "stop_after_epoch"
    stop["Stop now"].trigger()
    assert run.requested() == "stop_now"


def test_a_standard_run_offers_its_partner_and_the_conversion(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    standard = make_run(workspace, "std", events_of(EPOCHS, FINISHED))
    light = make_run(workspace, "light", events_of(EPOCHS, FINISHED, role="lightweight"), "lightweight")
    time.sleep(0.02)
    make_run(
        workspace, "newer", events_of(EPOCHS, FINISHED, role="lightweight", data="/e.yaml"), "lightweight"
    )
    page = show_train()
    page.receive(RunRequest("std"))
    qtbot.waitUntil(page.run_actions.convert.isVisible)
    assert page.run_actions.compare.text() == "Compare with lightweight"
    with qtbot.waitSignal(page.workspace.page_requested) as asked:
        page.run_actions.compare_run()
    assert (asked.args[1].a, asked.args[1].b) == (str(standard.best), str(light.best))
    page.table.select("light")
    qtbot.waitUntil(lambda: page.run_actions.compare.text() == "Compare with standard")
    assert not page.run_actions.convert.isVisible()
    with qtbot.waitSignal(page.workspace.page_requested) as asked:
        page.run_actions.compare_run()
    assert (asked.args[1].a, asked.args[1].b) == (str(standard.best), str(light.best))


# --- log and transfer --------------------------------------------------------------------------------------


def test_the_log_is_folded_clean_and_can_be_copied(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    run = make_run(workspace, "one", events_of(1, FINISHED))
    run.log_path.write_bytes(b"\x1b[34mtrain:\x1b[0m Scanning 10%\rScanning 100%\nEpoch 1\r\nlast line")
    page = show_train()
    qtbot.waitUntil(lambda: page.log.latest.text() == "Reading the pictures.")
    assert not page.log.text.isVisible()
    page.log.toggle.click()
    assert page.log.text.toPlainText() == "0:00  Reading the pictures.\n\nScanning 100%\nEpoch 1\nlast line"
    page.log.copy.click()
    assert QGuiApplication.clipboard().text() == page.log.text.toPlainText()


def test_a_long_log_is_read_from_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("".join(f"line {number}\n" for number in range(40_000)))
    text = read_log(path)
    assert text.endswith("line 39999")
    assert text.startswith("line ")
    assert len(text) < 200_000
    assert read_log(tmp_path / "none") == ""


def test_the_transfer_report_shows_what_was_not_just_copied(
    show_train: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    run = make_run(workspace, "one", events_of(1, FINISHED), "lightweight", weights="/w/yolov5n.pt")
    modules = [
        {"path": "model.0", "block": None, "how": "copied", "parameters": 100, "energy": None},
        {"path": "model.3", "block": "separable", "how": "refitted", "parameters": 50, "energy": 0.9876},
        {"path": "model.24.cv3.0.2", "block": None, "how": "fresh", "parameters": 50, "energy": None},
    ]
    totals = {
        "copied": {"modules": 1, "parameters": 100},
        "refitted": {"modules": 1, "parameters": 50},
        "factorised": {"modules": 0, "parameters": 0},
        "fresh": {"modules": 1, "parameters": 50},
        "parameters": 200,
        "energy": 0.9876,
    }
    report = {"source": "yolov5n.pt", "modules": modules, "totals": totals, "notes": ["The head is fresh."]}
    run.transfer_path.write_text(json.dumps(report))
    page = show_train()
    qtbot.waitUntil(lambda: page.transfer.table.rowCount() == 4)
    told: QLabel = page.transfer.table.cellWidget(0, 0)  # type: ignore[assignment]
    assert told.text().startswith("Depthwise separable: Filters and pointwise weights were fitted in turn")
    cells = [page.transfer.table.item(1, column).text() for column in range(3)]  # type: ignore[union-attr]
    assert cells == ["model.3", "refitted", "98.8%"]
    assert page.transfer.totals.text() == "1 copied (50%), 1 refitted (25%), 1 fresh (25%)"
    assert "98.8%" in page.transfer.kept.text()
    assert "The head is fresh." in page.transfer.totals.toolTip()
    assert page.transfer.table.cellWidget(3, 0).text() == "The head is fresh."  # type: ignore[union-attr]


# --- real ------------------------------------------------------------------------------------------------


@pytest.mark.timeout(400)
def test_a_real_training_from_click_to_curves_and_again_after_a_restart(
    show_train: Callable[[], TrainPage],
    qapp: QApplication,
    bccd_yaml: Path,
    workspace: Path,
    settings_file: Path,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    torch_before = "torch" in sys.modules  # tests of the engine may have run in this process
    data = tmp_path / "few"
    for split, count in (("train", 8), ("val", 4)):
        for kind in ("images", "labels"):
            (data / kind / split).mkdir(parents=True)
        for picture in sorted((bccd_yaml.parent / "images" / split).iterdir())[:count]:
            shutil.copy(picture, data / "images" / split)
            shutil.copy(bccd_yaml.parent / "labels" / split / f"{picture.stem}.txt", data / "labels" / split)
    (data / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [RBC, WBC, Platelets]\n")
    page = show_train()
    page.workspace.set_data(str(data / "data.yaml"))
    page.form.epochs.setValue(2)
    page.form.imgsz.setValue(64)
    page.form.batch.setValue(4)
    page.form.device.setCurrentIndex(page.form.device.findData("cpu"))
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton, pos=QPoint(20, 10))
    qtbot.waitUntil(lambda: page.table.current == "yolov5n-standard", timeout=5000)
    assert page.primary.text() == "Queue standard"
    qtbot.waitUntil(page.controls.stop.isVisible, timeout=20_000)
    run = Workspace(workspace).run("yolov5n-standard")
    with qtbot.waitSignal(page.watch.ended, timeout=300_000):
        pass
    assert run.state().status == "finished", run.log_path.read_text()[-2000:]
    qtbot.waitUntil(lambda: page.status.status.text() == "finished", timeout=5000)
    qtbot.waitUntil(lambda: page.primary.text() == "Train standard", timeout=10_000)
    drawn(page, qtbot)
    assert_curves(page, run)
    assert [event["epoch"] for event in run.events() if event["event"] == "epoch"] == [1, 2]
    assert ("torch" in sys.modules) == torch_before
    again = build(qapp, settings_file, tmp_path / "other.ini")
    qtbot.addWidget(again.window)
    again.window.show()
    again.window.show_page("train")
    reopened = again.window.page("train")
    assert isinstance(reopened, TrainPage)
    qtbot.waitUntil(lambda: bool(reopened.table.runs))
    drawn(reopened, qtbot)
    qtbot.waitUntil(lambda: len(reopened.plots.map50.curve(f"{run.name}/map50")[0]) == 2)
    drawn(reopened, qtbot)
    assert_curves(reopened, run)
    again.window.close()
