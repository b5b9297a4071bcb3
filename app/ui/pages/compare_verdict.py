"""The comparison in words: how much faster, how many pairs, how well the two agree."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from statistics import median
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout

from app.core.text import figure
from app.ui import theme
from app.ui.widgets.agreement_plot import AgreementLegend
from app.ui.widgets.cards import Card, label
from app.ui.widgets.elided import ElidedLabel

_AGES = 30
"""Pictures that the age shown is the median of."""


def interval(speedup: Mapping[str, float]) -> str:
    """Write a ratio with its interval: ``1.69× [1.66–1.72]``."""
    return f"{speedup['median']:.2f}× [{speedup['low']:.2f}–{speedup['high']:.2f}]"


class Verdict(Card):
    """One line: the speed-up with its interval, what that means, and the counts beside it."""

    def __init__(self) -> None:
        super().__init__(margin=0)
        self.setObjectName("verdict")
        self._figures: Mapping[str, Any] | None = None
        self._counts: Mapping[str, int] | None = None
        self._ages_ms: deque[float] = deque(maxlen=_AGES)
        self.ratio = label(role="section")
        self.ratio.setObjectName("speedup")
        self.meaning = ElidedLabel()
        self.meaning.setProperty("role", "muted")
        self.rate = label()
        self.rate.setObjectName("pairsPerSecond")
        self.dropped = label()
        self.age = label()
        self.agreement = AgreementLegend()
        row = QHBoxLayout()
        row.setContentsMargins(theme.BETWEEN, theme.INSIDE, theme.BETWEEN, theme.INSIDE)
        row.setSpacing(theme.AROUND)
        row.addWidget(self.ratio)
        row.addWidget(self.meaning, 1)
        row.addWidget(self.agreement)
        for item in (self.rate, self.dropped, self.age):
            item.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            row.addWidget(item)
        self.body.addLayout(row)

    def show_statistics(self, figures: Mapping[str, Any] | None) -> None:
        """Show the figures of the engine; None clears them."""
        self._figures = figures
        if figures is None:
            self._ages_ms.clear()
        self.retranslate()

    def note_age(self, age_ms: float) -> None:
        """Take the age of a picture that is being painted."""
        self._ages_ms.append(age_ms)

    def show_counts(self, counts: Mapping[str, int] | None) -> None:
        """Show how the boxes of the picture on the screen compare."""
        self._counts = counts
        self._show_counts()

    def retranslate(self) -> None:
        """Write everything anew."""
        figures = self._figures
        speedup = figures.get("speedup") if figures else None
        self.ratio.setText(interval(speedup) if speedup else "–")
        self.meaning.setText(self._meaning(speedup))
        self._show_counts()
        if figures is None:
            for item in (self.rate, self.dropped, self.age):
                item.setText("")
            return
        rate, age = figures.get("pairs_per_second"), median(self._ages_ms) if self._ages_ms else None
        self.rate.setText(self.tr("{rate} pairs/s").format(rate=figure(rate) if rate else "–"))
        self.dropped.setText(self.tr("%n dropped", "", int(figures.get("dropped", 0))))
        self.age.setText(self.tr("age {age} ms").format(age=round(age) if age is not None else "–"))
        self.dropped.setToolTip(
            self.tr("Pictures of the source that were left out because a newer one had come")
        )
        self.age.setToolTip(self.tr("From the picture's capture until it is painted with both results"))

    def _meaning(self, speedup: Mapping[str, float] | None) -> str:
        if not speedup:
            return self.tr("The speed-up appears as soon as both detectors have seen the same pictures.")
        if speedup["low"] > 1:
            return self.tr("The right one is faster.")
        if speedup["high"] < 1:
            return self.tr("The right one is slower here.")
        return self.tr("No difference can be told yet.")

    def _show_counts(self) -> None:
        counts = self._counts
        if counts is None:
            self.agreement.show_words({}, {})
            return
        words = {
            "agree": self.tr("%n agree", "", counts["agree"]),
            "class_changed": self.tr("%n class changed", "", counts["class_changed"]),
            "only_a": self.tr("%n only left", "", counts["only_a"]),
            "only_b": self.tr("%n only right", "", counts["only_b"]),
        }
        hints = {
            "agree": self.tr(
                "Solid: both sides have the box, overlapping by half or more, and the same class"
            ),
            "class_changed": self.tr("Double: both sides have the box, under different classes"),
            "only_a": self.tr("Dashed: only the left side has the box"),
            "only_b": self.tr("Dotted: only the right side has the box"),
        }
        self.agreement.show_words(words, hints)
