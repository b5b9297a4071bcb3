"""The transfer report: which weights were carried over, and how well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
)

from app.core.blocks import BLOCKS
from app.core.text import grouped
from app.core.transfer_words import way_words
from app.ui import theme
from app.ui.text import listed, translated
from app.ui.widgets.cards import Card, label
from app.ui.widgets.elided import ElidedLabel

_NARROW = 270
_ROW = 22
_ORIGINS = ("copied", "refitted", "factorised", "identity", "fresh")
_TONES = {"fresh": "warn", "copied": "muted"}


class TransferCard(Card):
    """Totals in a sentence, and a table of the modules that were not just copied."""

    def __init__(self) -> None:
        super().__init__(margin=theme.INSIDE)
        self.setObjectName("transferCard")
        self._report: Mapping[str, Any] | None = None
        self._fresh = False
        self._told: list[tuple[int, QLabel]] = []
        self.heading = label(role="strong")
        self.heading.setContentsMargins(4, 0, 4, 0)
        self.totals, self.kept = ElidedLabel(), ElidedLabel()
        for text in (self.totals, self.kept):
            text.setProperty("role", "muted")
            text.setContentsMargins(4, 0, 4, 0)
        self.table = QTableWidget(0, 3)
        self.table.setObjectName("transferTable")
        self.table.setProperty("embedded", "true")
        self.table.verticalHeader().setVisible(False)
        self.table.verticalHeader().setDefaultSectionSize(_ROW)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideLeft)
        self.table.setMinimumHeight(40)
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.sectionResized.connect(self._fit_kinds)
        self.body.setSpacing(4)
        self.body.addWidget(self.heading)
        self.body.addWidget(self.totals)
        self.body.addWidget(self.kept)
        self.body.addWidget(self.table, 1)
        self.body.addStretch(0)

    def show_report(self, report: Mapping[str, Any] | None, fresh: bool) -> None:
        """Show a report.

        Args:
            report: As `transfer.json` has it; None where there is none.
            fresh: Whether the run started from fresh weights.
        """
        if report == self._report and fresh == self._fresh:
            return
        self._report, self._fresh = report, fresh
        self._fill()

    def _fill(self) -> None:
        groups = _groups(self._report)
        totals, kept = self._words()
        for text, words in ((self.totals, totals), (self.kept, kept)):
            text.setText(words)
            text.setToolTip(self._tip() or words)
            text.setVisible(bool(words))
        self._told = []
        self.table.clearSpans()
        self.table.setRowCount(0)
        for (block, how), rows in groups.items():
            if block:
                self._add_kind(block, how)
            for row in rows:
                self._add_module(row)
        notes = () if self._report is None else self._report.get("notes") or ()
        for note in notes:
            self._tell(translated(str(note)), "warn")
        self.table.setVisible(bool(groups) or bool(notes))
        self._fit_kinds()

    def _add_kind(self, block: str, how: str) -> None:
        """Say what was done to the blocks of a kind, in a row of its own."""
        kind = BLOCKS.get(block)
        name = translated(kind.title) if kind is not None else block
        words = self.tr("{kind}: {what}").format(kind=name, what=translated(way_words(block, how)))
        self._tell(words, "muted")

    def _tell(self, words: str, role: str) -> None:
        """Add a row that is one text."""
        number = self.table.rowCount()
        self.table.insertRow(number)
        self.table.setSpan(number, 0, 1, 3)
        told = label(words, tone=role) if role == "warn" else label(words, role=role)
        told.setWordWrap(True)
        told.setContentsMargins(4, 2, 4, 2)
        self.table.setCellWidget(number, 0, told)
        self._told.append((number, told))

    def _add_module(self, row: Mapping[str, Any]) -> None:
        """Add a module."""
        number = self.table.rowCount()
        self.table.insertRow(number)
        how, energy = str(row.get("how", "")), row.get("energy")
        cells = (str(row.get("path", "")), self._how(how), f"{energy:.1%}" if energy is not None else "–")
        for column, words in enumerate(cells):
            item = QTableWidgetItem(words)
            if column == 2:
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if column == 1:
                item.setForeground(theme.colour(_TONES.get(how, "text")))
            item.setToolTip(words)
            self.table.setItem(number, column, item)

    def _fit_kinds(self, *_section: int) -> None:
        """Make the rows that tell about kinds as high as their words need."""
        width = self.table.viewport().width()
        for number, told in self._told:
            told.ensurePolished()
            self.table.setRowHeight(number, max(told.heightForWidth(width), _ROW))

    def _words(self) -> tuple[str, str]:
        """Return what was carried over, and how well."""
        if self._report is None:
            if self._fresh:
                return self.tr("Fresh weights: nothing was carried over."), ""
            return self.tr("Appears once the first weights are there."), ""
        totals = self._report.get("totals") or {}
        parts = []
        for how in _ORIGINS:
            found = totals.get(how) or {}
            if found.get("modules"):
                words = self.tr("{count} {how}").format(count=found["modules"], how=self._how(how))
                share = int(found.get("parameters") or 0) / max(int(totals.get("parameters") or 0), 1)
                parts.append(f"{words} ({share:.0%})")
        energy = totals.get("energy")
        kept = self.tr("{energy} of the output kept on average")
        return listed(parts), kept.format(energy=f"{energy:.1%}") if energy is not None else ""

    def _tip(self) -> str:
        """Return the totals in full, and what the report notes."""
        if self._report is None:
            return ""
        totals = self._report.get("totals") or {}
        lines = [
            self.tr("{how}: {modules} modules, {parameters} parameters").format(
                how=self._how(how),
                modules=totals[how].get("modules"),
                parameters=grouped(int(totals[how].get("parameters") or 0)),
            )
            for how in _ORIGINS
            if (totals.get(how) or {}).get("modules")
        ]
        return "\n".join([*lines, *(translated(str(note)) for note in self._report.get("notes") or ())])

    def _how(self, how: str) -> str:
        return {
            "copied": self.tr("copied"),
            "refitted": self.tr("refitted"),
            "factorised": self.tr("factorised"),
            "identity": self.tr("identity"),
            "fresh": self.tr("fresh"),
        }.get(how, how)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the least needed column out where there is little room."""
        super().resizeEvent(event)
        self.table.setColumnHidden(1, self.width() < _NARROW)

    def retranslate(self) -> None:
        """Set the texts."""
        self.heading.setText(self.tr("Transfer"))
        self.table.setHorizontalHeaderLabels([self.tr("Module"), self.tr("How"), self.tr("Energy")])
        tip = self.tr("Share of the standard layer's output that the new layer reproduces")
        energy = self.table.horizontalHeaderItem(2)
        if energy is not None:
            energy.setToolTip(tip)
        self.table.setAccessibleName(self.tr("Transfer report"))
        self._fill()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)


def _groups(report: Mapping[str, Any] | None) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """Return kind and origin → the rows of a report that were not just copied; those of kinds first.

    What is no row is left out.
    """
    rows = [row for row in (report or {}).get("modules") or [] if isinstance(row, Mapping)]
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: not row.get("block")):
        block, how = str(row.get("block") or ""), str(row.get("how", ""))
        if block or how != "copied":
            found.setdefault((block, how), []).append(row)
    return found
