"""The buttons that say what is trained on what: the open design, and the data."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app.core.activations import title
from app.core.design import preset, preset_names
from app.core.errors import AppError
from app.ui import theme
from app.ui.calls import calling
from app.ui.page import Services
from app.ui.requests import DATA, DESIGN, SAMPLE, DataRequest
from app.ui.widgets.menu_button import MenuButton


class Choices(QObject):
    """Both buttons with their menus; what is chosen stands in the workspace."""

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._workspace = services.workspace
        self._window = window
        self.design = MenuButton("trainDesign", self._fill_design)
        self.data = MenuButton("trainData", self._fill_data)

    def refresh(self) -> None:
        """Show the open design and the chosen data."""
        workspace = self._workspace
        design = workspace.design
        swaps = len(design.resolved()) if design.swaps else 0
        if design.activation is not None:
            words = self.tr("{name}, {activation}, {count} swapped").format(
                name=workspace.name, activation=title(design.activation), count=swaps
            )
        elif swaps:
            words = self.tr("{name}, {count} swapped").format(name=workspace.name, count=swaps)
        else:
            words = self.tr("{name}, standard").format(name=workspace.name)
        self.design.set_words(words)
        self.data.set_words(self._data_words())
        theme.set_role(self.data, "", missing="false" if workspace.data else "true")

    def _data_words(self) -> str:
        data = self._workspace.data
        if not data:
            return self.tr("Choose…")
        if data == SAMPLE:
            return self.tr("Built-in sample")
        path = Path(data)
        return path.parent.name if path.suffix in (".yaml", ".yml") else path.name

    def _fill_design(self, menu: QMenu) -> None:
        menu.addAction(self.tr("Edit on the Design page"), lambda: self._workspace.go_to(DESIGN))
        recent = [Path(name) for name in self._workspace.store.settings.recent_designs]
        there = [path for path in recent if path.is_file()]
        if there:
            menu.addSection(self.tr("Recent designs"))
        for path in there:
            menu.addAction(path.stem, calling(self._open_design, path))
        menu.addSection(self.tr("Presets"))
        for name in preset_names():
            menu.addAction(name, calling(self._use_preset, name))

    def _open_design(self, path: Path) -> None:
        try:
            self._workspace.open_design(path)
        except AppError as problem:
            self._services.messages.error(problem)

    def _use_preset(self, name: str) -> None:
        try:
            design = self._workspace.design
            self._workspace.use_design(preset(name, design.base, design.classes))
        except AppError as problem:
            self._services.messages.error(problem)

    def _fill_data(self, menu: QMenu) -> None:
        workspace = self._workspace
        sample = menu.addAction(self.tr("Built-in sample"), lambda: workspace.set_data(SAMPLE))
        _mark(sample, workspace.data == SAMPLE)
        recent = [name for name in workspace.store.settings.recent_data if Path(name).exists()]
        if recent:
            menu.addSection(self.tr("Recent data"))
        for name in recent:
            path = Path(name)
            words = path.parent.name if path.suffix else path.name
            action = menu.addAction(words, calling(workspace.set_data, name))
            action.setToolTip(name)
            _mark(action, workspace.data == name)
        menu.addSeparator()
        menu.addAction(self.tr("Choose a data set…"), self.choose_data)
        if workspace.data:
            request = DataRequest(workspace.data)
            menu.addAction(self.tr("Look at it on the Data page"), lambda: workspace.go_to(DATA, request))
        menu.setToolTipsVisible(True)

    def choose_data(self) -> None:
        """Let the user choose a data set's file."""
        found, _ = QFileDialog.getOpenFileName(
            self._window,
            self.tr("Choose a data set"),
            "",
            self.tr("Data sets ({patterns})").format(patterns="*.yaml *.yml *.json *.zip"),
        )
        if found:
            self._workspace.set_data(found)


def _mark(action: QAction, on: bool) -> None:
    action.setCheckable(True)
    action.setChecked(on)
