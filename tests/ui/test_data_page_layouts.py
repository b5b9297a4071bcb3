"""The Data page beyond YOLO folders: other layouts dropped on it, and a corrected copy made by its button."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app.ui.application import Studio
from app.ui.pages.data import READY, DataPage
from app.ui.requests import DATA

WAIT = 30_000
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
XML = (
    "<annotation><size><width>64</width><height>48</height><depth>3</depth></size><object><name>cat</name><bndbox>"
    "<xmin>8</xmin><ymin>12</ymin><xmax>{right}</xmax><ymax>36</ymax></bndbox></object></annotation>"
)


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


def pictures(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):  # stripes of other widths: nothing is nearly the same
        picture = Image.new("L", (64, 48))
        picture.putdata([255 * ((x // (2 + 3 * number)) % 2) for _y in range(48) for x in range(64)])
        picture.convert("RGB").save(folder / f"p{number}.jpg")


def coco(root: Path) -> Path:
    pictures(root / "images", 4)
    boxes = [
        {"id": n, "image_id": n, "category_id": 3, "bbox": [8, 12, 16, 24], "iscrowd": 0} for n in range(4)
    ]
    content = {
        "images": [{"id": n, "file_name": f"p{n}.jpg", "width": 64, "height": 48} for n in range(4)],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": boxes,
    }
    file = root / "annotations.json"
    file.write_text(json.dumps(content))
    return file


def voc(root: Path) -> Path:
    """Four pictures; one box has no width."""
    pictures(root / "JPEGImages", 4)
    (root / "Annotations").mkdir()
    for number in range(4):
        (root / "Annotations" / f"p{number}.xml").write_text(XML.format(right=24 if number else 8))
    return root


def zipped(root: Path) -> Path:
    voc(root / "voc")
    file = root / "pets.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted((root / "voc").rglob("*.*")):
            archive.write(path, path.relative_to(root))
    return file


def drop(studio: Studio, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(600, 400), copy, data, buttons, keys)
    QApplication.sendEvent(studio.window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(studio.window, QDropEvent(QPointF(600, 400), copy, data, buttons, keys))


@pytest.mark.parametrize(
    ("make", "words"),
    [(coco, "COCO, "), (voc, "Pascal VOC, "), (zipped, "Pascal VOC, ")],
    ids=["coco", "voc", "zip"],
)
def test_what_is_dropped_opens_whatever_its_layout(
    make: object, words: str, page: DataPage, studio: Studio, qtbot: QtBot, tmp_path: Path
) -> None:
    assert callable(make)
    drop(studio, make(tmp_path / "given"))
    qtbot.waitUntil(lambda: page.state == READY, timeout=WAIT)
    assert page.counts.text().startswith(words)
    assert "split by the Studio" in page.counts.text()
    assert page.summary is not None
    assert page.summary.names == ("cat",)
    assert sum(page.summary.images.values()) == 4
    qtbot.waitUntil(lambda: page.gallery.grid.pictures.thumb(0) is not None, timeout=WAIT)
    thumb = page.gallery.grid.pictures.thumb(0)
    assert thumb is not None
    assert thumb.jpeg


def test_fix_in_a_copy_writes_elsewhere_opens_it_and_says_so(
    page: DataPage, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = voc(tmp_path / "pets")
    before = {path: hashlib.sha256(path.read_bytes()).digest() for path in root.rglob("*.*")}
    page.open(str(root))
    qtbot.waitUntil(lambda: page.state == READY, timeout=WAIT)
    assert "warning" in page.findings.list.counts()
    target = tmp_path / "pets-fixed"
    asked: list[str] = []

    def choose(_parent: object, _title: str, start: str, *_more: object) -> tuple[str, str]:
        asked.append(start)
        return str(target), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    with qtbot.waitSignal(page.messages.posted, timeout=WAIT) as said:
        qtbot.mouseClick(page.findings.fix, Qt.MouseButton.LeftButton)
    assert Path(asked[0]).name == "pets-fixed"
    assert str(target) in said.args[0].text
    qtbot.waitUntil(lambda: page.state == READY and page.name.text() == "pets-fixed", timeout=WAIT)
    assert page.counts.text().startswith("YOLO, ")
    assert "split by the Studio" not in page.counts.text()
    assert "zero_size" not in {finding.code for finding in page.summary.findings}  # type: ignore[union-attr]
    rows = list(csv.DictReader((target / "changes.csv").read_text(encoding="utf-8").splitlines()))
    assert any("p0" in " ".join(row.values()) for row in rows)
    assert {path: hashlib.sha256(path.read_bytes()).digest() for path in root.rglob("*.*")} == before
