"""Cycles are collected in the window's thread, and in no other."""

from __future__ import annotations

import gc
import threading
import weakref

from PySide6.QtCore import QThread
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.garbage import collect_here


class Ring:
    """Refers to itself, and notes the thread in which it ends."""

    def __init__(self, ends: list[int]) -> None:
        self.itself = self
        self._end = weakref.finalize(self, lambda: ends.append(threading.get_ident()))


class Busy(QThread):
    """Makes rings, and enough other objects for Python to collect some."""

    def __init__(self, ends: list[int]) -> None:
        super().__init__()
        self._ends = ends

    def run(self) -> None:
        for _ in range(1000):
            Ring(self._ends)
            _kept = [[] for _ in range(1000)]


def test_a_worker_collects_nothing_and_the_window_does(qapp: QApplication, qtbot: QtBot) -> None:
    collect_here(qapp)
    assert not gc.isenabled()
    ends: list[int] = []
    worker = Busy(ends)
    worker.start()
    assert worker.wait(10_000)
    assert ends == []
    qtbot.waitUntil(lambda: len(ends) == 1000, timeout=10_000)
    assert set(ends) == {threading.get_ident()}
