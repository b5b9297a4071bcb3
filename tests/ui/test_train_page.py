"""The Train page: starting, stopping, live curves, runs found again, and words for what went wrong."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.design import Swap
from app.core.events import encode_event
from app.core.runs import RunFolder, Workspace
from app.core.train_config import TrainConfig
from app.ui.application import Studio, build
from app.ui.pages.train import TrainPage
from app.ui.pages.train_log import read_log
from app.ui.requests import SAMPLE, RunRequest, TrainRequest
from app.ui.widgets.run_list import box_of

DESIGNS = {
    "standard": "format: 1\nbase: yolov5n\n",
    "lightweight": "format: 1\nbase: yolov5n\nswaps:\n  model.3: separable\n",
}
EPOCHS, BATCHES = 6, 3


def events_of(
    epochs: int,
    final: dict[str, Any] | None = None,
    seed: float = 0.0,
    role: str = "standard",
    data: str = "/d.yaml",
) -> list[dict[str, Any]]:
    """Return the events of a run, all values different."""
    events: list[dict[str, Any]] = [
        {"t": 0.1, "event": "message", "level": "info", "text": "Reading the pictures."},
        {
            "t": 1.0,
            "event": "started",
            "time": "2025-05-06T07:08:09+00:00",
            "epochs": EPOCHS,
            "batches": BATCHES,
            "device": "cpu",
            "parameters": 2_500_000,
            "role": role,
            "data": data,
            "imgsz": 64,
            "flops": 4.1e9,
        },
    ]
    t = 1.0
    for epoch in range(1, epochs + 1):
        for batch in range(1, BATCHES + 1):
            t += 1.0
            losses = {"box": 5.0 / epoch, "cls": 4.0 / epoch, "dfl": 3.0 / epoch + batch}
            events.append(
                {"t": t, "event": "batch", "epoch": epoch, "batch": batch, "losses": losses, "lr": 0.01 / epoch,
                 "images_per_second": 20.0, "memory": 1e9}
            )  # fmt: skip
        score = epoch / 10 + seed
        events.append(
            {"t": t, "event": "epoch", "epoch": epoch, "train": {"box": 5 / epoch, "cls": 4 / epoch, "dfl": 3 / epoch},
             "val": {"box": 5.5 / epoch, "cls": 4.5 / epoch, "dfl": None if epoch == 2 else 3.5 / epoch},
             "precision": score + 0.01, "recall": score + 0.02, "map50": score + 0.03, "map50_95": score,
             "per_class": {"RBC": {"ap50": score, "ap50_95": None}}, "lr": 0.01 / epoch, "seconds": 3.0,
             "remaining": 3.0 * (EPOCHS - epoch), "best_so_far": {"epoch": epoch, "map50_95": score}}
        )  # fmt: skip
    if final is not None:
        events.append({"t": t, **final})
    return events


def make_run(
    workspace: Path, name: str, events: list[dict[str, Any]], role: str = "standard", **changes: Any
) -> RunFolder:
    """Write a run folder as a training would."""
    run = Workspace(workspace).new_run(name)
    values = {"epochs": EPOCHS, "imgsz": 64, "role": role, **changes}
    run.write_config(TrainConfig(DESIGNS[role], "/data/data.yaml", name=run.name, **values))
    if events:
        run.events_path.write_bytes(b"".join(encode_event(event) for event in events))
    if any(event["event"] == "epoch" for event in events):
        run.best.parent.mkdir()
        run.best.write_bytes(b"weights")
    return run


FINISHED = {
    "event": "finished",
    "epoch": EPOCHS,
    "epochs": EPOCHS,
    "best": {"epoch": EPOCHS, "map50_95": 0.6},
}


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a training's, as far as its identity goes."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture
def show(studio: Studio, qtbot: QtBot) -> Callable[[], TrainPage]:
    """Return a function that shows the Train page."""

    def go() -> TrainPage:
        studio.window.resize(1280, 800)
        studio.window.show()
        studio.window.show_page("train")
        page = studio.window.page("train")
        assert isinstance(page, TrainPage)
        qtbot.waitUntil(
            lambda: page.table.model.rowCount() == len(studio.services.workspace.folder.list_runs())
        )
        return page

    return go


def drawn(page: TrainPage, qtbot: QtBot) -> None:
    """Wait until every plot has drawn what there is."""
    qtbot.waitUntil(lambda: not any(page.plots.tick() for _ in range(6)), timeout=10_000)


def expected(run: RunFolder, value: Callable[[dict[str, Any]], Any]) -> tuple[list[float], list[float]]:
    """Return what a curve must show, from the run's events alone."""
    epochs = [event for event in run.events() if event["event"] == "epoch"]
    numbers = (value(event) for event in epochs)
    return [float(event["epoch"]) for event in epochs], [math.nan if n is None else float(n) for n in numbers]


def same(one: tuple[list[float], list[float]], other: tuple[list[float], list[float]]) -> bool:
    """Compare curves; a gap equals a gap."""
    close = all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one[1], other[1], strict=True))
    return one[0] == other[0] and close


def assert_curves(page: TrainPage, run: RunFolder) -> None:
    """Check every curve of a run against its events."""

    def total(losses: dict[str, Any]) -> float | None:
        values = [losses[name] for name in ("box", "cls", "dfl")]
        return None if None in values else sum(values)

    plots, name = page.plots, run.name
    for plot, key, value in (
        (plots.loss, "train/total", lambda e: total(e["train"])),
        (plots.loss, "val/total", lambda e: total(e["val"])),
        (plots.map50, "map50", lambda e: e["map50"]),
        (plots.map50_95, "map50_95", lambda e: e["map50_95"]),
        (plots.precision_recall, "precision", lambda e: e["precision"]),
        (plots.precision_recall, "recall", lambda e: e["recall"]),
        (plots.lr, "lr", lambda e: e["lr"]),
    ):
        assert same(plot.curve(f"{name}/{key}"), expected(run, value)), key


# --- an empty workspace ------------------------------------------------------------------------------------


def test_an_empty_workspace_says_what_to_do(show: Callable[[], TrainPage], qtbot: QtBot) -> None:
    page = show()
    assert page.empty.isVisible()
    assert not page.status.isVisible()
    assert page.primary.text() == "Train standard"
    page.empty.secondary.click()
    assert page.workspace.data == SAMPLE
    assert page.form.data.words == "Built-in sample"


def test_the_button_follows_the_design(show: Callable[[], TrainPage]) -> None:
    page = show()
    assert "standard" in page.primary.toolTip()
    lighter = page.workspace.design.with_swap(["model.3"], Swap("separable"))
    page.workspace.apply(lighter, "Make one module separable")
    assert page.primary.text() == "Train lightweight"
    assert page.primary.toolTip() == ""
    assert page.form.design.words == "yolov5n, 1 swapped"


def test_without_data_nothing_starts_and_a_note_says_why(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    page = show()
    with qtbot.waitSignal(page.messages.posted) as posted:
        page.primary.click()
    assert "no data" in posted.args[0].text
    posted.args[0].on_action()
    assert page.workspace.data == SAMPLE
    assert not (workspace / "runs").exists() or not any(p.is_dir() for p in (workspace / "runs").iterdir())


def test_requests_and_drops_fill_the_form(
    show: Callable[[], TrainPage], bccd_yaml: Path, tmp_path: Path
) -> None:
    page = show()
    page.receive(TrainRequest(str(bccd_yaml)))
    assert page.form.data.words == "bccd"
    weights = tmp_path / "mine.pt"
    weights.write_bytes(b"x")
    assert page.accepts_drop([weights])
    page.dropped([weights])
    assert page.form.values().weights == str(weights)
    assert page.form.values().warm_start == "refit"
    assert page.form.weights.words == "mine.pt"


# --- curves ------------------------------------------------------------------------------------------------


def test_every_curve_shows_the_numbers_of_the_events(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    run = make_run(workspace, "one", events_of(EPOCHS, FINISHED))
    page = show()
    drawn(page, qtbot)
    assert_curves(page, run)
    x, y = page.plots.loss.curve("one/batches")
    batches = [event for event in run.events() if event["event"] == "batch"]
    assert x == pytest.approx([event["epoch"] - 1 + event["batch"] / BATCHES for event in batches])
    assert y == pytest.approx([sum(event["losses"].values()) for event in batches])
    page.plots.part.choose("cls")
    drawn(page, qtbot)
    assert same(page.plots.loss.curve("one/val/cls"), expected(run, lambda event: event["val"]["cls"]))


def test_events_that_arrive_are_drawn_and_a_resumed_run_starts_over(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot, sleeper: subprocess.Popen[bytes]
) -> None:
    events = events_of(EPOCHS)
    first = 2 + (BATCHES + 1) * 2
    run = make_run(workspace, "live", events[:first])
    run.claim(sleeper.pid)
    page = show()
    drawn(page, qtbot)
    assert page.plots.map50.curve("live/map50")[0] == [1.0, 2.0]
    with run.events_path.open("ab") as stream:
        for event in events[first : first + 6]:
            stream.write(encode_event(event))
    qtbot.waitUntil(lambda: page.plots.map50.curve("live/map50")[0] == [1.0, 2.0, 3.0], timeout=5000)
    qtbot.waitUntil(lambda: "epoch 4/6, batch 2/3" in page.status.progress.text(), timeout=5000)
    fresh = run.events_path.with_suffix(".new")
    fresh.write_bytes(b"".join(encode_event(event) for event in events_of(1, seed=0.3)))
    fresh.replace(run.events_path)
    qtbot.waitUntil(lambda: page.plots.map50.curve("live/map50")[1] == pytest.approx([0.43]), timeout=5000)


def test_one_plot_is_redrawn_a_tick_and_only_when_there_is_something_new(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    make_run(workspace, "one", events_of(EPOCHS, FINISHED))
    page = show()
    page.plots.set_running(False)
    drawn(page, qtbot)
    assert not page.plots.tick()
    series = page.watch.series("one")
    assert series is not None
    series.add(events_of(EPOCHS)[-1:])
    page.plots.lr.setVisible(False)
    redrawn = [page.plots.tick() for _ in range(8)]
    assert redrawn == [True] * 4 + [False] * 4
    assert len(page.plots.map50.curve("one/map50")[0]) == EPOCHS + 1
    assert len(page.plots.lr.curve("one/lr")[0]) == EPOCHS


def test_the_crosshair_reads_every_curve(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    make_run(workspace, "one", events_of(EPOCHS, FINISHED))
    page = show()
    drawn(page, qtbot)
    plot = page.plots.precision_recall
    box = plot.plot.getViewBox()
    scene = box.mapViewToScene(box.viewRect().center())
    plot.plot.scene().sigMouseMoved.emit(scene)
    text = plot.reading.text()
    assert plot.reading.isVisible()
    epoch = round(plot._cursor.value())
    assert f"epoch {epoch}" in text
    assert f"{epoch / 10 + 0.01:.3f}" in text
    assert f"{epoch / 10 + 0.02:.3f}" in text
    QApplication.sendEvent(plot.plot.viewport(), QEvent(QEvent.Type.Leave))
    assert not plot.reading.isVisible()


def test_a_click_on_a_box_overlays_a_run_and_colours_stay(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    for name in ("a", "b", "c"):
        make_run(workspace, name, events_of(3, {"event": "stopped", "reason": "Stopped."}))
        time.sleep(0.02)
    page = show()
    assert page.table.current == "c"
    colours = {name: page.table.colour(name) for name in "abc"}
    assert len(set(colours.values())) == 3
    index = page.table.model.index(page.table.model.row_of("a"))
    spot = box_of(page.table.list.visualRect(index)).center()
    qtbot.mouseClick(page.table.list.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    drawn(page, qtbot)
    assert {key.split("/")[0] for key in page.plots.map50.keys} == {"a", "c"} or page.table.current == "a"
    assert page.table.model.checked == ("a",)
    qtbot.keyClick(page.table.list, Qt.Key.Key_Space)
    make_run(workspace, "d", events_of(1, {"event": "stopped", "reason": "Stopped."}))
    shutil.rmtree(workspace / "runs" / "b")
    page.workspace.notify_runs_changed()
    qtbot.waitUntil(lambda: page.table.model.rowCount() == 3)
    assert {name: page.table.colour(name) for name in "ac"} == {name: colours[name] for name in "ac"}
    assert page.table.colour("d") not in colours.values()


# --- states ------------------------------------------------------------------------------------------------


def test_a_failed_run_says_why_and_can_be_resumed(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    failed = {
        "event": "failed",
        "reason": "The disk is full (last.ckpt).",
        "hint": "Free some space, then resume.",
    }
    make_run(workspace, "unlucky", events_of(2, failed))
    page = show()
    qtbot.waitUntil(lambda: "The disk is full" in page.status.reason.text())
    assert "Free some space" in page.status.reason.text()
    assert page.status.status.text() == "failed"
    assert page.run_actions.resume.isVisible()
    assert not page.run_actions.convert.isVisible()
    assert "failed" in page.table.model.entries[0].words


def test_a_run_that_outlived_the_window_is_found_again_and_noticed_when_it_is_lost(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot, sleeper: subprocess.Popen[bytes]
) -> None:
    run = make_run(workspace, "apart", events_of(2))
    run.claim(sleeper.pid)
    page = show()
    qtbot.waitUntil(lambda: page.status.status.text() == "running")
    assert page.primary.text() == "Stop"
    assert page.blocks_close() is not None
    qtbot.waitUntil(lambda: [task.title for task in page.tasks.running] == ["Training apart"])
    with qtbot.waitSignal(page.messages.posted, timeout=15_000) as posted:
        sleeper.kill()
    assert "apart" in posted.args[0].text
    qtbot.waitUntil(lambda: page.status.status.text() == "interrupted")
    assert page.primary.text() != "Stop"
    assert page.run_actions.resume.isVisible()
    qtbot.waitUntil(lambda: not page.tasks.running)


@pytest.mark.parametrize(("given", "control"), [("leave", None), ("stop", "stop_now")])
def test_closing_asks_whether_a_training_goes_on(
    show: Callable[[], TrainPage],
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
    page = show()
    qtbot.waitUntil(lambda: bool(page.tasks.running))
    texts = answer(given)
    studio.window.close()
    assert not studio.window.isVisible()
    assert any("apart" in text for text in texts)
    assert run.requested() == control
    assert sleeper.poll() is None
    assert not page.tasks.running


def test_stopping_writes_the_run_s_control_file(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot, sleeper: subprocess.Popen[bytes]
) -> None:
    run = make_run(workspace, "live", events_of(1))
    run.claim(sleeper.pid)
    page = show()
    stop = {action.text(): action for action in page.menu_actions()["run"]}
    assert not stop["Train standard"].isEnabled()
    stop["Stop after this epoch"].trigger()
    assert run.requested() == "stop_after_epoch"
    stop["Stop now"].trigger()
    assert run.requested() == "stop_now"


def test_a_standard_run_offers_its_partner_and_the_conversion(
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    standard = make_run(workspace, "std", events_of(EPOCHS, FINISHED))
    light = make_run(workspace, "light", events_of(EPOCHS, FINISHED, role="lightweight"), "lightweight")
    time.sleep(0.02)
    make_run(
        workspace, "newer", events_of(EPOCHS, FINISHED, role="lightweight", data="/e.yaml"), "lightweight"
    )
    page = show()
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
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
) -> None:
    run = make_run(workspace, "one", events_of(1, FINISHED))
    run.log_path.write_bytes(b"\x1b[34mtrain:\x1b[0m Scanning 10%\rScanning 100%\nEpoch 1\r\nlast line")
    page = show()
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
    show: Callable[[], TrainPage], workspace: Path, qtbot: QtBot
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
    page = show()
    qtbot.waitUntil(lambda: page.transfer.table.rowCount() == 2)
    cells = [page.transfer.table.item(0, column).text() for column in range(3)]  # type: ignore[union-attr]
    assert cells == ["model.3", "refitted", "98.8%"]
    assert page.transfer.totals.text() == "1 copied (50%), 1 refitted (25%), 1 fresh (25%)"
    assert "98.8%" in page.transfer.kept.text()
    assert "The head is fresh." in page.transfer.totals.toolTip()


# --- real ------------------------------------------------------------------------------------------------


@pytest.mark.timeout(400)
def test_a_real_training_from_click_to_curves_and_again_after_a_restart(
    show: Callable[[], TrainPage],
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
    page = show()
    page.workspace.set_data(str(data / "data.yaml"))
    page.form.epochs.setValue(2)
    page.form.imgsz.setValue(64)
    page.form.batch.setValue(4)
    page.form.device.setCurrentIndex(page.form.device.findData("cpu"))
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton, pos=QPoint(20, 10))
    qtbot.waitUntil(lambda: page.table.current == "yolov5n-standard", timeout=5000)
    assert page.primary.text() == "Stop"
    run = Workspace(workspace).run("yolov5n-standard")
    with qtbot.waitSignal(page.watch.ended, timeout=300_000):
        pass
    assert run.state().status == "finished", run.log_path.read_text()[-2000:]
    qtbot.waitUntil(lambda: page.status.status.text() == "finished", timeout=5000)
    assert page.primary.text() == "Train standard"
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
