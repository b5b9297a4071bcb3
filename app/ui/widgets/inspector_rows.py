"""The inspector's rows: a block kind with its key, mark and savings; a costly convolution with its share."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.ui import theme
from app.ui.widgets.diagram_marks import draw_mark, kind_colour

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _Row(QAbstractButton):
    """A button that paints itself as a row with a rounded ground."""

    def __init__(self, height: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._height = height
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme.notifier().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As high as its rows, as wide as there is room."""
        return QSize(240, self._height)

    def minimumSizeHint(self) -> QSize:
        """It may become narrow: its texts are elided."""
        return QSize(120, self._height)

    def ground(self, painter: QPainter) -> QRectF:
        """Paint the ground for the button's state and return its area."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        checked, hot = self.isChecked(), self.underMouse() and self.isEnabled()
        fill = "selection" if checked else ("raised" if hot else "surface")
        edge = "accent" if checked or self.hasFocus() else "line"
        painter.setBrush(theme.colour(fill))
        painter.setPen(QPen(theme.colour(edge), 1.5 if self.hasFocus() else 1.0))
        painter.drawRoundedRect(area, 6, 6)
        return area

    def write(
        self, painter: QPainter, rect: QRectF, flags: Qt.AlignmentFlag, text: str, font: QFont, token: str
    ) -> None:
        """Write one elided line."""
        painter.setFont(font)
        painter.setPen(theme.colour(token if self.isEnabled() else "disabled"))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, round(rect.width()))
        painter.drawText(rect, flags, shown)


class KindRow(_Row):
    """A block kind, or "standard": its number key, mark, name, and what the selection would save by it."""

    previewed = Signal(str)
    """The kind under the mouse or with the focus; "-" when it is left."""

    def __init__(self, kind: str, key: str, parent: QWidget | None = None) -> None:
        super().__init__(KIND_HEIGHT, parent)
        self.kind = kind
        self.key = key
        self.setObjectName(f"kind_{kind or 'standard'}")
        self.setCheckable(True)
        self._figures: tuple[tuple[str, str], ...] = ()
        self._detail = ""

    @property
    def detail(self) -> str:
        """What its figures say in words."""
        return self._detail

    def set_words(
        self, title: str, detail: str, figures: tuple[tuple[str, str], ...] = (), tip: str = ""
    ) -> None:
        """Set its name, its figures with their colour tokens, and what they say in words."""
        self.setText(title)
        self._detail, self._figures = detail, figures
        self.setAccessibleName(f"{title} ({self.key}). {detail}" if self.key else f"{title}. {detail}")
        self.setToolTip("\n".join(text for text in (title, detail, tip) if text))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint key, mark, name and figures."""
        painter = QPainter(self)
        area = self.ground(painter)
        cap = QRectF(area.left() + 5, area.center().y() - 8, 16, 16)
        if self.key:
            painter.setBrush(theme.colour("ground"))
            painter.setPen(QPen(theme.colour("strong_line"), 1))
            painter.drawRoundedRect(cap, 4, 4)
            small = theme.font(theme.SIZE_SMALL)
            self.write(painter, cap, Qt.AlignmentFlag.AlignCenter, self.key, small, "muted")
        mark = QRectF(cap.right() + 5, area.center().y() - 6, 12, 12)
        draw_mark(painter, self.kind, mark, kind_colour(self.kind))
        right = area.right() - 8
        for text, token in reversed(self._figures):
            place = QRectF(right - FIGURE_WIDTH, area.top(), FIGURE_WIDTH, area.height())
            self.write(painter, place, _RIGHT, text, theme.font(), token)
            right -= FIGURE_WIDTH
        left = mark.right() + 6
        place = QRectF(left, area.top(), right - left - 3, area.height())
        title, font = self._fitting(place.width())
        self.write(painter, place, _LEFT, title, font, "text")

    def _fitting(self, room: float) -> tuple[str, QFont]:
        """Return the longest form of the title that fits, and its font; where none does, the small one."""
        bold, plain, small = (
            theme.font(weight=QFont.Weight.DemiBold),
            theme.font(),
            theme.font(theme.SIZE_SMALL),
        )
        fonts = (bold, plain, small) if self.isChecked() else (plain, small)
        title = self.text()
        for text in (title, short_title(title)):
            for font in fonts:
                if text and QFontMetricsF(font).horizontalAdvance(text) <= room:
                    return text, font
        return title, small

    def enterEvent(self, event: QEnterEvent) -> None:
        """Preview this kind."""
        self.previewed.emit(self.kind)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """End the preview."""
        self.previewed.emit("-")
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Preview this kind when the keyboard comes to it."""
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.previewed.emit(self.kind)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """End the preview."""
        self.previewed.emit("-")
        super().focusOutEvent(event)


class CostRow(_Row):
    """A module, its share of the cost as words and as a bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(ROW_HEIGHT, parent)
        self.path = ""
        self._share = ""
        self._part = 0.0
        self._kind = ""

    def set_cost(self, path: str, title: str, share: str, part: float, kind: str) -> None:
        """Set what it shows.

        Args:
            path: module path.
            title: name of the module.
            share: its share in words.
            part: length of the bar, 0 to 1.
            kind: block kind, for the bar's colour.
        """
        self.path, self._share, self._part, self._kind = path, share, part, kind
        self.setObjectName(f"costliest_{path}")
        self.setText(title)
        self.setAccessibleName(f"{title}, {share}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint name, share and bar."""
        painter = QPainter(self)
        area = self.ground(painter)
        inner = area.adjusted(10, 0, -10, -5)
        self.write(painter, inner, _LEFT, self.text(), theme.font(), "text")
        self.write(painter, inner, _RIGHT, self._share, theme.font(), "muted")
        bar = QRectF(inner.left(), area.bottom() - 6, max(inner.width() * self._part, 2), 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(kind_colour(self._kind))
        painter.drawRoundedRect(bar, 1.5, 1.5)


ROW_HEIGHT = 32
"""Height of a row that lists a module."""
KIND_HEIGHT = 27
"""Height of a row that offers a kind."""
FIGURE_WIDTH = 48
"""Width of a column of figures."""


def short_title(title: str) -> str:
    """Return what stands in brackets at the end of a title: "SCDown"; "" for none."""
    inside = title.rstrip().removesuffix(")").rpartition("(")[2]
    return inside if title.rstrip().endswith(")") and inside else ""
