"""Everything an expert may change about a training, in columns, folded away until asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.core.train_setting import AUGMENTATION, LOSS, MACHINE, OPTIMIZER, SCHEDULE, Setting
from app.core.train_settings import SETTINGS, overrides_of
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.cards import button, label

_FIELD = 84
_COLUMNS = ((OPTIMIZER,), (SCHEDULE,), (LOSS, MACHINE))
_AUGMENTATION_ROWS = 8

Field = QSpinBox | QDoubleSpinBox | QComboBox | QCheckBox


class AdvancedSettings(QScrollArea):
    """A field for every setting; what differs from stock training is marked, and one button takes it all back."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("trainAdvanced")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self._other: dict[str, Any] = {}
        self._fields: dict[str, Field] = {}
        self._names: dict[str, QLabel] = {}
        self._titles: dict[str, QLabel] = {}
        self.reset = button("trainDefaults", "flat", "undo")
        self.reset.clicked.connect(lambda: self.show_overrides({}))
        self.top = QHBoxLayout()
        self.top.setSpacing(theme.INSIDE)
        self._lay_out()
        self._note_changes()

    # --- layout --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        inside = QWidget()
        whole = QVBoxLayout(inside)
        whole.setContentsMargins(0, 0, theme.INSIDE, 0)
        whole.setSpacing(theme.BETWEEN)
        whole.addLayout(self.top)
        columns = QHBoxLayout()
        columns.setSpacing(theme.AROUND)
        for groups in _COLUMNS:
            columns.addLayout(self._column([(group, _of(group)) for group in groups]), 1)
        pictures = _of(AUGMENTATION)
        columns.addLayout(self._column([(AUGMENTATION, pictures[:_AUGMENTATION_ROWS])]), 1)
        columns.addLayout(self._column([("", pictures[_AUGMENTATION_ROWS:])]), 1)
        whole.addLayout(columns)
        whole.addStretch(1)
        self.setWidget(inside)

    def _column(self, groups: list[tuple[str, list[Setting]]]) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(4)
        for group, settings in groups:
            title = label(role="strong")
            if group:
                self._titles[group] = title
            column.addWidget(title)
            grid = QGridLayout()
            grid.setHorizontalSpacing(theme.INSIDE)
            grid.setVerticalSpacing(4)
            grid.setColumnStretch(2, 1)
            for row, setting in enumerate(settings):
                self._add(grid, row, setting)
            column.addLayout(grid)
            column.addSpacing(4)
        column.addStretch(1)
        return column

    def _add(self, grid: QGridLayout, row: int, setting: Setting) -> None:
        name, field = label(role="small"), _field(setting)
        name.setBuddy(field)
        field.setObjectName(f"train_{setting.name}")
        field.installEventFilter(self)
        self._names[setting.name], self._fields[setting.name] = name, field
        grid.setRowMinimumHeight(row, theme.CONTROL_HEIGHT)
        grid.addWidget(name, row, 0)
        grid.addWidget(field, row, 1)
        if isinstance(field, QComboBox):
            field.currentIndexChanged.connect(self._on_field_changed)
        elif isinstance(field, QCheckBox):
            field.toggled.connect(self._on_field_changed)
        else:
            field.valueChanged.connect(self._on_field_changed)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        """Scroll the panel where the wheel turns over a field that nobody is editing."""
        if isinstance(event, QWheelEvent) and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    # --- values --------------------------------------------------------------------------------------------

    def overrides(self) -> dict[str, Any]:
        """Return what differs from stock training, and what the form has no field for."""
        return {**self._other, **overrides_of({name: _value(field) for name, field in self._fields.items()})}

    def show_overrides(self, overrides: Mapping[str, Any]) -> None:
        """Show what a run was told; what has no field is kept and told again."""
        self.blockSignals(True)
        for setting in SETTINGS:
            _show(self._fields[setting.name], setting.value(overrides))
        shown = {setting.name for setting in SETTINGS if not isinstance(overrides.get(setting.name), list)}
        self._other = {name: value for name, value in overrides.items() if name not in shown}
        self.blockSignals(False)
        self._on_field_changed()

    def _on_field_changed(self, _value: object = None) -> None:
        self._note_changes()
        self.changed.emit()

    def _note_changes(self) -> None:
        changed = self.overrides()
        for name, shown in self._names.items():
            theme.set_role(shown, "small", tone="accent" if name in changed else "")
        self._fields["lr0"].setEnabled(_value(self._fields["optimizer"]) != "auto")
        self._fields["momentum"].setEnabled(_value(self._fields["optimizer"]) != "auto")
        self.reset.setEnabled(bool(changed))

    # --- texts ---------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Set the texts."""
        self.setAccessibleName(self.tr("Advanced settings"))
        titles = {
            OPTIMIZER: self.tr("Optimizer"),
            SCHEDULE: self.tr("Schedule"),
            LOSS: self.tr("Loss"),
            AUGMENTATION: self.tr("Augmentation"),
            MACHINE: self.tr("Machine"),
        }
        for group, words in titles.items():
            self._titles[group].setText(words)
        for setting in SETTINGS:
            title, about = translated(setting.title), translated(setting.about)
            field = self._fields[setting.name]
            self._names[setting.name].setText(title)
            self._names[setting.name].setToolTip(about)
            field.setToolTip(self.tr("{about} ({name})").format(about=about, name=setting.name))
            field.setAccessibleName(title)
        self._name_choices()
        self.reset.setText(self.tr("Stock defaults"))
        self.reset.setToolTip(self.tr("Takes back every advanced setting that was changed"))

    def _name_choices(self) -> None:
        words = {
            "auto": self.tr("Automatic"),
            "ram": self.tr("In memory"),
            "disk": self.tr("On disk"),
            "off": self.tr("Not kept"),
        }
        for field in self._fields.values():
            if isinstance(field, QComboBox):
                for index in range(field.count()):
                    value = str(field.itemData(index))
                    field.setItemText(index, words.get(value, value))


def _of(group: str) -> list[Setting]:
    return [setting for setting in SETTINGS if setting.group == group]


def _field(setting: Setting) -> Field:
    field: Field
    if setting.is_switch:
        field = QCheckBox()
        field.setChecked(setting.default)
        return field
    if setting.choices:
        field = QComboBox()
        for choice in setting.choices:
            field.addItem(choice, choice)
    elif setting.decimals:
        field = QDoubleSpinBox()
        field.setDecimals(setting.decimals)
        field.setRange(setting.low, setting.high)
        field.setSingleStep(setting.step)
        field.setValue(setting.default)
    else:
        field = QSpinBox()
        field.setRange(int(setting.low), int(setting.high))
        field.setSingleStep(int(setting.step))
        field.setValue(setting.default)
    field.setFixedWidth(_FIELD if not setting.choices else _FIELD + theme.GROUPS)
    field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return field


def _value(field: Field) -> Any:
    if isinstance(field, QComboBox):
        return field.currentData()
    return field.isChecked() if isinstance(field, QCheckBox) else field.value()


def _show(field: Field, value: Any) -> None:
    if isinstance(field, QComboBox):
        field.setCurrentIndex(max(field.findData(value), 0))
    elif isinstance(field, QCheckBox):
        field.setChecked(bool(value))
    elif isinstance(field, QSpinBox):
        field.setValue(int(value))
    else:
        field.setValue(float(value))
