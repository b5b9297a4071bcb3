"""An outlined button that says what is chosen, and opens the choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QPushButton


class MenuButton(QPushButton):
    """An outlined button with a menu, made anew at each opening; shortens what does not fit."""

    def __init__(self, name: str, fill: Callable[[QMenu], None], least: int = 88) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setProperty("menu", "true")
        self._words = ""
        self._fill = fill
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._on_menu_about_to_show)
        self.setMenu(self._menu)
        self.setMinimumWidth(least)

    def set_words(self, words: str) -> None:
        """Set what the button says; all of it stands in the tooltip."""
        self._words = words
        self.setToolTip(words)
        self._elide()

    @property
    def words(self) -> str:
        """All of what the button says."""
        return self._words

    def resizeEvent(self, event: Any) -> None:
        """Shorten anew."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = self.width() - 44
        self.setText(self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideMiddle, max(room, 24)))

    def _on_menu_about_to_show(self) -> None:
        self._menu.clear()
        self._fill(self._menu)
