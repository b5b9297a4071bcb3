"""The note area: messages that float at the top of the page without taking the focus."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QEnterEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.messages import ERROR, INFO, SUCCESS, WARNING, Message, Messages

_TOKENS = {INFO: "accent", SUCCESS: "good", WARNING: "warn", ERROR: "bad"}
_LIFETIME_MS = 5000
_MOST = 3
_WIDTH = 600
_TOP = 56


class Note(QFrame):
    """One message as a card: icon, sentence, hint, perhaps a button, and a cross."""

    closed = Signal()

    def __init__(self, message: Message, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = message
        self.setObjectName("message")
        self.setProperty("kind", message.kind)
        self.setAccessibleName(f"{message.text} {message.hint}".strip())
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.BETWEEN, theme.INSIDE, theme.INSIDE, theme.INSIDE)
        row.setSpacing(theme.BETWEEN)
        self._icon = QLabel()
        self._icon.setFixedSize(20, 20)
        row.addWidget(self._icon)
        row.addLayout(self._words(), 1)
        if message.action:
            button = QPushButton(message.action)
            button.setObjectName("messageAction")
            button.clicked.connect(self._on_action_clicked)
            row.addWidget(button)
        self._cross = QToolButton()
        self._cross.setObjectName("messageClose")
        self._cross.setIcon(theme.icon("close", "muted"))
        self._cross.setIconSize(QSize(14, 14))
        theme.set_role(self._cross, "small")
        self._cross.clicked.connect(self.closed)
        row.addWidget(self._cross)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_LIFETIME_MS)
        self._timer.timeout.connect(self.closed)
        if message.kind in (INFO, SUCCESS) and not message.action:
            self._timer.start()
        theme.notifier().changed.connect(self._tint)
        self._tint()
        self._name_cross()

    def _words(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(2)
        for text, role in ((self.message.text, ""), (self.message.hint, "muted")):
            if not text:
                continue
            label = QLabel(text)
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            theme.set_role(label, role)
            column.addWidget(label)
        return column

    def _tint(self) -> None:
        token = _TOKENS[self.message.kind]
        self._icon.setPixmap(theme.pixmap(self.message.kind, token, 20, self.devicePixelRatioF()))

    def _name_cross(self) -> None:
        self._cross.setToolTip(self.tr("Close"))
        self._cross.setAccessibleName(self.tr("Close this message"))

    def _on_action_clicked(self) -> None:
        self.closed.emit()
        if self.message.on_action is not None:
            self.message.on_action()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Wait while the pointer rests on the note."""
        self._timer.stop()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Go away a while after the pointer has left."""
        if self.message.kind in (INFO, SUCCESS) and not self.message.action:
            self._timer.start()
        super().leaveEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate the cross."""
        if event.type() == QEvent.Type.LanguageChange:
            self._name_cross()
        super().changeEvent(event)


class NoteArea(QWidget):
    """Lays the newest notes over the top of the page, below its header."""

    def __init__(self, messages: Messages, over: QWidget) -> None:
        """Build the area.

        Args:
            messages: Where messages come from.
            over: Widget that the notes float on.
        """
        super().__init__(over)
        self._over = over
        self.setObjectName("notes")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.INSIDE)
        self._notes: list[Note] = []
        self.hide()
        over.installEventFilter(self)
        messages.posted.connect(self._on_messages_posted)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes that stand there, the oldest first."""
        return tuple(self._notes)

    def close_newest(self) -> bool:
        """Close the newest note; return whether there was one."""
        if not self._notes:
            return False
        self._close(self._notes[-1])
        return True

    def clear(self) -> None:
        """Close every note."""
        for note in list(self._notes):
            self._close(note)

    def _on_messages_posted(self, message: Message) -> None:
        for note in list(self._notes):
            same = note.message.text == message.text and note.message.kind == message.kind
            if same or (len(self._notes) >= _MOST and note is self._notes[0]):
                self._close(note)
        note = Note(message, self)
        note.closed.connect(lambda: self._close(note))
        self._notes.append(note)
        self._column.addWidget(note)
        note.show()
        self.show()
        self.raise_()
        self._place()
        spoken = QAccessibleAnnouncementEvent(self, f"{message.text} {message.hint}".strip())
        QAccessible.updateAccessibility(spoken)

    def _close(self, note: Note) -> None:
        if note not in self._notes:
            return
        self._notes.remove(note)
        self._column.removeWidget(note)
        note.hide()
        note.deleteLater()
        if self._notes:
            self._place()
        else:
            self.hide()

    def _place(self) -> None:
        over = self._over
        width = min(_WIDTH, over.width() - 2 * theme.AROUND)
        layout = self._column
        height = layout.heightForWidth(width) if layout.hasHeightForWidth() else layout.sizeHint().height()
        self.setGeometry((over.width() - width) // 2, _TOP, width, height)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep the place when the page is resized."""
        if event.type() == QEvent.Type.Resize and self._notes:
            self._place()
        return super().eventFilter(watched, event)
