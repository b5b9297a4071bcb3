"""One side of the comparison: which detector, its picture, its figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.core.text import figure, percent_change
from app.ui import theme
from app.ui.pages.compare_menus import DetectorMenu
from app.ui.widgets.cards import label
from app.ui.widgets.elided import ElidedLabel
from app.ui.widgets.frame_view import FrameView

SHARES = ("p50", "p95", "p99")
PARTS = ("preprocess_ms", "inference_ms", "postprocess_ms")

_RUNTIMES = {
    "openvino": "OpenVINO",
    "onnxruntime": "ONNX Runtime",
    "tensorrt": "TensorRT",
    "torch": "PyTorch",
}
_DIGITS = "0000.0"


class Figures(QWidget):
    """The strip below a picture: the median inference time at large, all parts in a small table.

    Args:
        tone: "standard" or "lightweight", the colour of the large figure.
    """

    def __init__(self, tone: str) -> None:
        super().__init__()
        self.big = label(role="number", tone=tone)
        self.unit = ElidedLabel()
        self.unit.setProperty("role", "muted")
        self.about = ElidedLabel()
        self.about.setProperty("role", "small")
        self.drift = label(role="small", tone="warn")
        self.drift.setVisible(False)
        self.headings = [label(role="small") for _ in PARTS]
        self.table_unit = label(role="small")
        self.rows = [label(role="small") for _ in SHARES]
        self.cells: dict[tuple[str, str], QLabel] = {
            (part, share): label() for part in PARTS for share in SHARES
        }
        self._lay_out()

    def _lay_out(self) -> None:
        headline = QHBoxLayout()
        headline.setSpacing(6)
        headline.addWidget(self.big, 0, Qt.AlignmentFlag.AlignBaseline)
        headline.addWidget(self.unit, 1, Qt.AlignmentFlag.AlignBaseline)
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addLayout(headline)
        setting = QHBoxLayout()
        setting.setSpacing(theme.INSIDE)
        setting.addWidget(self.about, 1)
        setting.addWidget(self.drift)
        left.addLayout(setting)
        left.addStretch(1)
        table = QGridLayout()
        table.setHorizontalSpacing(theme.BETWEEN)
        table.setVerticalSpacing(0)
        for column, (part, heading) in enumerate(zip(PARTS, self.headings, strict=True), start=1):
            heading.setAlignment(Qt.AlignmentFlag.AlignRight)
            table.addWidget(heading, 0, column)
            for row, share in enumerate(SHARES, start=1):
                cell = self.cells[part, share]
                cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                cell.setMinimumWidth(cell.fontMetrics().horizontalAdvance(_DIGITS))
                table.addWidget(cell, row, column)
        table.addWidget(self.table_unit, 0, 0)
        for row, name in enumerate(self.rows, start=1):
            table.addWidget(name, row, 0)
        outer = QHBoxLayout(self)
        outer.setContentsMargins(theme.BETWEEN, theme.INSIDE, theme.BETWEEN, theme.INSIDE)
        outer.setSpacing(theme.AROUND)
        outer.addLayout(left, 1)
        outer.addLayout(table)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_detector(self, about: str) -> None:
        """Say what the detector runs on."""
        self.about.setText(about)

    def show_timings(self, side: Mapping[str, Any] | None) -> None:
        """Show p50 and p95 of every part, in milliseconds; None clears them."""
        self.big.setText(figure(side["inference_ms"]["p50"]) if side else "–")
        for (part, share), cell in self.cells.items():
            cell.setText(figure(side[part][share]) if side else "–")

    def show_drift(self, ratio: float | None) -> None:
        """Say that the last minute was slower or faster than the first; None says nothing."""
        self.drift.setVisible(ratio is not None)
        if ratio is None:
            return
        self.drift.setText(self.tr("drift {change}").format(change=percent_change(1.0, ratio)))
        self.drift.setToolTip(
            self.tr(
                "The last minute's pictures took longer or shorter than the first minute's: a warm machine, "
                "or another program. Begin the statistics anew once it is steady."
            )
        )

    def retranslate(self) -> None:
        """Set the words."""
        self.unit.setText(self.tr("ms, median of inference"))
        words = (self.tr("preprocess"), self.tr("inference"), self.tr("postprocess"))
        for heading, word in zip(self.headings, words, strict=True):
            heading.setText(word)
        for name, word in zip(self.rows, (self.tr("p50"), self.tr("p95"), self.tr("p99")), strict=True):
            name.setText(word)
        self.table_unit.setText(self.tr("ms"))


class Pane(QWidget):
    """A detector's menu, its picture and its figures; the page arranges the three.

    Args:
        name: "a" or "b"; the part of its widgets' names.
        tone: "standard" or "lightweight".
        view: Shows its boxes.
    """

    def __init__(self, name: str, tone: str, view: FrameView) -> None:
        super().__init__()
        self.setObjectName(f"pane_{name}")
        self.tone = tone
        self._found: Mapping[str, Any] | None = None
        self.view = view
        self.marker = QFrame()
        self.marker.setFixedSize(10, 10)
        self.side = label(role="strong", tone=tone)
        self.menu = DetectorMenu(f"detector_{name}")
        self.figures = Figures(tone)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.BETWEEN, theme.INSIDE, theme.INSIDE, theme.INSIDE)
        row.setSpacing(theme.INSIDE)
        row.addWidget(self.marker)
        row.addWidget(self.side)
        row.addWidget(self.menu, 1)
        theme.notifier().changed.connect(self._tint)
        self._tint()

    @property
    def title(self) -> str:
        """Side and detector."""
        return f"{self.side.text()} – {self.menu.currentText()}"

    def _tint(self) -> None:
        self.marker.setStyleSheet(f"background: {theme.colour(self.tone).name()}; border-radius: 3px;")

    def show_detector(self, found: Mapping[str, Any]) -> None:
        """Say what the detector runs on, from the engine's description."""
        self._found = found
        height, width = found["shape"]
        runtime = _RUNTIMES.get(found["runtime"], found["runtime"])
        count = int(found["threads"])
        threads = self.tr("1 thread") if count == 1 else self.tr("{count} threads").format(count=count)
        words = (runtime, found["precision"], found["device"].upper(), threads, f"{width}×{height}")
        self.figures.show_detector(" · ".join(words))

    def retranslate(self) -> None:
        """Set the words."""
        names = {"standard": self.tr("Standard"), "lightweight": self.tr("Lightweight")}
        self.side.setText(names[self.tone])
        self.menu.setAccessibleName(self.tr("{side} detector").format(side=names[self.tone]))
        self.menu.retranslate()
        self.figures.retranslate()
        if self._found is not None:
            self.show_detector(self._found)
