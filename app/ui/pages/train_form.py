"""What the next training is told: design, data, epochs, size, batch, device, first weights, and more."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import AppError
from app.core.recovery import AUTO, SCHEDULE, Facts
from app.core.runs import RunFolder
from app.core.train_config import TrainConfig
from app.ui import theme
from app.ui.page import Services
from app.ui.pages.train_advanced import AdvancedSettings
from app.ui.pages.train_choices import Choices
from app.ui.pages.train_devices import DeviceBox
from app.ui.pages.train_estimate import EstimateLine
from app.ui.pages.train_recovery import RecoverySwitch
from app.ui.pages.train_weights import WeightsMenu
from app.ui.widgets.cards import Card, button, label
from app.ui.widgets.menu_button import MenuButton

_STEP = 32


@dataclass(frozen=True)
class FormValues:
    """What the form says, apart from design and data, which the workspace holds."""

    epochs: int
    imgsz: int
    batch: int
    device: str
    weights: str | None
    warm_start: str
    name: str
    seed: int
    seeds: int = 1
    recover: str = AUTO
    teacher: str | None = None
    overrides: dict[str, Any] = field(default_factory=dict)


class TrainForm(Card):
    """The form in a card: a row of what everyone chooses, and a row of what it means.

    The rest is folded away; unfolded it takes the place of the runs, where there is room for all of it.
    """

    changed = Signal()
    unfolded = Signal(object)
    """The panel to show in place of the runs, or None: one of ``panels``."""

    def __init__(self, services: Services) -> None:
        super().__init__(margin=theme.BETWEEN)
        self.services = services
        self.workspace = services.workspace
        self._captions: dict[str, QLabel] = {}
        self.choices = Choices(services, self)
        self.design, self.data = self.choices.design, self.choices.data
        self.weights_menu = WeightsMenu(services, self)
        self.weights = MenuButton("trainWeights", self.weights_menu.fill)
        self.epochs = _spin("trainEpochs", 1, 10_000, 40)
        self.imgsz = _spin("trainSize", _STEP, 2048, 320, _STEP)
        self.batch = _spin("trainBatch", 0, 1024, 16)
        self.device = DeviceBox()
        self.more = button("trainMore", "flat", "settings")
        self.more.setCheckable(True)
        self.advanced = AdvancedSettings()
        self.recovery = RecoverySwitch(services, self)
        self.estimate = EstimateLine(services)
        self._build_extra()
        self._lay_out()
        self._connect()

    # --- layout --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.INSIDE)
        for name, widget, share in (
            ("design", self.design, 3),
            ("data", self.data, 3),
            ("epochs", self.epochs, 0),
            ("imgsz", self.imgsz, 0),
            ("batch", self.batch, 0),
            ("device", self.device, 1),
            ("weights", self.weights, 4),
        ):
            row.addLayout(self._field(name, widget), share)
        row.addWidget(self.more, 0, Qt.AlignmentFlag.AlignBottom)
        means = QHBoxLayout()
        means.setSpacing(theme.INSIDE)
        means.addWidget(self.recovery.switch)
        means.addWidget(self.recovery.more)
        means.addWidget(self.recovery.words, 1)
        means.addWidget(self.estimate)
        self.body.setSpacing(theme.INSIDE)
        self.body.addLayout(row)
        self.body.addLayout(means)
        self.body.addWidget(self.estimate.advice)

    def _field(self, name: str, widget: QWidget) -> QVBoxLayout:
        caption = label(role="small")
        caption.setBuddy(widget)
        self._captions[name] = caption
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addStretch(1)
        column.addWidget(caption)
        column.addWidget(widget)
        return column

    def _build_extra(self) -> None:
        self.name = QLineEdit()
        self.name.setObjectName("trainName")
        self.method = QComboBox()
        self.method.setObjectName("trainMethod")
        self.seed = _spin("trainSeed", 0, 2**31 - 1, 0)
        self.seeds = _spin("trainSeeds", 1, 20, 1)
        for name, widget, share in (
            ("name", self.name, 2),
            ("method", self.method, 2),
            ("seed", self.seed, 0),
            ("seeds", self.seeds, 0),
        ):
            self.advanced.top.addLayout(self._field(name, widget), share)
        self.advanced.top.addStretch(2)
        self.advanced.top.addWidget(self.advanced.reset, 0, Qt.AlignmentFlag.AlignBottom)

    def _connect(self) -> None:
        self.more.toggled.connect(lambda on: self._on_fold_toggled(self.recovery.more, on))
        self.recovery.more.toggled.connect(lambda on: self._on_fold_toggled(self.more, on))
        self.weights_menu.changed.connect(self._on_weights_menu_changed)
        for spin in (self.epochs, self.imgsz, self.batch, self.seeds):
            spin.valueChanged.connect(self._on_value_changed)
        self.device.currentIndexChanged.connect(self._on_value_changed)
        self.method.currentIndexChanged.connect(self._on_value_changed)
        self.advanced.changed.connect(self._on_value_changed)
        self.recovery.changed.connect(self._on_value_changed)
        self.workspace.design_changed.connect(self.refresh)
        self.workspace.file_changed.connect(self.refresh)
        self.workspace.data_changed.connect(self.refresh)

    @property
    def panels(self) -> tuple[QWidget, QWidget]:
        """What is folded away."""
        return self.advanced, self.recovery.rows

    @property
    def shown_panel(self) -> QWidget | None:
        """The panel that is unfolded."""
        shown = self.advanced if self.more.isChecked() else None
        return self.recovery.rows if self.recovery.more.isChecked() else shown

    def fold(self) -> None:
        """Fold everything away."""
        self.more.setChecked(False)
        self.recovery.more.setChecked(False)

    def _on_fold_toggled(self, other: QPushButton, on: bool) -> None:
        if on:
            other.setChecked(False)
        self.unfolded.emit(self.shown_panel)

    # --- values --------------------------------------------------------------------------------------------

    def values(self) -> FormValues:
        """Return what the form says."""
        return FormValues(
            epochs=self.epochs.value(),
            imgsz=max(round(self.imgsz.value() / _STEP), 1) * _STEP,
            batch=self.batch.value(),
            device=self.device.device,
            weights=self.weights_menu.chosen or None,
            warm_start=str(self.method.currentData()) if self.weights_menu.chosen else "fresh",
            name=self.name.text().strip(),
            seed=self.seed.value(),
            seeds=self.seeds.value(),
            recover=self.recovery.recover,
            teacher=self.recovery.teacher_weights,
            overrides=self.advanced.overrides(),
        )

    def show_config(self, config: TrainConfig) -> None:
        """Fill the form with what a run was told, to train again or to change what waits."""
        self.epochs.setValue(config.epochs)
        self.imgsz.setValue(config.imgsz)
        self.batch.setValue(config.batch)
        self.device.choose(config.device)
        self.weights_menu.choose(config.weights or "")
        self.method.setCurrentIndex(max(self.method.findData(config.warm_start), 0))
        self.seed.setValue(config.seed)
        self.seeds.setValue(1)
        self.recovery.show_config(config.recover, config.teacher)
        self.advanced.show_overrides(config.overrides)
        self.workspace.set_data(config.data)

    def refresh(self, *_: object) -> None:
        """Show the open design and the chosen data."""
        self.choices.refresh()
        self._on_value_changed()

    def _on_weights_menu_changed(self) -> None:
        self.weights.set_words(self.weights_menu.words)
        self.method.setEnabled(bool(self.weights_menu.chosen))
        self._on_value_changed()

    def _on_value_changed(self, _value: object = None) -> None:
        self.recovery.show_facts(self._facts())
        self.changed.emit()

    def _facts(self) -> Facts:
        """Return what is known of the training before its files are read."""
        values = self.values()
        trained = bool(values.weights) and values.warm_start in ("refit", "factorise")
        return Facts(
            lightweight=not self.workspace.design.is_standard,
            epochs=values.epochs,
            trained=trained,
            teacher=bool(values.teacher) or _is_standard(values.weights),
            scheduled=any(name in values.overrides for name in SCHEDULE),
        )

    # --- texts ---------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Set the texts."""
        captions = {
            "design": self.tr("Design"),
            "data": self.tr("Data"),
            "epochs": self.tr("Epochs"),
            "imgsz": self.tr("Size, px"),
            "batch": self.tr("Batch"),
            "device": self.tr("Device"),
            "weights": self.tr("Warm start"),
            "name": self.tr("Name of the run"),
            "method": self.tr("New layers"),
            "seed": self.tr("Seed"),
            "seeds": self.tr("Seeds, how many"),
        }
        for name, words in captions.items():
            self._captions[name].setText(words)
            buddy = self._captions[name].buddy()
            if buddy is not None:
                buddy.setAccessibleName(words)
        self.more.setText(self.tr("Advanced"))
        self.name.setPlaceholderText(self.tr("from the design"))
        self.batch.setSpecialValueText(self.tr("auto"))
        self.batch.setToolTip(self.tr("0 takes the largest batch that fits and is still sensible"))
        self.seeds.setToolTip(self.tr("Trains once with each of so many seeds, one after the other"))
        chosen = self.method.currentData()
        self.method.blockSignals(True)
        self.method.clear()
        self.method.addItem(self.tr("Refitted to training pictures"), "refit")
        self.method.addItem(self.tr("Factorised"), "factorise")
        self.method.addItem(self.tr("Random"), "copy")
        self.method.setCurrentIndex(max(self.method.findData(chosen), 0))
        self.method.blockSignals(False)
        self.device.retranslate()
        self.advanced.retranslate()
        self.recovery.retranslate()
        self.estimate.retranslate()
        self._on_weights_menu_changed()
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _is_standard(weights: str | None) -> bool:
    """Tell whether weights are those of a standard run of a workspace."""
    path = Path(weights or "")
    if path.parent.name != "weights":
        return False
    try:
        return RunFolder(path.parent.parent).config().role == "standard"
    except AppError:
        return False


def _spin(name: str, low: int, high: int, value: int, step: int = 1) -> QSpinBox:
    spin = QSpinBox()
    spin.setObjectName(name)
    spin.setRange(low, high)
    spin.setSingleStep(step)
    spin.setValue(value)
    spin.setFixedWidth(84)
    return spin
