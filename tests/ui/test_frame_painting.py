"""Painting a pair leaves the window's thread time for everything else."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize
from pytestqt.qtbot import QtBot

from tests.benchmarks.painting import LIMIT_MS, measure

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("size", [QSize(1280, 480), QSize(1920, 760)], ids=["1280", "1920"])
def test_a_pair_of_1280_by_720_is_painted_in_time(qtbot: QtBot, size: QSize) -> None:
    assert measure(size, 30)["p50"] < LIMIT_MS
