"""The user guide: read inside the Studio, in both languages, naming every key."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QTextBrowser
from pytestqt.qtbot import QtBot

from app.core.folders import documentation
from app.ui.application import Studio
from app.ui.guide import GuideDialog, guide_path
from app.ui.pages import PAGES


def test_the_guide_is_read_inside_the_studio(studio: Studio, qtbot: QtBot) -> None:
    assert guide_path().is_file()
    dialog = GuideDialog(studio.window)
    qtbot.addWidget(dialog)
    dialog.show()
    reader = dialog.findChild(QTextBrowser, "guideText")
    assert len(reader.toPlainText()) > 1000
    assert "missing from this installation" not in reader.toPlainText()
    reader.anchorClicked.emit(QUrl("#keys"))
    assert reader.verticalScrollBar().value() > 0
    reader.anchorClicked.emit(QUrl("guide.zh-CN.md"))
    assert "用户指南" in reader.toPlainText()


def test_the_guide_speaks_the_language_in_use(studio: Studio, qtbot: QtBot) -> None:
    dialog = GuideDialog(studio.window)
    qtbot.addWidget(dialog)
    reader = dialog.findChild(QTextBrowser, "guideText")
    studio.languages.apply("zh_CN")
    qtbot.waitUntil(lambda: "用户指南" in reader.toPlainText())
    reader.anchorClicked.emit(QUrl("#按键"))
    studio.languages.apply("en")
    qtbot.waitUntil(lambda: "User guide" in reader.toPlainText())


def test_the_guide_s_chapters_are_read_there_too_with_their_pictures(studio: Studio, qtbot: QtBot) -> None:
    dialog = GuideDialog(studio.window)
    qtbot.addWidget(dialog)
    dialog.show()
    text = dialog.findChild(QTextBrowser, "guideText")
    guide = text.toPlainText()
    text.anchorClicked.emit(QUrl("designing.md"))
    assert "A chapter of the user guide" in text.toPlainText()
    pictures = text.document().toHtml().split("<img ")[1:]
    assert len(pictures) == (documentation() / "designing.md").read_text(encoding="utf-8").count("![") >= 4
    for picture in pictures:
        name = picture.split('src="')[1].split('"')[0]
        assert (guide_path().parent / name).is_file(), name
    studio.services.store.update(theme="dark")
    assert "A chapter of the user guide" in text.toPlainText(), "another theme keeps the place"
    text.anchorClicked.emit(QUrl("guide.md"))
    assert text.toPlainText() == guide


def test_an_open_chapter_follows_the_language(studio: Studio, qtbot: QtBot) -> None:
    dialog = GuideDialog(studio.window)
    qtbot.addWidget(dialog)
    text = dialog.findChild(QTextBrowser, "guideText")
    text.anchorClicked.emit(QUrl("designing.md"))
    studio.languages.apply("zh_CN")
    qtbot.waitUntil(lambda: "用户指南的一章" in text.toPlainText())
    text.anchorClicked.emit(QUrl("designing.md"))
    studio.services.store.update(theme="dark")
    assert "A chapter of the user guide" in text.toPlainText(), "chosen by hand, it stays"
    text.anchorClicked.emit(QUrl("latency.md"))
    studio.languages.apply("en")
    qtbot.waitUntil(lambda: dialog.windowTitle() == "User guide")
    assert "Milliseconds" in text.toPlainText(), "there is no other one"
    text.anchorClicked.emit(QUrl("designing.zh-CN.md"))
    studio.languages.apply("zh_CN")
    studio.languages.apply("en")
    qtbot.waitUntil(lambda: "A chapter of the user guide" in text.toPlainText())


@pytest.mark.parametrize("name", ["guide.md", "guide.zh-CN.md"])
def test_the_guides_name_every_key(studio: Studio, name: str) -> None:
    text = (documentation() / name).read_text(encoding="utf-8")
    keys = set()
    for page in PAGES:
        studio.window.show_page(page.name)
        found = studio.window.findChildren(QAction) + studio.window.findChildren(QShortcut)
        for item in found:
            several = item.shortcuts() if isinstance(item, QAction) else [item.key()]
            keys |= {key.toString(QKeySequence.SequenceFormat.PortableText) for key in several}
    assert {"K", "Ctrl+Shift+P", "Ctrl+R", "F5", "0"} <= keys
    pages = {f"Ctrl+{number}" for number in range(1, len(PAGES) + 1)}
    unnamed = {key for key in keys - pages if f"`{key}`" not in text}
    assert unnamed == set()


@pytest.mark.parametrize("name", ["guide", "designing"])
def test_both_languages_say_the_same(name: str) -> None:
    folder = documentation()
    english, chinese = (
        (folder / f"{name}{ending}").read_text(encoding="utf-8") for ending in (".md", ".zh-CN.md")
    )
    for mark in (r"^#+ ", r"^\|", r"^\* ", r"^```"):
        counts = [len(re.findall(mark, text, re.MULTILINE)) for text in (english, chinese)]
        assert counts[0] == counts[1], mark
    pictures = [re.findall(r"\]\((\S+\.(?:png|svg))\)", text) for text in (english, chinese)]
    assert pictures[0] == pictures[1]
    assert set(re.findall("`[^`\n]+`", english)) == set(re.findall("`[^`\n]+`", chinese))
