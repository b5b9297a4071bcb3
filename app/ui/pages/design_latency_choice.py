"""Which device and runtime the milliseconds are of: what each is called, the menu, and another runtime to measure."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QHBoxLayout, QSpinBox, QVBoxLayout, QWidget

from app.core.latency import Setting
from app.core.latency_devices import KnownTable
from app.core.latency_words import RUNTIME_TITLES, where
from app.ui import theme
from app.ui.pages.design_latency_jobs import Wish
from app.ui.widgets.cards import button, label

PRECISIONS = ("auto", "f32", "bf16", "f16", "int8")
RUNTIMES = ("auto", "openvino", "onnxruntime", "torch", "tensorrt")
_MOST_THREADS = 1024
_WIDTH = 380


def short_name(known: KnownTable, others: Iterable[KnownTable] = ()) -> str:
    """Return what a table is called on a button: "OpenVINO bf16", with threads where others differ in them alone."""
    setting = known.table.setting
    told = [(one.here, where(one.table.setting), one.table.setting.device) for one in others]
    alone = told.count((known.here, where(setting), setting.device)) <= 1
    if known.here and alone and setting.device.startswith("cpu"):
        return where(setting)
    return full_name(known)


def full_name(known: KnownTable) -> str:
    """Return what a table is called in a list: "OpenVINO bf16, 2 threads", or with the name of another device."""
    setting = known.table.setting
    if not known.here:
        words = QCoreApplication.translate("LatencyChoice", "{machine}: {where}")
        return words.format(machine=setting.machine, where=where(setting))
    if not setting.device.startswith("cpu"):
        words = QCoreApplication.translate("LatencyChoice", "{where} on {device}")
        return words.format(where=where(setting), device=setting.device)
    words = QCoreApplication.translate("LatencyChoice", "{where}, {count} threads")
    if setting.threads == 1:
        words = QCoreApplication.translate("LatencyChoice", "{where}, 1 thread")
    return words.format(where=where(setting), count=setting.threads)


def long_name(setting: Setting) -> str:
    """Return all that a setting says, in a line."""
    words = QCoreApplication.translate(
        "LatencyChoice", "{machine}, {where}, device {device}, threads {threads}, pictures per call {batch}"
    )
    return words.format(
        machine=setting.machine,
        where=where(setting),
        device=setting.device,
        threads=setting.threads,
        batch=setting.batch,
    )


class RuntimeDialog(QDialog):
    """Asks for a runtime, a precision and a number of threads to measure with.

    Attributes:
        whole: whether the whole machine shall be measured rather than the open design.
    """

    def __init__(self, parent: QWidget, wish: Wish) -> None:
        super().__init__(parent)
        self.setObjectName("runtimeDialog")
        self.setWindowTitle(self.tr("Measure with another runtime"))
        self.whole = False
        self.runtime = self._choice("wishRuntime", RUNTIMES, wish.runtime, RUNTIME_TITLES)
        self.precision = self._choice("wishPrecision", PRECISIONS, wish.precision, {})
        self.threads = QSpinBox()
        self.threads.setObjectName("wishThreads")
        self.threads.setRange(0, _MOST_THREADS)
        self.threads.setSpecialValueText(self.tr("All"))
        self.threads.setValue(wish.threads or 0)
        form = QFormLayout()
        form.setSpacing(theme.INSIDE)
        for words, widget in (
            (self.tr("Runtime"), self.runtime),
            (self.tr("Precision"), self.precision),
            (self.tr("Threads"), self.threads),
        ):
            widget.setAccessibleName(words)
            form.addRow(words, widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.AROUND, theme.AROUND, theme.AROUND, theme.AROUND)
        column.setSpacing(theme.BETWEEN)
        column.addLayout(form)
        hint = self.tr("What is not installed, or not possible here, is said when it is tried.")
        column.addWidget(label(hint, "small", wrap=True))
        column.addLayout(self._buttons())
        self.setMinimumWidth(_WIDTH)

    def _choice(self, name: str, values: tuple[str, ...], chosen: str, titles: dict[str, str]) -> QComboBox:
        result = QComboBox()
        result.setObjectName(name)
        for value in values:
            words = self.tr("Automatic") if value == "auto" else titles.get(value, value)
            result.addItem(words, value)
        result.setCurrentIndex(max(result.findData(chosen), 0))
        return result

    def _buttons(self) -> QHBoxLayout:
        cancel, once, whole = button("wishCancel"), button("wishOnce"), button("wishWhole", "primary")
        cancel.setText(self.tr("Cancel"))
        once.setText(self.tr("Measure this design"))
        whole.setText(self.tr("Measure this machine"))
        whole.setDefault(True)
        cancel.clicked.connect(self.reject)
        once.clicked.connect(self.accept)
        whole.clicked.connect(self._on_whole_clicked)
        row = QHBoxLayout()
        row.addStretch(1)
        for widget in (cancel, once, whole):
            row.addWidget(widget)
        return row

    def _on_whole_clicked(self) -> None:
        self.whole = True
        self.accept()

    @property
    def wish(self) -> Wish:
        """What was chosen."""
        return Wish(
            str(self.runtime.currentData()),
            str(self.precision.currentData()),
            threads=self.threads.value() or None,
        )
