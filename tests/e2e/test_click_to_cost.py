"""A click in the diagram changes the totals to what the command line says of the saved design."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.core.design import load_design
from app.core.text import figure
from app.ui.application import Studio
from app.ui.widgets.diagram import Diagram
from tests.e2e.conftest import Verb

SCALES = {"parameters": 1e6, "flops": 1e9, "file_bytes": 1e6, "activation_bytes": 1e6}


@pytest.mark.parametrize(
    ("layer", "key", "block"), [("model.3", "1", "separable"), ("model.21", "2", "dwconv")]
)
def test_click_to_cost(
    studio: Studio, qtbot: QtBot, tmp_path: Path, verb: Verb, layer: str, key: str, block: str
) -> None:
    window = studio.window
    window.resize(1280, 800)
    with qtbot.waitExposed(window):
        window.show()
    window.show_page("design")
    page = window.page("design")
    diagram = page.findChild(Diagram)
    assert diagram is not None
    qtbot.waitUntil(lambda: diagram.isVisible() and diagram.rect_of(layer).width() > 20)
    qtbot.wait(100)
    shown = {m: page.findChild(QLabel, f"totals_{m}_lightweight") for m in SCALES}
    before = {m: label.text() for m, label in shown.items()}

    qtbot.mouseClick(diagram, Qt.MouseButton.LeftButton, pos=diagram.rect_of(layer).center())
    qtbot.keyClicks(diagram, key)

    path = studio.services.workspace.save_design(tmp_path / "clicked.yaml")
    assert {p: s.block for p, s in load_design(path).resolved().items()} == {layer: block}
    told = verb("cost", str(path))["lightweight"]
    assert {m: label.text() for m, label in shown.items()} == {m: figure(told[m] / SCALES[m]) for m in SCALES}
    assert shown["parameters"].text() != before["parameters"]

    qtbot.keyClicks(diagram, "0")
    assert {m: label.text() for m, label in shown.items()} == before
