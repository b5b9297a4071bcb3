"""The devices that a training can run on, as far as the system tells without torch."""

from __future__ import annotations

import sys

from PySide6.QtCore import QProcess
from PySide6.QtWidgets import QComboBox, QWidget


class DeviceBox(QComboBox):
    """A choice of devices; GPUs appear as soon as their driver has answered."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trainDevice")
        self._gpus: list[tuple[str, str]] = []
        self._process = QProcess(self)
        self._process.finished.connect(self._on_process_finished)
        self._process.errorOccurred.connect(lambda _error: None)
        self._process.start("nvidia-smi", ["--query-gpu=index,name", "--format=csv,noheader"])

    @property
    def device(self) -> str:
        """The chosen device as `TrainConfig` has it; empty takes the best there is."""
        return str(self.currentData() or "")

    def choose(self, device: str) -> None:
        """Choose a device; one that is not there is left to be the best there is."""
        self.setCurrentIndex(max(self.findData(device), 0))

    def _on_process_finished(self, status: int) -> None:
        """Whether torch can use the GPUs the training will say."""
        if status == 0:
            text = bytes(self._process.readAllStandardOutput().data()).decode(errors="replace")
            pairs = (line.split(",", 1) for line in text.splitlines() if "," in line)
            self._gpus = [(index.strip(), name.strip()) for index, name in pairs]
            self.retranslate()

    def retranslate(self) -> None:
        """Set the texts."""
        chosen = self.currentData()
        self.blockSignals(True)
        self.clear()
        self.addItem(self.tr("Automatic"), "")
        self.addItem(self.tr("CPU"), "cpu")
        for index, name in self._gpus:
            self.addItem(self.tr("GPU {index}: {name}").format(index=index, name=name), index)
        if len(self._gpus) > 1:
            self.addItem(self.tr("All GPUs"), ",".join(index for index, _ in self._gpus))
        if sys.platform == "darwin":
            self.addItem(self.tr("Apple GPU"), "mps")
        self.choose(str(chosen or ""))
        self.blockSignals(False)
