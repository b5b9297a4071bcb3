"""What an export format lacks, and the commands that get it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.core.folders import documents_folder
from app.ui import theme
from app.ui.pages.models_export_formats import FormatsCard
from app.ui.pages.models_export_words import commands, tools_python
from app.ui.widgets.cards import button, label

_TOOLS_FOLDER = "export-tools"
_COMMANDS_HEIGHT = 76


class MissingTools(QWidget):
    """What a format lacks, and the commands that get it, to be copied."""

    def __init__(self, formats: FormatsCard) -> None:
        super().__init__()
        self._formats = formats
        self._folder = documents_folder() / _TOOLS_FOLDER
        self.sentence = label(wrap=True)
        self.sentence.setObjectName("exportMissing")
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.commands = QPlainTextEdit()
        self.commands.setObjectName("exportCommands")
        self.commands.setReadOnly(True)
        self.commands.setTabChangesFocus(True)
        self.commands.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.commands.setFixedHeight(_COMMANDS_HEIGHT)
        self.copy = button("exportCopyCommands", icon="copy")
        self.again = button("exportToolsLook", icon="refresh")
        for one in (self.copy, self.again):
            one.setAutoDefault(False)
        self.hint = label(role="muted", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.INSIDE)
        for widget in (self.sentence, self.commands, self.hint):
            column.addWidget(widget)
        row = QHBoxLayout()
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.copy)
        row.addWidget(self.again)
        row.addStretch(1)
        column.addLayout(row)
        self.again.clicked.connect(self._on_again_clicked)
        self.copy.clicked.connect(self._on_copy_clicked)

    def show_format(self) -> None:
        """Show what the chosen format lacks."""
        form = self._formats.chosen
        self.sentence.setText(self._formats.problem_of(form))
        installable = self._formats.lacks_packages(form)
        for widget in (self.commands, self.copy, self.hint):
            widget.setVisible(installable)
        typed = commands(form, self._formats.own_python, self._folder) if installable else ""
        self.commands.setPlainText(typed)
        self.commands.setAccessibleName(self.tr("Commands for a terminal"))
        self.copy.setText(self.tr("Copy"))
        self.copy.setAccessibleName(self.tr("Copy the commands"))
        self.again.setText(self.tr("Look again"))
        own = self.tr("Type this in a terminal, then look again.")
        made = self.tr(
            "These packages bring much along: they get a Python environment of their own, where they disturb "
            "nothing. Type this in a terminal, then look again: that Python is found and used."
        )
        self.hint.setText(made if "\n" in typed else own)

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.commands.toPlainText())

    @Slot()
    def _on_again_clicked(self) -> None:
        self._formats.look_again(tools_python(self._folder))
