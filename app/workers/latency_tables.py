"""Reads latency tables in a thread: a large one takes a while to read, and once more to be fitted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.design import Design
from app.core.errors import AppError
from app.core.latency import LatencyTable
from app.core.latency_cache import read_table
from app.core.latency_devices import KnownTable, known_tables
from app.workers.lasting import LastingThread

Shape = tuple[int, int]


class TablesReader(LastingThread):
    """Reads all tables, or one file again, and has each predict a design, so that the next prediction is quick."""

    read = Signal(list, bool)
    """The tables, and whether they are all there are."""

    def __init__(
        self, design: Design, shape: Shape, only: Path | None = None, parent: QObject | None = None
    ) -> None:
        """Prepare to read.

        Args:
            design: what is open.
            shape: height and width of its input.
            only: the file to read; all where None.
            parent: who owns the thread.
        """
        super().__init__(parent)
        self._design = design
        self._shape = shape
        self._only = only

    def run(self) -> None:
        """Read, then tell."""
        if self._only is None:
            found = list(known_tables())
        else:
            table = read_table(self._only)
            found = [KnownTable(table, here=True)] if table is not None and table.wholes else []
        for known in found:
            _try(known.table, self._design, self._shape)
        self.read.emit(found, self._only is None)


def _try(table: LatencyTable, design: Design, shape: Shape) -> None:
    """Predict what is open and its standard model, which fits the table; what cannot be predicted is told elsewhere."""
    work: tuple[Callable[[], object], ...] = (
        lambda: table.predict(design.cleared(), shape),
        lambda: table.predict(design, shape),
        lambda: table.modules(design, shape),
    )
    for step in work:
        try:
            step()
        except AppError:
            return
