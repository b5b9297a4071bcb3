"""The Compare page with a real engine process: pictures, figures, and everything that acts while it runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QSlider
from pytestqt.qtbot import QtBot

from app.ui.application import Studio
from app.ui.pages.compare import ComparePage
from app.ui.pages.compare_session import CompareSession
from app.ui.pages.compare_verdict import interval
from app.ui.requests import SAMPLE, CompareRequest
from app.ui.widgets.frame_view import FrameView
from app.ui.widgets.latency_plot import LatencyPlot
from app.workers.compare import Box
from tests.pairs import make_pair

pytestmark = pytest.mark.alone  # times, and measures in the background


@pytest.fixture(scope="session")
def pair(clips_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_pair(clips_dir / "vtest.avi", tmp_path_factory.mktemp("pair"))


@pytest.fixture
def page(studio: Studio, qtbot: QtBot) -> ComparePage:
    window = studio.window
    window.resize(1280, 800)
    with qtbot.waitExposed(window):
        window.show()
    window.show_page("compare")
    page = window.page("compare")
    assert isinstance(page, ComparePage)
    return page


Start = Callable[..., ComparePage]


@pytest.fixture
def start(page: ComparePage, pair: tuple[Path, Path], clips_dir: Path, qtbot: QtBot) -> Iterator[Start]:
    def run(source: str = "", confidence: float = 0.1) -> ComparePage:
        page.confidence.slider.setValue(round(confidence * 100))
        page.receive(
            CompareRequest(str(pair[0]), str(pair[1]), source or str(clips_dir / "vtest.avi"), play=True)
        )
        qtbot.waitUntil(
            lambda: page.session.state == "playing" and bool(page.panes[0].view.boxes), timeout=20_000
        )
        return page

    yield run
    page.session.shutdown()


def children() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "compare" in process.cmdline():
                found.append(process)
    return found


def test_both_sides_show_the_same_picture_their_boxes_and_figures(start: Start, qtbot: QtBot) -> None:
    page = start()
    left, right = (pane.view for pane in page.panes)
    assert left.image is right.image
    assert left.image is not None
    assert (left.image.width(), left.image.height()) == (768, 576)
    qtbot.waitUntil(lambda: page.panes[0].figures.big.text() != "–", timeout=5000)
    for pane in page.panes:
        assert float(pane.figures.big.text()) > 0
        assert "OpenVINO · " in pane.figures.about.text()
        assert "160×128" in pane.figures.about.text()
        assert all(cell.text() != "–" for cell in pane.figures.cells.values())
    assert "×" in page.verdict.ratio.text()
    assert "pairs/s" in page.verdict.rate.text()
    qtbot.waitUntil(lambda: len(page.plot.times_ms[0]) > 5, timeout=5000)
    assert "agree" in page.verdict.agreement.text()


def test_pause_holds_the_picture_and_play_goes_on(start: Start, qtbot: QtBot) -> None:
    page = start()
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.session.state == "paused", timeout=5000)
    assert page.primary.text() == "Play"
    qtbot.wait(200)
    held = page.panes[0].view.image
    qtbot.wait(400)
    assert page.panes[0].view.image is held
    qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.panes[0].view.image is not held, timeout=5000)
    qtbot.waitUntil(lambda: page.primary.text() == "Pause", timeout=2000)


def test_the_sliders_act_at_once_while_paused(start: Start, qtbot: QtBot) -> None:
    page = start(confidence=0.05)
    page.session.pause()
    qtbot.waitUntil(lambda: page.session.state == "paused", timeout=5000)
    qtbot.wait(300)
    view = page.panes[0].view
    held, before = view.image, len(view.boxes)
    slider = page.findChild(QSlider, "confidence")
    assert slider is not None
    slider.setValue(18)
    began = time.monotonic()
    qtbot.waitUntil(lambda: len(view.boxes) < before, timeout=2000)
    assert time.monotonic() - began < 0.5
    assert view.image is held
    assert all(box.score > 0.18 for box in view.boxes)
    page.confidence.reset.click()
    assert slider.value() == 25


def test_step_goes_one_on_and_one_back(start: Start, qtbot: QtBot) -> None:
    page = start()
    page.session.pause()
    qtbot.waitUntil(lambda: page.session.state == "paused", timeout=5000)
    qtbot.wait(300)
    at = page.transport.position.value()
    page.transport.forward.click()
    qtbot.waitUntil(lambda: page.transport.position.value() == at + 1, timeout=5000)
    page.transport.back.click()
    qtbot.waitUntil(lambda: page.transport.position.value() == at, timeout=5000)
    page.transport.sought.emit(200)
    qtbot.waitUntil(lambda: page.transport.position.value() == 200, timeout=5000)


def test_keys_play_and_step_but_a_focused_slider_keeps_its_own(start: Start, qtbot: QtBot) -> None:
    page = start()
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page.session.state == "paused", timeout=5000)
    qtbot.wait(300)
    at = page.transport.position.value()
    page.confidence.slider.setFocus()
    before = page.confidence.slider.value()
    qtbot.keyClick(page.confidence.slider, Qt.Key.Key_Right)
    assert page.confidence.slider.value() == before + 1
    qtbot.wait(300)
    assert page.transport.position.value() == at
    page.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: page.transport.position.value() == at + 1, timeout=5000)


def test_classes_and_size_act_at_once_and_a_recording_is_kept(
    start: Start, qtbot: QtBot, workspace: Path, studio: Studio
) -> None:
    page = start(confidence=0.05)
    qtbot.waitUntil(page.actions_["record"].isEnabled, timeout=10_000)
    page.actions_["record"].trigger()
    length = page.header_tools.record
    qtbot.waitUntil(lambda: "picture" in length.text() and " 0 " not in length.text(), timeout=20_000)
    page.actions_["record"].trigger()
    qtbot.waitUntil(lambda: not page.keeper.recording, timeout=30_000)
    assert studio.window.notes.notes[-1].message.text.startswith("Recording saved: ")
    assert all(path.stat().st_size > 0 for path in (workspace / "recordings").glob("*.mp4"))
    page.session.pause()
    qtbot.waitUntil(lambda: page.session.state == "paused", timeout=5000)
    qtbot.wait(300)
    left, right = page.pictures.views
    held = left.image
    page.instruments.classes.popup.none.click()
    qtbot.waitUntil(lambda: not left.boxes and not right.boxes, timeout=3000)
    assert left.image is held
    page.instruments.classes.popup.all.click()
    qtbot.waitUntil(lambda: bool(left.boxes), timeout=3000)
    page.instruments.size_changed.emit(320)
    qtbot.waitUntil(lambda: "320×" in page.panes[1].figures.about.text(), timeout=30_000)
    qtbot.waitUntil(lambda: page.session.state == "paused", timeout=5000)


def test_another_source_is_taken_without_a_new_process(start: Start, clips_dir: Path, qtbot: QtBot) -> None:
    page = start()
    before = children()
    assert len(before) == 1
    page._on_source_value_chosen(str(clips_dir / "person.mp4"))
    view = page.panes[0].view
    qtbot.waitUntil(lambda: view.image is not None and view.image.height() != 576, timeout=10_000)
    assert [p.pid for p in children()] == [before[0].pid]
    assert page.store.settings.recent_sources[0].endswith("person.mp4")


def test_other_detectors_start_a_new_process_that_goes_on_playing(start: Start, qtbot: QtBot) -> None:
    page = start()
    old = children()[0].pid
    setup = page.session.setup
    page.panes[0].menu.value_chosen.emit(setup.b)
    qtbot.waitUntil(lambda: page.session.state == "playing", timeout=20_000)
    assert page.panes[0].menu.value == setup.b
    qtbot.waitUntil(
        lambda: [p.pid for p in children()] not in ([], [old]) and len(children()) == 1, timeout=8000
    )


def test_leaving_the_page_ends_the_process_and_keeps_the_picture(
    start: Start, studio: Studio, qtbot: QtBot
) -> None:
    page = start()
    assert len(children()) == 1
    studio.window.show_page("home")
    qtbot.waitUntil(lambda: not children(), timeout=6000)
    assert page.panes[0].view.image is not None
    assert page.session.state == "idle"


def test_a_source_that_is_not_there_is_said_in_words(
    page: ComparePage, pair: tuple[Path, Path], qtbot: QtBot, studio: Studio
) -> None:
    page.receive(CompareRequest(str(pair[0]), str(pair[1]), "/nowhere/clip.mp4", play=True))
    qtbot.waitUntil(lambda: page.session.state == "failed", timeout=10_000)
    notes = [note.message.text for note in studio.window.notes.notes]
    assert any("/nowhere/clip.mp4" in text for text in notes)
    assert page.primary.text() == "Play"
    qtbot.waitUntil(lambda: not children(), timeout=6000)


def test_a_snapshot_holds_both_pictures_and_never_overwrites(
    start: Start, qtbot: QtBot, workspace: Path
) -> None:
    page = start()
    page.take_snapshot()
    page.take_snapshot()
    saved = sorted((workspace / "snapshots").glob("*.png"))
    assert len(saved) == 2
    image = QImage(str(saved[0]))
    assert image.size() == QSize(2 * 768, 576 + 116)


def test_a_person_without_the_sample_is_told_what_to_choose(
    page: ComparePage, qtbot: QtBot, studio: Studio
) -> None:
    page.session.change(a="", b="")
    page.toggle()
    assert page.session.state == "idle"
    assert "two detectors" in studio.window.notes.notes[-1].message.text


def test_sample_stands_for_the_shipped_pair(page: ComparePage) -> None:
    page.receive(CompareRequest(SAMPLE, SAMPLE, SAMPLE))
    setup = page.session.setup
    assert [Path(p).name for p in (setup.a, setup.b)] == ["standard.pt", "lightweight.pt"]
    assert setup.source == SAMPLE
    assert page.source.value == SAMPLE


def test_dropped_checkpoints_and_clips_are_taken(
    page: ComparePage, pair: tuple[Path, Path], clips_dir: Path
) -> None:
    assert page.accepts_drop(list(pair))
    page.dropped(list(pair))
    assert (page.session.setup.a, page.session.setup.b) == tuple(map(str, pair))
    page.dropped([clips_dir / "tree.avi"])
    assert page.session.setup.source == str(clips_dir / "tree.avi")
    assert not page.accepts_drop([clips_dir / "tree.avi", pair[0]])


def test_a_lost_child_is_told_and_can_be_started_again(start: Start, qtbot: QtBot) -> None:
    page = start()
    children()[0].kill()
    qtbot.waitUntil(lambda: page.session.state == "failed", timeout=5000)
    page.toggle()
    qtbot.waitUntil(lambda: page.session.state == "playing", timeout=20_000)


# --- widgets ---------------------------------------------------------------------------------------------


def filled(width: int, height: int, colour: str) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(colour)
    return image


def colours_along(image: QImage, y: int, left: int, right: int) -> set[str]:
    return {image.pixelColor(x, y).name() for x in range(left, right)}


def test_boxes_lie_where_the_detector_said_and_disagreements_are_dashed(qtbot: QtBot) -> None:
    view = FrameView("view")
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.set_classes({0: "cat", 1: "dog"})
    boxes = (
        Box(100, 300, 700, 500, 0.9, 0, "agree"),
        Box(100, 100, 700, 200, 0.8, 0, "alone"),
    )
    view.show_frame(filled(800, 600, "#202020"), boxes)
    painted = view.grab().toImage()
    ratio = painted.devicePixelRatio()
    assert ratio == 1
    # Half scale: the lower edges lie at y = 250 and y = 100.
    assert colours_along(painted, 250, 60, 340) == {"#e4572e"}
    assert colours_along(painted, 100, 60, 340) == {"#e4572e", "#202020"}
    assert colours_along(painted, 200, 60, 340) == {"#202020"}


def test_labels_at_the_upper_edge_stay_inside(qtbot: QtBot) -> None:
    view = FrameView("view")
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show_frame(filled(800, 600, "#202020"), (Box(0, 0, 780, 400, 0.9, 0, "agree"),))
    painted = view.grab().toImage()
    assert painted.pixelColor(QPoint(6, 6)).name() != "#202020"


def test_two_large_pictures_are_painted_in_under_8_ms(qtbot: QtBot) -> None:
    views = [FrameView("a"), FrameView("b")]
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (720, 1280, 4), dtype=np.uint8)
    image = QImage(pixels.data, 1280, 720, QImage.Format.Format_RGB32).copy()
    corners = generator.uniform(0, 600, (20, 2)).tolist()
    boxes = tuple(Box(x, y, x + 100, y + 80, 0.5, i % 5, "agree") for i, (x, y) in enumerate(corners))
    target = QImage(590, 332, QImage.Format.Format_RGB32)
    for view in views:
        qtbot.addWidget(view)
        view.resize(590, 332)
        view.show_frame(image, boxes)
    times = []
    for _ in range(40):
        begin = time.perf_counter()
        for view in views:
            view.render(target)
        times.append((time.perf_counter() - begin) * 1e3)
    assert sorted(times)[len(times) // 2] < 8


def test_the_plot_keeps_the_newest_and_scales_to_them(qtbot: QtBot) -> None:
    plot = LatencyPlot()
    qtbot.addWidget(plot)
    plot.resize(400, 120)
    plot.extend([[10.0, 5.0]] * 400)
    assert plot.times_ms == ([10.0] * 300, [5.0] * 300)
    plot.extend([[500.0, 5.0]])
    assert plot._top < 50
    image = plot.grab().toImage()
    assert not image.isNull()
    plot.clear()
    assert plot.times_ms == ([], [])


def test_the_verdict_says_what_the_interval_allows(page: ComparePage) -> None:
    verdict = page.verdict

    def told(low: float, median: float, high: float) -> str:
        speedup = {"median": median, "low": low, "high": high}
        verdict.show_statistics({"speedup": speedup, "pairs_per_second": 12.0, "dropped": 0})
        assert verdict.ratio.text() == interval(speedup)
        return verdict.meaning.text()

    assert told(1.66, 1.69, 1.72) != told(0.98, 1.0, 1.03) != told(0.7, 0.8, 0.9)
    assert verdict.ratio.text() == "0.80× [0.70–0.90]"


def test_everything_is_said_in_another_language_too(page: ComparePage, studio: Studio, qtbot: QtBot) -> None:
    before = page.primary.text()
    studio.languages.apply("zh_CN")
    qtbot.waitUntil(lambda: page.primary.text() != before, timeout=2000)
    studio.languages.apply("en")
    qtbot.waitUntil(lambda: page.primary.text() == before, timeout=2000)


def test_the_session_forgets_a_process_that_ended(
    qtbot: QtBot, pair: tuple[Path, Path], clips_dir: Path
) -> None:
    session = CompareSession()
    session.change(a=str(pair[0]), b=str(pair[1]), source=str(clips_dir / "vtest.avi"))
    session.play()
    session.stop()
    session.play()
    qtbot.waitUntil(lambda: session.state == "playing", timeout=20_000)
    session.shutdown()
    assert not children()
    assert not session.running
