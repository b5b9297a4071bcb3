"""A whole-number option of a block kind: a row of small buttons, or a spin box where there are many values."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSpinBox, QVBoxLayout, QWidget

from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.cards import label

_MOST_BUTTONS = 7


class OptionRow(QWidget):
    """An option with one button a value; where the selection has several values, none is pressed.

    A value that a file gave and that is not among those offered gets a button of its own while it is shown.
    """

    chosen = Signal(str, str, int)
    """Block kind, option and value."""

    def __init__(self, kind: str, option: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind, self.option = kind, option
        self.setObjectName(f"option_{kind}_{option}")
        known = BLOCKS[kind].options[option]
        self._pending = known.default
        self._shown: int | None = known.default
        self._words = label(role="small", wrap=True)
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        self._spin = QSpinBox()
        self._spin.setObjectName(f"{kind}_{option}")
        self._spin.setRange(known.low, known.high)
        self._spin.setKeyboardTracking(False)
        self._row = QHBoxLayout()
        self._row.setSpacing(4)
        few = len(known.offered) <= _MOST_BUTTONS
        for value in known.offered if few else ():
            self._add(value)
        self._other = self._add(known.default, "other") if few else None
        if not few:
            self._row.addWidget(self._spin)
        self._spin.setVisible(not few)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.INSIDE // 2, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._words)
        column.addLayout(self._row)
        self._group.buttonClicked.connect(lambda button: self._choose(int(button.text())))
        self._spin.valueChanged.connect(self._choose)
        self.retranslate()
        self._press()

    def _add(self, value: int, name: str = "") -> QPushButton:
        button = QPushButton(str(value))
        button.setObjectName(f"{self.kind}_{self.option}_{name or value}")
        button.setProperty("role", "segment")
        button.setCheckable(True)
        self._group.addButton(button)
        self._row.addWidget(button, 1)
        return button

    @property
    def value(self) -> int:
        """The value that the next replacement gets: the one shown, else the one chosen last."""
        return self._pending if self._shown is None else self._shown

    def show_value(self, values: Collection[int]) -> None:
        """Show the selection's own values; none of its own shows the one chosen last."""
        shown = self._pending if not values else (next(iter(values)) if len(values) == 1 else None)
        if shown != self._shown:
            self._shown = shown
            self._press()

    def retranslate(self) -> None:
        """Set the translated texts."""
        words = translated(BLOCKS[self.kind].options[self.option].text)
        self._words.setText(words)
        self._spin.setAccessibleName(words)
        self._name_buttons(words)

    def _name_buttons(self, words: str) -> None:
        for button in self._group.buttons():
            button.setAccessibleName(f"{words}: {button.text()}")

    def _choose(self, value: int) -> None:
        self._pending = self._shown = value
        self._press()
        self.chosen.emit(self.kind, self.option, value)

    def _press(self) -> None:
        offered = BLOCKS[self.kind].options[self.option].offered
        if self._other is not None:
            strange = self._shown is not None and self._shown not in offered
            if strange:
                self._other.setText(str(self._shown))
                self._name_buttons(self._words.text())
            self._other.setVisible(strange)
        for button in self._group.buttons():
            button.setChecked(
                button.text() == str(self._shown) and (button is not self._other or not button.isHidden())
            )
        if self._shown is not None:
            blocked = self._spin.blockSignals(True)
            self._spin.setValue(self._shown)
            self._spin.blockSignals(blocked)
