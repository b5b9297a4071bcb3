"""What each layer takes, left against right: a pair of bars a row, its modules below it where it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.compare_layers import LayerMs
from app.core.text import figure, percent_change
from app.ui import theme

_ROW, _MODULE = 30, 24
_NAMES, _FIGURES, _BAR, _INSET = 230, 176, 8, 18
_COLUMNS = (64, 52, 52)
"""Widths of change, right and left figure."""

_TONES = ("standard", "lightweight")


@dataclass(frozen=True)
class _Shown:
    layer: int
    name: str
    times: tuple[float | None, float | None]
    inside: bool


class LayerBars(QWidget):
    """Rows in the same scale; a click on a layer, or Enter, shows or hides its modules, the arrows choose a row."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("layerBars")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._layers: Sequence[LayerMs] = ()
        self._opened: set[int] = set()
        self._current = 0
        self._rest = ""
        theme.notifier().changed.connect(self.update)

    def show_layers(self, layers: Sequence[LayerMs], rest: str) -> None:
        """Show these layers.

        Args:
            layers: by their place in the model.
            rest: what stands for the row without a path.
        """
        self._layers, self._rest = layers, rest
        self._opened.clear()
        self._current = 0
        self._changed()

    def toggle(self, layer: int) -> None:
        """Show or hide the modules of a layer."""
        if 0 <= layer < len(self._layers) and len(self._layers[layer].modules) > 1:
            self._opened ^= {layer}
            self._changed()

    def rows(self) -> list[tuple[str, tuple[str, str, str]]]:
        """Return name and figures of every row shown, for people who read instead of look."""
        return [(row.name, _words(row.times)) for row in self._shown()]

    def sizeHint(self) -> QSize:
        """As high as its rows."""
        return QSize(720, max(sum(_height(row) for row in self._shown()), _ROW))

    def minimumSizeHint(self) -> QSize:
        """As high as its rows, less wide."""
        return QSize(520, self.sizeHint().height())

    def _changed(self) -> None:
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def _shown(self) -> list[_Shown]:
        rows = []
        for number, layer in enumerate(self._layers):
            name = (
                f"{layer.path.removeprefix('model.')}  {layer.title}".rstrip() if layer.path else self._rest
            )
            rows.append(_Shown(number, name, (layer.a_ms, layer.b_ms), inside=False))
            if number in self._opened:
                rows += [
                    _Shown(number, _inner(module.path, layer.path), (module.a_ms, module.b_ms), inside=True)
                    for module in layer.modules
                ]
        return rows

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open or close the layer under the pointer."""
        top = 0
        for row in self._shown():
            top += _height(row)
            if event.position().y() < top:
                self._current = row.layer
                self.toggle(row.layer)
                self.update()
                return

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows choose a layer, Enter or Space opens it."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        key = Qt.Key(event.key())
        if key in steps and self._layers:
            self._current = min(max(self._current + steps[key], 0), len(self._layers) - 1)
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.toggle(self._current)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows that are asked for."""
        painter = QPainter(self)
        rows = self._shown()
        longest = max((ms or 0.0 for row in rows for ms in row.times), default=0.0) or 1.0
        top = 0
        for row in rows:
            high = _height(row)
            if top + high >= event.rect().top() and top <= event.rect().bottom():
                self._paint_row(painter, row, QRectF(0, top, self.width(), high), longest)
            top += high

    def _paint_row(self, painter: QPainter, row: _Shown, area: QRectF, longest: float) -> None:
        if self.hasFocus() and row.layer == self._current and not row.inside:
            painter.fillRect(area, theme.colour("selection"))
        painter.setFont(theme.font(theme.SIZE_SMALL if row.inside else theme.SIZE_BODY))
        painter.setPen(theme.colour("muted" if row.inside else "text"))
        inset = _INSET if row.inside else 0
        name = painter.fontMetrics().elidedText(
            self._mark(row) + row.name, Qt.TextElideMode.ElideMiddle, _NAMES - inset - theme.INSIDE
        )
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(area.adjusted(inset, 0, 0, 0), middle | Qt.AlignmentFlag.AlignLeft, name)
        right = area.right()
        for words, wide in zip(reversed(_words(row.times)), _COLUMNS, strict=True):
            painter.drawText(
                QRectF(right - wide, area.top(), wide, area.height()),
                middle | Qt.AlignmentFlag.AlignRight,
                words,
            )
            right -= wide
        room = area.width() - _NAMES - _FIGURES
        bar = _BAR - 2 if row.inside else _BAR
        y = area.center().y() - bar - 1
        for ms, tone in zip(row.times, _TONES, strict=True):
            if ms:
                painter.fillRect(QRectF(_NAMES, y, max(ms / longest * room, 1.0), bar), theme.colour(tone))
            y += bar + 2

    def _mark(self, row: _Shown) -> str:
        if row.inside or len(self._layers[row.layer].modules) < 2:
            return ""
        return "▾ " if row.layer in self._opened else "▸ "


def _height(row: _Shown) -> int:
    return _MODULE if row.inside else _ROW


def _inner(path: str, layer: str) -> str:
    """Return a module's path inside its layer; the layer's own work stands under its path."""
    return path.removeprefix(f"{layer}.") if path else path


def _words(times: tuple[float | None, float | None]) -> tuple[str, str, str]:
    """Return both figures and the change, as texts."""
    a, b = times
    change = percent_change(a, b) if a is not None and b is not None else "–"
    return "–" if a is None else figure(a, 2), "–" if b is None else figure(b, 2), change
