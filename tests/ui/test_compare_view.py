"""What a person sees on the Compare page: ways of viewing, zoom, classes, agreement, full screen, lost sources.

No engine runs here: its events are given to the page, and what the page sends is read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QGuiApplication, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton
from pytestqt.qtbot import QtBot

from app.core.errors import AppError
from app.core.text import Text, value_to_json
from app.ui.application import Studio
from app.ui.pages.compare import ComparePage
from app.ui.pages.compare_numbers import TSV
from app.ui.pages.compare_pictures import BESIDE, DIVIDER, STACKED
from app.ui.pages.compare_screen import CompareScreen
from app.ui.requests import SAMPLE, CompareRequest
from app.ui.widgets.frame_divider import DividerView
from app.ui.widgets.frame_view import FrameView
from app.ui.widgets.viewport import MOST, Viewport
from app.workers.compare import Box, CompareWorker, LivePair, LiveSide
from app.workers.job import EngineJob

SIDE = {"p50": 20.0, "p95": 25.0, "p99": 31.0}
PARTS = ("preprocess_ms", "inference_ms", "postprocess_ms")
NAMES = ({"0": "cat", "1": "dog"}, {"0": "dog", "1": "cat", "2": "owl"})


def found() -> dict[str, Any]:
    setting = {"runtime": "openvino", "precision": "bf16", "device": "cpu", "threads": 2, "shape": [384, 640]}
    a, b = ({**setting, "names": names} for names in NAMES)
    return {"event": "ready", "a": a, "b": b, "same_classes": True}


def statistics(**more: Any) -> dict[str, Any]:
    ratio = {"median": 1.69, "low": 1.66, "high": 1.72}
    return {
        "a": dict.fromkeys(PARTS, SIDE),
        "b": {part: {share: value / 2 for share, value in SIDE.items()} for part in PARTS},
        "speedup": ratio,
        "speedup_total": ratio,
        "pairs_per_second": 28.4,
        "dropped": 3,
        "recent": [[20.0, 10.0]],
        "agreement": {"agree": 90, "class_changed": 2, "only_a": 5, "only_b": 3},
        "agreement_recent": [[0, 9, 0, 1, 0], [1, 8, 2, 0, 0]],
        "drift": None,
        **more,
    }


def picture(colour: str = "#202020", width: int = 640, height: int = 360) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(colour)
    return image


def pair(**boxes: tuple[Box, ...]) -> LivePair:
    counts = {"agree": 1, "class_changed": 0, "only_a": 2, "only_b": 0}
    sides = (LiveSide(boxes.get("a", ())), LiveSide(boxes.get("b", ())))
    return LivePair(picture(), 7, 0.0, *sides, counts)


@pytest.fixture
def page(studio: Studio, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> ComparePage:
    """The Compare page of a shown window of 1280 × 800, on a machine whose cameras nobody asks for."""
    monkeypatch.setattr(ComparePage, "_list_cameras", lambda _page: None)
    studio.window.resize(1280, 800)
    studio.window.show_page("compare")
    with qtbot.waitActive(studio.window):
        studio.window.show()
        studio.window.activateWindow()
    shown = studio.window.page("compare")
    assert isinstance(shown, ComparePage)
    return shown


@pytest.fixture
def sent(page: ComparePage, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the page sends to a process that is said to run, and that has told of itself and of figures."""
    commands: list[dict[str, Any]] = []
    worker = CompareWorker({}, page)
    monkeypatch.setattr(worker, "send", lambda command: bool(commands.append(command)) or True)
    monkeypatch.setattr(page.session, "_worker", worker)
    page.session._enter("playing")
    page.session.prepared.emit(found())
    page.session.source_opened.emit({"name": "clip", "live": False, "fps": 30.0, "frames": 100, "notes": []})
    page.session.statistics_changed.emit(statistics())
    page._on_session_pair_ready(pair())
    commands.clear()
    return commands


def texts(studio: Studio) -> list[str]:
    return [note.message.text for note in studio.window.notes.notes]


# --- ways of viewing ---------------------------------------------------------------------------------------


def test_keys_change_how_the_pictures_stand(page: ComparePage, qtbot: QtBot) -> None:
    page._on_session_pair_ready(pair())
    page.setFocus()
    left, right = page.pictures.views
    assert left.isVisible()
    assert left.size() == right.size()
    qtbot.keyClick(page, Qt.Key.Key_2)
    assert page.views.mode == DIVIDER
    assert page.pictures.divider.isVisible()
    assert not left.isVisible()
    qtbot.keyClick(page, Qt.Key.Key_V)
    assert page.views.mode == STACKED
    qtbot.waitUntil(lambda: left.geometry().bottom() < right.geometry().top())
    figures = page.panes[0].figures
    qtbot.waitUntil(lambda: figures.geometry().right() < page.pictures.geometry().left())
    button = page.findChild(QToolButton, "mode_beside")
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert page.views.mode == BESIDE
    assert button.isChecked()
    qtbot.waitUntil(lambda: left.geometry().right() < right.geometry().left())


def test_the_wheel_zooms_both_sides_at_the_pointer_and_a_double_click_shows_all(
    page: ComparePage, qtbot: QtBot
) -> None:
    page._on_session_pair_ready(pair())
    left, right = page.pictures.views
    before = left.picture_area()
    at = QPointF(before.left() + before.width() / 4, before.top() + before.height() / 4)
    wheel = QWheelEvent(
        at,
        left.mapToGlobal(at),
        QPoint(),
        QPoint(0, 480),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(left, wheel)
    after = left.picture_area()
    assert after == right.picture_area()
    assert after.width() == pytest.approx(before.width() * 1.25**4)
    assert (at.x() - after.left()) / after.width() == pytest.approx(0.25, abs=0.01)
    grip = left.rect().center()
    qtbot.mousePress(left, Qt.MouseButton.LeftButton, pos=grip)
    qtbot.mouseMove(left, grip + QPoint(30, 10))
    qtbot.mouseRelease(left, Qt.MouseButton.LeftButton, pos=grip + QPoint(30, 10))
    moved = right.picture_area()
    assert (moved.left() - after.left(), moved.top() - after.top()) == pytest.approx((30, 10), abs=0.5)
    qtbot.mouseDClick(right, Qt.MouseButton.LeftButton)
    assert left.picture_area() == before


def test_a_viewport_never_shows_less_than_it_could() -> None:
    view, image = QSize(400, 200), QSize(800, 800)
    port = Viewport()
    port.zoom_at(QPointF(0, 0), 1000, view, image)
    assert port.zoom == MOST
    port.pan(QPointF(1e6, -1e6), view, image)
    area = port.area(view, image)
    assert area.left() == pytest.approx(0)
    assert area.bottom() == pytest.approx(200)
    port.zoom_at(QPointF(10, 10), 1e-3, view, image)
    assert port.area(view, image) == QRectF(100, 0, 200, 200)


def test_two_views_of_one_size_share_the_scaled_picture(page: ComparePage) -> None:
    left, right = page.pictures.views
    image = picture()
    port = page.pictures.viewport
    first = port.picture(image, left.size(), 1.0)
    assert port.picture(image, right.size(), 1.0) is first
    assert port.picture(picture(), right.size(), 1.0) is not first


def test_the_divider_shows_left_boxes_before_it_and_right_ones_beyond(qtbot: QtBot) -> None:
    view = DividerView("divider")
    qtbot.addWidget(view)
    view.resize(640, 360)
    view.set_classes({0: "cat"}, {0: 0})
    view.set_right_classes({0: "cat"}, {0: 1})
    across = (Box(100, 100, 540, 200, 0.9, 0, "agree"),)
    view.show_both(picture(), across, across)

    def along(left: int, right: int) -> set[str]:
        shown = view.grab().toImage()
        return {shown.pixelColor(x, 200).name() for x in range(left, right)}

    assert along(110, 300) == {"#e4572e"}
    assert along(340, 530) == {"#17bebb"}
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(321, 30))
    qtbot.mouseMove(view, QPoint(480, 30))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(480, 30))
    assert along(110, 460) == {"#e4572e"}
    qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert view.share == pytest.approx(0.75 - 0.02)


@pytest.mark.parametrize(("mark", "solid"), [("agree", True), ("alone", False), ("changed", True)])
def test_kinds_of_boxes_look_different(qtbot: QtBot, mark: str, solid: bool) -> None:
    view = FrameView("view")
    qtbot.addWidget(view)
    view.resize(640, 360)
    view.show_frame(picture(), (Box(100, 100, 500, 300, 0.9, 0, mark),))
    shown = view.grab().toImage()
    edge = {shown.pixelColor(x, 300).name() for x in range(110, 490)}
    inner = {shown.pixelColor(x, 296).name() for x in range(110, 490)}
    assert edge == ({"#e4572e"} if solid else {"#e4572e", "#202020"})
    assert inner == ({"#e4572e"} if mark == "changed" else {"#202020"})


def test_a_class_has_one_colour_whatever_its_number(page: ComparePage) -> None:
    page.session.prepared.emit(found())
    cats = Box(100, 60, 500, 300, 0.9, 0, "agree"), Box(100, 60, 500, 300, 0.9, 1, "agree")
    page._on_session_pair_ready(pair(a=(cats[0],), b=(cats[1],)))
    colours = set()
    for view in page.pictures.views:
        shown = view.render_picture()
        assert shown is not None
        colours.add(shown.pixelColor(300, 300).name())
    assert colours == {"#e4572e"}


# --- full screen -------------------------------------------------------------------------------------------


def test_full_screen_shows_large_figures_and_takes_the_keys_of_the_page(
    page: ComparePage, sent: list[dict[str, Any]], qtbot: QtBot
) -> None:
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_F)
    screen = page.screen_
    assert isinstance(screen, CompareScreen)
    with qtbot.waitActive(screen):
        screen.activateWindow()
    assert screen.isFullScreen()
    assert screen.figures[0].number.text() == "20.0"
    assert screen.figures[0].unit.text() == "ms · 16.7 fps alone"
    assert screen.speedup.number.text() == "1.69×"
    assert screen.speedup.unit.text() == "[1.66–1.72]"
    assert "28.4 pairs/s" in screen.speedup.words.text()
    assert screen.figures[1].number.fontInfo().pixelSize() >= 40
    newer = pair()
    page._on_session_pair_ready(newer)
    assert screen.pictures.views[0].image is newer.image
    qtbot.keyClick(screen, Qt.Key.Key_Space)
    assert sent[-1] == {"command": "pause"}
    qtbot.keyClick(screen, Qt.Key.Key_2)
    assert screen.pictures.divider.isVisible()
    qtbot.keyClick(screen, Qt.Key.Key_Escape)
    assert page.screen_ is None
    assert page.pictures.divider.image is newer.image


def test_f11_gives_the_pictures_the_screen(page: ComparePage, studio: Studio, qtbot: QtBot) -> None:
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_F11)
    assert page.screen_ is not None
    assert not studio.window.isFullScreen()
    studio.window.show_page("home")
    assert page.screen_ is None


# --- what acts at once -------------------------------------------------------------------------------------


def test_classes_are_ticked_in_a_list_and_told_at_once(
    page: ComparePage, sent: list[dict[str, Any]], qtbot: QtBot
) -> None:
    button = page.instruments.classes
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_C)
    popup = button.popup
    assert popup.isVisible()
    items = {popup.list.item(row).text(): popup.list.item(row) for row in range(popup.list.count())}
    assert list(items) == ["cat", "dog", "owl"]
    items["dog"].setCheckState(Qt.CheckState.Unchecked)
    assert sent == [{"command": "classes", "shown": ("cat", "owl")}]
    assert button.text() == "2 of 3 classes"
    qtbot.mouseClick(popup.none, Qt.MouseButton.LeftButton)
    assert sent[-1] == {"command": "classes", "shown": ()}
    qtbot.mouseClick(popup.all, Qt.MouseButton.LeftButton)
    assert sent[-1] == {"command": "classes", "shown": None}
    assert button.text() == "All classes"
    popup.close()


def test_many_classes_are_narrowed_by_a_field(page: ComparePage, qtbot: QtBot) -> None:
    button = page.instruments.classes
    button.set_names([f"kind {number}" for number in range(80)], ["kind 7"])
    button.open_list()
    assert button.popup.filter.isVisible()
    qtbot.keyClicks(button.popup.filter, "kind 7")
    rows = [button.popup.list.item(row) for row in range(80)]
    assert [item.text() for item in rows if not item.isHidden()] == [
        "kind 7",
        *(f"kind 7{n}" for n in range(10)),
    ]
    button.popup.none.click()
    assert button.shown is not None
    assert len(button.shown) == 69
    button.popup.close()


def test_size_loop_speed_and_a_new_beginning_are_commands(
    page: ComparePage, sent: list[dict[str, Any]], qtbot: QtBot
) -> None:
    size = page.instruments.picture_size
    size.setCurrentIndex(size.findData("320"))
    size.activated.emit(size.currentIndex())
    assert sent[-1] == {"command": "imgsz", "value": 320}
    assert page.panes[0].figures.big.text() == "–"
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_L)
    assert sent[-1] == {"command": "loop", "value": False}
    qtbot.keyClick(page, Qt.Key.Key_BracketRight)
    assert sent[-1] == {"command": "speed", "value": 2.0}
    qtbot.keyClick(page, Qt.Key.Key_BracketLeft)
    qtbot.keyClick(page, Qt.Key.Key_BracketLeft)
    assert sent[-1] == {"command": "speed", "value": 0.5}
    assert page.transport.speed.currentText() == "0.5×"
    page.session.statistics_changed.emit(statistics())
    page.actions_["reset"].trigger()
    assert sent[-1] == {"command": "reset"}


# --- figures -----------------------------------------------------------------------------------------------


def test_the_setting_follows_the_language(
    page: ComparePage, sent: list[dict[str, Any]], studio: Studio, qtbot: QtBot
) -> None:
    about = page.panes[0].figures.about
    studio.languages.apply("zh_CN")
    qtbot.waitUntil(lambda: "threads" not in about.text(), timeout=2000)
    assert about.text().startswith("OpenVINO · bf16 · CPU · ")
    studio.languages.apply("en")
    qtbot.waitUntil(lambda: "2 threads" in about.text(), timeout=2000)


def test_figures_say_p99_drift_and_the_setting(page: ComparePage, sent: list[dict[str, Any]]) -> None:
    left, right = (pane.figures for pane in page.panes)
    assert left.about.text() == "OpenVINO · bf16 · CPU · 2 threads · 640×384"
    assert left.cells["inference_ms", "p99"].text() == "31.0"
    assert not left.drift.isVisible()
    drift = {"side": "b", "first_ms": 10.0, "last_ms": 11.2, "ratio": 1.12}
    page.session.statistics_changed.emit(statistics(drift=drift))
    assert right.drift.text() == "drift +12\u202f%"
    assert right.drift.isVisible()
    assert not left.drift.isVisible()


def test_agreement_is_counted_live_and_over_time(page: ComparePage, sent: list[dict[str, Any]]) -> None:
    assert page.verdict.agreement.text() == "1 agree · 0 class changed · 2 only left · 0 only right"
    assert page.instruments.agreement.shares == [0.9, 0.8]
    painted = page.instruments.agreement.grab().toImage()
    assert any(
        painted.pixelColor(x, y) == QColor("#14703F")
        for x in range(painted.width())
        for y in range(painted.height())
    )


def test_copied_numbers_are_a_table_with_their_setting(
    page: ComparePage, sent: list[dict[str, Any]], studio: Studio
) -> None:
    page.actions_["copy"].trigger()
    told = QGuiApplication.clipboard().mimeData()
    table = [line.split("\t") for line in bytes(told.data(TSV).data()).decode().splitlines()]
    rows = {row[0]: row[1:] for row in table}
    assert rows["precision"] == ["bf16", "bf16"]
    assert rows["threads"] == ["2", "2"]
    assert rows["input, px"] == ["640×384", "640×384"]
    assert rows["inference p99, ms"] == ["31.000", "15.500"]
    assert rows["speed-up of inference"] == ["1.690×", "95 % interval 1.660–1.720"]
    assert "Sample: standard" in told.text()
    assert "<td>1.690×</td>" in told.html()
    assert texts(studio)[-1] == "The numbers are on the clipboard."


# --- what is kept ------------------------------------------------------------------------------------------


def test_recording_shows_its_length_and_where_it_went(
    page: ComparePage,
    sent: list[dict[str, Any]],
    studio: Studio,
    workspace: Path,
    qtbot: QtBot,
    opened: list[str],
) -> None:
    button = page.header_tools.record
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    path = sent[-1]["path"]
    assert Path(path).parent == workspace / "recordings"
    told = {"event": "recording", "path": path, "frames": 360, "dropped": 2, "bytes": 2_500_000}
    page.session.recording_changed.emit({**told, "state": "recording", "seconds": 12.0})
    assert button.text() == "0:12 · 360 pictures"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert sent[-1] == {"command": "record", "path": None}
    page.session.recording_changed.emit({**told, "state": "finished", "seconds": 13.0})
    assert button.text() == "Record"
    note = studio.window.notes.notes[-1].message
    assert note.text == f"Recording saved: {Path(path).name}"
    assert note.action == "Show in folder"
    assert note.on_action is not None
    note.on_action()
    assert opened == [str(workspace / "recordings")]


def test_a_recording_that_fails_says_why(
    page: ComparePage, sent: list[dict[str, Any]], studio: Studio
) -> None:
    page.actions_["record"].trigger()
    page.session.recording_changed.emit(
        {"event": "recording", "state": "failed", "message": "The disk is full.", "hint": "", "path": "x.mp4"}
    )
    assert not page.keeper.recording
    assert texts(studio)[-1] == "The disk is full."


def test_a_report_is_asked_for_and_opened(
    page: ComparePage,
    sent: list[dict[str, Any]],
    studio: Studio,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    opened: list[str],
) -> None:
    asked: list[str] = []

    def choose(_parent: object, _title: str, begin: str, _kinds: str) -> tuple[str, str]:
        asked.append(begin)
        return begin, ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    page.header_tools.report.click()
    assert Path(asked[0]).parent == workspace / "reports"
    assert sent[-1] == {"command": "report", "path": asked[0]}
    assert not page.header_tools.report.isEnabled()
    page.session.report_written.emit({"event": "report", "path": asked[0]})
    assert page.header_tools.report.isEnabled()
    note = studio.window.notes.notes[-1].message
    assert note.on_action is not None
    note.on_action()
    assert opened == asked


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the system was asked to open."""
    paths: list[str] = []

    def open_url(url: QUrl) -> bool:
        paths.append(url.toLocalFile())
        return True

    monkeypatch.setattr(QDesktopServices, "openUrl", open_url)
    return paths


# --- states ------------------------------------------------------------------------------------------------


def test_a_lost_source_is_named_over_its_last_picture(page: ComparePage, sent: list[dict[str, Any]]) -> None:
    page.session.lost_because.emit(value_to_json(Text("It is silent.")))
    page.session._enter("lost")
    words = page.panes[0].view.dim_words
    assert words.startswith("Sample clip: It is silent.")
    assert "opened again" in words
    assert page.panes[0].view.image is not None
    page.session._enter("playing")
    assert page.panes[0].view.dim_words == ""


def test_a_source_that_fails_gives_way_to_the_sample(
    page: ComparePage, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    played: list[str] = []
    monkeypatch.setattr(page.session, "play", lambda: played.append(page.session.setup.source))
    page.receive(CompareRequest(SAMPLE, SAMPLE, "camera:0"))
    page.session._enter("failed")
    page.session.problem.emit(AppError("There is no camera."))
    note = studio.window.notes.notes[-1].message
    assert note.action == "Compare on the sample clip"
    assert note.on_action is not None
    note.on_action()
    assert played == [SAMPLE]


def test_a_camera_with_the_sample_s_detectors_is_offered_the_card(
    page: ComparePage,
    tmp_path: Path,
    qtbot: QtBot,
    opened: list[str],
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs: list[EngineJob] = []
    monkeypatch.setattr(page.tasks, "start", lambda _title, job: jobs.append(job))
    assert not page.card_hint.isVisible()
    page.receive(CompareRequest(SAMPLE, SAMPLE, "camera:0"))
    assert page.card_hint.isVisible()
    qtbot.mouseClick(page.card_hint.print, Qt.MouseButton.LeftButton)
    assert jobs[0].job == "sample"
    assert jobs[0]._request == {"parts": ["card"], "folder": str(workspace / "reports")}
    jobs[0].done.emit({"card": str(workspace / "reports" / "card.pdf")})
    assert opened == [str(workspace / "reports" / "card.pdf")]
    page.receive(CompareRequest(SAMPLE, str(tmp_path / "other.pt"), "camera:0"))
    assert not page.card_hint.isVisible()
    page.receive(CompareRequest(SAMPLE, SAMPLE, "camera:0"))
    page.card_hint.dismiss.click()
    assert not page.card_hint.isVisible()


def test_nothing_is_cut_off_at_1280_by_800(page: ComparePage, studio: Studio) -> None:
    for language in ("en", "zh_CN"):
        studio.languages.apply(language)
        QApplication.processEvents()
        least = page.minimumSizeHint()
        assert least.width() <= page.width(), language
        assert least.height() <= page.height(), language
