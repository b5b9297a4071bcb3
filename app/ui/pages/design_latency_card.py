"""The card of milliseconds: standard against lightweight, predicted and measured, what that means, and how to know."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QHBoxLayout, QLabel, QMenu, QProgressBar, QWidget

from app.core.latency import Prediction
from app.core.latency_words import busy_text
from app.core.statistics import Interval
from app.core.text import figure, ratio
from app.ui import theme
from app.ui.pages.design_latency_reading import Measured, Reading
from app.ui.text import filled
from app.ui.widgets.cards import Card, button, label
from app.ui.widgets.menu_button import MenuButton

_ROWS = ("predicted", "measured")
_COLUMNS = ("standard", "lightweight", "speedup")
_WIDE = 1380
"""Width from which totals and milliseconds stand beside each other."""
_NOTHING = "–"
_WIDEST = "Predicted 000.0 (p95 000.0) 000.0 (000.0–000.0) 0.00× (0.00–0.00) and spaces between them"
"""What the figures have room for before the buttons stand beside them: so they stay where they are while one edits."""
_DEVICE_WIDTH, _DEVICE_NARROW = 216, 184
_SENTENCE_WIDTH = 160


class LatencyCard(Card):
    """Shows what the page's latency controller tells; what the user wants leaves as signals."""

    fill_wanted = Signal()
    stop_wanted = Signal()
    measure_wanted = Signal()
    roofline_wanted = Signal()
    menu_wanted = Signal(QMenu)
    """The menu of devices is about to be shown and wants its entries."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, margin=theme.BETWEEN)
        self.setObjectName("latency")
        self._reading: Reading | None = None
        self._measures = False
        self._values: dict[tuple[str, str], QLabel] = {}
        self._heads: dict[str, QLabel] = {}
        self._names: dict[str, QLabel] = {}
        self.device = MenuButton("latencyDevice", self.menu_wanted.emit)
        self.device.setFixedWidth(_DEVICE_WIDTH)
        self.measure = button("measureDesign")
        self.roofline = button("openRoofline")
        self.sentence = label(role="muted", wrap=True)
        self.sentence.setObjectName("latencySentence")
        self.verdict = label(wrap=True)
        self.verdict.setObjectName("latencyVerdict")
        self.busy = label(role="small", wrap=True, tone="warn")
        self.busy.setObjectName("latencyBusy")
        self.status = label(role="small", wrap=True)
        self.status.setObjectName("latencyStatus")
        self.bar = QProgressBar()
        self.bar.setFixedWidth(96)
        self.bar.setTextVisible(False)
        self.stop = button("stopMeasuring", "segment")
        self.fill = button("measureMachine")
        self._lay_out()
        self.measure.clicked.connect(self.measure_wanted)
        self.roofline.clicked.connect(self.roofline_wanted)
        self.fill.clicked.connect(self.fill_wanted)
        self.stop.clicked.connect(self.stop_wanted)
        self.retranslate()

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(theme.INSIDE)
        for widget in (self.device, self.measure, self.fill, self.roofline):
            tools.addWidget(widget)
        tools.addStretch(1)
        self._tools = QWidget()
        tools.setContentsMargins(0, 0, 0, 0)
        self._tools.setLayout(tools)
        self._figures = QWidget()
        self._figures.setLayout(self._build_grid())
        self._upper = QGridLayout()
        self._upper.setHorizontalSpacing(theme.AROUND)
        self._upper.setVerticalSpacing(4)
        self._upper.setColumnStretch(0, 1)
        self._narrow: bool | None = None
        self._place(narrow=False)
        state = QHBoxLayout()
        state.setSpacing(theme.INSIDE)
        state.addWidget(self.status, 1)
        state.addWidget(self.bar)
        state.addWidget(self.stop)
        self.body.setContentsMargins(theme.BETWEEN, theme.INSIDE, theme.BETWEEN, theme.INSIDE)
        self.body.setSpacing(4)
        self.body.addLayout(self._upper)
        self.body.addWidget(self.busy)
        self.body.addLayout(state)

    def _build_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.BETWEEN)
        grid.setVerticalSpacing(1)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for row, name in enumerate(_ROWS, 1):
            self._names[name] = label()
            self._names[name].setObjectName(f"latency_{name}")
            grid.addWidget(self._names[name], row, 0)
        for column, side in enumerate(_COLUMNS, 1):
            self._heads[side] = label(role="small")
            self._heads[side].setAlignment(right)
            grid.addWidget(self._heads[side], 0, column)
            for row, name in enumerate(_ROWS, 1):
                value = label(role="" if side == "standard" else "strong", tone=_tone(side))
                value.setObjectName(f"latency_{name}_{side}")
                value.setAlignment(right)
                self._values[name, side] = value
                grid.addWidget(value, row, column)
            grid.setColumnStretch(column, 1)
        return grid

    def show_reading(self, reading: Reading | None) -> None:
        """Show figures; None where nothing was ever measured."""
        self._reading = reading
        known = reading is not None and (reading.predicted or reading.measured) is not None
        self._figures.setVisible(known)
        self.sentence.setVisible(not known)
        self.roofline.setVisible(known)
        self._write()

    def show_device(self, words: str, tip: str) -> None:
        """Show which device and runtime the figures are of."""
        self.device.set_words(words)
        self.device.setToolTip(tip)
        self.device.setAccessibleName(self.tr("Device and runtime: {name}").format(name=words))

    def show_state(self, status: str, fraction: float | None, fill: bool) -> None:
        """Show what is being measured, or offer to measure.

        Args:
            status: a sentence, translated; "" for none.
            fraction: how far it is, negative while unknown; None while nothing is measured.
            fill: whether measuring this machine is offered.
        """
        self.status.setText(status)
        self.status.setVisible(bool(status))
        self.bar.setVisible(fraction is not None)
        self.stop.setVisible(fraction is not None)
        if fraction is not None:
            self.bar.setRange(0, 0 if fraction < 0 else 1000)
            self.bar.setValue(round(max(fraction, 0.0) * 1000))
        self.fill.setVisible(fill and fraction is None)

    def allow(self, measure: bool, reason: str) -> None:
        """Let the design be measured, or say why not."""
        self.measure.setEnabled(measure)
        self.measure.setToolTip(reason)

    def _write(self) -> None:
        """Write what is known. What was shown once keeps its place, so that nothing moves while one edits."""
        reading = self._reading
        if reading is None:
            self.verdict.setVisible(False)
            self.busy.setVisible(False)
            return
        words, measured = reading.verdict, reading.measured
        self.verdict.setText(
            filled(words.template, words.values)
            if words is not None
            else self.tr("Nothing is replaced: this is the standard model.")
        )
        self.verdict.setVisible(self._figures.isVisibleTo(self))
        busy = busy_text(measured.busy) if measured is not None and measured.busy is not None else None
        self.busy.setText(filled(busy.template, busy.values) if busy is not None else "")
        self.busy.setVisible(busy is not None)
        self._show_row("predicted", self._predicted(reading), True)
        self._measures = self._measures or measured is not None
        self._show_row("measured", self._measured(measured), self._measures)
        self._place(narrow=self.width() < self._needed(beside=True))

    def _show_row(self, name: str, texts: tuple[str, str, str], visible: bool) -> None:
        self._names[name].setVisible(visible)
        for side, text in zip(_COLUMNS, texts, strict=True):
            value = self._values[name, side]
            value.setText(text)
            value.setVisible(visible)

    def _predicted(self, reading: Reading) -> tuple[str, str, str]:
        standard, found = reading.standard, reading.predicted
        if standard is None or found is None:
            return (figure(standard.ms) if standard is not None else _NOTHING), _NOTHING, _NOTHING
        if reading.is_standard:
            return figure(standard.ms), figure(standard.ms), ratio(1.0)
        times = Interval(standard.ms / found.ms, standard.ms / found.high, standard.ms / found.low)
        return figure(standard.ms), _with_bounds(found), _times(times)

    def _measured(self, measured: Measured | None) -> tuple[str, str, str]:
        if measured is None:
            return _NOTHING, _NOTHING, _NOTHING
        return (
            self._with_p95(measured.standard, measured.standard_p95),
            self._with_p95(measured.lightweight, measured.lightweight_p95),
            _times(measured.speedup),
        )

    def _with_p95(self, p50: float, p95: float | None) -> str:
        if p95 is None:
            return figure(p50)
        return self.tr("{p50} (p95 {p95})").format(p50=figure(p50), p95=figure(p95))

    def retranslate(self) -> None:
        """Set the translated texts."""
        self.setAccessibleName(self.tr("Milliseconds of the standard and the lightweight model"))
        self._heads["standard"].setText(self.tr("Standard (ms)"))
        self._heads["lightweight"].setText(self.tr("Lightweight (ms)"))
        self._heads["speedup"].setText(self.tr("Times as fast"))
        self._names["predicted"].setText(self.tr("Predicted"))
        self._names["predicted"].setToolTip(
            self.tr(
                "From what the modules took in other models measured there; in brackets the 90 % interval."
            )
        )
        self._names["measured"].setText(self.tr("Measured"))
        self._names["measured"].setToolTip(
            self.tr(
                "Median and 95th percentile; in brackets behind the speed-up its 95 % interval, from paired calls."
            )
        )
        self.sentence.setText(
            self.tr("What this takes in milliseconds has not been measured on this machine yet.")
        )
        self.measure.setText(self.tr("Measure"))
        self.roofline.setText(self.tr("Roofline"))
        self.roofline.setToolTip(self.tr("Shows which layers wait for memory, and which for arithmetic."))
        self.fill.setText(self.tr("Measure this machine"))
        self.fill.setToolTip(
            self.tr(
                "Measures some dozens of models in the background, so that every design can be predicted. It takes "
                "some minutes, waits for trainings, and can be stopped and continued."
            )
        )
        self.stop.setText(self.tr("Stop"))
        self.stop.setMinimumWidth(self.stop.fontMetrics().horizontalAdvance(self.stop.text()) + 20)
        self.bar.setAccessibleName(self.tr("How far the measuring is"))
        self._write()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _place(self, narrow: bool) -> None:
        """Put the buttons beside the figures, or beside the verdict where there is no room."""
        if narrow == self._narrow:
            return
        self._narrow = narrow
        for widget in (self._figures, self.sentence, self.verdict, self._tools):
            self._upper.removeWidget(widget)
        self._upper.addWidget(self._figures, 0, 0, 1, 2 if narrow else 1)
        self._upper.addWidget(self.sentence, 1 if narrow else 0, 0)
        self._upper.addWidget(self.verdict, 1, 0, 1, 1 if narrow else 2)
        side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
        self._upper.addWidget(self._tools, 1 if narrow else 0, 1, side)
        self.device.setFixedWidth(_DEVICE_NARROW if narrow else _DEVICE_WIDTH)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Find the buttons a place."""
        super().resizeEvent(event)
        self._place(narrow=self.width() < self._needed(beside=True))

    def minimumSizeHint(self) -> QSize:
        """Leave the way back to the narrow form."""
        return QSize(self._needed(beside=False), super().minimumSizeHint().height())

    def _needed(self, beside: bool) -> int:
        """Return the width that figures and buttons need, beside or above each other."""
        reserved = self.fontMetrics().horizontalAdvance(_WIDEST) if beside else 0
        left = max(self._figures.minimumSizeHint().width(), reserved)
        right = self._tools.minimumSizeHint().width()
        right += (_DEVICE_WIDTH if beside else _DEVICE_NARROW) - self.device.width()
        words = _SENTENCE_WIDTH + theme.AROUND + right
        if self._figures.isHidden():
            left = _SENTENCE_WIDTH
        return 2 * theme.BETWEEN + 2 + (left + theme.AROUND + right if beside else max(left, words))


class Below(QWidget):
    """What stands below the table: the totals and the milliseconds, beside each other where there is room."""

    def __init__(self, totals: QWidget, latency: LatencyCard) -> None:
        super().__init__()
        self._row = QBoxLayout(QBoxLayout.Direction.TopToBottom, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.BETWEEN)
        self._row.addWidget(totals, 1)
        self._row.addWidget(latency, 1)
        self._both = totals, latency

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the direction."""
        super().resizeEvent(event)
        ways = QBoxLayout.Direction
        self._row.setDirection(ways.LeftToRight if self.width() >= _WIDE else ways.TopToBottom)

    def minimumSizeHint(self) -> QSize:
        """Leave the way back to the narrow form."""
        width = max(widget.minimumSizeHint().width() for widget in self._both)
        return QSize(width, super().minimumSizeHint().height())


def _with_bounds(found: Prediction) -> str:
    return f"{figure(found.ms)} ({figure(found.low)}–{figure(found.high)})"


def _times(times: Interval) -> str:
    if times.low == times.high:
        return ratio(times.median)
    return f"{ratio(times.median)} ({figure(times.low)}–{figure(times.high)})"


def _tone(side: str) -> str:
    return side if side in ("standard", "lightweight") else ""
