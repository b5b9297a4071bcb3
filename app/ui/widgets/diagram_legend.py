"""The key to the diagram's colours, marks and bars, on one line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.activations import title
from app.core.blocks import BLOCKS
from app.ui import theme
from app.ui.text import listed, translated
from app.ui.widgets.diagram_facts import MIXED, Snapshot
from app.ui.widgets.diagram_marks import draw_mark, kind_colour
from app.ui.widgets.diagram_nodes import heat

_LOCKED, _SHARE, _ACTIVATION = "locked", "share", "activation"
Entry = tuple[str, str]
"""What an entry shows, and its words."""


def entries(snapshot: Snapshot | None) -> tuple[Entry, ...]:
    """Return the entries for a design: its activation, where it has one, its kinds, and what is always there."""
    changed: tuple[Entry, ...] = ()
    if snapshot is not None and snapshot.design.activation is not None:
        words = QCoreApplication.translate("Legend", "activation {name} everywhere")
        changed = ((_ACTIVATION, words.format(name=title(snapshot.design.activation))),)
    kinds = {facts.kind for facts in snapshot.facts.values()} if snapshot is not None else set(BLOCKS)
    mixed = ((MIXED, QCoreApplication.translate("Legend", "mixed")),) if MIXED in kinds else ()
    return (
        *changed,
        *((name, translated(kind.title)) for name, kind in BLOCKS.items() if name in kinds),
        *mixed,
        ("", QCoreApplication.translate("Legend", "standard")),
        (_LOCKED, QCoreApplication.translate("Legend", "cannot be replaced")),
        (_SHARE, QCoreApplication.translate("Legend", "share of GFLOPs, before and now")),
    )


def paint_entries(painter: QPainter, shown: Sequence[Entry], area: QRectF) -> float:
    """Paint entries until the line is full; return the width taken."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(theme.font(theme.SIZE_SMALL))
    metrics = painter.fontMetrics()
    x = area.left()
    for name, text in shown:
        width = 20 + metrics.horizontalAdvance(text)
        if x + width > area.right():
            break
        _sign(painter, name, QRectF(x, area.center().y() - 6, 12, 12))
        painter.setPen(theme.colour("muted"))
        place = QRectF(x + 17, area.top(), width, area.height())
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        x += width + theme.BETWEEN
    return x - area.left()


def _sign(painter: QPainter, name: str, rect: QRectF) -> None:
    if name == _SHARE:
        painter.setPen(Qt.PenStyle.NoPen)
        bar = QRectF(rect.left(), rect.center().y() - 2, rect.width(), 4)
        painter.setBrush(theme.colour("standard", 0.35))
        painter.drawRoundedRect(bar, 2, 2)
        bar.setWidth(bar.width() / 2)
        painter.setBrush(heat(0.5))
        painter.drawRoundedRect(bar, 2, 2)
    elif name == _ACTIVATION:
        painter.setPen(QPen(theme.colour("accent"), 1.6))
        bend = QPointF(rect.center().x(), rect.bottom() - 2)
        painter.drawPolyline([QPointF(rect.left(), bend.y()), bend, QPointF(rect.right(), rect.top() + 1)])
    elif name == _LOCKED:
        pen = QPen(theme.colour("disabled"), 1.1)
        pen.setDashPattern([2.5, 2.0])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 2, 2)
    else:
        draw_mark(painter, name, rect, kind_colour(name))


class Legend(QWidget):
    """Shows as many entries as fit, the kinds of the design first; the tooltip holds every kind."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("legend")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._snapshot: Snapshot | None = None
        self._entries: tuple[Entry, ...] = ()
        theme.notifier().changed.connect(self.update)
        self.retranslate()

    def sizeHint(self) -> QSize:
        """One line."""
        return QSize(200, 24)

    def minimumSizeHint(self) -> QSize:
        """It gives way to the tools beside it."""
        return QSize(40, 24)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is shown, as far as there is room."""
        return self._entries

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show the kinds that a design has."""
        self._snapshot = snapshot
        found = entries(snapshot)
        if found != self._entries:
            self._entries = found
            self.update()

    def retranslate(self) -> None:
        """Set the translated texts."""
        self._entries = entries(self._snapshot)
        words = listed(text for _, text in entries(None))
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
        paint_entries(QPainter(self), self._entries, QRectF(self.rect()))
