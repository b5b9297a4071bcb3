"""What can be chosen for a comparison: detectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from app.core.folders import resources
from app.core.runs import Workspace as Folder

_MENU_WIDTH_CHARACTERS = 8
_OPEN_WEIGHTS, _OPEN_FOLDER = "@weights", "@folder"


@dataclass(frozen=True)
class Entry:
    """A line of a menu: its words, what it stands for, what its tooltip says, and whether it can be chosen."""

    words: str
    value: str
    hint: str = ""
    enabled: bool = True


class ChoiceMenu(QComboBox):
    """A menu whose entries stand for values; `value_chosen` tells only of a person's choice."""

    value_chosen = Signal(str)
    opening = Signal()
    """The list is about to be shown."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setMinimumContentsLength(_MENU_WIDTH_CHARACTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.activated.connect(self._on_activated)

    @property
    def value(self) -> str:
        """What is chosen; empty where nothing is."""
        return str(self.currentData() or "")

    def show_entries(self, groups: Iterable[Iterable[Entry]], value: str) -> None:
        """Show entries in groups with lines between them, and choose one of them.

        A value that no entry stands for is added at the top under its file name.
        """
        shown = [list(group) for group in groups]
        if value and all(entry.value != value for group in shown for entry in group):
            shown.insert(0, [Entry(Path(value).name or value, value, value)])
        self.blockSignals(True)
        self.clear()
        for group in filter(None, shown):
            if self.count():
                self.insertSeparator(self.count())
            for entry in group:
                self.addItem(entry.words, entry.value)
                self.setItemData(self.count() - 1, entry.hint or entry.words, Qt.ItemDataRole.ToolTipRole)
                model = self.model()
                if isinstance(model, QStandardItemModel):
                    model.item(self.count() - 1).setEnabled(entry.enabled)
        self.setCurrentIndex(self.findData(value) if value else -1)
        self.blockSignals(False)
        self._show_tooltip()

    def showPopup(self) -> None:
        """Tell before the list is shown."""
        self.opening.emit()
        super().showPopup()

    def choose(self, value: str) -> None:
        """Choose the entry that stands for a value, without telling."""
        self.setCurrentIndex(self.findData(value))
        self._show_tooltip()

    def _show_tooltip(self) -> None:
        self.setToolTip(str(self.currentData(Qt.ItemDataRole.ToolTipRole) or ""))

    @Slot(int)
    def _on_activated(self, _index: int) -> None:
        self._show_tooltip()
        self._take(self.value)

    def _take(self, value: str) -> None:
        """Do what a chosen entry stands for."""
        self.value_chosen.emit(value)


def sample_weights(side: str) -> Path:
    """Return the sample's checkpoint, "standard" or "lightweight"."""
    return resources() / "sample" / f"{side}.pt"


class DetectorMenu(ChoiceMenu):
    """The sample's pair, the runs of the workspace, and any `.pt`, ONNX or OpenVINO file."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self._runs: list[Entry] = []
        self._chosen = ""

    def refresh(self, folder: Folder) -> None:
        """Read which runs have weights."""
        runs = folder.list_runs()
        self._runs = [Entry(run.name, str(run.best), str(run.best)) for run in runs if run.best.is_file()]
        self.retranslate()

    def choose(self, value: str) -> None:
        """Choose weights by their path."""
        self._chosen = value
        self.retranslate()

    def retranslate(self) -> None:
        """Fill the menu anew."""
        words = {"standard": self.tr("Sample: standard"), "lightweight": self.tr("Sample: lightweight")}
        sample = [Entry(words[side], str(path)) for side in words if (path := sample_weights(side)).is_file()]
        others = [
            Entry(self.tr("Other file…"), _OPEN_WEIGHTS, self.tr("A .pt, .onnx or OpenVINO .xml file")),
            Entry(self.tr("OpenVINO folder…"), _OPEN_FOLDER),
        ]
        self.show_entries([sample, self._runs, others], self._chosen)
        self.setPlaceholderText(self.tr("Choose a detector"))

    def _take(self, value: str) -> None:
        if value == _OPEN_WEIGHTS:
            super().choose(self._chosen)
            kinds = self.tr("Detectors (*.pt *.onnx *.xml)")
            value, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a detector"), "", kinds)
        elif value == _OPEN_FOLDER:
            super().choose(self._chosen)
            value = QFileDialog.getExistingDirectory(self, self.tr("Choose an OpenVINO folder"))
        if value:
            self.choose(value)
            self.value_chosen.emit(value)
