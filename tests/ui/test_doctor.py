"""The dialog about this computer shows what the engine really finds."""

from __future__ import annotations

import json

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.core.errors import AppError
from app.ui.application import Studio
from app.ui.doctor import DoctorDialog


@pytest.mark.slow
def test_it_shows_every_finding_of_the_engine(studio: Studio, qtbot: QtBot) -> None:
    dialog = DoctorDialog(studio.window)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    assert dialog._waiting.isVisible()
    qtbot.waitUntil(lambda: dialog._list.isVisible(), timeout=120_000)
    shown = {label.text() for label in dialog._list.findChildren(QLabel)}
    dialog._copy.click()
    report = json.loads(QGuiApplication.clipboard().text())
    assert len(report["findings"]) > 5
    for finding in report["findings"]:
        assert {finding["topic"], finding["text"]} <= shown
    dialog.close()


def test_a_failure_offers_another_look_and_closing_ends_the_child(studio: Studio, qtbot: QtBot) -> None:
    dialog = DoctorDialog(studio.window)
    qtbot.addWidget(dialog)
    dialog.show()
    job = dialog._job
    assert job is not None
    dialog._on_job_failed(AppError("It broke.", "Try again."))
    assert dialog._waiting.sentence.text() == "It broke."
    assert dialog._waiting.primary.isVisible()
    dialog.accept()
    assert job.isFinished()
