"""The row below the pictures: the times as a line and as bars, and the limits that act at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.core.text import THIN_SPACE
from app.ui import theme
from app.ui.pages.compare_classes import ClassesButton
from app.ui.pages.compare_controls import CONFIDENCE, IOU, Limit
from app.ui.pages.compare_menus import ChoiceMenu, Entry
from app.ui.pages.compare_pane import PARTS
from app.ui.widgets.agreement_plot import AgreementPlot, agreement_share
from app.ui.widgets.cards import Card, label
from app.ui.widgets.latency_plot import LatencyPlot
from app.ui.widgets.timing_bars import TimingBars

SIZES = (160, 192, 224, 256, 320, 384, 416, 448, 512, 576, 640, 768, 896, 1024, 1280)
"""Network inputs offered, px; every one a multiple of 32, the largest stride of the detectors."""

_HEIGHT, _TRAINED = 124, "trained"


class Instruments(QWidget):
    """Latency plot, bars of the parts, agreement, and the limits: confidence, overlap, classes, picture size."""

    size_changed = Signal(object)
    """Larger side of the network input in px; None for the checkpoint's own."""

    def __init__(self) -> None:
        super().__init__()
        self.plot = LatencyPlot()
        self.bars = TimingBars()
        self.confidence = Limit("confidence", CONFIDENCE)
        self.iou = Limit("iou", IOU)
        self.agreement = AgreementPlot()
        self.classes = ClassesButton()
        self.picture_size = ChoiceMenu("pictureSize")
        self.picture_size.value_chosen.connect(
            lambda value: self.size_changed.emit(None if value == _TRAINED else int(value))
        )
        self._headings = [label(role="small") for _ in range(3)]
        self._share: float | None = None
        self.setFixedHeight(_HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.BETWEEN)
        for stretch, heading, widget in (
            (5, self._headings[0], self.plot),
            (5, self._headings[1], self.bars),
            (4, self._headings[2], self.agreement),
        ):
            card = Card(margin=theme.INSIDE)
            card.body.setSpacing(2)
            card.body.addWidget(heading)
            card.body.addWidget(widget, 1)
            row.addWidget(card, stretch)
        limits = Card(margin=theme.BETWEEN)
        limits.body.setContentsMargins(theme.BETWEEN, theme.INSIDE, theme.BETWEEN, theme.INSIDE)
        limits.body.setSpacing(4)
        limits.body.addWidget(self.confidence)
        limits.body.addWidget(self.iou)
        choices = QHBoxLayout()
        choices.setSpacing(theme.INSIDE)
        choices.addWidget(self.classes, 1)
        choices.addWidget(self.picture_size, 1)
        limits.body.addLayout(choices)
        row.addWidget(limits, 6)

    def clear(self) -> None:
        """Begin anew."""
        self.plot.clear()
        self.bars.show_parts(None, None)
        self.agreement.show_rows(())
        self._share = None
        self._show_share()

    def show_statistics(self, figures: Mapping[str, Any]) -> None:
        """Add the newest pairs, and show the medians of all parts."""
        self.plot.extend(figures["recent"])
        a, b = ([figures[side][part]["p50"] for part in PARTS] for side in "ab")
        self.bars.show_parts(a, b)
        self.agreement.show_rows(figures.get("agreement_recent", ()))
        self._share = agreement_share(figures["agreement"]) if "agreement" in figures else None
        self._show_share()

    def _show_share(self) -> None:
        if self._share is None:
            self._headings[2].setText(self.tr("Boxes that agree, %"))
        else:
            share = f"{self._share * 100:.1f}{THIN_SPACE}%"
            self._headings[2].setText(self.tr("Boxes that agree, %: {share} of all").format(share=share))

    def _fill_sizes(self) -> None:
        hint = self.tr(
            "Larger side of the picture that the networks are given; smaller is faster and finds less"
        )
        sizes = [Entry(f"{size} px", str(size), hint) for size in SIZES]
        trained = Entry(self.tr("Size as trained"), _TRAINED, hint)
        self.picture_size.show_entries([[trained], sizes], self.picture_size.value or _TRAINED)
        self.picture_size.setAccessibleName(self.tr("Picture size"))

    def retranslate(self) -> None:
        """Set the words."""
        self._headings[0].setText(self.tr("Inference of every pair, ms"))
        self._headings[1].setText(self.tr("Median of the parts, ms"))
        self._show_share()
        self._fill_sizes()
        self.classes.retranslate()
        self.agreement.set_sentence(self.tr("Appears with the first boxes."))
        self.agreement.setAccessibleName(self.tr("Share of boxes that agree, second by second"))
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
