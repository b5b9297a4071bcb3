"""One picture of a data set, large, with its boxes and the names of their classes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent, QPixmap, QShortcut
from PySide6.QtWidgets import QDialog, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.core.text import grouped
from app.ui import theme
from app.ui.widgets.cards import button, label, name_widget, tool
from app.ui.widgets.elided import ElidedLabel
from app.ui.widgets.thumbnail_feed import Thumb
from app.ui.widgets.thumbnails import fitted, paint_boxes

LARGE_SIDE = 1024


class _Picture(QWidget):
    """Paints the picture as large as fits."""

    def __init__(self) -> None:
        super().__init__()
        self.thumb: Thumb | None = None
        self.pixmap = QPixmap()
        self.names: Sequence[str] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(840, 600)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint picture and boxes; while it is on its way, the bare ground."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("raised"))
        if self.thumb is None or self.pixmap.isNull():
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = fitted(self.pixmap.size(), self.rect())
        painter.drawPixmap(area, self.pixmap)
        paint_boxes(painter, QRectF(area), self.thumb.boxes, 2, self.names)


class PictureDialog(QDialog):
    """Shows one picture after the other: arrow keys or the two tools go through the album."""

    asked = Signal(int)
    """Row of a picture to be brought."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pictureDialog")
        self._row = 0
        self._total = 0
        self.picture = _Picture()
        self.name = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.place = label(role="muted")
        self.back = tool("pictureBack", "chevron_left")
        self.on = tool("pictureOn", "chevron_right")
        self.close_button = button("pictureClose")
        foot = QHBoxLayout()
        foot.setSpacing(theme.INSIDE)
        foot.addWidget(self.back)
        foot.addWidget(self.on)
        foot.addWidget(self.place)
        foot.addWidget(self.name, 1)
        foot.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.BETWEEN, theme.BETWEEN, theme.BETWEEN, theme.BETWEEN)
        column.setSpacing(theme.BETWEEN)
        column.addWidget(self.picture, 1)
        column.addLayout(foot)
        # Shortcuts, because a focused button would take the arrow keys for moving the focus.
        for key, step in (("Left", -1), ("Right", 1)):
            QShortcut(QKeySequence(key), self, lambda step=step: self.go(self._row + step))
        self.back.clicked.connect(lambda: self.go(self._row - 1))
        self.on.clicked.connect(lambda: self.go(self._row + 1))
        self.close_button.clicked.connect(self.accept)
        self.close_button.setFocus()
        self.retranslate()

    def show_album(self, names: Sequence[str], total: int, row: int) -> None:
        """Begin with a picture of an album.

        Args:
            names: of the classes.
            total: how many pictures there are.
            row: the one to show.
        """
        self.picture.names = names
        self._total = total
        self.go(row)

    def go(self, row: int) -> None:
        """Ask for another picture; beyond the ends nothing happens."""
        if not 0 <= row < self._total:
            return
        self._row = row
        self.place.setText(f"{grouped(row + 1)} / {grouped(self._total)}")
        self.back.setEnabled(row > 0)
        self.on.setEnabled(row < self._total - 1)
        self.asked.emit(row)

    def show_picture(self, row: int, thumb: Thumb) -> None:
        """Show a picture that came, unless another one is wanted by now."""
        if row != self._row:
            return
        self.picture.thumb = thumb
        self.picture.pixmap = QPixmap()
        if thumb.jpeg:
            self.picture.pixmap.loadFromData(thumb.jpeg, "JPEG")
        self.name.setText(f"{thumb.path.name}  {thumb.problem}".rstrip())
        self.setWindowTitle(thumb.path.name)
        self.picture.update()

    def retranslate(self) -> None:
        """Set the texts."""
        self.close_button.setText(self.tr("Close"))
        name_widget(self.back, self.tr("Previous picture"), "←")
        name_widget(self.on, self.tr("Next picture"), "→")
        self.picture.setAccessibleName(self.tr("Picture with its boxes"))

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate when the language changes."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)
