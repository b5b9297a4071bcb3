"""What the comparison of runs shows: tables, precision against recall, confusion, and pictures with boxes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.core.run_report import Table
from app.ui import theme

_MARGIN_LEFT, _MARGIN_BELOW, _MARGIN = 44, 30, 12
_CELL_WIDE, _CELL_HIGH, _NAMES_PX = 74, 30, 110
_MOST_CLASSES = 30
_TAGS_PX = 220


class GridTable(QTableWidget):
    """A table to read: as high as its rows, the first column with names."""

    def __init__(self, table: Table, colours: Sequence[str] = ()) -> None:
        super().__init__(len(table.rows), len(table.head))
        self.setObjectName("judgeTable")
        self.setAccessibleName(table.title)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setProperty("embedded", "true")
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(theme.ROW_HEIGHT)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(90)
        for column, words in enumerate(table.head):
            self.setHorizontalHeaderItem(column, self._cell(words, column))
        for row, cells in enumerate(table.rows):
            for column, words in enumerate(cells):
                self.setItem(row, column, self._cell(words, column))
        for column, colour in enumerate(colours, 1):
            item = self.horizontalHeaderItem(column)
            if item is not None:
                item.setForeground(QColor(colour))
        self.setFixedHeight(header.sizeHint().height() + len(table.rows) * theme.ROW_HEIGHT + 6)

    @staticmethod
    def _cell(words: str, column: int) -> QTableWidgetItem:
        item = QTableWidgetItem(words)
        side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
        item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        item.setToolTip(words)
        return item


@dataclass(frozen=True)
class Line:
    """A curve of precision over recall, at even steps from 0 to 1."""

    name: str
    colour: str
    values: tuple[float, ...]


class RecallPlot(QWidget):
    """Precision against recall; pointing reads the curves."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("recallPlot")
        self.setMouseTracking(True)
        self.setMinimumSize(320, 240)
        self._lines: tuple[Line, ...] = ()
        self._recall: float | None = None
        theme.notifier().changed.connect(self.update)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is drawn."""
        return self._lines

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Draw other curves."""
        self._lines = tuple(lines)
        self.setAccessibleDescription("; ".join(line.name for line in lines))
        self.update()

    def readings(self, recall: float) -> list[tuple[Line, float]]:
        """Return the precision of every curve at a recall."""
        return [
            (line, line.values[round(recall * (len(line.values) - 1))]) for line in self._lines if line.values
        ]

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw axes, curves and what the mouse is on."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        painter.setFont(theme.font(theme.SIZE_SMALL))
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            x, y = self._at(area, tick, tick).x(), self._at(area, tick, tick).y()
            painter.setPen(theme.colour("grid"))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(theme.colour("muted"))
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, y - 8, _MARGIN_LEFT - 6, 16), right, f"{tick:g}")
            painter.drawText(
                QRectF(x - 20, area.bottom() + 2, 40, 14), Qt.AlignmentFlag.AlignHCenter, f"{tick:g}"
            )
        painter.drawText(
            area.adjusted(6, 2, -6, -2), Qt.AlignmentFlag.AlignBottom, self.tr("precision over recall")
        )
        for line in self._lines:
            count = max(len(line.values) - 1, 1)
            points = [self._at(area, i / count, value) for i, value in enumerate(line.values)]
            painter.setPen(QPen(QColor(line.colour), 2))
            painter.drawPolyline(QPolygonF(points))
        if self._recall is not None:
            self._paint_reading(painter, area, self._recall)

    def _paint_reading(self, painter: QPainter, area: QRectF, recall: float) -> None:
        x = self._at(area, recall, 0).x()
        painter.setPen(theme.colour("strong_line"))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        words = [(self.tr("recall {value}").format(value=f"{recall:.2f}"), theme.tokens().muted)]
        words += [(f"{line.name}  {value:.3f}", line.colour) for line, value in self.readings(recall)]
        metrics = painter.fontMetrics()
        wide = max(metrics.horizontalAdvance(text) for text, _ in words) + 16
        high = metrics.height() * len(words) + 10
        left = x + 8 if x + 8 + wide < area.right() else x - 8 - wide
        box = QRectF(max(left, 0), area.bottom() - high - 26, wide, high)
        painter.setPen(theme.colour("line"))
        painter.setBrush(theme.colour("overlay", 0.94))
        painter.drawRoundedRect(box, 4, 4)
        for row, (text, colour) in enumerate(words):
            painter.setPen(QColor(colour))
            painter.drawText(
                QPointF(box.left() + 8, box.top() + 5 + metrics.ascent() + row * metrics.height()), text
            )

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(_MARGIN_LEFT, _MARGIN, -_MARGIN, -_MARGIN_BELOW)

    @staticmethod
    def _at(area: QRectF, recall: float, precision: float) -> QPointF:
        return QPointF(area.left() + recall * area.width(), area.bottom() - precision * area.height())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Read the curves below the mouse."""
        area = self._area()
        share = (event.position().x() - area.left()) / max(area.width(), 1.0)
        self._recall = min(max(share, 0.0), 1.0) if area.contains(event.position()) else None
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Read nothing any more."""
        self._recall = None
        self.update()
        super().leaveEvent(event)


class ConfusionView(QWidget):
    """The confusion matrix of one run: predicted in rows, true in columns, shares of the column as tint."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("confusionView")
        self._title, self._colour = "", theme.tokens().accent
        self._names: tuple[str, ...] = ()
        self._counts: tuple[tuple[int, ...], ...] = ()
        theme.notifier().changed.connect(self.update)

    def show_run(self, run: Mapping[str, Any], colour: str) -> None:
        """Show a run's matrix."""
        counts = [[int(count) for count in row] for row in run["confusion"]]
        names = [*run["classes"], self.tr("background")]
        keep = [*range(min(len(names) - 1, _MOST_CLASSES)), len(names) - 1]
        self._title, self._colour = str(run["name"]), colour
        self._names = tuple(str(names[i]) for i in keep)
        self._counts = tuple(tuple(counts[i][j] for j in keep) for i in keep)
        self.setAccessibleName(self.tr("Confusion of {name}").format(name=self._title))
        self.setMinimumSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of all cells."""
        count = len(self._names)
        return QSize(_NAMES_PX + count * _CELL_WIDE + 2, 62 + count * _CELL_HIGH)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw title, names and cells."""
        painter = QPainter(self)
        painter.setFont(theme.font(theme.SIZE_BODY))
        painter.setPen(QColor(self._colour))
        painter.drawText(QRectF(0, 0, self.width(), 20), self._title)
        painter.setFont(theme.font(theme.SIZE_SMALL))
        painter.setPen(theme.colour("muted"))
        painter.drawText(QRectF(0, 22, self.width(), 16), self.tr("rows: predicted, columns: true"))
        elide = Qt.TextElideMode.ElideRight
        metrics = painter.fontMetrics()
        middle = Qt.AlignmentFlag.AlignVCenter
        for index, name in enumerate(self._names):
            text = metrics.elidedText(name, elide, _CELL_WIDE - 6)
            painter.setPen(theme.colour("text"))
            column = QRectF(_NAMES_PX + index * _CELL_WIDE, 40, _CELL_WIDE - 4, 18)
            painter.drawText(column, middle | Qt.AlignmentFlag.AlignRight, text)
            row = QRectF(0, 60 + index * _CELL_HIGH, _NAMES_PX - 6, _CELL_HIGH)
            painter.drawText(row, middle, metrics.elidedText(name, elide, _NAMES_PX - 6))
        for i, counts in enumerate(self._counts):
            for j, count in enumerate(counts):
                self._paint_cell(painter, i, j, count)

    def _paint_cell(self, painter: QPainter, i: int, j: int, count: int) -> None:
        total = sum(row[j] for row in self._counts) or 1
        share = count / total
        box = QRectF(_NAMES_PX + j * _CELL_WIDE, 60 + i * _CELL_HIGH, _CELL_WIDE - 2, _CELL_HIGH - 2)
        token = "good" if i == j else "bad"
        painter.fillRect(
            box, theme.colour(token, 0.06 + 0.5 * share) if count else theme.colour("raised", 0.5)
        )
        if count:
            painter.setPen(theme.colour("text"))
            place = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
            painter.drawText(box.adjusted(0, 0, -6, 0), place, str(count))


class BoxPicture(QWidget):
    """One picture with the boxes of one run: right, wrong and missed."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("boxPicture")
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._pixmap = QPixmap()
        self._boxes: list[tuple[QRectF, str, bool, str]] = []
        self._caption = ""

    @property
    def caption(self) -> str:
        """What stands below the picture."""
        return self._caption

    @property
    def boxes(self) -> int:
        """How many boxes are drawn."""
        return len(self._boxes)

    def show_picture(
        self, jpeg: bytes, boxes: Sequence[tuple[Sequence[float], str, bool, str]], caption: str
    ) -> None:
        """Show a picture.

        Args:
            jpeg: From the engine.
            boxes: Sides as shares of the picture, colour token or `#RRGGBB`, whether dashed, words.
            caption: Below it.
        """
        self._pixmap = QPixmap()
        self._pixmap.loadFromData(jpeg)
        self._boxes = [(_rect(sides), colour, dashed, words) for sides, colour, dashed, words in boxes]
        self._caption = caption
        self.setAccessibleName(caption)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw picture, boxes and caption."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        room = QRectF(self.rect()).adjusted(0, 0, 0, -22)
        below = room.bottom()
        if not self._pixmap.isNull():
            size = QSize(self._pixmap.size()).scaled(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
            area = QRectF(0, 0, size.width(), size.height())
            area.moveCenter(room.center())
            below = area.bottom()
            painter.drawPixmap(area, self._pixmap, QRectF(self._pixmap.rect()))
            for box, colour, dashed, words in self._boxes:
                self._paint_box(painter, area, box, colour, dashed, words)
        painter.setFont(theme.font(theme.SIZE_SMALL))
        painter.setPen(theme.colour("muted"))
        text = painter.fontMetrics().elidedText(self._caption, Qt.TextElideMode.ElideMiddle, self.width())
        painter.drawText(QRectF(0, below + 3, self.width(), 18), Qt.AlignmentFlag.AlignHCenter, text)

    @staticmethod
    def _paint_box(
        painter: QPainter, area: QRectF, box: QRectF, colour: str, dashed: bool, words: str
    ) -> None:
        ink = QColor(colour) if colour.startswith("#") else theme.colour(colour)
        pen = QPen(ink, 1.6)
        pen.setStyle(Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        place = QRectF(
            area.left() + box.left() * area.width(),
            area.top() + box.top() * area.height(),
            box.width() * area.width(),
            box.height() * area.height(),
        )
        painter.setPen(pen)
        painter.drawRect(place.intersected(area.adjusted(1, 1, -1, -1)))
        if words and area.width() >= _TAGS_PX:
            painter.setFont(theme.font(theme.SIZE_SMALL))
            wide = painter.fontMetrics().horizontalAdvance(words) + 6
            tag = QRectF(place.left(), max(place.top() - 15, area.top()), wide, 15)
            painter.fillRect(tag, ink)
            painter.setPen(QColor(theme.text_on(ink.name())))
            painter.drawText(tag.adjusted(3, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)


def _rect(sides: Sequence[float]) -> QRectF:
    left, top, right, bottom = (float(side) for side in sides)
    return QRectF(QPointF(left, top), QPointF(right, bottom)).normalized()


def judged_boxes(
    picture: Mapping[str, Any], row: Mapping[str, Any], classes: Sequence[str]
) -> list[tuple[Sequence[float], str, bool, str]]:
    """Return what `BoxPicture` draws of one run on a judged picture: wrong and missed ones with their class."""

    def name(cls: int) -> str:
        return classes[cls] if 0 <= cls < len(classes) else str(cls)

    found: list[tuple[Sequence[float], str, bool, str]] = []
    for cls, *sides, confidence, right in row["boxes"]:
        words = "" if right else f"{name(int(cls))} {float(confidence):.2f}"
        found.append((sides, "#2EA043" if right else "#E5484D", False, words))
    true = picture["true"]
    for index in row["unseen"]:
        if index < len(true):
            found.append((true[index][1:5], "#F5A524", True, name(int(true[index][0]))))
    return found


def jpeg_of(picture: Mapping[str, Any]) -> bytes:
    """Return the bytes of a picture that the engine sent."""
    return base64.b64decode(str(picture["jpeg"]))
