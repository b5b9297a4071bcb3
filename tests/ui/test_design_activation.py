"""The activation on the Design page: chosen in the menu, seen in the key, mended by a hint, undone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.core import latency_cache
from app.core.design import Design, Swap, load_design
from app.core.latency import LatencyTable
from app.core.latency_plan import plan
from app.ui.pages.design import DesignPage
from tests.core.latency_machine import SETTING, table

N = Design.stock("yolov5n")
NPU = replace(SETTING, version="", precision="int8")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a machine of its own."""
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEPTHWISE_STUDIO_CONFIG", str(tmp_path / "config"))


def entry(page: DesignPage, name: str) -> QAction:
    """Return an entry of the menu of activations, as it is built when the menu opens."""
    menu = page.tools_._more_menu
    menu.aboutToShow.emit()
    inner = menu.findChild(QMenu, "activations")
    assert inner is not None
    found = {action.objectName(): action for action in inner.actions()}
    return found[f"activation_{name}"]


def key(page: DesignPage) -> str:
    """Return the words of the diagram's key."""
    return ", ".join(words for _, words in page.canvas.legend.entries)


def test_an_activation_is_chosen_seen_saved_and_undone(design_page: DesignPage, tmp_path: Path) -> None:
    page, workspace = design_page, design_page.workspace
    assert entry(page, "own").text() == "SiLU, as in the base model"
    assert entry(page, "own").isChecked()
    assert "activation" not in key(page)
    page.select(("model.3",))
    page.apply_kind("separable")
    before = workspace.design
    entry(page, "relu").trigger()
    assert workspace.design == before.with_activation("relu")
    assert workspace.undo_stack.undoText() == "Activation: ReLU"
    assert "activation ReLU everywhere" in key(page)
    assert entry(page, "relu").isChecked()
    assert page.selection == ("model.3",)
    steps = workspace.undo_stack.index()
    entry(page, "relu").trigger()
    assert workspace.undo_stack.index() == steps  # chosen already
    workspace.save_design(tmp_path / "relu.yaml")
    assert load_design(tmp_path / "relu.yaml") == workspace.design
    page.comparison.compare("the standard model", workspace.design.cleared())
    assert "1 replaced only here (+), activation ReLU instead of SiLU" in page.canvas.strip.words.text()
    workspace.undo_stack.undo()
    assert workspace.design == before
    assert "activation" not in key(page)


def test_a_hint_about_silu_is_mended_by_one_click_and_undone(
    request: pytest.FixtureRequest, qtbot: QtBot
) -> None:
    latency_cache.keep(LatencyTable(NPU, table(plan(N, [Swap("separable")], mixes=2)).wholes))
    page: DesignPage = request.getfixturevalue("design_page")
    hints = page.latency.hints
    qtbot.waitUntil(lambda: any(one.code == "activation" for one in hints.advice))
    hints.fold.setChecked(True)
    numbers = [n for n, one in enumerate(hints.advice) if one.code == "activation"]
    mend = hints.findChild(QPushButton, f"mend_{numbers[0]}")
    assert mend.text() == "Take ReLU"
    mend.click()
    design = page.workspace.design
    assert design.activation == "relu"
    qtbot.waitUntil(lambda: all(one.code != "activation" for one in hints.advice))
    page.workspace.undo_stack.undo()
    assert page.workspace.design.activation is None
    qtbot.waitUntil(lambda: any(one.code == "activation" for one in hints.advice))
