"""The preferences dialog: every choice acts at once."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app.core.settings import LANGUAGES, RUNTIMES, THEMES
from app.ui import theme
from app.ui.page import Services
from app.ui.widgets.cards import Card, button, label
from app.ui.widgets.elided import ElidedLabel

_WIDTH = 560
_FIELD = 240


class PreferencesDialog(QDialog):
    """Theme, language, workspace, runtime, training, network."""

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("preferences")
        self._store = services.store
        self._tasks = services.tasks
        self.theme = _combo("theme", THEMES)
        self.language = _combo("language", LANGUAGES)
        self.runtime = _combo("runtime", RUNTIMES)
        self.folder = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.folder.setObjectName("workspacePath")
        self.choose = button("chooseWorkspace", icon="folder")
        self.network = QCheckBox()
        self.network.setObjectName("allowNetwork")
        self.awake = QCheckBox()
        self.awake.setObjectName("keepAwake")
        self.notify = QCheckBox()
        self.notify.setObjectName("notify")
        self.problem = label(wrap=True, tone="bad")
        self.problem.setObjectName("preferencesProblem")
        self.problem.setVisible(False)
        self._close = button("preferencesClose", "primary")
        names = ("theme", "language", "workspace", "runtime", "training", "network")
        self._labels = {name: label() for name in names}
        self._hints = {name: label(role="small", wrap=True) for name in ("workspace", "runtime", "network")}
        self._lay_out()
        self._show_settings()
        self._connect()
        self.retranslate()

    def _lay_out(self) -> None:
        folder = QWidget()
        row = QHBoxLayout(folder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.folder, 1)
        row.addWidget(self.choose)
        training = QWidget()
        switches = QVBoxLayout(training)
        switches.setContentsMargins(0, 0, 0, 0)
        switches.addWidget(self.awake)
        switches.addWidget(self.notify)
        fields = (
            ("theme", self.theme),
            ("language", self.language),
            ("workspace", folder),
            ("runtime", self.runtime),
            ("training", training),
            ("network", self.network),
        )
        card = Card()
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GROUPS)
        grid.setVerticalSpacing(theme.INSIDE)
        grid.setColumnStretch(1, 1)
        line = 0
        for name, field in fields:
            grid.addWidget(self._labels[name], line, 0)
            fixed = isinstance(field, QComboBox)
            grid.addWidget(field, line, 1, Qt.AlignmentFlag.AlignLeft if fixed else Qt.AlignmentFlag(0))
            if name in self._hints:
                line += 1
                grid.addWidget(self._hints[name], line, 1)
            grid.setRowMinimumHeight(line + 1, theme.INSIDE)
            line += 2
        card.body.addLayout(grid)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.AROUND, theme.AROUND, theme.AROUND)
        column.setSpacing(theme.BETWEEN)
        column.addWidget(card)
        column.addWidget(self.problem)
        column.addStretch(1)
        column.addWidget(self._close, 0, Qt.AlignmentFlag.AlignRight)
        self.setMinimumWidth(_WIDTH)

    def _connect(self) -> None:
        for name, combo in (("theme", self.theme), ("language", self.language), ("runtime", self.runtime)):
            combo.currentIndexChanged.connect(
                lambda _index, name=name, combo=combo: self._store.update(**{name: combo.currentData()})
            )
        self.network.toggled.connect(lambda on: self._store.update(allow_network=on))
        self.awake.toggled.connect(lambda on: self._store.update(keep_awake=on))
        self.notify.toggled.connect(lambda on: self._store.update(notify=on))
        self.choose.clicked.connect(self._on_choose_clicked)
        self._close.clicked.connect(self.accept)

    def _show_settings(self) -> None:
        settings = self._store.settings
        for combo, value in (
            (self.theme, settings.theme),
            (self.language, settings.language),
            (self.runtime, settings.runtime),
        ):
            combo.setCurrentIndex(combo.findData(value))
        self.network.setChecked(settings.allow_network)
        self.awake.setChecked(settings.keep_awake)
        self.notify.setChecked(settings.notify)
        self.folder.setText(str(settings.workspace_path))

    def retranslate(self) -> None:
        """Set the texts."""
        self.setWindowTitle(self.tr("Preferences"))
        words = {
            "theme": self.tr("Theme"),
            "language": self.tr("Language"),
            "workspace": self.tr("Workspace"),
            "runtime": self.tr("Runtime"),
            "training": self.tr("Training"),
            "network": self.tr("Network"),
        }
        for name, text in words.items():
            self._labels[name].setText(text)
        hints = {
            "workspace": self.tr("Folder of your designs, runs and exports."),
            "runtime": self.tr("What detectors run on, unless you choose otherwise on the page."),
            "network": self.tr("Off, the Studio never connects anywhere. On, it asks before each download."),
        }
        for name, text in hints.items():
            self._hints[name].setText(text)
        self.network.setText(self.tr("Allow downloads"))
        self.awake.setText(self.tr("Keep the computer awake meanwhile"))
        self.notify.setText(self.tr("Tell on the desktop when it has ended"))
        self.choose.setText(self.tr("Choose…"))
        self._close.setText(self.tr("Close"))
        self._name_choices(self.theme, (self.tr("As the system"), self.tr("Light"), self.tr("Dark")))
        self._name_choices(self.language, (self.tr("As the system"), "English", "简体中文"))
        runtimes = (
            self.tr("The fastest on this computer"),
            "PyTorch",
            "OpenVINO",
            "ONNX Runtime",
            "TensorRT",
        )
        self._name_choices(self.runtime, runtimes)
        fields: tuple[tuple[QWidget, QLabel], ...] = (
            (self.theme, self._labels["theme"]),
            (self.language, self._labels["language"]),
            (self.choose, self._labels["workspace"]),
            (self.runtime, self._labels["runtime"]),
        )
        for field, named_by in fields:
            field.setAccessibleName(named_by.text())
            named_by.setBuddy(field)

    @staticmethod
    def _name_choices(combo: QComboBox, words: tuple[str, ...]) -> None:
        for index, word in enumerate(words):
            combo.setItemText(index, word)

    def _on_choose_clicked(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self, self.tr("Choose the workspace"), str(self._store.settings.workspace_path)
        )
        if name:
            self.use_workspace(Path(name))

    def use_workspace(self, folder: Path) -> None:
        """Take another workspace folder, or say in the dialog why not."""
        reason = self._refusal(folder)
        self.problem.setText(reason)
        self.problem.setVisible(bool(reason))
        if not reason:
            self._store.update(workspace=str(folder))
            self.folder.setText(str(folder))

    def _refusal(self, folder: Path) -> str:
        if self._tasks.running:
            return self.tr("Something is still running in this workspace. Wait for it, or cancel it first.")
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            return self.tr("{folder} cannot be written. Choose another folder.").format(folder=folder)
        return ""

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _combo(name: str, values: tuple[str, ...]) -> QComboBox:
    result = QComboBox()
    result.setObjectName(name)
    result.setMinimumWidth(_FIELD)
    for value in values:
        result.addItem(value, value)
    return result
