"""Two columns of milliseconds in the layer table: what a module takes, and what replacing it saves."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication

from app.core.text import MINUS
from app.ui.widgets.diagram_facts import Facts, Snapshot
from app.ui.widgets.layer_table_columns import Column, Value

Source = Callable[[Snapshot, Facts], float | None]
"""Milliseconds of a row; None where nothing is known, or nothing to say."""

_LEAST = 0.005
"""What would be written as 0.00."""


class _SourceColumn(Column):
    """Milliseconds from a source; negative where something costs time."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def text(self, snapshot: Snapshot, facts: Facts) -> str:
        """Return the figure."""
        ms = self._source(snapshot, facts)
        return "" if ms is None else _words(ms)

    def value(self, snapshot: Snapshot, facts: Facts) -> Value | None:
        """Return the figure."""
        return self._source(snapshot, facts)


class MillisecondsColumn(_SourceColumn):
    """What a module takes inside the model."""

    key = "milliseconds"
    sample = "000.00"

    def title(self) -> str:
        """Return the header."""
        return QCoreApplication.translate("LayerTable", "Time (ms)")

    def tone(self, snapshot: Snapshot, facts: Facts) -> str:
        """Mute what cannot be replaced."""
        return "" if facts.targets else "muted"


class SavesColumn(_SourceColumn):
    """What the kind of a row saves there; of a standard row what the depthwise separable convolution would save."""

    key = "saves"
    sample = f"{MINUS}00.00"

    def title(self) -> str:
        """Return the header."""
        return QCoreApplication.translate("LayerTable", "Saves (ms)")

    def tone(self, snapshot: Snapshot, facts: Facts) -> str:
        """Mute what would be saved; what is saved or lost has the colour of gain or loss."""
        ms = self._source(snapshot, facts) or 0.0
        if ms <= -_LEAST:
            return "bad"
        return "good" if facts.kind and ms >= _LEAST else "muted"


def _words(ms: float) -> str:
    text = f"{abs(ms):.2f}"
    return f"{MINUS}{text}" if ms < 0 and float(text) else text
