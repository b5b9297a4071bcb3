"""Both views show the same picture, always: a clip's frames carry their number as a barcode of pixels."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.application import Studio
from app.ui.pages.compare import ComparePage
from app.ui.requests import CompareRequest
from app.ui.widgets.frame_view import FrameView
from tests.pairs import make_pair

BITS = 10
CELL = 40
TOP = 76
SIZE = (192, BITS * CELL)
FRAMES = 400
GRABS = 300


@pytest.fixture(scope="module")
def numbered_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "numbered.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 40.0, SIZE[::-1])
    for number in range(FRAMES):
        image = np.full((*SIZE, 3), 90, np.uint8)
        cv2.circle(image, (number % SIZE[1], 40), 25, (40, 90, 200), -1)
        for bit in range(BITS):
            image[TOP : TOP + CELL, bit * CELL : (bit + 1) * CELL] = 255 * (number >> bit & 1)
        writer.write(image)
    writer.release()
    return path


@pytest.fixture
def page(studio: Studio, qtbot: QtBot, numbered_clip: Path, tmp_path: Path) -> Iterator[ComparePage]:
    if QGuiApplication.platformName() == "offscreen":
        pytest.skip("there is no screen to look at: run it under Xvfb")
    a, b = make_pair(numbered_clip, tmp_path)
    window = studio.window
    window.resize(1280, 800)
    with qtbot.waitExposed(window):
        window.show()
    window.show_page("compare")
    page = window.page("compare")
    assert isinstance(page, ComparePage)
    page.confidence.slider.setValue(70)
    page.receive(CompareRequest(str(a), str(b), str(numbered_clip), play=True))
    qtbot.waitUntil(lambda: page.session.state == "playing", timeout=30_000)
    yield page
    page.session.shutdown()


def grab_screen(studio: Studio) -> QImage:
    """Return what the screen shows of the window, not a new painting of it."""
    window = studio.window
    return window.screen().grabWindow(window.winId()).toImage()


def read_number(shown: QImage, view: FrameView, studio: Studio) -> int:
    origin = view.mapTo(studio.window, QPoint(0, 0))
    area: QRectF = view.picture_area()
    ratio = shown.devicePixelRatio()
    number = 0
    for bit in range(BITS):
        levels = []
        for across, down in itertools.product(range(1, 10), repeat=2):
            x = origin.x() + area.left() + (bit + across / 10) * CELL * area.width() / SIZE[1]
            y = origin.y() + area.top() + (TOP + down / 10 * CELL) * area.height() / SIZE[0]
            levels.append(shown.pixelColor(round(x * ratio), round(y * ratio)).lightness())
        # Coloured boxes and labels cross the squares; what is left of a square is black or white.
        black, white = sum(level < 40 for level in levels), sum(level > 215 for level in levels)
        assert max(black, white) > 5 + 2 * min(black, white), f"no barcode there: {levels}"
        number |= (white > black) << bit
    return number


def test_both_painted_views_show_the_same_frame_in_each_of_300_grabs(
    page: ComparePage, studio: Studio, qtbot: QtBot
) -> None:
    qtbot.wait(500)
    numbers: list[tuple[int, int]] = []
    views = [pane.view for pane in page.panes]
    last: list[object] = [None]
    while len(numbers) < GRABS:
        qtbot.waitUntil(lambda: views[0].image is not last[0], timeout=10_000)
        last[0] = views[0].image
        QApplication.processEvents()
        shown = grab_screen(studio)
        numbers.append((read_number(shown, views[0], studio), read_number(shown, views[1], studio)))
    assert [left for left, _ in numbers] == [right for _, right in numbers]
    assert len({left for left, _ in numbers}) > GRABS // 3
    assert all(0 <= left < FRAMES for left, _ in numbers)
