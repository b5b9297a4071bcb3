"""Equivalent forms of blocks, tried from the Design page: progress, cancel, and the result in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.core.latency_forms import forms_file
from app.ui.pages.design import DesignPage
from app.ui.pages.design_latency_forms import Trial, form_words, found_words, is_changed
from tests.core.latency_machine import SETTING

OTHERS = ("cib", "repconv", "separable", "separable rank=2", "separable rank=3")
"""Swaps that have a choice of forms; depthwise convolutions are left to be tried."""


def row(swap: str, fastest: str, before: str, *, kept: bool = True) -> dict[str, Any]:
    """Return a result as the engine tells it, of forms "folded" and "dense"."""
    gain = {"median": 1.25, "low": 1.2, "high": 1.3}
    return {
        "swap": swap,
        "ms": {"folded": 5.0, "dense": 4.0},
        "gains": {"folded": dict.fromkeys(gain, 1.0), "dense": gain},
        "fastest": fastest,
        "before": before,
        "busy": not kept,
        "kept": kept,
    }


@pytest.fixture
def page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[DesignPage]:
    """The Design page at 64 px, where a real measurement is quick, on a machine of its own."""
    monkeypatch.setenv("DEPTHWISE_STUDIO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEPTHWISE_STUDIO_CONFIG", str(tmp_path / "config"))
    shown: DesignPage = request.getfixturevalue("design_page")
    shown.totals.size_choice.setCurrentText("64")
    QTest.keyClick(shown.totals.size_choice, Qt.Key.Key_Return)
    yield shown
    shown.latency.jobs.stop()


def entry(page: DesignPage) -> QAction:
    """Open the menu of devices and return the entry."""
    menu = QMenu(page)
    page.latency.fill_menu(menu)
    return next(action for action in menu.actions() if action.objectName() == "tryForms")


def status(page: DesignPage) -> str:
    found = page.latency.card.findChild(QLabel, "latencyStatus")
    assert found is not None
    return found.text()


@pytest.mark.alone  # measures time
def test_forms_are_tried_stopped_and_tried_to_the_end(page: DesignPage, qtbot: QtBot) -> None:
    jobs = page.latency.jobs
    told: list[str] = []
    page.messages.posted.connect(lambda message: told.append(message.text))
    entry(page).trigger()
    assert status(page) == "Building the first model"
    assert not entry(page).isEnabled()
    assert [task.title for task in page.tasks.running] == ["Trying equivalent forms"]
    stop = page.findChild(QPushButton, "stopMeasuring")
    assert stop is not None
    QTest.mouseClick(stop, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: jobs.trial is None, timeout=20_000)
    assert not page.tasks.running
    assert status(page) == ""
    assert told == []

    tried = tuple(row(swap, "folded", "folded") for swap in OTHERS)
    design, shape = page.snapshot.design, page.snapshot.table.imgsz
    jobs.try_forms(design, shape, page.latency.wish, Trial(rows=tried))
    qtbot.waitUntil(
        lambda: status(page) == "Trying the forms of Grouped (DWConv): 5 of 6 measured", timeout=200_000
    )
    assert page.tasks.running[0].text == status(page)
    qtbot.waitUntil(lambda: bool(told), timeout=200_000)
    if jobs.filling is None:
        assert not page.tasks.running
    assert re.match("Fastest on|On .* every block kind is fastest in its usual form.|Other programs", told[0])
    kept = forms_file().is_file()
    assert kept != ("Other programs used the machine while 1 of 6" in told[0])


def test_what_was_found_is_said() -> None:
    usual, faster = row("cib", "folded", "folded"), row("separable rank=2", "dense", "folded")
    assert found_words(SETTING, [usual]) == "On OpenVINO f32 every block kind is fastest in its usual form."
    assert found_words(SETTING, [usual, faster]) == (
        "Fastest on OpenVINO f32: Depthwise separable ×2 as one dense convolution (1.25×). "
        "All others keep their usual form."
    )
    disturbed = row("dwconv", "dense", "folded", kept=False)
    assert found_words(SETTING, [disturbed]) == (
        "Other programs used the machine while 1 of 1 were measured: these stay as they were."
    )
    assert is_changed([usual, faster])
    assert not is_changed([usual, disturbed, row("repconv", "dense", "dense")])
    assert form_words("something new") == "something new"


def test_a_trial_says_what_it_waits_for() -> None:
    told = {"event": "forms", "done": 2, "total": 6, "swap": "separable rank=3", "waiting": ""}
    trial = Trial().after(told).after({"event": "form", "row": row("dwconv", "dense", "folded")})
    assert trial.words == "Trying the forms of Depthwise separable ×3: 2 of 6 measured"
    assert [one["swap"] for one in trial.rows] == ["dwconv"]
    assert trial.after({**told, "waiting": "training"}).words == "Waiting until the training ends"
