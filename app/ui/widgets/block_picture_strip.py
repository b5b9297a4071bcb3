"""A strip of a block's picture: channels, filters, channels, …, and its weights as a bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.architecture import Convolution
from app.ui import theme
from app.ui.widgets.diagram_marks import kind_colour

_HEAD, _DRAWING, _LEGEND, _BAR = 19.0, 52.0, 28.0, 14.0
_PLANES = 5
"""Most planes that a stack shows; its number stands below."""
_CELL = 5.0


@dataclass(frozen=True, slots=True)
class Stage:
    """One element of a strip.

    Attributes:
        filters: whether it is a set of filters; else a stack of channels.
        count: how many filters, or channels.
        depth: channels that one filter reads.
        kernel: (height, width) of a filter.
        caption: what stands below, on up to two lines.
        shrunk: whether the maps are smaller than the input (after a stride).
    """

    filters: bool
    count: int
    depth: int = 1
    kernel: tuple[int, int] = (1, 1)
    caption: tuple[str, ...] = ()
    shrunk: bool = False


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of the picture: a title, its stages (none where a graph is drawn instead), and how many weights it has."""

    title: str
    kind: str
    stages: tuple[Stage, ...]
    weights: int


def stages_of(parts: Sequence[Convolution]) -> tuple[Stage, ...]:
    """Return the stages of convolutions that follow each other: channels, filters, channels, …"""
    first = parts[0]
    stages = [Stage(False, first.c1, caption=(f"{first.c1}",))]
    shrunk = False
    for part in parts:
        depth = part.c1 // part.g
        shrunk = shrunk or part.s != (1, 1)
        size = f"{part.k[0]}×{part.k[1]}×{depth}"
        stages.append(Stage(True, part.c2, depth, part.k, (f"{part.c2} ×", size)))
        stages.append(Stage(False, part.c2, caption=(f"{part.c2}",), shrunk=shrunk))
    return tuple(stages)


class StripView(QWidget):
    """Paints one strip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._strip: Strip | None = None
        self._most = 1
        self._room = 0.0
        self._words = ""
        self._high = round(_HEAD + _DRAWING + _LEGEND + _BAR)
        theme.notifier().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As high as a strip, lower without stages."""
        return QSize(300, self._high)

    def minimumSizeHint(self) -> QSize:
        """Narrower than this it would overlap itself."""
        return QSize(220, self._high)

    def show_strip(self, strip: Strip, most: int, words: str, room: float) -> None:
        """Show a strip.

        Args:
            strip: what to draw.
            most: weights that fill the bar.
            words: its weights in words.
            room: width for such words, the same for strips that are compared.
        """
        self._strip, self._most, self._words, self._room = strip, most, words, room
        self._high = round(_HEAD + (_DRAWING + _LEGEND if strip.stages else 2.0) + _BAR)
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the strip."""
        if self._strip is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        _StripPainter(painter, self._strip, area, self._most, self._words, self._room).paint()


class _StripPainter:
    def __init__(
        self, painter: QPainter, strip: Strip, area: QRectF, most: int, words: str, room: float
    ) -> None:
        self.painter = painter
        self.strip = strip
        self.area = area
        self.most = most
        self.words = words
        self.room = room
        self.colour = kind_colour(strip.kind)

    def paint(self) -> None:
        painter = self.painter
        painter.setFont(theme.font(theme.SIZE_BODY, QFont.Weight.DemiBold))
        painter.setPen(theme.colour("text"))
        head = QRectF(self.area.left(), self.area.top(), self.area.width(), _HEAD)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, self.strip.title)
        if self.strip.stages:
            self.stages()
        self.bar()

    def stages(self) -> None:
        """Draw the stages from left to right."""
        widths = [self.width_of(stage) for stage in self.strip.stages]
        gap = (self.area.width() - sum(widths) - 4) / (len(widths) - 1)
        gap = min(gap, 56.0)
        x = self.area.left() + 2
        middle = self.area.top() + _HEAD + _DRAWING / 2
        for number, (stage, width) in enumerate(zip(self.strip.stages, widths, strict=True)):
            if number:
                self.arrow(QPointF(x - gap, middle), QPointF(x, middle))
            place = QRectF(x, middle - _DRAWING / 2, width, _DRAWING)
            if stage.filters:
                self.filters(stage, place)
            else:
                self.maps(stage, place)
            self.caption(stage, place)
            x += width + gap

    def side_of(self, stage: Stage) -> float:
        return 20.0 if stage.shrunk else 28.0

    def width_of(self, stage: Stage) -> float:
        if not stage.filters:
            return self.side_of(stage) + 3.0 * (min(stage.count, _PLANES) - 1)
        planes = min(stage.depth, 4) - 1
        return max(stage.kernel[1] * _CELL + 2.5 * planes, 16.0)

    def tint(self, index: int, count: int) -> QColor:
        """Return the colour of a channel: each its own shade, so that depthwise filters match their channels."""
        part = 0.35 + 0.65 * (index + 1) / max(count, 1)
        base, ground = self.colour, theme.colour("surface")
        return QColor.fromRgbF(
            ground.redF() + (base.redF() - ground.redF()) * part,
            ground.greenF() + (base.greenF() - ground.greenF()) * part,
            ground.blueF() + (base.blueF() - ground.blueF()) * part,
        )

    def maps(self, stage: Stage, place: QRectF) -> None:
        """Draw a stack of channels, the first in front."""
        planes = min(stage.count, _PLANES)
        side = self.side_of(stage)
        left, top = place.left(), place.center().y() + (side + 3.0 * (planes - 1)) / 2 - side
        self.painter.setPen(QPen(theme.colour("surface"), 1))
        for index in reversed(range(planes)):
            self.painter.setBrush(self.tint(planes - 1 - index, planes))
            self.painter.drawRect(QRectF(left + 3.0 * index, top - 3.0 * index, side, side))

    def filters(self, stage: Stage, place: QRectF) -> None:
        """Draw up to three filters below each other: the front plane as cells, the depth behind it as edges."""
        rows, columns = stage.kernel
        shown = min(stage.count, 3 if rows <= 3 else 1)
        planes = min(stage.depth, 4)
        high = rows * _CELL + 2.5 * (planes - 1)
        step = min(high + 5, (_DRAWING - high) / max(shown - 1, 1))
        top = place.center().y() - (step * (shown - 1) + high) / 2
        for number in range(shown):
            y = top + step * number
            for plane in reversed(range(1, planes)):
                corner = QPointF(place.left() + 2.5 * plane, y + 2.5 * (planes - 1 - plane))
                self.painter.setBrush(self.tint(planes - 1 - plane, planes))
                self.painter.setPen(QPen(theme.colour("surface"), 0.8))
                self.painter.drawRect(QRectF(corner.x(), corner.y(), columns * _CELL, rows * _CELL))
            own = (
                self.tint(_PLANES - 1 - number, _PLANES)
                if stage.depth == 1
                else self.tint(planes - 1, planes)
            )
            self.grid(QPointF(place.left(), y + 2.5 * (planes - 1)), stage.kernel, own)

    def grid(self, corner: QPointF, kernel: tuple[int, int], colour: QColor) -> None:
        """Draw the front plane of a filter as its cells."""
        self.painter.setBrush(colour)
        self.painter.setPen(QPen(theme.colour("surface"), 0.8))
        for row in range(kernel[0]):
            for column in range(kernel[1]):
                self.painter.drawRect(
                    QRectF(corner.x() + column * _CELL, corner.y() + row * _CELL, _CELL, _CELL)
                )

    def arrow(self, start: QPointF, end: QPointF) -> None:
        """Draw a short arrow between two stages."""
        inset = min(5.0, (end.x() - start.x()) / 4)
        a, b = QPointF(start.x() + inset, start.y()), QPointF(end.x() - inset, end.y())
        self.painter.setPen(QPen(theme.colour("muted"), 1.2))
        self.painter.drawLine(a, b)
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(theme.colour("muted"))
        self.painter.drawPolygon(QPolygonF([b, b + QPointF(-4.5, -3), b + QPointF(-4.5, 3)]))

    def caption(self, stage: Stage, place: QRectF) -> None:
        """Write the numbers below a stage."""
        self.painter.setFont(theme.font(theme.SIZE_SMALL))
        self.painter.setPen(theme.colour("muted"))
        for number, text in enumerate(stage.caption):
            line = QRectF(place.center().x() - 40, place.bottom() + 1 + 13 * number, 80, 14)
            self.painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)

    def bar(self) -> None:
        """Draw the weights as a bar on the scale of both strips, with their number."""
        painter = self.painter
        y = self.area.bottom() - _BAR / 2
        painter.setFont(theme.font(theme.SIZE_SMALL, QFont.Weight.DemiBold))
        longest = self.area.width() - self.room
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("line"))
        painter.drawRoundedRect(QRectF(self.area.left(), y - 3, longest, 6), 3, 3)
        painter.setBrush(self.colour)
        width = max(longest * self.strip.weights / self.most, 3.0)
        painter.drawRoundedRect(QRectF(self.area.left(), y - 3, width, 6), 3, 3)
        painter.setPen(theme.colour("text"))
        place = QRectF(self.area.left() + longest, y - 8, self.room, 16)
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.words)
