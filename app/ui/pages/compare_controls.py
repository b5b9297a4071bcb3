"""What acts while it runs: confidence and overlap, play, step and position."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from app.ui import theme
from app.ui.pages.compare_menus import ChoiceMenu, Entry
from app.ui.widgets.cards import label, name_widget, tool

CONFIDENCE, IOU = 0.25, 0.7
"""Where ultralytics' predict begins too."""

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""How many times as fast as it is meant to be a file can be played."""

_STEPS, _SPEED_WIDTH = 100, 76


class Limit(QWidget):
    """A slider from 0.01 to 0.99 with its name, its value, and a way back to where it began."""

    changed = Signal(float)

    def __init__(self, name: str, start: float) -> None:
        super().__init__()
        self._start = start
        self.name = label(role="muted")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setObjectName(name)
        self.slider.setRange(1, _STEPS - 1)
        self.slider.setPageStep(5)
        self.number = label()
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.number.setMinimumWidth(self.number.fontMetrics().horizontalAdvance("0.00"))
        self.reset = tool(f"{name}Reset", "undo")
        theme.set_role(self.reset, "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.name)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        row.addWidget(self.reset)
        self.slider.setValue(round(start * _STEPS))
        self.slider.valueChanged.connect(self._on_slider_value_changed)
        self.reset.clicked.connect(self._on_reset_clicked)
        self._show_value()

    @property
    def value(self) -> float:
        """Where the slider stands."""
        return self.slider.value() / _STEPS

    def set_words(self, name: str, hint: str, back: str) -> None:
        """Set the name, what it means, and what the way back says."""
        self.name.setText(name)
        self.slider.setAccessibleName(name)
        self.setToolTip(hint)
        name_widget(self.reset, back)

    def _show_value(self) -> None:
        self.number.setText(f"{self.value:.2f}")
        self.reset.setEnabled(self.slider.value() != round(self._start * _STEPS))

    @Slot()
    def _on_slider_value_changed(self) -> None:
        self._show_value()
        self.changed.emit(self.value)

    @Slot()
    def _on_reset_clicked(self) -> None:
        self.slider.setValue(round(self._start * _STEPS))


class Transport(QWidget):
    """Step back, step on, the position in a file, again from the beginning, and how fast."""

    stepped = Signal(int)
    sought = Signal(int)
    loop_changed = Signal(bool)
    speed_changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.back = tool("stepBack", "step_back")
        self.forward = tool("step", "step")
        self.position = QSlider(Qt.Orientation.Horizontal)
        self.position.setObjectName("position")
        self.where = label(role="muted")
        self.loop = tool("loop", "loop", checkable=True)
        self.loop.setChecked(True)
        self.speed = ChoiceMenu("speed")
        self.speed.setFixedWidth(_SPEED_WIDTH)
        self._frames: int | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.back)
        row.addWidget(self.forward)
        row.addWidget(self.position, 1)
        row.addWidget(self.where)
        row.addWidget(self.loop)
        row.addWidget(self.speed)
        self.back.clicked.connect(lambda: self.stepped.emit(-1))
        self.forward.clicked.connect(lambda: self.stepped.emit(1))
        self.position.sliderMoved.connect(self.sought)
        self.loop.toggled.connect(self.loop_changed)
        self.speed.value_chosen.connect(lambda value: self.speed_changed.emit(float(value)))
        self.show_source(False, None)

    def show_source(self, live: bool, frames: int | None) -> None:
        """Offer what the source can do: a camera has no position, and only files go back."""
        self._frames = None if live else frames
        self.back.setEnabled(not live)
        self.position.setEnabled(bool(self._frames))
        self.loop.setEnabled(not live)
        self.speed.setEnabled(not live)
        self.position.setRange(0, max((self._frames or 1) - 1, 0))
        self.show_index(0)

    def show_index(self, index: int) -> None:
        """Show which picture is on the screen."""
        if self._frames and not self.position.isSliderDown():
            self.position.setValue(index)
        self.where.setText(f"{index + 1} / {self._frames}" if self._frames else f"{index + 1}")

    def change_speed(self, by: int) -> None:
        """Take the next faster or slower speed."""
        if not self.speed.isEnabled():
            return
        place = SPEEDS.index(float(self.speed.value)) + by
        if 0 <= place < len(SPEEDS):
            self.speed.choose(str(SPEEDS[place]))
            self.speed_changed.emit(SPEEDS[place])

    def retranslate(self) -> None:
        """Set the words."""
        chosen = self.speed.value or "1.0"
        hint = self.tr("How fast a file is played ([ and ])")
        self.speed.show_entries([[Entry(f"{speed:g}×", str(speed), hint) for speed in SPEEDS]], chosen)
        self.speed.setAccessibleName(self.tr("Playing speed"))
        name_widget(self.loop, self.tr("Begin again at the end"), "L")
        name_widget(self.back, self.tr("One picture back"), ",")
        name_widget(self.forward, self.tr("One picture on"), ".")
        self.position.setAccessibleName(self.tr("Position in the clip"))
