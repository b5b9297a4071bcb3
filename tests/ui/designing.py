"""A person at the Design page: real clicks and keys, and what the totals say."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from app.ui.pages.design import DesignPage

LEFT = Qt.MouseButton.LeftButton
NO, CONTROL, SHIFT = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


def click(page: DesignPage, path: str, modifiers: Qt.KeyboardModifier = NO) -> None:
    QTest.mouseClick(page.diagram, LEFT, modifiers, page.diagram.rect_of(path).center())


def press(page: DesignPage, key: Qt.Key, modifiers: Qt.KeyboardModifier = NO) -> None:
    QTest.keyClick(page.diagram, key, modifiers)


def total(page: DesignPage, measure: str, row: str) -> str:
    found = page.totals.findChild(QLabel, f"totals_{measure}_{row}")
    assert found is not None
    return found.text()
