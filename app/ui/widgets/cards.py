"""Cards, labels and buttons in the roles of the style sheet."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.ui import theme


class Card(QFrame):
    """A rounded surface with a border; its widgets go into ``body``."""

    def __init__(self, parent: QWidget | None = None, margin: int = theme.AROUND) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin, margin, margin)
        self.body.setSpacing(theme.INSIDE)


def label(text: str = "", role: str = "", wrap: bool = False, tone: str = "") -> QLabel:
    """Return a label of plain text.

    Args:
        text: What it says; often set later by ``retranslate``.
        role: ``title``, ``section``, ``strong``, ``muted``, ``small``, ``figure``, ``number`` or none.
        wrap: Whether it may take several lines.
        tone: ``good``, ``warn``, ``bad``, ``accent``, ``standard`` or none.
    """
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setWordWrap(wrap)
    if role:
        result.setProperty("role", role)
    if tone:
        result.setProperty("tone", tone)
    return result


def button(name: str, role: str = "", icon: str = "") -> QPushButton:
    """Return a button without words yet.

    Args:
        name: Its ``objectName``.
        role: ``primary``, ``danger``, ``flat``, ``link`` or none for an outlined one.
        icon: Icon of ``resources/icons``.
    """
    result = QPushButton()
    result.setObjectName(name)
    if role:
        result.setProperty("role", role)
    if icon:
        token = {"primary": "on_accent", "danger": "bad", "link": "accent"}.get(role, "text")
        result.setIcon(theme.icon(icon, token))
        result.setIconSize(QSize(22, 16))
    return result


def tool(name: str, icon: str, checkable: bool = False) -> QToolButton:
    """Return a button of an icon alone; the caller sets its tooltip and accessible name.

    Args:
        name: Its ``objectName``.
        icon: Icon of ``resources/icons``.
        checkable: Whether it stays pressed.
    """
    result = QToolButton()
    result.setObjectName(name)
    result.setIcon(theme.icon(icon))
    result.setIconSize(QSize(18, 18))
    result.setCheckable(checkable)
    return result


def line() -> QFrame:
    """Return a horizontal line of one pixel."""
    result = QFrame()
    result.setProperty("role", "line")
    return result


def name_widget(widget: QWidget, words: str, shortcut: str = "") -> None:
    """Set the tooltip and the accessible name of a widget without words."""
    widget.setAccessibleName(words)
    widget.setToolTip(f"{words} ({shortcut})" if shortcut else words)
