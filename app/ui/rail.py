"""The rail at the left: one button a page, icon above word."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QSizePolicy, QVBoxLayout, QWidget

from app.ui import theme

_HEIGHT = 60
_ICON = 24
_BAR = 3


class RailButton(QAbstractButton):
    """Icon above word; the checked one has an accent bar and a tinted ground."""

    def __init__(self, name: str, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        self.setObjectName(f"rail_{name}")
        self.setCheckable(True)
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        """A cell of the rail."""
        return QSize(theme.RAIL_WIDTH, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw ground, bar, icon and word."""
        tokens = theme.tokens()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(6, 3, -6, -3)
        if self.isChecked() or self.underMouse() or self.isDown():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("selection" if self.isChecked() else "raised"))
            painter.drawRoundedRect(area, theme.RADIUS, theme.RADIUS)
        if self.hasFocus():
            painter.setPen(theme.colour("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), theme.RADIUS, theme.RADIUS)
        if self.isChecked():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent"))
            painter.drawRoundedRect(QRectF(0, area.top() + 10, _BAR, area.height() - 20), 1.5, 1.5)
        ink = tokens.accent if self.isChecked() else tokens.text if self.underMouse() else tokens.muted
        left = (self.width() - _ICON) / 2
        theme.draw_icon(painter, self._icon, QRectF(left, area.top() + 6, _ICON, _ICON), ink)
        painter.setPen(theme.colour(ink))
        self._draw_word(painter, QRect(2, int(area.top()) + 32, self.width() - 4, 18))

    def _draw_word(self, painter: QPainter, area: QRect) -> None:
        """Write the word, a little smaller where a language needs more room."""
        weight = QFont.Weight.DemiBold if self.isChecked() else QFont.Weight.Normal
        for size in (theme.SIZE_SMALL, theme.SIZE_SMALL - 1, theme.SIZE_SMALL - 2):
            painter.setFont(theme.font(size, weight))
            if painter.fontMetrics().horizontalAdvance(self.text()) <= area.width():
                break
        shown = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, shown)


class Rail(QWidget):
    """The column of page buttons."""

    chosen = Signal(str)

    def __init__(self, pages: tuple[tuple[str, str], ...], parent: QWidget | None = None) -> None:
        """Build the rail.

        Args:
            pages: (name, icon) of every page, from the top.
            parent: Owner.
        """
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(theme.RAIL_WIDTH)
        self._group = QButtonGroup(self)
        self.buttons: dict[str, RailButton] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.INSIDE, 1, theme.INSIDE)
        column.setSpacing(2)
        for name, icon in pages:
            button = RailButton(name, icon, self)
            button.clicked.connect(lambda _checked, name=name: self.chosen.emit(name))
            self._group.addButton(button)
            self.buttons[name] = button
            column.addWidget(button)
        column.addStretch(1)

    def show_active(self, name: str) -> None:
        """Mark a page as the active one."""
        self.buttons[name].setChecked(True)

    def set_word(self, name: str, word: str, shortcut: str) -> None:
        """Set the word of a page and the shortcut that its tooltip tells."""
        button = self.buttons[name]
        button.setText(word)
        button.setAccessibleName(word)
        button.setToolTip(f"{word} ({shortcut})")
