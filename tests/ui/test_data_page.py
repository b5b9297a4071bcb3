"""The Data page on real data, with real engine processes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QHelpEvent, QImage, QKeySequence
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.core.findings import Finding
from app.ui import theme
from app.ui.application import Studio
from app.ui.pages.data import EMPTY, FAILED, LOADING, READY, DataPage
from app.ui.requests import DATA, SAMPLE, DataRequest, TrainRequest
from app.ui.widgets.findings import FindingList
from app.workers import lasting

WAIT = 30_000

# The offscreen platform says so of every dialog and tooltip.
OFFSCREEN = ("This plugin does not support propagateSizeHints", "This plugin does not support raise")
pytestmark = pytest.mark.qt_log_ignore(*OFFSCREEN)


@pytest.fixture
def page(studio: Studio, qtbot: QtBot) -> Iterator[DataPage]:
    studio.window.resize(1280, 800)
    with qtbot.waitExposed(studio.window):
        studio.window.start()
    studio.window.show_page(DATA)
    found = studio.window.page(DATA)
    assert isinstance(found, DataPage)
    yield found
    found.shutdown()
    qtbot.waitUntil(lambda: not studio.services.tasks.running, timeout=WAIT)


@pytest.fixture
def messy(bccd_yaml: Path, tmp_path: Path) -> Path:
    """Real pictures with labels that were tampered with."""
    root = tmp_path / "messy"
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (root / kind / split).mkdir(parents=True)
        for picture in sorted((bccd_yaml.parent / "images" / split).iterdir())[:8]:
            shutil.copy(picture, root / "images" / split)
            label = bccd_yaml.parent / "labels" / split / f"{picture.stem}.txt"
            shutil.copy(label, root / "labels" / split)
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (root / "data.yaml").write_text(
        "train: images/train\nval: images/val\nnames: [RBC, WBC, Platelets]\ndownload: echo no\n"
    )
    labels = sorted((root / "labels" / "val").iterdir())
    labels[3].write_text("0 0.5 0.5 0.2 0.2\n9 0.5 0.5 0.2 0.2\n")
    labels[5].write_text("")
    return root / "data.yaml"


def opened(page: DataPage, qtbot: QtBot, spec: Path | str) -> DataPage:
    page.open(str(spec))
    qtbot.waitUntil(lambda: page.state in (READY, FAILED), timeout=WAIT)
    assert page.state == READY, page.problem
    return page


def seen_thumbnails(page: DataPage) -> int:
    model = page.gallery.grid.pictures
    return sum(model.thumb(row) is not None for row in range(model.rowCount()))


def primary_buttons(page: DataPage) -> list[str]:
    buttons = [item for item in page.findChildren(QPushButton) if item.isVisible()]
    return [item.text().strip() for item in buttons if item.property("role") == "primary"]


def test_an_empty_page_offers_one_way_and_the_sample(page: DataPage) -> None:
    assert page.state == EMPTY
    assert primary_buttons(page) == ["Open a data set…"]
    assert page.blank.secondary.text() == "Use the sample"
    assert page.blank.sentence.text().count(".") == 1


def test_real_data_is_counted_drawn_and_listed(page: DataPage, qtbot: QtBot, bccd_yaml: Path) -> None:
    opened(page, qtbot, bccd_yaml)
    assert page.counts.text() == "YOLO, 205 / 87 / 72 pictures"
    assert page.name.text() == "bccd"
    assert [page.gallery.tabs.tabText(i) for i in range(3)] == ["Train  205", "Val  87", "Test  72"]
    assert page.statistics.classes_note.text().startswith("4\u202f886 boxes")
    assert "372 boxes" in page.statistics.classes.model().index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert sum(page.statistics.sizes.totals()) == 4886
    assert not page.findings.fine.isVisible()
    assert page.findings.list.counts() == {"warning": 1}  # one place of a slide, photographed twice
    assert page.findings.fix.isVisible()
    assert primary_buttons(page) == ["Use in Train"]
    qtbot.waitUntil(lambda: seen_thumbnails(page) >= 12, timeout=WAIT)


def test_boxes_are_where_the_label_says(page: DataPage, qtbot: QtBot, messy: Path) -> None:
    """Take the boxes away, and the pixels that change are those of the boxes' outlines."""
    label = sorted((messy.parent / "labels" / "train").iterdir())[0]
    label.write_text("1 0.5 0.5 0.5 0.5\n")
    opened(page, qtbot, messy)
    grid = page.gallery.grid
    qtbot.waitUntil(lambda: grid.pictures.thumb(0) is not None, timeout=WAIT)
    cell = grid.visualRect(grid.pictures.index(0))
    with_boxes = pixels(grid.viewport().grab(cell).toImage())
    qtbot.mouseClick(
        page.gallery.boxes, Qt.MouseButton.LeftButton, pos=QPoint(8, page.gallery.boxes.height() // 2)
    )
    assert not grid.boxes_shown
    without = pixels(grid.viewport().grab(cell).toImage())
    changed = np.argwhere((with_boxes != without).any(axis=2))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    inner_height, inner_width = cell.height() - 8, cell.width() - 8
    assert abs((bottom - top) - inner_height / 2) <= 3
    assert abs((right - left) - inner_width / 2) <= 3
    assert abs((top + bottom) / 2 - cell.height() / 2) <= 3
    colour = theme.colour(theme.class_colour(1))
    edge = with_boxes[(top + bottom) // 2, left : left + 2].astype(int)
    assert np.abs(edge - (colour.red(), colour.green(), colour.blue())).min() < 60


def pixels(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return data[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def test_scrolling_brings_the_pictures_further_down(page: DataPage, qtbot: QtBot, bccd_yaml: Path) -> None:
    opened(page, qtbot, bccd_yaml)
    grid = page.gallery.grid
    assert grid.pictures.thumb(204) is None

    def at_the_bottom() -> bool:
        grid.scrollToBottom()  # again while the window still finds its size
        return grid.pictures.thumb(204) is not None

    qtbot.waitUntil(at_the_bottom, timeout=WAIT)
    pictures = sorted((bccd_yaml.parent / "images" / "train").iterdir())
    thumb = grid.pictures.thumb(204)
    assert thumb is not None
    assert thumb.path.name == pictures[204].name


def test_a_class_narrows_pictures_and_sizes_and_lets_go_again(
    page: DataPage, qtbot: QtBot, bccd_yaml: Path
) -> None:
    opened(page, qtbot, bccd_yaml)
    classes = page.statistics.classes
    place = classes.visualRect(classes.model().index(2, 0)).center()
    qtbot.mouseClick(classes.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: 0 < page.gallery.grid.pictures.rowCount() < 205, timeout=WAIT)
    qtbot.waitUntil(lambda: seen_thumbnails(page) >= 6, timeout=WAIT)
    thumb = page.gallery.grid.pictures.thumb(0)
    assert thumb is not None
    assert 2 in [box[0] for box in thumb.boxes]
    assert sum(page.statistics.sizes.totals()) == 361
    assert "Platelets" in page.gallery.narrowed.text()
    qtbot.mouseClick(classes.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert page.gallery.grid.pictures.rowCount() == 205
    assert sum(page.statistics.sizes.totals()) == 4886


def test_a_picture_opens_large_and_the_arrow_keys_go_on(
    page: DataPage, qtbot: QtBot, bccd_yaml: Path
) -> None:
    opened(page, qtbot, bccd_yaml)
    grid = page.gallery.grid
    qtbot.waitUntil(lambda: grid.pictures.thumb(1) is not None, timeout=WAIT)
    place = grid.visualRect(grid.pictures.index(1)).center()
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=place)
    dialog = page.gallery.dialog
    assert dialog is not None
    qtbot.waitUntil(lambda: not dialog.picture.pixmap.isNull(), timeout=WAIT)
    assert dialog.place.text() == "2 / 205"
    assert dialog.picture.pixmap.width() == 640
    first = dialog.name.text()
    qtbot.keyClick(dialog, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: dialog.name.text() != first, timeout=WAIT)
    assert dialog.place.text() == "3 / 205"
    dialog.accept()


def test_findings_name_place_and_remedy_and_show_the_picture(
    page: DataPage, qtbot: QtBot, messy: Path
) -> None:
    opened(page, qtbot, messy)
    card = page.findings
    assert {name: b.text() for name, b in card.buttons.items() if b.isVisible()} == {
        "error": "Errors 1",
        "warning": "Warnings 1",
        "info": "Notes 1",
    }
    first = card.list.model().index(0, 0)
    text = first.data(Qt.ItemDataRole.DisplayRole)
    assert "txt:2" in text
    assert "There is no class 9; the classes are 0 to 2." in text
    assert "Correct the line" in text
    qtbot.mouseClick(
        card.list.viewport(), Qt.MouseButton.LeftButton, pos=card.list.visualRect(first).center()
    )
    qtbot.waitUntil(lambda: page.gallery.split == "val", timeout=WAIT)
    assert page.gallery.grid.currentIndex().row() == 3


def test_severities_can_be_hidden_and_findings_copied(page: DataPage, qtbot: QtBot, messy: Path) -> None:
    opened(page, qtbot, messy)
    card = page.findings
    qtbot.mouseClick(card.buttons["error"], Qt.MouseButton.LeftButton)
    assert card.list.model().rowCount() == 2
    qtbot.mouseClick(card.buttons["error"], Qt.MouseButton.LeftButton)
    assert card.list.model().rowCount() == 3
    card.list.setCurrentIndex(card.list.model().index(0, 0))
    qtbot.keyClick(card.list, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "There is no class 9" in QGuiApplication.clipboard().text()
    assert str(messy.parent) in QGuiApplication.clipboard().text()
    actions = [action.text() for action in card.list.menu().actions()]
    assert actions == ["Show in folder", "Copy", "Copy all"]


def test_findings_that_are_not_listed_are_counted(qtbot: QtBot) -> None:
    found = FindingList()
    qtbot.addWidget(found)
    more = Finding("more_warnings", "/d", None, {"count": 41, "code": "leak"})
    found.show_findings((Finding("label_missing", "/d/a.jpg", None, {"label": "a.txt"}), more), Path("/d"))
    assert found.counts() == {"warning": 42}
    assert "41 more" in found.model().index(1, 0).data()


def test_use_in_train_hands_over(page: DataPage, qtbot: QtBot, messy: Path) -> None:
    opened(page, qtbot, messy)
    page.workspace.page_requested.disconnect()
    with qtbot.waitSignal(page.workspace.page_requested) as heard:
        qtbot.mouseClick(page.primary, Qt.MouseButton.LeftButton)
    assert heard.args == ["train", TrainRequest(str(messy))]
    assert page.workspace.data == str(messy)
    assert str(messy) in page.store.settings.recent_data
    page._fill_menu()
    assert "messy" in [action.text() for action in page._menu.actions()]


def test_what_cannot_be_opened_says_why_and_leads_on(page: DataPage, qtbot: QtBot, tmp_path: Path) -> None:
    broken = tmp_path / "a folder with quite a long name" / "data.yaml"
    broken.parent.mkdir()
    broken.write_text("train: [unclosed\n")
    page.open(str(broken))
    qtbot.waitUntil(lambda: page.state == FAILED, timeout=WAIT)
    assert "line 2: not valid YAML" in page.blank.sentence.text()
    assert page.blank.hint.text() == "Correct the file."
    assert primary_buttons(page) == ["Open another…"]
    sentence = page.blank.sentence
    assert sentence.height() >= sentence.heightForWidth(sentence.width())


def test_cancelling_brings_back_what_was_there(
    page: DataPage, qtbot: QtBot, messy: Path, bccd_yaml: Path
) -> None:
    opened(page, qtbot, messy)
    page.open(str(bccd_yaml))
    assert page.state == LOADING
    page.tasks.running[0].cancel()
    qtbot.waitUntil(lambda: page.state == READY, timeout=WAIT)
    assert page.name.text() == "messy"


def test_a_second_data_set_replaces_one_that_is_still_checked(
    page: DataPage, qtbot: QtBot, messy: Path, bccd_yaml: Path
) -> None:
    page.open(str(bccd_yaml))
    opened(page, qtbot, messy)
    qtbot.waitUntil(lambda: not page.tasks.running, timeout=WAIT)
    assert page.name.text() == "messy"
    assert page.counts.text() == "YOLO, 8 / 8 pictures"


def test_dropping_a_description_or_a_folder_opens_it(
    page: DataPage, studio: Studio, qtbot: QtBot, messy: Path
) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(messy.parent))])
    buttons, keys, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    QApplication.sendEvent(studio.window, QDragEnterEvent(QPoint(600, 400), copy, data, buttons, keys))
    QApplication.sendEvent(studio.window, QDropEvent(QPointF(600, 400), copy, data, buttons, keys))
    qtbot.waitUntil(lambda: page.state == READY, timeout=WAIT)
    assert page.name.text() == "messy"
    assert not page.accepts_drop([messy.parent / "weights.pt"])


def test_requests_and_the_menu_reach_the_page(page: DataPage, qtbot: QtBot, messy: Path) -> None:
    page.workspace.go_to(DATA, DataRequest(str(messy)))
    qtbot.waitUntil(lambda: page.state == READY, timeout=WAIT)
    (again,) = page.menu_actions()["run"]
    assert again.shortcut() == QKeySequence("F5")
    (messy.parent / "labels" / "val" / "lone.txt").write_text("")
    again.trigger()
    qtbot.waitUntil(lambda: page.state == READY and len(page.findings.list.counts()) == 3, timeout=WAIT)
    assert page.findings.list.counts()["warning"] == 2


def test_leaving_the_page_ends_its_process(page: DataPage, studio: Studio, qtbot: QtBot, messy: Path) -> None:
    opened(page, qtbot, messy)
    qtbot.waitUntil(lambda: seen_thumbnails(page) >= 8, timeout=WAIT)
    assert page.gallery.feed.running
    studio.window.show_page("home")
    assert not page.gallery.feed.running
    qtbot.waitUntil(lambda: not lasting._running, timeout=WAIT)


def test_pictures_come_whatever_is_left_and_switched_meanwhile(
    page: DataPage, studio: Studio, qtbot: QtBot, messy: Path
) -> None:
    """Unsplit pictures: the process that shows them divides them too. Leaving before they come must not lose them."""
    loose = messy.parent.parent / "loose"
    shutil.copytree(messy.parent / "images" / "train", loose / "images")
    shutil.copytree(messy.parent / "labels" / "train", loose / "labels")
    (loose / "classes.txt").write_text("RBC\nWBC\nPlatelets\n")
    opened(page, qtbot, loose)
    tabs, grid = page.gallery.tabs, page.gallery.grid
    assert page.gallery.split == "train"
    qtbot.waitUntil(lambda: page.gallery.feed.running, timeout=WAIT)
    for place in (1, 0, 1, 0, 1):
        tabs.setCurrentIndex(place)
        qtbot.wait(70)  # long enough for a page to be asked for
    studio.window.show_page("home")
    studio.window.show_page(DATA)
    assert page.gallery.split == "val"
    qtbot.waitUntil(lambda: grid.pictures.thumb(0) is not None, timeout=WAIT)
    count = grid.pictures.rowCount()
    assert count == page.summary.images["val"] > 0
    tabs.setCurrentIndex(0)
    qtbot.waitUntil(lambda: grid.pictures.thumb(0) is not None, timeout=WAIT)
    assert grid.pictures.rowCount() == 8 - count


def test_the_histogram_tells_its_numbers(page: DataPage, qtbot: QtBot, bccd_yaml: Path) -> None:
    opened(page, qtbot, bccd_yaml)
    sizes = page.statistics.sizes
    totals = sizes.totals()
    fullest = totals.index(max(totals))
    x = next(x for x in range(sizes.width()) if sizes.bin_at(x) == fullest)
    words = sizes.words_of(fullest)
    assert "RBC: " in words
    assert "px at 640 px" in words
    event = QHelpEvent(QEvent.Type.ToolTip, QPoint(x, 40), sizes.mapToGlobal(QPoint(x, 40)))
    QApplication.sendEvent(sizes, event)
    assert sizes.bin_at(-5) is None
    assert "4\u202f886 boxes" in sizes.accessibleDescription()


def test_the_language_changes_while_it_is_open(
    page: DataPage, studio: Studio, qtbot: QtBot, messy: Path
) -> None:
    opened(page, qtbot, messy)
    studio.languages._pseudo = True
    studio.languages.apply("zh_CN")
    QApplication.processEvents()
    for widget in (page.primary, page.open_button, page.gallery.boxes, page.findings.buttons["error"]):
        assert widget.text().startswith("["), widget.text()
    text = page.findings.list.model().index(0, 0).data(Qt.ItemDataRole.DisplayRole)
    assert "[There is no class 9" in text
    buttons = (page.primary, page.open_button, page.again_button, page.sample_button)
    qtbot.waitUntil(lambda: all(button.width() >= button.sizeHint().width() for button in buttons))


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800), (1920, 1080)])
def test_nothing_is_cut_off(
    page: DataPage, studio: Studio, qtbot: QtBot, messy: Path, size: tuple[int, int]
) -> None:
    opened(page, qtbot, messy)
    studio.window.resize(*size)
    qtbot.waitUntil(lambda: studio.window.width() == size[0])
    QApplication.processEvents()
    for button in page.findChildren(QPushButton):
        if button.isVisible():
            assert page.rect().contains(button.mapTo(page, button.rect().bottomRight()))
            assert button.width() >= button.sizeHint().width()
    assert page.gallery.width() >= 0.5 * page.width()
    assert page.gallery.grid.height() > 120
    assert page.statistics.sizes.height() >= page.statistics.sizes.minimumSizeHint().height()


def test_the_sample_opens_by_its_button(
    page: DataPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    monkeypatch.setattr(page, "open", started.append)
    qtbot.mouseClick(page.blank.secondary, Qt.MouseButton.LeftButton)
    assert started == [SAMPLE]
