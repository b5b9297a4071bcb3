"""The row below the pictures: the times as a line and as bars, and the limits that act at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.ui import theme
from app.ui.pages.compare_controls import CONFIDENCE, IOU, Limit
from app.ui.pages.compare_pane import PARTS
from app.ui.widgets.cards import Card, label
from app.ui.widgets.latency_plot import LatencyPlot
from app.ui.widgets.timing_bars import TimingBars

_HEIGHT = 124


class Instruments(QWidget):
    """Latency plot, bars of the parts, confidence and overlap."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = LatencyPlot()
        self.bars = TimingBars()
        self.confidence = Limit("confidence", CONFIDENCE)
        self.iou = Limit("iou", IOU)
        self._headings = [label(role="small") for _ in range(2)]
        self.setFixedHeight(_HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.BETWEEN)
        for stretch, heading, widget in (
            (5, self._headings[0], self.plot),
            (3, self._headings[1], self.bars),
        ):
            card = Card(margin=theme.INSIDE)
            card.body.setSpacing(2)
            card.body.addWidget(heading)
            card.body.addWidget(widget, 1)
            row.addWidget(card, stretch)
        limits = Card(margin=theme.BETWEEN)
        limits.body.addWidget(self.confidence)
        limits.body.addWidget(self.iou)
        row.addWidget(limits, 3)

    def clear(self) -> None:
        """Begin anew."""
        self.plot.clear()
        self.bars.show_parts(None, None)

    def show_statistics(self, figures: Mapping[str, Any]) -> None:
        """Add the newest pairs, and show the medians of all parts."""
        self.plot.extend(figures["recent"])
        a, b = ([figures[side][part]["p50"] for part in PARTS] for side in "ab")
        self.bars.show_parts(a, b)

    def retranslate(self) -> None:
        """Set the words."""
        self._headings[0].setText(self.tr("Inference of every pair, ms"))
        self._headings[1].setText(self.tr("Median of the parts, ms"))
        self.plot.set_sentence(self.tr("Times appear here while it plays."))
        self.plot.setAccessibleName(self.tr("Inference time of both detectors, pair by pair"))
        self.bars.setAccessibleName(self.tr("Median time of every part of both detectors"))
        self.bars.set_words((self.tr("preprocess"), self.tr("inference"), self.tr("postprocess")))
        back = self.tr("Back to where it began")
        self.confidence.set_words(
            self.tr("Confidence"), self.tr("Boxes with a lower score are not shown"), back
        )
        self.iou.set_words(
            self.tr("Overlap (IoU)"),
            self.tr("Of two boxes of a class that overlap more, only the better one is shown"),
            back,
        )
