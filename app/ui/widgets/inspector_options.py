"""A whole-number option of a block kind as a row of small buttons."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.cards import label


class OptionRow(QWidget):
    """An option with one button a value; where the selection has several values, none is pressed."""

    chosen = Signal(str, str, int)
    """Block kind, option and value."""

    def __init__(self, kind: str, option: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind, self.option = kind, option
        known = BLOCKS[kind].options[option]
        self._pending = known.default
        self._shown: int | None = known.default
        self._words = label(role="small", wrap=True)
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        row = QHBoxLayout()
        row.setSpacing(4)
        for value in range(known.low, known.high + 1):
            button = QPushButton(str(value))
            button.setObjectName(f"{kind}_{option}_{value}")
            button.setCheckable(True)
            self._group.addButton(button, value)
            row.addWidget(button, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.INSIDE // 2, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._words)
        column.addLayout(row)
        self._group.idClicked.connect(self._on_clicked)
        self.retranslate()
        self._press()

    @property
    def value(self) -> int:
        """The value that the next replacement gets: the one shown, else the one chosen last."""
        return self._pending if self._shown is None else self._shown

    def show_value(self, values: set[int]) -> None:
        """Show the selection's own values; none of its own shows the one chosen last."""
        self._shown = self._pending if not values else (next(iter(values)) if len(values) == 1 else None)
        self._press()

    def retranslate(self) -> None:
        """Set the translated texts."""
        known = BLOCKS[self.kind].options[self.option]
        self._words.setText(translated(known.text))
        for button in self._group.buttons():
            button.setAccessibleName(f"{translated(known.text)}: {button.text()}")

    def _on_clicked(self, value: int) -> None:
        self._pending = self._shown = value
        self._press()
        self.chosen.emit(self.kind, self.option, value)

    def _press(self) -> None:
        for button in self._group.buttons():
            button.setChecked(self._group.id(button) == self._shown)
