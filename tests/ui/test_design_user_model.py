"""A model YAML of the user's own on the Design page: the engine looks at it, then it is a base; a hostile one not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.core.cost import compare_cost
from app.core.design import Swap
from app.core.text import figure
from app.core.user_models import is_user_model
from app.ui.messages import ERROR, Message
from app.ui.pages import design_actions as names
from app.ui.pages.design import DesignPage
from tests.ui.designing import click, press, total

MINE = """\
nc: 3
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 2, C2f, [64, True]]
  - [-1, 1, Conv, [128, 3, 2]]
head:
  - [[3, 4], 1, Detect, [nc]]
"""


def test_a_model_of_ones_own_opens_and_a_hostile_one_says_why(
    design_page: DesignPage, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))
    page, path = design_page, tmp_path / "mine.yaml"
    told: list[Message] = []
    page.messages.posted.connect(told.append)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))

    path.write_text(MINE.replace("[64, True]", "[1000000000, True]"), encoding="utf-8")
    page.actions_.others[names.OPEN_YAML].trigger()
    (message,) = told
    assert (message.kind, page.workspace.design.base) == (ERROR, "yolov5n")
    assert "mine.yaml, line 6: “1000000000” is out of place." in message.text

    path.write_text(MINE, encoding="utf-8")
    page.actions_.others[names.OPEN_YAML].trigger()
    qtbot.waitUntil(lambda: is_user_model(page.workspace.design.base) or len(told) > 1, timeout=240_000)
    assert len(told) == 1
    click(page, "model.2")
    press(page, Qt.Key.Key_1)
    assert page.workspace.design.resolved() == {"model.2": Swap("separable")}
    cost = compare_cost(page.workspace.design).lightweight
    assert total(page, "parameters", "lightweight") == figure(cost.parameters / 1e6)
