"""How a run is to go on: with more epochs, another batch, another device."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from app.core.run_state import RunState
from app.core.train_config import TrainConfig
from app.ui import theme
from app.ui.pages.train_devices import DeviceBox
from app.ui.widgets.cards import button, label

_WIDTH = 420


@dataclass(frozen=True)
class Resumption:
    """What the user chose; None leaves a setting as it is."""

    epochs: int | None
    batch: int | None
    device: str | None


class ResumeDialog(QDialog):
    """Three fields, filled with what the run was told, and a sentence on what a change means."""

    def __init__(self, parent: QWidget | None, name: str, config: TrainConfig, state: RunState) -> None:
        super().__init__(parent)
        self.setObjectName("resumeDialog")
        self._config = config
        self._done = state.epoch
        finished = state.status == "finished"
        least = min(state.epoch + 1, 100_000)
        self.epochs = _spin(
            "resumeEpochs", least, 100_000, config.epochs + state.epoch // 2 if finished else config.epochs
        )
        self.batch = _spin("resumeBatch", 0, 4096, config.batch)
        self.batch.setSpecialValueText(self.tr("auto"))
        self.device = DeviceBox()
        self.device.retranslate()
        self.device.choose(config.device)
        self.go = button("resumeGo", "primary", "play")
        self.go.setText(self.tr("Resume"))
        self.go.setDefault(True)
        self.cancel = button("resumeCancel")
        self.cancel.setText(self.tr("Cancel"))
        self.note = label(role="muted", wrap=True)
        self.setWindowTitle(self.tr("Resume a run"))
        self._lay_out(name)
        for field in (self.epochs, self.batch):
            field.valueChanged.connect(self._update_note)
        self.device.currentIndexChanged.connect(self._update_note)
        self.go.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)
        self._update_note()

    def _lay_out(self, name: str) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GROUPS, theme.GROUPS, theme.GROUPS, theme.AROUND)
        column.setSpacing(theme.BETWEEN)
        title = self.tr("{name} goes on after epoch {epoch}").format(name=name, epoch=self._done)
        column.addWidget(label(title, role="section", wrap=True))
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.BETWEEN)
        grid.setVerticalSpacing(theme.INSIDE)
        fields = (
            (self.tr("Epochs in all"), self.epochs),
            (self.tr("Batch"), self.batch),
            (self.tr("Device"), self.device),
        )
        for row, (words, field) in enumerate(fields):
            named = label(words)
            named.setBuddy(field)
            field.setAccessibleName(words)
            grid.addWidget(named, row, 0)
            grid.addWidget(field, row, 1)
        grid.setColumnStretch(2, 1)
        column.addLayout(grid)
        column.addWidget(self.note)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.go)
        buttons.addWidget(self.cancel)
        column.addLayout(buttons)
        self.setMinimumWidth(_WIDTH)

    @property
    def chosen(self) -> Resumption:
        """What differs from what the run was told."""
        epochs, batch, device = self.epochs.value(), self.batch.value(), self.device.device
        config = self._config
        return Resumption(
            epochs if epochs != config.epochs else None,
            batch if batch != config.batch else None,
            device if device != config.device else None,
        )

    def _update_note(self) -> None:
        chosen = self.chosen
        told = []
        if chosen.epochs is not None:
            told.append(
                self.tr(
                    "With another number of epochs the learning rate follows the new schedule from here on."
                )
            )
        if chosen.batch is not None:
            told.append(
                self.tr("Another batch changes the steps: the run and its partner are no fair pair any more.")
            )
        if not told:
            told.append(
                self.tr("It goes on as if it had never stopped; the epoch that was cut off is repeated.")
            )
        self.note.setText("\n".join(told))


def _spin(name: str, low: int, high: int, value: int) -> QSpinBox:
    spin = QSpinBox()
    spin.setObjectName(name)
    spin.setRange(low, high)
    spin.setValue(value)
    spin.setMinimumWidth(120)
    return spin
