"""The pictures of both sides with their menus and figures around them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QFrame, QGridLayout

from app.ui.pages.compare_pane import Pane
from app.ui.pages.compare_pictures import GAP, STACKED, Pictures

_COLUMN = 540
"""Width of menus and figures beside stacked pictures, px."""


class Views(QFrame):
    """Menus above the pictures and figures below them, or both beside pictures that stand one above the other."""

    def __init__(self, panes: Sequence[Pane], pictures: Pictures) -> None:
        super().__init__()
        self.setObjectName("views")
        self.setProperty("role", "card")
        self._panes = panes
        self._pictures = pictures
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(1, 1, 1, 1)
        self._grid.setSpacing(0)
        self._arrange()

    @property
    def mode(self) -> str:
        """How the pictures are arranged, of `MODES`."""
        return self._pictures.mode

    def set_mode(self, mode: str) -> None:
        """Arrange everything another way."""
        self._pictures.set_mode(mode)
        self._arrange()

    def _arrange(self) -> None:
        grid = self._grid
        while grid.count():
            grid.takeAt(0)
        for row in range(6):
            grid.setRowStretch(row, 0)
        stacked = self.mode == STACKED
        if stacked:
            for side, pane in enumerate(self._panes):
                grid.addWidget(pane, 3 * side, 0)
                grid.addWidget(pane.figures, 3 * side + 1, 0)
                grid.setRowStretch(3 * side + 2, 1)
            grid.addWidget(self._pictures, 0, 1, 6, 1)
        else:
            for side, pane in enumerate(self._panes):
                grid.addWidget(pane, 0, side)
                grid.addWidget(pane.figures, 2, side)
            grid.addWidget(self._pictures, 1, 0, 1, 2)
            grid.setRowStretch(1, 1)
        grid.setHorizontalSpacing(GAP)
        grid.setColumnMinimumWidth(0, _COLUMN if stacked else 0)
        grid.setColumnStretch(0, 0 if stacked else 1)
        grid.setColumnStretch(1, 1)
        for pane in self._panes:
            pane.figures.setMaximumWidth(_COLUMN if stacked else 16_777_215)
            pane.setMaximumWidth(_COLUMN if stacked else 16_777_215)
