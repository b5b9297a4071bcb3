"""Simplified Chinese: nothing is left in English, nothing is cut off, and errors are said in it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.errors import AppError
from app.core.events import encode_event
from app.core.findings import Finding
from app.core.run_state import RunState
from app.core.runs import RunFolder
from app.core.text import Text, value_to_json
from app.engine.train_events import Recorder
from app.ui.application import Studio
from app.ui.pages import PAGES
from app.ui.pages.train_status import message_text
from app.ui.text import filled, note_words, problem_words, reason_words, translated
from tests.ui.test_i18n import _clipped
from tools import translations

CATALOGUE = translations.FOLDER / "depthwise_zh_CN.ts"


@pytest.fixture
def chinese(qapp: QApplication) -> Iterator[None]:
    translator = QTranslator()
    assert translator.load(str(CATALOGUE.with_suffix(".qm")))
    qapp.installTranslator(translator)
    yield
    qapp.removeTranslator(translator)


def _marked(path: Path) -> Iterator[tuple[str, str]]:
    """(context, text) of what a source marks; the context of `self.tr` is its class, which is left open here."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
        if name == "tr" and texts:
            yield "", texts[0]
        elif name in {"translate", "QT_TRANSLATE_NOOP"} and len(texts) == 2:
            yield texts[0], texts[1]


def test_the_extractor_sees_every_marked_text() -> None:
    """It overlooks a `tr` inside an f-string, for example."""
    known = {(context, source) for context, source, _ in translations._messages(CATALOGUE)}
    sources = {source for _, source in known}
    overlooked = [
        f"{path.name}: {text}"
        for path in sorted(translations.SOURCES.rglob("*.py"))
        for context, text in _marked(path)
        if ((context, text) not in known if context else text not in sources)
    ]
    assert overlooked == []


@pytest.mark.parametrize("size", [(1024, 700), (1280, 800)])
@pytest.mark.parametrize("name", [entry.name for entry in PAGES])
def test_pages_fit(studio: Studio, chinese: None, qtbot: QtBot, name: str, size: tuple[int, int]) -> None:
    window = studio.window
    window.resize(*size)
    with qtbot.waitExposed(window):
        window.start()
    window.show_page(name)
    qtbot.wait(50)
    assert _clipped(window) == []


def test_errors_are_said_in_the_users_language(studio: Studio, chinese: None) -> None:
    inner = AppError(
        "unknown block kind “{name}”.", "Choose one of {choices}.", name="x", choices="separable"
    )
    error = AppError("{source}, line {line}: {problem}", inner.hint, source="a.yaml", line=4, problem=inner)
    back = AppError.from_dict(error.as_dict())
    assert problem_words(back)[0] == "a.yaml 第 4 行：未知的替换类型“x”。"
    studio.window.start()
    studio.services.messages.error(AppError("There is no preset “{name}”.", name="y"))
    assert studio.window.notes.notes[-1].message.text == "没有预设“y”。"


def test_a_run_says_why_it_ended(chinese: None) -> None:
    why = AppError("No improvement for {patience} epochs.", patience=5)
    state = RunState("finished", reason=why.message, reason_template=why.template, values=why.values)
    assert reason_words(state) == ("连续 5 轮没有提升。", "")


def test_what_the_engine_notes_is_translated_with_or_without_its_template(chinese: None) -> None:
    note = Text("Left out {name}: {problem}", {"name": "a.jpg", "problem": Text("its format is not known")})
    assert note_words(value_to_json(note)) == "略过 a.jpg：格式未知"
    assert note_words("Stopped.") == "已停止。"
    assert note_words({"something": "else"}) == "{'something': 'else'}"


def test_the_log_of_a_training_is_translated(tmp_path: Path, chinese: None) -> None:
    finding = Finding("unknown_class", "0.txt", 1, {"value": 5, "last": 1})
    recorder = Recorder(RunFolder(tmp_path), lambda event: events.append(json.loads(encode_event(event))))
    events: list[dict[str, object]] = []
    recorder.message("{place}: {message}", place="0.txt:1", message=finding.message)
    recorder.message("Reading the pictures.")
    recorder.close()
    assert events[0]["text"] == f"0.txt:1: {finding.message}"
    said = "0.txt:1：没有类别 5，类别为 0 到 1。请改正该行；在此之前训练会略过整张图片。"
    assert [message_text(event) for event in events] == [said, "正在读取图片。"]


class _Wrong(QTranslator):
    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        return "{missing} {0} {" if context == "core" else ""


def test_a_translation_whose_braces_do_not_fit_gives_way_to_english(qapp: QApplication) -> None:
    wrong = _Wrong()
    qapp.installTranslator(wrong)
    try:
        assert translated("There is no preset “{name}”.") == "{missing} {0} {"
        assert filled("There is no preset “{name}”.", {"name": "y"}) == "There is no preset “y”."
        assert filled("There is no {other}.", {"name": "y"}) == "There is no {other}."
    finally:
        qapp.removeTranslator(wrong)
