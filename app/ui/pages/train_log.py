"""The folded log: what the training said, and what its process printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.core.events import Event
from app.core.text import duration
from app.ui import theme
from app.ui.pages.train_status import message_text
from app.ui.widgets.cards import button
from app.ui.widgets.elided import ElidedLabel

_TAIL_BYTES = 128 * 1024
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class LogPanel(QWidget):
    """A line that unfolds into the log; reads the file only while it is unfolded."""

    unfolded = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._path: Path | None = None
        self._stamp: tuple[int, int] | None = None
        self._messages: Sequence[Event] = ()
        self.toggle = button("logToggle", "flat", "chevron_right")
        self.toggle.setCheckable(True)
        self.latest = ElidedLabel()
        self.latest.setProperty("role", "muted")
        self.copy = button("logCopy", "flat", "copy")
        self.text = QPlainTextEdit()
        self.text.setObjectName("logText")
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(4000)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setMinimumHeight(90)
        self.text.setMaximumHeight(150)
        self._lay_out()
        self.toggle.toggled.connect(self._on_toggle_toggled)
        self.copy.clicked.connect(self._on_copy_clicked)
        self._on_toggle_toggled(False)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.toggle)
        row.addWidget(self.latest, 1)
        row.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.INSIDE)
        column.addLayout(row)
        column.addWidget(self.text)

    def show_run(self, path: Path, messages: Sequence[Event]) -> None:
        """Show a run's log and messages."""
        if path != self._path:
            self._path, self._stamp = path, None
            self.text.clear()
        self._messages = messages
        self.latest.setText(message_text(messages[-1]) if messages else "")
        self.refresh()

    def refresh(self) -> None:
        """Read what is new, while unfolded."""
        if self._path is None or not self.toggle.isChecked():
            return
        stamp = (_size(self._path), len(self._messages))
        if stamp == self._stamp:
            return
        self._stamp = stamp
        bar = self.text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 4
        self.text.setPlainText(self.whole_text())
        if at_end:
            bar.setValue(bar.maximum())

    def whole_text(self) -> str:
        """Return messages and log as they are shown."""
        said = [f"{duration(float(event.get('t', 0.0)))}  {message_text(event)}" for event in self._messages]
        printed = read_log(self._path) if self._path is not None else ""
        return "\n".join([*said, *([""] if said and printed else []), printed]).rstrip()

    def _on_toggle_toggled(self, on: bool) -> None:
        self.toggle.setIcon(theme.icon("chevron_down" if on else "chevron_right"))
        self.text.setVisible(on)
        self.copy.setVisible(on)
        self.refresh()
        self.unfolded.emit(on)

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.whole_text())

    def retranslate(self) -> None:
        """Set the texts."""
        self.toggle.setText(self.tr("Log"))
        self.copy.setText(self.tr("Copy"))
        self.text.setAccessibleName(self.tr("Log of the training"))
        self._stamp = None
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def read_log(path: Path) -> str:
    """Return the end of a log without colours, and of each progress bar only its last state."""
    try:
        with path.open("rb") as stream:
            end = stream.seek(0, 2)
            stream.seek(max(end - _TAIL_BYTES, 0))
            data = stream.read()
    except OSError:
        return ""
    if end > _TAIL_BYTES:
        data = data[data.find(b"\n") + 1 :]
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    lines = (_ESCAPES.sub("", line.rstrip("\r").rsplit("\r", 1)[-1]).rstrip() for line in text.split("\n"))
    return "\n".join(lines).strip("\n")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
