"""The translation tool finds what is missing, stale, unfinished or misspelt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QTranslator

from tools import translations

SOURCE = """
from PySide6.QtCore import QObject
class Thing(QObject):
    def words(self):
        return self.tr("{count} pictures").format(count=3)
"""


@pytest.fixture
def project(tmp_path: Path) -> tuple[Path, Path]:
    sources, folder = tmp_path / "app", tmp_path / "i18n"
    sources.mkdir()
    (sources / "thing.py").write_text(SOURCE)
    translations.update(sources, folder)
    return sources, folder


def _translate(folder: Path, words: str) -> Path:
    ts = folder / "depthwise_zh_CN.ts"
    text = ts.read_text(encoding="utf-8")
    unfinished = '<translation type="unfinished"></translation>'
    assert unfinished in text
    ts.write_text(text.replace(unfinished, f"<translation>{words}</translation>"), encoding="utf-8")
    return ts


def test_a_finished_translation_passes_and_is_used(project: tuple[Path, Path]) -> None:
    sources, folder = project
    _translate(folder, "{count} 张图片")
    translations.compile_(sources, folder)
    assert translations.check(sources, folder) == []
    translator = QTranslator()
    assert translator.load(str(folder / "depthwise_zh_CN.qm"))
    assert translator.translate("Thing", "{count} pictures") == "{count} 张图片"


def _unfinished(sources: Path, folder: Path) -> None:
    translations.compile_(sources, folder)


def _stale_source(sources: Path, folder: Path) -> None:
    _translate(folder, "{count} 张图片")
    translations.compile_(sources, folder)
    path = sources / "thing.py"
    path.write_text(path.read_text().replace("pictures", "photographs"))


def _stale_qm(sources: Path, folder: Path) -> None:
    translations.compile_(sources, folder)
    _translate(folder, "{count} 张图片")


def _other_placeholder(sources: Path, folder: Path) -> None:
    _translate(folder, "{number} 张图片")
    translations.compile_(sources, folder)


def _no_context(sources: Path, folder: Path) -> None:
    _translate(folder, "{count} 张图片")
    path = sources / "thing.py"
    path.write_text(path.read_text().replace("self.tr(", "self._page.tr("))
    translations.update(sources, folder)
    translations.compile_(sources, folder)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_unfinished, "finished"),
        (_stale_source, "photographs"),
        (_stale_qm, "compile"),
        (_other_placeholder, "placeholders"),
        (_no_context, "context"),
    ],
)
def test_every_flaw_is_named(
    project: tuple[Path, Path], spoil: Callable[[Path, Path], None], word: str
) -> None:
    spoil(*project)
    problems = translations.check(*project)
    assert problems
    assert any(word in problem for problem in problems)
    assert translations.main(["nonsense"]) == 2
