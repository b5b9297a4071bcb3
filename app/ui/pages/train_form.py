"""What the next training is told: design, data, epochs, size, batch, device, first weights, and more."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QProcess, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.activations import title
from app.core.design import preset, preset_names
from app.core.errors import AppError
from app.core.train_config import OPTIMIZERS, TrainConfig
from app.ui import theme
from app.ui.calls import calling
from app.ui.page import Services
from app.ui.pages.train_weights import WeightsMenu
from app.ui.requests import DATA, DESIGN, SAMPLE, DataRequest
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
    overrides: dict[str, Any] = field(default_factory=dict)


class TrainForm(Card):
    """The form in a card: one row, and a second one behind More."""

    changed = Signal()

    def __init__(self, services: Services) -> None:
        super().__init__(margin=theme.BETWEEN)
        self.services = services
        self.workspace = services.workspace
        self._captions: dict[str, QLabel] = {}
        self.design = MenuButton("trainDesign", self._fill_design)
        self.data = MenuButton("trainData", self._fill_data)
        self.weights_menu = WeightsMenu(services, self)
        self.weights = MenuButton("trainWeights", self.weights_menu.fill)
        self.epochs = _spin("trainEpochs", 1, 10_000, 40)
        self.imgsz = _spin("trainSize", _STEP, 2048, 320, _STEP)
        self.batch = _spin("trainBatch", 1, 1024, 16)
        self.device = QComboBox()
        self.device.setObjectName("trainDevice")
        self.more = button("trainMore", "flat", "settings")
        self.more.setCheckable(True)
        self.extra = self._build_extra()
        self._lay_out()
        self._connect()
        self._look_for_gpus()

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
        self.body.setSpacing(theme.INSIDE)
        self.body.addLayout(row)
        self.body.addWidget(self.extra)
        self.extra.setVisible(False)

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

    def _build_extra(self) -> QWidget:
        self.name = QLineEdit()
        self.name.setObjectName("trainName")
        self.method = QComboBox()
        self.method.setObjectName("trainMethod")
        self.seed = _spin("trainSeed", 0, 2**31 - 1, 0)
        self.optimizer = QComboBox()
        self.optimizer.setObjectName("trainOptimizer")
        self.optimizer.addItems(list(OPTIMIZERS))
        self.lr0 = QDoubleSpinBox()
        self.lr0.setObjectName("trainLr0")
        self.lr0.setDecimals(5)
        self.lr0.setRange(0.00001, 1.0)
        self.lr0.setSingleStep(0.0005)
        self.lr0.setValue(0.001)
        self.lr0.setEnabled(False)
        self.close_mosaic = _spin("trainCloseMosaic", 0, 1000, 10)
        self.patience = _spin("trainPatience", 1, 10_000, 100)
        extra = QWidget()
        grid = QGridLayout(extra)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.INSIDE)
        for column, (name, widget) in enumerate(
            (
                ("name", self.name),
                ("method", self.method),
                ("optimizer", self.optimizer),
                ("lr0", self.lr0),
                ("close_mosaic", self.close_mosaic),
                ("patience", self.patience),
                ("seed", self.seed),
            )
        ):
            grid.addLayout(self._field(name, widget), 0, column)
            grid.setColumnStretch(column, 2 if column < 2 else 1)
        return extra

    def _connect(self) -> None:
        self.more.toggled.connect(self.extra.setVisible)
        self.optimizer.currentTextChanged.connect(lambda text: self.lr0.setEnabled(text != "auto"))
        self.weights_menu.changed.connect(self._on_weights_menu_changed)
        self.workspace.design_changed.connect(self.refresh)
        self.workspace.file_changed.connect(self.refresh)
        self.workspace.data_changed.connect(self.refresh)

    # --- values --------------------------------------------------------------------------------------------

    def values(self) -> FormValues:
        """Return what the form says."""
        overrides: dict[str, Any] = {}
        if self.close_mosaic.value() != 10:
            overrides["close_mosaic"] = self.close_mosaic.value()
        if self.patience.value() != 100:
            overrides["patience"] = self.patience.value()
        if self.optimizer.currentText() != "auto":
            overrides |= {"optimizer": self.optimizer.currentText(), "lr0": round(self.lr0.value(), 6)}
        return FormValues(
            epochs=self.epochs.value(),
            imgsz=max(round(self.imgsz.value() / _STEP), 1) * _STEP,
            batch=self.batch.value(),
            device=str(self.device.currentData() or ""),
            weights=self.weights_menu.chosen or None,
            warm_start=str(self.method.currentData()) if self.weights_menu.chosen else "fresh",
            name=self.name.text().strip(),
            seed=self.seed.value(),
            overrides=overrides,
        )

    def show_config(self, config: TrainConfig) -> None:
        """Fill the form with what a run was told, to train again."""
        self.epochs.setValue(config.epochs)
        self.imgsz.setValue(config.imgsz)
        self.batch.setValue(config.batch)
        self.device.setCurrentIndex(max(self.device.findData(config.device), 0))
        self.weights_menu.choose(config.weights or "")
        self.method.setCurrentIndex(max(self.method.findData(config.warm_start), 0))
        self.seed.setValue(config.seed)
        self.optimizer.setCurrentText(str(config.overrides.get("optimizer", "auto")))
        self.lr0.setValue(float(config.overrides.get("lr0", self.lr0.value())))
        self.close_mosaic.setValue(int(config.overrides.get("close_mosaic", 10)))
        self.patience.setValue(int(config.overrides.get("patience", 100)))
        self.workspace.set_data(config.data)

    def refresh(self, *_: object) -> None:
        """Show the open design and the chosen data."""
        design = self.workspace.design
        swaps = len(design.resolved()) if design.swaps else 0
        if design.activation is not None:
            words = self.tr("{name}, {activation}, {count} swapped").format(
                name=self.workspace.name, activation=title(design.activation), count=swaps
            )
        elif swaps:
            words = self.tr("{name}, {count} swapped").format(name=self.workspace.name, count=swaps)
        else:
            words = self.tr("{name}, standard").format(name=self.workspace.name)
        self.design.set_words(words)
        self.data.set_words(self._data_words())
        theme.set_role(self.data, "", missing="false" if self.workspace.data else "true")
        self.changed.emit()

    def _data_words(self) -> str:
        data = self.workspace.data
        if not data:
            return self.tr("Choose…")
        if data == SAMPLE:
            return self.tr("Built-in sample")
        path = Path(data)
        return path.parent.name if path.suffix in (".yaml", ".yml") else path.name

    # --- menus ---------------------------------------------------------------------------------------------

    def _fill_design(self, menu: QMenu) -> None:
        menu.addAction(self.tr("Edit on the Design page"), lambda: self.workspace.go_to(DESIGN))
        recent = [Path(name) for name in self.workspace.store.settings.recent_designs]
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
            self.workspace.open_design(path)
        except AppError as problem:
            self.services.messages.error(problem)

    def _use_preset(self, name: str) -> None:
        try:
            design = self.workspace.design
            self.workspace.use_design(preset(name, design.base, design.classes))
        except AppError as problem:
            self.services.messages.error(problem)

    def _fill_data(self, menu: QMenu) -> None:
        sample = menu.addAction(self.tr("Built-in sample"), lambda: self.workspace.set_data(SAMPLE))
        _mark(sample, self.workspace.data == SAMPLE)
        recent = [name for name in self.workspace.store.settings.recent_data if Path(name).exists()]
        if recent:
            menu.addSection(self.tr("Recent data"))
        for name in recent:
            path = Path(name)
            words = path.parent.name if path.suffix else path.name
            action = menu.addAction(words, calling(self.workspace.set_data, name))
            action.setToolTip(name)
            _mark(action, self.workspace.data == name)
        menu.addSeparator()
        menu.addAction(self.tr("Choose a data.yaml…"), self.choose_data)
        if self.workspace.data:
            request = DataRequest(self.workspace.data)
            menu.addAction(
                self.tr("Look at it on the Data page"), lambda: self.workspace.go_to(DATA, request)
            )
        menu.setToolTipsVisible(True)

    def choose_data(self) -> None:
        """Let the user choose a data set's file."""
        found, _ = QFileDialog.getOpenFileName(
            self, self.tr("Choose a data set"), "", self.tr("Data sets (*.yaml *.yml)")
        )
        if found:
            self.workspace.set_data(found)

    def _on_weights_menu_changed(self) -> None:
        self.weights.set_words(self.weights_menu.words)
        self.method.setEnabled(bool(self.weights_menu.chosen))
        self.changed.emit()

    # --- devices -------------------------------------------------------------------------------------------

    def _look_for_gpus(self) -> None:
        """Ask the driver for GPUs, without torch; whether torch can use them the training will say."""
        self._gpus: list[tuple[str, str]] = []
        self._process = QProcess(self)
        self._process.finished.connect(self._on_process_finished)
        self._process.errorOccurred.connect(lambda _error: None)
        self._process.start("nvidia-smi", ["--query-gpu=index,name", "--format=csv,noheader"])

    def _on_process_finished(self, status: int) -> None:
        if status == 0:
            text = bytes(self._process.readAllStandardOutput().data()).decode(errors="replace")
            pairs = (line.split(",", 1) for line in text.splitlines() if "," in line)
            self._gpus = [(index.strip(), name.strip()) for index, name in pairs]
            self._fill_devices()

    def _fill_devices(self) -> None:
        chosen = self.device.currentData()
        self.device.clear()
        self.device.addItem(self.tr("Automatic"), "")
        self.device.addItem(self.tr("CPU"), "cpu")
        for index, name in self._gpus:
            self.device.addItem(self.tr("GPU {index}: {name}").format(index=index, name=name), index)
        if len(self._gpus) > 1:
            self.device.addItem(self.tr("All GPUs"), ",".join(index for index, _ in self._gpus))
        if sys.platform == "darwin":
            self.device.addItem(self.tr("Apple GPU"), "mps")
        self.device.setCurrentIndex(max(self.device.findData(chosen), 0))

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
            "optimizer": self.tr("Optimizer"),
            "lr0": self.tr("Learning rate"),
            "close_mosaic": self.tr("Last epochs without mosaic"),
            "patience": self.tr("Patience, epochs"),
            "seed": self.tr("Seed"),
        }
        for name, words in captions.items():
            self._captions[name].setText(words)
            buddy = self._captions[name].buddy()
            if buddy is not None:
                buddy.setAccessibleName(words)
        self.more.setText(self.tr("More"))
        self.name.setPlaceholderText(self.tr("from the design"))
        chosen = self.method.currentData()
        self.method.clear()
        self.method.addItem(self.tr("Refitted to training pictures"), "refit")
        self.method.addItem(self.tr("Factorised"), "factorise")
        self.method.addItem(self.tr("Random"), "copy")
        self.method.setCurrentIndex(max(self.method.findData(chosen), 0))
        self._fill_devices()
        self.weights_menu.retranslate()
        self._on_weights_menu_changed()
        self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _spin(name: str, low: int, high: int, value: int, step: int = 1) -> QSpinBox:
    spin = QSpinBox()
    spin.setObjectName(name)
    spin.setRange(low, high)
    spin.setSingleStep(step)
    spin.setValue(value)
    spin.setFixedWidth(84)
    return spin


def _mark(action: QAction, on: bool) -> None:
    action.setCheckable(True)
    action.setChecked(on)
