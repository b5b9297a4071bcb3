"""How a model is exported: precision, picture size, bundle, folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.export_formats import NO_BUNDLE, ExportFormat
from app.ui import theme
from app.ui.data_names import spoken_name
from app.ui.pages.models_rows import ModelRow
from app.ui.text import in_a_row
from app.ui.widgets.cards import button, label
from app.ui.widgets.elided import ElidedLabel

OWN, OTHER = "own", "other"
STEP, MOST = 32, 4096
_INT8 = "int8"
_TITLES = {"f32": "f32", "f16": "f16", "int8": "INT8"}
_ASPECTS = ((16, 9), (4, 3))
_FALLBACK = 640
_LABELS = ("precision", "data", "size", "bundle", "folder")


class ExportOptions(QWidget):
    """The fields; what a format does not have is not offered."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[ModelRow] = ()
        self._form: ExportFormat | None = None
        self._recent: Sequence[str] = ()
        self._wanted = "f32"
        self._imgsz: int | None = None
        self._proposed = self.folder_path = Path()
        self.precision = _combo("exportPrecision")
        self.data = _combo("exportData")
        self.size_ = _combo("exportSize")
        self.width_, self.height_ = _spin("exportWidth"), _spin("exportHeight")
        self.dynamic = QCheckBox()
        self.dynamic.setObjectName("exportDynamic")
        self.bundle = QCheckBox()
        self.bundle.setObjectName("exportBundle")
        self.folder = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.folder.setObjectName("exportFolder")
        self.choose = button("exportChooseFolder", icon="folder")
        self.choose.setAutoDefault(False)
        self._names = {name: label() for name in _LABELS}
        self._hints = {name: label(role="small", wrap=True) for name in ("precision", "size", "bundle")}
        self._hints["precision"].setObjectName("exportPrecisionHint")
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        other = QHBoxLayout()
        other.setSpacing(theme.INSIDE)
        self._times = QLabel("×")
        for widget in (self.width_, self._times, self.height_):
            other.addWidget(widget)
        other.addStretch(1)
        place = QHBoxLayout()
        place.setSpacing(theme.INSIDE)
        place.addWidget(self.folder, 1)
        place.addWidget(self.choose)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(theme.AROUND)
        form.setVerticalSpacing(theme.BETWEEN)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self._names["precision"], _stacked(self.precision, self._hints["precision"]))
        form.addRow(self._names["data"], self.data)
        size = _stacked(self.size_, other, self.dynamic, self._hints["size"])
        form.addRow(self._names["size"], size)
        form.addRow(self._names["bundle"], _stacked(self.bundle, self._hints["bundle"]))
        form.addRow(self._names["folder"], place)
        self._layout = form

    def _connect(self) -> None:
        self.precision.activated.connect(self._on_precision_activated)
        self.data.activated.connect(self._on_data_activated)
        self.size_.currentIndexChanged.connect(self._update)
        for spin in (self.width_, self.height_):
            spin.editingFinished.connect(self._round)
            spin.valueChanged.connect(self._update)
        self.dynamic.toggled.connect(self._update)
        self.bundle.toggled.connect(self._update)
        self.choose.clicked.connect(self._on_choose_clicked)

    # --- what is exported ----------------------------------------------------------------------------------

    def show_models(self, rows: Sequence[ModelRow], imgsz: int | None, recent: Sequence[str]) -> None:
        """Take other models.

        Args:
            rows: What is exported.
            imgsz: The size that all of them were trained at, or None where it differs or is not known.
            recent: Data sets used lately, offered for INT8 where a model belongs to no run.
        """
        self._rows, self._recent = rows, recent
        self._imgsz = imgsz
        self._fill_sizes()
        self._fill_data()
        self._update()

    def show_format(self, form: ExportFormat) -> None:
        """Offer what a format has."""
        self._form = form
        self.precision.clear()
        for name in form.precisions:
            self.precision.addItem(_TITLES[name], name)
        self.precision.setCurrentIndex(max(self.precision.findData(self._wanted), 0))
        self._update()

    def _fill_sizes(self) -> None:
        chosen = self.size_.currentData()
        self.size_.clear()
        own = self._imgsz
        if own is None:
            self.size_.addItem(self.tr("As it was trained"), OWN)
        else:
            self.size_.addItem(self.tr("{size} × {size}, as it was trained").format(size=own), OWN)
            for across, down in _ASPECTS:
                height = _multiple(own * down / across)
                words = self.tr("{width} × {height}, for pictures of {across}:{down}").format(
                    width=own, height=height, across=across, down=down
                )
                self.size_.addItem(words, (own, height))
        self.size_.addItem(self.tr("Another size"), OTHER)
        if chosen == OTHER:
            self.size_.setCurrentIndex(self.size_.count() - 1)
        else:
            for spin in (self.width_, self.height_):
                spin.setValue(own or _FALLBACK)

    def _fill_data(self) -> None:
        chosen = self.data.currentData()
        self.data.clear()
        for spec in self._recent:
            self.data.addItem(spoken_name(spec), spec)
            self.data.setItemData(self.data.count() - 1, spec, Qt.ItemDataRole.ToolTipRole)
        self.data.addItem(self.tr("Choose a data set…"), "")
        self.data.setCurrentIndex(max(self.data.findData(chosen), 0) if chosen else 0)

    # --- what is chosen ------------------------------------------------------------------------------------

    @property
    def size_chosen(self) -> tuple[int, int] | None:
        """The input (height, width), or None for that of the checkpoint."""
        chosen = self.size_.currentData()
        if chosen == OTHER:
            return _multiple(self.height_.value()), _multiple(self.width_.value())
        return None if chosen in (OWN, None) else (int(chosen[1]), int(chosen[0]))

    @property
    def precision_chosen(self) -> str:
        """``f32``, ``f16`` or ``int8``."""
        return str(self.precision.currentData() or "f32")

    @property
    def dynamic_chosen(self) -> bool:
        """Whether the format can take any size, and shall."""
        return self._form is not None and self._form.dynamic and self.dynamic.isChecked()

    @property
    def bundle_chosen(self) -> bool:
        """Whether the format has a bundle, and shall."""
        return self._form is not None and self._form.name not in NO_BUNDLE and self.bundle.isChecked()

    def data_for(self, row: ModelRow) -> str:
        """Return the data set that a model's INT8 is calibrated with; empty for its run's own."""
        return str(self.data.currentData() or "") if row.run is None else ""

    @property
    def lack(self) -> str:
        """What is still missing to export, in a sentence; empty where nothing is."""
        if self._needs_data and not self.data.currentData():
            return self.tr("Choose the data set whose training pictures INT8 is calibrated with.")
        return ""

    @property
    def _needs_data(self) -> bool:
        return self.precision_chosen == _INT8 and any(row.run is None for row in self._rows)

    def use_folder(self, folder: Path) -> None:
        """Write into this folder."""
        self.folder_path = folder
        self.folder.setText(str(folder))
        self.changed.emit()

    def propose_folder(self, folder: Path) -> None:
        """Write into this folder, unless a person chose another one."""
        if self.folder_path == self._proposed:
            self.use_folder(folder)
        self._proposed = folder

    @Slot()
    def _on_choose_clicked(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.tr("Choose a folder"), str(self.folder_path))
        if name:
            self.use_folder(Path(name))

    @Slot()
    def _on_precision_activated(self) -> None:
        self._wanted = self.precision_chosen
        self._update()

    @Slot()
    def _on_data_activated(self) -> None:
        if not self.data.currentData():
            name = QFileDialog.getOpenFileName(
                self,
                self.tr("Choose a data set"),
                "",
                self.tr("Data sets ({pattern})").format(pattern="*.yaml *.yml"),
            )[0]
            if name:
                self._recent = [name, *(spec for spec in self._recent if spec != name)]
                self._fill_data()
                self.data.setCurrentIndex(0)
        self._update()

    @Slot()
    def _round(self) -> None:
        for spin in (self.width_, self.height_):
            spin.setValue(_multiple(spin.value()))

    @Slot()
    def _update(self) -> None:
        form = self._form
        if form is None:
            return
        self._layout.setRowVisible(self.data, self._needs_data)
        other = self.size_.currentData() == OTHER
        for widget in (self.width_, self._times, self.height_):
            widget.setVisible(other)
        self.dynamic.setEnabled(form.dynamic)
        self.bundle.setEnabled(form.name not in NO_BUNDLE)
        self._say(form)
        self.changed.emit()

    def _say(self, form: ExportFormat) -> None:
        warned = self.precision_chosen == _INT8
        hint = self._hints["precision"]
        hint.setText(self._precision_words())
        theme.set_role(hint, "small", tone="warn" if warned else "")
        if not form.dynamic:
            words = self.tr("{title} is written for one picture size.").format(title=form.title)
        elif self.dynamic.isChecked():
            words = self.tr("Any multiple of 32 will do. Some runtimes are slower then.")
        else:
            words = self.tr("The closer it comes to the shape of your pictures, the less is computed.")
        self._hints["size"].setText(words)
        bundle = self.tr(
            "A folder with the model, its class names, a short script that detects, and a list of the few "
            "packages that it needs: it runs without the Studio and without PyTorch."
        )
        if form.name == "torchscript":
            bundle = self.tr(
                "A folder with the model, its class names, a short script that detects, and a list of the few "
                "packages that it needs: it runs without the Studio."
            )
        if form.name in NO_BUNDLE:
            bundle = self.tr(
                "There is none for {title}: its file runs on the kind of GPU that it was made on alone."
            ).format(title=form.title)
        self._hints["bundle"].setText(bundle)
        for name, field in (("precision", self.precision), ("size", self.size_), ("bundle", self.bundle)):
            field.setAccessibleDescription(self._hints[name].text())

    def _precision_words(self) -> str:
        precision = self.precision_chosen
        if precision == "f32":
            return self.tr("Computes what PyTorch computes.")
        if precision == "f16":
            return self.tr("Half the size. Boxes and scores move a little; the check says how far.")
        warning = self.tr(
            "Smallest and often fastest, but it costs accuracy: look at the check, and measure it with the bench."
        )
        pictures = (
            self.tr("It is calibrated on training pictures.")
            if self._needs_data
            else self.tr("It is calibrated on the training pictures of the run, which must still be there.")
        )
        return in_a_row(warning, pictures)

    def retranslate(self) -> None:
        """Set the texts."""
        words = {
            "precision": self.tr("Weights in"),
            "data": self.tr("Calibrated with"),
            "size": self.tr("Picture size"),
            "bundle": self.tr("Bundle"),
            "folder": self.tr("Folder"),
        }
        fields = (self.precision, self.data, self.size_, self.bundle, self.choose)
        for (name, text), field in zip(words.items(), fields, strict=True):
            self._names[name].setText(text)
            self._names[name].setBuddy(field)
        self.precision.setAccessibleName(self.tr("Precision of the weights"))
        self.data.setAccessibleName(self.tr("Data set that INT8 is calibrated with"))
        self.size_.setAccessibleName(words["size"])
        self.width_.setAccessibleName(self.tr("Width in pixels"))
        self.height_.setAccessibleName(self.tr("Height in pixels"))
        self.dynamic.setText(self.tr("Take any picture size"))
        self.bundle.setText(self.tr("Add a script that runs it"))
        self.choose.setText(self.tr("Choose…"))
        self.choose.setAccessibleName(self.tr("Choose a folder"))
        self._fill_sizes()
        self._fill_data()
        self._update()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _multiple(pixels: float) -> int:
    """Return the nearest multiple of 32, at least 32."""
    return max(round(pixels / STEP) * STEP, STEP)


def _combo(name: str) -> QComboBox:
    result = QComboBox()
    result.setObjectName(name)
    result.setMinimumWidth(120)
    result.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return result


def _spin(name: str) -> QSpinBox:
    result = QSpinBox()
    result.setObjectName(name)
    result.setRange(STEP, MOST)
    result.setSingleStep(STEP)
    result.setValue(_FALLBACK)
    return result


def _stacked(*items: QWidget | QHBoxLayout) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(4)
    for item in items:
        if isinstance(item, QWidget):
            left = Qt.AlignmentFlag.AlignLeft if isinstance(item, QComboBox) else Qt.AlignmentFlag(0)
            column.addWidget(item, 0, left)
        else:
            column.addLayout(item)
    return column
