"""What every page of the window is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.messages import Messages
from app.ui.requests import Request
from app.ui.store import SettingsStore
from app.ui.tasks import Tasks
from app.ui.workspace import Workspace


@dataclass(frozen=True)
class Services:
    """What a page is given: the shared document, and the ways to the user."""

    workspace: Workspace
    messages: Messages
    tasks: Tasks
    store: SettingsStore


class Page(QWidget):
    """A page: a header (title, tools, one primary button) above a body.

    A subclass builds its widgets in ``__init__`` into ``self.body`` (a vertical layout), ``self.tools`` (a
    horizontal one, left in the header) and ``self.actions_area`` (right in the header, before the primary
    button), and sets every visible text in ``retranslate``, which runs once after construction and at every
    change of language. ``self.primary`` is hidden until the page shows it.

    Pages are made at their first visit. What another page asks of this one arrives in ``receive``; do not
    connect to signals of the workspace for that.
    """

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.services = services
        self.workspace = services.workspace
        self.messages = services.messages
        self.tasks = services.tasks
        self.store = services.store

        self.title = QLabel()
        theme.set_role(self.title, "title")
        self.tools = QHBoxLayout()
        self.tools.setSpacing(theme.INSIDE)
        self.actions_area = QHBoxLayout()
        self.actions_area.setSpacing(theme.INSIDE)
        self.primary = QPushButton()
        self.primary.setObjectName("primary")
        self.primary.setIconSize(QSize(22, 16))
        theme.set_role(self.primary, "primary")
        self.primary.setVisible(False)

        self.header = QWidget()
        row = QHBoxLayout(self.header)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.BETWEEN)
        row.addWidget(self.title)
        row.addLayout(self.tools)
        row.addStretch(1)
        row.addLayout(self.actions_area)
        row.addWidget(self.primary)
        self.header.setMinimumHeight(theme.CONTROL_HEIGHT)

        self.body = QVBoxLayout()
        self.body.setSpacing(theme.BETWEEN)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(theme.AROUND, theme.BETWEEN, theme.AROUND, theme.AROUND)
        outer.setSpacing(theme.BETWEEN)
        outer.addWidget(self.header)
        outer.addLayout(self.body, 1)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, False)

    def activated(self) -> None:
        """Called when the page has become the visible one."""

    def deactivated(self) -> None:
        """Called when another page takes its place; release cameras and stop timers here."""

    def receive(self, request: Request) -> None:
        """Do what another page, a drop or the command line asked for; called after ``activated``."""

    def retranslate(self) -> None:
        """Set every visible text anew with ``self.tr``."""

    def menu_actions(self) -> Mapping[str, list[QAction]]:
        """Return the page's actions by menu: ``file``, ``edit``, ``view``, ``run`` or ``help``.

        They stand in the menu bar while the page is visible, and their shortcuts work only then.
        """
        return {}

    def full_screen(self) -> bool:
        """Enter or leave a full screen of the page's own; False where it has none and the window's serves."""
        return False

    def accepts_drop(self, paths: list[Path]) -> bool:
        """Return whether the page itself takes these files; otherwise the window finds the page that does."""
        return False

    def dropped(self, paths: list[Path]) -> None:
        """Take files that ``accepts_drop`` agreed to."""

    def blocks_close(self) -> str | None:
        """Return, translated, why closing the Studio now would cost something; None when it costs nothing."""
        return None

    def confirm_close(self) -> bool | None:
        """Ask the user in the page's own way whether to close.

        Returns:
            Whether to close; None leaves it to the window, which asks with the reason of ``blocks_close``.
        """
        return None

    def shutdown(self) -> None:
        """End threads and children; the Studio is closing for sure."""

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)
