"""What a comparison runs on: runtime, precision and device, and what was measured of them here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.core.runtime_table import AGREEMENT, INT8, RUNTIMES, Measured, measured, missing, resolve
from app.ui import theme
from app.ui.pages.compare_menus import ChoiceMenu, Entry

NAMES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "torch": "PyTorch"}
_GPU = "mps" if sys.platform == "darwin" else "cuda"


class RuntimeMenus(QWidget):
    """Runtime, precision and device, the same on both sides."""

    changed = Signal(str, str, str)
    """Runtime, precision and device that a person chose."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runtime = ChoiceMenu("runtime")
        self.precision = ChoiceMenu("precision")
        self.device = ChoiceMenu("device")
        self._chosen = ("auto", "auto", "auto")
        self._sides: tuple[str, ...] = ()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.INSIDE)
        for menu, characters in ((self.runtime, 9), (self.precision, 8), (self.device, 7)):
            menu.setMinimumContentsLength(characters)
            menu.value_chosen.connect(self._on_menu_value_chosen)
            menu.opening.connect(self.retranslate)
            row.addWidget(menu, 1)

    def choose(self, runtime: str, precision: str, device: str) -> None:
        """Choose without telling."""
        self._chosen = (runtime, precision, device)
        self.retranslate()

    def show_sides(self, a: str, b: str) -> None:
        """Offer what can run these detectors."""
        self._sides = (a, b)
        self.retranslate()

    @Slot()
    def retranslate(self) -> None:
        """Fill the menus anew, with what is measured by now."""
        runtime, precision, device = self._chosen
        table = measured()
        fastest = Entry(self.tr("Fastest here"), "auto", self._about_fastest(table))
        runtimes = [self._runtime_entry(name, table) for name in RUNTIMES]
        self.runtime.show_entries([[fastest, *runtimes]], runtime)
        any_precision = Entry(
            self.tr("Any precision"), "auto", self.tr("The fastest that keeps the accuracy; never INT8")
        )
        floats = [self._precision_entry(name, table) for name in ("f32", "bf16", "f16")]
        self.precision.show_entries([[any_precision, *floats], [self._int8_entry()]], precision)
        devices = [Entry(self.tr("Any device"), "auto"), Entry("CPU", "cpu"), self._gpu_entry(table)]
        self.device.show_entries([devices], device)
        self.runtime.setAccessibleName(self.tr("Runtime"))
        self.precision.setAccessibleName(self.tr("Precision"))
        self.device.setAccessibleName(self.tr("Device"))

    def _about_fastest(self, table: Sequence[Measured]) -> str:
        """Say what "auto" stands for, and why."""
        choice = resolve()
        row = next((row for row in table if row.choice == choice), None)
        what = {"runtime": NAMES[choice.runtime], "precision": choice.precision}
        if row is None:
            words = self.tr("{runtime} in {precision}, until the runtimes of this machine are measured.")
            return words.format(**what)
        words = self.tr(
            "{runtime} in {precision}: of all that keep the accuracy the fastest on this machine,"
            " {ms:.1f} ms for the sample's pair."
        )
        return words.format(**what, ms=row.milliseconds)

    def _runtime_entry(self, name: str, table: Sequence[Measured]) -> Entry:
        bound = self._bound(name)
        if bound:
            return Entry(NAMES[name], name, bound, enabled=False)
        absent = missing(name)
        if absent:
            words = self.tr("Not installed here; it needs: {packages}")
            return Entry(NAMES[name], name, words.format(packages=", ".join(absent)), enabled=False)
        rows = [row for row in table if row.choice.runtime == name and row.keeps_accuracy]
        if not rows:
            return Entry(NAMES[name], name, self.tr("Not measured on this machine yet"))
        best = min(rows, key=lambda row: row.milliseconds)
        words = self.tr("{ms:.1f} ms for the sample's pair, in {precision}")
        return Entry(NAMES[name], name, words.format(ms=best.milliseconds, precision=best.choice.precision))

    def _bound(self, runtime: str) -> str:
        """Say why a side cannot run on a runtime; "" where both can."""
        for side in map(Path, filter(None, self._sides)):
            if side.suffix.lower() == ".onnx" and runtime == "torch":
                words = self.tr("{name} is run by ONNX Runtime or OpenVINO alone.")
            elif side.suffix.lower() not in (".pt", ".onnx") and runtime != "openvino":
                words = self.tr("{name} is run by OpenVINO alone.")
            else:
                continue
            return words.format(name=side.name)
        return ""

    def _precision_entry(self, name: str, table: Sequence[Measured]) -> Entry:
        rows = [row for row in table if row.choice.precision == name]
        if not table:
            return Entry(name, name)
        if not rows:
            return Entry(
                name, name, self.tr("Nothing here computes in {precision}.").format(precision=name), False
            )
        best = min(rows, key=lambda row: row.milliseconds)
        if best.agreement < AGREEMENT:
            words = self.tr("Never by itself: it finds {share:.0%} of the boxes of f32 again.")
            return Entry(name, name, words.format(share=best.agreement))
        words = self.tr("{ms:.1f} ms for the sample's pair, on {runtime}")
        return Entry(name, name, words.format(ms=best.milliseconds, runtime=NAMES[best.choice.runtime]))

    def _int8_entry(self) -> Entry:
        absent = missing(INT8)
        if absent:
            words = self.tr("Not installed here; it needs: {packages}")
            return Entry(INT8, INT8, words.format(packages=", ".join(absent)), enabled=False)
        words = self.tr(
            "It may find other boxes, so it is never chosen by itself. OpenVINO only; calibrated on the"
            " training pictures of the run, which takes a while the first time."
        )
        return Entry(INT8, INT8, words)

    def _gpu_entry(self, table: Sequence[Measured]) -> Entry:
        name = "Apple GPU" if _GPU == "mps" else "NVIDIA GPU"
        if table and not any(row.choice.device.startswith(_GPU) for row in table):
            return Entry(name, _GPU, self.tr("None was found when the runtimes were measured."), False)
        return Entry(name, _GPU)

    @Slot()
    def _on_menu_value_chosen(self) -> None:
        self._chosen = (self.runtime.value, self.precision.value, self.device.value)
        self.changed.emit(*self._chosen)
