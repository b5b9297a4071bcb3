"""The one way a message reaches the user: notes at the top of the page, and questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.core.errors import AppError
from app.ui import theme
from app.ui.text import problem_words

_QUESTION_WIDTH = 380

INFO, SUCCESS, WARNING, ERROR = "info", "success", "warning", "error"


@dataclass(frozen=True)
class Message:
    """One note for the user.

    Attributes:
        kind: ``info``, ``success``, ``warning`` or ``error``; the first two go away by themselves.
        text: What happened, one sentence, translated.
        hint: What to do next, translated.
        action: Words on a button, translated; empty for none.
        on_action: Called when the button is pressed.
    """

    kind: str
    text: str
    hint: str = ""
    action: str = ""
    on_action: Callable[[], None] | None = None


class Messages(QObject):
    """Takes messages from anywhere in the window; the note area shows them."""

    posted = Signal(object)

    def post(self, message: Message) -> None:
        """Show a message."""
        self.posted.emit(message)

    def info(
        self, text: str, hint: str = "", action: str = "", on_action: Callable[[], None] | None = None
    ) -> None:
        """Tell something worth knowing."""
        self.post(Message(INFO, text, hint, action, on_action))

    def success(
        self, text: str, hint: str = "", action: str = "", on_action: Callable[[], None] | None = None
    ) -> None:
        """Tell that something the user asked for is done."""
        self.post(Message(SUCCESS, text, hint, action, on_action))

    def warning(
        self, text: str, hint: str = "", action: str = "", on_action: Callable[[], None] | None = None
    ) -> None:
        """Tell of something that may surprise the user later."""
        self.post(Message(WARNING, text, hint, action, on_action))

    def error(
        self,
        problem: str | AppError,
        hint: str = "",
        action: str = "",
        on_action: Callable[[], None] | None = None,
    ) -> None:
        """Tell that something did not work; an ``AppError`` brings its own hint."""
        if isinstance(problem, AppError):
            text, advice = problem_words(problem)
            hint = hint or advice
        else:
            text = problem
        self.post(Message(ERROR, text, hint, action, on_action))


@dataclass(frozen=True)
class Choice:
    """One answer to a question: its name for the program, its words for the user, and its look.

    ``role`` is ``primary`` (the default answer), ``danger`` or empty.
    """

    name: str
    words: str
    role: str = ""


class QuestionDialog(QDialog):
    """A question with its answers as buttons; the last one, Cancel, changes nothing."""

    def __init__(
        self, parent: QWidget | None, text: str, choices: tuple[Choice, ...], hint: str = ""
    ) -> None:
        super().__init__(parent)
        self.setObjectName("question")
        self.answer = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GROUPS, theme.GROUPS, theme.GROUPS, theme.AROUND)
        column.setSpacing(theme.BETWEEN)
        for words, role in ((text, "section"), (hint, "muted")):
            if words:
                column.addWidget(self._label(words, role))
        column.addSpacing(theme.BETWEEN)
        row = QHBoxLayout()
        row.setSpacing(theme.INSIDE)
        row.addStretch(1)
        cancel = Choice("cancel", QCoreApplication.translate("Messages", "Cancel"))
        for choice in (*choices, cancel):
            row.addWidget(self._button(choice))
        column.addLayout(row)

    def _label(self, words: str, role: str) -> QLabel:
        result = QLabel(words)
        result.setTextFormat(Qt.TextFormat.PlainText)
        result.setWordWrap(True)
        result.setMinimumWidth(_QUESTION_WIDTH)
        theme.set_role(result, role)
        return result

    def _button(self, choice: Choice) -> QPushButton:
        result = QPushButton(choice.words)
        result.setObjectName(f"answer_{choice.name}")
        result.setAutoDefault(choice.role == "primary")
        theme.set_role(result, choice.role)
        if choice.role == "primary":
            result.setDefault(True)
            result.setFocus()
        result.clicked.connect(lambda: self._give("" if choice.name == "cancel" else choice.name))
        return result

    def _give(self, answer: str) -> None:
        self.answer = answer
        self.accept()


def ask(parent: QWidget | None, title: str, text: str, choices: tuple[Choice, ...], hint: str = "") -> str:
    """Ask a question in a modal dialog and return the name of the chosen answer.

    Closing the dialog, Esc and Cancel answer ``""``.
    """
    dialog = QuestionDialog(parent, text, choices, hint)
    dialog.setWindowTitle(title)
    dialog.exec()
    dialog.deleteLater()
    return dialog.answer
