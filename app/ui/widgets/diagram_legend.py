"""The key to the diagram's colours, marks and bars, on one line."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.text import translated
from app.ui.widgets.diagram_facts import MIXED
from app.ui.widgets.diagram_marks import draw_mark, kind_colour
from app.ui.widgets.diagram_paint import heat

_LOCKED, _SHARE = "locked", "share"


class Legend(QWidget):
    """Shows as many entries as fit, the kinds first; the tooltip holds all."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("legend")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.notifier().changed.connect(self.update)
        self.retranslate()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(200, 24)

    def minimumSizeHint(self) -> QSize:
        """It gives way to the tools beside it."""
        return QSize(40, 24)

    def retranslate(self) -> None:
        """Set the translated texts."""
        self._entries = [
            *((name, translated(kind.title)) for name, kind in BLOCKS.items()),
            (MIXED, self.tr("mixed")),
            ("", self.tr("standard")),
            (_LOCKED, self.tr("cannot be replaced")),
            (_SHARE, self.tr("share of GFLOPs, before and now")),
        ]
        words = ", ".join(text for _, text in self._entries)
        self.setAccessibleName(self.tr("Key: {entries}").format(entries=words))
        self.setToolTip(words)
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint entries until the line is full."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font(theme.SIZE_SMALL))
        metrics = painter.fontMetrics()
        x = 0.0
        for name, text in self._entries:
            width = 20 + metrics.horizontalAdvance(text)
            if x + width > self.width():
                break
            self._sign(painter, name, QRectF(x, self.height() / 2 - 6, 12, 12))
            painter.setPen(theme.colour("muted"))
            place = QRectF(x + 17, 0, width, self.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
            x += width + theme.BETWEEN

    def _sign(self, painter: QPainter, name: str, rect: QRectF) -> None:
        if name == _SHARE:
            painter.setPen(Qt.PenStyle.NoPen)
            bar = QRectF(rect.left(), rect.center().y() - 2, rect.width(), 4)
            painter.setBrush(theme.colour("standard", 0.35))
            painter.drawRoundedRect(bar, 2, 2)
            bar.setWidth(bar.width() / 2)
            painter.setBrush(heat(0.5))
            painter.drawRoundedRect(bar, 2, 2)
        elif name == _LOCKED:
            pen = QPen(theme.colour("disabled"), 1.1)
            pen.setDashPattern([2.5, 2.0])
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 2, 2)
        else:
            draw_mark(painter, name, rect, kind_colour(name))
