"""What stands in place of a page that could not be made."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QVBoxLayout

from app.ui import theme
from app.ui.page import Page, Services


class FailedPage(Page):
    """Says that the page failed, shows the whole reason, and offers another try."""

    retry_requested = Signal()

    def __init__(self, services: Services, title: str, reason: str) -> None:
        super().__init__(services)
        self.title.setText(title)
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self._reason = QPlainTextEdit(reason)
        self._reason.setReadOnly(True)
        self._reason.setObjectName("failureReason")
        self._copy = QPushButton()
        self._copy.setIcon(theme.icon("copy"))
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(reason))
        self.primary.setVisible(True)
        self.primary.clicked.connect(self.retry_requested)
        self.actions_area.addWidget(self._copy)
        column = QVBoxLayout()
        column.addWidget(self._sentence, 0, Qt.AlignmentFlag.AlignTop)
        column.addWidget(self._reason, 1)
        self.body.addLayout(column)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the texts."""
        self._sentence.setText(
            self.tr("This page could not be opened. The other pages still work. The reason, for a report:")
        )
        self._reason.setAccessibleName(self.tr("Reason of the failure"))
        self._copy.setText(self.tr("Copy"))
        self.primary.setText(self.tr("Try again"))
