"""Which rows the table of the Design page shows: what is found, what is filtered, what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.ui.pages.design_canvas import Canvas
from app.ui.pages.design_compare import Difference
from app.ui.widgets.layer_table import LayerTable
from app.ui.widgets.layer_table_columns import Column, OtherColumn, default_columns
from app.ui.widgets.layer_table_rows import DIFFERENT


class TableRows(QObject):
    """Tells the table what the find field, the filter and the comparison want."""

    found = Signal(tuple)
    """Paths that contain what was typed."""

    def __init__(self, table: LayerTable, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._table = table
        self._canvas = canvas
        self._other = OtherColumn()
        self._shown: Difference | None = None
        self._columns: tuple[Column, ...] = default_columns()
        table.set_columns(self._columns)
        canvas.find_field.textChanged.connect(self._on_find_text_changed)
        canvas.rows_wanted.connect(lambda _rows: self._want())
        canvas.strip.only_different.connect(lambda _only: self._want())

    def add_columns(self, columns: Sequence[Column]) -> None:
        """Show further columns behind the usual ones, in place of those that were added before."""
        self._columns = (*default_columns(), *columns)
        self._set_columns()

    def refresh(self, columns: Sequence[Column]) -> None:
        """Paint columns anew whose figures changed, and sort by them anew where they rule."""
        if self._table.model_.wanted.column in columns:
            self._table.rearrange()
        else:
            self._table.viewport().update()

    def _set_columns(self) -> None:
        other = () if self._shown is None else (self._other,)
        self._table.set_columns((*self._columns, *other))

    def show_difference(self, shown: Difference | None) -> None:
        """Show how modules differ from another design in a column of its own; None takes it away."""
        before, self._shown = self._shown, shown
        if shown is not None:
            self._other.signs, self._other.others = shown.signs, shown.others
            self._other.name = shown.name
        if (before is None) != (shown is None) or (before and shown and before.name != shown.name):
            self._set_columns()
        if shown is not None or before is not None:
            self._want()
            self._table.model_.retint()

    def _on_find_text_changed(self, text: str) -> None:
        found = self._table.matches(text)
        self._canvas.show_found(len(found))
        self._want()
        self.found.emit(found)

    def _want(self) -> None:
        text = self._canvas.find_field.text()
        if text.strip() and not self._table.matches(text):
            text = ""
        only = self._canvas.rows
        different = self._shown.paths if self._shown is not None else frozenset()
        if self._shown is not None and self._canvas.strip.only.isChecked():
            only = DIFFERENT
        self._table.want(replace(self._table.model_.wanted, text=text, only=only, different=different))
