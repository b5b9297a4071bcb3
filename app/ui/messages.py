"""The one way a message reaches the user: notes at the top of the page, and questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from app.core.errors import AppError
from app.ui.text import translated
from app.ui.theme import set_role

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
            text, hint = translated(problem.message), hint or translated(problem.hint)
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


def ask(parent: QWidget | None, title: str, text: str, choices: tuple[Choice, ...], hint: str = "") -> str:
    """Ask a question in a modal dialog and return the name of the chosen answer.

    Closing the dialog or pressing Esc answers ``""``; a button of that meaning is always there.
    """
    box = QMessageBox(parent)
    box.setObjectName("question")
    box.setWindowTitle(title)
    box.setIcon(QMessageBox.Icon.NoIcon)
    box.setText(text)
    box.setInformativeText(hint)
    buttons = {}
    for choice in choices:
        button = box.addButton(choice.words, QMessageBox.ButtonRole.AcceptRole)
        button.setObjectName(f"answer_{choice.name}")
        set_role(button, choice.role)
        buttons[button] = choice.name
        if choice.role == "primary":
            box.setDefaultButton(button)
    cancel = box.addButton(
        QCoreApplication.translate("Messages", "Cancel"), QMessageBox.ButtonRole.RejectRole
    )
    cancel.setObjectName("answer_cancel")
    box.setEscapeButton(cancel)
    box.exec()
    clicked = box.clickedButton()
    answer = next((name for button, name in buttons.items() if button is clicked), "")
    box.deleteLater()
    return answer
