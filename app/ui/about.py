"""The dialog that tells what the Studio is."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from app import __version__
from app.ui import theme
from app.ui.crash import versions
from app.ui.widgets.cards import button, label


class AboutDialog(QDialog):
    """Name, version, licence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        mark = label()
        mark.setPixmap(theme.application_icon().pixmap(QSize(64, 64), self.devicePixelRatioF()))
        self._name = label(f"Depthwise Studio {__version__}", "section")
        self._what = label(wrap=True)
        self._licence = label(role="muted", wrap=True)
        self._versions = label(versions(), "small")
        self._versions.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._copy = button("aboutCopy", icon="copy")
        self._close = button("aboutClose", "primary")
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(versions()))
        self._close.clicked.connect(self.accept)
        self._lay_out(mark)
        self._close.setFocus()
        self.retranslate()

    def _lay_out(self, mark: QWidget) -> None:
        words = QVBoxLayout()
        words.setSpacing(theme.BETWEEN)
        for widget in (self._name, self._what, self._licence, self._versions):
            widget.setMinimumWidth(400)
            words.addWidget(widget)
        top = QHBoxLayout()
        top.setSpacing(theme.GROUPS)
        top.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self._copy)
        buttons.addStretch(1)
        buttons.addWidget(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GROUPS, theme.GROUPS, theme.GROUPS, theme.AROUND)
        column.setSpacing(theme.GROUPS)
        column.addLayout(top)
        column.addLayout(buttons)

    def retranslate(self) -> None:
        """Set the texts."""
        self.setWindowTitle(self.tr("About Depthwise Studio"))
        self._what.setText(
            self.tr("Makes YOLOv5 detectors lighter by point and click: design, train, compare.")
        )
        self._licence.setText(
            self.tr(
                "Free software under the GNU Affero General Public License, version 3 or later, without any"
                " warranty. It stands on Qt, PyTorch, Ultralytics, OpenCV and OpenVINO."
            )
        )
        self._copy.setText(self.tr("Copy versions"))
        self._close.setText(self.tr("Close"))

    def changeEvent(self, event: QEvent) -> None:
        """Retranslate."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)
