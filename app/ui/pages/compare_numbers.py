"""The figures of a comparison as text: for people, for spreadsheets, and as a table to paste."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QMimeData, QObject

from app.ui.pages.compare_pane import PARTS, SHARES

TSV = "text/tab-separated-values"

Row = tuple[str, ...]


class Numbers(QObject):
    """Writes the figures of a comparison as rows."""

    def rows(
        self, models: Sequence[str], found: Mapping[str, Any], figures: Mapping[str, Any], source: str
    ) -> list[Row]:
        """Return rows of a name and the values of both sides, or of both together.

        Args:
            models: Names of the left and the right detector.
            found: Both detectors, as the engine describes them.
            figures: Statistics, as the engine tells them.
            source: What the pictures came from.
        """
        sides = [found["a"], found["b"]]
        rows: list[Row] = [
            ("", self.tr("left"), self.tr("right")),
            (self.tr("detector"), *models),
            (self.tr("runtime"), *(str(side["runtime"]) for side in sides)),
            (self.tr("precision"), *(str(side["precision"]) for side in sides)),
            (self.tr("device"), *(str(side["device"]) for side in sides)),
            (self.tr("threads"), *(str(side["threads"]) for side in sides)),
            (self.tr("input, px"), *(f"{side['shape'][1]}×{side['shape'][0]}" for side in sides)),
        ]
        parts = (self.tr("preprocess"), self.tr("inference"), self.tr("postprocess"))
        for part, words in zip(PARTS, parts, strict=True):
            for share in SHARES:
                values = (f"{figures[side][part][share]:.3f}" for side in "ab")
                rows.append((f"{words} {share}, ms", *values))
        for name, words in (
            ("speedup", self.tr("speed-up of inference")),
            ("speedup_total", self.tr("speed-up in all")),
        ):
            ratio = figures.get(name)
            if ratio:
                interval = f"{ratio['low']:.3f}–{ratio['high']:.3f}"
                rows.append(
                    (
                        words,
                        f"{ratio['median']:.3f}×",
                        self.tr("95 % interval {interval}").format(interval=interval),
                    )
                )
        rate = figures.get("pairs_per_second")
        rows.append((self.tr("pairs per second"), f"{rate:.2f}" if rate else "–"))
        rows.append((self.tr("pictures dropped"), str(figures.get("dropped", 0))))
        for name, words in (
            ("agree", self.tr("boxes that agree")),
            ("class_changed", self.tr("boxes with another class")),
            ("only_a", self.tr("boxes only left")),
            ("only_b", self.tr("boxes only right")),
        ):
            rows.append((words, str(figures.get("agreement", {}).get(name, 0))))
        rows.append((self.tr("source"), source))
        return rows


def as_mime(rows: Sequence[Row]) -> QMimeData:
    """Return rows as plain text in columns, tab-separated, and as an HTML table for spreadsheets."""
    result = QMimeData()
    result.setText(as_text(rows))
    separated = "\n".join("\t".join(cell.replace("\t", " ") for cell in row) for row in rows) + "\n"
    result.setData(TSV, separated.encode())
    cells = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    result.setHtml(f"<table>{cells}</table>")
    return result


def as_text(rows: Sequence[Row]) -> str:
    """Return rows in columns that line up in a face of fixed width."""
    widths = [max(len(row[i]) for row in rows if i < len(row) - 1) for i in range(2)]
    lines = (
        "  ".join(cell.ljust(widths[i]) if i < len(row) - 1 else cell for i, cell in enumerate(row))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines) + "\n"
