"""What an empty, loading or failed place shows: a picture, one sentence, and a way on."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.widgets.cards import button, label

_ICON = 48
_TEXT_WIDTH = 440


class EmptyState(QWidget):
    """A centred icon, a sentence, a hint, a progress bar while loading, and up to two buttons."""

    primary_clicked = Signal()
    secondary_clicked = Signal()

    def __init__(self, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon_name = icon
        self._token = "muted"
        self.icon = label()
        self.icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sentence = label(role="section", wrap=True)
        self.hint = label(role="muted", wrap=True)
        self.bar = QProgressBar()
        self.bar.setFixedWidth(_TEXT_WIDTH // 2)
        self.bar.setVisible(False)
        self.primary = button("emptyPrimary", "primary")
        self.secondary = button("emptySecondary")
        self.primary.clicked.connect(self.primary_clicked)
        self.secondary.clicked.connect(self.secondary_clicked)
        self._lay_out()
        theme.notifier().changed.connect(self._tint)
        self._tint()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.INSIDE)
        buttons.addStretch(1)
        buttons.addWidget(self.primary)
        buttons.addWidget(self.secondary)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setSpacing(theme.BETWEEN)
        column.addStretch(2)
        column.addWidget(self.icon)
        for text in (self.sentence, self.hint):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
            text.setMaximumWidth(_TEXT_WIDTH)
            row = QHBoxLayout()
            row.addStretch(1)
            row.addWidget(text, 1000)
            row.addStretch(1)
            column.addLayout(row)
        column.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addLayout(buttons)
        column.addStretch(3)

    def set_texts(self, sentence: str, hint: str = "", primary: str = "", secondary: str = "") -> None:
        """Set the words; an empty one hides its widget."""
        for widget, words in (
            (self.sentence, sentence),
            (self.hint, hint),
            (self.primary, primary),
            (self.secondary, secondary),
        ):
            widget.setText(words)
            widget.setVisible(bool(words))

    def show_progress(self, fraction: float | None) -> None:
        """Show how far the loading is: 0 to 1, negative while unknown, None for no bar."""
        self.bar.setVisible(fraction is not None)
        if fraction is None:
            return
        self.bar.setRange(0, 0 if fraction < 0 else 1000)
        if fraction >= 0:
            self.bar.setValue(round(min(fraction, 1.0) * 1000))

    def set_icon(self, name: str, token: str = "muted") -> None:
        """Show another icon, in the colour of a token (``bad`` for failures)."""
        self._icon_name, self._token = name, token
        self._tint()

    def _tint(self) -> None:
        self.icon.setPixmap(theme.pixmap(self._icon_name, self._token, _ICON, self.devicePixelRatioF()))
